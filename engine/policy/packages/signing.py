"""Signs a bundle and checks its signature, as OPA does: one JSON Web Token over the digests of all files.

Source of the format: https://www.openpolicyagent.org/docs/management-bundles (signing), RFC 7515, RFC 7518,
RFC 8037. ``data.json``, ``data.yaml`` and ``.manifest`` are hashed as what they mean, without their layout.
The key decides which algorithms count, never the token alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ....evidence.base.errors import EvidenceError, PolicyError, UsageError
from ....evidence.base.limits import DEFAULT
from ....evidence.reading.parse import parse_json
from ....evidence.reading.workspace.named import read_named
from ....evidence.reading.yaml_reader import parse_yaml

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

SIGNATURES: Final = ".signatures.json"
_MAX_KEY: Final = 64 * 1024
_LEAST_RSA_BITS: Final = 2048
_DIGESTS: Final = {"SHA-256": hashlib.sha256, "SHA-384": hashlib.sha384, "SHA-512": hashlib.sha512}
_CURVES: Final = {"secp256r1": ("ES256", 32), "secp384r1": ("ES384", 48), "secp521r1": ("ES512", 66)}
"""Curve → algorithm, and the bytes of each half of a signature."""
_STRUCTURED: Final = ("data.json", "data.yaml", "data.yml", ".manifest")


def sign(files: Mapping[str, bytes], key: Private) -> tuple[bytes, str]:
    """The content of ``.signatures.json`` for the files, and the algorithm (``--signing-alg`` of ``opa``).

    Raises PolicyError: a data file cannot be read; UsageError: the key is too weak.
    """
    algorithm = _algorithms(key.public_key())[0]
    rows = [
        {"name": path, "hash": _digest(path, data, "SHA-256"), "algorithm": "SHA-256"}
        for path, data in sorted(files.items())
        if path != SIGNATURES
    ]
    header = _encoded(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    signed = header + b"." + _encoded(json.dumps({"files": rows}, ensure_ascii=False).encode())
    token = signed + b"." + _encoded(_signature(key, algorithm, signed))
    return json.dumps({"signatures": [token.decode()]}).encode() + b"\n", algorithm


def verify(files: Mapping[str, bytes], key: Public, where: str) -> str:
    """Check that the key signed exactly these files: the algorithm.

    Raises PolicyError: there is no signature, it is not of this key, or a file is missing, added or changed.
    """
    if SIGNATURES not in files:
        raise _refused("the bundle is not signed", where)
    try:
        document = parse_json(files[SIGNATURES], SIGNATURES, DEFAULT)
        (token,) = document["signatures"]
        if document.get("plugin") not in (None, "", "_default"):
            raise ValueError("a plug-in made the signature")
        head, payload, signature = token.encode().split(b".")
        header = parse_json(_decoded(head), f"{SIGNATURES} header", DEFAULT)
        algorithm = header["alg"]
        claims = parse_json(_decoded(payload), f"{SIGNATURES} payload", DEFAULT)
        rows = {row["name"]: (row["hash"], row["algorithm"]) for row in claims["files"]}
        if not all(isinstance(name, str) and row[1] in _DIGESTS for name, row in rows.items()):
            raise ValueError("a file has no name, or its algorithm is none of " + ", ".join(_DIGESTS))
        if claims.get("scope") or len(rows) != len(claims["files"]) or header.get("crit"):
            raise ValueError("it has a scope, a file twice or an extension")
        proof = _decoded(signature)
    except (EvidenceError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _refused(f"{SIGNATURES} is not what gate or OPA writes: {error}", where) from error
    if algorithm not in _algorithms(key):
        given = str(algorithm)[:40]
        raise _refused(f"the signature is of another kind ({given!a}) than the key", where)
    if not _holds(key, algorithm, head + b"." + payload, proof):
        raise _refused("the signature is not of this key", where)
    for path in sorted((rows.keys() | files.keys()) - {SIGNATURES}):
        if path not in rows:
            raise _refused(f"{path[:120]!a} is not among the signed files", where)
        if path not in files:
            raise _refused(f"{path[:120]!a} was signed and is missing", where)
        if _digest(path, files[path], rows[path][1]) != rows[path][0]:
            raise _refused(f"{path[:120]!a} is not as it was signed", where)
    return str(algorithm)


def private_key(path: Path) -> Private:
    """The private key in a PEM file. Raises UsageError: there is none of a kind that OPA accepts."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = read_named(path, UsageError, "name a private key in a PEM file", _MAX_KEY)
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey):
        remedy = "make one: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem"
        raise UsageError("is no unencrypted private key in PEM form", path=str(path), remedy=remedy)
    _algorithms(key.public_key(), str(path))
    return key


