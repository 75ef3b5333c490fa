"""A decision as it is posted: its documents in an archive, without any signature of a log.

The archive is a record's (`record.archive`, the tar that can be written in one way only), with those of a
record's files that do not come from a log: the decision, its recorded input, all files of the policy bundle,
what collectors kept, and what people signed. Whoever posts is not believed: `check` demands that these
documents agree, and decides again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from ....evidence.base.canonical import canonical, sha256_hex
from ....evidence.base.contracts import violations
from ....evidence.base.errors import EngineError, EnvironmentProblem, GateError
from ....evidence.base.times import parse_rfc3339
from ....evidence.signing.allowed_signers import AllowedSigners
from ....evidence.signing.dsse import max_payload_bytes
from ...decide.recorded import Recorded, input_digest
from ...decision.document import Decision
from ...entries import statement as statements
from ...policy.bundle import to_document
from ...record import contents
from ...record.archive import BadRecordError, read_tar
from ...record.signed import check_people, members
from ...service import Judged
from ...signed_files import keep_signed

TYPE: Final = "application/x-tar"
SKEW_S: Final = 300
"""How far the effective time may lie after the service's clock."""
AGE_S: Final = 3600
"""How old a decision may be that says it was judged by the clock."""
_ENGINE: Final = re.compile(r"(?!gate\Z)[a-z][a-z0-9_+-]{0,63}")
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,127}")
_DOCUMENTS: Final = (contents.DECISION, contents.INPUT, contents.POLICY)


class Refused(Exception):
    """Why a posted decision is not recorded; the text says so in one sentence."""


class Demands(Struct, frozen=True):
    """What a log demands of a posted decision.

    Attributes:
        policies: digests of the bundles that may have judged.
        operators: digests of the operator's files that may have applied; empty for any or none.
        tailored: digests of the settings that may have tailored the bundle, as `tailoring` gives them.
        workspace: which one it must be about; None for any.
        commit: which commit it must be about, without changes; None for any.
        now_s: the service's clock.
        keys: public keys of the log, as SSH key blobs, which no person may sign with.
    """

    policies: frozenset[str]
    operators: frozenset[str] = frozenset()
    tailored: frozenset[str] = frozenset()
    workspace: str | None = None
    commit: str | None = None
    now_s: int = 0
    keys: frozenset[bytes] = frozenset()


class Accepted(Struct, frozen=True):
    """A posted decision that may be recorded.

    Attributes:
        digest: SHA-256 of the decision document.
        statement: what is signed.
    """

    digest: str
    statement: bytes
    verdict: str


Again = Callable[[Recorded, bytes, str], Decision]
"""Decides again, from what was recorded and the document of a bundle, which must have that digest."""


def files_of(judged: Judged) -> tuple[dict[str, bytes], list[str]]:
    """The files of a decision that was made just now, and notices about what cannot be kept.

    A decision that rests on signed files which cannot be kept will be refused.
    """
    stored = judged.recorded.to_json(judged.context.plan)
    parts = [part.data for item in judged.recorded.evidence.values() for part in item.attachments]
    signed, notices = keep_signed(judged.context, judged.recorded, stored)
    known = {sha256_hex(data): data for data in signed}
    files = {
        contents.DECISION: canonical(judged.decision.to_json()),
        contents.INPUT: canonical(stored),
        contents.POLICY: to_document(judged.context.bundle),
    }
    files |= {contents.evidence_of(sha256_hex(data)): data for data in parts if data is not None}
    try:
        named = members(stored)
    except ValueError:
        named = {}
    return files | {name: known[digest] for name, digest in named.items() if digest in known}, notices


def read(data: bytes) -> dict[str, bytes]:
    """The files of a posted archive. Raises Refused: it is none."""
    try:
        files = read_tar(data)
    except BadRecordError as error:
        raise Refused(f"the body is no archive of a decision: {error}") from error
    for name in _DOCUMENTS:
        if name not in files:
            raise Refused(f"the archive has no {name}")
    return files


def check(files: Mapping[str, bytes], demands: Demands, again: Again) -> Accepted:
    """Check a posted decision against its contract, its own documents and the log's demands; decide again.

    Args:
        again: decides again; called last.

    Raises Refused: it must not be recorded; EngineError, EnvironmentProblem: it could not be judged again.
    """
    try:
        return _check(files, demands, again)
    except (EngineError, EnvironmentProblem):
        raise
    except (BadRecordError, GateError) as error:
        raise Refused(error.what if isinstance(error, GateError) else str(error)) from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(f"a document is malformed: {str(error)[:200]}") from error


