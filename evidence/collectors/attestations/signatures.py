"""Whether an attestation is signed by somebody whose word counts, and what is known about the time.

An attester's key is tried whatever an envelope calls its keys; a certificate counts for an attester whose
authorities issued it to the attester's identity. The key of a certificate usually lives for minutes, so such
a signature counts only where somebody whom the settings trust tells when it was made: see :mod:`.times`.
There is no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from ...signing.dsse import pae
from ...signing.problems import SignatureError
from .attesters import Attester
from .certificates import Signer, described
from .envelopes import Attestation
from .times import NotInstalled, promised_at, stamped_at

State = Literal[
    "valid", "untimed", "not_accepted", "expired", "unknown_key", "unknown_authority", "invalid", "unsigned"
]
_BEST: tuple[State, ...] = ("valid", "untimed", "expired", "not_accepted", "unknown_authority")


class Checked(Struct, frozen=True):
    """What is known about an attestation's signatures.

    Attributes:
        attesters: who signed and may attest this predicate type; nobody unless it is valid or untimed.
        reason: why it is not valid, in a sentence.
        key: fingerprint of the key that signed; for ``unknown_key`` none is known.
        signed_at_s: when, by the word of ``time_from``.
        repeatable: whether another machine would find the same.
    """

    state: State
    reason: str | None = None
    attesters: tuple[str, ...] = ()
    key: str | None = None
    signer: Signer | None = None
    signed_at_s: int | None = None
    time_from: Literal["log", "timestamp"] | None = None
    repeatable: bool = field(default=True)


def check(attestation: Attestation, attesters: Sequence[Attester]) -> Checked:
    """Check the signatures of an attestation with the keys and authorities of the attesters."""
    if not attestation.signatures:
        return Checked("unsigned", "it has no signature")
    message = pae(attestation.payload)
    if attestation.certificate is not None:
        return _by_certificate(attestation, attestation.certificate, message, attesters)
    return _by_key(attestation, message, attesters)


def _by_key(attestation: Attestation, message: bytes, attesters: Sequence[Attester]) -> Checked:
    keys = {one.key.fingerprint: one.key for one in attesters if one.key is not None}
    values = {one.value for one in attestation.signatures}
    signed = [name for name, key in keys.items() if any(key.made(value, message) for value in values)]
    holders = [one for one in attesters if one.key is not None and one.key.fingerprint in signed]
    able = [one for one in holders if attestation.predicate_type in one.predicate_types]
    if able:
        assert able[0].key is not None  # noqa: S101 - for the type checker: a holder has one
        return Checked("valid", None, tuple(one.name for one in able), able[0].key.fingerprint)
    if holders:
        return Checked("not_accepted", _not_this_type(holders), key=signed[0])
    named = [name for name in keys if any(name in one.keyid.lower() for one in attestation.signatures)]
    if named:
        reason = "names an accepted key, which did not sign this payload"
        return Checked("invalid", reason, key=named[0])
    return Checked("unknown_key", "no accepted key made the signature")


def _not_this_type(holders: Sequence[Attester]) -> str:
    names = ", ".join(sorted(one.name for one in holders))
    return f"signed by {names}, who may not attest this predicate type"


def _by_certificate(
    attestation: Attestation, der: bytes, message: bytes, attesters: Sequence[Attester]
) -> Checked:
    try:
        signer = Signer.parse(der)
    except ValueError as error:
        return Checked("invalid", str(error))
    known = Checked("unknown_authority", key=signer.key.fingerprint, signer=signer)
    if not signer.key.made(attestation.signatures[0].value, message):
        return replace(known, state="invalid", reason="the certificate's key did not sign this payload")
    found = [_for(attestation, one, known, signer) for one in attesters if one.authorities]
    if not found:
        return replace(known, reason="signed with a certificate, and no attester has authorities")
    best = min(found, key=lambda one: _BEST.index(one.state))
    names = [name for one in found if one.state == best.state for name in one.attesters]
    return replace(best, attesters=tuple(names), repeatable=all(one.repeatable for one in found))


def _for(attestation: Attestation, attester: Attester, known: Checked, signer: Signer) -> Checked:
    """What the certificate's signature is worth as one of this attester."""
    timed = _timed(attestation, attester, known)
    at = timed.signed_at_s
    issued_at = signer.valid_from_s if at is None or not signer.valid_at(at) else at
    if (problem := signer.not_issued_by(attester.authorities, issued_at)) is not None:
        reason = f"no accepted authority issued the certificate of {described(signer)}: {problem}"
        return replace(known, reason=reason)
    if not signer.is_whom(attester):
        reason = f"signed by {described(signer)}, whose identity is not accepted"
        return replace(known, state="not_accepted", reason=reason)
    if attestation.predicate_type not in attester.predicate_types:
        return replace(known, state="not_accepted", reason=_not_this_type([attester]))
    if at is None:
        return replace(timed, state="untimed", attesters=(attester.name,))
    if not signer.valid_at(at):
        return replace(timed, state="expired", reason="signed when the certificate was not valid")
    return replace(timed, state="valid", reason=None, attesters=(attester.name,))


def _timed(attestation: Attestation, attester: Attester, known: Checked) -> Checked:
    """``known`` with the time of the signature, or with the reason why it cannot be told."""
    if attester.log_key is None and not attester.timestamp_authorities:
        return replace(
            known, reason=f"{attester.name} has no log_key or timestamp_authorities to tell its time"
        )
    reasons: list[str] = []
    for source, ask in _witnesses(attestation, attester):
        try:
            return replace(known, signed_at_s=ask(), time_from=source)
        except SignatureError as error:
            reasons.append(error.reason)
        except NotInstalled:
            reason = 'time stamps need a library: pip install "compliance-gate[timestamps]"'
            return replace(known, reason=reason, repeatable=False)
    return replace(known, reason=(reasons or ["nobody trusted tells when it was signed"])[0])


def _witnesses(
    attestation: Attestation, attester: Attester
) -> Iterator[tuple[Literal["log", "timestamp"], Callable[[], int]]]:
    key, signature = attester.log_key, attestation.signatures[0].value
    if key is not None:
        for entry in attestation.log_entries:
            yield "log", lambda entry=entry, key=key: promised_at(entry, key, attestation)  # type: ignore[misc]
    if attester.timestamp_authorities:
        for stamp in attestation.timestamps:
            yield (
                "timestamp",
                lambda stamp=stamp: stamped_at(stamp, attester.timestamp_authorities, signature),  # type: ignore[misc]
            )
