"""What edited policies change: each recorded decision is judged again, and what flips is found by rule.

Each distinct input is judged once, wherever the work is spread to; results come in the ledgers' order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ... import __version__
from ...evidence.base.errors import ConfigError, EngineError, InternalError, PolicyError, UsageError
from ...evidence.base.limits import Limits
from ...evidence.base.records import from_json, to_json
from ..decide.recorded import Recorded
from ..decision.document import PolicyId
from ..policy.bundle import files_digest
from ..policy.interface import Bundle
from ..spread.interface import Chunk, Spread
from ..spread.pace import Pace
from . import logs
from .outcome import Difference, Outcome, compare, of_document
from .replacing import Replacement, replace_facts
from .stored import CHUNK, UNUSABLE, Archive, EngineChoice, Engines, Judge, Line, Place, Plans, reason, seen

_LINES, _SETS = "lines", "sets"
ENTRY = "entry"
"""How the source of a ledger's decision ends."""


class FactSet(Struct, frozen=True):
    """A named case that nobody recorded: a recorded decision with facts replaced."""

    name: str
    line: Line
    replacements: tuple[Replacement, ...]


class JudgedAgain(Struct, frozen=True):
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
    changed: tuple[JudgedAgain, ...]
    failed: tuple[JudgedAgain, ...]
    lacking: dict[str, int]
    places: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def loosened(self) -> bool:
        """Whether anything demands less than before."""
        return any(one.difference is not None and one.difference.loosened for one in self.changed)


class Everything(Struct, frozen=True):
    """All that is to be judged, in chunks: their kind, and what they have.

    Attributes:
        lines: one line for each distinct set of documents.
        logs: files of OPA's decision logs.
    """

    lines: Sequence[Line]
    sets: Sequence[FactSet]
    logs: Sequence[Path]
    limits: Limits

    def __call__(self) -> Iterator[Chunk]:
        """The chunks: lines, fact sets, then lines of logs."""
        for kind, items in ((_LINES, self.lines), (_SETS, self.sets)):
            for at in range(0, len(items), CHUNK):
                yield kind, items[at : at + CHUNK]
        for place, path in enumerate(self.logs):
            yield from ((place, items) for items in logs.parts(path, self.limits))


class Judging(Struct, frozen=True):
    """The work of judging again.

    Attributes:
        base: the bundle to compare with; None for the one that each decision was recorded with.
        samples: decisions by which machines find out whether they see the same evidence.
    """

    places: tuple[Place, ...]
    bundle: Bundle
    base: Bundle | None
    engine: EngineChoice
    samples: tuple[Line, ...] = ()

    @property
    def limits(self) -> Limits:
        """Those of the policy engine."""
        return self.engine.limits

    def sees(self) -> dict[str, str]:
        """The bundles, and whose the ledgers are."""
        bundles = {"the edited policies": self.bundle, "the policies to compare with": self.base}
        digests = {name: files_digest(one.files) for name, one in bundles.items() if one is not None}
        return digests | seen(self.places, self.samples)

    @contextmanager
    def opened(self) -> Iterator[Callable[[Chunk], list[Any]]]:
        """Open ledgers and engines for `_Again`."""
        with Archive(self.places) as archive, Engines(archive) as engines:
            new = self._judge(engines, self.bundle)
            base = None if self.base is None else self._judge(engines, self.base)
            yield _Again(archive, engines, new, base, self.engine).chunk

    def _judge(self, engines: Engines, bundle: Bundle) -> Judge:
        engine = partial(engines.over, bundle, self.engine)
        with suppress(EngineError):  # a bundle that does not load is one error, and not one of each decision
            engine(None).evaluate([bundle.heads[0].package], {})
        return Judge(bundle, engine, Plans(bundle))


