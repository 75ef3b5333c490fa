"""Ports of live trading in Python source: connected to, allowed by a check, or part of an address.

What refuses a port has to name it, so a port that is only compared with does not count, nor does a collection
of live ports that is; one among the ports that a check lets through does.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..shared import python_source as python
from .model import Module, Program, Routine, called_name, given, target_name, text
from .secrets import snake
from .values import resolve

LIVE_PORTS: dict[object, int] = {7496: 7496, "7496": 7496, 4001: 4001, "4001": 4001}
"""Ports of TWS and Gateway for live trading, by what is written."""
_PAPER = frozenset({7497, 4002, "7497", "4002"})

PORT_NAME = re.compile(r"(?:.*_)?port(?:_?(?:live|prod|production|tws|gateway|default|number|\d+))?")
_PORTS_NAME = re.compile(r"(?:.*_)?(?:ports|port_(?:set|list|whitelist|allowlist))(?:_.*)?")
_REFUSED_NAME = re.compile(r"(?:.*_)?(?:live|real|refused?|forbidden|blocked|denied|banned|bad|not)_.*")
_CONNECT = re.compile(r"_?e?connect(?:_?async)?|create_connection|open_connection", re.IGNORECASE)
ADDRESS = re.compile(
    r"(?:^|(?<![\w.-])[\w.-]{0,60}(?:\.|localhost|host|gateway|tws|ib)[\w.-]{0,60}):(7496|4001)(?!\d)|[\w\]]:(7496)(?!\d)"
)
"""``host:port``: a number that only IB uses after any name, the other one after what looks like a host."""
_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.BitXor: operator.xor,
    ast.BitOr: operator.or_,
}
_LOOKUPS = frozenset({"get", "getenv", "setdefault", "pop", "put", "set"})
_ADDING = frozenset({"add", "append", "extend", "insert", "update"})
_HIGHEST = 1_000_000
_DEPTH = 6


@dataclass(frozen=True, slots=True)
class _Found:
    """Ports that an expression may stand for, each with its line, and whether there may be others."""

    values: tuple[tuple[int, object], ...]
    open: bool = False

    @property
    def live(self) -> list[tuple[int, int]]:
        return [(line, LIVE_PORTS[value]) for line, value in self.values if value in LIVE_PORTS]


def find_ports(program: Program, module: Module) -> tuple[set[tuple[int, int]], set[int]]:
    """Lines and numbers of live ports, and lines where the ports that are allowed cannot be told."""
    found: set[tuple[int, int]] = set()
    unknown: set[int] = set()
    compared = _only_compared(module)
    documentation = {id(node.value) for node in module.nodes if isinstance(node, ast.Expr)}

    def ports(node: ast.expr, routine: Routine | None) -> _Found:
        return _ports(program, node, module.path, routine, _DEPTH)

    for node, routine in program.walk(module):
        for name, value in [*given(node), *_defaults(node), *_added(node)]:
            plain = snake(name)
            if PORT_NAME.fullmatch(plain) and name not in compared:
                found.update(ports(value, routine).live)
            elif _PORTS_NAME.fullmatch(plain) and not _REFUSED_NAME.fullmatch(plain):
                among = ports(value, routine)
                if isinstance(
                    value, (ast.BinOp, ast.Call, ast.Set, ast.Tuple, ast.List, ast.Dict, ast.Constant)
                ):
                    found.update(among.live)
                    unknown.update([value.lineno] if among.open else [])
        if isinstance(node, ast.Call) and _CONNECT.fullmatch(called_name(node)[:100]):
            for argument in node.args:
                found.update(ports(argument, routine).live)
        elif isinstance(node, (ast.Set, ast.Tuple, ast.List)):
            among = ports(node, routine)
            if any(value in _PAPER for _, value in among.values):
                found.update(among.live)
        elif isinstance(node, ast.If) and isinstance(node.body[-1], (ast.Raise, ast.Return)):
            for each in python.walk(node.test):  # a port that is not refused where others are is let through
                if isinstance(each, ast.Compare) and isinstance(each.ops[0], (ast.NotIn, ast.NotEq)):
                    found.update(ports(each.comparators[0], routine).live)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            found.update((node.lineno, port) for _, port in addresses(node.value[:10_000]))
    return found, unknown


def _defaults(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What is taken where the environment or a mapping has nothing of a name."""
    if isinstance(node, ast.Call) and called_name(node) in _LOOKUPS and len(node.args) > 1:
        yield text(node.args[0]), node.args[1]


