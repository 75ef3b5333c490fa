"""What an SPDX document in JSON says (https://spdx.github.io/spdx-spec/v2.3/; versions 2.2 and 2.3)."""

from __future__ import annotations

from typing import Any

from ..shared.json_fields import Fields, Place, epoch
from .model import NO_LICENSE, REMEDY, Bill, Component

VERSIONS = ("SPDX-2.2", "SPDX-2.3")
_PURL = "purl"
_TOOL = "Tool:"


def read_spdx(whole: dict[str, Any], path: str) -> Bill:
    """The packages of a document with ``spdxVersion``.

    The licence of a package is the concluded one; the declared one where none was concluded.

    Raises:
        EvidenceError: an unknown version, or a field of a wrong type.
    """
    read = Fields(path, REMEDY)
    version = read.required(whole, "spdxVersion", ())
    read.choice(whole, "spdxVersion", (), VERSIONS)
    made = read.mapping(whole, "creationInfo", ())
    at = ("creationInfo",)
    creators = read.texts(made, "creators", at)
    bill = Bill(path, "spdx", version.removeprefix("SPDX-"))
    bill.tool = next((who.removeprefix(_TOOL).strip() for who in creators if who.startswith(_TOOL)), None)
    bill.created_s = epoch(made.get("created"))
    bill.components = [_package(read, entry, place) for entry, place in read.objects(whole, "packages", ())]
    return bill


def _package(read: Fields, entry: dict[str, Any], place: Place) -> Component:
    purls = []
    for reference, at in read.objects(entry, "externalRefs", place):
        kind = read.required(reference, "referenceType", at)
        locator = read.required(reference, "referenceLocator", at)
        purls += [locator] if kind == _PURL else []
    stated = [read.text(entry, key, place) or "" for key in ("licenseConcluded", "licenseDeclared")]
    checksums = [
        read.required(sum_, "checksumValue", at) for sum_, at in read.objects(entry, "checksums", place)
    ]
    version = read.text(entry, "versionInfo", place)
    return Component(
        read.required(entry, "name", place),
        None if version in NO_LICENSE else version,
        purls[0] if purls else None,
        tuple([found.strip() for found in stated if found.strip() not in NO_LICENSE][:1]),
        bool(checksums),
    )
