"""Work trees and submodules: whether the sources are what was committed, and who wrote them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import EnvironmentProblem
from gate.evidence.base.limits import DEFAULT
from gate.evidence.collecting.subject import authors_since, find_commit, measure_sources
from gate.evidence.reading.git.plumbing import authors, tree
from gate.evidence.reading.workspace import Workspace


def dirty(root: Path, sources: list[str]) -> bool | None:
    """Whether these sources differ from the commit."""
    workspace = Workspace(root, DEFAULT, sources=sources)
    return find_commit(workspace, measure_sources(workspace)).dirty


@pytest.fixture
def outer(repo: Any, make_repository: Callable[[Path, Path], Any], tmp_path: Path) -> Any:
    """A repository with another one, by another author, as its submodule `src/lib`."""
    library = make_repository(tmp_path / "library", repo.keys)
    library.root.mkdir()
    library.run("init", "-q", "-b", "main")
    library.write({"a.py": "a = 1\n"})
    library.run("add", "-A", ".")
    library.run("commit", "-qm", "one", "--author=Lea <lea@example.com>")
    repo.commit({"src/own.py": "x = 1\n"})
    repo.run("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.root), "src/lib")
    repo.commit({})
    return repo


def test_a_submodule_is_clean_when_its_recorded_commit_is_checked_out_unchanged(outer: Any) -> None:
    inner = outer.root / "src" / "lib"
    assert dirty(outer.root, ["src"]) is False
    (inner / "a.py").write_text("a = 2\n")
    assert dirty(outer.root, ["src"]) is True
    outer.run("-C", "src/lib", "commit", "-qam", "later")
    assert dirty(outer.root, ["src"]) is True, "another commit than the recorded one"
    (inner / ".git").write_text("gitdir: nowhere\n")
    assert dirty(outer.root, ["src"]) is True


def test_a_work_tree_is_clean_and_a_submodule_that_is_not_there_is_not(outer: Any, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    outer.run("worktree", "add", "-q", str(tree), "-b", "side")
    assert dirty(tree, ["src/own.py", ".gitmodules"]) is False
    assert dirty(tree, ["."]) is True
    outer.run("-C", str(tree), "rm", "-qf", "src/lib")
    outer.run("-C", str(tree), "commit", "-qm", "without")
    assert dirty(tree, ["."]) is False


def test_who_wrote_a_submodule_wrote_the_sources(outer: Any) -> None:
    (outer.root / "gate.yaml").write_text("version: 1\n")
    workspace = Workspace(outer.root, DEFAULT, sources=("src",))
    first = outer.run("rev-parse", "HEAD")
    assert authors_since(workspace, first, []) == {None: frozenset({"dana@example.com", "lea@example.com"})}
    later = outer.commit({"src/own.py": "x = 2\n"})
    found = authors_since(Workspace(outer.root, DEFAULT, sources=("src",)), later, [first])
    assert found[first] == {"dana@example.com"}, "the submodule is as it was"
    (outer.root / "src" / "lib" / ".git").write_text("gitdir: nowhere\n")
    assert authors_since(Workspace(outer.root, DEFAULT, sources=("src",)), later, []) == {None: None}


@pytest.mark.soak
def test_a_clone_without_trees_says_what_to_fetch(repo: Any, tmp_path: Path) -> None:
    commit = repo.commit({"a.py": "1\n"})
    repo.commit({"a.py": "2\n"})
    repo.run("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    repo.run("clone", "-q", "--filter=tree:0", f"file://{repo.root}", str(clone))
    with pytest.raises(EnvironmentProblem, match="partial clone") as caught:
        tree(clone, commit, [], DEFAULT)
    assert "git fetch --refetch" in str(caught.value.remedy)


def test_co_authors_and_other_addresses_of_an_author_count(repo: Any) -> None:
    repo.commit({"a.py": "1\n", ".mailmap": "Omar <omar@example.com> <omar@home.example>\n"})
    repo.write({"a.py": "2\n"})
    message = "x\n\nCo-authored-by: Mei <mei@example.com>\nCo-authored-by: nobody <>\n"
    repo.run("commit", "-qam", message, "--author=O <omar@home.example>")
    head = repo.run("rev-parse", "HEAD")
    assert authors(repo.root, head, f"{head}~1", ["a.py"]) == {
        "omar@home.example",
        "omar@example.com",
        "mei@example.com",
    }
