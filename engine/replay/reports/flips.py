"""Flips by rule, loosened ones first, and the values that a rule compares, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from ...decision.document import Operand
from ...terminal.figures import figure, requirement, scale
from ..impact import ENTRY, JudgedAgain
from ..logs import LOGGED
from ..outcome import Difference, RuleFlip, is_looser, weight

ARROW = "→"
MOST = 10
"""Decisions of one rule that people are shown; JSON has all of them."""


class Group(Struct, frozen=True):
    """A rule's flip from one effect to another, and the decisions in which it flips so."""

    code: str
    title: str
    before: str
    after: str
    members: tuple[tuple[JudgedAgain, Difference, RuleFlip], ...]

    @property
    def loosened(self) -> bool:
        """Whether the rule demands less now."""
        return is_looser(self.before, self.after)

    @property
    def arrow(self) -> str:
        """From what to what."""
        return f"{self.before} {ARROW} {self.after}"


def groups(changed: Iterable[JudgedAgain]) -> list[Group]:
    """The flips by rule: those that demand less first, and the heaviest of them before others."""
    found: dict[tuple[str, str, str], list[tuple[JudgedAgain, Difference, RuleFlip]]] = {}
    for one in changed:
        if one.difference is not None:
            for flip in one.difference.rules:
                found.setdefault((flip.code, flip.before, flip.after), []).append((one, one.difference, flip))
    made = [
        Group(code, flips[0][2].title, was, now, tuple(flips)) for (code, was, now), flips in found.items()
    ]
    return sorted(made, key=lambda one: (weight(one.after) - weight(one.before), one.code))


def verdicts(changed: Iterable[JudgedAgain]) -> list[tuple[str, str, int]]:
    """How many decisions have another verdict: from, to and count; those that demand less first."""
    counts: dict[tuple[str, str], int] = {}
    for one in changed:
        found = one.difference
        if found is not None and found.before and found.after and found.before != found.after:
            pair = found.before, found.after
            counts[pair] = counts.get(pair, 0) + 1
    rows = [(was, now, count) for (was, now), count in counts.items()]
    return sorted(rows, key=lambda row: (weight(row[1]) - weight(row[0]), row))


def place(one: JudgedAgain) -> str:
    """Where a decision is, in words."""
    if one.index is None:
        return f"{one.source} {one.name}"
    separator = " " if one.source.endswith(ENTRY) else ":"
    return f"{one.source}{separator}{one.index} {one.name}".rstrip()


def compared(flip: RuleFlip) -> str:
    """The comparisons of a rule that are other ones than before, or that do not hold; with both limits.

    Without any, what became of the rule; nothing for a dependency between stages.
    """
    gone = flip.status_before is not None and flip.status_after is None
    return "; ".join(_comparisons(flip)) or ("no longer a rule" if gone else flip.status_after or "")


def told(flip: RuleFlip) -> str:
    """As `compared`, to be put behind the name of a decision."""
    text = compared(flip)
    return f": {text}" if text else ""


def _comparisons(flip: RuleFlip) -> Iterator[str]:
    before = {operand.name: operand for operand in flip.operands_before}
    for operand in flip.operands:
        old = before.get(operand.name)
        if operand == old and operand.holds:
            continue
        yield _text(operand) + _was(operand, old)


def _text(operand: Operand) -> str:
    if operand.unit == LOGGED:
        return f"{figure(operand.actual, None)} (before: {figure(operand.expected, None)})"
    return requirement(operand.name, operand.op, operand.actual, operand.expected, operand.unit)


def _was(operand: Operand, old: Operand | None) -> str:
    if old is None or (old.expected, old.actual, old.op) == (operand.expected, operand.actual, operand.op):
        return ""
    unit = scale(old.name, old.unit)
    if (old.expected, old.op) != (operand.expected, operand.op):
        return f" (before: {old.op} {figure(old.expected, unit, operand.expected)})"
    return f" (before: {figure(old.actual, unit, operand.actual)})"
