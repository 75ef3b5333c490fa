"""What people signed in a record: which files these are, and whether the recorded facts about them hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from ...evidence.base.canonical import sha256_hex
from ...evidence.base.errors import masked
from ...evidence.base.numbers import counted
from ...evidence.reading.files import printable
from ...evidence.signing.allowed_signers import AllowedSigners
from ...evidence.signing.revoked import RevokedKeys
from ...evidence.signing.statements import check_signature
from ..signed_files import REVOKED, SIGNERS, SignedFile, key_files, signed_files
from . import contents
from .archive import BadRecordError, demand

_KEYS: Final = {SIGNERS: contents.SIGNERS, REVOKED: contents.REVOKED}
_COMPARED: Final = (
    "role", "stage", "verdict", "subject", "evidence", "policy", "id", "code", "approver_role",
)  # fmt: skip
"""Facts that say the same as the signed file."""


def name_of(one: SignedFile) -> str:
    """The file in a record that has what was signed; its signature lies beside it, in ``.sig``."""
    return f"signed/{one.kind}-{one.number}.json"


def members(document: Mapping[str, Any]) -> dict[str, str]:
    """The files that the decision with this recorded input rests on, by name in the record: their digests.

    Raises ValueError: the input does not say which files these are.
    """
    found = {_KEYS[name]: digest for name, digest in key_files(document).items()}
    for one in signed_files(document):
        found[name_of(one)] = one.sha256
        if one.signature is not None:
            found[f"{name_of(one)}.sig"] = one.signature
    return found


def check_people(document: Mapping[str, Any], files: Mapping[str, bytes]) -> str | None:
    """Check all signatures of people again: how many hold, in words; None when nobody signed anything.

    Raises BadRecordError: a file is missing or another one, or a signature is not what the facts say;
    EvidenceError: the allowed signers are malformed.
    """
    for name, digest in members(document).items():
        if name not in files or sha256_hex(files[name]) != digest:
            raise BadRecordError(f"{name} is not the file that the decision rests on, or is not there")
    for name in {*_KEYS.values()} & files.keys() - members(document).keys():
        raise BadRecordError(f"{name} is no file that the decision rests on")
    setup, rows = document["setup"], list(signed_files(document))
    signers = AllowedSigners(path=setup[SIGNERS], present=False)
    if contents.SIGNERS in files:
        text = files[contents.SIGNERS].decode("utf-8", "replace")
        signers = AllowedSigners.parse(text, setup[SIGNERS])
    if contents.REVOKED in files:
        revoked = RevokedKeys.parse(files[contents.REVOKED], contents.REVOKED)
        signers = replace(signers, revoked=revoked, revoked_path=setup[REVOKED])
    held = [one for one in rows if _check(one, files, signers) == "valid"]
    left = f"; {len(rows) - len(held)} without effect" if len(held) < len(rows) else ""
    if not rows:
        return None
    return f"{counted(len(held), 'valid signature of people')}{left}; who has which role is as recorded"


def _check(one: SignedFile, files: Mapping[str, bytes], signers: AllowedSigners) -> str:
    """The state of a signature, checked again. Raises BadRecordError: the recorded facts say otherwise."""
    name, row = name_of(one), one.row
    data = files[name]
    found = check_signature(data, files.get(f"{name}.sig"), one.namespace, signers)
    principal = row.get("principal", row.get("approver_principal"))
    same = {
        "signature": found.state,
        "key": found.key,
        "key_valid_from_s": found.valid_from_s,
        "key_valid_until_s": found.valid_until_s,
    }
    document = json.loads(data)
    same |= {fact: _shown(document.get(fact)) for fact in _COMPARED if fact in row}
    for fact, true in same.items():
        demand(row[fact] == true, f"{name}: the recorded fact {fact!r} is not what was signed")
    if found.state == "valid" and not (found.speaks_for(principal) or principal in found.principals):
        raise BadRecordError(f"{name}: {found.key} does not sign for {principal}")
    if row["role_authorised"] and not found.speaks_for(principal):
        raise BadRecordError(f"{name}: {found.key} does not sign for {principal}, who has the role")
    return found.state


def _shown(value: Any) -> Any:
    """A string or what is in an object, as facts give it."""
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    return masked(printable(value)) if isinstance(value, str) else value
