"""What edited policies change: each recorded decision is judged again, and what flips is found by rule.

Each distinct input is judged once, in several processes; results come in the ledgers' order, whatever their
number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ... import __version__
from ...evidence.base.activity import step
from ...evidence.base.errors import ConfigError, EngineError, InternalError, PolicyError, UsageError
from ...evidence.base.records import from_json, to_json
from ..decide.recorded import Recorded
from ..decision.document import PolicyId
from ..policy.interface import Bundle
from . import logs
from .outcome import Difference, Outcome, compare, of_document
from .processes import Found, run
from .rejudge import Judge
from .replacing import Replacement, replace_facts
from .stored import UNUSABLE, Archive, EngineChoice, Engines, Line, Place, Plans, reason

_PROGRESS = 25
ENTRY = "entry"
"""How the source of a ledger's decision ends."""


class FactSet(Struct, frozen=True):
    """A named case that nobody recorded: a recorded decision with facts replaced."""

    name: str
    line: Line
    replacements: tuple[Replacement, ...]


class Judged(Struct, frozen=True):
    """A decision that was judged again.

    Attributes:
        source: ``entry`` of the workspace's ledger, or of one that is named before; a log file; ``fact set``.
        index: its ledger entry, or the line in the log; None of a fact set.
        name: the stage, the path that OPA was asked, or the fact set's name.
        difference: what differs; None where nothing does, or where it could not be judged.
        failure: why it could not be judged again.
        lacking: collectors whose facts the edited policies need and that did not run then.
    """

    source: str
    index: int | None
    name: str
    difference: Difference | None = None
    failure: str | None = None
    lacking: tuple[str, ...] = ()


class Impact(Struct, frozen=True):
    """What flips under the edited policies.

    Attributes:
        base: what they are compared with, in words.
        policy: the edited bundle.
        recorded, logged, sets: how many decisions of ledgers, lines of logs and fact sets were looked at.
        distinct: how many of all these were judged, equal ones counted once.
        changed, failed: those with a difference, and those that could not be judged.
        lacking: collector → number of decisions without its facts.
        places: rule → file and line in the edited bundle.
    """

    base: str
    policy: PolicyId
    recorded: int
    logged: int
    sets: int
    distinct: int
    changed: tuple[Judged, ...]
    failed: tuple[Judged, ...]
    lacking: dict[str, int]
    places: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def loosened(self) -> bool:
        """Whether anything demands less than before."""
        return any(one.difference is not None and one.difference.loosened for one in self.changed)


class Judging(Struct, frozen=True):
    """The work of judging again.

    Attributes:
        lines: one line for each distinct set of documents.
        base: the bundle to compare with; None for the one that each decision was recorded with.
        logs: files of OPA's decision logs.
    """

    places: tuple[Place, ...]
    lines: Sequence[Line]
    sets: Sequence[FactSet]
    logs: Sequence[Path]
    bundle: Bundle
    base: Bundle | None
    engine: EngineChoice

    def __call__(self, share: int, shares: int) -> Iterator[Found]:
        """Judge this share: places are [0, number of the line], [1, of the fact set], [2 + log, line]."""
        with ExitStack() as stack:
            archive = stack.enter_context(Archive(self.places))
            engines = stack.enter_context(Engines(archive))
            new = self._judge(engines, self.bundle)
            base = None if self.base is None else self._judge(engines, self.base)
            again = _Again(archive, engines, new, base, self.engine)
            for number, line in enumerate(self.lines):
                if number % shares == share:
                    yield [0, number], again.line(line)
            for number, one in enumerate(self.sets):
                if number % shares == share:
                    yield [1, number], again.line(one.line, one)
            part = (self.engine.limits, share, shares)
            for place, path in enumerate(self.logs, 2):
                for number, logged, found in logs.differences(path, new, base, *part):
                    name = None if logged is None else logged.name
                    failure = found if isinstance(found, str) else None
                    difference = None if failure else to_json(found)
                    yield [place, number], [name, difference, failure, []]

    def _judge(self, engines: Engines, bundle: Bundle) -> Judge:
        engine = partial(engines.over, bundle, self.engine)
        with suppress(EngineError):  # a bundle that does not load is one error, and not one of each decision
            engine(None).evaluate([bundle.heads[0].package], {})
        return Judge(bundle, engine, Plans(bundle))


