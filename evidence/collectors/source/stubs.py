"""Functions that stand in for something: stubs, checks that always say yes, health that is a constant."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from ..shared import python_source as python

_HEALTH = re.compile(r"_?(?:health|healthy|health_?check|is_healthy|is_connected|is_alive|ping|heartbeat)")
_CHECK = re.compile(
    r"_?(?:check|validate|verify|is_allowed|is_valid|allow|allowed|within|can|may|approve|risk|pre_?trade|enforce)"
    r"(?:_\w+)?|_?(?:checks?|validates?|approves?|risks?)[A-Z]\w*"
)
_DUTY = re.compile(
    r"_?(?:place|submit|send|cancel|modify|replace|execute)_(?:an?_)?(?:all_)?(?:order|intent|trade)s?|"
    r"place|submit|send|cancel|execute|_?(?:flatten|liquidate|halt|close)(?:_(?:all|positions?|everything))*|"
    r"_?kill(?:_switch)?|_?(?:re|dis)?connect|"
    r"_?(?:un)?subscribe(?:_\w+)?|_?reconcile(?:_\w+)?"
)
"""Names of what the order path must really do: a function of this name that touches nothing is a stub."""

_HARMLESS = frozenset(
    {
        *("print", "debug", "info", "warning", "warn", "error", "exception", "critical", "log", "sleep"),
        *("time", "time_ns", "monotonic", "perf_counter", "now", "utcnow", "today", "isoformat", "timestamp"),
        *("uuid1", "uuid4", "random", "randint", "uniform", "choice", "token_hex", "next", "count"),
        *("str", "int", "float", "bool", "dict", "list", "tuple", "set", "round", "len", "format"),
        *("getLogger", "strip", "upper", "lower", "items", "keys", "values", "max", "min", "sum", "abs"),
    }
)
"""What can be called without reaching anything beyond the program."""

_TIME = re.compile(r"_?(?:sleep|clock|(?:\w{1,20}_)?(?:now|time|timestamp))")
_UNFINISHED = re.compile(r"\w*(?:NotImplemented|NotSupported|Unsupported|ToDo|TODO)\w*")


def find_stubs(tree: ast.Module) -> Iterator[dict[str, Any]]:
    """Stubs of a module: line, name and reason. What only declares, or is there to be overridden, is none."""
    functions = list(python.all_functions(tree))
    defined = {
        (base, member.name)
        for node in python.nodes(tree)
        if isinstance(node, ast.ClassDef)
        for base in map(python.dotted, node.bases)
        for member in python.definitions(node.body)
    }
    for name, owner, function in functions:
        if function.name.startswith("__") or python.is_declaration(owner, function):
            continue
        reason = stub_reason(function)
        if reason is not None and (owner is None or (owner.name, function.name) not in defined):
            yield {"line": function.lineno, "name": name, "reason": reason}


def stub_reason(function: python.Function) -> str | None:
    """Why the function is a stub; None when it does something, or may do so."""
    body = python.statements(function.body)
    rest = [node for node in body if not _does_nothing(node)]
    if not rest:
        return f"the body is only {_shown(body[0])}" if body else "the body is only a docstring"
    if all(isinstance(node, ast.Raise) or _is_talk(node) for node in rest):
        raised = next((node for node in rest if isinstance(node, ast.Raise)), None)
        name = "" if raised is None or raised.exc is None else python.dotted(raised.exc).rpartition(".")[2]
        if _UNFINISHED.fullmatch(name) or (_DUTY.fullmatch(function.name) and name):
            return f"only raises {name}"
    if _CHECK.fullmatch(function.name) and _always_true(function):
        return "always returns True"
    if _HEALTH.fullmatch(function.name) and touches_nothing(function, constant=True):
        return "returns a constant whatever the state of the connection"
    if _DUTY.fullmatch(function.name) and touches_nothing(function):
        return "only prints, waits or makes up an answer"
    return None


def touches_nothing(function: python.Function, *, constant: bool = False) -> bool:
    """Whether nothing in the function reaches beyond it: no call but harmless ones, no state.

    With ``constant``, it must not look at its parameters either.
    """
    nodes = [node for statement in python.statements(function.body) for node in python.walk(statement)]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    if not all(map(is_harmless, calls)):
        return False
    spared = {id(node) for call in calls for node in python.walk(call.func)}
    given = {node.arg for node in python.walk(function.args) if isinstance(node, ast.arg)} - {"self", "cls"}
    return not any(
        isinstance(node, (ast.Raise, ast.Assert, ast.Yield, ast.YieldFrom))
        or (isinstance(node, ast.Attribute) and id(node) not in spared)
        or (constant and isinstance(node, ast.Name) and node.id in given)
        for node in nodes
    )


def is_harmless(call: ast.Call) -> bool:
    """Whether a call reaches nothing beyond the program: it prints, waits or makes a record."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in _HARMLESS or _TIME.fullmatch(name) is not None or name[:1].isupper()


def _always_true(function: python.Function) -> bool:
    """Whether every ``return`` gives True, itself or by way of a variable, and nothing is refused."""
    if any(isinstance(node, (ast.Raise, ast.Assert, ast.Yield)) for node in python.walk(function)):
        return False
    variables: dict[str, list[ast.expr]] = {}
    returned = [node.value for node in python.walk(function) if isinstance(node, ast.Return)]
    for node in python.walk(function):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(value, ast.expr):
            for target in targets:
                variables.setdefault(python.name_of(target), []).append(value)

    def is_true(node: ast.expr | None) -> bool:
        if isinstance(node, ast.Name) and node.id in variables:
            return all(getattr(value, "value", None) is True for value in variables[node.id])
        if isinstance(node, ast.Tuple) and node.elts:  # (True, "reason")
            return is_true(node.elts[0])
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            return any(map(is_true, node.values))
        if isinstance(node, ast.IfExp):
            return is_true(node.body) and is_true(node.orelse)
        return isinstance(node, ast.Constant) and node.value is True

    return bool(returned) and all(map(is_true, returned))


def _shown(node: ast.stmt) -> str:
    """A statement that does nothing, as a reader knows it; a constant is not quoted, whatever it may be."""
    if isinstance(node, ast.Expr):
        is_dots = isinstance(node.value, ast.Constant) and node.value.value is Ellipsis
        return "`...`" if is_dots else "a constant"
    return f"`{ast.unparse(node)}`"


def _does_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass):
        return True
    if isinstance(node, ast.Return):
        return node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_talk(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    value = value.value if isinstance(value, ast.Await) else value
    return isinstance(value, ast.Call) and is_harmless(value)
