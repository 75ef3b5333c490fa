"""Prepares, reviews, places and lists sign-offs.

A sign-off binds one stage, one exact subject, evidence and policy, one role, one verdict. Beside the files
lie the ``sha256sum`` listings behind their two digests, so that the next one can say what changed since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from msgspec import Struct

from ...evidence.base.canonical import sha256_hex
from ...evidence.base.contracts import violations
from ...evidence.base.errors import EvidenceError, UsageError
from ...evidence.base.limits import DEFAULT
from ...evidence.base.numbers import counted
from ...evidence.collectors.signoffs import NAMESPACE
from ...evidence.reading.parse import parse_json
from .. import service
from ..collectors import open_workspace
from ..context import Context
from ..decide.recorded import ALL, PEOPLE, SETTINGS, Recorded, Time, evidence_listings, policy_input
from ..decision.document import Decision
from ..report.people import Listed, rejected
from ..report.table import summary, trusted
from ..terminal.lines import Screen
from . import sshsign

CONDITIONAL = "conditional"
BY_SIGNOFF = "signoff"
_STATUS = "gate.signoffs"
"""The package that says why a sign-off does not count."""
_NAMED = 5
"""Changed files that are named; of the others only how many there are."""
_SHORT = 8


class Binding(Struct, frozen=True):
    """What a sign-off of a stage names, and the listing behind the digest of its evidence."""

    stage: str
    subject: str
    listing: bytes
    policy: dict[str, str]
    commit: str | None

    @property
    def evidence(self) -> str:
        """The digest of the stage's evidence."""
        return sha256_hex(self.listing)


def binding_of(context: Context, recorded: Recorded, stage: str) -> Binding:
    """What a sign-off of the stage binds to."""
    bundle = context.bundle
    listing = evidence_listings(context.plan, recorded)[stage]
    policy = {"version": bundle.version, "digest": bundle.digest}
    subject = recorded.setup.subject
    return Binding(stage, subject.digest, listing, policy, subject.commit)


def prepare_signoff(
    context: Context,
    bound: Binding,
    role: str,
    name: str,
    verdict: str,
    signed_at: str,
    *,
    comment: str | None,
    conditions: Sequence[str],
) -> bytes:
    """The sign-off file's content, to be signed as it is.

    Args:
        conditions: ``TEXT|OWNER|DUE`` or ``TEXT|OWNER|DUE|CLOSED_BY`` each.

    Raises UsageError: a role that the workspace does not know, conditions with another verdict than
    ``conditional``, or fields that break the file's contract.
    """
    sshsign.check_role(context, role)
    document: dict[str, Any] = {
        "type": "gate.signoff/v1",
        "stage": bound.stage,
        "role": role,
        "name": name,
        "verdict": verdict,
        "subject": bound.subject,
        "evidence": bound.evidence,
        "policy": bound.policy,
        "signed_at": signed_at,
    }
    if bound.commit is not None:
        document["commit"] = bound.commit
    names = (f"{bound.stage}-{role}-{number}" for number in range(1, len(conditions) + 1))
    stated = [_condition(context, text, name) for text, name in zip(conditions, names, strict=True)]
    if bool(stated) is not (verdict == CONDITIONAL):
        what = f"the verdict {verdict!r} {'cannot carry' if stated else 'needs'} conditions"
        remedy = "give --verdict conditional and --condition TEXT|OWNER|DUE together, or neither"
        raise UsageError(what, place="--condition", remedy=remedy)
    if comment is not None:
        document["comment"] = comment
    if stated:
        document["conditions"] = stated
    return sshsign.to_bytes(document, "signoff")


