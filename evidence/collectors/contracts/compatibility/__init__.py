"""What changed between two versions of the JSON Schemas for those who write and those who read the data.

*Producers* break when data valid under the old schema is no longer valid under the new one: what schema
registries call a lack of backward compatibility (readers with the new schema, data of the old). *Consumers*
break when data valid under the new schema was not valid under the old one: a lack of forward compatibility
(readers with the old schema, data of the new). The terms are those of
https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html.

Both schemas are walked side by side. A few keywords are understood; every other one either says the same in
both, or is ``undecided``. So "nothing breaks" is certain, and a break may be a false alarm.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from msgspec import Struct

from ....base.contracts import shorten
from ...shared.schemas.json_schema import MANY, NAMED, ONE
from ...shared.schemas.schema_files import Json
from . import keywords
from .documents import Place, key_of, year
from .documents import Version as Version

UNDECIDED = "undecided"
"""The kind of a change of which it cannot be told whether it breaks anything."""
_MOST_PLACES = 50_000
_WIDENING = frozenset({"minContains", "prefixItems", "patternProperties"})
"""Keywords that may also permit more where there was none; any other one only forbids."""
_UNEVALUATED = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_TUPLES = ("prefixItems", "items", "additionalItems")
_COMPARED = frozenset(
    {
        "$ref", "additionalItems", "additionalProperties", "allOf", "const", "enum", "items", "prefixItems",
        "properties", "required", "type",
        *(word for pair in keywords.RANGES for word in pair[:2]),
        *(word for low in keywords.SIZES for word in (low, f"max{low[3:]}")),
    }
)  # fmt: skip
_VERSION = re.compile(r"v?([0-9]{1,9})(?:\.[0-9]+)*(?:[-+][0-9A-Za-z.+-]*)?")
_VERSION_IN_ID = re.compile(
    r"(?:[:@/]|(?<=[:@/])v)(v?[0-9]{1,9}(?:\.[0-9]+)*)(?:\.schema)?(?:\.json)?#?$|/(v[0-9]{1,9}(?:\.[0-9]+)*)/"
)


class Break(Struct, frozen=True, order=True):
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


def compare_file(old: Version, new: Version, path: str) -> list[Break]:
    """The changes in one file of two versions of all schema files."""
    first, second = old.root(path), new.root(path)
    if first.year == second.year and key_of(old.reached(path)) == key_of(new.reached(path)):
        return []
    comparison = _Comparison(path, new)
    comparison.run(first, second)
    return sorted(comparison.found)


class _Comparison:
    """A comparison under way; every pair of places is an old and a new one."""

    def __init__(self, path: str, new: Version) -> None:
        self.found: set[Break] = set()
        self._path = path
        self._new = new
        self._visited = 0

    def run(self, old: Place, new: Place) -> None:
        """Collect what changed here and at all places below."""
        pending: list[tuple[Place, Place, str]] = [(old, new, "forbidden")]
        seen = set()
        while pending:
            a, b, kind = pending.pop()
            a, b = _led(a), _led(b)
            if (a.key, b.key) in seen:
                continue
            seen.add((a.key, b.key))
            self._visited += 1
            if self._visited > _MOST_PLACES:
                self._say(new, (), UNDECIDED, "both", "the schemas are too large to be compared")
                return
            if a.year != b.year:
                self._say(self._new.root(b.path), ("$schema",), UNDECIDED, "both",
                          "the draft changed, and with it what keywords mean")  # fmt: skip
            pending += self._pair(a, b, kind)

    def _say(self, place: Place, at: tuple[object, ...], kind: str, breaks: str, text: str) -> None:
        pointer = place.at(*at)
        pointer = pointer if place.path == self._path else f"{place.path}#{pointer}"
        schema = "new" if place.version is self._new else "old"
        self.found.add(Break(pointer, kind, breaks, schema, shorten(text)))

    def _pair(self, a: Place, b: Place, kind: str) -> Iterable[tuple[Place, Place, str]]:
        one, other = keywords.words(a), keywords.words(b)
        if one is None or other is None:
            if one is not None:
                self._say(b, (), kind, "producers", "nothing is permitted here any more")
            elif other is not None:
                at = b if b.stated else a
                self._say(at, (), kind, "consumers", "something is permitted here that was forbidden")
            return []
        for place, stated in ((b, other), (a, one)):
            if stated.keys() == {"$ref"}:  # one that leads nowhere, or see _led
                self._unknown(place, ("$ref",), "both")
                return []
        if _UNEVALUATED & (one.keys() | other.keys()):  # its meaning depends on everything beside it
            if self._whole(a, frozenset()) != self._whole(b, frozenset()):
                self._unknown(b, (), "both")
            return []
        self._values(a, b, one, other)
        self._numbers(a, b, one, other)
        self._required(a, b, one, other)
        for word in (one.keys() | other.keys()) - _COMPARED:
            self._rest(a, b, word)
        inner = [*self._properties(a, b, one, other), *self._items(a, b, one, other)]
        sizes = len(one.get("allOf", ())), len(other.get("allOf", ()))
        if sizes[0] != sizes[1]:
            self._rest(a, b, "allOf")
        else:
            inner += [(a.below("allOf", at), b.below("allOf", at), "forbidden") for at in range(sizes[0])]
        to = (a.target(), b.target()) if "$ref" in one and "$ref" in other else (None, None)
        if to[0] is not None and to[1] is not None:
            inner.append((to[0], to[1], "forbidden"))
        elif "$ref" in one or "$ref" in other:
            self._rest(a, b, "$ref")
        return inner

    def _values(self, a: Place, b: Place, one: dict[str, Json], other: dict[str, Json]) -> None:
        before, after = keywords.values(one), keywords.values(other)
        at = (b, other) if after is not None else (a, one)
        word = "const" if "const" in at[1] else "enum"
        if before is not None and after is not None:
            lost, gained = _without(before, after), _without(after, before)
            texts = [f"no longer permitted: {keywords.listed(lost)}"] if lost else []
            texts += [f"permitted now: {keywords.listed(gained)}"] if gained else []
            if texts:
                self._say(at[0], (word,), "enum", _whom(bool(lost), bool(gained)), "; ".join(texts))
            return
        if after is not None:
            self._say(b, (word,), "enum", "producers", f"limited to {keywords.listed(after)}")
        elif before is not None:
            self._say(a, (word,), "enum", "consumers", f"no longer limited to {keywords.listed(before)}")
        was, now = keywords.types(one), keywords.types(other)
        if was != now:
            text = f"type: {keywords.type_names(was)} became {keywords.type_names(now)}"
            place = b if "type" in other else a
            self._say(place, ("type",), "type", _whom(bool(was - now), bool(now - was)), text)

    def _numbers(self, a: Place, b: Place, one: dict[str, Json], other: dict[str, Json]) -> None:
        for word, exclusive, sign in keywords.RANGES:
            was = keywords.bound(one, word, exclusive, sign)
            now = keywords.bound(other, word, exclusive, sign)
            if now is not None and (was is None or now[:2] > was[:2]):
                self._change(b, now[2], "range", "producers", _figure(was, sign), _figure(now, sign))
            elif was is not None and (now is None or now[:2] < was[:2]):
                at = (a, was[2]) if now is None else (b, now[2])
                self._change(*at, "range", "consumers", _figure(was, sign), _figure(now, sign))
        for low, kind in keywords.SIZES.items():
            for word, sign, otherwise in ((low, 1, 0), (f"max{low[3:]}", -1, None)):
                before, after = one.get(word, otherwise), other.get(word, otherwise)
                first, second = (-math.inf if count is None else sign * count for count in (before, after))
                if first != second:
                    breaks = "producers" if second > first else "consumers"
                    texts = ["none" if count is None else str(count) for count in (before, after)]
                    self._change(b if word in other else a, word, kind, breaks, *texts)

    def _change(self, place: Place, word: str, kind: str, breaks: str, was: str, now: str) -> None:
        self._say(place, (word,), kind, breaks, f"{word}: {was} became {now}")

    def _required(self, a: Place, b: Place, one: dict[str, Json], other: dict[str, Json]) -> None:
        before, after = one.get("required", []), other.get("required", [])
        for place, names, known, breaks, text in (
            (b, after, before, "producers", "is required now"),
            (a, before, after, "consumers", "is no longer required"),
        ):
            for index, name in enumerate(names):
                if name not in known:
                    self._say(place, ("required", index), "required", breaks, f"the field {name!r} {text}")

    def _properties(
        self, a: Place, b: Place, one: dict[str, Json], other: dict[str, Json]
    ) -> Iterable[tuple[Place, Place, str]]:
        patterns = "patternProperties" in one or "patternProperties" in other
        further, present = a.below("additionalProperties"), b.below("additionalProperties")
        before, after = one.get("properties", {}), other.get("properties", {})
        for name in before.keys() | after.keys():
            at = ("properties", name)
            if name in before and name in after:
                yield a.below(*at), b.below(*at), "forbidden"
            elif name in before:
                free = keywords.words(present) == {} and not patterns
                breaks = "consumers" if free else "both"
                self._say(a, at, "removed", breaks, f"the field {name!r} is no longer described")
            elif patterns or keywords.words(further):
                self._say(b, at, UNDECIDED, "both",
                          f"whether the field {name!r} was permitted before cannot be told")  # fmt: skip
            elif keywords.words(further) is None:
                self._say(b, at, "added", "consumers", f"the field {name!r} is new, and was forbidden")
            elif keywords.words(b.below(*at)) != {}:
                self._say(b, at, "added", "producers", f"the field {name!r} is described now, and was free")
        if further.stated or present.stated:
            yield further, present, "properties"

    def _items(
        self, a: Place, b: Place, one: dict[str, Json], other: dict[str, Json]
    ) -> Iterable[tuple[Place, Place, str]]:
        stated = [words for words in (one, other) if isinstance(words.get("items"), list)]
        if stated or any(word in words for word in _TUPLES if word != "items" for words in (one, other)):
            for word in _TUPLES:
                if word in one or word in other:
                    self._rest(a, b, word)
            return []
        first, second = a.below("items"), b.below("items")
        return [(first, second, "items")] if first.stated or second.stated else []

    def _rest(self, a: Place, b: Place, word: str) -> None:
        """A keyword that says the same in both, or of which it cannot be told what its change does."""
        before, after = keywords.words(a) or {}, keywords.words(b) or {}
        if word in before and word in after:
            if self._meaning(a, word) != self._meaning(b, word):
                self._unknown(b, (word,), "both")
        else:
            breaks = "both" if word in _WIDENING else "producers" if word in after else "consumers"
            self._unknown(b if word in after else a, (word,), breaks)

    def _unknown(self, place: Place, at: tuple[object, ...], breaks: str) -> None:
        name = str(at[0]) if at else "this schema"
        text = f"{name} changed: whether that breaks anything cannot be told"
        if name == "$ref" or name in keywords.DYNAMIC:
            text = f"where {name} leads cannot be told, so neither what changed there"
        self._say(place, at, UNDECIDED, breaks, text)

    def _meaning(self, place: Place, word: str, around: frozenset[object] = frozenset()) -> object:
        """What a keyword says, references followed and annotations left out, to be compared with another's.

        It equals nothing where it cannot be told, or would take too long.
        """
        value = place.schema[word]
        if word == "$ref":
            target = place.target()
            return object() if target is None else self._whole(target, around)
        if word in keywords.DYNAMIC:
            return object()
        if word in MANY and isinstance(value, list):
            return tuple(self._whole(place.below(word, index), around) for index in range(len(value)))
        if word in ONE:
            return self._whole(place.below(word), around)
        if word in NAMED:
            return frozenset(
                (name, keywords.plain("required", value[name]) if isinstance(value[name], list)
                 else self._whole(place.below(word, name), around))
                for name in value
            )  # fmt: skip
        return keywords.plain(word, value)

    def _whole(self, place: Place, around: frozenset[object]) -> object:
        """What a schema says: its keywords with their meanings; where it is inside of itself, its place."""
        place = _led(place)
        self._visited += 1
        if self._visited > _MOST_PLACES:
            return object()
        if place.key in around:
            return place.key
        said = keywords.words(place)
        inner = around | {place.key}
        return said if said is None else frozenset((word, self._meaning(place, word, inner)) for word in said)


def _led(place: Place) -> Place:
    """Where a place leads that has nothing but a reference; itself where that cannot be told."""
    seen = set()
    while place.key not in seen and (keywords.words(place) or {}).keys() == {"$ref"}:
        seen.add(place.key)
        target = place.target()
        if target is None:
            break
        place = target
    return place


def _whom(producers: bool, consumers: bool) -> str:
    return "both" if producers and consumers else "producers" if producers else "consumers"


def _without(values: list[Json], others: list[Json]) -> list[Json]:
    known = {key_of(value) for value in others}
    return [value for value in values if key_of(value) not in known]


def _figure(found: tuple[Fraction, bool, str] | None, sign: int) -> str:
    if found is None:
        return "none"
    value = sign * found[0]
    shown = str(value.numerator) if value.denominator == 1 else str(float(value))
    return shown + (" (excluded)" if found[1] else "")


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
