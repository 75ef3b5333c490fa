"""Public keys of others, as PEM, and whether one of them made a signature.

Accepted: Ed25519; ECDSA on P-256 with SHA-256 and on P-384 with SHA-384; RSA of 2048 to 8192 bits with
SHA-256, padded as PKCS #1 v1.5 (openssl, Sigstore) or PSS (securesystemslib). A key decides alone how it
signs: nothing that an envelope says about algorithms or keys is believed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from ...signing import ed25519
from ...signing.problems import SignatureError

_RSA_BITS: Final = range(2048, 8193)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that may be used; ``fingerprint`` is the SHA-256 in hex of its SubjectPublicKeyInfo in DER."""

    fingerprint: str
    _key: Any = field(repr=False, compare=False)

    @classmethod
    def from_pem(cls, text: str) -> PublicKey:
        """The one public key in a PEM text. Raises ValueError: there is none, or it is not accepted."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        if text.count("-----BEGIN ") != 1:
            raise ValueError("is not one PEM public key")
        try:
            key = load_pem_public_key(text.encode())
        except UnsupportedAlgorithm as error:
            raise ValueError("is a key of a type that is not accepted") from error
        except ValueError as error:
            raise ValueError("is no PEM public key that can be read") from error
        return cls.of(key)

    @classmethod
    def of(cls, key: Any) -> PublicKey:
        """The key as the library has it. Raises ValueError: it is of a type or size that is not accepted."""
        from cryptography.hazmat.primitives.asymmetric import ec, rsa
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        if isinstance(key, Ed25519PublicKey):
            try:
                ed25519.check_public_key(key.public_bytes_raw())
            except SignatureError as error:
                raise ValueError(f"is not accepted: {error.reason}") from error
        elif isinstance(key, rsa.RSAPublicKey):
            if key.key_size not in _RSA_BITS:
                raise ValueError(f"is an RSA key of {key.key_size} bits; accepted are 2048 to 8192")
        elif not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in (
            "secp256r1",
            "secp384r1",
        ):
            raise ValueError("is a key of a type that is not accepted")
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(hashlib.sha256(der).hexdigest(), key)

    def made(self, signature: bytes, message: bytes) -> bool:
        """Whether the key's holder signed exactly this message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        key = self._key
        if isinstance(key, Ed25519PublicKey):
            try:
                ed25519.verify_trusted(key.public_bytes_raw(), signature, message)
            except SignatureError:
                return False
            return True
        attempts: list[tuple[Any, ...]]
        if isinstance(key, rsa.RSAPublicKey):
            if len(signature) * 8 != (key.key_size + 7) // 8 * 8:
                return False
            sha256 = hashes.SHA256()
            attempts = [
                (padding.PKCS1v15(), sha256),
                (padding.PSS(padding.MGF1(sha256), padding.PSS.AUTO), sha256),
            ]
        else:
            attempts = [(ec.ECDSA(hashes.SHA256() if key.curve.key_size == 256 else hashes.SHA384()),)]
        for how in attempts:
            try:
                key.verify(signature, message, *how)
            except InvalidSignature:
                continue
            return True
        return False
