"""What changed between two versions of the JSON Schemas for those who write and those who read the data.

*Producers* break when data valid under the old schema is no longer valid under the new one: what schema
registries call a lack of backward compatibility (readers with the new schema, data of the old). *Consumers*
break when data valid under the new schema was not valid under the old one: a lack of forward compatibility
(readers with the old schema, data of the new). The terms are those of
https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html.

Both are the same question asked in two directions, see :mod:`._compatibility_checks`. The answer "nothing
breaks" is certain; a break may be a false alarm, and what was neither shown nor refuted is ``undecided``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ...shared.json_schema import shorten
from .checks import Comparison
from .findings import UNDECIDED as UNDECIDED
from .findings import Finding
from .schema import Version as Version
from .schema import key_of, year

_VERSION = re.compile(r"v?([0-9]{1,9})(?:\.[0-9]+)*(?:[-+][0-9A-Za-z.+-]*)?")
_VERSION_IN_ID = re.compile(
    r"(?:[:@/]|(?<=[:@/])v)(v?[0-9]{1,9}(?:\.[0-9]+)*)(?:\.schema)?(?:\.json)?#?$|/(v[0-9]{1,9}(?:\.[0-9]+)*)/"
)


@dataclass(frozen=True, slots=True, order=True)
class Break:
    """One change.

    Attributes:
        pointer: JSON pointer, after ``FILE#`` where it is into another file than the one compared.
        kind: what it is about, or ``undecided``.
        breaks: ``producers``, ``consumers`` or ``both``.
        schema: ``old`` or ``new``: which version the pointer is into.
        text: one clause.
    """

    pointer: str
    kind: str
    breaks: str
    schema: str
    text: str


def compare(old: Any, new: Any) -> list[Break]:
    """The changes from one schema document to another that refer to no other documents.

    Args:
        old: the approved version, valid for its draft; of the draft of ``new`` when it states none.
        new: the present version, likewise.
    """
    before, after = drafts(old, new)
    path = "schema.json"
    return compare_file(
        Version({path: old}, years={path: before}), Version({path: new}, years={path: after}), path
    )


def compare_file(old: Version, new: Version, path: str) -> list[Break]:
    """The changes in one file of two versions of all schema files.

    Args:
        old: the approved version; each file valid for its draft.
        new: the present version.
        path: a file that is in both.
    """
    old.old = True
    first, second = old.root(path), new.root(path)
    reached, reaches = old.reached(path), new.reached(path)
    if first.year == second.year and key_of(reached) == key_of(reaches):
        return []
    producers = Comparison(forward=True).between((first,), (second,))
    consumers = Comparison(forward=False).between((second,), (first,))
    return _merged(producers, consumers, path)


def _merged(producers: list[Finding], consumers: list[Finding], path: str) -> list[Break]:
    """One entry where both directions say the same of the same place."""
    found: dict[tuple[str, str, str], list[tuple[str, Finding]]] = {}
    for whom, findings in (("producers", producers), ("consumers", consumers)):
        for finding in findings:
            pointer = finding.pointer if finding.file in (path, "") else f"{finding.file}#{finding.pointer}"
            found.setdefault((pointer, finding.kind, _topic(finding)), []).append((whom, finding))
    entries = set()
    for (pointer, kind, _), group in found.items():
        directions = {whom for whom, _ in group}
        # the present file's pointer where there is a choice
        _, best = min(group, key=lambda item: (item[1].old, item[0] != "producers", item[1].text))
        breaks = "both" if len(directions) == 2 else directions.pop()
        text = "; ".join(dict.fromkeys([best.text, *(finding.text for _, finding in group)]))
        entries.add(Break(pointer, kind, breaks, "old" if best.old else "new", shorten(text)))
    return sorted(entries)


def _topic(finding: Finding) -> str:
    """Keeps apart what happens to share a pointer: positions in ``required`` name different fields."""
    return finding.text if finding.kind == "required" else ""


def stated_version(schema: Any) -> str | None:
    """The version a schema states: ``version`` or ``x-version``, else the one in its ``$id``.

    In an ``$id`` it is a last part like ``:2``, ``/v2`` or ``/2.1.json``, or a folder like ``/v2/``.
    """
    if not isinstance(schema, dict):
        return None
    for word in ("version", "x-version"):
        value = schema.get(word)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and _VERSION.fullmatch(value):
            return value
    name = schema.get("$id", schema.get("id"))
    match = _VERSION_IN_ID.search(name) if isinstance(name, str) else None
    return (match[1] or match[2]) if match else None


def major(version: str | None) -> int | None:
    """The leading number of a version; None when there is none."""
    match = _VERSION.fullmatch(version) if version is not None else None
    return int(match[1]) if match else None


def drafts(old: Any, new: Any) -> tuple[int, int]:
    """The drafts two versions of one document are read in: one that states none is read like the other."""
    before, after = year(old, 0), year(new, 0)
    return before or after or 2020, after or before or 2020
