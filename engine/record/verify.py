"""Verifies a record with nothing but the digest of what its verifier trusts. Reads no ledger, no clock.

Each step rests on those before it: files, trust, signatures of entries, their places in the log, then what
the entries name. The first step that finds something wrong is the last one that is made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from ... import __version__
from ...evidence.base.canonical import canonical, sha256_hex
from ...evidence.base.errors import EnvironmentProblem, GateError
from ...evidence.base.limits import DEFAULT
from ...evidence.base.numbers import counted
from ...evidence.signing.problems import SignatureError
from ..decide.recorded import Recorded, input_digest
from ..decision.document import Decision
from ..entries import statement as statements
from ..ledger.interface import Entry
from ..ledger.merkle import leaf_hash
from ..plans import as_recorded
from ..policy import open_engine
from ..policy.bundle import from_document
from ..service import replay
from . import contents
from .archive import BadRecordError, demand
from .logged import (
    Seen,
    chain_in,
    check_authorities,
    check_entries,
    check_log,
    file_of,
    summary_of,
    version_of,
)
from .page import page
from .signed import check_people, members
from .trusted import key_files

HOLDS, WRONG, NOT_CHECKED = "holds", "wrong", "not checked"


class Check(Struct, frozen=True):
    """One step: whether it holds, is wrong or was not checked, and what was seen."""

    name: str
    state: str
    text: str


class Verified(Struct, frozen=True):
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


Step = Callable[[Seen], str | None]


def verify(files: Mapping[str, bytes], trust: str, *, again: bool = False) -> Verified:
    """Check the files of a record.

    Args:
        trust: the pinned digest of trust, in hexadecimal.
        again: also decide again, and compare.

    Raises EnvironmentProblem: something that is needed is not installed. What is wrong is in the result.
    """
    seen = Seen(files, trust)
    checks: list[Check] = []
    steps = [(name, step) for name, step in _STEPS if again or step is not _replay]
    for name, step in steps:
        wrong = any(check.state == WRONG for check in checks)
        if wrong:
            checks.append(Check(name, NOT_CHECKED, _NOT_ANY_MORE))
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
    ok = all(check.state != WRONG for check in checks)
    if not again:
        checks.append(Check("verdict", NOT_CHECKED, _NOT["verdict"] if ok else _NOT_ANY_MORE))
    own = contents.trust_digest(files)
    return Verified(tuple(checks), own, seen.decision if ok else None, seen.index if ok else None)


_DOCUMENTS: Final = {contents.DECISION: "decision", contents.INPUT: "input", contents.POLICY: "bundle"}
"""Files of the documents that the decision's entry names, and how it calls them."""
_NOT_ANY_MORE: Final = "because of what is wrong above"
_NOT: Final = {
    "authorities": "the trust material names no time-stamping authority and no witness",
    "people": "the decision rests on nothing that people signed",
    "attached": "nothing was attached to the decision",
    "page": f"another version of gate wrote {contents.PAGE} and {contents.HOWTO}, which are not signed",
    "verdict": "add --replay to decide again from the recorded facts and policies",
}


def _files(seen: Seen) -> str:
    contents.check_manifest(seen.files)
    return f"{counted(len(seen.files), 'file')}, all as {contents.MANIFEST} lists them"


def _trust(seen: Seen) -> str:
    own = contents.trust_digest(seen.files)
    demand(own == seen.pinned, f"the record's is sha256:{own}, not the one that was pinned")
    return f"sha256:{own}, as pinned"


def _documents(seen: Seen) -> str:
    """Whether decision, input and policies are those that the signed entry names."""
    summary = summary_of(seen)
    for name, named in _DOCUMENTS.items():
        if sha256_hex(file_of(seen, name)) != getattr(summary, named):
            raise BadRecordError(f"{name} is not the document that the signed entry names")
    decided, document, _ = (_canonical(seen, name) for name in _DOCUMENTS)
    decision = Decision.from_json(decided)
    Recorded.from_json(document)  # refuses what breaks its contract
    _agree(decision, summary, seen.statements[0])
    if input_digest(document) != decision.input_digest:
        raise BadRecordError(f"{contents.INPUT} is not what the decision was made from")
    if file_of(seen, contents.JUDGE) != contents.judge(decision):
        what = f"{contents.JUDGE} names another operator, trust ref or policy than the decision"
        raise BadRecordError(what)
    seen.bundle = from_document(seen.files[contents.POLICY], DEFAULT)
    demand(seen.bundle.digest == decision.policy.digest, f"{contents.POLICY} is not the bundle that judged")
    seen.decision, seen.document = decision, document
    policy = f"policy {decision.policy.name} {decision.policy.version}"
    return f"{decision.verdict.value} of {decision.stage} as of {decision.effective_time}, {policy}"


