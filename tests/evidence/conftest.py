"""A real git repository for the tests of git and of the collectors that ask it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gate.evidence.reading.git.history import History

YEAR_2024 = "1704067200 +0000"


@dataclass
class Repository:
    """A real repository, and how to work in it."""

    root: Path
    keys: Path

    def run(self, *arguments: str, when: str = YEAR_2024, text: bytes = b"") -> str:
        fixed = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        identity = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "gpg.format=ssh"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.root, env=os.environ | fixed, capture_output=True, check=True, input=text,
        )  # fmt: skip
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, files: dict[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: dict[str, str | bytes], key: str = "", when: str = YEAR_2024) -> str:
        self.write(files)
        self.run("add", "-A", ".")
        signing = ["-c", f"user.signingkey={self.keys / key}", "commit", "-S"] if key else ["commit"]
        self.run(*signing, "-q", "--allow-empty", "-m", "a change", when=when)
        return self.run("rev-parse", "HEAD")

    def tag(self, name: str, key: str, *more: str, when: str = YEAR_2024) -> None:
        self.run("-c", f"user.signingkey={self.keys / key}", "tag", "-s", "-m", "x", name, *more, when=when)

    def signer(self, key: str, options: str = "", principal: str = "dana@example.com") -> bytes:
        public = (self.keys / f"{key}.pub").read_text().split()
        return f"{principal} {options} {public[0]} {public[1]}\n".encode()

    def store(self, kind: str, raw: bytes) -> str:
        return self.run("hash-object", "-t", kind, "-w", "--literally", "--stdin", text=raw)

    def raw(self, kind: str, name: str) -> bytes:
        done = subprocess.run(["git", "cat-file", kind, name], cwd=self.root, capture_output=True, check=True)
        return done.stdout

    @property
    def history(self) -> History:
        return History(self.root)


@pytest.fixture(scope="session")
def make_repository() -> Callable[[Path, Path], Repository]:
    """A factory of repositories from a folder and the folder of its keys."""
    return Repository


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root, keys = tmp_path / "repository", tmp_path / "keys"
    root.mkdir()
    keys.mkdir()
    made = Repository(root, keys)
    made.run("init", "-q", "-b", "main")
    return made


@pytest.fixture
def signing(repo: Repository) -> Repository:
    for name in ("dana", "mallory"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(repo.keys / name)]
        subprocess.run(command, check=True)
    return repo
