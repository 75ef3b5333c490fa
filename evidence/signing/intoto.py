"""The part of an in-toto Statement (version 1) that everything in the ledger must keep to.

Source: in-toto attestation framework, spec/v1/statement.md. What the predicate means is nobody's business
    here.
"""

from __future__ import annotations

import re
from typing import Any, Final

from ..base.canonical import canonical
from ..base.errors import InternalError
from .problems import Flaw

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
_FIELDS: Final = {"_type", "subject", "predicateType", "predicate"}
_SUBJECT_FIELDS: Final = {"name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations"}
_HEX: Final = re.compile(r"[0-9a-f]+")
_DIGEST_CHARS: Final = {"sha256": 64, "sha512": 128, "sha384": 96, "sha1": 40, "gitCommit": 40}


def parse_statement(payload: bytes) -> dict[str, Any]:
    """Read a Statement that is written canonically (RFC 8785 on the profile of `evidence.canonical`).

    Raises SignatureError: NOT_CANONICAL for bytes that are not JSON or not its canonical form (duplicate
    keys, floats, -0, blanks, other escapes), MALFORMED when they are no Statement with at least one subject
    digest.
    """
    import orjson

    try:
        statement = orjson.loads(payload)
        same = canonical(statement) == payload
    except (orjson.JSONDecodeError, InternalError) as error:
        raise Flaw.NOT_CANONICAL(f"the payload is not canonical JSON: {error}") from None
    if not same:
        why = "its canonical form has other bytes (duplicate or unsorted keys, blanks, -0 or other escapes)"
        raise Flaw.NOT_CANONICAL(f"the payload is not canonical JSON: {why}")
    if (
        not isinstance(statement, dict)
        or set(statement) - _FIELDS
        or statement.get("_type") != STATEMENT_TYPE
    ):
        raise Flaw.MALFORMED(f"the payload is no in-toto Statement with _type {STATEMENT_TYPE}")
    kind = statement.get("predicateType")
    if not isinstance(kind, str) or not kind:
        raise Flaw.MALFORMED("the Statement has no predicateType")
    if not isinstance(statement.get("predicate", {}), dict):
        raise Flaw.MALFORMED("the Statement's predicate is not an object")
    subjects = statement.get("subject")
    if not isinstance(subjects, list) or not subjects:
        raise Flaw.MALFORMED("the Statement has no subject")
    for number, subject in enumerate(subjects):
        if (
            not isinstance(subject, dict)
            or set(subject) - _SUBJECT_FIELDS
            or not _digests(subject.get("digest"))
        ):
            raise Flaw.MALFORMED(f"subject {number} of the Statement has no proper digest")
    return statement


def _digests(digest: Any) -> bool:
    """Whether this is a DigestSet: algorithm -> lower-case hexadecimal of the right length."""
    if not isinstance(digest, dict) or not digest:
        return False
    return all(
        isinstance(value, str) and _HEX.fullmatch(value) and len(value) == _DIGEST_CHARS.get(name, len(value))
        for name, value in digest.items()
    )
