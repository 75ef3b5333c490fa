"""Imports go one way, and folders and files stay small enough to find one's way (docs/architecture.md)."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (*(ROOT / "engine").rglob("*.py"), *(ROOT / "evidence").rglob("*.py"), ROOT / "cli.py")
}


def _nodes(node: ast.AST) -> Iterator[ast.ImportFrom]:
    """The imports of a module and of its functions; not those for the type checker alone."""
    for child in ast.iter_child_nodes(node):
        if (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            continue
        if isinstance(child, ast.ImportFrom) and child.level:
            yield child
        if isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case)):
            yield from _nodes(child)


def _imports(path: Path) -> Iterator[str]:
    parts = path.relative_to(ROOT).parts
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8"))):
        base = [*parts[: len(parts) - node.level], *(node.module or "").split(".")]
        module = ".".join(part for part in base if part)
        for alias in node.names:
            inner = f"{module}.{alias.name}"
            yield inner if inner in MODULES else module


@functools.cache
def _graph() -> dict[str, set[str]]:
    return {
        name: {one for one in _imports(path) if one in MODULES and one != name}
        for name, path in MODULES.items()
    }


def _circle(graph: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_through_others() -> None:
    """Neither at once nor when a function is called."""
    assert _circle(_graph()) == []


def test_no_folder_depends_on_one_that_depends_on_it() -> None:
    """The folders and loose modules of the engine, and those of the evidence."""
    folders: dict[str, set[str]] = {}
    for name, others in _graph().items():
        own = ".".join(name.split(".")[:2])
        found = {".".join(other.split(".")[:2]) for other in others}
        folders.setdefault(own, set()).update(found - {own})
    assert _circle(folders) == []


def test_the_evidence_knows_nothing_of_the_engine() -> None:
    """Imports go from the program to the engine to the evidence."""
    up = {
        name: found for name, others in _graph().items() if (found := {o for o in others if _above(name, o)})
    }
    assert up == {}


def _above(name: str, other: str) -> bool:
    return other == "cli" or (name.startswith("evidence") and other.startswith("engine"))


def test_folders_and_files_stay_small() -> None:
    """Ten modules or so in a folder, 400 lines in a file."""
    folders = [path.parent for path in MODULES.values() if path.name != "__init__.py" and path.parent != ROOT]
    crowded = {str(one.relative_to(ROOT)) for one in folders if folders.count(one) > 11}
    assert crowded == set()
    long = [name for name, path in MODULES.items() if path.read_text(encoding="utf-8").count("\n") > 400]
    assert long == []
