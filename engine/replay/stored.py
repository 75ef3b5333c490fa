"""Recorded decisions by their ledger lines, and the documents that these name, for several processes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from sys import intern
from typing import Any, Self

from msgspec import Struct

from ...evidence.base.canonical import canonical, sha256_hex
from ...evidence.base.errors import ConfigError, LedgerError, PolicyError, UsageError
from ...evidence.base.limits import DEFAULT, Limits
from ...evidence.base.times import parse_rfc3339
from .. import recording, service
from ..context import Context
from ..decide.decide import judge_stages
from ..decide.judge import overall
from ..decide.model import Plan
from ..decide.recorded import ALL, Recorded, Setup, facts_of, wanted_stages
from ..entries.reading import DecisionEntry, decisions
from ..ledger import open_reader
from ..ledger.keychain import Admins
from ..ledger.reader import LedgerReader
from ..plans import as_recorded
from ..policy import EngineOptions, open_engine
from ..policy.bundle import from_document
from ..policy.interface import Bundle, PolicyEngine
from ..workspace_ledger import store_limits
from .outcome import Outcome, of_results

CHUNK = 16
"""Recorded decisions that are judged again at a time: about 0.1 s."""

_KEPT = 6
"""Bundles that are kept loaded, each with an engine's process; a ledger seldom goes back and forth."""

UNUSABLE = (ValueError, LookupError, TypeError, AttributeError, LedgerError)
"""What reading a stored document raises that is not what gate records; a signed line may name anything."""


class Place(Struct, frozen=True):
    """Where a ledger and its evidence are, so that another process can open them."""

    ledger: Path | str
    evidence: str | None
    limits: Limits
    admins: Admins | None

    def open(self, config_dir: Path | None = None) -> LedgerReader:
        """The ledger for reading. Raises as `open_reader`."""
        return open_reader(
            self.ledger, config_dir=config_dir, evidence=self.evidence, limits=self.limits, admins=self.admins
        )


class Line(Struct, frozen=True):
    """A recorded decision: its ledger, by number, its place there, and the digests of its documents.

    ``statement`` is the SHA-256 of the line's statement, ``stages`` the verdicts that it has.
    """

    ledger: int
    index: int
    stage: str
    verdict: str
    decision: str
    input: str
    bundle: str
    statement: str

    @property
    def documents(self) -> tuple[str, str, str]:
        """What is equal for lines that say the same."""
        return self.input, self.bundle, self.decision


def own_place(context: Context) -> Place:
    """The workspace's ledger."""
    evidence = context.config.ledger.evidence
    return Place(context.ledger, evidence, store_limits(context), context.authority.key_admins)


def line_of(entry: DecisionEntry, ledger: int = 0) -> Line:
    """A ledger's line, whose summary keeps to its contract."""
    summary = entry.summary
    # what many lines have is kept once
    stage, verdict, bundle = (intern(text) for text in (summary.stage, summary.verdict, summary.bundle))
    statement = sha256_hex(canonical(entry.statement))
    return Line(ledger, entry.index, stage, verdict, summary.decision, summary.input, bundle, statement)


def lines(place: Place, number: int, config_dir: Path, since_s: int | None = None) -> list[Line]:
    """Every recorded decision, oldest first, with signatures and the sealed root verified.

    Args:
        number: of the ledger, for the lines.
        since_s: leave out decisions of an earlier effective time.

    Raises LedgerError: a line does not hold.
    """
    with place.open(config_dir) as ledger:
        return [
            line_of(entry, number)
            for entry in decisions(ledger)
            if since_s is None or parse_rfc3339(entry.summary.time) >= since_s
        ]


def find_line(context: Context, target: str, config_dir: Path) -> Line:
    """The recorded decision that a person names. Raises as `recording.located`."""
    with recording.located(context, target, config_dir) as (_, found):
        return line_of(found)


def seen(places: Sequence[Place], lines: Sequence[Line]) -> dict[str, str]:
    """What this machine sees of ledgers and their evidence, for comparison with another one.

    Args:
        lines: their decision documents are looked for.

    Raises LedgerError: a ledger is not there; EnvironmentProblem: it cannot be reached.
    """
    found = {}
    for number, place in enumerate(places):
        with place.open() as ledger:
            found[f"the ledger {ledger.name}"] = str(ledger.verifier)
            for line in (one for one in lines if one.ledger == number):
                name = f"the decision {line.decision[:16]}… in the evidence of {ledger.name}"
                found[name] = "there"
                try:
                    ledger.evidence.check(line.decision)
                except LedgerError:
                    found[name] = "not there"
    return found


class Archive:
    """Stored documents of several ledgers; a context manager."""

    def __init__(self, places: tuple[Place, ...]) -> None:
        self._places = places
        self._stack = ExitStack()
        self._open: dict[int, LedgerReader] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def document(self, line: Line, digest: str) -> Any:
        """A stored JSON document. Raises LedgerError: it is gone or changed; ValueError: it is no JSON."""
        import orjson

        return orjson.loads(self.data(line, digest))

    def data(self, line: Line, digest: str) -> bytes:
        """A stored document. Raises LedgerError: it is gone or changed."""
        if line.ledger not in self._open:
            self._open[line.ledger] = self._stack.enter_context(self._places[line.ledger].open())
        return self._open[line.ledger].evidence.get(digest)

    def recorded(self, line: Line) -> Recorded:
        """What the decision was made from. Raises one of ``UNUSABLE``."""
        return Recorded.from_json(self.document(line, line.input))


