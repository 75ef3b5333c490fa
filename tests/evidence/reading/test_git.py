"""What git says of a workspace, and that the repository's own configuration gets nothing run."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import EnvironmentProblem
from gate.evidence.base.limits import Limits
from gate.evidence.collecting import subject
from gate.evidence.reading import git
from gate.evidence.reading.git import plumbing
from gate.evidence.reading.workspace import Workspace

Run = Callable[..., str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Run]:
    """An empty repository and a way to run git in it."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = tmp_path / "repository"
    root.mkdir()

    def run(*arguments: str) -> str:
        identity = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=root, capture_output=True, check=True, text=True
        )
        return done.stdout.strip()

    run("init", "-q", "-b", "main")
    return root, run


def dirty(root: Path, sources: list[str], workspace: Workspace | None = None) -> bool | None:
    """Whether these sources differ from the commit."""
    workspace = workspace or Workspace(root, sources=sources)
    return subject.find_commit(workspace, subject.measure_sources(workspace)).dirty


def commit(root: Path, run: Run, files: dict[str, str]) -> str:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    run("add", "-A")
    run("commit", "-q", "-m", "a commit")
    return run("rev-parse", "HEAD")


def test_outside_of_a_repository_there_is_nothing(tmp_path: Path) -> None:
    assert git.head(tmp_path) is None
    (tmp_path / "a").touch()
    assert dirty(tmp_path, ["."]) is None


