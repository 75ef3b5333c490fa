"""Why data that is valid under one schema may be invalid under another: the search, and the plain keywords.

The search is one-sided on purpose. It takes a schema apart only as far as that is certain, and whatever it
cannot show to hold is a finding: a reason, or ``undecided``. So no findings mean that all data valid under
the first schema is valid under the second; a finding may be a false alarm.

Schemas that refer to themselves are compared by induction over the depth of the data: a pair met again within
one of its own properties or items is taken to hold there; met again at the same place, it is undecided.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

from ...shared.json_schema import shorten
from . import choices, containers
from .findings import UNDECIDED, Finding
from .known import MOST_VALUES, Known, same_places
from .parts import Conjunct, conjuncts
from .schema import FRACTION, NUMBERS, STRING, Json, Place, key_of, type_of

_MOST_STEPS = 4_000
_MOST_DEPTH = 40
_MOST_CHOICES = 6
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


class Comparison:
    """Compares schemas of two versions in one direction.

    Args:
        forward: whether the first schema of every pair is the old one.
    """

    def __init__(self, forward: bool) -> None:
        self.forward = forward
        self._steps = 0
        self._depth = 0
        self._above: frozenset[Json] = frozenset()
        self._here: frozenset[Json] = frozenset()
        self._leaned = False
        self._done: dict[Json, list[Finding]] = {}

    def say(self, place: Place, pointer: str, kind: str, narrower: str, wider: str) -> list[Finding]:
        """A finding at a place of either version: two texts, for data of the old and of the new one."""
        text = shorten(narrower if self.forward else wider)
        return [Finding(place.path, self._is_old(place), pointer, kind, text)]

    def unsure(self, place: Place, pointer: str, why: str) -> list[Finding]:
        """A finding that nothing is shown."""
        return [Finding(place.path, self._is_old(place), pointer, UNDECIDED, shorten(why))]

    def _is_old(self, place: Place) -> bool:
        return place.version is not None and place.version.old

    def spend(self, steps: int) -> None:
        """Count work that is done beside :meth:`between`."""
        self._steps += steps

    def inside(self, a: Iterable[Place], b: Iterable[Place]) -> list[Finding]:
        """As :meth:`between`, for a property or an item of the data compared so far."""
        saved = self._above, self._here
        self._above, self._here = self._above | self._here, frozenset()
        try:
            return self.between(a, b)
        finally:
            self._above, self._here = saved

    def between(
        self, a: Iterable[Place], b: Iterable[Place], used: frozenset[Json] = frozenset()
    ) -> list[Finding]:
        """Why data valid at all places ``a`` may be invalid at one of ``b``; empty when it never is.

        Args:
            a: places whose schemas the data satisfies.
            b: places in the other version.
            used: keys of the choices of ``a`` that are taken apart already.
        """
        first, second = _unique(a), _unique(b)
        key = (tuple(place.key for place in first), tuple(place.key for place in second), used)
        if key in self._done:
            return self._done[key]
        if not second or same_places(first, second):
            return []
        at = second[0]
        if key in self._here:
            self._leaned = True
            return self.unsure(at, at.pointer, "the schema refers to itself")
        if key in self._above:
            self._leaned = True
            return []
        self._steps += 1
        if self._steps > _MOST_STEPS or self._depth > _MOST_DEPTH:
            return self.unsure(at, at.pointer, "the schemas are too large to be compared here")
        leaned, self._leaned = self._leaned, False
        here, self._here = self._here, self._here | {key}
        self._depth += 1
        try:
            found = _without_repeats(self._compare(Known(first), second, used))
        finally:
            self._depth -= 1
            self._here = here
        if not self._leaned:
            self._done[key] = found
        self._leaned = self._leaned or leaned
        return found

    def _compare(self, a: Known, b: tuple[Place, ...], used: frozenset[Json]) -> list[Finding]:
        if a.empty:
            return []
        parts = conjuncts(b)
        found = [finding for part in parts for finding in self._types(a, part)]
        if any(part.never for part in parts):
            at = next(part.place for part in parts if part.never)
            return self.say(
                at, at.pointer, "forbidden", "nothing is permitted here", "something is permitted here"
            )
        accepted = frozenset.intersection(a.types, *(part.types() for part in parts))
        if not accepted:
            return found
        if a.values is not None and len(a.values) <= MOST_VALUES:
            return found + self._values(
                a, [value for value in a.values if type_of(value) in accepted], b, parts
            )
        for part in parts:
            found += self._part(a, part, accepted)
        choices = a.choices(used)
        if not found or not choices or len(used) >= _MOST_CHOICES:
            return found
        choice = choices[0]
        branches = choice.branches
        used = used | {choice.key}
        if choice.test is not None and not self.between(a.places, (choice.test,), used):
            branches = branches[:1]
        return [finding for branch in branches for finding in self.between((*a.places, *branch), b, used)]

    def _types(self, a: Known, part: Conjunct) -> list[Finding]:
        lost = a.types - part.types()
        if not lost:
            return []
        there, here = _type_names(a.types), _type_names(part.types())
        place = part.place
        return self.say(
            place, place.at("type"), "type", f"type: {there} became {here}", f"type: {here} became {there}"
        )

    def _values(
        self, a: Known, values: list[Json], b: tuple[Place, ...], parts: list[Conjunct]
    ) -> list[Finding]:
        for place in a.places:
            if place.version is not None:
                values = [
                    value
                    for value in values
                    if place.version.accepts(place, value, formats=False) is not False
                ]
        rejected, unknown = [], []
        for value in values:
            answers = [
                place.version.accepts(place, value, formats=True) for place in b if place.version is not None
            ]
            if False in answers:
                rejected.append(value)
            elif None in answers:
                unknown.append(value)
        if rejected:
            listed = ", ".join(_text(value) for value in rejected[:5]) + (", …" if len(rejected) > 5 else "")
            place, pointer = _where_values(rejected, b, parts)
            return self.say(
                place, pointer, "enum", f"no longer permitted: {listed}", f"permitted now: {listed}"
            )
        if unknown:
            return self.unsure(b[0], b[0].pointer, f"whether {_text(unknown[0])} is still permitted")
        return []

    def _part(self, a: Known, part: Conjunct, accepted: frozenset[str]) -> list[Finding]:

        found: list[Finding] = []
        place = part.place
        for keyword in part.opaque:
            found += self.unsure(place, place.at(keyword), f"what {keyword} means here is not compared")
        limited = part.values()
        if limited is not None:
            known = {key_of(value) for value in limited}
            if a.values is None or any(key_of(value) not in known for value in a.values):
                word = "const" if "const" in part.words else "enum"
                found += self.say(
                    place, place.at(word), "enum",
                    f"limited to {_listed(limited)}", f"no longer limited to {_listed(limited)}",
                )  # fmt: skip
                return found
        if accepted & NUMBERS:
            found += self._numbers(a, part, accepted)
        if STRING in accepted:
            found += self._strings(a, part)
        if "format" in part.words:
            found += self._format(a, part, accepted)
        found += containers.objects(self, a, part, accepted)
        found += containers.arrays(self, a, part, accepted)
        return found + choices.choices(self, a, part)

    def _numbers(self, a: Known, part: Conjunct, accepted: frozenset[str]) -> list[Finding]:
        found: list[Finding] = []
        whole = FRACTION not in accepted
        for known, bounds, sign in ((a.lower(), part.lower(), 1), (a.upper(), part.upper(), -1)):
            if known is not None and whole:
                known = _whole(known, sign)
            for value, excluded, word in bounds:
                if known is not None:
                    ahead = sign * (known[0] - value)
                    if ahead > 0 or (ahead == 0 and (known[1] or not excluded)):
                        continue
                was = "none" if known is None else _figure(known[0]) + (" (excluded)" if known[1] else "")
                now = _figure(value) + (" (excluded)" if excluded else "")
                found += self._change(part, word, "range", was, now)
        if "multipleOf" in part.words:
            step = Fraction(part.words["multipleOf"])
            steps = [Fraction(value) for value in a.stated("multipleOf")] + ([Fraction(1)] if whole else [])
            if not any((value / step).denominator == 1 for value in steps):
                was = ", ".join(_figure(Fraction(value)) for value in a.stated("multipleOf")) or "none"
                found += self._change(part, "multipleOf", "multiple", was, _figure(step))
        return found

    def _strings(self, a: Known, part: Conjunct) -> list[Finding]:
        found = self.sizes(a, part, "length", "minLength", "maxLength")
        if "pattern" in part.words:
            pattern, before = part.words["pattern"], a.stated("pattern")
            if pattern not in before and before:
                found += self.unsure(
                    part.place, part.place.at("pattern"),
                    f"whether the patterns {before[0]!r} and {pattern!r} permit the same",
                )  # fmt: skip
            elif not before:
                found += self._change(part, "pattern", "pattern", "none", repr(pattern))
        return found

    def _format(self, a: Known, part: Conjunct, accepted: frozenset[str]) -> list[Finding]:
        name, before = part.words["format"], a.stated("format")
        if name in before or not accepted & (NUMBERS | {STRING}):
            return []
        return self._change(part, "format", "format", str(before[0]) if before else "none", str(name))

    def sizes(
        self, a: Known, part: Conjunct, kind: str, smallest: str, largest: str,
        least: int = 0, most: int | None = None,
    ) -> list[Finding]:  # fmt: skip
        """Findings of a ``min…`` and a ``max…`` keyword that count something.

        Args:
            a: what is known.
            part: the conjunct.
            kind: of the findings.
            smallest: the ``min…`` keyword.
            largest: the ``max…`` keyword.
            least: what is known of the smallest count from elsewhere.
            most: what is known of the largest count from elsewhere.
        """
        found: list[Finding] = []
        low = max(a.least(smallest), least)
        high = min((count for count in (a.most(largest), most) if count is not None), default=None)
        if smallest in part.words and low < part.words[smallest]:
            found += self._change(part, smallest, kind, str(low), str(part.words[smallest]))
        if largest in part.words and (high is None or high > part.words[largest]):
            found += self._change(
                part, largest, kind, "none" if high is None else str(high), str(part.words[largest])
            )
        return found

    def _change(self, part: Conjunct, word: str, kind: str, first: str, second: str) -> list[Finding]:
        place = part.place
        return self.say(
            place,
            place.at(word),
            kind,
            f"{word}: {first} became {second}",
            f"{word}: {second} became {first}",
        )


def _unique(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple({place.key: place for place in places}.values())


def _without_repeats(findings: Sequence[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))


def _whole(bound: tuple[Fraction, bool], sign: int) -> tuple[Fraction, bool]:
    value, excluded = sign * bound[0], bound[1]
    return Fraction(sign * (math.floor(value) + 1 if excluded else math.ceil(value))), False


def _type_names(types: frozenset[str]) -> str:
    names = {"number" if name == "fraction" else name for name in types}
    if "number" in names:
        names.discard("integer")
    return "any" if len(names) == len(_TYPES) - 1 else " or ".join(name for name in _TYPES if name in names)


def _figure(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    from decimal import Decimal

    return str(Decimal(value.numerator) / Decimal(value.denominator))


def _text(value: Json) -> str:
    import json

    return shorten(json.dumps(value, ensure_ascii=False, default=str))[:60]


def _listed(values: list[Json]) -> str:
    return ", ".join(_text(value) for value in values[:5]) + (", …" if len(values) > 5 else "")


def _where_values(rejected: list[Json], b: tuple[Place, ...], parts: list[Conjunct]) -> tuple[Place, str]:
    for part in parts:
        limited = part.values()
        if limited is not None:
            known = {key_of(value) for value in limited}
            if any(key_of(value) not in known for value in rejected):
                return part.place, part.place.at("const" if "const" in part.words else "enum")
    return b[0], b[0].pointer
