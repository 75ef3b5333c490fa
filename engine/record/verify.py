"""Verifies a record with nothing but the digest of what its verifier trusts. Reads no ledger, no clock.

Each step rests on those before it: files, trust, signatures of entries, their places in the log, then what
the entries name. The first step that finds something wrong is the last one that is made.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ... import __version__
from ...evidence.base.canonical import canonical, sha256_hex
from ...evidence.base.errors import EnvironmentProblem, GateError
from ...evidence.base.limits import DEFAULT
from ...evidence.signing.problems import SignatureError
from ..decide.plan import make_plan
from ..decide.recorded import Recorded, input_digest
from ..decision import statement as statements
from ..decision.document import Decision
from ..ledger.authorities.timestamp import stamped
from ..ledger.authorities.witness import cosignatures
from ..ledger.interface import Entry
from ..ledger.merkle import leaf_hash, verify_inclusion
from ..ledger.note import CLOCK_SKEW_S, Checkpoint, check_time
from ..ledger.reader import check_line
from ..policy import open_engine
from ..policy.bundle import from_document
from ..policy.interface import Bundle
from ..service import replay
from . import contents
from .archive import BadRecordError
from .page import page
from .signed import check_people, members
from .trusted import log_key

HOLDS, WRONG, NOT_CHECKED = "holds", "wrong", "not checked"
_MAX_HASHES: Final = 64


@dataclass(frozen=True, slots=True)
class Check:
    """One step: whether it holds, is wrong or was not checked, and what was seen."""

    name: str
    state: str
    text: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found.

    Attributes:
        trust: digest of what the record wants to be trusted, in hexadecimal; None when it is no record.
        decision: what was decided; None unless the signed entry names exactly this document.
    """

    checks: tuple[Check, ...]
    trust: str | None = None
    decision: Decision | None = None
    entry: int | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(check.state != WRONG for check in self.checks)


@dataclass(slots=True)
class _Seen:
    """What earlier steps found, for later ones."""

    files: Mapping[str, bytes]
    pinned: str
    lines: list[bytes] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    cosigned: list[bytes] = field(default_factory=list)
    index: int = 0
    decision: Decision | None = None
    document: dict[str, Any] = field(default_factory=dict)
    bundle: Bundle | None = None


Step = Callable[[_Seen], str | None]


def verify(files: Mapping[str, bytes], trust: str, *, again: bool = False) -> Verified:
    """Check the files of a record.

    Args:
        trust: the pinned digest of trust, in hexadecimal.
        again: also decide again, and compare.

    Raises EnvironmentProblem: something that is needed is not installed. What is wrong is in the result.
    """
    seen = _Seen(files, trust)
    checks: list[Check] = []
    steps = [(name, step) for name, step in _STEPS if again or step is not _replay]
    for name, step in steps:
        wrong = any(check.state == WRONG for check in checks)
        if wrong:
            checks.append(Check(name, NOT_CHECKED, "because of what is wrong above"))
            continue
        try:
            text = step(seen)
            checks.append(Check(name, *((HOLDS, text) if text else (NOT_CHECKED, _NOT[name]))))
        except (BadRecordError, SignatureError, GateError) as error:
            if isinstance(error, EnvironmentProblem):
                raise
            checks.append(Check(name, WRONG, error.what if isinstance(error, GateError) else str(error)))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            checks.append(Check(name, WRONG, f"a document is malformed: {str(error)[:200]}"))
    if not again:
        checks.append(Check("verdict", NOT_CHECKED, _NOT["verdict"]))
    ok = all(check.state != WRONG for check in checks)
    own = contents.trust_digest(files)
    return Verified(tuple(checks), own, seen.decision if ok else None, seen.index if ok else None)


_NOT: Final = {
    "authorities": "the trust material names no time-stamping authority and no witness",
    "people": "the decision rests on nothing that people signed",
    "attached": "nothing was attached to the decision",
    "page": f"another version of gate wrote {contents.PAGE} and {contents.HOWTO}, which are not signed",
    "verdict": "add --replay to decide again from the recorded facts and policies",
}


def _files(seen: _Seen) -> str:
    contents.check_manifest(seen.files)
    return f"{len(seen.files)} files, all as {contents.MANIFEST} lists them"


