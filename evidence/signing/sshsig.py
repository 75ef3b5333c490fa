"""OpenSSH file signatures (SSHSIG, version 1), as `ssh-keygen -Y sign` writes them.

Format: OpenSSH's PROTOCOL.sshsig; key and signature encodings: RFC 4253 section 6.6, RFC 5656, RFC 8332, RFC
8709 and OpenSSH's PROTOCOL.u2f. Accepted: ssh-ed25519, ecdsa-sha2-nistp256/384/521, ssh-rsa (2048 to 16384
bits, signed with rsa-sha2-256 or rsa-sha2-512), sk-ssh-ed25519@openssh.com,
sk-ecdsa-sha2-nistp256@openssh.com (with user presence, which `ssh-keygen -Y verify` itself does not demand).
Refused: certificates, DSA, RSA with SHA-1, WebAuthn signatures.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from . import ed25519
from .problems import Flaw

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MAGIC: Final = b"SSHSIG"
MAX_ARMORED_BYTES: Final = 65_536
RSA_MIN_BITS: Final = 2048
RSA_MAX_BITS: Final = 16_384
HASHES: Final = ("sha256", "sha512")
USER_PRESENT: Final = 0x01

_BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----"
_END: Final = b"-----END SSH SIGNATURE-----"
_RSA_HASHES: Final = {"rsa-sha2-256": "SHA256", "rsa-sha2-512": "SHA512"}
_CURVES: Final = {
    # key type -> curve name in the blob, bytes of an uncompressed point; the library's curve and its hash,
    # which RFC 5656 section 6.2.1 ties to the curve
    "ecdsa-sha2-nistp256": ("nistp256", 65, "SECP256R1", "SHA256"),
    "ecdsa-sha2-nistp384": ("nistp384", 97, "SECP384R1", "SHA384"),
    "ecdsa-sha2-nistp521": ("nistp521", 133, "SECP521R1", "SHA512"),
    "sk-ecdsa-sha2-nistp256@openssh.com": ("nistp256", 65, "SECP256R1", "SHA256"),
}


class Reader:
    """Reads the SSH wire encoding (RFC 4251 section 5); every overrun is MALFORMED."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._at, self._what = data, 0, what

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count > len(self._data) - self._at:
            raise Flaw.MALFORMED(f"the {self._what} is cut short")
        self._at += count
        return self._data[self._at - count : self._at]

    def uint32(self) -> int:
        """A big-endian 32-bit number."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """A length-prefixed string."""
        return self.take(self.uint32())

    def mpint(self) -> int:
        """A positive number in the shortest two's complement form, the only one that RFC 4251 allows."""
        raw = self.string()
        if not raw or raw[0] & 0x80 or (raw[0] == 0 and (len(raw) == 1 or not raw[1] & 0x80)):
            raise Flaw.MALFORMED(f"a number in the {self._what} is not positive or not minimal")
        return int.from_bytes(raw, "big")

    @property
    def at_end(self) -> bool:
        """Whether everything was read."""
        return self._at == len(self._data)

    def end(self) -> None:
        """Demand that everything was read."""
        if not self.at_end:
            raise Flaw.MALFORMED(f"there are extra bytes after the {self._what}")


def string(data: bytes) -> bytes:
    """`data` as a length-prefixed SSH string."""
    return len(data).to_bytes(4, "big") + data


def _text(raw: bytes) -> str:
    return raw.decode("ascii", "backslashreplace")


