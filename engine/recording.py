"""Decisions in the ledger: recording them, finding them again, and the status they add up to.

The ledger knows no decision; this module knows both. What is too large for a line, the decision itself and
what it was made from, lies in the evidence store under its digest.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..evidence.base.canonical import canonical
from ..evidence.base.contracts import violations
from ..evidence.base.errors import (
    ConfigError,
    EvidenceError,
    InternalError,
    LedgerError,
    UsageError,
)
from ..evidence.reading.workspace import Workspace
from ..evidence.reading.workspace.named import read_followed
from ..evidence.signing.keys import LogKey
from .collectors import open_workspace
from .context import Context
from .decide.recorded import ALL
from .decision.consistency import inconsistencies
from .decision.document import Decision, FileDigest
from .entries import statement as statements
from .entries.reading import (
    PENDING,
    DecisionEntry,
    RecordedDecision,
    StageStatus,
    StatementEntry,
    about,
    check_target,
    entries,
    locate,
    verdicts,
)
from .ledger import verify_ledger
from .ledger.findings import Authorities, Extent, Verification
from .ledger.interface import Entry, NoLedger
from .ledger.note import MAX_NOTE_BYTES, Checkpoint
from .ledger.reader import LedgerReader
from .policy.bundle import to_document
from .service import Judged, find_subject
from .signed_files import keep_signed
from .workspace_ledger import parse_verifier_key, reader, writer

if TYPE_CHECKING:
    from .spread.interface import Spread

RECEIPT = "receipt"
"""What `verify` is given to read only what is after the receipt."""
_SINCE = "give --since receipt, or the file of a checkpoint of this ledger that was kept elsewhere"


def record(judged: Judged, config_dir: Path, now: str) -> tuple[Entry, list[str]]:
    """Append the decision to the workspace's ledger and seal it.

    Args:
        config_dir: the user's configuration directory, with the log key and the receipts.
        now: RFC 3339 time of recording, which goes into the checkpoint, never into the line.

    Returns the entry, and notices: the log key was made just now, the receipt could not be written, or a file
    that somebody signed could not be kept.

    Raises ConfigError: the key would lie inside the workspace; InternalError: the decision does not keep to
    its own contract; LedgerError, EnvironmentProblem: as they say; the decision is then not recorded.
    """
    context = judged.context
    document, stored = judged.decision.to_json(), judged.recorded.to_json(context.plan)
    broken = [
        *(violations("", "decision", document, most=1) or inconsistencies(document)),
        *violations("", "recorded", stored, most=1),
    ]
    if broken:
        raise InternalError(
            f"the decision breaks its contract and was not recorded: {broken[0][1]}",
            place=broken[0][0],
            remedy="report this with the policy bundle",
        )
    stored_documents = [canonical(document), to_document(context.bundle), canonical(stored)]
    parts = [part.data for item in judged.recorded.evidence.values() for part in item.attachments]
    signed, odd = keep_signed(context, judged.recorded, stored)
    with writer(context, config_dir) as (ledger, notices):
        digest, bundle, *_ = [
            ledger.evidence.put(data) for data in (*stored_documents, *parts, *signed) if data is not None
        ]
        [entry] = ledger.append([statements.statement(judged.decision, digest, bundle)])
        ledger.seal(now)
    return entry, [*notices, *odd]


def append_statement(
    context: Context,
    kind: str,
    subject: Sequence[dict[str, Any]],
    predicate: dict[str, Any],
    documents: Mapping[str, bytes],
    config_dir: Path,
    now: str,
    key: LogKey | None = None,
) -> tuple[Entry, list[str]]:
    """Append an entry that is no decision to the workspace's ledger, signed with the log key, and seal it.

    Args:
        kind: `evidence`, `signoff`, `waiver`, `key-event` or `receipt`.
        subject: what it is about, as in-toto: `name` and `digest` of each.
        predicate: after the kind's contract in `contracts/entries`, without `documents`.
        documents: file name → bytes of what the entry refers to; stored as evidence and named in it.
        config_dir, now: as `record`.
        key: one that the entry itself admits, in place of the log key.

    Returns as `record`. Raises InternalError: the predicate breaks its contract; else as `record`.
    """
    named = [{"name": name, "sha256": sha256(data).hexdigest()} for name, data in sorted(documents.items())]
    statement = statements.other_statement(kind, subject, {**predicate, "documents": named})
    with writer(context, config_dir, key) as (ledger, notices):
        for data in documents.values():
            ledger.evidence.put(data)
        [entry] = ledger.append([statement])
        ledger.seal(now)
    return entry, notices


@contextmanager
def located(context: Context, target: str, config_dir: Path) -> Iterator[tuple[LedgerReader, DecisionEntry]]:
    """The workspace's ledger, and in it the recorded decision that a person names; all commands ask here.

    ``target`` is `LATEST`, a stage or ``all`` (the last decision that judged it), a ledger index, or at least
    eight digits of the leaf digest or of the decision's digest.
    ``config_dir`` has the receipts of earlier runs.

    Raises UsageError: no such decision, or several begin like that; LedgerError: the ledger is damaged.
    """
    names = [*context.plan.stages, ALL]
    check_target(target, names)  # what is wrong with it is said first
    with reader(context, config_dir) as ledger:
        yield ledger, locate(ledger, target, names)


def find(context: Context, target: str, config_dir: Path) -> tuple[Decision, Entry]:
    """A recorded decision and its place. Raises as `located`; LedgerError: the stored document is damaged."""
    with located(context, target, config_dir) as (ledger, found):
        return _stored_decision(ledger, found), found.entry


def recorded_decisions(
    context: Context, config_dir: Path, last: int, stage: str | None = None
) -> list[RecordedDecision]:
    """The last recorded decisions, oldest first; all stages, or those that judged one.

    Raises UsageError: the policies have no such stage; LedgerError: an entry does not hold.
    """
    if stage is not None and stage != ALL:
        context.check_stage(stage)
    rows = []
    with suppress(NoLedger), reader(context, config_dir) as ledger:
        for one in deque(about(ledger, stage), last):
            rows.append(recorded_decision(ledger, one))
    return rows


def recorded_decision(ledger: LedgerReader, entry: DecisionEntry) -> RecordedDecision:
    """A recorded decision with its document, or with why that cannot be read; one hides no other."""
    try:
        return RecordedDecision(entry, _stored_decision(ledger, entry))
    except LedgerError as error:
        return RecordedDecision(entry, None, error.reason, foreign=isinstance(error, _ForeignDecisionError))


class _ForeignDecisionError(LedgerError):
    """Another version of gate stored a decision that this one cannot read."""


def _stored_decision(ledger: LedgerReader, entry: DecisionEntry) -> Decision:
    said = entry.summary
    return read_decision(ledger.evidence.get(said.decision), said.decision, said.verdict, said.stages)


def read_decision(data: bytes, digest: str, verdict: str, stages: Mapping[str, str]) -> Decision:
    """The decision in a stored document.

    Args:
        data: the document, which was compared with its digest.
        digest: its SHA-256, for messages.
        verdict, stages: what its entry says: the verdict, and that of each stage.

    Raises LedgerError: it is malformed, of another version of gate, or says something else than its entry.
    """
    document, entry = None, {"verdict": verdict, "stages": stages}
    try:
        document = json.loads(data)
        decision = Decision.from_json(document)
        for name, stated in (
            ("verdict", decision.verdict.value),
            ("stages", {name: stage.verdict.value for name, stage in decision.stages.items()}),
        ):
            if entry[name] != stated:
                raise ValueError(f"it differs from its entry in: {name}")
    except (ValueError, RecursionError) as error:
        version = document.get("gate_version") if isinstance(document, dict) else None
        if isinstance(version, str) and version != __version__:
            raise _ForeignDecisionError(
                f"gate {version} stored this decision, and gate {__version__} cannot read it: {error}",
                path=digest,
                remedy="read it with that version",
            ) from error
        raise LedgerError(
            f"the stored decision cannot be used: {error}",
            path=digest,
            remedy="find out who recorded it with the log key but not with gate; "
            "`gate history` lists the others",
        ) from error
    return decision


def status(context: Context, config_dir: Path) -> list[StageStatus]:
    """By stage, the latest recorded verdict, wherever it was judged; PENDING where no decision judged it.

    Raises LedgerError: an entry does not hold.
    """
    latest: dict[str, DecisionEntry] = {}
    stored: dict[int, RecordedDecision] = {}
    with suppress(NoLedger), reader(context, config_dir) as ledger:
        for one, stages in verdicts(ledger):
            latest.update(dict.fromkeys(stages, one))
        stored = recorded_by_index(ledger, latest.values())
    if not latest:
        return [_pending(name, stage.title) for name, stage in context.plan.stages.items()]
    workspace = open_workspace(context.root, context.authority)
    sources = find_subject(workspace)[0].digest
    rows = []
    for name, stage in context.plan.stages.items():
        found = latest.get(name)
        if found is None:
            rows.append(_pending(name, stage.title))
            continue
        row = stored[found.entry.index]
        about = (name, stage.title, found.summary.stages[name], found.entry.index, row.time, row.commit)
        if (decision := row.decision) is None:
            rows.append(StageStatus(*about, None, None, problem=row.problem))
            continue
        read = frozenset[str]().union(
            *(context.plan.stages[one].collectors for one in context.plan.closure((name,)))
        )
        files = [file for item in decision.evidence if item.id in read for file in item.files]
        rows.append(
            StageStatus(
                *about,
                current=decision.subject.digest == sources,
                policy_current=decision.policy.digest == context.bundle.digest,
                evidence_current=all(_is_same(workspace, file) for file in files),
                settings_current=decision.settings_digest == context.authority.settings_digest,
            )
        )
    return rows


def _pending(stage: str, title: str) -> StageStatus:
    return StageStatus(stage, title, PENDING, None, None, None, None, None)


def _is_same(workspace: Workspace, file: FileDigest) -> bool:
    """Whether a file has the content that was judged; masked names and files of keys are passed over."""
    if "*" in file.path or file.path.startswith("@"):
        return True
    try:
        return workspace.is_file(file.path) and workspace.file_digest(file.path) == file.sha256
    except (EvidenceError, ConfigError):
        return False


def recorded_by_index(ledger: LedgerReader, entries: Iterable[DecisionEntry]) -> dict[int, RecordedDecision]:
    """Decisions as `recorded` gives them, by the index of their entries; each is read once."""
    each = {one.entry.index: one for one in entries}
    return {index: recorded_decision(ledger, one) for index, one in each.items()}


def latest_entries(
    context: Context, last: int, config_dir: Path
) -> tuple[list[StatementEntry], Checkpoint | None]:
    """The last entries, oldest first, and the latest checkpoint."""
    with reader(context, config_dir) as ledger:
        return list(deque(entries(ledger), last)), ledger.checkpoint()


def find_statement(context: Context, index: int, config_dir: Path) -> dict[str, Any]:
    """One entry's in-toto statement. Raises UsageError: there is no such entry."""
    with reader(context, config_dir) as ledger:
        for entry in ledger.entries():
            if entry.index == index:
                statement: dict[str, Any] = json.loads(entry.payload)
                return statement
        size = ledger.size()
    raise UsageError(f"the ledger has no entry {index}", remedy=f"it has the entries 0 to {size - 1}")


