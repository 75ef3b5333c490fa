"""SSH signatures (SSHSIG) as ``ssh-keygen -Y sign`` writes them, for tests that need many."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.evidence.signing.sshsig import MAGIC, ed25519_blob, string


def sign(data: bytes, namespace: str, key: Ed25519PrivateKey, hash_name: str = "sha512") -> bytes:
    """An armored signature over the data, byte for byte that of ssh-keygen with the same key."""
    digest = hashlib.new(hash_name, data).digest()
    signed = MAGIC + b"".join(map(string, (namespace.encode(), b"", hash_name.encode(), digest)))
    signature = string(b"ssh-ed25519") + string(key.sign(signed))
    public = ed25519_blob(key.public_key().public_bytes_raw())
    parts = (public, namespace.encode(), b"", hash_name.encode(), signature)
    text = base64.b64encode(MAGIC + (1).to_bytes(4, "big") + b"".join(map(string, parts)))
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    begin, end = (f"-----{word} SSH SIGNATURE-----".encode() for word in ("BEGIN", "END"))
    return b"\n".join([begin, *lines, end, b""])
