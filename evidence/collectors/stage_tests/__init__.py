"""Collector ``stage_tests``: do the tests of stages 6, 7 and 8 exist, and can pytest collect them?

Found out from syntax trees; nothing is imported into this process. Where the operator names an interpreter,
pytest collects the tests in a process of its own. See ``docs/collectors/stage_tests.md``.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ...base.settings import Text
from ...collecting.interface import Observation, Options
from ...reading.workspace import View
from ..shared import python_source as python

if TYPE_CHECKING:
    from .collection import Collection

STAGES = ("stage6", "stage7", "stage8")


@dataclass(frozen=True, slots=True)
class StageTestsOptions(Options):
    """Options of ``evidence.stage_tests``.

    Attributes:
        patterns: stage → glob of its test files; a stage that is not named keeps the default.
        python: a Python with pytest that is to collect the tests: its path from the workspace, or its name.
            This runs the project's code. If absent, the tests are only read.
    """

    patterns: dict[str, str] = field(default_factory=dict)
    python: Text | None = None


class StageTestsCollector:
    """See the module."""

    id: ClassVar[str] = "stage_tests"
    version: ClassVar[str] = "2"
    Options: ClassVar[type[Options]] = StageTestsOptions

    def __init__(self, options: StageTestsOptions) -> None:
        from ...base.errors import ConfigError

        unknown = sorted(set(options.patterns) - set(STAGES))
        if unknown:
            raise ConfigError(
                f"there are no stage tests for {unknown[0]!r}",
                path="gate.yaml",
                place="/evidence/stage_tests/patterns",
                remedy="known: " + ", ".join(STAGES),
            )
        self._patterns = {stage: f"tests/{stage}*.py" for stage in STAGES} | options.patterns
        self._python = options.python

    def collect(self, view: View) -> Observation:
        """Inspect the test files and the conftest files that pytest would load for them.

        Raises:
            EvidenceError: a file is unreadable, too large or not UTF-8 text; or see
                :func:`gate.evidence.collectors._pytest_collection.collect`.
            EnvironmentProblem: the interpreter asked for is not there, or has no pytest.
        """
        files = {stage: view.glob(self._patterns[stage]) for stage in STAGES}
        everything = sorted({path for paths in files.values() for path in paths})
        conftest = self._conftest(view, everything)
        fixtures = 0
        broken: list[dict[str, Any]] = []
        for path in conftest:
            parsed = python.parse_file(view, path)
            if parsed.tree is None:
                broken.append({"path": path, "line": parsed.line, "text": parsed.problem})
            else:
                fixtures += count_fixtures(parsed.tree)
        markers: set[str] = set()
        stages = {stage: self._stage(view, stage, files[stage], broken, markers) for stage in STAGES}
        collection: Collection | None = None
        if self._python is not None and everything:
            from . import collection as _pytest_collection

            collection = _pytest_collection.collect(view, self._python, everything)
            markers = set(collection.markers)
            for stage in stages.values():
                _check(view, stage, collection)
        for stage in stages.values():
            stage["problems_total"] = len(stage["problems"])
            stage["problems"] = stage["problems"][: view.limits.problems]
        facts = {
            "stages": stages,
            "fixtures": fixtures,
            "conftest": list(conftest),
            "markers": sorted(markers),
            "method": "static" if self._python is None else "pytest",
        }
        if collection is None:
            return Observation(facts)
        return Observation(
            facts,
            tool=collection.tool,
            repeatable=False,
            attachments={"pytest_collection.json": collection.report},
        )

    def _conftest(self, view: View, files: list[str]) -> list[str]:
        """Conftest files in the directories of the tests and above, where pytest looks."""
        folders = {""}
        places = files or [pattern.partition("*")[0] + "_" for pattern in self._patterns.values()]
        for place in places:
            parts = place.split("/")[:-1]
            folders.update("/".join(parts[:count]) + "/" for count in range(1, len(parts) + 1))
        return sorted(path for folder in folders if view.exists(path := f"{folder}conftest.py"))

    def _stage(
        self, view: View, stage: str, files: tuple[str, ...], broken: list[dict[str, Any]], markers: set[str]
    ) -> dict[str, Any]:
        problems: list[dict[str, Any]] = []
        tests = 0
        collectable = bool(files)
        for path in files:
            count, found = inspect_tests(view, path)
            tests += count
            problems += found
            collectable = collectable and count > 0
            tree = python.parse_file(view, path).tree
            if tree is not None:
                markers |= find_markers(tree)
            for conftest in broken:
                if path.startswith(conftest["path"].removesuffix("conftest.py")):
                    problems.append(conftest)
                    collectable = False
        if not files:
            pattern = self._patterns[stage]
            problems.append({"path": pattern, "line": None, "text": "no file matches this pattern"})
        return {
            "files": list(files),
            "tests": tests,
            "tests_static": tests,
            "collectable": collectable,
            "problems": _sorted(problems),
        }


def _sorted(problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    unique = {(found["path"], found["line"] or 0, found["text"]): found for found in problems}
    return [unique[key] for key in sorted(unique)]


def _check(view: View, stage: dict[str, Any], collection: Collection) -> None:
    """Put what pytest collected in place of what was counted, and hold the one against the other."""
    problems: list[dict[str, Any]] = []
    tests = 0
    for path in stage["files"]:
        count = collection.tests.get(path, 0)
        left_out = collection.deselected.get(path, 0)
        errors = [error for error in collection.errors if _concerns(error["path"], path)]
        problems += [{**error, "path": _inside(error["path"]) or path} for error in errors]
        if left_out:
            text = f"the project's options for pytest leave out {left_out} of its tests"
            problems.append({"path": path, "line": None, "text": text})
        if count and not inspect_tests(view, path)[0]:
            # such as a report that the tests' own code has forged
            text = f"pytest reports {count} tests, but the file defines none; they are not counted"
            problems.append({"path": path, "line": None, "text": text})
            continue
        if not count and not errors:
            problems.append({"path": path, "line": None, "text": "pytest collects no test from it"})
        tests += count
        stage["collectable"] = stage["collectable"] and count > 0 and not errors
    stage["tests"] = tests
    stage["problems"] = _sorted(stage["problems"] + problems)


def _concerns(place: str | None, path: str) -> bool:
    """Whether an error keeps the tests of a file from being collected: its own, or one around it."""
    if place is None or place == path or _inside(place) is None:
        return True
    folder, _, name = place.rpartition("/")
    if name in ("conftest.py", "__init__.py"):
        return path.startswith(f"{folder}/" if folder else "")
    return path.startswith(f"{place}/")


def _inside(place: str | None) -> str | None:
    """The place, if it is a path in the workspace."""
    return None if place is None or place.startswith("/") else place


def inspect_tests(view: View, path: str) -> tuple[int, list[dict[str, Any]]]:
    """Number of test functions and methods in a file, and what keeps pytest from collecting some or all.

    A parametrised test counts once, a test that a later one of the same name replaces not at all.
    """
    parsed = python.parse_file(view, path)
    if parsed.tree is None:
        return 0, [{"path": path, "line": parsed.line, "text": parsed.problem}]
    count, problems = _count_tests(parsed.tree)
    found = [{"path": path, "line": line, "text": text} for line, text in problems]
    if count == 0:
        found.append({"path": path, "line": None, "text": "defines no test function or method"})
    return count, found


def _count_tests(tree: ast.Module) -> tuple[int, list[tuple[int, str]]]:
    count = 0
    problems: list[tuple[int, str]] = []
    pending: list[list[ast.stmt]] = [tree.body]
    while pending:
        seen: set[str] = set()
        for node in python.definitions(pending.pop()):
            if isinstance(node, ast.ClassDef):
                if not _is_test_class(node):
                    continue
                if not _is_unittest(node) and _has_constructor(node):
                    text = f"pytest cannot collect class {node.name} because it has a constructor"
                    problems.append((node.lineno, text))
                    continue
                pending.append(node.body)
            elif node.name.startswith("test") and not _is_fixture(node):
                if node.name in seen:
                    problems.append((node.lineno, f"{node.name} replaces an earlier test of the same name"))
                else:
                    count += 1
                seen.add(node.name)
    return count, problems


def _is_unittest(node: ast.ClassDef) -> bool:
    return any(python.dotted(base).endswith("TestCase") for base in node.bases)


def _is_test_class(node: ast.ClassDef) -> bool:
    return node.name.startswith("Test") or _is_unittest(node)


def _has_constructor(node: ast.ClassDef) -> bool:
    names = {member.name for member in python.definitions(node.body)}
    return bool(names & {"__init__", "__new__"})


def _is_fixture(function: python.Function) -> bool:
    """``@pytest.fixture``, ``@fixture`` and ``@pytest_asyncio.fixture``, called or not."""
    return any(python.dotted(decorator).split(".")[-1] == "fixture" for decorator in function.decorator_list)


def count_fixtures(tree: ast.Module) -> int:
    """Number of pytest fixtures a module defines."""
    return sum(_is_fixture(function) for _, _, function in python.all_functions(tree))


def find_markers(tree: ast.Module) -> set[str]:
    """Names used as ``pytest.mark.NAME`` anywhere in the module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and python.dotted(node) == f"pytest.mark.{node.attr}":
            found.add(node.attr)
    return found
