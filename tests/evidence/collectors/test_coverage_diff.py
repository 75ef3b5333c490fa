"""Coverage of changed lines is what diff-cover says of the same repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import ConfigError

BEFORE = "def one(x):\n    if x:\n        return 1\n    return 2\n\n\ndef two():\n    return 2\n"
AFTER = (
    "def one(x):\n    if x > 1:\n        return (\n            1 +\n            1\n        )\n    return 2\n"
    "\n\n# note\ndef two():\n    y = 3\n    return y\n\n\nTOTAL = one(3)\n"
)
NEW = "def three():\n    return 3\n\n\nVALUE = 1\n"


def run(root: Path, *command: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "GIT_"))}
    clean |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(command, cwd=root, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(root: Path) -> str:
    run(root, "git", "add", "-A")
    author = ("-c", "user.name=A", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    run(root, "git", *author, "commit", "-q", "-m", "x")
    return run(root, "git", "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository with a change since the first commit, measured, and the id of that commit."""
    root = tmp_path_factory.mktemp("measured")
    run(root, "git", "init", "-q", "-b", "main", ".")
    (root / "pkg").mkdir()
    (root / ".gitignore").write_text("coverage.*\n.coverage\n.coveragerc\n__pycache__/\nreport.json\n")
    (root / ".coveragerc").write_text("[run]\nrelative_files = true\n")
    (root / "pkg/__init__.py").write_text("")
    (root / "pkg/same.py").write_text("x = 1\n")
    (root / "pkg/a.py").write_text(BEFORE)
    (root / "drive.py").write_text("from pkg import a\n")
    base = commit(root)
    run(root, "git", "tag", "v1")
    (root / "pkg/a.py").write_text(AFTER)
    (root / "pkg/new.py").write_text(NEW)
    (root / "drive.py").write_text("from pkg import a, new, same\n")
    tool = (sys.executable, "-m", "coverage")
    run(root, *tool, "run", "--source=pkg", "drive.py")
    for kind in ("xml", "json", "lcov"):
        run(root, *tool, kind, "-q")
    return root, base


@pytest.fixture
def changed(measured: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """A copy of it, to be changed; the one report with an absolute path names the copy."""
    root, base = measured
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    report = tmp_path / "coverage.xml"
    report.write_text(report.read_text().replace(str(root), str(tmp_path)))
    return tmp_path, base


@pytest.mark.soak
@pytest.mark.parametrize("committed", [True, False])
def test_changed_lines_are_covered_as_diff_cover_says(
    watch: Any, changed: tuple[Path, str], committed: bool
) -> None:
    root, base = changed
    if committed:
        commit(root)
    else:
        run(root, "git", "add", "-A")
    arguments = ("coverage.xml", f"--compare-branch={base}", "--format", "json:report.json")
    run(root, str(Path(sys.executable).with_name("diff-cover")), *arguments)
    said = json.loads((root / "report.json").read_bytes())
    assert said["total_num_lines"] > said["total_num_violations"] > 0
    reports = [".coverage", "coverage.json", "coverage.xml", "coverage.lcov"]
    kept = {name: (root / name).read_bytes() for name in reports}
    for name, report in kept.items():
        for other in reports:
            (root / other).unlink(missing_ok=True)
        (root / name).write_bytes(report)
        diff = watch("coverage", {}, sources=["pkg"], base=base).facts["diff"]
        assert diff["base"] == base
        assert diff["statements"] == said["total_num_lines"]
        assert diff["covered"] == said["total_num_lines"] - said["total_num_violations"]
        assert diff["line_ppm"] // 10_000 == said["total_percent_covered"]
        assert diff["files"] == len(said["src_stats"]) == 2


@pytest.mark.parametrize("more", ["", "\n\ndef four():\n    return 4\n"])
@pytest.mark.parametrize("committed", [True, pytest.param(False, marks=pytest.mark.soak)])
def test_a_renamed_file_is_compared_with_what_it_was(
    watch: Any, changed: tuple[Path, str], more: str, committed: bool
) -> None:
    """As ``git diff -M`` does, also in a subdirectory's index; a file too different is new."""
    root, _ = changed
    base = commit(root)
    run(root, "git", "mv", "pkg/a.py", "pkg/b.py")
    run(root, "git", "mv", "pkg/same.py", "pkg/other.py")
    (root / "pkg/b.py").write_text(AFTER + more)
    (root / "pkg/other.py").write_text("def nothing_alike():\n    return 2\n")
    run(root, "git", "add", "-A")
    if committed:
        commit(root)
    lcov = "SF:pkg/b.py\nDA:2,1\nDA:20,1\nend_of_record\n"
    (root / ".coverage").unlink()
    evidence = watch("coverage", {"r.lcov": lcov}, sources=["pkg"], base=base, lcov="r.lcov")
    diff = evidence.facts["diff"]
    assert (diff["files"], diff["statements"], diff["covered"]) == (2, 4, 1) if more else (1, 2, 0)


def test_a_base_may_be_a_tag_a_branch_or_a_short_id(watch: Any, changed: tuple[Path, str]) -> None:
    root, base = changed
    found = {
        name: watch("coverage", {}, sources=["pkg"], base=name).facts["diff"]
        for name in ("v1", "main", base, base[:10])
    }
    assert {diff["base"] for diff in found.values()} == {base}
    assert commit(root) != base
    diff = watch("coverage", {}, sources=["pkg"], base="main").facts["diff"]
    assert (diff["files"], diff["statements"], diff["line_ppm"]) == (0, 0, None)


def test_without_a_base_there_is_no_difference(watch: Any, changed: tuple[Path, str]) -> None:
    evidence = watch("coverage", {}, sources=["pkg"])
    assert evidence.facts["diff"] is None
    assert [one.reason for one in evidence.problems if one.fact == "diff"] == ["no base commit is configured"]


@pytest.mark.parametrize(
    "base",
    ["nowhere", pytest.param("0" * 40, marks=pytest.mark.soak), pytest.param("v2", marks=pytest.mark.soak)],
)
def test_a_base_that_git_does_not_know(watch: Any, changed: tuple[Path, str], base: str) -> None:
    root, _ = changed

    def reason(base: str) -> list[str]:
        evidence = watch("coverage", {}, sources=["pkg"], base=base)
        assert evidence.facts["line_ppm"] is not None
        return [one.reason for one in evidence.problems if one.fact == "diff"]

    assert reason(base) == [f"git knows no commit {base!r} (evidence.coverage.base)"]
    with pytest.raises(ConfigError):
        watch("coverage", {}, sources=["pkg"], base="--upload-pack=x")
    (root / ".git").rename(root / "git-gone")
    assert reason("main") == ["git knows no commit 'main' (evidence.coverage.base)"]
