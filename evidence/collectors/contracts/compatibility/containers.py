"""The keywords about objects and arrays, for :mod:`._compatibility_checks`."""

from __future__ import annotations

from .findings import UNDECIDED, Finding, Search, as_unsure
from .known import Known, matches
from .parts import Conjunct
from .schema import ARRAY, OBJECT, STRING, Place, made_up

_MOST_PAIRS = 200


def objects(search: Search, a: Known, part: Conjunct, accepted: frozenset[str]) -> list[Finding]:
    """Findings of the keywords about objects."""
    if OBJECT not in accepted:
        return []
    place = part.place
    found: list[Finding] = []
    required = a.required()
    for index, name in enumerate(_names(part.words.get("required"))):
        if name not in required:
            found += search.say(
                place, place.at("required", index), "required",
                f"the field {name!r} is required now", f"the field {name!r} is no longer required",
            )  # fmt: skip
    closed = any(_closed(other) for other in a.parts)
    found += search.sizes(
        a, part, "size", "minProperties", "maxProperties", len(required), len(a.names()) if closed else None
    )
    found += _dependencies(search, a, part)
    found += _property_names(search, a, part, closed)
    return found + _properties(search, a, part) + _removed(search, a, part)


def _names(value: object) -> list[str]:
    return value if isinstance(value, list) else []


def _closed(part: Conjunct) -> bool:
    """Whether no data has a property that the conjunct does not name."""
    return not part.patterns() and any(_never(place) for place in part.further())


def _never(place: Place) -> bool:
    return Known((place,)).empty


def _dependencies(search: Search, a: Known, part: Conjunct) -> list[Finding]:
    found: list[Finding] = []
    place = part.place
    for keyword, name, demand in part.dependencies():
        there = made_up({"type": "object", "required": [name]})
        if isinstance(demand, list):
            # what the other side demands of the same property
            also = {
                other
                for one in a.parts
                for _, key, names in one.dependencies()
                if (key == name or key in a.required()) and isinstance(names, list)
                for other in names
            }
            lacking = sorted(set(demand) - a.required() - also - {name})
            if lacking and not Known((*a.places, there)).empty and not Known(a.for_property(name)).empty:
                found += search.say(
                    place, place.at(keyword, name), "dependency",
                    f"a field {name!r} demands {', '.join(map(repr, lacking))} now",
                    f"a field {name!r} no longer demands {', '.join(map(repr, lacking))}",
                )  # fmt: skip
            continue
        if Known(a.for_property(name)).empty:
            continue
        same = [
            one.place.below(word, key)
            for one in a.parts
            for word, key, schema in one.dependencies()
            if (key == name or key in a.required()) and not isinstance(schema, list)
        ]
        found += search.between((*a.places, there, *same), (place.below(keyword, name),))
    return found


def _property_names(search: Search, a: Known, part: Conjunct, closed: bool) -> list[Finding]:
    if "propertyNames" not in part.words:
        return []
    known: list[Place] = [one.place.below("propertyNames") for one in a.parts if "propertyNames" in one.words]
    if closed:
        known.append(made_up({"enum": sorted(a.names())}))
    return search.inside((made_up({"type": STRING}), *known), (part.place.below("propertyNames"),))


def _properties(search: Search, a: Known, part: Conjunct) -> list[Finding]:
    found: list[Finding] = []
    if not (part.names() or part.patterns() or part.further()):
        return found
    for name in sorted(a.names() | part.names()):
        demanded = part.for_property(name, matches)
        if demanded:
            found += _property(search, a, part, name, demanded)
    patterns = frozenset(pattern for one in a.parts for pattern in one.patterns())
    if len(patterns) * len(part.patterns()) > _MOST_PAIRS:
        return found + search.unsure(part.place, part.place.pointer, "there are too many patterns to compare")
    for pattern in sorted(part.patterns()):
        found += _pattern(search, a, part, pattern, patterns)
    rest = part.further()
    if rest:
        found += _further(search, a.further(), rest, "")
        for pattern in sorted(patterns - part.patterns()):
            found += _further(search, _by_pattern(a, pattern), rest, f" that match {pattern!r}")
    return found


def _by_pattern(a: Known, pattern: str) -> tuple[Place, ...]:
    """What is certain of a property that matches the pattern and perhaps others."""
    return (*(place for one in a.parts for place in one.for_pattern(pattern)), *a.further(loose=True))


def _pattern(
    search: Search, a: Known, part: Conjunct, pattern: str, patterns: frozenset[str]
) -> list[Finding]:
    demanded = part.for_pattern(pattern)
    if pattern in patterns:
        return search.inside(_by_pattern(a, pattern), demanded)
    found = search.inside(a.further(), demanded)
    for other in sorted(patterns):
        if not found:
            found = as_unsure(search.inside(_by_pattern(a, other), demanded))
    return found


