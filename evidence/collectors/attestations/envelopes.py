"""Reads attestation files: DSSE envelopes, in-toto bundles (one envelope a line) and Sigstore bundles.

Formats: DSSE ``envelope.md`` and ``protocol.md`` v1.0.2; in-toto attestation framework
``spec/v1/bundle.md``; Sigstore ``sigstore_bundle.proto`` v0.3 in its JSON form, which ``gh attestation
download`` writes one a line. Their contracts are ``dsse_envelope``, ``sigstore_bundle`` and
``attested_statement``. What is read here is not verified yet: key ids, certificates and log entries are
what the file says.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from msgspec import Struct

from ...base.contracts import check_file
from ...base.errors import EvidenceError
from ...base.limits import Limits
from ...reading.json_lines import RecordReader
from ...reading.parse import parse_json
from ...reading.workspace import View
from ..shared.json_fields import shown

MOST_IN_FILE: Final = 1000
_REMEDY = "write the attestation again with the tool that made it, such as: gh attestation download"
_BUNDLE = re.compile(r"application/vnd\.dev\.sigstore\.bundle(\.v0\.3\+json|\+json;version=0\.3)")
_STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_URL_SAFE = str.maketrans("-_", "+/")
DIGESTS: Final = ("sha256", "sha384", "sha512", "sha1", "gitCommit")
"""The digests of subjects that are looked at."""


class NotUnderstood(Exception):
    """An envelope that is well-formed and holds something other than an in-toto statement."""


class Signature(Struct, frozen=True):
    """A signature and what the envelope calls its key, which proves nothing."""

    value: bytes
    keyid: str


class Subject(Struct, frozen=True):
    """What a statement is about; ``digests`` has those of a known kind."""

    name: str
    digests: dict[str, str]


class Attestation(Struct, frozen=True):
    """One statement in its envelope.

    Attributes:
        line: its line in the file, None where it is the whole file.
        certificate: DER of the signer's certificate.
        log_entries: entries of transparency logs, as the bundle states them.
        timestamps: answers of RFC 3161 authorities, DER.
    """

    path: str
    line: int | None
    format: Literal["dsse", "sigstore"]
    payload: bytes
    predicate_type: str
    subjects: tuple[Subject, ...]
    signatures: tuple[Signature, ...]
    certificate: bytes | None = None
    log_entries: tuple[dict[str, Any], ...] = ()
    timestamps: tuple[bytes, ...] = ()

    @property
    def place(self) -> str:
        """Where it is, as facts and messages name it."""
        return self.path if self.line is None else f"{self.path}:{self.line}"


def read_attestations(view: View, path: str) -> Iterator[Attestation | EvidenceError | NotUnderstood]:
    """Each attestation of the file, or why it cannot be read; one bad line does not hide the others.

    A file called ``*.jsonl`` has one document a line, every other one is one document.

    Raises EvidenceError: the file as a whole cannot be read, or holds none or too many.
    """
    data = view.read(path)
    if not path.endswith(".jsonl"):
        yield _attempt(parse_json(data, path, view.limits), path, None, view.limits)
        return
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    if not 0 < len(lines) <= MOST_IN_FILE:
        what = f"has {len(lines)} lines, where 1 to {MOST_IN_FILE} attestations are expected"
        raise EvidenceError(what, path=path, remedy="write one attestation a line, or split the file")
    reader = RecordReader(path, view.limits)
    for number, line in enumerate(lines, start=1):
        try:
            document = reader.strict(line, number)
        except EvidenceError as error:
            yield error
        else:
            yield _attempt(document, path, number, view.limits)


def _attempt(
    document: Any, path: str, line: int | None, limits: Limits
) -> Attestation | EvidenceError | NotUnderstood:
    try:
        return _read(document, path, line, limits)
    except NotUnderstood as error:
        return error
    except EvidenceError as error:
        place = ", ".join(filter(None, (None if line is None else f"line {line}", error.place)))
        return EvidenceError(error.what, path=path, place=place or None, remedy=error.remedy)


def _read(document: Any, path: str, line: int | None, limits: Limits) -> Attestation:
    whole = document if isinstance(document, dict) else {}
    bundled = "mediaType" in whole
    if bundled:
        if not _BUNDLE.fullmatch(kind := str(whole["mediaType"])):
            raise NotUnderstood(f"is a bundle of the type {shown(kind, 80)!r}; only Sigstore's v0.3 is read")
        if whole.get("dsseEnvelope") is None:
            raise _refusal("the bundle has no dsseEnvelope: it signs a file, not a statement", path)
    elif "payload" not in whole:
        raise _refusal("is neither a DSSE envelope nor a Sigstore bundle", path)
    check_file("sigstore_bundle" if bundled else "dsse_envelope", whole, path)
    envelope = whole["dsseEnvelope"] if bundled else whole
    more = _material(whole["verificationMaterial"], path) if bundled else {}
    hint = more.pop("hint", "")
    payload = _bytes(envelope, "payload", path)
    signatures = tuple(
        Signature(_bytes(one, "sig", path), one.get("keyid") or hint)
        for one in envelope.get("signatures") or ()
    )
    if (kind := envelope["payloadType"]) != _PAYLOAD_TYPE:
        raise NotUnderstood(f"has a payload of the type {shown(kind, 80)!r}; only {_PAYLOAD_TYPE} is read")
    stated = _statement(payload, path, limits)
    return Attestation(path, line, "sigstore" if bundled else "dsse", payload, *stated, signatures, **more)


def _refusal(what: str, path: str, place: str = "/") -> EvidenceError:
    return EvidenceError(what, path=path, place=place, remedy=_REMEDY)


def _material(material: dict[str, Any], path: str) -> dict[str, Any]:
    """What a bundle tells beside its envelope, as members of an attestation, or the key's ``hint``."""
    certificate, key = material.get("certificate"), material.get("publicKey")
    if (certificate is None) == (key is None):
        what = "there is not exactly one of certificate and publicKey"
        raise _refusal(what, path, "/verificationMaterial")
    if certificate is None:
        return {"hint": material["publicKey"].get("hint") or ""}
    stamps = (material.get("timestampVerificationData") or {}).get("rfc3161Timestamps") or ()
    return {
        "certificate": _bytes(certificate, "rawBytes", path),
        "log_entries": tuple(material.get("tlogEntries") or ()),
        "timestamps": tuple(_bytes(one, "signedTimestamp", path) for one in stamps),
    }


