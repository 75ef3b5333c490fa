"""The inspected modules together: functions, references and constants.

Everything is by name: a reference to ``turn`` may mean any function of that name in the inspected modules.
That needs no type inference, cannot run away, and can be explained in a sentence.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from ....collecting.interface import Problem, ProblemKind
from ...shared import python_source as python
from ...shared.python_source import name_of

_PATTERNS = {
    "clock": r"_?((time|monotonic|perf_counter)(_ns)?|clock|now|utcnow|loop_time)",
    "moment": r"now|at|when|t|ts|timestamp|current_time|moment",
    "wait": r"_?(sleep|wait|pause|waitFor|wait_for)",
    "send": r"placeOrder|cancelOrder|req[A-Z]\w*|sendMsg|send_msg|send_message|accountSummaryAsync",
    "connect": r"_?(connect|connectAsync|connect_async|eConnect|open_session)",
    "disconnected_event": r"disconnectedEvent|disconnected_event|on_disconnect(ed)?",
    "disconnected_handler": r"_?(disconnected|connectionClosed|connection_(closed|lost)|on_disconnect(ed)?)",
    "error_event": r"errorEvent|error_event",
    "code": r"code|errorCode|error_code|err_code|errcode",
}
"""What things are called in a broker client."""
LOOKUPS = frozenset({"get", "getenv", "setdefault", "pop", "put", "putenv", "set", "env", "config", "getint"})
"""Functions that take a name, and what to give or to keep under it."""
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_LONGEST = 100


def matches(kind: str, name: str) -> bool:
    """Whether the last component of an identifier is of this kind; an overlong one is of none."""
    return len(name) <= _LONGEST and _COMPILED[kind].fullmatch(name) is not None


def unknown(fact: str, reason: str, remedy: str, path: str, line: int) -> Problem:
    """A problem of something at a line that cannot be told."""
    return Problem(fact, reason, remedy, ProblemKind.UNKNOWN, path, f"line {line}")


def place_of(found: Mapping[str, Any]) -> tuple[str, int]:
    """Path and line of what was found, to sort by."""
    return found["path"], found["line"]


class Clue(Struct, frozen=True, order=True):
    """A place in the source that is evidence of something, and whether it is in use."""

    path: str
    line: int
    what: str
    used: bool


class Routine(Struct, frozen=True, eq=False, dict=True):
    """A function or method of an inspected module."""

    path: str
    name: str
    owner: ast.ClassDef | None
    node: python.Function

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """The function and everything in it that can run."""
        return list(python.running(self.node))

    @cached_property
    def references(self) -> frozenset[str]:
        """Names that its body, its decorators and its defaults mention in code."""
        return mentioned(self.nodes)

    @cached_property
    def handle(self) -> str:
        """The name by which it is used: of its class where Python itself calls the method."""
        hook = self.owner is not None and self.node.name.startswith("__")
        return self.owner.name if hook and self.owner is not None else self.node.name

    @cached_property
    def parameters(self) -> list[str]:
        """Names of the positional parameters, without ``self`` or ``cls`` of a method."""
        arguments = self.node.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        decorators = {python.dotted(decorator) for decorator in self.node.decorator_list}
        return names[1:] if self.owner is not None and "staticmethod" not in decorators else names

    @cached_property
    def given(self) -> frozenset[str]:
        """Names of all parameters."""
        return frozenset(node.arg for node in python.walk(self.node.args) if isinstance(node, ast.arg))

    @cached_property
    def variables(self) -> dict[str, list[ast.expr]]:
        """What is assigned to each local name."""
        found: dict[str, list[ast.expr]] = {}
        for node in self.nodes:
            for target, value in assignments(node):
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(value)
        return found

    @cached_property
    def fields(self) -> dict[str, list[tuple[str, ast.expr]]]:
        """By the last name of an object, what its attributes and entries are set to."""
        found: dict[str, list[tuple[str, ast.expr]]] = {}
        for node in self.nodes:
            for target, value in [*assignments(node), *set_by_name(node)]:
                if isinstance(target, (ast.Attribute, ast.Subscript)):
                    found.setdefault(name_of(target.value), []).append((name_of(target), value))
        return found

    @cached_property
    def conditions(self) -> list[ast.If | ast.Assert]:
        """Its ``if`` and ``assert`` statements."""
        return [node for node in self.nodes if isinstance(node, (ast.If, ast.Assert))]

    @cached_property
    def called(self) -> frozenset[str]:
        """Last components of the names it calls, and of its decorators."""
        names = {called_name(node) for node in self.nodes if isinstance(node, ast.Call)}
        return frozenset(names | {python.dotted(d).rpartition(".")[2] for d in self.node.decorator_list})


class Module(Struct, frozen=True, dict=True):
    """An inspected file."""

    path: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Everything in the module."""
        return python.nodes(self.tree)

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """Names, and ``Class.name`` of class bodies, that are assigned exactly once, with their value."""
        found: dict[str, list[ast.expr]] = {}
        pending: list[tuple[str, list[ast.stmt]]] = [("", self.tree.body)]
        while pending:
            prefix, body = pending.pop()
            for statement in body:
                for target, value in assignments(statement):
                    if isinstance(target, ast.Name):
                        found.setdefault(prefix + target.id, []).append(value)
            pending += [
                (f"{node.name}.", node.body)
                for node in python.definitions(body)
                if isinstance(node, ast.ClassDef)
            ]
        return {name: values[0] for name, values in found.items() if len(values) == 1}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes of the module by name, those inside others apart; of several the first."""
        found = (node for node in python.definitions(self.tree.body) if isinstance(node, ast.ClassDef))
        return {node.name: node for node in reversed(list(found))}

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        """Local name → module as written (with its leading dots) and the name in it, empty for the module."""
        found: dict[str, tuple[str, str]] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name] = (alias.name, "")
            elif isinstance(node, ast.ImportFrom):
                source = "." * node.level + (node.module or "")
                for alias in node.names:
                    found[alias.asname or alias.name] = (source, alias.name)
        return found

    def full_name(self, node: ast.expr) -> str:
        """The dotted name of what is called or mentioned, beginning with the module it is imported from."""
        name = python.dotted(node)
        first, _, rest = name.partition(".")
        source, inner = self.imports.get(first, ("", ""))
        return ".".join(filter(None, (source, inner, rest))) if source else name

    @cached_property
    def outside(self) -> frozenset[str]:
        """Names mentioned by code that runs when the module is loaded."""
        found: set[str] = set()
        pending: list[ast.AST] = [self.tree]
        while pending:
            node = pending.pop()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                pending += node.decorator_list
                continue
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                found.add(name_of(node))
            pending += python.children(node)
        return frozenset(found)


class Program(Struct, frozen=True, dict=True):
    """The inspected modules together.

    Attributes:
        modules: by path.
        links: path → local module name as written in an import → path of that module.
        entries: names of functions that are called from outside the modules.
    """

    modules: Mapping[str, Module]
    links: Mapping[str, Mapping[str, str]]
    entries: frozenset[str] = field(default=frozenset())

    @cached_property
    def routines(self) -> list[Routine]:
        """All functions, by path and line."""
        found = [
            Routine(path, name, owner, node)
            for path, module in self.modules.items()
            for name, owner, node in python.all_functions(module.tree)
        ]
        return sorted(found, key=lambda routine: (routine.path, routine.node.lineno, routine.name))

    @cached_property
    def by_name(self) -> dict[str, list[Routine]]:
        """Functions by their own name, and methods such as ``__init__`` also by that of their class."""
        found: dict[str, list[Routine]] = {}
        for routine in self.routines:
            for name in {routine.node.name, routine.handle}:
                found.setdefault(name, []).append(routine)
        return found

    @cached_property
    def classes(self) -> frozenset[str]:
        """Names of classes that have a method."""
        return frozenset(routine.owner.name for routine in self.routines if routine.owner is not None)

    @cached_property
    def _walked(self) -> dict[str, list[tuple[ast.AST, Routine | None]]]:
        around = {id(routine.node): routine for routine in self.routines}
        result: dict[str, list[tuple[ast.AST, Routine | None]]] = {}
        for path, module in self.modules.items():
            found = result[path] = [(module.tree, None)]
            for node, routine in found:  # grows while it is gone through
                inner = around.get(id(node), routine)
                found.extend((child, inner) for child in python.children(node))
        return result

    def walk(self, module: Module) -> list[tuple[ast.AST, Routine | None]]:
        """Every node of the module with the innermost function around it."""
        return self._walked[module.path]

    @cached_property
    def calls(self) -> dict[str, list[tuple[ast.Call, str, Routine | None]]]:
        """Calls by the name of what they call, each with its file and the innermost function around it."""
        found: dict[str, list[tuple[ast.Call, str, Routine | None]]] = {}
        for path, module in self.modules.items():
            for node, around in self.walk(module):
                if isinstance(node, ast.Call):
                    found.setdefault(called_name(node), []).append((node, path, around))
        return found

    def reachable(self, names: Iterable[str]) -> frozenset[str]:
        """The names, and every name that functions of these names mention, directly or not."""
        seen: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            for routine in self.by_name.get(name, ()):
                pending.extend(self.heeded(routine) - seen)
        return frozenset(seen)

    def heeded(self, routine: Routine) -> frozenset[str]:
        """Names that the function mentions, apart from coroutines that it calls and never awaits."""
        if routine not in self._heeded:
            spared: set[int] = set()
            for value in (node.value for node in routine.nodes if isinstance(node, ast.Expr)):
                named = value.func if isinstance(value, ast.Call) else value
                called = self.by_name.get(name_of(named), ()) if isinstance(value, ast.Call) else ()
                coroutines = all(isinstance(one.node, ast.AsyncFunctionDef) for one in called)
                spared.update([id(named)] if coroutines and (called or named is value) else ())
            kept = (node for node in routine.nodes if id(node) not in spared)
            self._heeded[routine] = mentioned(kept) if spared else routine.references
        return self._heeded[routine]

    @cached_property
    def _heeded(self) -> dict[Routine, frozenset[str]]:
        return {}

    @cached_property
    def live(self) -> frozenset[str]:
        """Names that are in use: by code that runs on loading, or from the entries on."""
        loose: set[str] = set(self.entries)
        for module in self.modules.values():
            loose |= module.outside
        return self.reachable(loose)

    def is_live(self, routine: Routine) -> bool:
        """Whether something in use mentions the function; one that only mentions itself is not in use."""
        return routine.handle in self.live


def assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Targets and values of an assignment, a tuple on both sides taken apart."""
    if isinstance(node, ast.Assign):
        pairs = [(target, node.value) for target in node.targets]
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
        pairs = [(node.target, node.value)]
    else:
        return
    for target, value in pairs:
        if (
            isinstance(target, (ast.Tuple, ast.List))
            and isinstance(value, (ast.Tuple, ast.List))
            and len(target.elts) == len(value.elts)
        ):
            yield from zip(target.elts, value.elts, strict=True)
        else:
            yield target, value


def set_by_name(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What ``setattr(client, "MaxRequests", 45)`` assigns."""
    if isinstance(node, ast.Call) and called_name(node) == "setattr" and len(node.args) == 3:
        name = text(node.args[1])
        yield ast.copy_location(ast.Attribute(node.args[0], name, ast.Store()), node), node.args[2]


def text(node: ast.expr | None) -> str:
    """The string that a literal is; empty for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def called_name(node: ast.Call) -> str:
    """Last component of what is called; empty if it has no name."""
    return name_of(node.func) if isinstance(node.func, (ast.Name, ast.Attribute)) else ""


def mentioned(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Names, and last components of dotted names, that the code looks up."""
    return frozenset(
        name_of(part)
        for part in nodes
        if isinstance(part, (ast.Name, ast.Attribute)) and isinstance(part.ctx, ast.Load)
    )