def documents_of_entries(context: Context, config_dir: Path) -> Iterator[tuple[int, list[str]]]:
    """Index of each entry of the ledger, and digests of the documents that it refers to.

    Raises LedgerError: there is no ledger, or an entry does not hold.
    """
    with reader(context, config_dir) as ledger:
        for one in entries(ledger):
            yield one.entry.index, statements.documents(one.statement)


def verify(
    context: Context,
    key: str | None,
    config_dir: Path,
    authorities: Authorities,
    *,
    since: str | None = None,
    full: bool = False,
    spread: Spread | None = None,
) -> Verification:
    """Verify the ledger.

    Args:
        key: the verifier key it must have; without it, the operator's, or else the one in the ledger.
        config_dir: where the receipts of earlier runs are.
        authorities: who may have stamped and cosigned checkpoints.
        since: `receipt` reads only what is after this machine's receipt; else the file of a checkpoint kept
            elsewhere, which the ledger must extend.
        full: check all signatures, also those of entries that a receipt or that checkpoint covers.
        spread: who does that; None: this process.

    Raises UsageError: the key is not one, or the file cannot be read; LedgerError: there is no ledger.
    """
    named = context.authority.log_key if key is None else key
    expected = None if named is None else parse_verifier_key(named, "--key")
    given = None
    if since not in (None, RECEIPT):
        given = read_followed(Path(since), UsageError, _SINCE, MAX_NOTE_BYTES)
    return verify_ledger(
        context.ledger,
        expected_key=expected,
        config_dir=config_dir,
        given=given,
        evidence_of=statements.documents,
        evidence=context.config.ledger.evidence,
        authorities=authorities,
        admins=context.authority.key_admins,
        scope=Extent.EVERYTHING if full else Extent.NEW if since == RECEIPT else Extent.COVERED,
        spread=spread,
    )
