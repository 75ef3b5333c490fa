"""Conditions worked out for one account or one port: true, false, or not to be told; nothing is run.

What is compared with ports is the port, and what is asked for a prefix is the account.
"""

from __future__ import annotations

import ast
import fnmatch
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from ...shared import python_source as python
from ...shared.python_source import name_of
from ..literals.ports import LIVE_PORTS, PAPER_PORTS
from ..program.model import Program, Routine, called_name
from ..program.values import members

_STEPS = 500
_MOST_PARTS = 10
_WRAPPING = frozenset({"bool", "list", "tuple", "set", "frozenset", "sorted", "len", "next"})
_LOOKS = frozenset({"startswith", "match", "fullmatch", "fnmatch", "fnmatchcase"})
_ACCOUNT = re.compile(r"D?[UFI]\d{5,}")
_LONGEST_PATTERN, _MOST_REPEATS = 60, 4
_MANY_TIMES = re.compile(r"\{[^}]*\d{3}")
"""Of a regular expression that is tried on nine characters: bounds on the time that it takes."""


class Conditions(ABC):
    """Conditions of functions, for one account (a string) or one port. A bounded number of steps is taken.

    ``beside`` is a further account, of which a session has several: the first and the last that it names.
    """

    def __init__(self, program: Program, sample: str | int, beside: str | None = None) -> None:
        self._program = program
        self._sample = sample
        self._beside = beside
        self._left = _STEPS
        self._stack: list[Routine] = []
        self._truths: dict[str, bool | None] = {}

    @abstractmethod
    def _result(self, name: str) -> bool | None:
        """The truth of what functions of this name return."""

    def _truth(self, node: ast.expr) -> bool | None:
        self._left -= 1
        if self._left < 0:
            return None
        match node:
            case ast.Constant():
                return bool(node.value)
            case ast.NamedExpr() | ast.Await():
                return self._truth(node.value)
            case ast.UnaryOp(op=ast.Not()):
                return negated(self._truth(node.operand))
            case ast.BoolOp():
                names = self._names_in(node)
                known = [True if names[_written(each)] > 1 else self._truth(each) for each in node.values]
                return any_of(known) if isinstance(node.op, ast.Or) else negated(any_of(map(negated, known)))
            case ast.IfExp():
                test = self._truth(node.test)
                choices = {self._truth(node.body), self._truth(node.orelse)}
                chosen = self._truth(node.body if test else node.orelse)
                return chosen if test is not None or len(choices) == 1 else None
            case ast.Compare():
                sides = [node.left, *node.comparators]
                known = [self._compared(sides[i], op, sides[i + 1]) for i, op in enumerate(node.ops)]
                return negated(any_of(map(negated, known)))
            case ast.GeneratorExp() | ast.ListComp() | ast.SetComp():
                return any_of(self._for_each(lambda: self._picked(node)))
            case ast.Tuple() | ast.List() | ast.Set():
                return bool(node.elts)
            case ast.Call():
                return self._asked(node)
            case ast.Name() | ast.Attribute():
                return self._known(node)
        return None

    def _picked(self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp) -> bool | None:
        """Whether the account is among those that a comprehension gives."""
        return negated(any_of(negated(self._truth(test)) for one in node.generators for test in one.ifs))

    def _for_each(self, asked: Callable[[], bool | None]) -> list[bool | None]:
        """What is answered for the account, and for the one beside it."""
        own, beside = self._sample, self._beside
        found = [asked()] if beside is None else []
        self._beside = None
        for sample in () if beside is None else (own, beside):
            self._sample = sample
            found.append(asked())
        self._sample, self._beside = own, beside
        return found

    def _names_in(self, whole: ast.BoolOp) -> Counter[str]:
        """How often each name stands in a condition.

        A name that is one part of it, and stands in another part, only asks if there is anything to look at.
        """
        known = self._program.__dict__.setdefault("names_in", {})
        if id(whole) not in known:
            known[id(whole)] = Counter(name for part in python.walk(whole) if (name := _written(part)))
        names: Counter[str] = known[id(whole)]
        return names

    def _known(self, node: ast.Name | ast.Attribute) -> bool | None:
        name = name_of(node)
        if isinstance(node, ast.Name) and name in self._truths:
            return self._truths[name]
        if isinstance(node, ast.Attribute) and not name.isupper():
            return self._result(name) if name in self._program.by_name else None
        found, is_open = self._members(node)
        known = {bool(value) for value in found}
        return known.pop() if len(known) == 1 and not is_open else None

    def _members(self, node: ast.expr) -> tuple[list[object], bool]:
        return _told(self._program, node, self._stack[-1])

    def _asked(self, node: ast.Call) -> bool | None:
        """The truth of what a call gives."""
        name = called_name(node)
        first = node.args[0] if node.args else None
        if name in ("any", "all", "sum") and first is not None:
            return self._of_both(name != "all", first)
        if name == "filter" and len(node.args) == 2:
            return self._applied(node.args[0])
        if name in _WRAPPING and first is not None:
            return self._truth(first)
        if name == "isinstance":
            return True
        if name in _LOOKS and isinstance(self._sample, str):
            looked_at = node.func.value if isinstance(node.func, ast.Attribute) else None
            return self._looked_at(self._one_of_them(looked_at), name, node)
        if name == "get" and isinstance(node.func, ast.Attribute) and first is not None:
            return self._compared(first, ast.In(), node.func.value)
        return self._result(name)

    def _of_both(self, is_any: bool, over: ast.expr) -> bool | None:
        found = self._for_each(lambda: self._quantified(is_any, over))
        return any_of(found) if is_any else negated(any_of(map(negated, found)))

    def _quantified(self, is_any: bool, over: ast.expr) -> bool | None:
        if isinstance(over, (ast.GeneratorExp, ast.ListComp)):
            picked, asked = self._truth(over), self._truth(over.elt)
            both = negated(any_of([negated(picked), negated(asked)]))
            return both if is_any else any_of([negated(picked), asked])
        if isinstance(over, ast.Call) and called_name(over) == "map" and over.args:
            return self._applied(over.args[0])
        return None

    def _applied(self, function: ast.expr) -> bool | None:
        if isinstance(function, ast.Lambda):
            return self._truth(function.body)
        return self._result(name_of(function))

    def _looked_at(self, account: str, name: str, node: ast.Call) -> bool | None:
        """Whether the account has the prefix or the form that it is asked for."""
        wanted = node.args[-1:] if name.startswith("fnmatch") else node.args[:1]
        if name in ("match", "fullmatch") and len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            wanted = [node.func.value]  # compiled
        found, is_open = self._members(wanted[0]) if wanted else ([], True)
        texts = [value for value in found if isinstance(value, str)]
        if not texts or is_open:
            return None
        if name == "startswith":
            return account.startswith(tuple(texts))
        if any(len(one) > _LONGEST_PATTERN or sum(map(one.count, "*+?{")) > _MOST_REPEATS for one in texts):
            return None
        if any(map(_MANY_TIMES.search, texts)):
            return None
        if name.startswith("fnmatch"):
            return any(fnmatch.fnmatchcase(account, one) for one in texts)
        try:
            return any(getattr(re, name)(one, account) for one in texts)
        except (re.error, RecursionError, OverflowError):
            return None

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> bool | None:
        turned = isinstance(op, (ast.NotEq, ast.NotIn, ast.IsNot))
        if isinstance(right, ast.Constant) and right.value is None:
            there = self._truth(left)
            there = True if there is None and isinstance(left, (ast.Name, ast.Attribute)) else there
            return there if turned else negated(there)
        found = self._among(left, op, right)
        if found is None and isinstance(op, (ast.Eq, ast.NotEq)):
            found = self._among(right, op, left)
        return negated(found) if turned else found

    def _among(self, asked: ast.expr, op: ast.cmpop, other: ast.expr) -> bool | None:
        """Whether what is asked for is, or is one of, what stands on the other side."""
        if (count := self._counted(asked, other)) is not None:
            same, more = count[0] == count[1], count[0] > count[1]
            return {ast.Eq: same, ast.NotEq: same, ast.Gt: more}.get(type(op))
        if isinstance(op, (ast.Gt, ast.GtE, ast.Lt)):
            return None
        values, is_open = self._members(other)
        if isinstance(asked, (ast.Set, ast.SetComp)):
            asked = asked.elt if isinstance(asked, ast.SetComp) else asked.elts[0]
        elif isinstance(op, ast.LtE):
            return None
        mine: object = self._sample
        if isinstance(self._sample, str):
            if self._are_accounts(values) and not is_open and not isinstance(asked, ast.Subscript):
                return any(str(value)[0] == self._sample[0] for value in values)  # the one that is pinned
            mine = self._part(asked)
            if mine is None or not any(isinstance(value, str) for value in values):
                return None
        elif isinstance(asked, ast.Constant) or not any(map(is_port, values)):
            return None
        found = mine in values or str(mine) in values
        return found if found or not is_open else None

    def _counted(self, asked: ast.expr, other: ast.expr) -> tuple[int, int] | None:
        """How many accounts the session has, where that is compared with a number, and the number."""
        number = other.value if isinstance(other, ast.Constant) else None
        if not isinstance(asked, ast.Call) or called_name(asked) != "len" or type(number) is not int:
            return None
        of_accounts = any("account" in name_of(one).lower() for one in asked.args[:1])
        counts = of_accounts and isinstance(self._sample, str)
        return (1 + (self._beside is not None), number) if counts else None

    def _one_of_them(self, node: ast.expr | None) -> str:
        """The account that is looked at: the one beside where it is one by its place in a list."""
        given = self._stack[-1].variables.get(node.id, []) if isinstance(node, ast.Name) else [node]
        by_place = bool(given) and all(
            isinstance(one, ast.Subscript)
            and isinstance(one.slice, (ast.Constant, ast.UnaryOp))
            and not name_of(one)
            for one in given
        )
        return str(self._beside if by_place and self._beside is not None else self._sample)

    @staticmethod
    def _are_accounts(values: list[object]) -> bool:
        return bool(values) and all(isinstance(one, str) and _ACCOUNT.fullmatch(one) for one in values)

    def _part(self, node: ast.expr) -> str | None:
        """The part of the account that is asked for: ``account[:2]``, ``account[0]``."""
        if not isinstance(node, ast.Subscript) or not isinstance(self._sample, str):
            return None
        index, account = node.slice, self._one_of_them(node.value)
        if isinstance(index, ast.Constant) and index.value == 0:
            return account[0]
        if isinstance(index, ast.Slice) and isinstance(index.upper, ast.Constant):
            upper = index.upper.value
            at_start = index.lower is None or (
                isinstance(index.lower, ast.Constant) and not index.lower.value
            )
            return account[:upper] if type(upper) is int and at_start and index.step is None else None
        return None


