"""What a function does with an account or a port of live trading: it is tried with one, and nothing is run.

Functions of the program are followed by name. A trial takes a bounded number of steps.
"""

from __future__ import annotations

import ast
from contextlib import suppress

from msgspec import Struct

from ...shared import python_source as python
from ...shared.python_source import name_of
from ..program.model import Program, Routine, assignments, called_name, matches
from .conditions import Conditions, any_of, is_port

LIVE_ACCOUNTS, PAPER_ACCOUNT = ("U1234567", "F1234567"), "DU1234567"

_DEPTH = 5
_SAME_NAME = 4
_EXITS = frozenset({"exit", "_exit", "abort"})
_BROAD = frozenset({"Exception", "BaseException"})


class _Refused(Exception):
    """The sample is refused by an exception of this name; empty if that is not known."""

    decided = False
    """Whether that was so because of a condition that could be told."""


class _End(Struct, frozen=True):
    """How a block is left: by a ``return`` of this truth, or otherwise (``continue``, ``break``)."""

    returned: bool
    truth: bool | None = None


_MAYBE = _End(False)
"""A block that may have been left."""


class Trial(Conditions):
    """One function tried with one account or port.

    Attributes:
        refused: the line of the condition that refuses it, None where nothing does.
        raising: functions whose exceptions refuse it.
        unsure: lines of conditions that refuse it or not, which cannot be told.
    """

    def __init__(
        self,
        program: Program,
        routine: Routine,
        sample: str | int,
        returns: bool,
        beside: str | None = None,
    ) -> None:
        super().__init__(program, sample, beside)
        self.raising: set[Routine] = set()
        self.unsure: set[int] = set()
        self.refused: int | None = None
        self._line = routine.node.lineno
        try:
            end = self._called(routine)
        except _Refused:
            self.refused = self._line
        else:
            if returns and isinstance(end, _End) and end.returned and end.truth is False:
                self.refused = self._line

    def _called(self, routine: Routine) -> _End | None:
        if routine in self._stack or len(self._stack) >= _DEPTH:
            return None
        self._stack.append(routine)
        before, self._truths = self._truths, {}
        try:
            return self._block(routine.node.body)
        except _Refused:
            self.raising.add(routine)
            raise
        finally:
            self._truths = before
            self._stack.pop()

    def _block(self, body: list[ast.stmt]) -> _End | None:
        for index, statement in enumerate(body):
            self._left -= 1
            if self._left < 0:
                self.unsure.add(self._line)
                return None
            if len(self._stack) == 1 and isinstance(statement, (ast.If, ast.Assert, ast.Match, ast.Try)):
                self._line = statement.lineno
            end = self._statement(statement)
            if end is _MAYBE:  # what follows may not be reached
                try:
                    self._block(body[index + 1 :])
                except _Refused as refusal:
                    if refusal.decided and is_connecting(self._stack[-1]):
                        raise  # what is connected already has nothing to refuse
                    self.unsure.add(self._line)
                return None
            if end is not None:
                return end
        return None

    def _statement(self, node: ast.stmt) -> _End | None:
        match node:
            case ast.If():
                return self._either(node, self._truth(node.test), node.body, node.orelse)
            case ast.While():
                end = self._either(node, self._truth(node.test), node.body, [])
                return end if end is _MAYBE or (end is not None and end.returned) else None
            case ast.Assert():
                return self._either(node, self._truth(node.test), [], [ast.Raise(ast.Name("AssertionError"))])
            case ast.Raise():
                raise _Refused("" if node.exc is None else python.dotted(node.exc).rpartition(".")[2])
            case ast.Return():
                if node.value is None:
                    return _End(True, False)
                self._run(node.value)
                return _End(True, self._truth(node.value))
            case ast.Continue() | ast.Break():
                return _End(False)
            case ast.For() | ast.AsyncFor():
                self._run(node.iter)
                end = self._block(node.body)
                return end if end is not None and end.returned else self._block(node.orelse)
            case ast.With() | ast.AsyncWith():
                calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
                swallows = any(called_name(call) == "suppress" for call in calls)
                with suppress(*([_Refused] if swallows else [])):
                    return self._block(node.body)
            case ast.Try():
                return self._try(node)
            case ast.Match():
                return self._match(node)
            case ast.Expr() | ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                if node.value is not None:
                    self._run(node.value)
                for target, value in assignments(node):
                    self._truths[name_of(target)] = self._truth(value)
        return None

    def _either(
        self, node: ast.stmt, truth: bool | None, then: list[ast.stmt], otherwise: list[ast.stmt]
    ) -> _End | None:
        """What follows from a condition; where it cannot be told, what both ways have in common."""
        if truth is not None:
            try:
                return self._block(then if truth else otherwise)
            except _Refused as refusal:
                refusal.decided = True
                raise
        ends: list[_End | None] = []
        refusals: list[_Refused] = []
        before = after = self._truths
        for block in (then, otherwise):
            self._truths = dict(before)
            try:
                ends.append(self._block(block))
            except _Refused as refusal:
                refusals.append(refusal)
            changed = {name for name, truth in self._truths.items() if before.get(name) is not truth}
            after = {**after, **dict.fromkeys(changed)}
        self._truths = after
        if not ends:
            raise refusals[0]
        if refusals or any(end is not None and end.returned and end.truth is False for end in ends):
            self.unsure.add(node.lineno)
        if len(ends) == 2 and ends[0] == ends[1]:
            return ends[0]
        return None if len(ends) == 1 and ends[0] is None else _MAYBE

    def _try(self, node: ast.Try) -> _End | None:
        try:
            end = self._block(node.body) or self._block(node.orelse)
        except _Refused as refusal:
            for handler in node.handlers:
                if self._catches(handler, str(refusal)):
                    end = self._block(handler.body)
                    break
            else:
                self._block(node.finalbody)
                raise
        return self._block(node.finalbody) or end

    def _catches(self, handler: ast.ExceptHandler, raised: str) -> bool:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        caught = {"" if kind is None else python.dotted(kind).rpartition(".")[2] for kind in kinds}
        return "" in caught or bool(caught & (_BROAD | _ancestors(self._program, raised)))

    def _match(self, node: ast.Match) -> _End | None:
        for case in node.cases:
            truth = self._fits(case.pattern, node.subject)
            if truth is not False and case.guard is not None:
                guard = self._truth(case.guard)
                truth = guard if truth else (None if guard is None or guard else False)
            if truth is None:
                return None
            if truth:
                return self._either(node, True, case.body, [])
        return None

    def _fits(self, pattern: ast.pattern, subject: ast.expr) -> bool | None:
        if isinstance(pattern, ast.MatchOr):
            return any_of([self._fits(one, subject) for one in pattern.patterns])
        if isinstance(pattern, ast.MatchAs):
            return True if pattern.pattern is None else self._fits(pattern.pattern, subject)
        if isinstance(pattern, ast.MatchValue):
            return self._compared(subject, ast.Eq(), pattern.value)
        return None

    def _run(self, node: ast.expr) -> None:
        """Follow the calls in an expression, but for what only runs later."""
        pending: list[ast.AST] = [node]
        for part in pending:  # grows while it is gone through
            if isinstance(part, ast.Lambda):
                continue
            if isinstance(part, ast.Call):
                name = called_name(part)
                if name in _EXITS:
                    raise _Refused("SystemExit")
                if name in ("append", "add") and isinstance(part.func, ast.Attribute):
                    self._truths[name_of(part.func.value)] = True
                self._look_up(part.func, "ValueError")
                if not any(isinstance(one, ast.Constant) and is_port(one.value) for one in part.args):
                    self._result(name)  # of a port that is written there it says nothing about this one
            elif isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Load):
                self._look_up(part.value, "KeyError")
            pending += python.children(part)

    def _look_up(self, table: ast.expr, raised: str) -> None:
        """A port that an enumeration or a mapping of ports does not have raises this."""
        if isinstance(self._sample, int) and isinstance(table, (ast.Name, ast.Attribute, ast.Dict)):
            values, is_open = self._members(table)
            if any(map(is_port, values)) and not is_open and self._sample not in values:
                refusal = _Refused(raised)
                refusal.decided = True
                raise refusal

    def _result(self, name: str) -> bool | None:
        """The truth of what functions of this name return, if they agree; they may all refuse."""
        found: list[bool | None] = []
        refusal: _Refused | None = None
        for routine in self._program.by_name.get(name, ())[:_SAME_NAME]:
            if routine.node.name.startswith("__") and routine.node.name != "__init__":
                continue
            try:
                end = self._called(routine)
                found.append(end.truth if end is not None else None)
            except _Refused as error:
                refusal = error
        if refusal is not None and not found:
            raise refusal
        return found[0] if found and len(set(found)) == 1 else None


def _ancestors(program: Program, name: str) -> set[str]:
    """The name of an exception and those of the classes above it, as far as the program has them."""
    found = {name}
    for _ in range(_DEPTH):
        for module in program.modules.values():
            for node in python.definitions(module.tree.body):
                if isinstance(node, ast.ClassDef) and node.name in found:
                    found.update(python.dotted(base).rpartition(".")[2] for base in node.bases)
    return found - {""}


def is_connecting(routine: Routine) -> bool:
    """Whether the function itself connects, so that it refuses by not going on."""
    return any(matches("connect", name) for name in routine.called)
