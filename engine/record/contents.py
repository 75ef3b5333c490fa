"""What lies in a record: names of its files, its manifest, and the digest of what its verifier must trust.

Both are what ``sha256sum`` prints: `MANIFEST.sha256` has a line for every other file, and the digest of trust
is the SHA-256 of the lines for the files in `trust/`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ...evidence.base.canonical import canonical, manifest_bytes, sha256_hex
from ...evidence.base.errors import UsageError
from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import SignatureError
from ..decision.document import Decision
from .archive import MAX_BYTES, MAX_FILES, BadRecordError, demand

TYPE: Final = "gate.record/v1"
MANIFEST: Final = "MANIFEST.sha256"
ABOUT: Final = "record.json"
DECISION: Final = "decision.json"
INPUT: Final = "input.json"
POLICY: Final = "policy.json"
ENTRIES: Final = "entries.intoto.jsonl"
SIGSTORE: Final = "decision.sigstore.json"
PAGE: Final = "index.html"
HOWTO: Final = "VERIFY.md"
TRUST: Final = "trust/"
LOG_KEY: Final = "trust/log.vkey"
SIGNERS: Final = "trust/allowed_signers"
REVOKED: Final = "trust/revoked_keys"
ANCHOR: Final = "trust/tsa.pem"
WITNESSES: Final = "trust/witnesses"
JUDGE: Final = "trust/judged_by.json"
KEY_EVENTS: Final = "key_events.intoto.jsonl"
LOG_KEYS: Final = "trust/log_keys"
EVENT_DIGESTS: Final = "trust/key_events"
KEY_ADMINS: Final = "trust/key_admins"
KEY_THRESHOLD: Final = "trust/key_threshold"
_MAX_HASHES: Final = 64
_TRUST: Final = re.compile(r"sha256:([0-9a-f]{64})")


def proof_of(number: int | str, what: str) -> str:
    """The file about the entry on that line of `ENTRIES`: `tlog-proof`, `checkpoint` or `tsr`.

    ``key-N`` is the key event on line N of `KEY_EVENTS`, which has a `tlog-proof` only.
    """
    return f"proofs/{number}.{what}"


def evidence_of(digest: str) -> str:
    """The file with that SHA-256 which evidence refers to."""
    return f"evidence/{digest}"


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
    demand("\n".join(again).encode() == head, "a proof is not written as gate writes it")
    return index, path, note


def manifest_of(files: Mapping[str, bytes]) -> bytes:
    """The manifest of the files: what ``sha256sum`` prints for all of them but itself, sorted."""
    return manifest_bytes({name: sha256_hex(data) for name, data in files.items() if name != MANIFEST})


def trust_digest(files: Mapping[str, bytes]) -> str:
    """The digest of what a verifier must trust, in hexadecimal."""
    return sha256_hex(manifest_of({name: data for name, data in files.items() if name.startswith(TRUST)}))


def parse_trust(text: str) -> str:
    """The hexadecimal digits of ``sha256:…``. Raises UsageError: it is none."""
    found = _TRUST.fullmatch(text)
    if found is None:
        remedy = "give sha256: and 64 hexadecimal digits, as `gate record export` printed them"
        raise UsageError(f"--trust {text[:80]!r} is no digest of trust", remedy=remedy)
    return found[1]


def check_manifest(files: Mapping[str, bytes]) -> None:
    """Refuse a record whose files are not those of its manifest. Raises BadRecordError: names them."""
    stated, true = files.get(MANIFEST), manifest_of(files)
    if stated is None:
        raise BadRecordError(f"there is no {MANIFEST}")
    if stated == true:
        return
    rows, others = set(stated.splitlines()), set(true.splitlines())
    names = sorted({row[66:].decode("utf-8", "replace") for row in rows ^ others})
    shown = ", ".join(name if name.isprintable() else ascii(name) for name in names[:5])
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    raise BadRecordError(f"not what {MANIFEST} says: {shown[:300]}{more}" if names else f"{MANIFEST} is odd")


def check_size(files: Mapping[str, bytes]) -> None:
    """Refuse what no verifier would read. Raises UsageError: there are too many files, or too large ones."""
    total = sum(len(data) + 1024 for data in files.values()) + 1024
    if len(files) > MAX_FILES or total > MAX_BYTES:
        raise UsageError(
            f"the record would have {len(files)} files and {total} bytes; {MAX_FILES} and {MAX_BYTES} "
            "are the most",
            remedy="attach less to the decision, or a digest in place of a large document",
        )


def about(decision: str, index: int, version: str) -> bytes:
    """`ABOUT`: which entry of the log the record proves, and the version of gate that wrote the record."""
    return canonical({"decision": decision, "entry": index, "gate": version, "type": TYPE})


def judge(decision: Decision) -> bytes:
    """`JUDGE`: who judged by what: the operator's file, the trust ref, and the policy bundle."""
    trust, policy = decision.trust, decision.policy
    bundle = {"digest": policy.digest, "name": policy.name, "version": policy.version}
    ref = trust.ref.name if trust.ref else None
    return canonical({"operator": trust.operator, "policy": bundle, "trust_ref": ref})


def witness_policy(logs: Sequence[VerifierKey], keys: Sequence[VerifierKey], quorum: int) -> bytes:
    """`WITNESSES`: who must have cosigned, in the format of c2sp.org/tlog-policy.

    Args:
        logs: the keys in force of the log.
    """
    rows = [f"log {log}" for log in logs]
    rows += [f"witness w{number} {key}" for number, key in enumerate(keys, 1)]
    names = " ".join(f"w{number}" for number in range(1, len(keys) + 1))
    return "\n".join([*rows, f"group g {quorum} {names}", "quorum g", ""]).encode()


def parse_witness_policy(data: bytes) -> tuple[list[VerifierKey], int]:
    """The keys and the quorum that `witness_policy` wrote. Raises BadRecordError: it did not."""
    rows = [line.split(" ") for line in data.decode("utf-8", "replace").splitlines()]
    try:
        keys = [VerifierKey.parse(row[2], b"\x04") for row in rows if row[0] == "witness"]
        logs = [VerifierKey.parse(row[1]) for row in rows if row[0] == "log"]
        (quorum,) = (int(row[2]) for row in rows if row[0] == "group")
    except (ValueError, IndexError, SignatureError) as error:
        raise BadRecordError(f"{WITNESSES} is not understood: {error}") from error
    if (
        not logs
        or witness_policy(logs, keys, quorum) != data
        or not 1 <= quorum <= len(set(keys)) == len(keys)
    ):
        raise BadRecordError(f"{WITNESSES} is not written as gate writes it")
    return keys, quorum


def howto() -> bytes:
    """`HOWTO`: how to check a record with stock tools alone; the same in every record."""
    return Path(__file__).with_name(HOWTO).read_bytes()


def sigstore_bundle(envelope: dict[str, Any]) -> bytes:
    """`SIGSTORE`: the decision's entry as Sigstore bundle 0.3, whose key is named by its fingerprint.

    Source: sigstore/protobuf-specs, sigstore_bundle.proto.
    """
    hint = envelope["signatures"][0]["keyid"]
    return canonical(
        {
            "dsseEnvelope": envelope,
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
        }
    )
