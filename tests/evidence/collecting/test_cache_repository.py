"""What git's answers depend on, told without git."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.evidence.reading.git.state import repository_state

Git = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The work tree."""
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def repository(root: Path) -> Git:
    """A repository with a commit, and git in it; afterwards, nothing was written just now."""

    def run(*arguments: str, cwd: Path = root) -> str:
        identity = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=cwd, capture_output=True, check=True, text=True)
        time.sleep(0.12)
        return done.stdout.strip()

    run("init", "-q", "-b", "main")
    (root / "a").write_text("a")
    (root / "b").write_text("b")
    run("add", ".")
    run("commit", "-q", "-m", "first")
    return run


CHANGES: dict[str, list[str]] = {
    "a commit": ["commit", "--allow-empty", "-qm", "second"],
    "an amended commit": ["commit", "--amend", "-qm", "other"],
    "a branch": ["branch", "other"],
    "a branch deeper down": ["branch", "team/other"],
    "a tag": ["tag", "v1"],
    "a checkout": ["checkout", "-q", "--detach"],
    "packed references": ["pack-refs", "--all"],
    "the index": ["rm", "-q", "--cached", "b"],
    "a new object": ["hash-object", "-w", "new"],
    "a setting": ["config", "core.ignoreCase", "true"],
}


@pytest.mark.soak
@pytest.mark.parametrize("name", CHANGES)
def test_whatever_happens_to_the_repository_shows(root: Path, repository: Git, name: str) -> None:
    (root / "new").write_text("new content")
    (root / "below").mkdir()
    repository("status")  # writes the index anew
    before = repository_state(root)
    assert before is not None
    assert repository_state(root / "below") == before
    repository(*CHANGES[name])
    assert repository_state(root) not in (None, before)


def test_a_file_of_the_work_tree_does_not_show(root: Path, repository: Git) -> None:
    before = repository_state(root)
    (root / "a").write_text("changed")
    assert repository_state(root) == before


def test_a_repository_written_to_just_now_is_not_trusted(root: Path, repository: Git) -> None:
    subprocess.run(["git", "tag", "now"], cwd=root, check=True)
    assert repository_state(root) is None


def test_work_trees_share_their_references(root: Path, repository: Git, tmp_path: Path) -> None:
    """In a linked work tree, .git is a file, and the references are elsewhere."""
    linked = tmp_path / "linked"
    repository("worktree", "add", "-q", str(linked))
    first = repository_state(linked)
    assert first is not None
    assert first == repository_state(linked)
    repository("tag", "v2")
    second = repository_state(linked)
    repository("commit", "--allow-empty", "-qm", "there", cwd=linked)
    assert len({first, second, repository_state(linked)}) == 3


def test_outside_of_a_repository(root: Path) -> None:
    """There is nothing to depend on but that there is none."""
    before = repository_state(root)
    assert before is not None
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    assert repository_state(root) != before


def test_a_broken_repository_is_nobodys_problem_here(root: Path) -> None:
    """Git itself will say what is wrong with it."""
    (root / ".git").write_text("gitdir: nowhere")
    assert repository_state(root) is not None
    (root / ".git").write_text("gitdir: a\0b")
    assert repository_state(root) is None