def _condition(context: Context, text: str, name: str) -> dict[str, str]:
    parts = text.split("|")
    if len(parts) not in (3, 4):
        raise UsageError(f"--condition {text!r} is not TEXT|OWNER|DUE", remedy="separate three parts with |")
    try:
        date.fromisoformat(parts[2])
    except ValueError as error:
        remedy = "write the day as YYYY-MM-DD"
        raise UsageError(f"--condition {text!r} is due on no day of the calendar", remedy=remedy) from error
    closed_by = parts[3] if len(parts) == 4 else BY_SIGNOFF
    if closed_by != BY_SIGNOFF:
        sshsign.check_code(context, closed_by)
    return {"id": name, "text": parts[0], "owner": parts[1], "due": parts[2], "closed_by": closed_by}


def review(
    context: Context, judged: Decision, bound: Binding, recorded: Recorded, role: str, screen: Screen
) -> Iterator[str]:
    """What somebody approves in the role, line by line: verdict, policy, what is open, what changed since."""
    stage, policy = bound.stage, judged.policy
    commit = judged.subject.commit
    state = {True: ", with uncommitted changes", False: "", None: ""}[judged.subject.dirty]
    about = stage if stage == judged.stage else f"{stage}, with {judged.stage}"
    yield f"{about} of {judged.workspace}: {judged.verdict.value} as of {judged.effective_time}"
    yield f"  policy    {policy.name} {policy.version}, {policy.digest}"
    yield f"  sources   {counted(judged.subject.files, 'file')}, {bound.subject}"
    yield f"  commit    {commit}{state}" if commit else "  commit    none"
    yield f"  trusted   {'' if judged.trust.anchors else 'self-judged: '}{trusted(judged.trust)}"
    read = len(_files(bound.listing))
    yield f"  evidence  {counted(read, 'file')}, {bound.evidence}"
    yield from summary(judged, screen).splitlines()
    yield from (f"alteration: {one.text}" for one in judged.trust.alterations)
    yield "since the last approval:"
    yield from (f"  {line}" for line in changes(context, bound, recorded, role))
    if judged.violations:
        yield f"all of it: gate explain {judged.stage}{screen.arguments}"


def changes(context: Context, bound: Binding, recorded: Recorded, role: str) -> list[str]:
    """What changed since somebody last approved the stage in the role."""
    rows = [
        row
        for row in recorded.evidence["signoffs"].facts["signoffs"]
        if (row["stage"], row["role"], row["signature"]) == (bound.stage, role, "valid")
        and row["role_authorised"]
        and row["verdict"] != "reject"
    ]
    last = max(rows, key=lambda row: (row["signed_at_s"], row["path"]), default=None)
    if last is None:
        return [f"nobody has approved {bound.stage} as {role} before"]
    found = [f"{last['principal']} approved on {last['signed_at']} ({last['path']})"]
    if last["policy"]["digest"] != bound.policy["digest"]:
        old, new = ((one["version"], one["digest"][:_SHORT]) for one in (last["policy"], bound.policy))
        found.append(f"policy: {old[0]} ({old[1]}…), now {new[0]} ({new[1]}…)")
    if last["evidence"] != bound.evidence:
        before, now = _kept(context, last["evidence"]), _files(bound.listing)
        if before is not None and before.get(SETTINGS) != now.get(SETTINGS):
            found.append(f"settings: {SETTINGS} was changed")
        found.append(f"evidence: {_difference(before, now)}")
    if last["subject"] != bound.subject:
        now = _files(service.source_listing(context))
        found.append(f"sources: {_difference(_kept(context, last['subject']), now)}")
    return found if len(found) > 1 else [*found, "nothing has changed since"]


def _kept(context: Context, digest: str) -> dict[str, str] | None:
    """The files of a listing that was kept; None where there is none that has this digest."""
    view = open_workspace(context.root, context.authority).view()
    path = f"{_listings(context)}/{digest}.sha256"
    try:
        data = view.read(path) if view.exists(path) else b""
    except EvidenceError:
        return None
    return _files(data) if sha256_hex(data) == digest else None


def _files(listing: bytes) -> dict[str, str]:
    rows = (line.partition("  ") for line in listing.decode("utf-8", "replace").splitlines())
    return {path: digest for digest, _, path in rows}


