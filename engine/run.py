"""The main job in five steps: read the workspace, collect, judge, record, hand over for reporting.

This module knows the order of the steps and no collector, policy language, store or format by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..evidence.base.canonical import canonical, manifest_bytes, sha256_hex
from ..evidence.base.contracts import PROVENANCE, source_of, violations
from ..evidence.base.errors import ConfigError, InternalError, PolicyError, masked
from ..evidence.base.times import parse_rfc3339
from ..evidence.collecting import subject
from ..evidence.collecting.interface import Evidence
from ..evidence.collecting.provenance import modified
from ..evidence.collecting.runner import Collecting
from ..evidence.collectors import NARROWING
from ..evidence.reading.workspace import Workspace
from .collecting import Places, available, collecting
from .config.settings import DEFAULT_EXCLUDE, FILE, GateConfig, age_seconds, load_config
from .decide.model import Plan, Subject
from .decide.plan import make_plan
from .decide.provenance import provenance
from .policy import bundle as bundles
from .policy import open_engine
from .policy.interface import Bundle

if TYPE_CHECKING:
    from .decide.judge import Facts

ALL = "all"

PEOPLE = frozenset({"signoffs", "waivers"})
"""Collectors of what people say about evidence; their files are not part of what they sign."""

GENERATED = frozenset({"PRELIVE_VERIFICATION_LOG.json", "GO_LIVE_DECISION_GATE.md"})
"""Files gate writes itself from decisions: a sign-off cannot be bound to what follows from it."""


@dataclass(frozen=True, slots=True)
class Time:
    """The effective time and its source: ``flag`` (or environment), ``gate.yaml`` or ``clock``."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A workspace ready to be judged: its settings, bundle and plan."""

    root: Path
    config: GateConfig
    bundle: Bundle
    plan: Plan
    weakenings: tuple[dict[str, str], ...]
    places: Places | None = None

    @property
    def name(self) -> str:
        """The configured name, or the directory's, without an account number."""
        return masked(self.config.name or self.root.name)

    @property
    def ledger(self) -> Path:
        """The ledger's directory."""
        return self.root / self.config.ledger.location.removeprefix("file:")


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision document and the input it was made from, ready to be recorded and reported."""

    decision: dict[str, Any]
    input: dict[str, Any]
    setting: Setting = field(repr=False)
    attachments: tuple[bytes, ...] = field(default=(), repr=False)


def prepare(
    root: Path,
    policy: Path | None = None,
    config: GateConfig | None = None,
    places: Places | None = None,
) -> Setting:
    """Load the workspace's settings and policy bundle.

    Args:
        root: the workspace.
        policy: a bundle directory in place of the configured one; recorded as a weakening.
        config: the settings, when they were read already.
        places: where results of earlier runs are kept; they are not used without.

    Raises:
        ConfigError, PolicyError: as they say.
    """
    config = config or load_config(root)
    weakenings: list[dict[str, str]] = []
    own = config.policy.bundle
    if policy is not None:
        weakenings.append({"code": "policy_override", "msg": "the policy bundle was given by a flag"})
    given = policy or (root / own if own else None)
    # the shipped bundle is part of the program, not input: a tight limit on evidence must not refuse it
    bundle = bundles.load_bundle(given, config.limits) if given else bundles.load_bundle(bundles.SHIPPED)
    pinned = config.policy
    if policy is None and pinned.version not in (None, bundle.version):
        raise PolicyError(
            f"the bundle has version {bundle.version}, gate.yaml demands {pinned.version}",
            path="gate.yaml",
            place="policy.version",
            remedy="review the bundle's changes, then update the pin",
        )
    if policy is None and pinned.digest not in (None, bundle.digest):
        raise PolicyError(
            f"the bundle has the digest {bundle.digest}, gate.yaml demands {pinned.digest}",
            path="gate.yaml",
            place="policy.digest",
            remedy="review the bundle's changes, then update the pin",
        )
    weakenings += _own_settings(config)
    depends_on = {name: tuple(value.depends_on) for name, value in config.stages.items()}
    plan = make_plan(bundle, depends_on)
    _check_freshness(config, plan)
    return Setting(root.resolve(), config, bundle, plan, tuple(weakenings), places)


def _check_freshness(config: GateConfig, plan: Plan) -> None:
    """Refuse an age limit that nobody would hold the evidence to."""
    facts = [fact for stage in plan.stages.values() for rule in stage.rules for fact in rule.facts]
    judged = {source_of(fact) for fact in facts if fact.startswith(f"{PROVENANCE}.")}
    for name in config.freshness:
        if name not in judged:
            raise ConfigError(
                f"no rule of the policies looks at the age of what {name!r} collects",
                path=FILE,
                place=f"freshness.{name}",
                remedy="judged are: " + ", ".join(sorted(judged)) if judged else "remove it",
            )


def _own_settings(config: GateConfig) -> list[dict[str, str]]:
    """What gate.yaml sets so that less is judged than by default, or by rules that nobody pinned."""
    found = []
    if config.stages:
        found.append({"code": "stage_override", "msg": "gate.yaml changes the stages' dependencies"})
    if config.policy.bundle is not None and config.policy.digest is None:
        found.append(
            {"code": "bundle_not_pinned", "msg": "gate.yaml names a policy bundle without its digest"}
        )
    if config.subject.exclude != list(DEFAULT_EXCLUDE):
        patterns = ", ".join(config.subject.exclude) or "nothing"
        found.append({"code": "sources_excluded", "msg": f"gate.yaml excludes from the sources: {patterns}"})
    for name, usual, value in config.limits.widened():
        message = f"gate.yaml widens limits.{name} from {usual:g} to {value:g}"
        found.append({"code": "limit_widened", "msg": message})
    for collector in sorted(config.evidence):
        for option in sorted(NARROWING.get(collector, frozenset()) & config.evidence[collector].keys()):
            message = f"gate.yaml sets evidence.{collector}.{option}, which decides how much is looked at"
            found.append({"code": "evidence_narrowed", "msg": message})
    return found


def binding(setting: Setting, stage: str) -> tuple[str, str]:
    """What a sign-off of the stage binds to, as things stand: digest of the sources, digest of the evidence.

    Nothing that people signed is read, so a sign-off in the making does not matter.
    """
    plan = setting.plan
    ids = frozenset[str]().union(*(plan.stages[name].collectors for name in plan.closure((stage,)))) - PEOPLE
    with collecting(setting.root, setting.config, sorted(ids), setting.places) as running:
        running.want(sorted(ids))
        sources = find_subject(setting, running.workspace).digest
        evidence = evidence_digests(setting, (stage,), running.result(), settings_digest(running.workspace))
    return sources, evidence[stage]


def settings_digest(workspace: Workspace) -> str | None:
    """SHA-256 of gate.yaml, None where there is none: settings decide what is looked at, too."""
    return workspace.file_digest(FILE) if workspace.is_file(FILE) else None


def collect(setting: Setting, ids: tuple[str, ...]) -> dict[str, Evidence]:
    """Evidence of the named collectors.

    Raises:
        UsageError: there is none of that name.
        GateError: as the collectors say.
    """
    with collecting(setting.root, setting.config, ids, setting.places) as running:
        running.want(ids)
        return running.result()


def evaluate(
    setting: Setting,
    stage: str,
    time: Time,
    running: Collecting | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Judged:
    """Judge a stage (or ``all``) and everything it depends on at the given time. Records nothing.

    Args:
        setting: the workspace.
        stage: what is judged.
        time: the effective time.
        running: all collectors, when they were started ahead.
        meanwhile: what the caller would do next and can do while collectors and engine are at work.

    Raises:
        UsageError: there is no such stage.
        GateError: anything that prevents a decision.
    """
    plan = setting.plan
    wanted = tuple(plan.stages) if stage == ALL else (stage,)
    needed = plan.closure(wanted)
    collectors = frozenset(PEOPLE).union(*(plan.stages[name].collectors for name in needed))
    with ExitStack() as stack:
        # a plug-in that only a rule names cannot have been started before the rules were known
        if running is None or not collectors <= {*available(setting.config)}:
            running = stack.enter_context(
                collecting(setting.root, setting.config, sorted(collectors), setting.places)
            )
        running.want(sorted(collectors))
        config = setting.config
        engine = stack.enter_context(open_engine(config.engine, setting.bundle, config.limits))
        # imported while the collectors and the engine are at work
        from .decide import judge as judging
        from .decide.waivers import assess
        from .decision.document import Context, document

        if meanwhile is not None:
            meanwhile()
        judged = find_subject(setting, running.workspace)
        evidence = running.result()
        settings = settings_digest(running.workspace)
        digests = evidence_digests(setting, needed, evidence, settings)
        facts = make_facts(evidence, about(setting, evidence, judged, time, running.workspace))
        policy_input = make_input(judged, digests, facts, time)
        outputs = engine.evaluate([plan.stages[name].package for name in needed], policy_input)
    now_s = parse_rfc3339(time.text)
    valid, notes = assess(facts.values["waivers"]["waivers"], plan, judged.digest, now_s)
    results = judging.judge(plan, wanted, outputs, facts, valid, now_s)
    verdict = judging.overall(results) if stage == ALL else results[stage].verdict
    record = {"input": policy_input, "evidence": {name: item.recorded() for name, item in evidence.items()}}
    context = Context(
        workspace=setting.name,
        gate_version=__version__,
        effective_time=time.text,
        effective_time_source=time.source,
        subject=judged,
        bundle=setting.bundle,
        evidence=evidence,
        evidence_digest=digests,
        input_digest=sha256_hex(canonical(record)),
        roles=list(setting.config.roles),
        settings_digest=settings,
        weakenings=_masked([*setting.weakenings, *_commit_weakening(judged), *_time_weakening(time)]),
        notes=_masked([*notes, *_unused(setting)]),
    )
    action = judging.action(plan, stage, verdict, results)
    decision = document(stage, verdict, action, results, facts, context)
    attached = tuple(part.data for item in evidence.values() for part in item.attachments)
    return Judged(decision, record, setting, attached)


def _masked(notes: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """The notes with account numbers masked, which patterns and names in gate.yaml may have."""
    return [{**note, "msg": masked(note["msg"])} for note in notes]


def _unused(setting: Setting) -> list[dict[str, str]]:
    """Evidence that somebody configured and no rule looks at: it would be a mistake to rely on it."""
    used = frozenset(PEOPLE).union(*(stage.collectors for stage in setting.plan.stages.values()))
    names = ", ".join(sorted(setting.config.evidence.keys() - used))
    message = f"gate.yaml configures {names}, which no rule of the policies looks at"
    return [{"code": "evidence_unused", "msg": message}] if names else []


def about(
    setting: Setting,
    evidence: Mapping[str, Evidence],
    judged: Subject,
    time: Time,
    workspace: Workspace,
) -> dict[str, dict[str, Any]]:
    """The facts about the evidence itself, checked against their contract."""
    ages = {name: age_seconds(age) for name, age in setting.config.freshness.items()}
    paths = {file.path for item in evidence.values() for file in item.files}
    changed = modified(workspace, judged.commit, paths)
    found = provenance(evidence, judged, parse_rfc3339(time.text), ages, changed)
    broken = violations("facts", PROVENANCE, found)
    if broken:
        raise InternalError(
            f"the facts about evidence break their contract: {broken[0][1]}", place=broken[0][0]
        )
    return found


def _time_weakening(time: Time) -> list[dict[str, str]]:
    if time.source == "clock":
        return []
    return [
        {
            "code": "effective_time",
            "msg": f"judged as of {time.text}, set by {time.source}, instead of the time of the run",
        }
    ]


def _commit_weakening(judged: Subject) -> list[dict[str, str]]:
    if judged.author is not None:
        return []
    return [{"code": "no_author", "msg": "no git commit says who made the change, so nobody is its author"}]


def find_subject(setting: Setting, workspace: Workspace) -> Subject:
    """What is judged."""
    settings = setting.config.subject
    explicit = settings.sources is not None
    sources = setting.config.sources
    measured = subject.measure_sources(workspace, sources, settings.exclude, explicit=explicit)
    commit = subject.find_commit(workspace, measured)
    return Subject(
        digest=measured.digest,
        commit=commit.commit,
        dirty=commit.dirty,
        author=None if commit.author is None else masked(commit.author),
        sources=measured.patterns,
        files=len(measured.files),
    )


def evidence_digests(
    setting: Setting, stages: tuple[str, ...], evidence: Mapping[str, Evidence], settings: str | None
) -> dict[str, str]:
    """By stage, one digest of all files its evidence came from: what a sign-off of the stage binds to.

    The files are those read for the stage and the stages it depends on, what commands printed for it (as
    ``/commands/<name>.stdout``), and gate.yaml, without what people sign, without the file of allowed signers
    (a new colleague voids nobody's approval, and signatures are checked against it whenever something is
    judged) and without what gate generates. The digest is taken over their ``sha256sum`` manifest.
    """
    plan, signers = setting.plan, setting.config.allowed_signers
    digests = {}
    for stage in stages:
        ids = frozenset[str]().union(*(plan.stages[name].collectors for name in plan.closure((stage,))))
        files = {
            file.path: file.sha256
            for name in sorted(ids - PEOPLE)
            for file in evidence[name].files
            if file.path not in GENERATED | {signers}
        }
        for name in sorted(ids - PEOPLE):
            # a name that no path of the workspace can have
            files.update({f"/{name}/{part.name}": part.sha256 for part in evidence[name].attachments})
        if settings is not None:
            files[FILE] = settings
        digests[stage] = sha256_hex(manifest_bytes(files))
    return digests


def make_input(judged: Subject, digests: Mapping[str, str], facts: Facts, time: Time) -> dict[str, Any]:
    """The document the policies see."""
    return {
        "now": time.text,
        "now_s": parse_rfc3339(time.text),
        "subject": {
            "commit": judged.commit,
            "dirty": judged.dirty,
            "digest": judged.digest,
            "author": judged.author,
        },
        "evidence_digest": dict(digests),
        "facts": dict(facts.values),
    }


def make_facts(evidence: Mapping[str, Evidence], about: Mapping[str, Any]) -> Facts:
    """The judge's view of the evidence, and of the facts about it."""
    from .decide.judge import Facts

    return Facts(
        values={**{name: item.facts for name, item in sorted(evidence.items())}, PROVENANCE: about},
        missing={
            f"{name}.{problem.fact}": (problem.reason, problem.remedy)
            for name, item in evidence.items()
            for problem in item.problems
        },
        files={name: len(item.files) + len(item.attachments) for name, item in evidence.items()},
    )
