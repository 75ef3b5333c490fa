"""What CycloneDX (1.2 to 1.7) and SPDX (2.2, 2.3) documents in JSON say.

Formats: https://cyclonedx.org/docs/1.6/json/ and https://spdx.github.io/spdx-spec/v2.3/. A vulnerability's
severity is its heaviest rating; a rating with only a score is put into the bands of CVSS 3.1
(https://www.first.org/cvss/v3.1/specification-document, section 5), whichever CVSS version it is of.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from msgspec import Struct, field

from ...base.errors import EvidenceError
from ...reading.parse import parse_json
from ...reading.workspace import View
from ..shared.json_fields import Fields, Place, epoch
from ..shared.requirements import pinned

SEVERITIES = ("critical", "high", "medium", "low", "info", "none", "unrated")
"""From the heaviest to the lightest; ``unrated`` is no rating, or one that says ``unknown``."""
REMEDY = "write the component list again, as CycloneDX or SPDX 2.3 in JSON"

_CYCLONEDX = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
_SPDX = ("SPDX-2.2", "SPDX-2.3")
_BANDS = ((9, "critical"), (7, "high"), (4, "medium"))
_DISMISSED = ("resolved", "resolved_with_pedigree", "false_positive", "not_affected")
_NO_LICENSE = frozenset({"", "NOASSERTION", "NONE"})
"""What says that there is no licence, or that nobody looked."""
_NO_VERSION = frozenset({*_NO_LICENSE, "UNKNOWN"})
"""Syft writes the last of these."""
_TOOL = "Tool:"
_PYPI = "pkg:pypi/"


class Component(Struct, frozen=True):
    """One entry of a list. Strings are as stated, not yet fit to be shown."""

    name: str
    version: str | None
    purl: str | None
    licenses: tuple[str, ...]
    hashed: bool

    @property
    def identity(self) -> tuple[str, str]:
        """What makes two entries the same component: the package URL, or name and version without one."""
        return (self.purl, "") if self.purl else (f" {self.name}", self.version or "")

    @property
    def requirement(self) -> str | None:
        """``name==version``, of what is on PyPI; None for everything else and without a version."""
        plain = (self.purl or "").partition("?")[0].partition("#")[0]
        name, _, version = plain.partition("@")
        if not name.lower().startswith(_PYPI) or not version:
            return None
        return pinned(unquote(name[len(_PYPI) :]), unquote(version))


class Vulnerability(Struct, frozen=True):
    """A vulnerability that a document states.

    Attributes:
        severity: the heaviest of its ratings.
        dismissed: whether the document calls it resolved, a false positive or without effect.
        affects: names of the components, or references to them.
    """

    id: str
    severity: str
    dismissed: bool
    affects: tuple[str, ...]


class Bill(Struct):
    """One document.

    Attributes:
        version: of the format.
        created_s: when it was made, epoch seconds.
        vulnerabilities: None where the document does not speak of any.
        incomplete: whether the document says that something is missing in it.
    """

    path: str
    format: str
    version: str
    tool: str | None
    created_s: int | None
    components: list[Component] = field(default_factory=list)
    vulnerabilities: list[Vulnerability] | None = None
    incomplete: bool = False


def read_bill(view: View, path: str) -> Bill:
    """The components and vulnerabilities of a document.

    Raises:
        EvidenceError: it is neither format, of an unknown version, or a field is of a wrong type.
    """
    data = view.read(path)
    if data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        raise EvidenceError("is XML, only JSON is read", path=path, remedy=REMEDY)
    read = Fields(path, REMEDY)
    whole = read.whole(parse_json(data, path, view.limits))
    if "bomFormat" in whole:
        return _cyclonedx(read, whole)
    if "spdxVersion" in whole:
        return _spdx(read, whole)
    what = "is neither CycloneDX nor SPDX 2: it has no 'bomFormat' and no 'spdxVersion'"
    raise EvidenceError(what, path=path, remedy=REMEDY)


def _cyclonedx(read: Fields, whole: dict[str, Any]) -> Bill:
    read.choice(whole, "bomFormat", (), ("CycloneDX",))
    version = read.required(whole, "specVersion", ())
    read.choice(whole, "specVersion", (), _CYCLONEDX)
    metadata, at = read.mapping(whole, "metadata", ()), ("metadata",)
    tool = _tool(read, metadata, at)
    bill = Bill(read.path, "cyclonedx", version, tool, epoch(metadata.get("timestamp")))
    subject = read.mapping(metadata, "component", at)
    names = {str(subject.get("bom-ref")): str(subject.get("name"))}
    for entry, place in (*_below(read, subject, (*at, "component")), *_below(read, whole, ())):
        made = _component(read, entry, place)
        bill.components.append(made)
        names[read.text(entry, "bom-ref", place) or ""] = made.name
    stated = (
        read.text(entry, "aggregate", at) or "" for entry, at in read.objects(whole, "compositions", ())
    )
    bill.incomplete = any(aggregate.startswith("incomplete") for aggregate in stated)
    if whole.get("vulnerabilities") is not None:
        bill.vulnerabilities = [
            _vulnerability(read, entry, place, names)
            for entry, place in read.objects(whole, "vulnerabilities", ())
        ]
    return bill


def _below(read: Fields, owner: dict[str, Any], place: Place) -> Iterator[tuple[dict[str, Any], Place]]:
    for component, there in read.objects(owner, "components", place):
        yield component, there
        yield from _below(read, component, there)


def _component(read: Fields, entry: dict[str, Any], place: Place) -> Component:
    name, group = read.required(entry, "name", place), read.text(entry, "group", place)
    hashes = [
        (read.required(one, "alg", at), read.required(one, "content", at))
        for one, at in read.objects(entry, "hashes", place)
    ]
    licenses = set()
    for choice, at in read.objects(entry, "licenses", place):
        stated, inner = read.mapping(choice, "license", at), (*at, "license")
        licenses.add((read.text(choice, "expression", at) or "").strip())
        licenses.add((read.text(stated, "id", inner) or read.text(stated, "name", inner) or "").strip())
    return Component(
        f"{group}/{name}" if group else name,
        _version(read.text(entry, "version", place)),
        read.text(entry, "purl", place) or None,
        tuple(sorted(licenses - _NO_LICENSE)),
        bool(hashes),
    )


def _version(stated: str | None) -> str | None:
    return None if stated is None or stated.strip().upper() in _NO_VERSION else stated


def _tool(read: Fields, metadata: dict[str, Any], at: Place) -> str | None:
    """The first tool: a list up to 1.4, components and services since 1.5."""
    if isinstance(metadata.get("tools"), list):
        tools = list(read.objects(metadata, "tools", at))
    else:
        group, there = read.mapping(metadata, "tools", at), (*at, "tools")
        tools = [*read.objects(group, "components", there), *read.objects(group, "services", there)]
    stated = ((read.text(tool, "name", p), read.text(tool, "version", p)) for tool, p in tools)
    return next((name for parts in list(stated) if (name := " ".join(filter(None, parts)))), None)


def _vulnerability(read: Fields, entry: dict[str, Any], place: Place, names: dict[str, str]) -> Vulnerability:
    ratings = [_rating(rating) for rating, _ in read.objects(entry, "ratings", place)]
    state = read.mapping(entry, "analysis", place).get("state")
    references = [read.required(target, "ref", at) for target, at in read.objects(entry, "affects", place)]
    return Vulnerability(
        read.text(entry, "id", place) or "",
        min(ratings, key=SEVERITIES.index, default="unrated"),
        state in _DISMISSED,
        tuple(names.get(reference, reference) for reference in references),
    )


def _rating(rating: dict[str, Any]) -> str:
    severity, method, score = rating.get("severity"), rating.get("method"), rating.get("score")
    severity = severity.strip().lower() if isinstance(severity, str) else ""
    if severity in SEVERITIES:
        return severity
    scored = type(score) in (int, Decimal) and isinstance(method, str) and method.startswith("CVSS")
    if not scored or score is None or not 0 <= score <= 10:
        return "unrated"
    return "none" if score == 0 else next((name for least, name in _BANDS if score >= least), "low")


def _spdx(read: Fields, whole: dict[str, Any]) -> Bill:
    """The licence of a package is the concluded one; the declared one where none was concluded."""
    version = read.required(whole, "spdxVersion", ())
    read.choice(whole, "spdxVersion", (), _SPDX)
    made = read.mapping(whole, "creationInfo", ())
    creators = read.texts(made, "creators", ("creationInfo",))
    tool = next((who.removeprefix(_TOOL).strip() for who in creators if who.startswith(_TOOL)), None)
    bill = Bill(read.path, "spdx", version.removeprefix("SPDX-"), tool, epoch(made.get("created")))
    bill.components = [_package(read, entry, place) for entry, place in read.objects(whole, "packages", ())]
    return bill


def _package(read: Fields, entry: dict[str, Any], place: Place) -> Component:
    references = [
        (read.required(one, "referenceType", at), read.required(one, "referenceLocator", at))
        for one, at in read.objects(entry, "externalRefs", place)
    ]
    sums = [read.required(one, "checksumValue", at) for one, at in read.objects(entry, "checksums", place)]
    stated = [(read.text(entry, key, place) or "").strip() for key in ("licenseConcluded", "licenseDeclared")]
    version = read.text(entry, "versionInfo", place)
    return Component(
        read.required(entry, "name", place),
        _version(version),
        next((locator for kind, locator in references if kind == "purl"), None),
        tuple([found for found in stated if found not in _NO_LICENSE][:1]),
        bool(sums),
    )
