"""Ports of live trading in Python source: connected to, allowed by a check, or part of an address.

What refuses a port has to name it, so a port that is only compared with does not count, nor does a collection
of live ports that is; one among the ports that a check lets through does. A port that is computed cannot be
told.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from ...shared import python_source as python
from ...shared.python_source import name_of
from ..program.given import given
from ..program.model import LOOKUPS, Module, Program, Routine, called_name, text
from ..program.values import Members, members
from .secrets import snake

LIVE_PORTS: dict[object, int] = {7496: 7496, "7496": 7496, 4001: 4001, "4001": 4001}
"""Ports of TWS and Gateway for live trading, by what is written."""
PAPER_PORTS: frozenset[object] = frozenset({7497, 4002, "7497", "4002"})

PORT_NAME = re.compile(
    r"(?:.*_)?port(?:_?(?:live|prod|production|tws|gateway|default|number|\d+)|_(?:of|for|by)(?:_.*)?)?"
)
PORTS_NAME = re.compile(r"(?:.*_)?(?:ports|port_(?:set|list|whitelist|allowlist))(?:_.*)?")
REFUSED_NAME = re.compile(
    r"(?:.*_)?(?:live|real|prod(?:uction)?|refused?|rejected|forbidden|prohibited|disallowed|blocked|denied|banned|"
    r"bad|unsafe|dangerous|invalid|not)_.*"
)
_CONNECT = re.compile(r"_?e?connect(?:_?async)?|create_connection|open_connection", re.IGNORECASE)
ADDRESS = re.compile(
    r"(?:^|(?<![\w.-])[\w.-]{0,60}(?:\.|localhost|host|gateway|tws|ib)[\w.-]{0,60}):(7496|4001)(?!\d)|[\w\]]:(7496)(?!\d)|--[\w-]{0,40}port[\s=]{1,3}(7496|4001)(?!\d)"
)
"""``host:port``: a number that only IB uses after any name, the other one after what looks like a host; and
``--port``."""
_BEFORE = re.compile(r"--[\w-]*port|localhost|\d+(?:\.\d+){3}")
"""What stands before a port in a list of arguments."""
_ADDING = frozenset({"add", "append", "extend", "insert", "update"})
_WRITTEN = (ast.BinOp, ast.Call, ast.Set, ast.Tuple, ast.List, ast.Dict, ast.Constant)


def find_ports(program: Program, module: Module) -> tuple[set[tuple[int, int]], set[int]]:
    """Lines and numbers of live ports, and lines where the ports that are allowed cannot be told."""
    found: Members = []
    unknown: set[int] = set()
    compared = _only_compared(module)
    documentation = {id(node.value) for node in module.nodes if isinstance(node, ast.Expr)}
    for node, routine in program.walk(module):
        wanted: list[ast.expr] = []
        for name, value in [*given(node, routine), *_defaults(node), *_added(node)]:
            plain = snake(name)
            if PORT_NAME.fullmatch(plain) and name not in compared:
                wanted.append(value)
                unknown.update([value.lineno] if _is_computed(value) else [])
            elif isinstance(value, _WRITTEN) and PORTS_NAME.fullmatch(plain):
                among, is_open = members(program, value, module.path, routine)
                if not REFUSED_NAME.fullmatch(plain):
                    found += among
                    unknown.update([value.lineno] if is_open else [])
        beside = node.args if isinstance(node, ast.Call) else getattr(node, "elts", ())
        wanted += [port for one, port in pairwise(beside) if _BEFORE.fullmatch(text(one)[:100])]
        if isinstance(node, ast.Call) and _CONNECT.fullmatch(called_name(node)[:100]):
            wanted += node.args
            ports = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "port")]
            unknown.update(port.lineno for port in ports if _is_unchecked(port, routine))
        elif isinstance(node, (ast.Set, ast.Tuple, ast.List)):
            among = members(program, node, module.path, routine)[0]
            is_address = isinstance(node, ast.Tuple) and len(node.elts) == 2 and bool(text(node.elts[0]))
            besides = (name_of(one.value) for one in node.elts if isinstance(one, ast.Starred))
            of_ports = any(PORTS_NAME.fullmatch(snake(name)) for name in besides)
            of_ports = of_ports or any(value in PAPER_PORTS for _, value in among)
            found += among if is_address or of_ports else []
        elif isinstance(node, ast.If) and isinstance(node.body[-1], (ast.Raise, ast.Return)):
            for each in python.walk(node.test):  # a port that is not refused where others are is let through
                if isinstance(each, ast.Compare) and isinstance(each.ops[0], (ast.NotIn, ast.NotEq)):
                    wanted.append(each.comparators[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            found += [(node.lineno, port) for _, port in addresses(node.value[:10_000])]
        for value in wanted:
            found += members(program, value, module.path, routine)[0]
    return {(line, LIVE_PORTS[value]) for line, value in found if value in LIVE_PORTS}, unknown


def _is_computed(value: ast.expr) -> bool:
    """Whether the value is put together from numbers or strings of which one may be most of a port."""
    return isinstance(value, (ast.BinOp, ast.Call, ast.JoinedStr)) and any(
        isinstance(part, ast.BinOp)
        and any(
            isinstance(side, ast.Constant) and re.fullmatch(r"\d{2,5}", str(side.value))
            for side in (part.left, part.right)
        )
        for part in python.walk(value)
    )


def _is_unchecked(port: ast.expr, routine: Routine | None) -> bool:
    """Whether a port that is connected to is no name, so that nothing can have checked it before."""
    given = routine.variables.get(port.id, []) if routine and isinstance(port, ast.Name) else []
    if any(isinstance(one, ast.BinOp) for one in [port, *given]):
        return True
    return isinstance(port, (ast.Call, ast.Subscript)) and any(
        name_of(part) in ("environ", "getenv") for part in python.walk(port)
    )


def _defaults(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What is taken where the environment or a mapping has nothing of a name."""
    if isinstance(node, ast.Call) and called_name(node) in LOOKUPS and len(node.args) > 1:
        yield text(node.args[0]), node.args[1]


def _added(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What is put into a collection later on."""
    if isinstance(node, ast.AugAssign):
        yield name_of(node.target), node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ADDING:
        yield from ((name_of(node.func.value), argument) for argument in node.args)


def addresses(content: str) -> Iterator[tuple[int, int]]:
    """Offsets and live ports of the addresses in a string."""
    for match in ADDRESS.finditer(content):
        yield match.start(), int(match[1] or match[2] or match[3])


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
