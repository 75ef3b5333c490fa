"""When a signature was made, by somebody else's word: a log's promise, or an RFC 3161 time stamp.

A transparency log's promise is Rekor's ``SignedEntryTimestamp``: its signature over the entry, its index and
the time at which it was taken in. That the log kept its promise (the inclusion proof) is not checked.
"""

from __future__ import annotations

import json
from typing import Any

from ...base.canonical import sha256_hex
from ...signing.problems import Flaw, SignatureError
from .envelopes import Attestation, decoded
from .public_keys import PublicKey


class NotInstalled(Exception):
    """Time stamps need a library that is not there."""


def promised_at(entry: dict[str, Any], key: PublicKey, attestation: Attestation) -> int:
    """Epoch seconds at which the log says it took this very envelope in.

    Raises SignatureError: the entry is malformed, of a kind that is not read, about something else,
    or the log did not sign it.
    """
    import orjson

    try:
        body = decoded(entry["canonicalizedBody"])
        promise = decoded(entry["inclusionPromise"]["signedEntryTimestamp"])
        log_id = decoded(entry["logId"]["keyId"]).hex()
        index, time_s = _number(entry["logIndex"]), _number(entry["integratedTime"])
        signed = {
            "body": entry["canonicalizedBody"],
            "integratedTime": time_s,
            "logID": log_id,
            "logIndex": index,
        }
        recorded = json.loads(body)
        kind = recorded["kind"], recorded["apiVersion"]
        read = _KINDS.get(kind)
        about = read is None or _is_about(*read(recorded["spec"]), attestation)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise SignatureError(Flaw.MALFORMED, "the log entry has no promise that can be read") from None
    if not key.made(promise, orjson.dumps(signed, option=orjson.OPT_SORT_KEYS)):
        raise SignatureError(Flaw.BAD_SIGNATURE, "the log entry's promise is not by the accepted log")
    if read is None:
        raise SignatureError(Flaw.UNSUPPORTED, "the log entry is of a kind that is not read")
    if not about:
        raise SignatureError(Flaw.BAD_SIGNATURE, "the log entry is about another envelope")
    return time_s


def _number(text: Any) -> int:
    """A 64-bit integer, which JSON of protocol buffers has as a string."""
    if not isinstance(text, str) or not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise ValueError("no number")
    return int(text)


def _dsse(spec: dict[str, Any]) -> tuple[dict[str, Any], bytes, bytes]:
    """Payload hash, certificate (PEM) and signature of an entry of the kind ``dsse``."""
    (one,) = spec["signatures"]
    return spec["payloadHash"], decoded(one["verifier"]), decoded(one["signature"])


def _intoto(spec: dict[str, Any]) -> tuple[dict[str, Any], bytes, bytes]:
    """The same of an entry of the kind ``intoto``, which has the signature's base64 in base64."""
    (one,) = spec["content"]["envelope"]["signatures"]
    return spec["content"]["payloadHash"], decoded(one["publicKey"]), decoded(decoded(one["sig"]).decode())


_KINDS = {("dsse", "0.0.1"): _dsse, ("intoto", "0.0.2"): _intoto}


def _is_about(stated: dict[str, Any], pem: bytes, signature: bytes, attestation: Attestation) -> bool:
    """Whether payload, certificate and signature are those of the envelope."""
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    certificate = load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    payload = "sha256", sha256_hex(attestation.payload)
    return (stated["algorithm"], stated["value"]) == payload and (certificate, signature) == (
        attestation.certificate,
        attestation.signatures[0].value,
    )


def stamped_at(stamp: bytes, authorities: tuple[Any, ...], signature: bytes) -> int:
    """Epoch seconds at which an authority stamped the signature.

    Args:
        authorities: certificates that are trusted: roots, those between, and the authority's own.

    Raises SignatureError: the stamp does not hold; NotInstalled: rfc3161-client is not there.
    """
    try:
        import rfc3161_client as client
    except ImportError as error:
        raise NotInstalled from error
    roots = [one for one in authorities if one.issuer == one.subject]
    others = [one for one in authorities if one.issuer != one.subject]
    try:
        response = client.decode_timestamp_response(stamp)
        leaf = None
        if not response.signed_data.certificates:  # then it is the one that the settings have
            leaf = next((one for one in others if not _is_authority(one)), None)
        client.VerifierBuilder(
            roots=roots or others, intermediates=[one for one in others if one != leaf], tsa_certificate=leaf
        ).build().verify_message(response, signature)
        return int(response.tst_info.gen_time.timestamp())
    except (ValueError, client.VerificationError):
        raise SignatureError(Flaw.BAD_SIGNATURE, "the time stamp does not hold") from None


def _is_authority(certificate: Any) -> bool:
    from cryptography.x509 import BasicConstraints, ExtensionNotFound

    try:
        return bool(certificate.extensions.get_extension_for_class(BasicConstraints).value.ca)
    except (ExtensionNotFound, ValueError):
        return False