class EngineChoice(Struct, frozen=True):
    """Which policy engine answers, so that another process can open it."""

    name: str
    limits: Limits
    options: EngineOptions

    @classmethod
    def of(cls, context: Context) -> EngineChoice:
        """The engine in force, as the settings configure it."""
        config = context.config
        return cls(config.engine, config.limits, context.engine_options)

    def over(self, bundle: Bundle) -> PolicyEngine:
        """The engine over a bundle. Raises as `open_engine`."""
        return open_engine(self.name, bundle, self.limits, self.options)


class Engines:
    """Loaded bundles and an engine over each, the latest few; a context manager."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._kept: OrderedDict[tuple[str, str, str], tuple[Bundle, PolicyEngine, ExitStack]] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        for _, _, stack in self._kept.values():
            stack.close()

    def of(self, line: Line, choice: EngineChoice, setup: Setup) -> tuple[Bundle, PolicyEngine]:
        """The bundle that judged, and the engine of that name over it with the recorded parameters.

        Raises LedgerError, PolicyError: the stored bundle is gone or none; ConfigError: no such engine.
        """

        def load() -> Bundle:
            return from_document(self._archive.data(line, line.bundle), at_least(choice.limits))

        return self._opened(line.bundle, load, choice, setup)

    def over(self, bundle: Bundle, choice: EngineChoice, setup: Setup | None) -> PolicyEngine:
        """The engine over a bundle, with the parameters that a setup replaces.

        Raises ConfigError: no such engine, or the bundle has no such parameter.
        """
        return self._opened(bundle.digest, lambda: bundle, choice, setup)[1]

    def _opened(
        self, digest: str, load: Callable[[], Bundle], choice: EngineChoice, setup: Setup | None
    ) -> tuple[Bundle, PolicyEngine]:
        key = (digest, choice.name, repr(setup.parameters if setup else ()))
        if key not in self._kept:
            while len(self._kept) >= _KEPT:
                self._kept.popitem(last=False)[1][2].close()
            bundle, stack = load(), ExitStack()
            engine = stack.enter_context(choice.over(as_recorded(bundle, setup)[0] if setup else bundle))
            self._kept[key] = bundle, engine, stack
        self._kept.move_to_end(key)
        kept = self._kept[key]
        return kept[0], kept[1]


class Plans:
    """Plans of one bundle under the dependencies that workspaces set."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._made: dict[str, Plan] = {}

    def of(self, setup: Setup) -> Plan:
        """The plan for a recorded setup.

        Raises PolicyError: its dependencies do not fit the bundle; UsageError: the bundle lacks its stage.
        """
        key = repr((setup.depends_on, setup.profile, setup.parameters))
        plan = self._made.get(key) or as_recorded(self._bundle, setup)[1]
        if len(self._made) < _KEPT * 16:
            self._made[key] = plan
        if setup.stage != ALL and setup.stage not in plan.stages:
            raise UsageError(f"the bundle has no stage {setup.stage!r}")
        return plan


def at_least(limits: Limits) -> Limits:
    """The limits, none of them tighter than usual: what gate stored once is read with them."""
    usual = dict(DEFAULT.items())
    wide: dict[str, Any] = {name: max(value, usual[name]) for name, value in limits.items()}
    return replace(limits, **wide)


def reason(error: BaseException) -> str:
    """Why a decision cannot be made again, in one line."""
    if isinstance(error, (LedgerError, PolicyError)):
        return f"{error.what}" + (f" ({error.path})" if error.path else "")
    if isinstance(error, ConfigError):
        return f"{error.what} ({error.place})"
    what = getattr(error, "what", None)
    return what if isinstance(what, str) else f"a stored document is not what gate records: {error}"


class Judge(Struct, frozen=True):
    """A bundle, the engine over it with the parameters of a setup (None: its own), and its plans."""

    bundle: Bundle
    engine: Callable[[Setup | None], PolicyEngine]
    plans: Plans

    @classmethod
    def over(cls, bundle: Bundle, engine: PolicyEngine) -> Judge:
        """A judge with this bundle and this engine over it, whatever a setup says."""
        return cls(bundle, lambda _: engine, Plans(bundle))

    def outcome(self, recorded: Recorded) -> Outcome:
        """The outcome at the recorded time.

        Raises PolicyError, UsageError: the bundle does not fit what was recorded; EngineError: it fails.
        """
        plan = self.plans.of(recorded.setup)
        time = recorded.setup.time
        answers = service.ask(self.engine(recorded.setup), plan, recorded, time).packages
        results, _ = judge_stages(plan, recorded, answers, facts_of(recorded, time), time)
        stage = recorded.setup.stage
        return of_results(overall(results) if stage == ALL else results[stage].verdict, results)

    def lacking(self, recorded: Recorded) -> tuple[str, ...]:
        """Collectors whose facts the bundle's rules need and which did not run then."""
        plan = self.plans.of(recorded.setup)
        used = frozenset[str]().union(*(plan.stages[name].collectors for name in needed(plan, recorded)))
        return tuple(sorted(used - recorded.evidence.keys()))


def needed(plan: Plan, recorded: Recorded) -> tuple[str, ...]:
    """The stages that a recorded decision is about, dependencies first."""
    return plan.closure(wanted_stages(plan, recorded.setup.stage))
