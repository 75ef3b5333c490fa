"""The stored input and evidence of one decision, from which it can be made again. Pure.

The stored document has ``input``, which is exactly what the policies saw (``opa eval --input`` takes it),
``setup`` and ``evidence``. An evidence record leaves its facts out: they are ``input.facts.<collector>``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...evidence.base.canonical import canonical, manifest_bytes, sha256_hex
from ...evidence.base.contracts import PROVENANCE, violations
from ...evidence.base.errors import InternalError, masked
from ...evidence.base.records import JsonRecord, from_json, to_json
from ...evidence.base.times import parse_rfc3339
from ...evidence.collecting.interface import Evidence, Problem
from ..decision.document import Notice, PolicyId, Subject, Trust, Weakening
from .facts import Facts, problems, provenance
from .model import Plan

TYPE = "gate.recorded/v1"
ALL = "all"
TRUST = "trust"
"""Stands in place of a stage in sign-offs of alterations (docs/operator.md)."""

PEOPLE = frozenset({"signoffs", "waivers"})
"""Collectors of sign-offs and waivers; their files are not part of what a sign-off binds to."""

GENERATED = frozenset({"PRELIVE_VERIFICATION_LOG.json", "GO_LIVE_DECISION_GATE.md"})
"""Files gate writes itself from decisions: a sign-off cannot be bound to what follows from it."""

SETTINGS = "gate.yaml"


class Time(JsonRecord, frozen=True):
    """The effective time (RFC 3339, UTC) and its source: ``flag`` (or variable), a file, ``clock``."""

    text: str
    source: str

    @property
    def seconds(self) -> int:
        """Seconds since 1970."""
        return parse_rfc3339(self.text)


class Authors(JsonRecord, frozen=True):
    """Who wrote the judged content since an approved commit (None: ever); None when it cannot be told."""

    since: str | None
    emails: tuple[str, ...] | None


class Parameter(JsonRecord, frozen=True):
    """A parameter's value in place of the bundle's, and why; without a unit, the value has the bundle's."""

    name: str
    value: Any
    rationale: str
    unit: str | None = None


