"""What the attributes of a suite claim, held against the test cases it has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...base.errors import EvidenceError
from .model import REMEDY, Case, Identity, Suite

CHILDREN = ("failure", "error", "skipped")
"""Elements that make an outcome, in the order of `model.OUTCOMES` without the first."""

_CLAIMS = (("failures", 0), ("failed", 0), ("errors", 1), ("skipped", 2))
_COUNT = re.compile(r"[0-9]{1,9}")
_BAD = ("failed", "errors")


@dataclass(slots=True)
class Totals:
    """How much of what is in a suite, or in all suites below it.

    Attributes:
        cases: cases, without the attempts that were taken out.
        repeated: errors that follow another outcome of the same test: pytest may count the two as one.
        outside: cases that are an element of a suite itself, which a writer need not count as a test.
        bad: cases that failed or ended in an error.
        elements: elements of each of `CHILDREN`.
        loose: outcomes of each kind that a writer need not count, as no such element is in a test case.
    """

    cases: int = 0
    repeated: int = 0
    outside: int = 0
    bad: int = 0
    elements: list[int] = field(default_factory=lambda: [0, 0, 0])
    loose: list[int] = field(default_factory=lambda: [0, 0, 0])

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.cases + other.cases,
            self.repeated + other.repeated,
            self.outside + other.outside,
            self.bad + other.bad,
            [a + b for a, b in zip(self.elements, other.elements, strict=True)],
            [a + b for a, b in zip(self.loose, other.loose, strict=True)],
        )

    def count(self, cases: Sequence[Case]) -> None:
        """Take the figures that come from the cases themselves."""
        self.cases = len(cases)
        self.bad = sum(case.outcome in _BAD for case in cases)
        self.repeated = 0
        if any(case.outcome == "errors" for case in cases):
            seen: set[Identity] = set()
            for case in cases:
                self.repeated += case.outcome == "errors" and case.identity in seen
                seen.add(case.identity)


@dataclass(slots=True)
class Claims:
    """What the attributes of one suite state.

    Attributes:
        tag: the element.
        name: its name.
        counts: number stated, by attribute.
        outcome: how it is stated to have ended, one of `model.OUTCOMES`; empty where it is not.
        path: the file, for messages.
    """

    tag: str
    name: str
    counts: dict[str, int]
    outcome: str
    path: str

    def check(self, suite: Suite, own: Totals, below: Totals, *, subtests: bool) -> Totals:
        """Hold them against the cases, counted with or without the suites nested in it.

        The plug-in pytest-rerunfailures leaves every attempt of a test as a case of its own, of which only
        the last one says how it ended: the others look like passes. ``tests`` does not count them, and that
        gives them away; they are then taken out of the suite's cases.

        Returns:
            what is in the suite and below it.

        Raises:
            EvidenceError: they do not agree.
        """
        own.count(suite.cases)
        everything = own + below
        for attribute, index in _CLAIMS:
            declared = self.counts.get(attribute)
            if declared is not None and not any(
                0 <= declared - totals.elements[index] <= totals.loose[index] for totals in (own, everything)
            ):
                raise self._contradiction(attribute, declared, everything.elements[index])
        if self.outcome in _BAD and not everything.bad:
            raise EvidenceError(
                "the report contradicts itself: it says that this did not end well, and none of its test"
                " cases is named as the cause",
                path=self.path,
                place=self.place,
                remedy=REMEDY,
            )
        declared = self.counts.get("tests")
        if declared is None:
            return everything
        readings: list[tuple[Sequence[Case], Mapping[Identity, int]]] = [(suite.cases, suite.attempts)]
        without, attempts = _without_attempts(suite.cases)
        if attempts:  # where both would explain the number, a test that was run again is not two that passed
            readings.insert(0, (without, attempts))
        for suite.cases, suite.attempts in readings:
            own.count(suite.cases)
            everything = own + below
            if any(_explains(declared, totals, bounded=not subtests) for totals in (own, everything)):
                return everything
        raise self._contradiction("tests", declared, everything.cases)

    @property
    def place(self) -> str:
        """The suite, for messages."""
        return f"{self.tag} {self.name[:100]!r}"

    def _contradiction(self, attribute: str, declared: int, counted: int) -> EvidenceError:
        return EvidenceError(
            f"the report contradicts itself: {attribute}={declared} is stated,"
            f" {counted} are in its test cases",
            path=self.path,
            place=self.place,
            remedy=REMEDY,
        )


def read_counts(attributes: Mapping[str, str], path: str, place: str) -> dict[str, int]:
    """The numbers a suite states.

    Raises:
        EvidenceError: one is no count.
    """
    counts: dict[str, int] = {}
    for name in ("tests", *(attribute for attribute, _ in _CLAIMS)):
        stated = attributes.get(name)
        if stated is None:
            continue
        if not _COUNT.fullmatch(stated):
            raise EvidenceError(
                f"{name}={stated[:40]!r} is not a count", path=path, place=place, remedy=REMEDY
            )
        counts[name] = int(stated)
    return counts


def _explains(declared: int, totals: Totals, *, bounded: bool) -> bool:
    # a failing test whose tear-down fails too is two cases, which some versions of pytest count once
    least = totals.cases - totals.repeated - totals.outside
    # a test that passes and whose tear-down fails is one case that some versions of pytest count twice
    most = totals.cases + totals.elements[1]
    # without bounds: pytest counts subtests that pass, which it does not write as cases
    return least <= declared and (declared <= most or not bounded)


def _without_attempts(cases: Sequence[Case]) -> tuple[list[Case], dict[Identity, int]]:
    """The cases without those that a later one of the same test supersedes, and how many these are."""
    last = {case.identity: case for case in cases}
    attempts: dict[Identity, int] = {}
    if len(last) == len(cases):
        return [], attempts
    kept = []
    for case in cases:
        if case.bare and case is not last[case.identity]:
            attempts[case.identity] = attempts.get(case.identity, 0) + 1
        else:
            kept.append(case)
    return kept, attempts