def _difference(before: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    if before is None:
        return "changed; the listing of what was approved is not kept"
    changed = sorted(path for path in now.keys() & before.keys() if now[path] != before[path])
    parts = []
    for word, paths in (
        ("changed", changed), ("new", sorted(now.keys() - before)), ("gone", sorted(before.keys() - now))
    ):  # fmt: skip
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        parts += [f"{word}: {', '.join(paths[:_NAMED])}{more}"] if paths else []
    return "; ".join(parts)


def _listings(context: Context) -> str:
    return f"{sshsign.directory_of(context, 'signoffs')}/listings"


def place_signoff(context: Context, bound: Binding, role: str, data: bytes, armored: bytes) -> str:
    """Put a signed sign-off and the listings behind it into the workspace; returns its path.

    Raises UsageError: the signer may not sign in the role, or there is one already.
    """
    sshsign.check_signed(context, data, armored, NAMESPACE, role)
    of = sha256_hex("".join((bound.subject, bound.evidence, bound.policy["digest"])).encode())
    path = f"{sshsign.directory_of(context, 'signoffs')}/{bound.stage}-{role}-{of[:_SHORT]}.json"
    sources = service.source_listing(context)
    for digest, listing in ((bound.evidence, bound.listing), (bound.subject, sources)):
        if sha256_hex(listing) == digest:
            with suppress(FileExistsError):
                sshsign.keep(context, _listings(context), {f"{digest}.sha256": listing})
    sshsign.place(context, path, data, armored)
    return path


def read_signoff(data: bytes, path: str) -> dict[str, Any]:
    """A sign-off that somebody signed elsewhere. Raises UsageError: it breaks its contract."""
    try:
        document = parse_json(data, path, DEFAULT)
    except EvidenceError as error:
        raise UsageError(error.what, path=path, place=error.place, remedy=error.remedy) from error
    broken = violations("files", "signoff", document)
    if broken:
        remedy = "make it with `gate signoff request`"
        raise UsageError(broken[0][1], path=path, place=broken[0][0], remedy=remedy)
    return dict(document)


def check_bound(document: Mapping[str, Any], bound: Binding, path: str) -> None:
    """Refuse a sign-off of something else than what is here. Raises UsageError: it names something else."""
    for name, what in (("subject", "the sources"), ("evidence", "the evidence"), ("policy", "the policy")):
        if document[name] != getattr(bound, name):
            what = f"{what} changed since it was requested, so it would not count"
            remedy = "request it again with `gate signoff request`, and sign that"
            raise UsageError(what, path=path, place=f"/{name}", remedy=remedy)


def list_signoffs(context: Context, time: Time) -> list[Listed]:
    """Every sign-off of the workspace by stage, role and path; files that are none come last."""
    plan, config = context.plan, context.config
    ids = PEOPLE.union(*(stage.collectors for stage in plan.stages.values()))
    recorded = service.observe(context, ids, ALL, time)
    reasons: dict[str, list[str]] = {}
    if any(head.package == _STATUS for head in context.bundle.heads):
        with context.open_engine() as engine:
            answer = engine.evaluate([_STATUS], policy_input(plan, recorded, time))
        reasons = {one["path"]: one["reasons"] for one in answer[_STATUS]["status"]}
    evidence = recorded.evidence["signoffs"]
    found = []
    for row in sorted(evidence.facts["signoffs"], key=lambda row: (row["stage"], row["role"], row["path"])):
        why = reasons.get(row["path"], ["the policies do not say whether it counts"])
        if row["problem"] and row["signature"] != "valid":
            why = [row["problem"], *why]
        who = f"{row['stage']} {row['role']}: {row['verdict']} by {row['principal'] or row['name']}"
        text = f"{who}, {row['signed_at']} ({row['path']})"
        names = ("path", "stage", "role", "verdict", "name", "principal", "signed_at")
        data = {name: row[name] for name in names} | {"counts": not why, "reasons": why}
        found.append(Listed("void" if why else "counts", text, tuple(f"- {one}" for one in why), data))
    return [*found, *rejected(evidence, config.allowed_signers)]