class Setup(JsonRecord, frozen=True):
    """What is judged, when and under which settings: all that a decision depends on beside the evidence.

    Attributes:
        stage: what was asked for: a stage's id or ``all``.
        authors: who wrote it, ever and since each commit that a sign-off names; None outside of git.
        policy: the bundle of the run, which a sign-off names; a replay with another bundle keeps it.
        odd_sources: files among the sources that cannot be judged.
        uncommitted: evidence files that differ from those of the commit.
        settings_digest: SHA-256 of ``gate.yaml``, None without it.
        allowed_signers: path of the file of allowed signers, which no sign-off binds to.
        revoked_keys: path of the list of revoked keys, which none binds to either.
        depends_on: by stage, dependencies in place of the bundle's.
        max_age_s: by collector, how old its evidence may be, in seconds.
        trust: whose settings, policies and signers apply.
        attesters: path of the file of attesters, which no sign-off binds to either.
        profile: name of the bundle's profile that selects the rules; None for all of them.
        parameters: parameters in place of the bundle's.
    """

    workspace: str
    stage: str
    gate_version: str
    time: Time
    subject: Subject
    authors: tuple[Authors, ...] | None
    policy: PolicyId
    odd_sources: tuple[Problem, ...]
    uncommitted: tuple[str, ...]
    settings_digest: str | None
    allowed_signers: str
    revoked_keys: str | None
    roles: tuple[str, ...]
    depends_on: dict[str, tuple[str, ...]]
    max_age_s: dict[str, int]
    trust: Trust
    weakenings: tuple[Weakening, ...]
    notices: tuple[Notice, ...]
    attesters: str | None = None
    profile: str | None = None
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """The setup and all evidence of one decision."""

    setup: Setup
    evidence: dict[str, Evidence]
    _facts: dict[Time, Facts] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What `facts_of` found, as asking and deciding both need it; a changed copy begins without."""

    def to_json(self, plan: Plan) -> dict[str, Any]:
        """The document that is stored, whose canonical bytes the decision's input digest is taken over."""
        evidence = {name: item.to_json() for name, item in sorted(self.evidence.items())}
        for item in evidence.values():
            del item["facts"]
        return {
            "type": TYPE,
            "input": policy_input(plan, self, self.setup.time),
            "setup": to_json(self.setup),
            "evidence": evidence,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Recorded:
        """What ``to_json`` gave. Raises ValueError: it breaks the contract; the message says where."""
        broken = violations("", "recorded", document)
        if broken:
            raise ValueError(f"{broken[0][0] or '/'}: {broken[0][1]}")
        facts = document["input"]["facts"]
        items = document["evidence"].items()
        evidence = {name: from_json(Evidence, {**item, "facts": facts[name]}) for name, item in items}
        return cls(from_json(Setup, document["setup"]), evidence)


def wanted_stages(plan: Plan, stage: str) -> tuple[str, ...]:
    """The stages that are asked for by a stage's id or ``all``."""
    return tuple(plan.stages) if stage == ALL else (stage,)


def approved_commits(evidence: Mapping[str, Evidence], subject: Subject) -> list[str]:
    """The commits that valid sign-offs of other sources name, the latest sign-off's first."""
    rows = evidence["signoffs"].facts["signoffs"] if "signoffs" in evidence else []
    named = (
        row["commit"]
        for row in sorted(rows, key=lambda row: (-row["signed_at_s"], row["path"]))
        if row["commit"] and row["signature"] == "valid" and row["subject"] != subject.digest
    )
    return list(dict.fromkeys(named))


def evidence_digests(plan: Plan, recorded: Recorded) -> dict[str, str]:
    """One digest by stage, over all files its evidence came from: what a sign-off of the stage binds to.

    The files are those read for the stage and the stages it depends on, what commands printed for it (as
    ``/commands/<name>.stdout``), and gate.yaml, without what people sign, without the files of allowed
    signers, revoked keys and attesters (a new colleague voids nobody's approval, and signatures are checked
    against them whenever something is judged) and without what gate generates. The digest is taken over
    their ``sha256sum`` manifest.
    """
    return {name: sha256_hex(listing) for name, listing in evidence_listings(plan, recorded).items()}


def evidence_listings(plan: Plan, recorded: Recorded) -> dict[str, bytes]:
    """By judged stage, the ``sha256sum`` manifest that its evidence digest is taken over."""
    setup = recorded.setup
    left_out = GENERATED | {setup.allowed_signers, setup.revoked_keys, setup.attesters}
    needed = plan.closure(wanted_stages(plan, setup.stage))
    rows = {name: _rows(item, left_out) for name, item in recorded.evidence.items()}
    listings = {}
    for stage in needed:
        ids = frozenset[str]().union(*(plan.stages[name].collectors for name in plan.closure((stage,))))
        files = set[tuple[str, str]]().union(*(rows.get(name, ()) for name in ids - PEOPLE))
        if setup.settings_digest is not None:
            files.add((SETTINGS, setup.settings_digest))
        listings[stage] = manifest_bytes(files)
    # a sign-off of alterations binds to their canonical JSON
    return {**listings, TRUST: canonical(to_json(setup.trust.alterations))}


def _rows(evidence: Evidence, left_out: Collection[str | None]) -> set[tuple[str, str]]:
    """The names and digests of what a collector's evidence came from."""
    # a name that no path of the workspace can have
    rows = {(f"/{evidence.collector}/{part.name}", part.sha256) for part in evidence.attachments}
    alike: Counter[str] = Counter()
    for file in evidence.files:
        path = masked(file.path)
        alike[path] += 1
        if path not in left_out:
            # names that masking made alike stay apart by their order; no path has an empty part
            rows.add((path if alike[path] == 1 else f"{path}//{alike[path]}", file.sha256))
    return rows


def policy_input(plan: Plan, recorded: Recorded, time: Time) -> dict[str, Any]:
    """The document that the policies see at a time."""
    subject = recorded.setup.subject
    return {
        "now": time.text,
        "now_s": time.seconds,
        "subject": {
            "commit": subject.commit,
            "dirty": subject.dirty,
            "digest": subject.digest,
            "author": subject.author,
            "authors": to_json(recorded.setup.authors),
        },
        "policy": to_json(recorded.setup.policy),
        "evidence_digest": evidence_digests(plan, recorded),
        "trust": trust_input(recorded.setup.trust),
        "facts": dict(facts_of(recorded, time).values),
    }


def trust_input(trust: Trust) -> dict[str, Any]:
    """What the policies see of the decision's ``trust``."""
    return {
        "anchors": list(trust.anchors),
        "settings": dict(trust.settings),
        "alterations": to_json(trust.alterations),
    }


def facts_of(recorded: Recorded, time: Time) -> Facts:
    """All facts at a time, with those about the evidence itself.

    Raises InternalError: the facts about evidence break their contract.
    """
    if (known := recorded._facts.get(time)) is not None:
        return known
    evidence = dict(sorted(recorded.evidence.items()))
    setup = recorded.setup
    about = provenance(evidence, setup.subject, time.seconds, setup.max_age_s, frozenset(setup.uncommitted))
    broken = violations("facts", PROVENANCE, about)
    if broken:
        what = f"the facts about evidence break their contract: {broken[0][1]}"
        raise InternalError(what, place=broken[0][0])
    found = recorded._facts[time] = Facts(
        values={**{name: item.facts for name, item in evidence.items()}, PROVENANCE: about},
        problems={
            **{name: item.problems for name, item in evidence.items()},
            PROVENANCE: problems(evidence, about),
        },
        files={name: len(item.files) + len(item.attachments) for name, item in evidence.items()},
        scopes={name: item.scopes for name, item in evidence.items()},
    )
    return found


def input_digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of the stored document's canonical bytes."""
    return sha256_hex(canonical(document))
