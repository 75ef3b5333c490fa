"""Fits a bundle to a workspace as settings ask for: a profile's rules, other values of parameters. Pure.

A profile leaves rules out by name and never silently: they stay in the plan, unselected. A parameter's new
value has to fit the bundle's unit. The bundle itself, its files and its digest, stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ...evidence.base.canonical import canonical
from ...evidence.base.errors import ConfigError, InternalError, PolicyError, nearest, suggestion
from ...evidence.base.records import lookup
from ..decision.document import Override, Profile
from ..policy.interface import Bundle
from .model import Plan, Rule, Stage
from .parameters import fits
from .recorded import Parameter

MANIFEST = ".manifest"


def read_profiles(metadata: Mapping[str, Any], stages: Iterable[Stage]) -> dict[str, Profile]:
    """The profiles that the manifest defines under ``metadata.profiles``, by name.

    Raises PolicyError: one is malformed, or names a collection that no rule is in.
    """
    described = metadata.get("profiles", {})
    if not isinstance(described, dict):
        raise _wrong("'profiles' must be a mapping")
    known = sorted({name for stage in stages for rule in stage.rules for name in rule.collections})
    found = {}
    for name, value in described.items():
        title = value.get("title") if isinstance(value, dict) else None
        collections: Any = value.get("collections") if isinstance(value, dict) else None
        if not isinstance(title, str) or not title.strip() or not is_names(collections):
            raise _wrong(f"the profile {name[:80]!r} needs a title, and collections as a list of names")
        for collection in collections:
            if collection not in known:
                what = f"the profile {name[:80]!r} names the collection {collection!r}, which no rule is in"
                raise _wrong(what, f"{suggestion(collection, known)}; " if known else "")
        found[name] = Profile(name, title, tuple(collections))
    return found


def _wrong(what: str, advice: str = "") -> PolicyError:
    remedy = f"{advice}see `gate docs policy-bundles`"
    return PolicyError(what, path=MANIFEST, place="metadata.profiles", remedy=remedy)


def is_names(value: Any) -> bool:
    """Whether the value is a list of strings that is not empty, and none of them is."""
    return isinstance(value, list) and bool(value) and all(isinstance(n, str) and n.strip() for n in value)


def select(plan: Plan, name: str | None, path: str) -> Plan:
    """The plan with only the profile's rules selected; without a name, the plan itself.

    A rule that is in no collection, and one that cannot be waived, is in every profile.

    Args:
        path: the file that names the profile, for messages.

    Raises ConfigError: the bundle has no such profile.
    """
    if name is None:
        return plan
    profile = plan.profiles.get(name)
    if profile is None:
        remedy = (
            suggestion(name, plan.profiles) if plan.profiles else "remove it: the bundle defines no profile"
        )
        what = f"the policy bundle has no profile {name[:80]!r}"
        raise ConfigError(what, path=path, place="policy.profile", remedy=remedy)

    def chosen(rule: Rule) -> bool:
        always = not rule.collections or rule.code in plan.never_waived
        return always or not set(profile.collections).isdisjoint(rule.collections)

    stages = {
        key: replace(stage, rules=tuple(replace(rule, selected=chosen(rule)) for rule in stage.rules))
        for key, stage in plan.stages.items()
    }
    return replace(plan, stages=stages, profile=profile)


def refuse_empty(plan: Plan, needed: Collection[str]) -> None:
    """Refuse to judge a stage of which the profile in force selects nothing: it would pass without judging.

    Raises PolicyError: there is such a stage among those needed.
    """
    empty = [name for name in needed if not any(rule.selected for rule in plan.stages[name].rules)]
    if empty and plan.profile is not None:
        what = f"the profile {plan.profile.name!r} has no rule of {', '.join(empty)}: nothing would be judged"
        remedy = "judge another stage, choose another profile, or put rules of it into a collection"
        raise PolicyError(what, path=MANIFEST, place="metadata.profiles", remedy=remedy)


def _is_storable(value: Any) -> bool:
    """Whether a decision can carry the value: no decimals, no integers beyond 2^53."""
    try:
        canonical(value)
    except InternalError:
        return False
    return True


def override(bundle: Bundle, wanted: Sequence[Parameter], path: str) -> tuple[Bundle, tuple[Override, ...]]:
    """The bundle with other values of parameters, and each of them with the value that it had.

    Args:
        bundle: one of which a plan can be made.
        wanted: names (``stage1.test_coverage_min``) and values.
        path: the file that sets them, for messages.

    Raises ConfigError: there is no such parameter, or the value does not fit its unit.
    """
    groups: dict[str, dict[str, Any]] = lookup(bundle.data, "gate.params") or {}
    known = {f"{group}.{name}": (group, name) for group, entries in groups.items() for name in entries}
    changed = {group: dict(entries) for group, entries in groups.items()}
    found = []
    for one in sorted(wanted, key=lambda item: item.name):
        place = f"policy.parameters.{one.name[:160]}"
        if one.name not in known:
            meant = nearest(one.name, known)
            remedy = f"did you mean {meant!r}? " if meant else ""
            remedy += "`gate docs policies` lists the parameters of the shipped bundle"
            what = "the policy bundle has no such parameter"
            raise ConfigError(what, path=path, place=place, remedy=remedy)
        group, name = known[one.name]
        entry = groups[group][name]
        unit = entry["unit"]
        if not one.rationale.strip():
            what = "the rationale is empty"
            raise ConfigError(what, path=path, place=f"{place}.rationale", remedy="say why the value differs")
        if one.unit not in (None, unit):
            what = f"the parameter has the unit {unit!r}, not {str(one.unit)[:80]!r}"
            remedy = "convert the value, or leave the unit out"
            raise ConfigError(what, path=path, place=f"{place}.unit", remedy=remedy)
        good, needed = fits(one.value, unit)
        if not good or not _is_storable(one.value):
            what = f"the parameter has the unit {unit!r}, so its value must be {needed}"
            remedy = f"write it as the bundle does: {str(entry['value'])[:80]}"
            raise ConfigError(what, path=path, place=f"{place}.value", remedy=remedy)
        changed[group][name] = {**entry, "value": one.value, "rationale": one.rationale}
        found.append(Override(one.name, unit, entry["value"], one.value, one.rationale))
    data = {**bundle.data, "gate": {**(bundle.data.get("gate") or {}), "params": changed}}
    return replace(bundle, data=data), tuple(found)
