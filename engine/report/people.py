"""What people signed: each statement with its state, in words or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from ...evidence.base.errors import masked
from ...evidence.collecting.interface import Evidence, ProblemKind
from ..terminal.lines import Lines
from .interface import Screen
from .json_format import render_json

FORMATS = ("table", "json")
_STYLES = {"counts": "green", "active": "green", "expiring": "yellow", "no effect": "red", "void": "red"}
_WORDS = {"signoffs": "sign-offs"}
"""What JSON calls them → what people do."""


class Listed(Struct, frozen=True):
    """One statement: its state, a line and further lines for people, and everything for programs."""

    state: str
    text: str
    details: tuple[str, ...]
    data: dict[str, Any]


def rejected(evidence: Evidence, fallback: str) -> Iterator[Listed]:
    """The files that are no statements, and the lists of keys that cannot be used."""
    for problem in evidence.problems:
        if problem.kind is ProblemKind.REJECTED:
            path = problem.path or fallback
            data = {"path": path, "state": "void", "counts": False, "reasons": [problem.reason]}
            yield Listed("void", path, (problem.reason,), data)


def render(found: Sequence[Listed], name: str, form: str, screen: Screen) -> bytes:
    """The statements, which are called ``name``, in one of the formats; without account numbers."""
    if form == "json":
        return masked(render_json({name: [one.data for one in found]}).decode()).encode()
    lines = Lines(screen)
    for one in found:
        lines.add((f"{one.state:<10}", _STYLES.get(one.state, "dim")), masked(one.text), hang=10)
        for detail in one.details:
            lines.add(masked(detail), indent=10)
    if not found:
        lines.add(f"there are no {_WORDS.get(name, name)}")
    return lines.text().encode()
