"""The broker client: which files it is, and which operations it implements.

An operation is implemented if its method, or one it leads to by name, calls the broker's interface for it.
The names are those of ibapi (https://ibkrcampus.com/campus/ibkr-api-page/twsapi-doc/) and of ib_async
(https://ib-api-reloaded.github.io/ib_async/api.html).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from msgspec import Struct

from ..shared import python_source as python
from .program.model import Program, Routine, called_name, text
from .program.values import resolve
from .stubs import is_harmless, stub_reason, touches_nothing

OPERATIONS: dict[str, tuple[str, ...]] = {
    "connect": ("connect",),
    "disconnect": ("disconnect",),
    "account_info": (
        "get_account_info",
        "account_info",
        "account_summary",
        "reqAccountSummary",
        "reqAccountUpdates",
    ),
    "positions": ("get_positions", "positions", "reqPositions"),
    "place_order": ("place_order", "place", "placeOrder"),
    "cancel_order": ("cancel_order", "cancel", "cancelOrder"),
    "order_status": ("get_order_status", "order_status", "poll_reports", "reqOpenOrders"),
    "market_data": ("subscribe_market_data", "market_data", "subscribe", "reqMktData"),
}
"""Operation id → names of methods that stand for it."""

_INTERFACE = {
    "connect": r"e?connect(?:Async)?",
    "disconnect": r"e?disconnect(?:Async)?",
    "account_info": r"(?:req)?[aA]ccount(?:Summary|Values|Updates)\w*|managedAccounts|reqManagedAccts",
    "positions": r"positions|portfolio|reqPositions\w*",
    "place_order": r"placeOrder\w*",
    "cancel_order": r"cancelOrder\w*|reqGlobalCancel",
    "order_status": r"orderStatus|(?:open)?[tT]rades|[oO]penOrders|fills|executions|"
    r"req(?:AllOpenOrders|OpenOrders|AutoOpenOrders|CompletedOrders|Executions)\w*",
    "market_data": r"req(?:MktData|Tickers|RealTimeBars|TickByTickData|HistoricalData|MktDepth)\w*",
}
"""Operation id → what of the broker's interface carries it out."""
_CARRIED_OUT = {operation: re.compile(names) for operation, names in _INTERFACE.items()}
_ORDER_STATE = re.compile(r"orderStatus")

_IDLE = {"whatIf": True, "transmit": False}
"""Fields of an order, and the value with which the broker does nothing about it."""

_ACTS = frozenset({"connect", "disconnect", "place_order", "cancel_order"})
"""Operations that have to call the broker; what the others ask for may have come in before."""

LIBRARIES = frozenset({"ib_async", "ib_insync", "ibapi"})
_LIBRARY_BYTES = re.compile(rb"\b(?:ib_async|ib_insync|ibapi)\b")
_NAMED = re.compile(
    r"(?:.*_)?(?:ib|ibkr|broker|exec|execution)_(?:\w+_)?(?:client|handler|gateway|adapter)", re.IGNORECASE
)
_CONTAINERS = frozenset(
    {"append", "add", "get", "pop", "remove", "clear", "extend", "update", "setdefault", "put"}
)


def is_client(path: str, data: bytes) -> bool:
    """Whether a source file is one of a broker client: it imports a client library, or is called like one."""
    name = path.rpartition("/")[2].removesuffix(".py")
    if _NAMED.fullmatch(name):
        return True
    if not _LIBRARY_BYTES.search(data):
        return False
    tree = python.parse_bytes(data).tree
    nodes = [] if tree is None else python.nodes(tree)
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return any(isinstance(node, ast.ClassDef) for node in nodes) and any(
        each.partition(".")[0] in LIBRARIES for each in imported
    )


