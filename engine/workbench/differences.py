"""What changed from one bundle to another, and whether that loosens it, where it can be known. Pure.

A threshold's direction is known where rules compare with it in the usual way, ``check_… :=
data.gate.lib.check(…)``, by helpers of ``gate.lib`` that are defined as gate ships them. All else is called
changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

from msgspec import Struct

from ...evidence.base.canonical import canonical
from ...evidence.base.times import format_utc
from ..decide.model import Plan, Rule, Stage
from ..decide.parameters import ON_UNKNOWN
from ..policy.annotations import LITERAL
from ..policy.bundle import SHIPPED, load_bundle
from ..policy.interface import Bundle
from ..policy.portable import arguments_of, masked_literal
from .bundles import Planned
from .catalog import Threshold, definitions, parts, thresholds

K = TypeVar("K")
V = TypeVar("V")
LOOSENED, TIGHTENED, CHANGED = "loosened", "tightened", "changed"

_HIGHER_LOOSENS, _LOWER_LOOSENS = 1, -1
_DIRECTIONS = {
    ("at_least", 2): _LOWER_LOOSENS,
    ("above", 2): _LOWER_LOOSENS,
    ("between", 2): _LOWER_LOOSENS,
    ("at_most", 2): _HIGHER_LOOSENS,
    ("below", 2): _HIGHER_LOOSENS,
    ("between", 3): _HIGHER_LOOSENS,
    ("contains_all", 2): _LOWER_LOOSENS,
    ("governance", 1): _LOWER_LOOSENS,
    ("one_of", 2): _HIGHER_LOOSENS,
}
"""Helper and place of the threshold in its arguments → whether a higher value, or a longer list, loosens."""
_NEUTRAL = ("signoff_conditions", 2)
"""A use that decides nothing about whether a rule holds."""
_ENGINE = {
    "common.condition_due_days": _HIGHER_LOOSENS,
    "common.never_waived": _LOWER_LOOSENS,
    "common.waiver_approver_roles": _HIGHER_LOOSENS,
}
"""The same for the parameters that the engine itself uses."""

_CALL = re.compile(r"\bdata\.gate\.lib\.(\w+)\(")
_LIB = "gate.lib"


class Difference(Struct, frozen=True):
    """One difference.

    Attributes:
        kind: ``bundle``, ``stage``, ``rule``, ``profile``, ``threshold``, ``definition`` or ``data``.
        what: ``added``, ``removed`` or ``changed``.
        effect: ``loosened``, ``tightened``, or ``changed`` where neither can be known.
        text: the difference in words.
        before, after: the values, of a threshold or severity.
    """

    kind: str
    name: str
    what: str
    effect: str
    text: str
    before: Any = None
    after: Any = None


def differences(old: Planned, new: Planned) -> list[Difference]:
    """Everything that differs from the old bundle to the new one; what loosens comes first."""
    was, now = definitions(old.bundle), definitions(new.bundle)
    found = [
        *_identity(old.bundle, new.bundle),
        *_stages(old.plan, new.plan),
        *_rules(old.plan, new.plan, was, now),
        *_profiles(old.plan, new.plan),
        *_thresholds(old.bundle, new.bundle, was, now),
        *_definitions(old.plan, new.plan, was, now),
        *_data(old.bundle.data, new.bundle.data),
    ]
    return sorted(found, key=lambda one: (LOOSENED, TIGHTENED, CHANGED).index(one.effect))


def _pairs(old: Mapping[K, V], new: Mapping[K, V]) -> Iterator[tuple[K, V | None, V | None, str]]:
    """What is not the same in two mappings: key, both values, and what happened to it."""
    for key in dict.fromkeys([*old, *new]):
        was, now = old.get(key), new.get(key)
        if was != now:
            yield key, was, now, "added" if key not in old else "removed" if key not in new else "changed"


def _identity(old: Bundle, new: Bundle) -> Iterator[Difference]:
    if (old.name, old.version) != (new.name, new.version):
        text = f"{old.name} {old.version} → {new.name} {new.version}"
    else:
        text = f"both call themselves {old.name} {old.version}; give the new one its own revision"
        if old.digest == new.digest:
            return
    yield Difference("bundle", "identity", "changed", CHANGED, text)


def _stages(old: Plan, new: Plan) -> Iterator[Difference]:
    for name, was, now, what in _pairs(old.stages, new.stages):
        if was is None or now is None:
            effect = TIGHTENED if was is None else LOOSENED
            yield Difference("stage", name, what, effect, f"the stage was {what}")
            continue
        gone, come = set(was.depends_on) - set(now.depends_on), set(now.depends_on) - set(was.depends_on)
        for word, effect, stages in (("no longer", LOOSENED, gone), ("now", TIGHTENED, come)):
            for other in sorted(stages):
                yield Difference("stage", name, "changed", effect, f"{word} depends on {other}")
        if words := _words(was, now, ("title", "question", "evidence", "headline", "exhibits")):
            yield Difference("stage", name, "changed", CHANGED, f"{words} changed")


def _words(was: Rule | Stage, now: Rule | Stage, names: tuple[str, ...]) -> str:
    return ", ".join(name.replace("_", " ") for name in names if getattr(was, name) != getattr(now, name))


def _by_code(plan: Plan) -> dict[str, Rule]:
    return {rule.code: rule for stage in plan.stages.values() for rule in stage.rules}


def _rules(
    old: Plan, new: Plan, was: dict[tuple[str, str], str], now: dict[tuple[str, str], str]
) -> Iterator[Difference]:
    before, after = _by_code(old), _by_code(new)
    for code in dict.fromkeys([*before, *after]):
        rule, other = before.get(code), after.get(code)
        if rule is None or other is None:
            what, effect = ("added", TIGHTENED) if rule is None else ("removed", LOOSENED)
            one = rule or other
            assert one is not None  # noqa: S101 - the code is of one of them
            yield Difference("rule", code, what, effect, f"{one.severity} rule {what}: {one.title}")
            continue
        if rule.severity != other.severity:
            text = f"severity {rule.severity} → {other.severity}"
            effect = LOOSENED if other.severity.rank > rule.severity.rank else TIGHTENED
            yield Difference("rule", code, "changed", effect, text, str(rule.severity), str(other.severity))
        unknown = old.on_unknown.get(code, "fail"), new.on_unknown.get(code, "fail")
        if unknown[0] != unknown[1]:
            ranks = [ON_UNKNOWN.index(one) for one in unknown]  # each demands less than the one before
            effect = LOOSENED if ranks[1] > ranks[0] else TIGHTENED
            text = f"what follows when it cannot be told: {unknown[0]} → {unknown[1]}"
            yield Difference("rule", code, "changed", effect, text, *unknown)
        if rule.effective_on_s != other.effective_on_s:
            dates = _date(rule), _date(other)
            effect = LOOSENED if (other.effective_on_s or 0) > (rule.effective_on_s or 0) else TIGHTENED
            yield Difference("rule", code, "changed", effect, f"binds {dates[0]} → {dates[1]}", *dates)
        if rule.collections != other.collections:
            # without collections it is in every profile
            effect = TIGHTENED if not other.collections else CHANGED if rule.collections else LOOSENED
            lists = list(rule.collections), list(other.collections)
            text = f"collections: {', '.join(lists[0]) or 'none'} → {', '.join(lists[1]) or 'none'}"
            yield Difference("rule", code, "changed", effect, text, *lists)
        texts, others = parts(rule, was), parts(other, now)
        odd = [name for name in dict.fromkeys([*texts, *others]) if texts.get(name) != others.get(name)]
        if odd:
            yield Difference("rule", code, "changed", CHANGED, f"Rego of {', '.join(odd)} changed")
        described = (
            "title", "description", "risk", "solution", "owner", "controls", "facts", "optional_facts",
        )  # fmt: skip
        if words := _words(rule, other, described):
            yield Difference("rule", code, "changed", CHANGED, f"{words} changed")


def _date(rule: Rule) -> str:
    return "always" if rule.effective_on_s is None else f"from {format_utc(rule.effective_on_s)}"


def _profiles(old: Plan, new: Plan) -> Iterator[Difference]:
    for name, _, _, what in _pairs(old.profiles, new.profiles):
        yield Difference("profile", name, what, CHANGED, f"the profile was {what}")


def _thresholds(
    old: Bundle, new: Bundle, was: dict[tuple[str, str], str], now: dict[tuple[str, str], str]
) -> Iterator[Difference]:
    for name, one, other, what in _pairs(thresholds(old), thresholds(new)):
        if one is None or other is None:
            there = one or other
            assert there is not None  # noqa: S101 - the name is of one of them
            yield Difference("threshold", name, what, CHANGED, f"{what}: {there.shown()} ({there.unit})")
        elif (one.value, one.unit) != (other.value, other.unit):
            if name == "common.on_unknown":
                continue  # told rule by rule
            effect = _effect(one, other, {_direction(name, was), _direction(name, now)})
            same = "; its rationale is the same" if one.rationale == other.rationale else ""
            text = f"{_moved(one, other)}{same}"
            yield Difference("threshold", name, what, effect, text, one.value, other.value)
        else:
            yield Difference("threshold", name, "changed", CHANGED, "rationale changed")


def _moved(one: Threshold, other: Threshold) -> str:
    if isinstance(one.value, list) and isinstance(other.value, list):
        gone = [str(item) for item in one.value if item not in other.value]
        come = [str(item) for item in other.value if item not in one.value]
        words = [f"without {', '.join(gone)}"] * bool(gone) + [f"with {', '.join(come)}"] * bool(come)
        return " and ".join(words) or "other order"
    text = f"{one.shown(other.value)} → {other.shown(one.value)}"
    raw = f"{one.value} → {other.value} {other.unit}"
    plain = isinstance(one.value, int) and isinstance(other.value, int) and one.unit == other.unit
    return f"{text} ({raw})" if plain and str(one.value) != one.shown(other.value) else text


def _effect(one: Threshold, other: Threshold, directions: set[int | None]) -> str:
    direction = directions.pop() if len(directions) == 1 else None
    step = _step(one.value, other.value)
    if direction is None or step == 0 or one.unit != other.unit:
        return CHANGED
    return LOOSENED if step == direction else TIGHTENED


def _step(before: Any, after: Any) -> int:
    """1 for a higher number or a longer list, -1 for a lower or shorter one, 0 where it is neither."""
    if type(before) is int and type(after) is int:
        return (after > before) - (after < before)
    if isinstance(before, list) and isinstance(after, list):
        had, has = ({canonical(item) for item in items} for items in (before, after))
        return (has > had) - (has < had)
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        steps = {_step(before[key], after[key]) for key in before if before[key] != after[key]}
        return steps.pop() if len(steps) == 1 else 0
    return 0


def _direction(name: str, defined: Mapping[tuple[str, str], str]) -> int | None:
    """Which way the threshold loosens; None where it is used in a way that does not say."""
    reference = re.compile(rf"\bdata\.gate\.params\.{re.escape(name)}\b")
    uses = sum(len(reference.findall(text)) for text in defined.values())
    if name in _ENGINE:
        return _ENGINE[name] if uses == 0 else None
    found, told = set(), 0
    for (_, owner), text in defined.items():
        usual = text.startswith(f"{owner} := data.gate.lib.check(") and owner.startswith("check_")
        for helper, arguments in _calls(text):
            for place, argument in enumerate(arguments):
                if not reference.fullmatch(argument):
                    continue
                if usual and (helper, place) in _DIRECTIONS and _is_shipped(helper, defined):
                    found.add(_DIRECTIONS[helper, place])
                    told += 1
                told += (helper, place) == _NEUTRAL
    return found.pop() if len(found) == 1 and told == uses and _is_shipped("check", defined) else None


def _calls(text: str) -> Iterator[tuple[str, list[str]]]:
    """The helpers that are called in the text, with their arguments."""
    code = LITERAL.sub(masked_literal, text)
    for call in _CALL.finditer(code):
        yield call[1], [text[begin:end].strip() for begin, end in arguments_of(code, call.end())]


def _is_shipped(helper: str, defined: Mapping[tuple[str, str], str]) -> bool:
    """Whether the helper, and everything that it uses, is defined as in the shipped bundle."""
    shipped = _shipped()
    names = {name for package, name in shipped if package == _LIB}
    pending, seen = [helper], set[str]()
    while pending:
        name = pending.pop()
        text = shipped.get((_LIB, name))
        if text is None or text != defined.get((_LIB, name)):
            return False
        seen.add(name)
        pending += [one for one in names - seen if re.search(rf"\b{one}\b", text)]
    return True


@cache
def _shipped() -> dict[tuple[str, str], str]:
    return definitions(load_bundle(SHIPPED))


def _definitions(
    old: Plan, new: Plan, was: dict[tuple[str, str], str], now: dict[tuple[str, str], str]
) -> Iterator[Difference]:
    """Differences in what is part of no rule: helpers and other packages."""
    of_rules = {
        (f"gate.{rule.stage}", name)
        for plan, defined in ((old, was), (new, now))
        for rule in _by_code(plan).values()
        for name in parts(rule, defined)
    }
    for key, _, _, what in _pairs(was, now):
        if key not in of_rules:
            yield Difference("definition", ".".join(key), what, CHANGED, f"Rego {what}")


def _data(old: Mapping[str, Any], new: Mapping[str, Any], place: str = "") -> Iterator[Difference]:
    """Differences in data that is no parameter."""
    for key, was, now, what in sorted(_pairs(old, new), key=itemgetter(0)):
        where = f"{place}.{key}" if place else key
        if where == "gate.params":
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            yield from _data(was, now, where)
        else:
            yield Difference("data", where, what, CHANGED, f"data {what}")
