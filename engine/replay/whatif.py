"""Judges with facts or parameters replaced, and sweeps one of them over a range. Nothing is ever recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ...evidence.base.canonical import MAX_SAFE_INTEGER
from ...evidence.base.errors import UsageError
from ...evidence.base.limits import Limits
from .. import service
from ..decide.model import Plan
from ..decide.recorded import Recorded
from ..decision.document import Decision, Weakening
from ..plans import as_recorded
from ..policy.interface import Bundle, PolicyEngine
from ..spread.processes import Processes
from .outcome import Difference, compare, of_decision
from .replacing import (
    FACT,
    PARAMETER,
    NoFactError,
    Replacement,
    parameter,
    parameters,
    parse_value,
    replace_facts,
    replace_parameters,
)
from .stored import EngineChoice, Judge

HYPOTHETICAL = "hypothetical"
"""The weakening of every decision with something replaced."""

MOST_VALUES = 500
"""Values of one sweep; each judges anew."""


class Case(Struct, frozen=True):
    """What is judged: a recorded or just collected input, under a bundle, by an engine.

    The setup of the input may replace parameters of the bundle.
    """

    recorded: Recorded
    bundle: Bundle
    engine: EngineChoice

    def tailored(self) -> tuple[Bundle, Plan]:
        """The bundle and its plan as the setup says. Raises as `as_recorded`."""
        return as_recorded(self.bundle, self.recorded.setup)


class Whatif(Struct, frozen=True):
    """Two decisions about the same input: as it is, and with something replaced."""

    replaced: tuple[Replacement, ...]
    actual: Decision
    decision: Decision
    difference: Difference | None


class Point(Struct, frozen=True):
    """One value of a sweep: the verdicts there, and the rules that are no longer as they actually are."""

    value: int
    verdict: str
    stages: dict[str, str]
    effects: dict[str, str]


class Sweep(Struct, frozen=True):
    """The outcomes over a range of values of one parameter or fact.

    Attributes:
        option: ``--set`` for a fact, ``--param`` for a parameter.
        unit: of the parameter; None of a fact.
        actual: the value now; None where it is no whole number.
        replaced: what else was replaced.
        rules: codes of the rules whose effect is not the same at every value.
    """

    stage: str
    option: str
    name: str
    unit: str | None
    actual: int | None
    replaced: tuple[Replacement, ...]
    points: tuple[Point, ...]
    rules: tuple[str, ...]


class Span(Struct, frozen=True):
    """A range to sweep: from the first value to the last one, both included."""

    name: str
    values: range


def whatif(case: Case, replacements: Sequence[Replacement]) -> Whatif:
    """Judge the case as it is, and once more with facts and parameters replaced.

    Raises UsageError: a replacement does not fit; and what judging raises.
    """
    changed, done = replaced(case, replacements)
    actual, decision = decide(case), decide(changed)
    return Whatif(done, actual, decision, compare(of_decision(actual), of_decision(decision)))


def replaced(case: Case, replacements: Sequence[Replacement]) -> tuple[Case, tuple[Replacement, ...]]:
    """The case with facts and parameters replaced, which its setup then says, and what was there before.

    Raises UsageError: a replacement does not fit, or there are two for the same.
    """
    for number, one in enumerate(replacements):
        if any((one.option, one.name) == (other.option, other.name) for other in replacements[:number]):
            raise UsageError(f"{one.option} {one.name}: it is replaced twice", remedy="give one value")
    facts = [one for one in replacements if one.option == FACT]
    recorded, seen = replace_facts(case.recorded, facts)
    wanted = [one for one in replacements if one.option == PARAMETER]
    _, used = replace_parameters(case.tailored()[0], wanted)
    bundle, _ = replace_parameters(case.bundle, wanted)
    names = {one.name for one in wanted}
    found = {(one.option, one.name): one for one in (*seen, *used)}
    done = tuple(found[one.option, one.name] for one in replacements)
    notes = tuple(Weakening(HYPOTHETICAL, one.text()) for one in done)
    setup = replace(
        recorded.setup,
        weakenings=(*recorded.setup.weakenings, *notes),
        parameters=tuple(one for one in recorded.setup.parameters if one.name not in names),
    )
    return replace(case, recorded=dataclasses.replace(recorded, setup=setup), bundle=bundle), done


def decide(case: Case) -> Decision:
    """The decision about a case at its recorded time."""
    bundle, plan = case.tailored()
    with case.engine.over(bundle) as engine:
        return service.replay(bundle, plan, case.recorded, case.recorded.setup.time, engine)


def parse_span(text: str) -> Span:
    """A ``NAME=FROM:TO:STEP``. Raises UsageError: it is none, or has no value or too many."""
    name, _, numbers = text.partition("=")
    parts = [parse_value("--sweep", name, part) for part in numbers.split(":")]
    if not name or len(parts) != 3 or not all(type(part) is int for part in parts):
        remedy = "write it like stage1.test_coverage_min=700000:900000:10000"
        raise UsageError(f"--sweep {text[:80]!r} is not NAME=FROM:TO:STEP in whole numbers", remedy=remedy)
    first, last, step = parts
    if step <= 0 or last < first or last + step > MAX_SAFE_INTEGER:
        remedy = "give FROM below TO, and a STEP above zero"
        raise UsageError(f"--sweep {text[:80]!r} has no values", remedy=remedy)
    values = range(first, last + 1, step)
    if len(values) > MOST_VALUES:
        remedy = f"take a STEP of at least {-(-(last - first) // (MOST_VALUES - 1))}, or a narrower range"
        raise UsageError(f"--sweep {name}: {len(values)} values are more than {MOST_VALUES}", remedy=remedy)
    return Span(name, values)


def sweep(case: Case, span: Span, replacements: Sequence[Replacement], jobs: int) -> Sweep:
    """Judge the case at every value of a parameter, or else of a fact. Raises as `whatif`."""
    option = PARAMETER if span.name in parameters(case.bundle.data) else FACT
    first = Replacement(option, span.name, span.values[0])
    try:
        _, done = replaced(case, [*replacements, first])
    except UsageError as error:
        raise UsageError(error.what.replace(option, "--sweep", 1), remedy=_also(error, case)) from error
    entry = parameter(case.bundle.data, span.name) or {}
    before = done[-1].before
    work = _Sweeping(case, span.name, tuple(replacements), option)
    found = Processes(jobs).run(work, partial(iter, span.values))
    points = tuple(Point(value, *result) for value, result in zip(span.values, found, strict=True))
    rules = {code: None for point in points for code in point.effects}
    varying = [code for code in rules if len({point.effects.get(code) for point in points}) > 1]
    return Sweep(
        stage=case.recorded.setup.stage,
        option=option,
        name=span.name,
        unit=entry.get("unit"),
        actual=before if type(before) is int else None,
        replaced=done[:-1],
        points=points,
        rules=tuple(varying),
    )


def _also(error: UsageError, case: Case) -> str | None:
    """The remedy, which may name a parameter, too."""
    if not isinstance(error, NoFactError):
        return error.remedy
    return f"{error.remedy}; parameters are such as {', '.join(parameters(case.bundle.data)[:3])}"


class _Sweeping(Struct, frozen=True):
    """The work of judging a case at values of a parameter or fact."""

    case: Case
    name: str
    replacements: tuple[Replacement, ...]
    option: str

    @property
    def limits(self) -> Limits:
        """Those of the policy engine."""
        return self.case.engine.limits

    def sees(self) -> dict[str, str]:
        """Nothing: the case is all there is."""
        return {}

    @contextmanager
    def opened(self) -> Iterator[Callable[[int], list[Any]]]:
        """Open the engine, where one answers for all values."""
        if self.option == PARAMETER:
            yield self._under_own_engine
            return
        with self.case.engine.over(replaced(self.case, self.replacements)[0].tailored()[0]) as engine:
            yield lambda value: _outcome(self._at(value), engine)

    def _under_own_engine(self, value: int) -> list[Any]:
        changed = self._at(value)
        with self.case.engine.over(changed.tailored()[0]) as engine:
            return _outcome(changed, engine)

    def _at(self, value: int) -> Case:
        return replaced(self.case, [*self.replacements, Replacement(self.option, self.name, value)])[0]


def _outcome(case: Case, engine: PolicyEngine) -> list[Any]:
    found = Judge.over(case.bundle, engine).outcome(case.recorded)
    return [found.verdict, found.stages, found.effects]