def _trust(seen: _Seen) -> str:
    own = contents.trust_digest(seen.files)
    if own != seen.pinned:
        raise BadRecordError(f"the record's is sha256:{own}, not the one that was pinned")
    return f"sha256:{own}, as pinned"


def _entries(seen: _Seen) -> str:
    """The signature of each entry, and whether they are a decision and what was attached to it."""
    key = log_key(seen.files)
    data = _file(seen, contents.ENTRIES)
    if not data.endswith(b"\n"):
        raise BadRecordError(f"{contents.ENTRIES} does not end with a line feed")
    seen.lines = data[:-1].split(b"\n")
    for number, line in enumerate(seen.lines):
        statement = json.loads(check_line(line, key).payload)
        seen.statements.append(statement)
        kind = statements.kind_of(statement)
        statements.documents(statement)  # refuses what breaks its contract
        if kind != ("evidence" if number else statements.DECISION):
            raise BadRecordError(f"entry {number + 1} is of kind {kind or 'unknown'}")
    named = _extension(seen)["decision"]["sha256"]
    if any(one["predicate"]["decision"] != named for one in seen.statements[1:]):
        raise BadRecordError("something was attached to another decision")
    if contents.sigstore_bundle(json.loads(seen.lines[0])) != _file(seen, contents.SIGSTORE):
        raise BadRecordError(f"{contents.SIGSTORE} has another entry")
    return f"{len(seen.lines)} signed by {key.name} ({key.fingerprint})"


def _log(seen: _Seen) -> str:
    """Whether signed checkpoints cover the entries."""
    key, places = log_key(seen.files), []
    for number, line in enumerate(seen.lines, 1):
        index, path, note = read_proof(_file(seen, contents.proof_of(number, "tlog-proof")))
        checkpoint = Checkpoint.open(note, key)
        if not verify_inclusion(leaf_hash(line), index, checkpoint.size, path, checkpoint.root):
            raise BadRecordError(f"entry {number} is not the one at {index} of the log")
        stated = _file(seen, contents.proof_of(number, "checkpoint"))
        if not note.startswith(stated):
            raise BadRecordError(f"{contents.proof_of(number, 'checkpoint')} is another one than the proof's")
        seen.checkpoints.append(Checkpoint.open(stated, key))
        seen.cosigned.append(note[len(stated) :])
        places.append(index)
    if sorted(set(places[1:])) != places[1:] or places[0] in places[1:]:
        raise BadRecordError("entries are given twice, or not in order")
    seen.index = places[0]
    digest = _extension(seen)["decision"]["sha256"]
    if _file(seen, contents.ABOUT) != contents.about(digest, seen.index, _version(seen)):
        raise BadRecordError(f"{contents.ABOUT} is about another entry, or of another kind")
    first = seen.checkpoints[0]
    return f"entry {seen.index} of {key.name}, sealed on {first.time} with {first.size} entries"


def read_proof(data: bytes) -> tuple[int, list[bytes], bytes]:
    """Index, audit path and checkpoint of a c2sp.org/tlog-proof. Raises BadRecordError: it is none."""
    head, _, note = data.partition(b"\n\n")
    title, *rows = head.decode("utf-8", "replace").split("\n")
    try:
        if title != "c2sp.org/tlog-proof@v1" or not rows[0].startswith("index ") or len(rows) > _MAX_HASHES:
            raise ValueError("its first lines are others")
        index = int(rows[0][6:])
        path = [base64.b64decode(row, validate=True) for row in rows[1:]]
    except (ValueError, IndexError, binascii.Error) as error:
        raise BadRecordError(f"a proof is malformed: {error}") from error
    again = [title, f"index {index}", *(base64.b64encode(one).decode() for one in path)]
    if "\n".join(again).encode() != head:
        raise BadRecordError("a proof is not written as gate writes it")
    return index, path, note


def _authorities(seen: _Seen) -> str | None:
    """Time stamps and cosignatures of all checkpoints, where the trust material names who gives them."""
    anchors, policy = (seen.files.get(name) for name in (contents.ANCHOR, contents.WITNESSES))
    found: list[str] = []
    for number, checkpoint in enumerate(seen.checkpoints, 1):
        stamp = contents.proof_of(number, "tsr")
        if anchors is not None:
            time = stamped(_file(seen, stamp), checkpoint.note, anchors)
            if check_time(checkpoint.time) > check_time(time) + CLOCK_SKEW_S:
                raise BadRecordError(f"the checkpoint says {checkpoint.time}, its time stamp {time}")
            found.append(f"stamped on {time}")
        if policy is not None:
            found.append(cosigned(checkpoint, seen.cosigned[number - 1], policy))
    return "; ".join(dict.fromkeys(found)) or None