def _added(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What is put into a collection later on."""
    if isinstance(node, ast.AugAssign):
        yield target_name(node.target), node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ADDING:
        yield from ((target_name(node.func.value), argument) for argument in node.args)


def addresses(content: str) -> Iterator[tuple[int, int]]:
    """Offsets and live ports of the addresses in a text."""
    for match in ADDRESS.finditer(content):
        yield match.start(), int(match[1] or match[2])


def _ports(program: Program, node: ast.expr, path: str, routine: Routine | None, depth: int) -> _Found:
    if depth == 0:
        return _Found((), True)
    if isinstance(node, (ast.Set, ast.Tuple, ast.List)):
        return _union(_ports(program, item, path, routine, depth - 1) for item in node.elts[:100])
    if isinstance(node, ast.Dict):
        items = [item for item in (*node.keys, *node.values) if item is not None]
        return _union(_ports(program, item, path, routine, depth - 1) for item in items[:100])
    if isinstance(node, ast.Starred):
        return _ports(program, node.value, path, routine, depth - 1)
    if isinstance(node, ast.BinOp):
        left = _ports(program, node.left, path, routine, depth - 1)
        right = _ports(program, node.right, path, routine, depth - 1)
        compute = _ARITHMETIC.get(type(node.op))
        numbers = [
            (node.lineno, compute(one, other))
            for _, one in left.values[:10]
            for _, other in right.values[:10]
            if compute and type(one) is int and type(other) is int and max(abs(one), abs(other)) < _HIGHEST
        ]
        both = _union((left, right))
        simple = isinstance(node.left, _SIMPLE) and isinstance(node.right, _SIMPLE)
        return _Found(tuple(numbers), not numbers) if simple and numbers else both
    values = resolve(program, node, path, routine)
    if not values:
        return _Found((), True)
    return _union(
        _Found(((value.line, value.node.value),))
        if isinstance(value.node, ast.Constant)
        else _ports(program, value.node, value.place.path, value.place.routine, depth - 1)
        for value in values[:100]
    )


_SIMPLE = (ast.Constant, ast.Name, ast.Attribute, ast.BinOp)


def _union(several: Iterator[_Found] | tuple[_Found, ...]) -> _Found:
    values: list[tuple[int, object]] = []
    is_open = False
    for found in several:
        values += found.values
        is_open |= found.open
    return _Found(tuple(values), is_open)


def _only_compared(module: Module) -> set[str]:
    """Constants that are only compared with, or put into a collection."""
    uses: dict[str, list[bool]] = {}
    harmless: set[int] = set()
    for node in module.nodes:  # from the outside in
        if isinstance(node, ast.Compare):
            harmless.update(map(id, (node.left, *node.comparators)))
        elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            harmless.update(map(id, node.elts))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            uses.setdefault(node.id, []).append(id(node) in harmless)
    return {name for name, harmlessly in uses.items() if name in module.constants and all(harmlessly)}


def names_ports(program: Program, test: ast.expr, routine: Routine) -> bool:
    """Whether a condition compares something with the ports of paper or live trading."""
    for each in python.walk(test):
        if isinstance(each, ast.Compare):
            for side in (each.left, *each.comparators):
                values = {value for _, value in _ports(program, side, routine.path, routine, _DEPTH).values}
                if values & (_PAPER | LIVE_PORTS.keys()):
                    return True
    return False
