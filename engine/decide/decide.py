"""Makes the decision from what was recorded and what the policies answered. Pure.

No I/O, no clock, no policy engine. Evaluating, explaining, replaying and testing all end here, so the same
recorded evidence, bundle, answers and time give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ...evidence.base.contracts import PROVENANCE
from ...evidence.base.errors import masked
from ...evidence.collecting.interface import Evidence, ProblemKind
from ..decision.document import (
    TYPE,
    Decision,
    EngineId,
    EvidenceSummary,
    FileDigest,
    Notice,
    PolicyId,
    Signature,
    StageDecision,
    Weakening,
)
from ..policy.interface import Bundle
from .facts import Facts
from .judge import StageResult, action, judge, overall
from .model import Plan
from .recorded import (
    ALL,
    PEOPLE,
    Recorded,
    Setup,
    Time,
    evidence_digests,
    facts_of,
    input_digest,
    wanted_stages,
)
from .waivers import assess


class Outputs(Struct, frozen=True):
    """What the policy engine answered: package → rule name → value, and which engine it was."""

    engine: EngineId
    packages: Mapping[str, Mapping[str, Any]]


def decide(plan: Plan, bundle: Bundle, recorded: Recorded, outputs: Outputs, time: Time) -> Decision:
    """Make the decision about what was recorded, at a time.

    Args:
        bundle: the policies, for their name, version and digest.
        outputs: answers to ``policy_input(plan, recorded, time)`` for every package that is needed.

    Raises EngineError: an answer is incomplete or contradicts itself.
    """
    setup = recorded.setup
    facts = facts_of(recorded, time)
    digests = evidence_digests(plan, recorded)
    results, notices = judge_stages(plan, recorded, outputs.packages, facts, time)
    verdict = overall(results) if setup.stage == ALL else results[setup.stage].verdict
    judged = list(results.values())
    weakenings = list(setup.weakenings)
    if setup.authors is None:
        what = "no git commit states an author, so nobody can be refused as one"
        weakenings.append(Weakening("no_author", what))
    if time.source != "clock":
        names = {"operator": "the operator", "trust ref": "the trust ref", "flag": "a flag"}
        by = names.get(time.source, time.source)
        what = f"judged as of {time.text}, set by {by}, instead of the time of the run"
        weakenings.append(Weakening("effective_time", what))
    remarks = [*notices, *_rejected_statements(recorded)]
    return Decision(
        type=TYPE,
        workspace=setup.workspace,
        stage=setup.stage,
        verdict=verdict,
        action=action(plan, setup.stage, verdict, results),
        effective_time=time.text,
        effective_time_source=time.source,
        gate_version=setup.gate_version,
        subject=setup.subject,
        policy=PolicyId(bundle.name, bundle.version, bundle.digest),
        engine=outputs.engine,
        trust=replace(setup.trust, settings=_by_name(setup.trust.settings)),
        stages={name: _stage(result, digests[name]) for name, result in results.items()},
        checks=tuple(check for result in judged for check in result.checks),
        violations=tuple(sorted((v for r in judged for v in r.violations), key=lambda v: v.key)),
        conditions=tuple(condition for result in judged for condition in result.conditions),
        waived=tuple(waived for result in judged for waived in result.waived),
        warnings=(
            *(_masked(notice) for notice in setup.notices),
            *(w for r in judged for w in r.warnings),
            *(_masked(notice) for notice in remarks),
        ),
        signatures=_signatures(setup, facts, digests.get(setup.stage)),
        weakenings=tuple(Weakening(one.code, masked(one.msg)) for one in weakenings),
        evidence=tuple(_summary(item, facts) for _, item in sorted(recorded.evidence.items())),
        settings_digest=setup.settings_digest,
        input_digest=input_digest(recorded.to_json(plan)),
        profile=plan.profile,
        overrides=plan.overrides,
    )


def judge_stages(
    plan: Plan, recorded: Recorded, packages: Mapping[str, Mapping[str, Any]], facts: Facts, time: Time
) -> tuple[dict[str, StageResult], list[Notice]]:
    """By judged stage, what is wrong with it; and notices about waivers. Raises as `decide`.

    Args:
        packages: answers to ``policy_input(plan, recorded, time)`` for every package that is needed.
        facts: ``facts_of(recorded, time)``.
    """
    setup = recorded.setup
    waivers = facts.value("waivers.waivers") or []
    revocations = facts.value("waivers.revocations") or []
    valid, notices = assess(waivers, revocations, plan, setup.subject.digest, time.seconds)
    wanted = wanted_stages(plan, setup.stage)
    return judge(plan, wanted, packages, facts, valid, time.seconds, setup.odd_sources), notices


def _masked(notice: Notice) -> Notice:
    return Notice(notice.code, masked(notice.msg), notice.level)


def _rejected_statements(recorded: Recorded) -> list[Notice]:
    """A notice for each sign-off or waiver file that was rejected: what it permits does not count."""
    return [
        Notice(name, f"{problem.path or name}: {problem.reason}", "error")
        for name in sorted(PEOPLE & recorded.evidence.keys())
        for problem in recorded.evidence[name].problems
        if problem.kind is ProblemKind.REJECTED
    ]


def _stage(result: StageResult, evidence_digest: str) -> StageDecision:
    stage = result.stage
    return StageDecision(
        title=stage.title,
        question=stage.question,
        verdict=result.verdict,
        has_evidence=result.has_evidence,
        depends_on=stage.depends_on,
        figures=_by_name(result.figures),
        evidence_digest=evidence_digest,
        exhibits=_by_name(result.exhibits),
    )


def _by_name(values: Mapping[str, Any]) -> dict[str, Any]:
    """In the order in which a stored decision has them, so that reports of both are the same."""
    return dict(sorted(values.items()))


def _signatures(setup: Setup, facts: Facts, digest: str | None) -> tuple[Signature, ...]:
    """By role, the latest valid approval without conditions of exactly this stage, subject and evidence."""
    signoffs: Sequence[Mapping[str, Any]] = facts.value("signoffs.signoffs") or []
    found = []
    for role in sorted(setup.roles):
        bound = [
            item
            for item in signoffs
            if (item["stage"], item["role"], item["verdict"]) == (setup.stage, role, "approve")
            and not item["conditions"]
            and item["signature"] == "valid"
            and item["role_authorised"]
            and (item["subject"], item["evidence"]) == (setup.subject.digest, digest)
            and item["policy"]["digest"] == setup.policy.digest
        ]
        latest = max(bound, key=lambda item: (item["signed_at_s"], item["path"]), default=None)
        names = ("name", "principal", "key", "signed_at")
        found.append(Signature(masked(role), **{name: latest[name] for name in names} if latest else {}))
    return tuple(found)


def _summary(evidence: Evidence, facts: Facts) -> EvidenceSummary:
    return EvidenceSummary(
        id=evidence.collector,
        collector=f"{evidence.collector}/{evidence.version}",
        digest=evidence.digest,
        provider=evidence.provider,
        observed_at=evidence.observed_at,
        tool=evidence.tool,
        sources=facts.value(f"{PROVENANCE}.{evidence.collector}.sources") or "unstated",
        files=tuple(FileDigest(masked(file.path), file.sha256, file.size) for file in evidence.files),
        problems=evidence.problems,
        scopes=evidence.scopes,
    )
