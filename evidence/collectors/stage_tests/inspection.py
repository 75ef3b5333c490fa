"""What the syntax tree of a test file says: tests that pytest would collect by default, and what keeps it.

A test whose body has no call (one that prints, logs, waits, skips or only looks is none) and no assertion
about anything proves nothing, and is no test here; an assertion whose failure is caught does not count. Nor
does code that never runs: what stands under ``if False``, is deleted again, is always skipped
(``pytest.mark.skip``), or has ``__test__ = False``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from ...base.errors import EvidenceError
from ...reading.workspace import View
from ..shared import python_source as python
from ..source.stubs import is_harmless, is_talk, known_answer

_LEAVING = frozenset({"pytest.skip", "pytest.xfail", "self.skipTest", "SkipTest", "unittest.SkipTest"})
"""Calls that end a test, or are raised to end it."""
_IDLE = frozenset({"pytest.fail", "suppress", "contextlib.suppress", *_LEAVING})
"""Calls that test nothing, besides those that are harmless everywhere."""
_CAUGHT = frozenset({"AssertionError", "Exception", "BaseException"})
"""What a failed assertion is caught as."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_ENDS = frozenset({"sys.exit", "exit", "quit", "os._exit", "pytest.exit", "pytest.skip"})
"""Calls that end the import of a module."""


class Inspected(Struct):
    """One test file.

    Attributes:
        parsed: whether it is valid Python.
        names: names of the test functions and methods; a parametrised test is named once.
        empty: line and name of the tests that prove nothing.
        problems: line (None for the whole file) and text of what keeps pytest from collecting some or all.
        markers: names used as ``pytest.mark.NAME``.
        fixtures: number of pytest fixtures that it defines.
    """

    parsed: bool = True
    names: list[str] = field(default_factory=list)
    empty: list[tuple[int, str]] = field(default_factory=list)
    problems: list[tuple[int | None, str]] = field(default_factory=list)
    markers: set[str] = field(default_factory=set)
    fixtures: int = 0

    @property
    def tests(self) -> int:
        """Number of test functions and methods."""
        return len(self.names)


def inspect(view: View, path: str, *, tests_only: bool = False) -> Inspected:
    """Look at one file; one that cannot be read or parsed has a problem and nothing else.

    With ``tests_only`` markers and fixtures are left out, which takes half of the time.
    """
    try:
        parsed = python.parse_file(view, path)
    except EvidenceError as error:
        return Inspected(False, problems=[(None, error.what)])
    if parsed.tree is None:
        return Inspected(False, problems=[(parsed.line, parsed.problem or python.INVALID)])
    found = Inspected()
    for node in () if tests_only else python.nodes(parsed.tree):
        if isinstance(node, ast.Attribute):
            mark = node.value
            if isinstance(mark, ast.Attribute) and python.dotted(mark) == "pytest.mark":
                found.markers.add(node.attr)
        if isinstance(node, _FUNCTIONS):
            found.fixtures += _is_fixture(node)
    _count(parsed.tree.body, found)
    return found


def inspect_tests(view: View, path: str) -> list[dict[str, Any]]:
    """What keeps pytest from collecting some or all tests of a file: path, line and text."""
    return findings(path, inspect(view, path, tests_only=True))


def findings(path: str, found: Inspected) -> list[dict[str, Any]]:
    """What is wrong with a test file, as facts: path, line and text."""
    empty = "{} has a body without a call or an assertion: it proves nothing"
    told = [*found.problems, *((line, empty.format(name)) for line, name in found.empty)]
    if found.parsed and not found.tests:
        told.append((None, "defines no test function or method"))
    return [{"path": path, "line": line, "text": text} for line, text in told]


def _count(body: list[ast.stmt], found: Inspected) -> None:
    tests: dict[str, python.Function] = {}
    classes: list[ast.ClassDef] = []
    for node in _reached(body):
        if isinstance(node, ast.Raise):
            found.problems.append((node.lineno, "raises when it is imported"))
            return
        if isinstance(node, ast.Expr) and _calls(node.value, _ENDS) and node in body:
            found.problems.append((node.lineno, "ends when it is imported"))
            return
        if _off(node, "__test__") or _skipped_below(node):
            return
        for name in _removed(node):
            tests.pop(name, None)
            classes = [each for each in classes if each.name != name]
        if isinstance(node, (ast.ClassDef, *_FUNCTIONS)) and any(map(_skips, node.decorator_list)):
            continue
        if isinstance(node, ast.ClassDef):
            classes.append(node)
        elif isinstance(node, _FUNCTIONS) and node.name.startswith("test"):
            if _is_fixture(node):
                continue
            if node.name in tests:
                text = f"{node.name} replaces an earlier test of the same name"
                found.problems.append((node.lineno, text))
            tests[node.name] = node
    for test in tests.values():
        if _proves(test.body):
            found.names.append(test.name)
        else:
            found.empty.append((test.lineno, test.name))
    for node in classes:
        unittest = any(python.dotted(base).endswith("TestCase") for base in node.bases)
        if not unittest and not node.name.startswith("Test"):
            continue
        members = {member.name for member in python.definitions(node.body)}
        if not unittest and members & {"__init__", "__new__"}:
            text = f"pytest cannot collect class {node.name} because it has a constructor"
            found.problems.append((node.lineno, text))
        else:
            _count(node.body, found)


