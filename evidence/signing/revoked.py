"""Revoked SSH keys: an OpenSSH key revocation list (KRL), or a plain list of public keys.

Formats: OpenSSH's PROTOCOL.krl, and ssh-keygen(1) under ``-Y verify -r``. A KRL names keys by themselves or
by their SHA-1 or SHA-256 hash. What it says about certificates does not matter, since none is accepted.
Anything else that is not understood rejects the whole list: a key that it revokes might be overlooked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ..base.errors import EvidenceError
from .problems import SignatureError
from .sshsig import Reader, string

_MAGIC: Final = b"SSHKRL\n\x00"
_CERTIFICATES, _KEYS, _SHA1, _SHA256 = 1, 2, 3, 5
_REMEDY: Final = "make it with `ssh-keygen -k -f FILE KEY.pub…`, or list public keys, one a line"


class RevokedKeys(Struct, frozen=True):
    """The keys that count for nothing any more, by their wire encodings or hashes of these."""

    blobs: frozenset[bytes] = frozenset()
    hashes: frozenset[bytes] = frozenset()

    @classmethod
    def parse(cls, data: bytes, path: str) -> RevokedKeys:
        """Read a KRL or a list of keys. Raises EvidenceError: something in it is not understood."""
        try:
            rows = list(_krl(data) if data.startswith(_MAGIC) else _lines(data))
        except (SignatureError, _NotUnderstood) as error:
            raise EvidenceError(
                f"the list of revoked keys is not understood: {error}", path=path, remedy=_REMEDY
            ) from error
        blobs, hashes = ({value for kind, value in rows if (kind == _KEYS) == keys} for keys in (True, False))
        return cls(frozenset(blobs), frozenset(hashes))

    def __contains__(self, blob: bytes) -> bool:
        """Whether the key with this wire encoding is revoked."""
        sha1 = hashlib.sha1(blob, usedforsecurity=False).digest()
        return blob in self.blobs or not self.hashes.isdisjoint((sha1, hashlib.sha256(blob).digest()))


NONE: Final = RevokedKeys()


class _NotUnderstood(Exception):
    """The text says what."""


def _krl(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The kind and content of each entry."""
    reader = Reader(data, "list")
    reader.take(len(_MAGIC))
    if reader.uint32() != 1:
        raise _NotUnderstood("its version is not 1")
    reader.take(3 * 8)  # its number, when it was made, flags that mean nothing yet
    reader.string()  # reserved
    reader.string()  # comment
    while not reader.at_end:
        kind = reader.take(1)[0]
        section = Reader(reader.string(), "section")
        if kind == _CERTIFICATES:
            continue
        if kind not in (_KEYS, _SHA1, _SHA256):
            raise _NotUnderstood(f"it has a section of type {kind}")
        size = {_SHA1: 20, _SHA256: 32}.get(kind)
        while not section.at_end:
            value = section.string()
            if size not in (None, len(value)) or not value:
                raise _NotUnderstood("a key or hash in it has the wrong length")
            yield kind, value


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The keys of a plain list; empty lines and comments are skipped."""
    for number, line in enumerate(data.split(b"\n"), start=1):
        words = line.split()
        if not words or words[0].startswith(b"#"):
            continue
        try:
            blob = base64.b64decode(words[1], validate=True)
        except (IndexError, binascii.Error) as error:
            raise _NotUnderstood(f"line {number} is no public key") from error
        if not blob.startswith(string(words[0])):
            raise _NotUnderstood(f"line {number} is no public key")
        yield _KEYS, blob
