"""What a release consists of, and that the program works as its users install it."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
INHERITED = dict(os.environ)
"""How this machine reaches its package index, before the fixtures clear the environment."""
Gate = Callable[..., Any]


def _version() -> str:
    return re.findall(r'^__version__ = "(.+)"$', (ROOT / "__init__.py").read_text(), re.MULTILINE)[0]


def test_the_changelog_fits_the_version() -> None:
    """Dated sections, newest first: this version, or an older one while there is unreleased work."""
    text = (ROOT / "CHANGELOG.md").read_text()
    first, *released = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert first == "[Unreleased]"
    versions = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", one) for one in released]
    assert all(versions), released
    numbers = [tuple(map(int, one.groups())) for one in versions if one]
    assert numbers == sorted(set(numbers), reverse=True)
    now = tuple(map(int, _version().split(".")))
    unreleased = re.split(r"^## .+$", text, flags=re.MULTILINE)[1].strip()
    assert numbers[:1] <= [now] if unreleased else numbers[:1] == [now]


def test_the_version_is_in_one_place() -> None:
    """Nothing else of the project's files states it: it is read from the package."""
    project = (ROOT / "pyproject.toml").read_text()
    assert 'dynamic = ["version"]' in project and 'version = { attr = "gate.__version__" }' in project
    for name in ("Containerfile", "action.yml", "docs/conf.py", ".ci/release.py"):
        assert _version() not in (ROOT / name).read_text(), name


@pytest.mark.parametrize("arguments", [("--version", "--verbose"), ("--verbose", "--version")])
def test_what_a_bug_report_needs(gate: Gate, arguments: tuple[str, str], tmp_path: Path) -> None:
    """Versions of everything that takes part, and no path of the user's but the interpreter's."""
    told = gate(*arguments, env={"GATE_LOG_KEY": "hush", "HOME": str(tmp_path)})
    assert (told.code, told.err) == (0, "")
    lines = told.out.splitlines()
    assert lines[0] == f"gate      {_version()}"
    assert any(line.startswith("python    CPython 3.") and sys.executable in line for line in lines)
    assert any(re.fullmatch(r"package   gordon-to-regorus [\d.]+", line) for line in lines)
    assert any(re.fullmatch(r"extra     oci: oras [\d.]+", line) for line in lines)
    assert any(re.fullmatch(r"program   opa (not found|[\d.]+)", line) for line in lines)
    assert "hush" not in told.out
    assert "/" not in told.out.replace(sys.executable, "")