class _Again(Struct, frozen=True):
    """Judges chunks; a result is a list ``[place, name, difference, failure, lacking]`` for each decision."""

    archive: Archive
    engines: Engines
    new: Judge
    base: Judge | None
    engine: EngineChoice

    def chunk(self, chunk: Chunk) -> list[Any]:
        """The results of a chunk of `Everything`."""
        kind, items = chunk
        if kind == _LINES:
            return [self._line(line) for line in items]
        if kind == _SETS:
            return [self._line(one.line, one) for one in items]
        asked = (logs.difference(item, self.new, self.base, self.engine.limits) for item in items)
        return [
            [[kind, number], logged and logged.name, None, found, []]
            if isinstance(found, str)
            else [[kind, number], logged and logged.name, to_json(found), None, []]
            for number, logged, found in filter(None, asked)
        ]

    def _line(self, line: Line, facts: FactSet | None = None) -> list[Any]:
        try:
            recorded = self.archive.recorded(line)
            if facts is not None:
                recorded, _ = replace_facts(recorded, facts.replacements)
            after = self.new.outcome(recorded)
            difference = compare(self._before(line, recorded, hypothetical=facts is not None), after)
            return [None, None, to_json(difference), None, list(self.new.lacking(recorded))]
        except (*UNUSABLE, ConfigError, PolicyError, EngineError, UsageError, InternalError) as error:
            return [None, None, None, reason(error), []]

    def _before(self, line: Line, recorded: Recorded, *, hypothetical: bool) -> Outcome:
        if self.base is not None:
            return self.base.outcome(recorded)
        if not hypothetical and recorded.setup.gate_version == __version__:
            return of_document(self.archive.document(line, line.decision))
        # what another version of gate decided may differ for another reason than the policies
        return Judge.over(*self.engines.of(line, self.engine, recorded.setup)).outcome(recorded)


def impact(names: Sequence[str], work: Everything, judging: Judging, base: str, spread: Spread) -> Impact:
    """Judge everything again, once for equal documents.

    Args:
        names: of the ledgers, for people.
        work: its lines are all recorded decisions, also those whose documents are equal.
        base: what is compared with, in words.

    Raises PolicyError: the edited bundle or the base does not load; UsageError: there is nothing to judge;
    EnvironmentProblem: a process or the cluster was lost.
    """
    lines = work.lines
    first = {line.documents: line for line in reversed(lines)}
    distinct = [line for line in lines if first[line.documents] is line]
    del first
    changed, failed, lacking, logged = list[JudgedAgain](), list[JudgedAgain](), dict[str, int](), 0
    results = spread.run(judging, replace(work, lines=distinct))
    total = len(lines) + len(work.sets)
    pace = Pace("judged again", None if work.logs else total)
    for done, one in enumerate(_in_order(names, work, chain.from_iterable(results)), 1):
        pace.add()
        logged += done > total
        changed += [one] if one.difference is not None else []
        failed += [one] if one.failure is not None else []
        for collector in one.lacking:
            lacking[collector] = lacking.get(collector, 0) + 1
    if not total + logged + len(failed):
        what = "there is nothing to judge again, so nothing is known about the edited policies"
        remedy = "record decisions first (`gate evaluate`), name another ledger, or leave out --since"
        raise UsageError(what, remedy=remedy)
    bundle = judging.bundle
    policy = PolicyId(bundle.name, bundle.version, bundle.digest)
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
        places=_places(bundle),
    )


def _in_order(names: Sequence[str], work: Everything, found: Iterator[Any]) -> Iterator[JudgedAgain]:
    """What was found, with equal lines in their places again."""
    last = {line.documents: line for line in work.lines}
    known: dict[tuple[str, str, str], JudgedAgain] = {}
    for line in work.lines:
        key = line.documents
        if key not in known:
            known[key] = _read(next(found), "", line.index, line.stage)
        yield replace(known[key], source=names[line.ledger], index=line.index)
        if last[key] is line:
            del known[key]
    for one in work.sets:
        yield _read(next(found), "fact set", None, one.name)
    for result in found:
        log, number = result[0]
        yield _read(result, str(work.logs[log]), number, "")


def _read(result: Any, source: str, index: int | None, name: str) -> JudgedAgain:
    _, stated, difference, failure, lacking = result
    return JudgedAgain(
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