def _reached(body: list[ast.stmt], *, heard: bool = False) -> Iterator[ast.stmt]:
    """Statements that may run, those inside others too; not the bodies of functions and classes.

    With ``heard``, not those either whose failed assertions are caught.
    """
    for node in body:
        yield node
        if isinstance(node, (ast.ClassDef, *_FUNCTIONS)):
            continue
        inner = [list(getattr(node, part, [])) for part in ("body", "orelse", "finalbody")]
        if isinstance(node, (ast.If, ast.While)) and (truth := python.constant_truth(node.test)) is not None:
            inner[1 if truth else 0] = []
        if (heard and _is_quiet(node)) or (
            isinstance(node, (ast.For, ast.AsyncFor)) and python.constant_truth(node.iter) is False
        ):
            inner[0] = []
        inner += [handler.body for handler in getattr(node, "handlers", [])]
        inner += [case.body for case in getattr(node, "cases", [])]
        for part in inner:
            # what a branch raises or returns does not end the whole
            ends = (ast.Raise, ast.Return)
            yield from (each for each in _reached(part, heard=heard) if not isinstance(each, ends))
        if isinstance(node, (ast.Raise, ast.Return)):
            return


def _off(node: ast.stmt, name: str) -> bool:
    """Whether the statement gives a false constant to a name (``__test__``) of the module or class."""
    return (
        isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
        and isinstance(node.value, ast.Constant)
        and not node.value.value
    )


def _skipped_below(node: ast.stmt) -> bool:
    """Whether the statement skips all tests of the module or class: ``pytestmark = pytest.mark.skip``."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if not isinstance(node, (ast.Assign, ast.AugAssign)) or not any(
        isinstance(target, ast.Name) and target.id == "pytestmark" for target in targets
    ):
        return False
    marks = node.value.elts if isinstance(node.value, (ast.List, ast.Tuple)) else [node.value]
    return any(map(_skips, marks))


def _skips(mark: ast.expr) -> bool:
    """Whether a mark or decorator skips whatever the circumstances."""
    name, arguments = python.dotted(mark), mark.args if isinstance(mark, ast.Call) else []
    if name.endswith(("mark.skip", "unittest.skip")):
        return True
    if name.endswith("mark.parametrize"):  # by nothing
        return any(python.constant_truth(one) is False for one in arguments[1:2])
    if not name.endswith(("skipif", "skipIf")) or not arguments:
        return False
    text = python.name_of(arguments[0]) if isinstance(arguments[0], ast.Constant) else ""
    return text in ("True", "1") or (not text and python.constant_truth(arguments[0]) is True)


def _removed(node: ast.stmt) -> Iterator[str]:
    """Names that are deleted, given another value, or marked as no test (``test_a.__test__ = False``)."""
    if not isinstance(node, (ast.Delete, ast.Assign)):
        return
    for target in node.targets:
        if isinstance(target, ast.Name):
            yield target.id
        elif isinstance(target, ast.Attribute) and target.attr == "__test__":
            yield python.dotted(target.value)


def _proves(body: list[ast.stmt]) -> bool:
    """Whether a test's body calls something, or asserts something that can fail."""
    for node in _reached(body, heard=True):
        if isinstance(node, ast.Expr) and node in body and _calls(node.value, _LEAVING):
            return False
        if isinstance(node, ast.Assert):
            if _may_fail(node.test):
                return True
        elif not isinstance(node, (ast.ClassDef, *_FUNCTIONS)):
            for part in python.children(node):  # not its inner statements, nor lambdas, which nobody calls
                inner = isinstance(part, (ast.stmt, ast.ExceptHandler, ast.match_case, ast.Lambda))
                if not inner and any(map(_tries, python.walk(part))):
                    return True
    return False


def _tries(node: ast.AST) -> bool:
    """Whether the node calls something that may fail because of what is tested."""
    if isinstance(node, ast.Call):
        name = python.dotted(node)
        harmless = is_harmless(node) and not name.rpartition(".")[2][:1].isupper()
        harmless = harmless and not name.startswith(("self.", "cls."))  # a helper of the tests
        return not harmless and not _calls(node, _IDLE)
    return isinstance(node, ast.Await) and not isinstance(node.value, ast.Call)


def _may_fail(test: ast.expr) -> bool:
    """Whether an assertion is about something: one of a tuple, a lambda or a generator always holds."""
    if isinstance(test, (ast.Tuple, ast.Lambda, ast.GeneratorExp)) or python.constant_truth(test) is not None:
        return False
    if isinstance(test, (ast.Compare, ast.Call)) and known_answer(test):
        return False
    return any(isinstance(each, ast.Name) for each in python.walk(test))


def _is_quiet(node: ast.stmt) -> bool:
    """Whether a failed assertion inside the statement is caught, and nothing comes of it."""
    kinds: list[ast.expr] = []
    if isinstance(node, (ast.With, ast.AsyncWith)):
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        kinds = [kind for call in calls if python.dotted(call).endswith("suppress") for kind in call.args]
    for one in node.handlers if isinstance(node, ast.Try) else ():
        if all(isinstance(part, ast.Pass) or is_talk(part) for part in one.body):
            kinds += one.type.elts if isinstance(one.type, ast.Tuple) else [one.type or ast.Name("Exception")]
    return any(python.dotted(kind) in _CAUGHT for kind in kinds)


def _calls(node: ast.AST, names: frozenset[str]) -> bool:
    """Whether the node calls one of these functions."""
    return isinstance(node, ast.Call) and python.dotted(node.func) in names


def _is_fixture(function: python.Function) -> bool:
    """``@pytest.fixture``, ``@fixture`` and ``@pytest_asyncio.fixture``, called or not."""
    return any(python.dotted(decorator).split(".")[-1] == "fixture" for decorator in function.decorator_list)
