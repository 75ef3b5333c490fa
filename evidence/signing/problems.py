"""The one exception for "these bytes are not a good signature", with the kind of failure as a value.

It is not a `GateError`: a bad signature on a file is a finding about the evidence (a fact), and only the
caller knows whether it must end the run.
"""

from __future__ import annotations

from enum import StrEnum


class Flaw(StrEnum):
    """Why a signature, an envelope or a key was refused; called with a reason, the error of that kind."""

    def __call__(self, reason: str) -> SignatureError:
        return SignatureError(self, reason)

    MALFORMED = "malformed"
    """The bytes do not follow the format (truncated, trailing bytes, bad base64, wrong version)."""
    NOT_CANONICAL = "not_canonical"
    """The bytes can be read, but are not the one way of writing them that is signed."""
    UNSUPPORTED = "unsupported"
    """A key type, hash or signature algorithm that is unknown or deliberately not accepted."""
    WEAK_KEY = "weak_key"
    """A key anyone could sign for: low-order Ed25519 point, point off the curve, short RSA modulus."""
    NAMESPACE = "namespace"
    """Signed for another purpose than the one asked about."""
    NO_USER_PRESENCE = "no_user_presence"
    """A security key signed without anybody touching it."""
    BAD_SIGNATURE = "bad_signature"
    """The signature does not belong to these bytes and this key (or is a malleated copy)."""
    WRONG_KEY = "wrong_key"
    """Signed with another key than the expected one."""
    TOO_LARGE = "too_large"
    """Larger than the documented cap."""


class SignatureError(Exception):
    """A signature that does not hold.

    Attributes:
        flaw: the kind of failure, for programs.
        reason: the same for people, without a trailing full stop. Never contains key material or the signed
            bytes.
    """

    def __init__(self, flaw: Flaw, reason: str) -> None:
        super().__init__(reason)
        self.flaw = flaw
        self.reason = reason
