"""What the attributes of a suite claim, held against the test cases it has.

The cases count, whatever is claimed. A claim of more failures, errors or skipped tests than there are says
that some are left out, so it is a contradiction; one of fewer is only the habit of a writer (gotestsum, jest
and mocha leave out a failed build or set-up).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from .model import Case, Identity, Suite

Totals = Counter[str]
"""How much of what is in a suite, or in all suites below it.

``cases``: without the attempts that were taken out. ``bad``: cases that failed or ended in an error; a writer
need not count those of a set-up, a tear-down, a subtest or a suite itself. ``failure``, ``error``,
``skipped``: elements of each kind in test cases. ``loose``: failures and errors without such an element;
``loose_skips`` likewise. ``flaky``: cases with attempts of their own. ``planned``: passes that took no time.
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
    for attribute, number, most in _bounds(stated, everything):
        if number > most:
            return everything, f"{attribute}={number} is stated, {most} are in its test cases"
    if suite.outcome in _BAD and not everything["bad"]:
        return everything, "it says that this did not end well, and none of its test cases is the cause"
    declared = stated.get("tests")
    if declared is None:
        return everything, ""
    readings = [(suite.cases, suite.attempts)]
    without, attempts = _without_attempts(suite.cases)
    planned = everything["cases"] - declared
    if not attempts and not everything["bad"] and planned == everything["planned"] > 0:
        # jest-junit writes tests that are still to be written like passes, and does not count them
        suite.cases = [replace(case, outcome="skipped") if case.planned else case for case in suite.cases]
        return everything, ""
    if attempts:  # where both would explain the number, a test that was run again is not two that passed
        readings.insert(0, (without, attempts))
    for suite.cases, suite.attempts in readings:
        _count(own, suite.cases)
        everything = own + below
        for total in (own, everything):
            # a test that passes and whose tear-down fails is one case, which some versions of pytest count
            # twice; pytest counts subtests that pass, which it does not write as cases
            least, most = total["cases"] - total["bad"], total["cases"] + total["error"]
            if least <= declared and (subtests or declared <= most):
                return everything, ""
    return everything, f"tests={declared} is stated, {everything['cases']} are in its test cases"


def _count(totals: Totals, cases: Sequence[Case]) -> None:
    """Take the figures that come from the cases themselves."""
    totals["cases"] = len(cases)
    totals["bad"] = sum(case.outcome in _BAD for case in cases)
    totals["planned"] = sum(case.planned for case in cases)
    totals["flaky"] = sum(case.attempts > 0 for case in cases)


def _bounds(stated: dict[str, int], found: Totals) -> Iterator[tuple[str, int, int]]:
    """Each number that is stated about outcomes, with the most that the cases allow.

    Failures and errors are compared as a sum: mocha counts failures as errors.
    """
    for names, most in (
        (("failures", "errors"), found["failure"] + found["error"] + found["loose"]),
        (("skipped",), found["skipped"] + found["loose_skips"]),
        (("disabled",), found["skipped"] + found["loose_skips"]),
        (("flakes",), found["flaky"]),
    ):
        claimed = {name: stated[name] for name in names if name in stated}
        yield " and ".join(claimed), sum(claimed.values()), most


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