def _canonical(seen: Seen, name: str) -> Any:
    """A document, which every reader of JSON reads alike. Raises BadRecordError: it is not canonical."""
    value = json.loads(seen.files[name])
    demand(canonical(value) == seen.files[name], f"{name} is not canonical JSON")
    return value


def _agree(decision: Decision, summary: statements.Summary, statement: Mapping[str, Any]) -> None:
    """Refuse a signed entry that says something else than the decision that it names."""
    subject = {one["name"]: next(iter(one["digest"].values())) for one in statement["subject"]}
    stages = {name: stage.verdict.value for name, stage in decision.stages.items()}
    pairs = (
        ("verdict", summary.verdict, decision.verdict.value),
        ("stage", summary.stage, decision.stage),
        ("stages", summary.stages, stages),
        ("input", summary.input, decision.input_digest),
        ("time", summary.time, decision.effective_time),
        (
            "policy",
            statement["predicate"].get("policy", {}).get("digest"),
            {"sha256": decision.policy.digest},
        ),
        ("sources", subject.get("source"), decision.subject.digest),
        ("commit", subject.get("commit"), decision.subject.commit),
    )
    for name, stated, true in pairs:
        demand(stated == true, f"the signed entry and the decision that it names differ in: {name}")


def _evidence(seen: Seen) -> str:
    """Whether the evidence is what the decision lists, and what collectors kept of it is here."""
    decision, document = _decided(seen), seen.document
    facts, items = document["input"]["facts"], document["evidence"]
    digests = {name: sha256_hex(canonical({**item, "facts": facts[name]})) for name, item in items.items()}
    if digests != {item.id: item.digest for item in decision.evidence}:
        raise BadRecordError("the recorded evidence is not what the decision lists")
    kept = {part["sha256"] for item in items.values() for part in item["attachments"]}
    _have(seen, kept)
    kinds, files = counted(len(items), "collector"), counted(len(kept), "file")
    return f"records of {kinds}, {files} kept of theirs"


def _have(seen: Seen, digests: set[str]) -> None:
    for digest in sorted(digests):
        if sha256_hex(file_of(seen, contents.evidence_of(digest))) != digest:
            raise BadRecordError(f"{contents.evidence_of(digest)} has another SHA-256 than its name")


def _people(seen: Seen) -> str | None:
    return check_people(seen.document, seen.files)


def _attached(seen: Seen) -> str | None:
    """Whether what was attached later is here, and nothing else is."""
    named = {one for statement in seen.statements[1:] for one in statements.documents(statement)}
    _have(seen, named)
    known = expected(seen.document, named, len(seen.lines), seen.files)
    keys = chain_in(seen)
    known |= key_files(keys).keys()
    known |= {contents.proof_of(f"key-{one + 1}", "tlog-proof") for one in range(len(keys.events))}
    stray = sorted(seen.files.keys() - known)
    if stray:
        raise BadRecordError(f"{stray[0]} does not belong in this record")
    documents, entries = counted(len(named), "document"), counted(len(seen.lines) - 1, "entry")
    return f"{documents} in {entries}" if named else None


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


def _page(seen: Seen) -> str | None:
    """Whether what people read follows from the decision; only the version that wrote it can tell."""
    stated = (file_of(seen, contents.PAGE), file_of(seen, contents.HOWTO))
    if version_of(seen) != __version__:
        return None
    entry = Entry(seen.index, leaf_hash(seen.lines[0]).hex())
    if stated != (page(_decided(seen), entry, seen.statements[1:]), contents.howto()):
        what = f"{contents.PAGE} or {contents.HOWTO} is not what gate writes about this decision"
        raise BadRecordError(what)
    return f"{contents.PAGE} and {contents.HOWTO} are what gate writes about this decision"


def _replay(seen: Seen) -> str:
    """Decide again from facts and policies; byte for byte the same, but for the version of the engine."""
    decision, bundle = _decided(seen), seen.bundle
    recorded = Recorded.from_json(seen.document)
    if bundle is None:
        raise BadRecordError("there is no policy")
    bundle, plan = as_recorded(bundle, recorded.setup)
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


def _decided(seen: Seen) -> Decision:
    if seen.decision is None:
        raise BadRecordError("there is no decision")
    return seen.decision


_STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("files", _files),
    ("trust", _trust),
    ("entries", check_entries),
    ("log", check_log),
    ("authorities", check_authorities),
    ("documents", _documents),
    ("evidence", _evidence),
    ("people", _people),
    ("attached", _attached),
    ("page", _page),
    ("verdict", _replay),
)
