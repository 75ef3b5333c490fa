"""Makes a bundle's archive, and examines one: its signature, its digest, and that it loads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ....evidence.base.canonical import sha256_hex
from ....evidence.base.errors import PolicyError, UsageError
from ....evidence.reading.tar import pack
from ....evidence.reading.workspace.named import read_named
from ..archive import MAX_ARCHIVE, unpack
from ..bundle import load_bundle
from ..interface import Bundle
from .identity import check_roots, check_version
from .signing import SIGNATURES, sign, verify

if TYPE_CHECKING:
    from .signing import Private, Public


class Package(Struct, frozen=True):
    """A bundle's archive.

    Attributes:
        data: its bytes.
        bundle: the bundle in it.
        algorithm: that of its signature, as RFC 7518 names it; None where none was made or checked.
        signed: whether it has a signature at all.
    """

    data: bytes
    bundle: Bundle
    algorithm: str | None
    signed: bool

    def annotations(self) -> dict[str, str]:
        """What the manifest in a registry says about it (OCI image specification, annotations)."""
        prefix = "org.opencontainers.image"
        return {f"{prefix}.title": self.bundle.name, f"{prefix}.version": self.bundle.version}

    def page(self, form: str) -> bytes:
        """What was found, as ``table`` or ``json``."""
        signature = self.algorithm or ("not checked" if self.signed else "none")
        rows = {
            "name": self.bundle.name,
            "version": self.bundle.version,
            "digest": f"sha256:{self.bundle.digest}",
            "archive": f"sha256:{sha256_hex(self.data)}",
            "files": len(self.bundle.files),
            "signature": signature,
        }
        if form == "json":
            return (json.dumps(rows, indent=2, ensure_ascii=True) + "\n").encode()
        return "".join(f"{name:<11}{value}\n" for name, value in rows.items()).encode()


def make(source: Path | Mapping[str, bytes], key: Private | None) -> Package:
    """The archive of a bundle: manifest, modules without tests, and data; signed where there is a key.

    Raises PolicyError: the bundle cannot be loaded, its manifest is wrong, or the archive would
    not be accepted.
    """
    bundle = load_bundle(source)
    if bundle.conftest:
        what = "policies for Conftest have no version, so no bundle is made of them"
        raise PolicyError(what, remedy="name their directory in settings, or give them a .manifest")
    check_version(bundle)
    check_roots(bundle)
    files = dict(bundle.files)
    algorithm = None
    if key is not None:
        files[SIGNATURES], algorithm = sign(files, key)
    data = pack(files, PolicyError)
    unpack(data, "the archive")
    return Package(data, bundle, algorithm, key is not None)


def examine(path: Path, key: Public | None, digest: str | None) -> Package:
    """The archive at ``path``, as :func:`check`."""
    return check(
        read_named(path, PolicyError, "name a bundle's archive (.tar.gz)", MAX_ARCHIVE),
        str(path),
        key,
        digest,
    )


def check(data: bytes, where: str, key: Public | None, digest: str | None) -> Package:
    """Read an archive and check what is asked for.

    Args:
        where: its name, for messages.
        key: who must have signed it.
        digest: what its digest must be, in hexadecimal.

    Raises PolicyError: it is damaged or hostile, the signature does not hold, the digest is another, or the
    bundle does not load.
    """
    files = unpack(data, where)
    algorithm = None if key is None else verify(files, key, where)
    bundle = load_bundle(files)
    if digest not in (None, bundle.digest):
        what = f"the bundle's digest is sha256:{bundle.digest}, not sha256:{digest}"
        raise PolicyError(what, path=where, remedy="ask whoever published it which one is right")
    return Package(data, bundle, algorithm, SIGNATURES in files)


def check_digest(text: str) -> str:
    """The digest in hexadecimal, from ``sha256:…`` or without that. Raises UsageError: it is none."""
    found = re.fullmatch(r"(?:sha256:)?([0-9a-f]{64})", text)
    if found is None:
        remedy = "write sha256: and 64 digits, as gate policy bundle does"
        raise UsageError(f"{text[:80]!a} is no SHA-256 digest", remedy=remedy)
    return found[1]
