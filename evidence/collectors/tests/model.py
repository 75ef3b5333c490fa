"""What a report of a test run comes down to: its suites and their cases."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct, field

from ...collecting.interface import Origin
from .kinds import suite_kinds

REMEDY = "run the tests again: pytest --junitxml=junit.xml"

PYTEST_ROOT = "pytest tests"
"""The name that pytest gives to the root of a report."""

Identity = tuple[str, str]
"""A test across suites and reports: where it is defined, and its name."""


class Case(Struct, frozen=True):
    """One ``testcase`` element, or one ``failure`` or ``error`` that stands in a suite outside of any.

    Attributes:
        identity: equal for the same test.
        outcome: one of `OUTCOMES`.
        bare: whether nothing in it says how it ended; this means a pass, or an attempt that failed.
        kinds: what kinds of test it says it is.
        silent: whether it says nothing of each of the two groups of kinds, so that its suite decides.
        expected_failure: it failed, which it is marked to do; the outcome is ``skipped``.
        unexpected_pass: it passed, and is marked to fail for sure; the outcome is ``failed``.
        attempts: failed attempts before the last one that the element itself lists.
        planned: whether it is bare and took exactly no time: a pass, or a test that is still to be written.
    """

    identity: Identity
    outcome: str
    bare: bool = False
    kinds: frozenset[str] = frozenset()
    silent: tuple[bool, bool] = (True, True)
    expected_failure: bool = False
    unexpected_pass: bool = False
    attempts: int = 0
    planned: bool = False


class Suite(Struct):
    """One ``testsuite`` (or root) element without the suites nested in it.

    Attributes:
        tag: the element.
        name: its name.
        started_s: epoch seconds its start is stated as, by itself or a suite around it; None when it is not.
        parent: the suite around it.
        counts: what its attributes claim, by attribute.
        outcome: how it is stated to have ended, one of `OUTCOMES`; empty where it is not.
        cases: its test cases, without the attempts that were followed by another one.
        attempts: such attempts that stood in it as cases of their own, by test.
        took: how long it took, as it says.
        seconds: time of everything in it, attempts included; None when one does not state it.
        markers: markers among its properties, and once the report is read among those of suites around it.
        said: what its properties state of the sources.
    """

    tag: str
    name: str
    started_s: int | None
    parent: Suite | None
    counts: dict[str, int]
    outcome: str
    cases: list[Case] = field(default_factory=list)
    attempts: Mapping[Identity, int] = field(default_factory=dict)
    took: Decimal | None = None
    seconds: Decimal | None = Decimal(0)
    markers: frozenset[str] = frozenset()
    said: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The suite, for messages."""
        return f"{self.tag} {self.name[:100]!r}"

    @property
    def by_pytest(self) -> bool:
        """Whether pytest wrote it, going by its usual name or that of the root."""
        return self.name == "pytest" or (self.parent is not None and self.parent.name == PYTEST_ROOT)

    def ends(self) -> list[tuple[str, frozenset[str]]]:
        """Of each of its cases the outcome and the kinds, where its own or those of the suite decide."""
        groups = suite_kinds(self.name, self.markers)
        known: dict[tuple[frozenset[str], tuple[bool, bool]], frozenset[str]] = {}
        for case in self.cases:
            key = (case.kinds, case.silent)
            if key not in known:
                inherited = (kinds for kinds, asked in zip(groups, case.silent, strict=True) if asked)
                known[key] = case.kinds.union(*inherited)
        return [(case.outcome, known[case.kinds, case.silent]) for case in self.cases]


class Report(Struct):
    """One report.

    Attributes:
        suites: its suites in document order; a root that is none only if it has cases of its own.
        times: starts that are stated with a zone, epoch seconds.
        origins: what its suites state about the sources; each statement once.
        tools: what its suites state as the tool that ran them; each once.
        unknown: what is in it and could not be interpreted, with its place.
    """

    suites: list[Suite] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    origins: dict[Origin, None] = field(default_factory=dict)
    tools: dict[str, None] = field(default_factory=dict)
    unknown: list[tuple[str, str]] = field(default_factory=list)
