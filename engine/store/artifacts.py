"""Evidence in an OCI registry: one artifact per document, tagged with its SHA-256.

Any client of registries can fetch one (``oras pull HOST/REPOSITORY:<SHA-256>``) and sign it. A registry that
cleans up keeps what a tag leads to; tags are never moved or removed by gate. Needs the extra ``oci``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from ...evidence.base.errors import ConfigError, LedgerError
from ...evidence.base.limits import MIB
from .interface import in_parts
from .registry import MANIFEST, Reference, describe, open_registry

ARTIFACT: Final = "application/vnd.gate.evidence.v1"
_EMPTY: Final = "application/vnd.oci.empty.v1+json"
_DATA: Final = "application/octet-stream"
_TITLE: Final = "org.opencontainers.image.title"
_MOST: Final = 256 * MIB
"""The most that a document in a registry has."""
_URL: Final = re.compile(
    r"oci://((?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
)


def connect(url: str) -> ArtifactBlobs:
    """The evidence in the repository that an ``oci:`` URL names.

    Raises ConfigError: the URL is wrong; EnvironmentProblem: the client is not installed.
    """
    found = _URL.fullmatch(url) if len(url) <= 512 else None
    if found is None:
        remedy = "write oci://HOST/REPOSITORY, such as oci://registry.example.com/compliance/evidence"
        raise ConfigError("the URL names no repository of a registry", remedy=remedy)
    return ArtifactBlobs(Reference(found[1], found[2], None, None))


class ArtifactBlobs:
    """Blobs as artifacts of a repository."""

    def __init__(self, at: Reference) -> None:
        self.name = f"oci://{at.host}/{at.repository}"
        self._registry = open_registry(at, _MOST)

    def write(self, digest: str, data: bytes) -> None:
        """Upload the blob, then the manifest that its tag leads to."""
        layer = {**describe(_DATA, data), "annotations": {_TITLE: digest}}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": ARTIFACT,
            "config": describe(_EMPTY, b"{}"),
            "layers": [layer],
        }
        with self._registry.talking():
            self._registry.put_blob(b"{}")
            self._registry.put_blob(data)
            self._registry.put_manifest(digest, json.dumps(manifest, separators=(",", ":")).encode())

    def open(self, digest: str) -> BinaryIO | None:
        """The blob as a stream; None when no tag leads to it."""
        with self._registry.talking():
            if self._registry.manifest(digest) is None:
                return None
            response = self._registry.blob(f"sha256:{digest}")
        return None if response is None else in_parts(self._fetching(response.iter_content(1 << 16)))

    def _fetching(self, pieces: Iterator[bytes]) -> Callable[[int, int], bytes]:
        rest = b""

        def fetch(_: int, length: int) -> bytes:
            nonlocal rest
            if not rest:
                with self._registry.errors():
                    rest = next(pieces, b"")
            part, rest = rest[:length], rest[length:]
            return part

        return fetch

    def digests(self) -> Iterator[str]:
        """The tags, sorted. Raises LedgerError for one that is no digest."""
        with self._registry.talking():
            found = sorted(self._registry.tags())
        for tag in found:
            if not re.fullmatch(r"[0-9a-f]{64}", tag):
                what = "this does not belong in the evidence store"
                remedy = "name a repository that has nothing but evidence"
                raise LedgerError(what, path=f"{self.name}:{tag[:128]}", remedy=remedy)
            yield tag

    def close(self) -> None:
        """Connections end with the process."""