def cosigned(checkpoint: Checkpoint, lines: bytes, policy: bytes) -> str:
    """Who cosigned, in words. Raises BadRecordError: too few of those in the policy; SignatureError."""
    keys, quorum = contents.parse_witness_policy(policy)
    given = cosignatures(checkpoint, lines, keys) if lines else {}
    if len(given) < quorum:
        raise BadRecordError(f"{len(given)} witnesses cosigned the checkpoint, {quorum} are needed")
    return "cosigned by " + ", ".join(sorted(f"{key.name} on {time}" for key, (_, time) in given.items()))


def _documents(seen: _Seen) -> str:
    """Whether decision, input and policies are those that the signed entry names."""
    extension = _extension(seen)
    for name, digest in (
        (contents.DECISION, extension["decision"]),
        (contents.INPUT, extension["input"]),
        (contents.POLICY, extension["bundle"]),
    ):
        if sha256_hex(_file(seen, name)) != digest["sha256"]:
            raise BadRecordError(f"{name} is not the document that the signed entry names")
    decision = Decision.from_json(json.loads(seen.files[contents.DECISION]))
    document = json.loads(seen.files[contents.INPUT])
    Recorded.from_json(document)  # refuses what breaks its contract
    _agree(decision, extension, seen.statements[0])
    if input_digest(document) != decision.input_digest:
        raise BadRecordError(f"{contents.INPUT} is not what the decision was made from")
    if _file(seen, contents.JUDGE) != contents.judge(decision):
        raise BadRecordError(
            f"{contents.JUDGE} names another operator, trust ref or policy than the decision"
        )
    seen.bundle = from_document(seen.files[contents.POLICY], DEFAULT)
    if seen.bundle.digest != decision.policy.digest:
        raise BadRecordError(f"{contents.POLICY} is not the bundle that judged")
    seen.decision, seen.document = decision, document
    policy = f"policy {decision.policy.name} {decision.policy.version}"
    return f"{decision.verdict.value} of {decision.stage} as of {decision.effective_time}, {policy}"


def _agree(decision: Decision, extension: Mapping[str, Any], statement: Mapping[str, Any]) -> None:
    """Refuse a signed entry that says something else than the decision that it names."""
    subject = {one["name"]: next(iter(one["digest"].values())) for one in statement["subject"]}
    stages = {name: stage.verdict.value for name, stage in decision.stages.items()}
    pairs = (
        ("verdict", extension.get("verdict"), decision.verdict.value),
        ("stage", extension.get("stage"), decision.stage),
        ("stages", extension.get("stages"), stages),
        ("input", extension["input"]["sha256"], decision.input_digest),
        ("time", statement["predicate"].get("timeVerified"), decision.effective_time),
        (
            "policy",
            statement["predicate"].get("policy", {}).get("digest"),
            {"sha256": decision.policy.digest},
        ),
        ("sources", subject.get("source"), decision.subject.digest),
        ("commit", subject.get("commit"), decision.subject.commit),
    )
    for name, stated, true in pairs:
        if stated != true:
            raise BadRecordError(f"the signed entry and the decision that it names differ in: {name}")


def _evidence(seen: _Seen) -> str:
    """Whether the evidence is what the decision lists, and what collectors kept of it is here."""
    decision, document = _decided(seen), seen.document
    facts, items = document["input"]["facts"], document["evidence"]
    digests = {name: sha256_hex(canonical({**item, "facts": facts[name]})) for name, item in items.items()}
    if digests != {item.id: item.digest for item in decision.evidence}:
        raise BadRecordError("the recorded evidence is not what the decision lists")
    kept = {part["sha256"] for item in items.values() for part in item["attachments"]}
    _have(seen, kept)
    return f"{len(items)} collectors' records, {len(kept)} files kept of theirs"


