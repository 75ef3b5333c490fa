"""Collector ``stage_tests``: do the tests of stages 6, 7 and 8 exist, and can pytest collect them?

Found out from syntax trees; nothing is imported into this process. Where the operator names an interpreter,
pytest collects the tests in a process of its own. The tests of all other files are counted from their sources
only: a report of a run must have at least as many. See ``docs/collectors/stage_tests.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec.structs import replace

from ...base.errors import ConfigError, EvidenceError, masked
from ...base.settings import Text
from ...collecting.interface import Observation, Options, Problem, ProblemKind, Scope
from ...reading.workspace import View
from .inspection import Inspected, findings, inspect, inspect_tests

if TYPE_CHECKING:
    from .collection import Collection

__all__ = ["StageTestsCollector", "StageTestsOptions", "inspect_tests"]

STAGES = ("stage6", "stage7", "stage8")
_UNIT = "test files"
_MOST_NAMES = 2000
_NAME_CHARS = 300
_READABLE = "make it a regular file in UTF-8 that is valid Python"


@dataclass(frozen=True, slots=True)
class StageTestsOptions(Options):
    """Options of ``evidence.stage_tests``.

    Attributes:
        patterns: stage → glob of its test files; a stage that is not named keeps the default.
        tests: globs of all test files of the workspace, those of the stages besides.
        python: a Python with pytest that is to collect the tests: its path from the workspace, or its name.
            This runs the project's code. If absent, the tests are only read.
    """

    patterns: dict[str, str] = field(default_factory=dict)
    tests: tuple[str, ...] = field(default=("**/test_*.py", "**/*_test.py"))
    python: Text | None = None


class StageTestsCollector:
    """See the module."""

    id: ClassVar[str] = "stage_tests"
    version: ClassVar[str] = "8"
    Options: ClassVar[type[Options]] = StageTestsOptions

    def __init__(self, options: StageTestsOptions) -> None:
        unknown = sorted(set(options.patterns) - set(STAGES))
        if unknown:
            raise ConfigError(
                f"there are no stage tests for {unknown[0]!r}",
                path="gate.yaml",
                place="/evidence/stage_tests/patterns",
                remedy="known: " + ", ".join(STAGES),
            )
        self._patterns = {stage: f"tests/{stage}*.py" for stage in STAGES} | options.patterns
        self._tests = options.tests
        self._python = options.python

    def collect(self, view: View) -> Observation:
        """Inspect the test files and the conftest files that pytest would load for them.

        Raises:
            EnvironmentProblem: the interpreter asked for is not there, or has no pytest.
        """
        problems: list[Problem] = []
        files = {
            stage: _matching(view, self._patterns[stage], f"stages.{stage}", problems) for stage in STAGES
        }
        staged = sorted({path for paths in files.values() for path in paths})
        conftest = self._conftest(view, staged, problems)
        others = {
            path for pattern in self._tests for path in _matching(view, pattern, "tests_defined", problems)
        }
        others -= {*staged, *conftest}
        seen = {path: inspect(view, path) for path in (*staged, *conftest)}
        seen |= {path: inspect(view, path, tests_only=True) for path in sorted(others)}
        unread = [path for path in (*staged, *sorted(others)) if not seen[path].parsed]
        for path in (*unread, *(path for path in conftest if not seen[path].parsed)):
            line, text = seen[path].problems[0]
            touched = ["tests_defined", *(f"stages.{stage}" for stage in STAGES if path in files[stage])]
            place = None if line is None else f"line {line}"
            problem = Problem("", text, _READABLE, ProblemKind.REJECTED, path=path, place=place)
            problems += [replace(problem, fact=f) for f in (["fixtures"] if path in conftest else touched)]
        stages = {stage: self._stage(stage, files[stage], conftest, seen) for stage in STAGES}
        markers = {marker for path in staged for marker in seen[path].markers}
        collection: Collection | None = None
        if self._python is not None and staged:
            from . import collection as pytest_collection

            try:
                collection = pytest_collection.collect(view, self._python, staged)
            except EvidenceError as error:
                problems += [Problem.rejected(error, fact) for fact in ("stages", "markers")]
            else:
                markers = set(collection.markers)
                for found in stages.values():
                    _check(found, collection, seen)
        for found in stages.values():
            found["problems_total"] = len(found["problems"])
            found["problems"] = found["problems"][: view.limits.problems]
        everything = {*staged, *others}
        names = sorted({masked(name[:_NAME_CHARS]) for path in everything for name in seen[path].names})
        facts = {
            "stages": stages,
            "tests_defined": sum(seen[path].tests for path in everything),
            "test_names": names if len(names) <= _MOST_NAMES else [],
            "fixtures": sum(seen[path].fixtures for path in conftest),
            "conftest": conftest,
            "markers": sorted(markers),
            "method": "static" if self._python is None else "pytest",
        }
        read = sum(seen[path].parsed for path in staged)
        return Observation(
            facts,
            tuple(problems),
            tool=None if collection is None else collection.tool,
            repeatable=self._python is None,
            attachments={} if collection is None else {"pytest_collection.json": collection.report},
            scopes=(
                Scope("stages", len(staged), read, _UNIT),
                Scope("markers", len(staged), read, _UNIT),
                Scope("tests_defined", len(everything), len(everything) - len(unread), _UNIT),
                Scope("test_names", len(everything), len(everything) - len(unread), _UNIT),
                Scope("fixtures", len(conftest), sum(seen[p].parsed for p in conftest), "conftest files"),
                Scope("conftest", len(staged), len(staged), _UNIT),
            ),
        )

    def _conftest(self, view: View, files: list[str], problems: list[Problem]) -> list[str]:
        """Conftest files in the directories of the tests and above, where pytest looks."""
        folders = {""}
        places = files or [pattern.partition("*")[0] + "_" for pattern in self._patterns.values()]
        for place in places:
            parts = place.split("/")[:-1]
            folders.update("/".join(parts[:count]) + "/" for count in range(1, len(parts) + 1))
        names = [f"{folder}conftest.py" for folder in sorted(folders)]
        return [path for name in names for path in _matching(view, name, "fixtures", problems)]

    def _stage(
        self, stage: str, files: tuple[str, ...], conftest: list[str], seen: dict[str, Inspected]
    ) -> dict[str, Any]:
        problems = [found for path in files for found in findings(path, seen[path])]
        if not files:
            problems.append(_problem(self._patterns[stage], None, "no file matches this pattern"))
        broken = [path for path in conftest if not seen[path].parsed]
        above = [one for one in broken if any(p.startswith(one.removesuffix("conftest.py")) for p in files)]
        problems += [_problem(one, *seen[one].problems[0]) for one in above]
        tests = sum(seen[path].tests for path in files)
        return {
            "files": list(files),
            "tests": tests,
            "tests_static": tests,
            "tests_empty": sum(len(seen[path].empty) for path in files),
            "collectable": bool(files) and not above and all(seen[path].tests for path in files),
            "problems": _sorted(problems),
        }


def _matching(view: View, pattern: str, fact: str, problems: list[Problem]) -> tuple[str, ...]:
    """The files that match; where one is a link or no file, none and a problem."""
    try:
        return view.glob(pattern)
    except EvidenceError as error:
        problems.append(Problem.rejected(error, fact))
        return ()


def _problem(path: str, line: int | None, text: str) -> dict[str, Any]:
    return {"path": path, "line": line, "text": text}


def _sorted(problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    unique = {(found["path"], found["line"] or 0, found["text"]): found for found in problems}
    return [unique[key] for key in sorted(unique)]


def _check(stage: dict[str, Any], collection: Collection, seen: dict[str, Inspected]) -> None:
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
            problems.append(_problem(path, None, text))
        if count and not seen[path].tests:
            # such as a report that the tests' own code has forged
            text = f"pytest reports {count} tests, but the file defines none; they are not counted"
            problems.append(_problem(path, None, text))
            continue
        if not count and not errors:
            problems.append(_problem(path, None, "pytest collects no test from it"))
        tests += max(count - len(seen[path].empty), 0)
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