def _check(files: Mapping[str, bytes], demands: Demands, again: Again) -> Accepted:
    stated, document = (_canonical(files, name) for name in (contents.DECISION, contents.INPUT))
    broken = violations("", "decision", stated, most=1)
    if broken:
        raise Refused(f"{contents.DECISION} breaks its contract: {broken[0][0] or '/'} {broken[0][1]}")
    decision, recorded = Decision.from_json(stated), Recorded.from_json(document)
    _check_names(decision)
    _check_demands(decision, demands)
    if recorded.setup.policy != decision.policy:  # the one that sign-offs are about
        raise Refused("the recorded input names another policy bundle than the decision")
    tailored = tailoring(document)
    if tailored not in {None, *demands.tailored}:
        raise Refused(f"stages, profile or parameters of the settings tailor the policies: {tailored}")
    if input_digest(document) != decision.input_digest:
        raise Refused(f"{contents.INPUT} is not what the decision was made from")
    _check_files(files, document, decision, demands)
    made = canonical(
        _without_engine(again(recorded, files[contents.POLICY], decision.policy.digest).to_json())
    )
    if made != canonical(_without_engine(stated)):
        raise Refused("the recorded input and the policies give another decision than the posted one")
    digest = sha256_hex(files[contents.DECISION])
    line = statements.statement(decision, digest, sha256_hex(files[contents.POLICY]))
    if len(line) > max_payload_bytes():
        raise Refused(f"its ledger line would have {len(line)} bytes, {max_payload_bytes()} are the most")
    statements.summary(json.loads(line))
    return Accepted(digest, line, decision.verdict.value)


def tailoring(document: Mapping[str, Any]) -> str | None:
    """SHA-256 of how settings tailor the bundle, by a recorded input; None where they do not.

    They are no part of the bundle's digest, and whose they are, only the job says.
    """
    stated = {name: document["setup"].get(name) for name in ("depends_on", "parameters", "profile")}
    return sha256_hex(canonical(stated)) if any(stated.values()) else None


def _check_names(decision: Decision) -> None:
    """Whether what is not judged again, the name and version of the engine, and the version of gate are some.

    In the signed line they stand beside each other, by name.
    """
    if not _ENGINE.fullmatch(decision.engine.name):
        raise Refused(f"{decision.engine.name[:100]!a} is no name of a policy engine")
    for version in (decision.engine.version, decision.gate_version):
        if not _VERSION.fullmatch(version):
            raise Refused(f"{version[:100]!a} is no version")


def _check_demands(decision: Decision, demands: Demands) -> None:
    if decision.policy.digest not in demands.policies:
        raise Refused(f"this log takes no decisions by the policy bundle {decision.policy.digest}")
    if demands.operators and decision.trust.operator not in demands.operators:
        by = decision.trust.operator or "none"
        raise Refused(f"this log takes no decisions by the operator's file {by}")
    if demands.workspace is not None and decision.workspace != demands.workspace:
        what = f"the decision is about the workspace {decision.workspace[:100]!r}"
        raise Refused(f"{what}, this log is about {demands.workspace!r}")
    if demands.commit is not None and (
        decision.subject.commit != demands.commit or decision.subject.dirty is not False
    ):
        commit = decision.subject.commit or "no commit"
        state = " with changes" if decision.subject.dirty else ""
        if decision.subject.commit and decision.subject.dirty is None:
            state = ", and whether with changes is not known"
        raise Refused(f"the decision is about {commit}{state}, the token is for {demands.commit[:100]}")
    age = demands.now_s - parse_rfc3339(decision.effective_time)
    if age < -SKEW_S:
        raise Refused(f"the decision is of {decision.effective_time}, which is in the future")
    if decision.effective_time_source == "clock" and age > AGE_S:
        raise Refused(f"the decision is of {decision.effective_time}, more than {AGE_S // 60} minutes ago")


def _check_files(
    files: Mapping[str, bytes], document: Mapping[str, Any], decision: Decision, demands: Demands
) -> None:
    """Whether evidence and signed files are all there, are those that the decision rests on, and hold."""
    facts, items = document["input"]["facts"], document["evidence"]
    digests = {name: sha256_hex(canonical({**item, "facts": facts[name]})) for name, item in items.items()}
    if digests != {item.id: item.digest for item in decision.evidence}:
        raise Refused("the recorded evidence is not what the decision lists")
    kept = {part["sha256"] for item in items.values() for part in item["attachments"]}
    named = {contents.evidence_of(digest): digest for digest in kept} | members(document)
    for name, digest in named.items():
        if name not in files:
            raise Refused(f"{name}, which the decision rests on, is not in the archive")
        if sha256_hex(files[name]) != digest:
            raise Refused(f"{name} is not the file that the decision rests on")
    stray = sorted(files.keys() - named.keys() - {*_DOCUMENTS})
    if stray:
        raise Refused(f"{stray[0]} does not belong in the archive")
    check_people(document, files)
    if demands.keys and contents.SIGNERS in files:
        text = files[contents.SIGNERS].decode("utf-8", "replace")
        for one in AllowedSigners.parse(text, contents.SIGNERS).signers:
            if one.key.blob in demands.keys:
                raise Refused(f"the key {one.key.fingerprint} signs the log, so it cannot be a person's, too")


def _without_engine(decision: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in decision.items() if name != "engine"}


def _canonical(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    value = json.loads(files[name])
    if not isinstance(value, dict) or canonical(value) != files[name]:
        raise Refused(f"{name} is not canonical JSON")
    return value
