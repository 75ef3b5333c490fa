"""The functions that the command line, a console and tests call to judge a workspace.

``evaluate`` is the main job: collect → ask the policy engine → decide; ``record`` appends the decision to the
ledger. This module knows the order of the steps and no collector, policy language, store or format by name.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from .. import __version__
from ..evidence.base.activity import step
from ..evidence.base.errors import masked
from ..evidence.collecting import subject as subjects
from ..evidence.collecting.interface import Evidence, Problem
from ..evidence.collecting.provenance import modified
from ..evidence.collecting.runner import Running
from ..evidence.reading.files import printable
from ..evidence.reading.workspace import Workspace
from .collectors import only_read, open_workspace, start
from .config.settings import age_seconds
from .context import Context, parameters_of
from .decide.decide import Outputs, decide
from .decide.model import Plan
from .decide.recorded import (
    PEOPLE,
    TRUST,
    Authors,
    Recorded,
    Setup,
    Time,
    approved_commits,
    wanted_stages,
)
from .decision.document import Decision, EngineId, Notice, PolicyId, Subject
from .plans import answers
from .policy.interface import Bundle, PolicyEngine

_APPROVED_COMMITS = 20
"""Approved commits since which it is found out who wrote what; the latest ones."""


class Judged(Struct, frozen=True):
    """A decision, what it was made from, and the workspace it is about: ready to be recorded and reported."""

    decision: Decision
    recorded: Recorded
    context: Context


def evaluate(context: Context, stage: str, time: Time) -> Judged:
    """Judge a stage (or ``all``) and everything it depends on at the given time. Records nothing.

    Raises UsageError: there is no such stage; GateError: anything that prevents a decision; bad evidence does
    not.
    """
    context.check_stage(stage)
    context.check_bundle()
    plan = context.plan
    ids = collectors(plan, stage)
    # the collectors first: the engine starts a thread, and a process with threads is not forked
    with (
        start(context.root, context.authority, sorted(ids), context.places) as running,
        context.open_engine() as engine,
    ):
        recorded = _recorded(context, running, stage, time)
        outputs = ask(engine, plan, recorded, time)
    return Judged(decide(plan, context.bundle, recorded, outputs, time), recorded, context)


def collectors(plan: Plan, stage: str) -> frozenset[str]:
    """Ids of the collectors that judging a stage (or ``all``) needs."""
    needed = plan.closure(wanted_stages(plan, stage))
    return frozenset(PEOPLE).union(*(plan.stages[name].collectors for name in needed))


def replay(bundle: Bundle, plan: Plan, recorded: Recorded, time: Time, engine: PolicyEngine) -> Decision:
    """Decide again about what was recorded, with this bundle and at this time; reads no workspace."""
    return decide(plan, bundle, recorded, ask(engine, plan, recorded, time), time)


def ask(engine: PolicyEngine, plan: Plan, recorded: Recorded, time: Time) -> Outputs:
    """Ask the policies about what was recorded, for every stage that is needed."""
    step("asking the policies")
    answered = answers(engine, plan, recorded, time)
    return Outputs(EngineId(engine.name, engine.version), answered)


def observe(context: Context, ids: Iterable[str], stage: str, time: Time) -> Recorded:
    """Run collectors, digest the sources, and return everything that a decision depends on."""
    with start(context.root, context.authority, sorted(ids), context.places) as running:
        return _recorded(context, running, stage, time)


def _recorded(context: Context, running: Running, stage: str, time: Time) -> Recorded:
    """Digest the sources while collectors run, and return everything that a decision depends on."""
    config = context.config
    step("reading the sources")
    subject, odd = find_subject(running.workspace)
    evidence = running.result()
    files = {file.path for item in evidence.values() for file in item.files}
    uncommitted = modified(running.workspace, subject.commit, files)
    setup = Setup(
        workspace=context.name,
        stage=stage,
        gate_version=__version__,
        time=time,
        subject=subject,
        authors=_authors(running.workspace, subject, evidence),
        policy=PolicyId(context.bundle.name, context.bundle.version, context.bundle.digest),
        odd_sources=odd,
        uncommitted=tuple(sorted(masked(path) for path in uncommitted)),
        settings_digest=context.authority.settings_digest,
        allowed_signers=masked(config.allowed_signers),
        revoked_keys=None if config.revoked_keys is None else masked(config.revoked_keys),
        attesters=None if config.attesters is None else masked(config.attesters),
        profile=config.policy.profile,
        parameters=parameters_of(config),
        roles=tuple(config.roles),
        depends_on={name: tuple(value.depends_on) for name, value in config.stages.items()},
        max_age_s={name: age_seconds(age) for name, age in config.freshness.items()},
        trust=context.authority.trust,
        weakenings=tuple(replace(one, msg=masked(one.msg)) for one in context.weakenings),
        notices=(*context.authority.notices, *only_read(context.authority), *_unused(context)),
    )
    return Recorded(setup, evidence)


def _authors(
    workspace: Workspace, subject: Subject, evidence: dict[str, Evidence]
) -> tuple[Authors, ...] | None:
    """Who wrote what is judged, ever and since the latest commits that somebody approved."""
    if subject.commit is None:
        return None
    approved = approved_commits(evidence, subject)[:_APPROVED_COMMITS]
    found = subjects.authors_since(workspace, subject.commit, approved)
    return tuple(
        Authors(since, None if emails is None else tuple(sorted(map(masked, emails))))
        for since, emails in found.items()
    )


def collect(context: Context, ids: Iterable[str]) -> dict[str, Evidence]:
    """Evidence of the named collectors. Raises UsageError: there is none of that name."""
    with start(context.root, context.authority, tuple(ids), context.places) as running:
        return running.result()


def binding(context: Context, stage: str, time: Time) -> Recorded:
    """What a sign-off of the stage binds to, as things stand.

    Nothing that people signed is read, so a sign-off in the making does not matter. In the place of a stage,
    ``trust`` stands for what the change alters of what it is judged by.
    """
    plan = context.plan
    if stage == TRUST:
        return observe(context, (), next(iter(plan.stages)), time)
    ids = frozenset[str]().union(*(plan.stages[name].collectors for name in plan.closure((stage,)))) - PEOPLE
    return observe(context, ids, stage, time)


def source_listing(context: Context) -> bytes:
    """The ``sha256sum`` manifest of the sources, over which the subject's digest is taken."""
    return subjects.measure_sources(open_workspace(context.root, context.authority)).listing


def find_subject(workspace: Workspace) -> tuple[Subject, tuple[Problem, ...]]:
    """The judged sources, and a problem for each file among them that cannot be judged."""
    measured = subjects.measure_sources(workspace)
    commit = subjects.find_commit(workspace, measured)
    subject = Subject(
        digest=measured.digest,
        commit=commit.commit,
        dirty=commit.dirty,
        author=None if commit.author is None else masked(commit.author),
        sources=tuple(masked(printable(pattern)) for pattern in measured.patterns),
        files=len(measured.files),
    )
    odd = [*measured.unreadable, *subjects.odd_files(workspace.judged())]
    odd += subjects.hidden_files(workspace, measured, commit.commit)
    return subject, tuple(Problem.rejected(error).masked() for error in odd)


def _unused(context: Context) -> list[Notice]:
    """A notice about configured collectors that no rule looks at: it would be a mistake to rely on them."""
    used = frozenset(PEOPLE).union(*(stage.collectors for stage in context.plan.stages.values()))
    names = ", ".join(sorted(context.config.evidence.keys() - used))
    message = f"gate.yaml configures {names}, which no rule of the policies looks at"
    return [Notice("evidence_unused", message)] if names else []
