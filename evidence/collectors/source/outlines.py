"""Classes and imports of modules: what overrides what, and what is taken from the tests."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..shared import python_source as python

Outline = list[ast.ClassDef | ast.Import | ast.ImportFrom]
_MOCKS = re.compile(r"(?:unittest\.)?mock(?:\.\w+)*|pytest_mock(?:\.\w+)*")


def outline(tree: ast.Module) -> Outline:
    """The classes and imports of a module."""
    return [n for n in python.nodes(tree) if isinstance(n, (ast.ClassDef, ast.Import, ast.ImportFrom))]


def overriding(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    """Classes, as written, that others of the nodes inherit from, with the names of these others' members."""
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            names = [member.name for member in python.definitions(node.body)]
            yield from ((base, name) for base in map(python.dotted, node.bases) for name in names)


def overridden_elsewhere(
    modules: Mapping[str, Outline],
) -> set[tuple[str, str]]:
    """Classes and methods that a class in another of the modules overrides; ``modules`` has their outlines.

    A class is known by its name, so it counts only if no other class is called so, and if the module that
    inherits from it imports it from one of the modules.
    """
    classes = Counter(
        node.name for nodes in modules.values() for node in nodes if isinstance(node, ast.ClassDef)
    )
    found: set[tuple[str, str]] = set()
    for path, nodes in modules.items():
        ours = {
            alias.asname or alias.name.partition(".")[0]: alias.name
            for node in nodes
            if not isinstance(node, ast.ClassDef)
            for alias in node.names
            if any(file in modules for file in python.module_files(_module(node, alias), path))
        }
        for base, name in overriding(nodes):
            first, _, rest = base.partition(".")
            own = rest.rpartition(".")[2] or ours.get(first, "")
            if first in ours and classes[own] == 1:
                found.add((own, name))
    return found


def _module(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    return alias.name if isinstance(node, ast.Import) else "." * node.level + (node.module or "")


def find_doubles(path: str, nodes: Outline, tests: Collection[str]) -> Iterator[dict[str, Any]]:
    """What a module imports from the tests or a library of mocks, and so stands in for something."""
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            continue
        for alias in node.names:
            module = _module(node, alias)
            written = {module, module if isinstance(node, ast.Import) else f"{module}.{alias.name}"}
            reason = "is a mock" if any(map(_MOCKS.fullmatch, written)) else None
            if any(file in tests for one in written for file in python.module_files(one, path)):
                reason = "is imported from the tests"
            if reason is not None:
                yield {"line": node.lineno, "name": alias.name, "reason": reason}
