"""The main job in five steps: read the workspace, collect, judge, record, hand over for reporting.

This module knows the order of the steps and no collector, policy language, store or format by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..evidence import subject
from ..evidence.canonical import canonical, manifest_bytes, sha256_hex
from ..evidence.errors import PolicyError
from ..evidence.interface import Evidence
from ..evidence.runner import Collecting
from ..evidence.times import parse_rfc3339
from ..evidence.workspace import Workspace
from . import judge as judging
from .collecting import collecting
from .config import GateConfig, load_config
from .decision import Context, document
from .model import Plan, Subject
from .policy import bundle as bundles
from .policy import open_engine
from .policy.interface import Bundle
from .stages import make_plan
from .waivers import assess

ALL = "all"

PEOPLE = frozenset({"signoffs", "waivers"})
"""Collectors of what people say about evidence; their files are not part of what they sign."""

GENERATED = frozenset({"PRELIVE_VERIFICATION_LOG.json", "GO_LIVE_DECISION_GATE.md"})
"""Files gate writes itself from decisions: a sign-off cannot be bound to what follows from it."""


@dataclass(frozen=True, slots=True)
class Time:
    """The effective time and where it came from: ``flag``, ``environment``, ``gate.yaml`` or ``clock``."""

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

    @property
    def name(self) -> str:
        """The configured name, or the directory's."""
        return self.config.name or self.root.name

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


def prepare(root: Path, policy: Path | None = None, config: GateConfig | None = None) -> Setting:
    """Load the workspace's settings and policy bundle.

    Args:
        root: the workspace.
        policy: a bundle directory in place of the configured one; recorded as a weakening.
        config: the settings, when they were read already.

    Raises:
        ConfigError, PolicyError: as they say.
    """
    config = config or load_config(root)
    weakenings: list[dict[str, str]] = []
    own = config.policy.bundle
    if policy is not None:
        weakenings.append({"code": "policy_override", "msg": "the policy bundle was given by a flag"})
    bundle = bundles.load_bundle(policy or (root / own if own else bundles.SHIPPED))
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
    if config.stages:
        weakenings.append({"code": "stage_override", "msg": "gate.yaml changes the stages' dependencies"})
    depends_on = {name: tuple(value.depends_on) for name, value in config.stages.items()}
    return Setting(root.resolve(), config, bundle, make_plan(bundle, depends_on), tuple(weakenings))


def collect(setting: Setting, ids: tuple[str, ...]) -> dict[str, Evidence]:
    """Evidence of the named collectors.

    Raises:
        UsageError: there is none of that name.
        GateError: as the collectors say.
    """
    with collecting(setting.root, setting.config, ids) as running:
        running.want(ids)
        return running.result()


def evaluate(setting: Setting, stage: str, time: Time, running: Collecting | None = None) -> Judged:
    """Judge a stage (or ``all``) and everything it depends on at the given time. Records nothing.

    Args:
        setting: the workspace.
        stage: what is judged.
        time: the effective time.
        running: all collectors, when they were started ahead.

    Raises:
        UsageError: there is no such stage.
        GateError: anything that prevents a decision.
    """
    plan = setting.plan
    wanted = tuple(plan.stages) if stage == ALL else (stage,)
    needed = plan.closure(wanted)
    collectors = frozenset(PEOPLE).union(*(plan.stages[name].collectors for name in needed))
    if running is None:
        with collecting(setting.root, setting.config, sorted(collectors)) as running:
            return evaluate(setting, stage, time, running)
    running.want(sorted(collectors))
    with open_engine(setting.config.engine, setting.bundle) as engine:
        judged = find_subject(setting, running.workspace)
        evidence = running.result()
        digests = evidence_digests(plan, needed, evidence)
        policy_input = make_input(judged, digests, evidence, time)
        outputs = engine.evaluate([plan.stages[name].package for name in needed], policy_input)
    facts = make_facts(evidence)
    now_s = parse_rfc3339(time.text)
    valid, notes = assess(facts.values["waivers"]["waivers"], plan, judged.digest, now_s)
    results = judging.judge(plan, wanted, outputs, facts, valid, now_s)
    verdict = judging.overall(results) if stage == ALL else results[stage].verdict
    record = {"input": policy_input, "evidence": {name: item.to_json() for name, item in evidence.items()}}
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
        weakenings=[*setting.weakenings, *_time_weakening(time)],
        notes=notes,
    )
    action = judging.action(plan, stage, verdict, results)
    return Judged(document(stage, verdict, action, plan, results, facts, context), record, setting)


def _time_weakening(time: Time) -> list[dict[str, str]]:
    if time.source == "clock":
        return []
    return [
        {
            "code": "effective_time",
            "msg": f"judged as of {time.text}, set by {time.source}, instead of the time of the run",
        }
    ]


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
        author=commit.author,
        sources=measured.patterns,
        files=len(measured.files),
    )


def evidence_digests(plan: Plan, stages: tuple[str, ...], evidence: Mapping[str, Evidence]) -> dict[str, str]:
    """By stage, one digest of all files its evidence came from: what a sign-off of the stage binds to.

    The files are those read for the stage and the stages it depends on, without what people sign and
    without what gate generates; the digest is taken over their ``sha256sum`` manifest.
    """
    digests = {}
    for stage in stages:
        ids = frozenset[str]().union(*(plan.stages[name].collectors for name in plan.closure((stage,))))
        files = {
            file.path: file.sha256
            for name in sorted(ids - PEOPLE)
            for file in evidence[name].files
            if file.path not in GENERATED
        }
        digests[stage] = sha256_hex(manifest_bytes(files))
    return digests


def make_input(
    judged: Subject, digests: Mapping[str, str], evidence: Mapping[str, Evidence], time: Time
) -> dict[str, Any]:
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
        "facts": {name: item.facts for name, item in sorted(evidence.items())},
    }


def make_facts(evidence: Mapping[str, Evidence]) -> judging.Facts:
    """The judge's view of the evidence."""
    return judging.Facts(
        values={name: item.facts for name, item in evidence.items()},
        missing={
            f"{name}.{missing.fact}": (missing.reason, missing.remedy)
            for name, item in evidence.items()
            for missing in item.missing
        },
        files={name: len(item.files) for name, item in evidence.items()},
    )
