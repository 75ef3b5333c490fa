"""Reads attestation files: DSSE envelopes, in-toto bundles (one envelope a line) and Sigstore bundles.

Formats: DSSE ``envelope.md`` and ``protocol.md`` v1.0.2; in-toto attestation framework
``spec/v1/bundle.md``; Sigstore ``sigstore_bundle.proto`` v0.3 in its JSON form, which ``gh attestation
download`` writes one a line. What is read here is not verified yet: key ids, certificates and log entries are
what the file says.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from msgspec import Struct

from ...base.errors import EvidenceError
from ...base.limits import Limits
from ...reading.json_lines import RecordReader
from ...reading.parse import parse_json
from ...reading.workspace import View
from ..shared.json_fields import Fields, Place, shown

MOST_IN_FILE: Final = 1000
MOST_SIGNATURES: Final = 10
MOST_SUBJECTS: Final = 10_000
_REMEDY = "write the attestation again with the tool that made it, such as: gh attestation download"
_BUNDLE = re.compile(r"application/vnd\.dev\.sigstore\.bundle(\.v0\.3\+json|\+json;version=0\.3)")
_STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_URL_SAFE = str.maketrans("-_", "+/")
DIGESTS: Final = {"sha256": 64, "sha384": 96, "sha512": 128, "sha1": 40, "gitCommit": 40}
"""The digests of subjects that are looked at, with their lengths in hex."""
_HEX = re.compile(r"[0-9a-f]+")


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
    read = Fields(path, _REMEDY)
    whole = read.whole(document)
    more: dict[str, Any] = {}
    envelope, place = whole, Place()
    bundled = "mediaType" in whole
    if bundled:
        kind = read.required(whole, "mediaType", ())
        if not _BUNDLE.fullmatch(kind):
            raise NotUnderstood(f"is a bundle of the type {shown(kind, 80)!r}; only Sigstore's v0.3 is read")
        envelope, place = read.mapping(whole, "dsseEnvelope", ()), ("dsseEnvelope",)
        if not envelope:
            read.fail("the bundle has no dsseEnvelope: it signs a file, not a statement", ())
        more = _material(read, read.mapping(whole, "verificationMaterial", ()))
    elif "payload" not in whole:
        read.fail("is neither a DSSE envelope nor a Sigstore bundle", ())
    hint = more.pop("hint", "")
    payload = _bytes(read, envelope, "payload", place)
    payload_type = read.required(envelope, "payloadType", place)
    found = list(read.objects(envelope, "signatures", place))
    if len(found) > MOST_SIGNATURES or (bundled and len(found) != 1):
        most = "exactly one" if bundled else f"at most {MOST_SIGNATURES}"
        read.fail(f"there are {len(found)} signatures, where {most} may be", (*place, "signatures"))
    signatures = tuple(
        Signature(_bytes(read, one, "sig", at), read.text(one, "keyid", at) or hint) for one, at in found
    )
    if payload_type != _PAYLOAD_TYPE:
        raise NotUnderstood(
            f"has a payload of the type {shown(payload_type, 80)!r}; only {_PAYLOAD_TYPE} is read"
        )
    predicate_type, subjects = _statement(read, payload, (*place, "payload"), limits)
    kind = "sigstore" if bundled else "dsse"
    return Attestation(path, line, kind, payload, predicate_type, subjects, signatures, **more)  # type: ignore[arg-type]


def _material(read: Fields, material: dict[str, Any]) -> dict[str, Any]:
    place: Place = ("verificationMaterial",)
    kinds = [kind for kind in ("certificate", "publicKey") if material.get(kind) is not None]
    if len(kinds) != 1:
        read.fail("there is not exactly one of certificate and publicKey", place)
    inner = read.mapping(material, kinds[0], place)
    if kinds == ["publicKey"]:
        return {"hint": read.text(inner, "hint", (*place, "publicKey")) or ""}
    stamps = read.mapping(material, "timestampVerificationData", place)
    there = (*place, "timestampVerificationData")
    found = list(read.objects(stamps, "rfc3161Timestamps", there))
    entries = tuple(entry for entry, _ in read.objects(material, "tlogEntries", place))
    if max(len(found), len(entries)) > MOST_SIGNATURES:
        read.fail(f"there are more than {MOST_SIGNATURES} time stamps or log entries", place)
    return {
        "certificate": _bytes(read, inner, "rawBytes", (*place, "certificate")),
        "log_entries": entries,
        "timestamps": tuple(_bytes(read, one, "signedTimestamp", at) for one, at in found),
    }


def _bytes(read: Fields, owner: dict[str, Any], key: str, place: Place) -> bytes:
    try:
        return decoded(read.required(owner, key, place))
    except ValueError:
        read.fail(f"{key!r} is not base64, or not its one way of writing these bytes", (*place, key))


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


def _statement(read: Fields, payload: bytes, place: Place, limits: Limits) -> tuple[str, tuple[Subject, ...]]:
    """The predicate type and the subjects. Signed is the payload as it is: it need not be canonical JSON."""
    try:
        value = parse_json(payload, read.path, limits)
    except EvidenceError as error:
        read.fail(f"the payload cannot be read: {error.what}", place)
    statement = read.whole(value)
    kind = read.required(statement, "_type", place)
    if kind not in _STATEMENT_TYPES:
        raise NotUnderstood(
            f"holds a statement of the type {shown(kind, 80)!r}; in-toto's v1 and v0.1 are read"
        )
    predicate_type = read.required(statement, "predicateType", place)
    found = []
    for subject, at in read.objects(statement, "subject", place):
        digests = read.mapping(subject, "digest", at)
        if not digests:
            read.fail("the subject has no digest", at)
        found.append(Subject(read.text(subject, "name", at) or "", _digests(read, digests, (*at, "digest"))))
    if not 0 < len(found) <= MOST_SUBJECTS:
        read.fail(f"the statement has {len(found)} subjects, where 1 to {MOST_SUBJECTS} may be", place)
    return predicate_type, tuple(found)


def _digests(read: Fields, stated: dict[str, Any], place: Place) -> dict[str, str]:
    known = {}
    for algorithm, length in DIGESTS.items():
        value = read.text(stated, algorithm, place)
        if value is not None:
            if len(value) not in ({40, 64} if algorithm == "gitCommit" else {length}) or not _HEX.fullmatch(
                value
            ):
                read.fail(
                    f"the {algorithm} digest is not lower-case hex of the right length", (*place, algorithm)
                )
            known[algorithm] = value
    return known