def _further(search: Search, known: tuple[Place, ...], rest: list[Place], which: str) -> list[Finding]:
    if Known(known).empty:
        return []
    if _never(rest[0]):
        return search.say(
            rest[0], rest[0].pointer, "properties",
            f"further fields{which} are no longer permitted", f"further fields{which} are permitted now",
        )  # fmt: skip
    return search.inside(known, rest)


def _property(search: Search, a: Known, part: Conjunct, name: str, demanded: list[Place]) -> list[Finding]:
    known = a.for_property(name)
    if Known(known).empty:
        return []
    own = [one.place.below("properties", name) for one in a.parts if name in one.words.get("properties", ())]
    if any(_never(place) for place in demanded):
        if own and name not in part.words.get("properties", ()):
            kind = "removed" if search.forward else "added"
            return search.say(
                own[0], own[0].pointer, kind,
                f"the field {name!r} was removed and is no longer permitted",
                f"the field {name!r} was added; so far it was not permitted",
            )  # fmt: skip
        at = next(place for place in demanded if _never(place))
        return search.say(
            at, at.pointer, "forbidden",
            f"the field {name!r} is no longer permitted", f"the field {name!r} is permitted now",
        )  # fmt: skip
    found = search.inside(known, demanded)
    described = own or any(matches(pattern, name) for one in a.parts for pattern in one.patterns())
    if described or not found or name not in part.words.get("properties", ()):
        return found
    if all(finding.kind == UNDECIDED for finding in found):
        return found
    at = part.place.below("properties", name)
    return search.say(
        at, at.pointer, "added" if search.forward else "removed",
        f"the field {name!r} was added; so far it could have been there with other values",
        f"the field {name!r} was removed; it may still be there with any value",
    )  # fmt: skip


def _removed(search: Search, a: Known, part: Conjunct) -> list[Finding]:
    """Fields that are described no longer: whoever reads them is left without, though data may be valid."""
    if search.forward or a.choices(frozenset()):
        return []
    gone = set(part.words.get("properties", ())) - a.names()
    return [
        finding
        for name in sorted(gone)
        if not any(matches(pattern, name) for one in a.parts for pattern in one.patterns())
        and not _never(part.place.below("properties", name))
        for finding in search.say(
            part.place, part.place.at("properties", name), "removed", "",
            f"the field {name!r} was removed; it may still be there with any value"
            if not Known(a.for_property(name)).empty
            else f"the field {name!r} was removed and is no longer permitted",
        )
    ]  # fmt: skip


def arrays(search: Search, a: Known, part: Conjunct, accepted: frozenset[str]) -> list[Finding]:
    """Findings of the keywords about arrays."""
    if ARRAY not in accepted:
        return []
    place = part.place
    found = search.sizes(a, part, "size", "minItems", "maxItems")
    most = a.most("maxItems")
    if part.words.get("uniqueItems") is True and True not in a.stated("uniqueItems") and most not in (0, 1):
        found += search.say(
            place,
            place.at("uniqueItems"),
            "items",
            "items must be unique now",
            "items need no longer be unique",
        )
    count = max(part.prefix()[1], *(one.prefix()[1] for one in a.parts), 0)
    for index in [*range(count), None]:
        demanded = part.for_item(index)
        known = a.for_item(index)
        if Known(known).empty or (most is not None and most <= (count if index is None else index)):
            break  # no data has an item there, nor any behind it
        if not demanded:
            continue
        if any(_never(item) for item in demanded):
            at = next(item for item in demanded if _never(item))
            number = count if index is None else index
            found += search.say(
                at, at.pointer, "items",
                f"no more than {number} items are permitted now",
                f"more than {number} items are permitted now",
            )  # fmt: skip
            break
        found += search.inside(known, demanded)
    return found + _contains(search, a, part)


def _contains(search: Search, a: Known, part: Conjunct) -> list[Finding]:
    if "contains" not in part.words:
        return []
    place = part.place
    least, most = part.words.get("minContains", 1), part.words.get("maxContains")
    if least == 0 and most is None:
        return []
    others = [one for one in a.parts if "contains" in one.words]
    for one in others:
        mine, its = place.below("contains"), one.place.below("contains")
        enough = one.words.get("minContains", 1) >= least
        few = most is None or one.words.get("maxContains", most + 1) <= most
        if (
            (enough and few)
            and not (least and search.inside((its,), (mine,)))
            and not (most is not None and search.inside((mine,), (its,)))
        ):
            return []
    if others or most is not None:
        return search.unsure(place, place.at("contains"), "whether the items still hold what they have to")
    return search.say(
        place, place.at("contains"), "items",
        "an item of a certain kind must be there now", "an item of a certain kind need no longer be there",
    )  # fmt: skip