def test_a_program_that_hangs_up_or_lies_about_its_version(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it prints is shortened and cleaned; a relative entry of PATH is not looked into."""
    tools = tmp_path / "tools"
    for folder, text in (
        (tools, "exec printf 'git version 9\\033[31m\\n'"),
        (tmp_path / "here", "touch ran"),
    ):
        folder.mkdir()
        (folder / "git").write_text(f"#!/bin/sh\n{text}\n")
        (folder / "git").chmod(0o755)
    (tools / "opa").write_text("#!/bin/sh\nyes | head -c 100000\n")
    (tools / "opa").chmod(0o755)
    monkeypatch.setenv("PATH", f"here:{tools}:/usr/bin:/bin")
    told = gate("--version", "--verbose")
    assert told.code == 0 and not (tmp_path / "ran").exists()
    assert "program   git 9\n" in told.out and "program   opa does not answer\n" in told.out


@pytest.mark.soak
def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    """By the line that docs/install.md shows for ~/.bashrc, with the installed program."""
    page = (ROOT / "docs" / "install.md").read_text()
    [line] = re.findall(r"^eval .*_GATE_COMPLETE=.*$", page, re.MULTILINE)
    script = f"""
    {line}
    complete -p gate > /dev/null
    for words in "gate led" "gate ledger ver" "gate evaluate --trust"; do
        COMP_WORDS=($words); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _gate_completion gate && printf '%s ' "${{COMPREPLY[@]}}"
    done
    """
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["ledger", "verify", "--trust-ref"], done.stderr


def test_contracts_are_printed_for_editors(gate: Gate) -> None:
    """By file name, with or without the folder; a name of several or of none is explained."""
    shown = gate("docs", "gate_config.schema.json")
    assert (shown.code, shown.out) == (0, (ROOT / "contracts" / "gate_config.schema.json").read_text())
    assert gate("docs", "contracts/files/waiver.schema.json").code == 0
    for name in ("gate_confg.schema.json", "../../etc/x.schema.json", ".schema.json"):
        wrong = gate("docs", name)
        assert wrong.code == 2 and "there is no contract" in wrong.err
    several = gate("docs", "waiver.schema.json")
    assert several.code == 2 and "files/waiver.schema.json" in several.err


def test_the_container_file_keeps_to_its_rules() -> None:
    """Pinned images, a user without rights, files that exist, dependencies by hash. Not built."""
    text = (ROOT / "Containerfile").read_text()
    images = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(set(images)) == 1 and re.search(r":\d+\.\d+\.\d+-", images[0])
    users = re.findall(r"^USER (\S+)", text, re.MULTILINE)
    assert users and users[-1].split(":")[0] not in {"0", "root"}
    assert "--require-hashes" in text
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source


def test_a_source_distribution_does_not_depend_on_its_maker() -> None:
    """Order, owners, times and modes of members are made the same."""
    spec = spec_from_file_location("ci_release", ROOT / ".ci" / "release.py")
    assert spec is not None and spec.loader is not None
    release = module_from_spec(spec)
    spec.loader.exec_module(release)

    def packed(names: list[str], owner: int, time: int, mode: int) -> bytes:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w:gz") as archive:
            for name in names:
                member = tarfile.TarInfo(name)
                member.size, member.uid, member.uname = 3, owner, f"user{owner}"
                member.mtime, member.mode = time, mode
                archive.addfile(member, io.BytesIO(b"abc"))
        return made.getvalue()

    one, other = packed(["b", "a"], 0, 1, 0o600), packed(["a", "b"], 1000, 2, 0o664)
    assert one != other
    assert release.normal(one, 1_700_000_000) == release.normal(other, 1_700_000_000)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(release.normal(one, 5)))) as archive:
        found = [(member.name, member.mtime, member.mode) for member in archive]
    assert found == [("a", 5, 0o644), ("b", 5, 0o644)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the committed tree."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
        archive.extractall(folder / "tree", filter="data")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, folder / "tree"],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


@pytest.mark.soak
@pytest.mark.parametrize("installer", ["pipx", "uv"])
def test_installed_for_one_user(installer: str, wheel: Path, tmp_path: Path) -> None:
    """The lines of docs/install.md put a working program into a home of the test's own."""
    tools = Path(sys.executable).parent
    if not (tools / installer).exists() and not os.environ.get("GATE_TEST_ALL_PARTS"):
        pytest.skip(f"{installer} is not installed: make soak installs it")
    page = (ROOT / "docs" / "install.md").read_text()
    [line] = re.findall(rf"^{installer} .*install .*\.whl$", page, re.MULTILINE)
    shutil.copy(wheel, tmp_path)
    # the locked versions, without hashes, since the wheel has none: no newer release can fail this test
    lock = (ROOT / ".ci" / "requirements" / "run.txt").read_text()
    pins = tmp_path / "pins.txt"
    pins.write_text("\n".join(re.findall(r"^[A-Za-z0-9].*?==[^\\\n]*", lock, re.MULTILINE)))
    apart = ("GATE_", "PIPX_", "UV_TOOL", "XDG_")
    env = {name: value for name, value in INHERITED.items() if not name.startswith(apart)}
    env |= {"HOME": str(tmp_path), "PATH": f"{tmp_path}/.local/bin:{tools}:/usr/bin:/bin"}
    env |= {"PIPX_DEFAULT_PYTHON": sys.executable, "UV_PYTHON": sys.executable}
    env |= {"PIP_CONSTRAINT": str(pins), "UV_CONSTRAINT": str(pins)}
    for command in (line, "gate --version --verbose"):
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert str(tmp_path) in done.stdout.splitlines()[1]  # its own interpreter
    assert "extra     oci: oras not installed\n" in done.stdout
    pinned = re.findall(r"^pydantic==(\S+)", lock, re.MULTILINE)
    assert f"package   pydantic {pinned[0]}\n" in done.stdout
