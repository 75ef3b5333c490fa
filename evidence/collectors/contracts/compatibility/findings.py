"""What a comparison of two schemas finds, and what the checks of single keywords may ask of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from .known import Known
from .parts import Conjunct
from .schema import Json, Place

UNDECIDED = "undecided"
"""The kind of a finding that nothing is shown."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason.

    Attributes:
        file: the schema file the pointer is into.
        old: whether that is the file's approved version.
        pointer: JSON pointer.
        kind: what kind of keyword it is about, or ``undecided``.
        text: one clause, from the approved version to the present one.
    """

    file: str
    old: bool
    pointer: str
    kind: str
    text: str


def as_unsure(findings: Iterable[Finding]) -> list[Finding]:
    """The findings of a case that may not exist."""
    return [replace(finding, kind=UNDECIDED) for finding in findings]


class Search(Protocol):
    """A comparison under way; :class:`.checks.Comparison` says what each of these gives."""

    forward: bool

    def say(self, place: Place, pointer: str, kind: str, narrower: str, wider: str) -> list[Finding]: ...
    def unsure(self, place: Place, pointer: str, why: str) -> list[Finding]: ...
    def spend(self, steps: int) -> None: ...
    def inside(self, a: Iterable[Place], b: Iterable[Place]) -> list[Finding]: ...
    def between(
        self, a: Iterable[Place], b: Iterable[Place], used: frozenset[Json] = frozenset()
    ) -> list[Finding]: ...
    def sizes(
        self,
        a: Known,
        part: Conjunct,
        kind: str,
        smallest: str,
        largest: str,
        least: int = 0,
        most: int | None = None,
    ) -> list[Finding]: ...