def test_a_repository_that_cannot_be_read_is_no_missing_repository(
    tmp_path: Path, repository: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged .git, or one without git to read it, must not look like a folder without git."""
    (tmp_path / ".git").mkdir()
    root, run = repository
    commit(root, run, {"a": "1"})
    with pytest.raises(EnvironmentProblem) as caught:
        git.head(tmp_path)
    assert "cannot read it" in caught.value.what
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentProblem):
        git.head(root)


def test_an_empty_commit_by_somebody_else_changes_no_author(repository: tuple[Path, Run]) -> None:
    """The author is whoever last touched the judged paths."""
    root, run = repository
    commit(root, run, {"src/a": "1"})
    first = git.head(root)
    assert first is not None and first.commit is not None
    run("-c", "user.email=bot@example.com", "commit", "--allow-empty", "-m", "nothing")
    later = git.head(root)
    assert later is not None and later.commit is not None
    assert later.author_email == "bot@example.com"
    assert git.last_author(root, later.commit, ["src"]) == first.author_email
    assert git.last_author(root, later.commit, ["src/*.py", "src"]) == first.author_email
    assert git.last_author(root, later.commit, ["."]) == first.author_email


def test_before_the_first_commit(repository: tuple[Path, Run]) -> None:
    root, _ = repository
    assert git.head(root) == git.GitState(None, None, None)


def test_the_head_commit_and_its_author_also_from_a_subdirectory(repository: tuple[Path, Run]) -> None:
    root, run = repository
    expected = commit(root, run, {"sub/deep/a.txt": "1", "b.txt": "2"})
    for place in (root, root / "sub", root / "sub" / "deep"):
        assert git.head(place) == git.GitState(expected, "dana@example.com", "sha1")
    assert set(git.committed(root, expected, [])) == {"sub/deep/a.txt", "b.txt"}
    assert git.committed(root / "sub", expected, ["deep"]) == {"deep/a.txt": git.blob_id(b"1", "sha1")}
    assert git.committed(root, expected, ["*.txt", "-x"]) == {}
    many = [f"no/{number}" for number in range(600)]
    assert "b.txt" in git.committed(root, expected, many)


def test_a_sha256_repository(repository: tuple[Path, Run], tmp_path: Path) -> None:
    _, run = repository
    other = tmp_path / "other"
    run("init", "-q", "--object-format=sha256", str(other))
    (other / "a").write_text("content")
    run("-C", str(other), "add", "a")
    run("-C", str(other), "commit", "-q", "-m", "x")
    state = git.head(other)
    assert state is not None
    assert state.object_format == "sha256"
    assert len(state.commit or "") == 64
    assert dirty(other, ["a"]) is False


def test_dirty_sees_changes_new_and_deleted_files_and_links(repository: tuple[Path, Run]) -> None:
    root, run = repository
    (root / "src").mkdir()
    (root / "src" / "link").symlink_to("./a.py")
    commit(root, run, {"src/a.py": "1", "src/b.py": "2", "other/c.py": "3"})
    assert dirty(root, ["src", "other/*.py"]) is False
    assert dirty(root / "src", ["."]) is False

    (root / "other" / "c.py").write_text("changed")
    assert dirty(root, ["src"]) is False
    assert dirty(root, ["."]) is True
    assert dirty(root, ["src", "other/**"]) is True
    (root / "other" / "c.py").write_text("3")

    (root / "src" / "new.py").write_text("")
    assert dirty(root, ["src"]) is True
    (root / "src" / "new.py").unlink()

    (root / "src" / "b.py").unlink()
    assert dirty(root, ["src/"]) is True
    (root / "src" / "b.py").write_text("2")

    (root / "src" / "link").unlink()
    (root / "src" / "link").symlink_to("a.py")
    assert dirty(root, ["src"]) is True


def test_a_workspace_that_was_read_is_not_read_again(repository: tuple[Path, Run]) -> None:
    """What git's answer is about is what the digest was taken of."""
    root, run = repository
    (root / "link").symlink_to("a.py")
    commit(root, run, {"a.py": "1"})
    workspace = Workspace(root, sources=["."])
    assert dirty(root, ["."], workspace) is False
    (root / "a.py").write_text("2")
    assert dirty(root, ["."], workspace) is False
    assert dirty(root, ["."]) is True


@pytest.mark.parametrize("size", [0, 5, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_ids_taken_in_pieces_are_gits(repository: tuple[Path, Run], size: int) -> None:
    """A large file is never held as a whole, and has the id that git itself gives it."""
    root, run = repository
    (root / "a").write_bytes(b"x" * size)
    assert Workspace(root).blob_id("a", "sha1") == run("hash-object", "--no-filters", "a")


def test_the_repository_cannot_make_us_run_anything(
    repository: tuple[Path, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, run = repository
    expected = commit(root, run, {"a.txt": "1", ".gitattributes": "*.txt filter=evil diff=evil\n"})
    trap = tmp_path / "trap"
    evil = f"sh -c 'touch {trap}; cat'"
    for name in ("filter.evil.clean", "filter.evil.smudge", "core.fsmonitor", "core.pager", "gpg.program",
                 "diff.evil.textconv", "core.sshCommand", "core.alternateRefsCommand"):  # fmt: skip
        run("config", name, evil)
    run("config", "log.showSignature", "true")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", evil)
    (root / "a.txt").write_text("2")
    assert git.head(root) == git.GitState(expected, "dana@example.com", "sha1")
    assert dirty(root, ["."]) is True
    assert not trap.exists()


@pytest.mark.parametrize(
    "setting",
    [
        "trailer.separators==",
        "trailer.co-authored-by.key=X",
        "core.commentChar=C",
        "i18n.logOutputEncoding=IBM037",
        "mailmap.file=/dev/zero",
        "core.bare=true",
        "core.worktree=/",
        "core.worktree=../../src",
    ],
)
def test_the_repository_s_settings_hide_no_author(repository: tuple[Path, Run], setting: str) -> None:
    """Whoever wrote the change must not approve it, whatever the checkout has git print, or look at."""
    root, run = repository
    commit(root, run, {"product/src/a": "1", "src/b": "1"})
    run("commit", "-q", "--amend", "-m", "x\n\nwhy\n\nCo-Authored-By: Mei\n  <mei@example.com>")
    name, _, value = setting.partition("=")
    run("config", name, value)
    state = git.head(root)
    assert state is not None and state.commit is not None
    for place, paths in ((root, ["."]), (root / "product", ["src"]), (root / "product", ["s*c/a"])):
        wrote = plumbing.authors(place, state.commit, None, paths)
        assert wrote == {"dana@example.com", "mei@example.com"}
        assert git.last_author(place, state.commit, paths) == "dana@example.com"
        assert "src/a" in git.tree(root / "product", state.commit, [], Limits())


def test_sources_that_no_commit_touched_have_no_known_author(repository: tuple[Path, Run]) -> None:
    """Nobody is cleared by a repository that holds something else, such as one that .git was pointed to."""
    root, run = repository
    made = commit(root, run, {"README": "1"})
    (root / "src").mkdir()
    (root / "src" / "a.py").write_text("x = 1\n")
    assert plumbing.authors(root, made, None, ["src"]) is None
    assert plumbing.authors(root, made, made, ["src"]) == frozenset()


def test_an_author_without_utf8_is_no_author(repository: tuple[Path, Run]) -> None:
    root, run = repository
    first = commit(root, run, {"a": "1"})
    raw = subprocess.run(
        ["git", "cat-file", "commit", first], cwd=root, capture_output=True, check=True
    ).stdout.replace(b"dana@example.com", b"d\xe4na@example.com")
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"], cwd=root, input=raw, capture_output=True
    ).stdout.decode()
    run("update-ref", "HEAD", made.strip())
    state = git.head(root)
    assert state is not None
    assert state.commit == made.strip()
    assert state.author_email is None


def fake_git(folder: Path, script: str) -> str:
    """A ``git`` of our own first on PATH, for what a real one does only on a broken machine."""
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exec sleep 5", "git took longer than 0.2 s"),
        (
            "echo 'fatal: detected dubious ownership' >&2; exit 128",
            "git refuses the repository: fatal: detected",
        ),
    ],
)
def test_a_git_that_hangs_or_refuses_is_an_error(
    repository: tuple[Path, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    root, _ = repository
    monkeypatch.setenv("PATH", fake_git(tmp_path / "bin", script))
    with pytest.raises(EnvironmentProblem) as caught:
        git.head(root, Limits(git_seconds=0.2))
    assert said in caught.value.what
    assert caught.value.remedy


def test_a_git_that_cannot_be_started(
    repository: tuple[Path, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = repository
    fake_git(tmp_path / "bin", "")
    (tmp_path / "bin" / "git").write_bytes(b"\x7fELF\x00")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(EnvironmentProblem, match="git cannot be started"):
        git.head(root)


@given(st.binary(max_size=200))
def test_blob_ids_are_gits(data: bytes) -> None:
    assert git.blob_id(data, "sha256") == hashlib.sha256(b"blob %d\x00" % len(data) + data).hexdigest()
    assert git.blob_id(b"", "sha1") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
