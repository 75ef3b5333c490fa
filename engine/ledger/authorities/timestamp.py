"""RFC 3161 time stamps over checkpoints: an authority's word that a checkpoint existed at a time.

The stamp is the authority's answer as it came (DER), over the bytes of the checkpoint's note:
`openssl ts -verify` checks it. Needs the extra `timestamps` (rfc3161-client).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from ....evidence.base.errors import EnvironmentProblem, not_installed
from ....evidence.signing.problems import Flaw, SignatureError
from .posting import post


def _client() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise not_installed("a time stamp", "timestamps", error) from None
    return rfc3161_client


def stamp(url: str, note: bytes) -> bytes:
    """Have the authority at `url` stamp a note.

    Raises EnvironmentProblem when it cannot be reached, refuses, or answers something else. The signature is
    not checked here: that needs the authority's certificate, see `stamped`.
    """
    client = _client()
    query = client.TimestampRequestBuilder(note, client.HashAlgorithm.SHA256).build()
    status, answer = post(url, query.as_bytes(), "application/timestamp-query")
    problem = f"it answered with status {status}"
    if status == 200:
        try:
            response = client.decode_timestamp_response(answer)
            info = response.tst_info
            if info.nonce == query.nonce and info.message_imprint.message == sha256(note).digest():
                return answer
            problem = "its answer is about something else"
        except ValueError:
            problem = "it refused, or its answer is no time stamp"
    what = f"the time-stamping authority did not stamp the checkpoint: {problem}"
    remedy = "check ledger.timestamps.url; the ledger itself is as it was"
    raise EnvironmentProblem(what, path=url.partition("?")[0][:200], remedy=remedy)


def stamped(answer: bytes, note: bytes, anchors: bytes) -> str:
    """When a note was stamped: RFC 3339, UTC.

    Args:
        anchors: PEM certificates that are trusted, the authority's own or its issuers'.

    Raises SignatureError when the stamp does not hold, EnvironmentProblem without the library or when
    `anchors` are no certificates.
    """
    client = _client()
    from cryptography.x509 import load_pem_x509_certificates

    try:
        roots = load_pem_x509_certificates(anchors)
    except ValueError:
        what = "the trust anchor for time stamps is no PEM certificate"
        remedy = "give the certificate of the time-stamping authority, or of its root"
        raise EnvironmentProblem(what, remedy=remedy) from None
    try:
        response = client.decode_timestamp_response(answer)
        client.VerifierBuilder(roots=roots).build().verify_message(response, note)
        return str(response.tst_info.gen_time.strftime("%Y-%m-%dT%H:%M:%SZ"))
    except (ValueError, client.VerificationError) as problem:
        raise SignatureError(Flaw.BAD_SIGNATURE, f"the time stamp does not hold: {problem}") from None