def _have(seen: _Seen, digests: set[str]) -> None:
    for digest in sorted(digests):
        if sha256_hex(_file(seen, contents.evidence_of(digest))) != digest:
            raise BadRecordError(f"{contents.evidence_of(digest)} has another SHA-256 than its name")


def _people(seen: _Seen) -> str | None:
    return check_people(seen.document, seen.files)


def _attached(seen: _Seen) -> str | None:
    """Whether what was attached later is here, and nothing else is."""
    named = {one for statement in seen.statements[1:] for one in statements.documents(statement)}
    _have(seen, named)
    stray = sorted(seen.files.keys() - expected(seen.document, named, len(seen.lines), seen.files))
    if stray:
        raise BadRecordError(f"{stray[0]} does not belong in this record")
    return f"{len(named)} documents in {len(seen.lines) - 1} entries" if named else None


def expected(
    document: Mapping[str, Any], attached: set[str], lines: int, files: Mapping[str, bytes]
) -> set[str]:
    """The names of all files that a record may have."""
    kept = {part["sha256"] for item in document["evidence"].values() for part in item["attachments"]}
    trusted = {contents.ANCHOR} & files.keys() | {contents.WITNESSES} & files.keys()
    proofs = ("tlog-proof", "checkpoint", *(["tsr"] if contents.ANCHOR in trusted else []))
    return {
        contents.MANIFEST, contents.ABOUT, contents.DECISION, contents.INPUT, contents.POLICY,
        contents.ENTRIES, contents.SIGSTORE, contents.PAGE, contents.HOWTO, contents.LOG_KEY, contents.JUDGE,
        *trusted,
        *members(document),
        *(contents.evidence_of(digest) for digest in kept | attached),
        *(contents.proof_of(number, what) for number in range(1, lines + 1) for what in proofs),
    }  # fmt: skip


def _page(seen: _Seen) -> str | None:
    """Whether what people read follows from the decision; only the version that wrote it can tell."""
    stated = (_file(seen, contents.PAGE), _file(seen, contents.HOWTO))
    if _version(seen) != __version__:
        return None
    entry = Entry(seen.index, leaf_hash(seen.lines[0]).hex())
    if stated != (page(_decided(seen), entry, seen.statements[1:]), contents.howto()):
        raise BadRecordError(
            f"{contents.PAGE} or {contents.HOWTO} is not what gate writes about this decision"
        )
    return f"{contents.PAGE} and {contents.HOWTO} are what gate writes about this decision"


def _replay(seen: _Seen) -> str:
    """Decide again from facts and policies; byte for byte the same, but for the version of the engine."""
    decision, bundle = _decided(seen), seen.bundle
    recorded = Recorded.from_json(seen.document)
    if bundle is None:
        raise BadRecordError("there is no policy")
    plan = make_plan(bundle, recorded.setup.depends_on)
    with open_engine("embedded", bundle, DEFAULT) as engine:
        again = replay(bundle, plan, recorded, recorded.setup.time, engine)
    one, other = decision.to_json(), again.to_json()
    used, engine_id = one.pop("engine"), other.pop("engine")
    if canonical(one) != canonical(other):
        names = ", ".join(sorted(name for name in one if one[name] != other[name]))
        raise BadRecordError(f"the recorded facts and policies give another decision; it differs in: {names}")
    by = f"{used['name']} {used['version']}"
    same = f", as {by} did" if used == engine_id else f"; {by} judged"
    return f"{again.verdict.value} again, by {engine_id['name']} {engine_id['version']}{same}"


def _file(seen: _Seen, name: str) -> bytes:
    if name not in seen.files:
        raise BadRecordError(f"there is no {name}")
    return seen.files[name]


def _extension(seen: _Seen) -> dict[str, Any]:
    return statements.summary(seen.statements[0]) or {}


def _decided(seen: _Seen) -> Decision:
    if seen.decision is None:
        raise BadRecordError("there is no decision")
    return seen.decision


def _version(seen: _Seen) -> str:
    """The version of gate that wrote the record."""
    return str(json.loads(_file(seen, contents.ABOUT))["gate"])


_STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("files", _files),
    ("trust", _trust),
    ("entries", _entries),
    ("log", _log),
    ("authorities", _authorities),
    ("documents", _documents),
    ("evidence", _evidence),
    ("people", _people),
    ("attached", _attached),
    ("page", _page),
    ("verdict", _replay),
)
