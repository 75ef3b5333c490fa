"""What the attributes of a suite claim, held against the test cases it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from .model import Case, Identity, Suite

_BAD = ("failed", "errors")


@dataclass(slots=True)
class Totals:
    """How much of what is in a suite, or in all suites below it.

    Attributes:
        cases: cases, without the attempts that were taken out.
        repeated: errors that follow another outcome of the same test: pytest may count the two as one.
        outside: cases that are an element of a suite itself, which a writer need not count as a test.
        bad: cases that failed or ended in an error.
        failures, errors, skips: elements of each kind in test cases.
        loose: failures and errors that a writer need not count, as no such element is in a test case.
        loose_skips: likewise.
    """

    cases: int = 0
    repeated: int = 0
    outside: int = 0
    bad: int = 0
    failures: int = 0
    errors: int = 0
    skips: int = 0
    loose: int = 0
    loose_skips: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Totals)))

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


def check(suite: Suite, own: Totals, below: Totals, *, subtests: bool) -> tuple[Totals, str]:
    """Hold a suite's claims against its cases, counted with or without the suites nested in it.

    The plug-in pytest-rerunfailures leaves every attempt of a test as a case of its own, of which only the
    last one says how it ended: the others look like passes. ``tests`` does not count them, and that gives
    them away; they are then taken out of the suite's cases.

    Returns:
        what is in the suite and below it, and a contradiction, empty where there is none.
    """
    own.count(suite.cases)
    everything = own + below
    stated = suite.counts
    for attribute, number, least, most in _bounds(stated, own, everything):
        if not any(low <= number <= high for low, high in zip(least, most, strict=True)):
            return everything, _stated(attribute, number, least[1])
    if suite.outcome in _BAD and not everything.bad:
        return everything, "it says that this did not end well, and none of its test cases is the cause"
    declared = stated.get("tests")
    if declared is None:
        return everything, ""
    readings = [(suite.cases, suite.attempts)]
    without, attempts = _without_attempts(suite.cases)
    if attempts:  # where both would explain the number, a test that was run again is not two that passed
        readings.insert(0, (without, attempts))
    for suite.cases, suite.attempts in readings:
        own.count(suite.cases)
        everything = own + below
        if any(_explains(declared, totals, bounded=not subtests) for totals in (own, everything)):
            return everything, ""
    return everything, _stated("tests", declared, everything.cases)


def _stated(attribute: str, declared: int, counted: int) -> str:
    return f"{attribute}={declared} is stated, {counted} are in its test cases"


def _bounds(stated: dict[str, int], *readings: Totals) -> Iterator[tuple[str, int, list[int], list[int]]]:
    """Each number that is stated about outcomes, with the least and the most that each reading allows.

    Where failures and errors are both stated, only their sum is compared: mocha counts failures as errors.
    """
    failures, errors = stated.get("failures"), stated.get("errors")
    most = [t.failures + t.errors + t.loose for t in readings]
    if failures is not None and errors is not None:
        least = [t.failures + t.errors for t in readings]
        yield "failures and errors", failures + errors, least, most
    elif failures is not None:
        yield "failures", failures, [t.failures for t in readings], most
    elif errors is not None:
        yield "errors", errors, [t.errors for t in readings], most
    if "skipped" in stated:
        least = [t.skips for t in readings]
        yield "skipped", stated["skipped"], least, [t.skips + t.loose_skips for t in readings]


def _explains(declared: int, totals: Totals, *, bounded: bool) -> bool:
    # a failing test whose tear-down fails too is two cases, which some versions of pytest count once
    least = totals.cases - totals.repeated - totals.outside
    # a test that passes and whose tear-down fails is one case that some versions of pytest count twice
    most = totals.cases + totals.errors
    # without bounds: pytest counts subtests that pass, which it does not write as cases
    return least <= declared and (declared <= most or not bounded)


def _without_attempts(cases: list[Case]) -> tuple[list[Case], dict[Identity, int]]:
    """The cases without those that a later one of the same test supersedes, and how many these are."""
    last = {case.identity: case for case in cases}
    attempts: dict[Identity, int] = {}
    kept = []
    for case in cases if len(last) < len(cases) else ():
        if case.bare and case is not last[case.identity]:
            attempts[case.identity] = attempts.get(case.identity, 0) + 1
        else:
            kept.append(case)
    return kept, attempts