def _told(program: Program, node: ast.expr, routine: Routine) -> tuple[list[object], bool]:
    """What `members` tells of an expression, without lines; found out once."""
    known = program.__dict__.setdefault("told", {})
    if id(node) not in known:
        found, is_open = members(program, node, routine.path, routine)
        known[id(node)] = [value for _, value in found], is_open
    told: tuple[list[object], bool] = known[id(node)]
    return told


def _written(node: ast.AST) -> str:
    """A name as it is written, ``self.accounts``; empty for anything else, also for one of many parts."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute) and len(parts) < _MOST_PARTS:
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def is_port(value: object) -> bool:
    return value in LIVE_PORTS or value in PAPER_PORTS


def negated(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def any_of(truths: Iterable[bool | None]) -> bool | None:
    known = list(truths)
    return True if True in known else None if None in known else False


def looks_at(program: Program, routine: Routine, ports: bool) -> Iterator[ast.AST]:
    """What in the function compares something with ports, or asks for the prefix of an account."""
    for node in routine.nodes:
        sides: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            sides = [node.value]
        elif isinstance(node, ast.Call) and (called_name(node) in _LOOKS or called_name(node) == "get"):
            sides = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
        elif isinstance(node, (ast.Call, ast.Subscript)) and ports:
            sides = [node.func if isinstance(node, ast.Call) else node.value]
        values = [value for side in sides for value in _told(program, side, routine)[0]]
        if (ports and any(map(is_port, values))) or any(
            isinstance(value, str) and value.lstrip("^(?:[").startswith("D") for value in values if not ports
        ):
            yield node
