"""What the attributes of a suite claim, held against the test cases it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .model import Case, Identity, Suite

Totals = Counter[str]
"""How much of what is in a suite, or in all suites below it.

``cases``: without the attempts that were taken out. ``repeated``: errors that follow another outcome of the
same test, so that pytest may count the two as one. ``outside``: cases that are an element of a suite itself,
which a writer need not count. ``bad``: cases that failed or ended in an error. ``failure``, ``error``,
``skipped``: elements of each kind in test cases. ``loose``: failures and errors that a writer need not count,
as no such element is in a test case; ``loose_skips`` likewise.
"""
_BAD = ("failed", "errors")


def check(suite: Suite, own: Totals, below: Totals, *, subtests: bool) -> tuple[Totals, str]:
    """Hold a suite's claims against its cases, counted with or without the suites nested in it.

    The plug-in pytest-rerunfailures leaves every attempt of a test as a case of its own, of which only the
    last one says how it ended: the others look like passes. ``tests`` does not count them, and that gives
    them away; they are then taken out of the suite's cases.

    Returns:
        what is in the suite and below it, and a contradiction, empty where there is none.
    """
    _count(own, suite.cases)
    everything = own + below
    stated = suite.counts
    for attribute, number, least, most in _bounds(stated, own, everything):
        if not any(low <= number <= high for low, high in zip(least, most, strict=True)):
            return everything, f"{attribute}={number} is stated, {least[1]} are in its test cases"
    if suite.outcome in _BAD and not everything["bad"]:
        return everything, "it says that this did not end well, and none of its test cases is the cause"
    declared = stated.get("tests")
    if declared is None:
        return everything, ""
    readings = [(suite.cases, suite.attempts)]
    without, attempts = _without_attempts(suite.cases)
    if attempts:  # where both would explain the number, a test that was run again is not two that passed
        readings.insert(0, (without, attempts))
    for suite.cases, suite.attempts in readings:
        _count(own, suite.cases)
        everything = own + below
        for total in (own, everything):
            # a failing test whose tear-down fails too is two cases, which some versions of pytest count once;
            # a test that passes and whose tear-down fails is one, which some count twice; pytest counts
            # subtests that pass, which it does not write as cases
            fewest = total["cases"] - total["repeated"] - total["outside"]
            if fewest <= declared and (subtests or declared <= total["cases"] + total["error"]):
                return everything, ""
    return everything, f"tests={declared} is stated, {everything['cases']} are in its test cases"


def _count(totals: Totals, cases: Sequence[Case]) -> None:
    """Take the figures that come from the cases themselves."""
    totals["cases"] = len(cases)
    totals["bad"] = sum(case.outcome in _BAD for case in cases)
    seen: set[Identity] = set()
    totals["repeated"] = 0
    for case in cases:
        totals["repeated"] += case.outcome == "errors" and case.identity in seen
        seen.add(case.identity)


def _bounds(stated: dict[str, int], *readings: Totals) -> Iterator[tuple[str, int, list[int], list[int]]]:
    """Each number that is stated about outcomes, with the least and the most that each reading allows.

    Where failures and errors are both stated, only their sum is compared: mocha counts failures as errors.
    """
    failures, errors = stated.get("failures"), stated.get("errors")
    both = [t["failure"] + t["error"] for t in readings]
    most = [found + t["loose"] for found, t in zip(both, readings, strict=True)]
    if failures is not None and errors is not None:
        yield "failures and errors", failures + errors, both, most
    elif failures is not None:
        yield "failures", failures, [t["failure"] for t in readings], most
    elif errors is not None:
        yield "errors", errors, [t["error"] for t in readings], most
    if "skipped" in stated:
        least = [t["skipped"] for t in readings]
        yield "skipped", stated["skipped"], least, [t["skipped"] + t["loose_skips"] for t in readings]


def _without_attempts(cases: list[Case]) -> tuple[list[Case], dict[Identity, int]]:
    """The cases without those that a later one of the same test supersedes, and how many these are."""
    last = {case.identity: case for case in cases}
    attempts: Counter[Identity] = Counter()
    kept = []
    for case in cases if len(last) < len(cases) else ():
        if case.bare and case is not last[case.identity]:
            attempts[case.identity] += 1
        else:
            kept.append(case)
    return kept, attempts