def public_key(data: bytes, where: str) -> Public:
    """The public key in PEM text. Raises UsageError: there is none of a kind that OPA accepts."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
        remedy = "write it with: openssl pkey -in key.pem -pubout -out key.pub"
        raise UsageError("is no public key in PEM form", path=where, remedy=remedy)
    _algorithms(key, where)
    return key


def read_public_key(path: Path) -> Public:
    """The public key in a PEM file. Raises UsageError: there is none."""
    return public_key(read_named(path, UsageError, "name a public key in a PEM file", _MAX_KEY), str(path))


def _algorithms(key: Public, where: str | None = None) -> tuple[str, ...]:
    """The algorithms that fit the key, gate's own first. Raises UsageError: none, or it is too weak."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _LEAST_RSA_BITS:
            remedy = f"use one of {_LEAST_RSA_BITS} bits or more"
            raise UsageError(f"an RSA key of {key.key_size} bits is too weak", path=where, remedy=remedy)
        return ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in _CURVES:
            what = f"OPA knows no algorithm for keys on the curve {key.curve.name}"
            raise UsageError(what, path=where, remedy="use P-256, P-384 or P-521")
        return (_CURVES[key.curve.name][0],)
    return ("EdDSA",)


def _signature(key: Private, algorithm: str, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), _hash(algorithm))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = _CURVES[key.curve.name][1]
        halves = decode_dss_signature(key.sign(data, ec.ECDSA(_hash(algorithm))))
        return b"".join(half.to_bytes(size, "big") for half in halves)
    return key.sign(data)


def _holds(key: Public, algorithm: str, data: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    try:
        if isinstance(key, rsa.RSAPublicKey):
            digest = _hash(algorithm)
            pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
            pad = pss if algorithm.startswith("PS") else padding.PKCS1v15()
            key.verify(signature, data, pad, digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            size = _CURVES[key.curve.name][1]
            if len(signature) != 2 * size:
                return False
            halves = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
            key.verify(encode_dss_signature(*halves), data, ec.ECDSA(_hash(algorithm)))
        else:
            key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _hash(algorithm: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    return {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[-3:]]


def _digest(path: str, data: bytes, algorithm: str) -> str:
    """The digest of a file as OPA makes it, in hexadecimal."""
    name = path.rpartition("/")[2]
    if name in _STRUCTURED:
        parse = parse_yaml if name.endswith((".yaml", ".yml")) else parse_json
        try:
            data = _canonical(parse(data, path, DEFAULT))
        except (EvidenceError, TypeError) as error:
            remedy = "use text and integers only"
            raise PolicyError(f"cannot be hashed: {error}", path=path, remedy=remedy) from error
    return _DIGESTS[algorithm](data).hexdigest()


def _canonical(value: Any) -> bytes:
    """What OPA hashes of a document: sorted keys, no blanks, and the escapes of Go's encoder."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    data = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encoded(data) != text:
        raise ValueError("its base64 is not what is written")
    return data


def _refused(what: str, where: str) -> PolicyError:
    return PolicyError(what, path=where, remedy="ask whoever published it for the bundle and its key")
