"""The keywords that combine schemas: ``anyOf``, ``oneOf``, ``not``, ``if``; see ``_compatibility_checks``."""

from __future__ import annotations

from .findings import Finding, Search, as_unsure
from .known import Known, disjoint
from .parts import Conjunct
from .schema import NUMBERS, Place, made_up


def choices(search: Search, a: Known, part: Conjunct) -> list[Finding]:
    """Findings of the keywords that combine schemas; ``allOf`` is taken out before."""
    found: list[Finding] = []
    if "anyOf" in part.words:
        found += _alternatives(search, a, part, "anyOf")
    if "oneOf" in part.words:
        found += _alternatives(search, a, part, "oneOf")
    if "not" in part.words:
        found += _not(search, a, part)
    if "if" in part.words:
        found += _conditional(search, a, part)
    return found


def _alternatives(
    search: Search, a: Known, part: Conjunct, keyword: str, split: bool = True
) -> list[Finding]:
    """``anyOf``: one branch must accept everything; ``oneOf``: and the others nothing of it."""
    branches = part.places(keyword)
    search.spend(len(branches))
    if keyword == "oneOf" and any(
        _pairwise_equal(search, other.places("oneOf"), branches)
        for other in a.parts
        if "oneOf" in other.words
    ):
        return []
    apart = [disjoint(a, Known((branch,))) for branch in branches]
    found = [search.between(a.places, (branch,)) for branch in branches]
    for index, reasons in enumerate(found):
        alone = all(apart[other] for other in range(len(branches)) if other != index)
        if not reasons and (keyword == "anyOf" or alone):
            return []
    groups = _groups(a)
    if split and len(groups) > 1:
        pieces = []
        for group in groups:
            known = Known((*a.places, made_up({"type": group})))
            if not known.empty:
                pieces += _alternatives(search, known, part, keyword, split=False)
        return pieces
    left = [index for index, gone in enumerate(apart) if not gone]
    place = part.place
    if not left:
        what = groups[0] if len(groups) == 1 else "value"
        return search.say(
            place, place.at(keyword), "alternatives",
            f"no alternative permits this {what} any more",
            f"an alternative permits this {what} now",
        )  # fmt: skip
    if len(left) == 1 and found[left[0]]:
        return found[left[0]]
    return search.unsure(place, place.at(keyword), "whether exactly one alternative fits"
                         if keyword == "oneOf" else "whether an alternative fits")  # fmt: skip


def _groups(a: Known) -> list[str]:
    names = {"number" if name in NUMBERS else name for name in a.types}
    return sorted(names)


def _pairwise_equal(search: Search, ones: list[Place], others: list[Place]) -> bool:
    if len(ones) != len(others):
        return False
    rest = list(ones)
    for other in others:
        match = next((one for one in rest if _equal(search, one, other)), None)
        if match is None:
            return False
        rest.remove(match)
    return True


def _equal(search: Search, one: Place, other: Place) -> bool:
    return not search.between((one,), (other,)) and not search.between((other,), (one,))


def _not(search: Search, a: Known, part: Conjunct) -> list[Finding]:
    place = part.place.below("not")
    if disjoint(a, Known((place,))):
        return []
    for other in a.parts:
        if "not" in other.words and not search.between((place,), (other.place.below("not"),)):
            return []
    if not search.between(a.places, (place,)):
        return search.say(
            place,
            place.pointer,
            "forbidden",
            "everything is excluded now",
            "not everything is excluded any more",
        )
    return search.unsure(place, place.pointer, "whether anything is excluded that was not")


def _conditional(search: Search, a: Known, part: Conjunct) -> list[Finding]:
    place = part.place
    then = [place.below("then")] if "then" in part.words else []
    otherwise = [place.below("else")] if "else" in part.words else []
    if not then and not otherwise:
        return []
    test = place.below("if")
    for other in a.parts:
        if "if" not in other.words or not _equal(search, other.place.below("if"), test):
            continue
        used = frozenset({(other.place.key, "if")})
        found: list[Finding] = []
        if then:
            its = [other.place.below(word) for word in ("if", "then") if word in other.words]
            found += search.between((*a.places, *its), then, used)
        if otherwise:
            its = [other.place.below("else")] if "else" in other.words else []
            found += search.between((*a.places, *its), otherwise, used)
        return found
    found = []
    if then and not disjoint(a, Known((test,))):
        found += search.between((*a.places, test), then)
    if otherwise:
        reasons = search.between(a.places, otherwise)
        certain = disjoint(a, Known((test,)))
        found += reasons if certain else as_unsure(reasons)
    return found
