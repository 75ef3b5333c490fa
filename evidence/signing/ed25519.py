"""Ed25519 checks that the signing library leaves to its caller.

RFC 8032 lets an implementation accept public keys of low order (for which one signature fits any message) and
some accept a signature scalar that is not reduced (which gives a second valid signature for the same
message). A log whose entries are told apart by their bytes can afford neither, so both are refused here
before the library is asked.
"""

from __future__ import annotations

from typing import Final

from .problems import Flaw

_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = (-121665 * pow(121666, -1, _P)) % _P

_Y8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_LOW_ORDER: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
"""The y coordinates of all points whose order divides the cofactor 8: they have order 4, 1, 2, 8 and 8."""

PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64


def check_public_key(raw: bytes) -> None:
    """Refuse a 32-byte Ed25519 public key that is not a canonical encoding of a curve point, or has low
    order.

    Raises SignatureError (MALFORMED for a wrong length, WEAK_KEY otherwise).
    """
    if len(raw) != PUBLIC_BYTES:
        raise Flaw.MALFORMED(f"an Ed25519 public key has {PUBLIC_BYTES} bytes, this one {len(raw)}")
    y = int.from_bytes(raw, "little") & ((1 << 255) - 1)
    if y >= _P:
        raise Flaw.WEAK_KEY("the Ed25519 public key is not canonically encoded")
    if y in _LOW_ORDER:
        raise Flaw.WEAK_KEY("the Ed25519 public key has low order, so anyone could sign for it")
    # x² = (y² - 1)/(d·y² + 1), RFC 8032 section 5.1.3, has a solution when this product is a square
    if pow((y * y - 1) * (_D * y * y + 1), (_P - 1) // 2, _P) != 1:
        raise Flaw.WEAK_KEY("the Ed25519 public key is not a point of the curve")


def verify_trusted(public: bytes, signature: bytes, message: bytes) -> None:
    """Check an Ed25519 signature (RFC 8032, pure) with a raw key that `check_public_key` has accepted.

    Raises SignatureError: MALFORMED for a signature that is not 64 bytes, BAD_SIGNATURE for a scalar S >= L
    or a signature that does not fit.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if len(signature) != SIGNATURE_BYTES:
        raise Flaw.MALFORMED(f"an Ed25519 signature has {SIGNATURE_BYTES} bytes, this one {len(signature)}")
    if int.from_bytes(signature[32:], "little") >= _L:
        raise Flaw.BAD_SIGNATURE("the Ed25519 signature is malleable (its scalar is not reduced)")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        raise Flaw.BAD_SIGNATURE("the signature does not belong to these bytes and this key") from None