def method_names(configured: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Method name → operation id, with the configured names in place of the default ones.

    An operation that does not exist is ignored here; the collector refuses it.
    """
    merged: dict[str, Sequence[str]] = {**OPERATIONS, **configured}
    return {name: operation for operation in OPERATIONS for name in merged[operation]}


class Method(Struct, frozen=True):
    """A method that stands for an operation.

    Attributes:
        state: ``implemented``, ``stub``, or ``unknown`` where what it calls cannot be followed.
        reason: why it is a stub, or what cannot be followed.
    """

    path: str
    line: int
    name: str
    operation: str
    state: str
    reason: str | None


def find_methods(tree: ast.Module, names: Mapping[str, str], path: str = "") -> Iterator[Method]:
    """Methods of classes that stand for an operation, as far as one file tells."""
    for qualified, owner, function in python.all_functions(tree):
        if owner is None or function.name not in names or python.is_declaration(owner, function):
            continue
        reason = stub_reason(function)
        state = "implemented" if reason is None else "stub"
        yield Method(path, function.lineno, qualified, names[function.name], state, reason)


def followed(program: Program, found: Sequence[Method]) -> list[Method]:
    """The methods, each implemented only if it leads to the broker's interface."""
    routines = {(one.path, one.node.lineno): one for one in program.routines}
    return [
        one if one.state == "stub" else _followed(program, routines[one.path, one.line], one) for one in found
    ]


def _followed(program: Program, routine: Routine, method: Method) -> Method:
    pending, seen, unknown = [routine], {id(routine)}, None
    while pending:
        current = pending.pop()
        inner: list[tuple[str, ast.AST]] = [
            (one.name, one)
            for one in current.nodes
            if isinstance(one, python.Function) and one is not current.node
        ]
        for name, values in current.variables.items():
            inner += [(name, one) for one in values if isinstance(one, ast.Lambda)]
        unused = {
            id(part) for name, one in inner if name not in current.references for part in python.walk(one)
        }
        for node in python.running(current.node, partial(_is_set, program, current)):
            if id(node) in unused:
                continue
            if _carries_out(program, current, node, method.operation):
                return method
            if isinstance(node, ast.Call) and unknown is None:
                name = called_name(node)
                if name not in program.by_name and not is_harmless(node) and name not in _CONTAINERS:
                    unknown = name or "an expression"
                    if isinstance(node.func, ast.Attribute) and _CARRIED_OUT[method.operation].fullmatch(
                        name
                    ):
                        unknown += " with an order that never trades"
        if stub_reason(current.node) is None:
            for name in program.heeded(current):
                for one in program.by_name.get(name, ()):
                    if id(one) not in seen:
                        seen.add(id(one))
                        pending.append(one)
    if unknown is None and method.operation not in _ACTS and not touches_nothing(routine.node):
        unknown = "what it reads"
    state = "stub" if unknown is None or _is_idle(routine, method.operation) else "unknown"
    reason = "reaches no call of the broker's interface"
    if state == "unknown":
        reason += f", as far as it can be followed ({unknown})"
    return Method(method.path, method.line, method.name, method.operation, state, reason)


def _is_set(program: Program, routine: Routine, name: ast.Name | ast.Attribute) -> bool | None:
    """The truth of a name that is always True or always False: ``DRY_RUN = True``."""
    found = [one.node for one in resolve(program, name, routine.path, routine)]
    values = [one.value for one in found if isinstance(one, ast.Constant) and isinstance(one.value, bool)]
    return values[0] if len(values) == len(found) == 1 else None


def _is_idle(routine: Routine, operation: str) -> bool:
    """Whether the function itself calls nothing that could lead anywhere, nor reads what may have come in."""
    calls = [node for node in routine.nodes if isinstance(node, ast.Call)]
    return (operation in _ACTS or touches_nothing(routine.node)) and all(
        is_harmless(node) or called_name(node) in _CONTAINERS for node in calls
    )


def _carries_out(program: Program, routine: Routine, node: ast.AST, operation: str) -> bool:
    """Whether the node calls the broker's interface for the operation, or reads an order's state from it."""
    wanted = _CARRIED_OUT[operation]
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            own = isinstance(node.func.value, ast.Name) and node.func.value.id in ("self", "cls")
            if own and node.func.attr in program.by_name:
                return False
            if operation == "place_order" and any(never_trades(routine, one) for one in arguments(node)):
                return False
            return wanted.fullmatch(node.func.attr[:100]) is not None
        if operation == "connect" and called_name(node) == "Watchdog":
            return True
        if called_name(node) == "getattr" and len(node.args) > 1:
            return wanted.fullmatch(text(node.args[1])[:100]) is not None
    if operation == "order_status" and isinstance(node, ast.Attribute):
        return _ORDER_STATE.fullmatch(node.attr) is not None
    return False


def arguments(call: ast.Call) -> list[ast.expr]:
    """What a call is given."""
    return [*call.args, *(word.value for word in call.keywords)]


def never_trades(routine: Routine, order: ast.expr, depth: int = 4) -> bool:
    """Whether an order is only a question, or is not passed on: ``whatIf`` is true, or ``transmit`` false."""
    if isinstance(order, ast.Name):
        made = routine.variables.get(order.id, [])
        if made and depth and all(never_trades(routine, one, depth - 1) for one in made):
            return True
        set_to = routine.fields.get(order.id, [])
        return any(
            all(_is_idle_value(one, value) for one, value in set_to if one == name)
            for name in _IDLE.keys() & {name for name, _ in set_to}
        )
    stated: list[tuple[str, ast.expr]] = []
    if isinstance(order, ast.Call):
        stated = [(word.arg or "", word.value) for word in order.keywords]
    elif isinstance(order, ast.Dict):
        stated = [(text(key), value) for key, value in zip(order.keys, order.values, strict=True)]
    return any(
        _is_idle_value(name, value) or (not name and depth > 0 and never_trades(routine, value, depth - 1))
        for name, value in stated
    )


def _is_idle_value(name: str, value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value in (0, 1) and bool(value.value) is _IDLE.get(name)


def operation_states(methods: Sequence[Method]) -> dict[str, str]:
    """State of every operation: a stub anywhere makes it a stub, no method makes it absent."""
    states = dict.fromkeys(OPERATIONS, "absent")
    for method in methods:
        if states[method.operation] != "stub":
            states[method.operation] = "stub" if method.state == "stub" else "implemented"
    return states


def operation_lines(methods: Sequence[Method]) -> dict[str, int | None]:
    """Where one file has every operation: the line of its first stub, else of its first method."""
    lines: dict[str, int | None] = dict.fromkeys(OPERATIONS)
    for method in sorted(methods, key=lambda one: (one.state != "stub", one.line)):
        if lines[method.operation] is None:
            lines[method.operation] = method.line
    return lines