def _bytes(owner: dict[str, Any], key: str, path: str) -> bytes:
    try:
        return decoded(owner[key])
    except ValueError as error:
        what = f"{key!r} is not base64, or not its one way of writing these bytes"
        raise _refusal(what, path) from error


def decoded(text: str) -> bytes:
    """The bytes that base64 stands for: standard or URL-safe, with padding, without blanks.

    Raises ValueError: it is none, mixes both alphabets, or there is another way to write the same bytes.
    """
    if ("-" in text or "_" in text) and ("+" in text or "/" in text):
        raise ValueError("two alphabets")
    plain = text.translate(_URL_SAFE)
    try:
        found = base64.b64decode(plain, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if base64.b64encode(found).decode() != plain:
        raise ValueError("not canonical")
    return found


def _statement(payload: bytes, path: str, limits: Limits) -> tuple[str, tuple[Subject, ...]]:
    """The predicate type and the subjects. Signed is the payload as it is: it need not be canonical JSON."""
    try:
        statement = parse_json(payload, path, limits)
    except EvidenceError as error:
        raise _refusal(f"the payload cannot be read: {error.what}", path, "/payload") from error
    kind = statement.get("_type") if isinstance(statement, dict) else None
    if isinstance(kind, str) and kind not in _STATEMENT_TYPES:
        raise NotUnderstood(
            f"holds a statement of the type {shown(kind, 80)!r}; in-toto's v1 and v0.1 are read"
        )
    check_file("attested_statement", statement, path)
    return statement["predicateType"], tuple(
        Subject(
            one.get("name") or "", {kind: value for kind in DIGESTS if (value := one["digest"].get(kind))}
        )
        for one in statement["subject"]
    )