class PublicKey(Struct, frozen=True):
    """A parsed SSH public key of an accepted kind.

    Attributes:
        blob: the wire encoding, the bytes that are compared and fingerprinted.
        kind: the SSH key type, such as `ssh-ed25519`.
        point: the raw Ed25519 key or the uncompressed curve point; empty for RSA.
        application: the application of a security key (usually `ssh:`); empty for other kinds.
    """

    blob: bytes
    kind: str
    point: bytes = b""
    exponent: int = 0
    modulus: int = 0
    application: bytes = b""

    @classmethod
    def parse(cls, blob: bytes) -> PublicKey:
        """Read an SSH public key blob and check that the key can be used.

        Raises SignatureError: MALFORMED, UNSUPPORTED (key type) or WEAK_KEY.
        """
        reader = Reader(blob, "public key")
        kind = _text(reader.string())
        exponent = modulus = 0
        point = application = b""
        if kind in ("ssh-ed25519", "sk-ssh-ed25519@openssh.com"):
            point = reader.string()
        elif kind == "ssh-rsa":
            exponent, modulus = reader.mpint(), reader.mpint()
        elif kind in _CURVES:
            curve, point = _text(reader.string()), reader.string()
            if (curve, len(point)) != _CURVES[kind][:2]:
                raise Flaw.MALFORMED(f"the public key is no {kind} key: curve or length differ")
        else:
            raise Flaw.UNSUPPORTED(f"key type {kind!r} is not accepted")
        if kind.startswith("sk-"):
            application = reader.string()
        reader.end()
        key = cls(blob, kind, point, exponent, modulus, application)
        key._load()
        return key

    @property
    def fingerprint(self) -> str:
        """`SHA256:…`, as `ssh-keygen -l` prints it."""
        return key_fingerprint(self.blob)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check an SSH signature blob (algorithm name and signature) over `message`.

        Raises SignatureError: MALFORMED, UNSUPPORTED (algorithm), NO_USER_PRESENCE, BAD_SIGNATURE.
        """
        reader = Reader(signature, "signature")
        algorithm, inner = _text(reader.string()), reader.string()
        accepted = tuple(_RSA_HASHES) if self.kind == "ssh-rsa" else (self.kind,)
        if algorithm not in accepted:
            raise Flaw.UNSUPPORTED(f"a {self.kind} key signed as {algorithm!r}, which is not accepted")
        if self.kind.startswith("sk-"):
            # PROTOCOL.u2f: the token signs SHA256(application) ‖ flags ‖ counter ‖ SHA256(message).
            flags, counter = reader.take(1), reader.take(4)
            message = _sha256(self.application) + flags + counter + _sha256(message)
            if not flags[0] & USER_PRESENT:
                raise Flaw.NO_USER_PRESENCE("the security key signed without being touched")
        reader.end()
        if "ed25519" in self.kind:
            ed25519.verify_trusted(self.point, inner, message)
        else:
            self._verify_by_library(algorithm, inner, message)

    def _verify_by_library(self, algorithm: str, signature: bytes, message: bytes) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

        key = self._load()
        try:
            if isinstance(key, rsa.RSAPublicKey):
                digest = getattr(hashes, _RSA_HASHES[algorithm])()
                key.verify(signature, message, padding.PKCS1v15(), digest)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                pair = Reader(signature, "ECDSA signature")
                encoded = utils.encode_dss_signature(pair.mpint(), pair.mpint())
                pair.end()
                key.verify(encoded, message, ec.ECDSA(getattr(hashes, _CURVES[self.kind][3])()))
        except InvalidSignature:
            raise Flaw.BAD_SIGNATURE("the signature does not belong to these bytes and this key") from None

    def _load(self) -> RSAPublicKey | EllipticCurvePublicKey | None:
        """The key as the library's object (None for Ed25519, which is used raw), checked to be usable."""
        if "ed25519" in self.kind:
            ed25519.check_public_key(self.point)
            return None
        from cryptography.hazmat.primitives.asymmetric import ec, rsa

        if self.kind == "ssh-rsa":
            bits = self.modulus.bit_length()
            if not RSA_MIN_BITS <= bits <= RSA_MAX_BITS:
                raise Flaw.WEAK_KEY(
                    f"the RSA key has {bits} bits; accepted are {RSA_MIN_BITS} to {RSA_MAX_BITS}",
                )
            try:
                return rsa.RSAPublicNumbers(self.exponent, self.modulus).public_key()
            except ValueError:
                raise Flaw.WEAK_KEY("the RSA key's exponent or modulus is unusable") from None
        curve: ec.EllipticCurve = getattr(ec, _CURVES[self.kind][2])()
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(curve, self.point)
        except ValueError:
            raise Flaw.WEAK_KEY(f"the {self.kind} key is not a point of its curve") from None


class SshSignature(Struct, frozen=True):
    """A parsed, not yet verified SSHSIG; the key that it carries says nothing about whose it is."""

    key: PublicKey
    namespace: str
    hash_name: str
    signature: bytes

    @classmethod
    def parse(cls, armored: bytes) -> SshSignature:
        """Read an armored signature file.

        Raises SignatureError: TOO_LARGE, MALFORMED, UNSUPPORTED or WEAK_KEY.
        """
        reader = Reader(_dearmor(armored), "SSH signature")
        if reader.take(len(MAGIC)) != MAGIC:
            raise Flaw.MALFORMED("this is not an SSH signature: the magic bytes are missing")
        version = reader.uint32()
        if version != 1:
            raise Flaw.UNSUPPORTED(f"SSH signature version {version} is unknown, only 1 is")
        blob, namespace = reader.string(), reader.string()
        reader.string()  # reserved: version 1 ignores what stands here, and signs an empty string instead
        hash_name, signature = _text(reader.string()), reader.string()
        reader.end()
        if hash_name not in HASHES:
            raise Flaw.UNSUPPORTED(f"file hash {hash_name!r} is not accepted, only sha256 and sha512")
        if not namespace:
            raise Flaw.MALFORMED("the SSH signature has no namespace")
        return cls(PublicKey.parse(blob), _text(namespace), hash_name, signature)

    def verify(self, data: bytes, namespace: str) -> None:
        """Check that the key signed `data` for `namespace`.

        Raises SignatureError: NAMESPACE, and everything `PublicKey.verify` raises.
        """
        if self.namespace != namespace:
            raise Flaw.NAMESPACE(
                f"signed for namespace {self.namespace!r}, but this file needs {namespace!r}"
            )
        self.key.verify(self.signature, _signed_bytes(data, namespace, self.hash_name))


@functools.lru_cache(maxsize=64)
def key_fingerprint(blob: bytes) -> str:
    """`SHA256:…` over an SSH public key blob, as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(_sha256(blob)).decode("ascii").rstrip("=")


def ed25519_blob(raw: bytes) -> bytes:
    """The SSH public key blob of a raw 32-byte Ed25519 key (RFC 8709 section 4)."""
    return string(b"ssh-ed25519") + string(raw)


def _signed_bytes(data: bytes, namespace: str, hash_name: str) -> bytes:
    digest = hashlib.new(hash_name, data).digest()
    return MAGIC + b"".join(map(string, (namespace.encode("ascii"), b"", hash_name.encode(), digest)))


def _dearmor(armored: bytes) -> bytes:
    if len(armored) > MAX_ARMORED_BYTES:
        raise Flaw.TOO_LARGE(f"the signature file is larger than {MAX_ARMORED_BYTES} bytes")
    text = armored.strip()
    if not text.startswith(_BEGIN) or not text.endswith(_END) or len(text) < len(_BEGIN) + len(_END):
        raise Flaw.MALFORMED(f"this is not an SSH signature file: it must begin with {_text(_BEGIN)!r}")
    try:
        return base64.b64decode(b"".join(text[len(_BEGIN) : -len(_END)].split()), validate=True)
    except binascii.Error:
        raise Flaw.MALFORMED("the SSH signature is not valid base64") from None


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
