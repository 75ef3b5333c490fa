"""Collector ``source``: which broker operations the client's source implements, from its syntax tree.

Reads Python files, executes none. Options, facts and their meaning: ``docs/collectors/source.md``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..interface import Missing, Observation, Options
from ..workspace import View
from . import _python_source as python

OPERATIONS: dict[str, tuple[str, ...]] = {
    "connect": ("connect",),
    "disconnect": ("disconnect",),
    "account_info": ("get_account_info", "account_info", "account_summary"),
    "positions": ("get_positions", "positions"),
    "place_order": ("place_order", "place"),
    "cancel_order": ("cancel_order", "cancel"),
    "order_status": ("get_order_status", "order_status", "poll_reports"),
    "market_data": ("subscribe_market_data", "market_data", "subscribe"),
}
"""Operation id → names of methods that stand for it."""

_ORDER_TYPE_NAMES = frozenset({"order_type", "orderType", "ordertype", "ORDER_TYPE"})


@dataclass(frozen=True, slots=True)
class SourceOptions(Options):
    """Options of ``evidence.source``.

    Attributes:
        paths: files (or globs) of the broker client.
        names: operation id → method names that stand for it; replaces the default names of that operation.
    """

    paths: tuple[str, ...] = field(
        default=("algo_trade/core/execution/IBKR_handler.py", "order_plane/broker/ibkr_exec_client.py")
    )
    names: dict[str, list[str]] = field(default_factory=dict)


def method_names(configured: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Method name → operation id, with the configured names in place of the default ones.

    An operation that does not exist is ignored here; the collector refuses it.
    """
    merged: dict[str, Sequence[str]] = {**OPERATIONS, **configured}
    return {name: operation for operation in OPERATIONS for name in merged[operation]}


def find_methods(tree: ast.Module, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Methods of classes that stand for an operation: line, class, name, operation, state, reason."""
    found = []
    for qualified, owner, function in python.all_functions(tree):
        if owner is None or function.name not in names or python.is_declaration(owner, function):
            continue
        reason = python.stub_reason(function)
        found.append(
            {
                "line": function.lineno,
                "class": qualified.rpartition(".")[0],
                "name": function.name,
                "operation": names[function.name],
                "state": "implemented" if reason is None else "stub",
                "reason": reason,
            }
        )
    return found


def operation_states(methods: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """State of every operation: a stub anywhere makes it a stub, no method makes it absent."""
    states = dict.fromkeys(OPERATIONS, "absent")
    for method in methods:
        if states[method["operation"]] != "stub":
            states[method["operation"]] = method["state"]
    return states


class SourceCollector:
    """See the module."""

    id: ClassVar[str] = "source"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = SourceOptions

    def __init__(self, options: SourceOptions) -> None:
        from ..errors import ConfigError

        unknown = sorted(set(options.names) - set(OPERATIONS))
        if unknown:
            raise ConfigError(
                f"there is no operation {unknown[0]!r}",
                path="gate.yaml",
                place="/evidence/source/names",
                remedy="known: " + ", ".join(OPERATIONS),
            )
        self._options = options

    def collect(self, view: View) -> Observation:
        """Inspect the files that exist; nothing is executed.

        Raises:
            EvidenceError: a file is unreadable, too large or not UTF-8 text.
        """
        paths = sorted({path for pattern in self._options.paths for path in view.glob(pattern)})
        names = method_names(self._options.names)
        methods: list[dict[str, Any]] = []
        stubs: list[dict[str, Any]] = []
        order_types: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for path in paths:
            parsed = python.parse_file(view, path)
            if parsed.tree is None:
                errors.append({"path": path, "line": parsed.line, "text": parsed.problem})
                continue
            methods += [{"path": path, **method} for method in find_methods(parsed.tree, names)]
            stubs += [{"path": path, **stub} for stub in _stubs(parsed.tree)]
            order_types += [{"path": path, **found} for found in _order_types(parsed.tree)]
        missing: tuple[Missing, ...] = ()
        operations: dict[str, str | None] = dict(operation_states(methods))
        if len(errors) == len(paths):
            operations = dict.fromkeys(OPERATIONS)
            reason = (
                f"{errors[0]['path']} {errors[0]['text']}"
                if errors
                else "none of the files exists: " + ", ".join(self._options.paths)
            )
            remedy = (
                "correct the syntax errors"
                if errors
                else "write the broker client, or name its files in evidence.source.paths"
            )
            missing = tuple(Missing(f"operations.{name}", reason, remedy) for name in OPERATIONS)
        return Observation(
            {
                "operations": operations,
                "methods": sorted(methods, key=_place),
                "stubs": sorted(stubs, key=_place),
                "parse_errors": errors,
                "order_types": sorted(order_types, key=lambda found: (*_place(found), found["value"])),
                "files": len(paths),
            },
            missing,
        )


def _place(found: Mapping[str, Any]) -> tuple[str, int]:
    return found["path"], found["line"]


def _stubs(tree: ast.Module) -> Iterator[dict[str, Any]]:
    for name, owner, function in python.all_functions(tree):
        if python.is_declaration(owner, function):
            continue
        if (reason := python.stub_reason(function)) is not None:
            yield {"line": function.lineno, "name": name, "reason": reason}


def _order_types(tree: ast.Module) -> Iterator[dict[str, Any]]:
    """String literals given to something called an order type, or members of a class ``OrderType``."""
    for node in ast.walk(tree):
        values: list[ast.expr | None] = []
        if isinstance(node, (ast.keyword, ast.Assign, ast.AnnAssign)):
            values = [node.value] if _names_order_type(node) else []
        elif isinstance(node, ast.Dict):
            values = [
                value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value in _ORDER_TYPE_NAMES
            ]
        elif isinstance(node, ast.arguments):
            positional = [*node.posonlyargs, *node.args]
            defaults = [*zip(positional[len(positional) - len(node.defaults) :], node.defaults, strict=True)]
            values = [value for argument, value in defaults if argument.arg in _ORDER_TYPE_NAMES]
            values += [
                value
                for argument, value in zip(node.kwonlyargs, node.kw_defaults, strict=True)
                if argument.arg in _ORDER_TYPE_NAMES
            ]
        elif isinstance(node, ast.ClassDef) and node.name == "OrderType":
            values = [member.value for member in node.body if isinstance(member, (ast.Assign, ast.AnnAssign))]
        for value in values:
            yield from _literals(value)


def _names_order_type(node: ast.keyword | ast.Assign | ast.AnnAssign) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in _ORDER_TYPE_NAMES
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(_is_order_type(target) for target in targets)


def _is_order_type(target: ast.expr) -> bool:
    if isinstance(target, ast.Attribute):
        return target.attr in _ORDER_TYPE_NAMES
    if isinstance(target, ast.Subscript):
        return isinstance(target.slice, ast.Constant) and target.slice.value in _ORDER_TYPE_NAMES
    return isinstance(target, ast.Name) and target.id in _ORDER_TYPE_NAMES


def _literals(node: ast.expr | None) -> Iterator[dict[str, Any]]:
    """The literal itself, or both outcomes of a conditional expression."""
    pending = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, ast.IfExp):
            pending += [item.body, item.orelse]
        elif isinstance(item, ast.Constant) and isinstance(item.value, str):
            yield {"line": item.lineno, "value": item.value}
