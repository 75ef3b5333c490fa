"""What a CycloneDX document in JSON says (https://cyclonedx.org/docs/1.6/json/; versions 1.2 to 1.7).

A vulnerability's severity is its heaviest rating; a rating with only a score is put into the bands of CVSS
3.1 (https://www.first.org/cvss/v3.1/specification-document, section 5), whichever CVSS version it is of.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..shared.json_fields import Fields, Place, epoch
from .model import NO_LICENSE, REMEDY, Bill, Component, Vulnerability

VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
SEVERITIES = ("critical", "high", "medium", "low", "info", "none", "unrated")
"""From the heaviest to the lightest; ``unrated`` is no rating, or one that says ``unknown``."""

_BANDS = ((9, "critical"), (7, "high"), (4, "medium"))
_DISMISSED = ("resolved", "resolved_with_pedigree", "false_positive", "not_affected")


def read_cyclonedx(whole: dict[str, Any], path: str) -> Bill:
    """The components and vulnerabilities of a document with ``bomFormat``.

    Raises:
        EvidenceError: an unknown version, or a field of a wrong type.
    """
    read = Fields(path, REMEDY)
    read.choice(whole, "bomFormat", (), ("CycloneDX",))
    version = read.required(whole, "specVersion", ())
    read.choice(whole, "specVersion", (), VERSIONS)
    metadata = read.mapping(whole, "metadata", ())
    at = ("metadata",)
    bill = Bill(path, "cyclonedx", version)
    bill.tool = _tool(read, metadata, at)
    bill.created_s = epoch(metadata.get("timestamp"))
    names: dict[str, str] = {}
    subject = read.mapping(metadata, "component", at)
    names[str(subject.get("bom-ref"))] = str(subject.get("name"))
    for component, place in (
        *_below(read, subject, (*at, "component")),
        *_below(read, whole, ()),
    ):
        made, reference = _component(read, component, place)
        bill.components.append(made)
        names[reference or ""] = made.name
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


def _component(read: Fields, entry: dict[str, Any], place: Place) -> tuple[Component, str | None]:
    name = read.required(entry, "name", place)
    group = read.text(entry, "group", place)
    hashed = False
    for digest, at in read.objects(entry, "hashes", place):
        read.required(digest, "alg", at)
        hashed |= bool(read.required(digest, "content", at))
    licenses = [found for found in _licenses(read, entry, place) if found not in NO_LICENSE]
    component = Component(
        f"{group}/{name}" if group else name,
        read.text(entry, "version", place) or None,
        read.text(entry, "purl", place) or None,
        tuple(sorted(set(licenses))),
        hashed,
    )
    return component, read.text(entry, "bom-ref", place)


def _licenses(read: Fields, entry: dict[str, Any], place: Place) -> Iterator[str]:
    for choice, at in read.objects(entry, "licenses", place):
        stated = read.mapping(choice, "license", at)
        inner = (*at, "license")
        yield (read.text(choice, "expression", at) or "").strip()
        yield (read.text(stated, "id", inner) or read.text(stated, "name", inner) or "").strip()


def _tool(read: Fields, metadata: dict[str, Any], at: Place) -> str | None:
    """The first tool: a list up to 1.4, components and services since 1.5."""
    if isinstance(metadata.get("tools"), list):
        tools = list(read.objects(metadata, "tools", at))
    else:
        group = read.mapping(metadata, "tools", at)
        there = (*at, "tools")
        tools = [*read.objects(group, "components", there), *read.objects(group, "services", there)]
    stated = [
        " ".join(part for part in (read.text(tool, "name", p), read.text(tool, "version", p)) if part)
        for tool, p in tools
    ]
    return next((name for name in stated if name), None)


def _vulnerability(read: Fields, entry: dict[str, Any], place: Place, names: dict[str, str]) -> Vulnerability:
    ratings = [_rating(rating) for rating, _ in read.objects(entry, "ratings", place)]
    analysis = read.mapping(entry, "analysis", place)
    references = [read.required(target, "ref", at) for target, at in read.objects(entry, "affects", place)]
    return Vulnerability(
        read.text(entry, "id", place) or "",
        min(ratings, key=SEVERITIES.index, default="unrated"),
        analysis.get("state") in _DISMISSED,
        tuple(names.get(reference, reference) for reference in references),
    )


def _rating(rating: dict[str, Any]) -> str:
    severity, method, score = rating.get("severity"), rating.get("method"), rating.get("score")
    if severity in SEVERITIES:
        return str(severity)
    scored = type(score) in (int, Decimal) and isinstance(method, str) and method.startswith("CVSS")
    if not scored or score is None or not 0 <= score <= 10:
        return "unrated"
    return "none" if score == 0 else next((name for least, name in _BANDS if score >= least), "low")