class _Again(Struct, frozen=True):
    """Judges single recorded decisions; results are what `Judging` sends."""

    archive: Archive
    engines: Engines
    new: Judge
    base: Judge | None
    engine: EngineChoice

    def line(self, line: Line, facts: FactSet | None = None) -> list[Any]:
        try:
            recorded = self.archive.recorded(line)
            if facts is not None:
                recorded, _ = replace_facts(recorded, facts.replacements)
            after = self.new.outcome(recorded)
            difference = compare(self._before(line, recorded, hypothetical=facts is not None), after)
            return [None, to_json(difference), None, list(self.new.lacking(recorded))]
        except (*UNUSABLE, ConfigError, PolicyError, EngineError, UsageError, InternalError) as error:
            return [None, None, reason(error), []]

    def _before(self, line: Line, recorded: Recorded, *, hypothetical: bool) -> Outcome:
        if self.base is not None:
            return self.base.outcome(recorded)
        if not hypothetical and recorded.setup.gate_version == __version__:
            return of_document(self.archive.document(line, line.decision))
        # what another version of gate decided may differ for another reason than the policies
        return Judge.over(*self.engines.of(line, self.engine, recorded.setup)).outcome(recorded)


def impact(names: Sequence[str], lines: Sequence[Line], work: Judging, base: str, jobs: int) -> Impact:
    """Judge everything again, once for equal documents.

    Args:
        names: of the ledgers, for people.
        lines: every recorded decision; those of ``work`` are taken from them.
        base: what is compared with, in words.

    Raises PolicyError: the edited bundle or the base does not load; UsageError: there is nothing to judge;
    EnvironmentProblem: a process was ended.
    """
    first = {line.documents: line for line in reversed(lines)}
    distinct = [line for line in lines if first[line.documents] is line]
    work = replace(work, lines=distinct)
    changed, failed, lacking, logged = list[Judged](), list[Judged](), dict[str, int](), 0
    found = iter(run(work, jobs, work.engine.limits))
    total = len(lines) + len(work.sets)
    for done, one in enumerate(_in_order(names, lines, work, found), 1):
        if done % _PROGRESS == 0:
            step(f"judged again: {done:,}" + (f" of {total:,}" if not work.logs else ""))
        logged += done > total
        changed += [one] if one.difference is not None else []
        failed += [one] if one.failure is not None else []
        for collector in one.lacking:
            lacking[collector] = lacking.get(collector, 0) + 1
    if not total + logged + len(failed):
        raise UsageError(
            "there is nothing to judge again, so nothing is known about the edited policies",
            remedy="record decisions first (`gate evaluate`), name another ledger, or leave out --since",
        )
    policy = PolicyId(work.bundle.name, work.bundle.version, work.bundle.digest)
    return Impact(
        base=base,
        policy=policy,
        recorded=len(lines),
        logged=logged,
        sets=len(work.sets),
        distinct=len(distinct) + len(work.sets) + logged,
        changed=tuple(changed),
        failed=tuple(failed),
        lacking=dict(sorted(lacking.items())),
        places=_places(work.bundle),
    )


def _in_order(
    names: Sequence[str], lines: Sequence[Line], work: Judging, found: Iterator[Found]
) -> Iterator[Judged]:
    """What was found, with equal lines in their places again."""
    last = {line.documents: line for line in lines}
    known: dict[tuple[str, str, str], Judged] = {}
    for line in lines:
        key = line.documents
        if key not in known:
            known[key] = _read(next(found)[1], "", line.index, line.stage)
        yield replace(known[key], source=names[line.ledger], index=line.index)
        if last[key] is line:
            del known[key]
    for one in work.sets:
        yield _read(next(found)[1], "fact set", None, one.name)
    for place, result in found:
        yield _read(result, str(work.logs[place[0] - 2]), place[1], "")


def _read(result: Any, source: str, index: int | None, name: str) -> Judged:
    stated, difference, failure, lacking = result
    return Judged(
        source=source,
        index=index,
        name=stated or name,
        difference=None if difference is None else from_json(Difference, difference),
        failure=failure,
        lacking=tuple(lacking),
    )


def _places(bundle: Bundle) -> dict[str, tuple[str, int]]:
    """Where each rule of the bundle is: by its code, its file and line."""
    return {
        code: (head.path, head.line)
        for head in bundle.heads
        for kind, _, short in [head.name.partition("_")]
        if kind in ("deny", "violation")
        for code in (f"{head.package.rpartition('.')[2]}.{short}", f"{head.package}.{head.name}")
    }
