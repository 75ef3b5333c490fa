"""Puts bundles into OCI registries and gets them from there, as OPA does.

Source of the format: https://www.openpolicyagent.org/docs/management-bundles (OCI registry). OPA takes the
first layer of the media type below, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Final

from msgspec import structs

from ....evidence.base.errors import EvidenceError, PolicyError, UsageError
from ....evidence.base.limits import DEFAULT
from ....evidence.reading.parse import parse_json
from ...store.registry import MANIFEST, Reference, describe, open_registry, read
from ..archive import MAX_ARCHIVE

CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_LAYERS: Final = (LAYER, "application/vnd.openpolicyagent.layer.v1.tar+gzip")
_REFERENCE: Final = re.compile(
    r"(?:oci://)?(?P<host>(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"/(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@sha256:(?P<digest>[0-9a-f]{64}))?"
)


def parse_reference(text: str) -> Reference:
    """The place that ``HOST/REPOSITORY:TAG`` or ``HOST/REPOSITORY@sha256:DIGEST`` names.

    Raises UsageError: it names none.
    """
    found = _REFERENCE.fullmatch(text) if len(text) <= 512 else None
    if found is None or not (found["tag"] or found["digest"]):
        raise UsageError(
            f"{text[:200]!a} names no bundle in a registry",
            remedy="write HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST, such as "
            "registry.example.com/policies/acme:1.0.0",
        )
    return Reference(found["host"], found["repository"], found["tag"], found["digest"])


def push(at: Reference, data: bytes, annotations: Mapping[str, str], *, replace: bool) -> str:
    """Put an archive into a registry: its reference by digest.

    Args:
        annotations: what the manifest says about it.
        replace: whether the tag may be moved from another content.

    Raises UsageError: the reference has no tag or a digest, or the tag has another content;
    EnvironmentProblem: the registry cannot be reached or refuses it.
    """
    if at.tag is None or at.digest is not None:
        raise UsageError("a bundle is pushed to a tag", remedy="write HOST/REPOSITORY:TAG")
    registry = open_registry(at)
    with registry.talking():
        there = registry.manifest(at.tag)
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": describe(CONFIG, b"{}"),
                "layers": [describe(LAYER, data)],
                "annotations": dict(annotations),
            },
            separators=(",", ":"),
        ).encode()
        if there is not None and there != manifest and not replace:
            what = f"{at} is there already, as sha256:{hashlib.sha256(there).hexdigest()}"
            remedy = "raise the version and push to a new tag, or give --replace to move this one"
            raise UsageError(what, remedy=remedy)
        registry.put_blob(b"{}")
        registry.put_blob(data)
        registry.put_manifest(at.tag, manifest)
    return str(_pinned(at, manifest))


def pull(at: Reference) -> tuple[str, bytes]:
    """The reference by digest, and the archive, whose digests have been checked.

    Raises UsageError: there is nothing of that name; PolicyError: it is no bundle, too large, or not of the
    digest that was asked for; EnvironmentProblem: the registry cannot be reached.
    """
    registry = open_registry(at)
    with registry.talking():
        raw = registry.manifest(f"sha256:{at.digest}" if at.digest else at.tag or "")
        if raw is None:
            raise UsageError(f"there is no {at}", remedy="check the name, and that you may read it")
        pinned = _pinned(at, raw)
        if at.digest not in (None, pinned.digest):
            raise _refused(at, "the registry sent a manifest of another digest")
        digest, size = _layer(at, raw)
        body = registry.blob(digest)
        data = b"" if body is None else read(body, size)
    if len(data) != size or f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise _refused(at, "the registry sent a layer of another digest")
    return str(pinned), data


def _layer(at: Reference, raw: bytes) -> tuple[str, int]:
    """Digest and size of the layer that is the bundle."""
    try:
        layers = parse_json(raw, str(at), DEFAULT)["layers"]
        digest, size = next((x["digest"], x["size"]) for x in layers if x["mediaType"] in _LAYERS)
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest) or not 0 <= int(size) <= MAX_ARCHIVE:
            raise ValueError
    except (EvidenceError, LookupError, TypeError, ValueError, StopIteration) as error:
        raise _refused(at, "is no policy bundle, or too large a one") from error
    return digest, int(size)


def _refused(at: Reference, what: str) -> PolicyError:
    return PolicyError(what, path=str(at), remedy="check the reference, and who runs the registry")


def _pinned(reference: Reference, manifest: bytes) -> Reference:
    return structs.replace(reference, digest=hashlib.sha256(manifest).hexdigest())
