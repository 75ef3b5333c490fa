"""Checks each parameter of a bundle against its unit, before anything is compared with it. Pure.

Rego compares values of any two types without complaint: a threshold that is null or a string would make a
rule fail, or hold, whatever the evidence. Such a bundle is wrong, and that must not look like a verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from ...evidence.base.canonical import MAX_SAFE_INTEGER
from ...evidence.base.errors import PolicyError, nearest
from ..policy.interface import Reporter, refuse, reporting

OUTCOMES = ("PASS", "FAIL", "FAIL_CRITICAL", "CONDITIONAL")
"""What the actions of a stage are listed for; FAIL_CRITICAL is a FAIL with a critical violation."""

ON_UNKNOWN = ("fail", "condition", "warn")
"""What a rule that cannot be told may lead to; the first one is the default."""

STRING_UNITS = frozenset({"text", "string", "name", "state", "type"})
"""Units of parameters that are strings; a unit that is not known is one of whole numbers."""

_COMMON = "common"


class Common:
    """The parameters that the engine itself uses.

    Raises PolicyError: a parameter of any group is incomplete or does not fit its unit.
    """

    def __init__(self, data: dict[str, Any], report: Reporter = refuse) -> None:
        groups: Any = data
        for part in ("gate", "params"):
            groups = groups.get(part) if isinstance(groups, dict) else None
        if not isinstance(groups, dict) or not isinstance(groups.get(_COMMON), dict):
            raise _wrong("the data of gate/params/common is missing")
        for group, entries in groups.items():
            with reporting("threshold", report):
                _check_group(group, entries, report)
        self._entries: dict[str, Any] = groups[_COMMON]

    def due_days(self) -> dict[str, int]:
        """Days that a condition may stay open, by severity."""
        days: dict[str, int] = self._value("condition_due_days", "map of days")
        for severity, count in days.items():
            if count < 0:
                what = f"the parameter 'condition_due_days' cannot have {count} days for {severity}"
                raise _wrong(what, "condition_due_days.value", "write a number of days that is not negative")
        return days

    def waiver_roles(self) -> tuple[str, ...]:
        """Roles that may approve a waiver."""
        roles = self._value("waiver_approver_roles", "list")
        if not all(_is_string(role) for role in roles):
            what = "the parameter 'waiver_approver_roles' must list roles as strings"
            raise _wrong(what, "waiver_approver_roles.value", "quote each role's name")
        return tuple(roles)

    def waiver_warning_days(self) -> int:
        """Days before a waiver's end at which decisions begin to warn."""
        days: int = self._value("waiver_expiry_warning_days", "days")
        return days

    def actions(self, stages: Iterable[str]) -> dict[str, dict[str, str]]:
        """What people are asked to do after each of ``OUTCOMES``, for the stages that say so."""
        names = {stage: f"{stage}_actions" for stage in stages}
        found = {stage: self._value(name, "map") for stage, name in names.items() if name in self._entries}
        for stage, table in found.items():
            if set(table) != set(OUTCOMES) or not all(_is_string(text) for text in table.values()):
                what = f"the parameter {names[stage]!r} needs a string for exactly {', '.join(OUTCOMES)}"
                remedy = "write one quoted string for each of them and nothing else"
                raise _wrong(what, f"{names[stage]}.value", remedy)
        return found

    def on_unknown(self, codes: Collection[str]) -> dict[str, str]:
        """What follows when a rule cannot be told, by rule code, for the rules that do not simply fail.

        Returns:
            code → one of ``ON_UNKNOWN``; a rule that is not listed has ``fail``. Empty where the bundle does
            not have the parameter.
        """
        if "on_unknown" not in self._entries:
            return {}
        outcomes: dict[str, str] = self._value("on_unknown", "outcomes")
        for code, outcome in outcomes.items():
            if code not in codes:
                meant = nearest(code, codes)
                what = f"the parameter 'on_unknown' names the rule {code!r}, which the bundle does not have"
                remedy = f"did you mean {meant!r}?" if meant else "correct the code, or take it out"
            elif outcome not in ON_UNKNOWN:
                what = f"the parameter 'on_unknown' has {outcome!r} for {code}"
                remedy = f"write one of {', '.join(ON_UNKNOWN)}"
            else:
                continue
            raise _wrong(what, f"on_unknown.value.{code}", remedy)
        return outcomes

    def never_waived(self, codes: Collection[str]) -> tuple[str, ...]:
        """Codes of rules that no waiver can be for; none where the bundle does not have the parameter."""
        if "never_waived" not in self._entries:
            return ()
        listed = self._value("never_waived", "list")
        for code in listed:
            if code not in codes:
                what = f"the parameter 'never_waived' names {code!r}, which is no rule of the bundle"
                raise _wrong(what, "never_waived.value", "correct the code, or take it out")
        return tuple(listed)

    def _value(self, name: str, unit: str) -> Any:
        entry = self._entries.get(name)
        if entry is None:
            raise _wrong(f"the parameter {name!r} is missing", name, f"add it with the unit {unit!r}")
        _check_entry(_COMMON, name, entry)
        if entry["unit"] != unit:
            what = f"the parameter {name!r} must have the unit {unit!r}"
            raise _wrong(what, f"{name}.unit", "write the value in this unit")
        return entry["value"]


def _wrong(
    what: str, place: str | None = None, remedy: str | None = None, group: str = _COMMON
) -> PolicyError:
    remedy = remedy or "write parameters as name: {value, unit, rationale}; see policies/README.md"
    return PolicyError(what, path=f"gate/params/{group}/data.yaml", place=place, remedy=remedy)


def _check_group(group: str, entries: Any, report: Reporter) -> None:
    if not isinstance(entries, dict):
        raise _wrong(f"the data of gate/params/{group} holds no parameters", group=group)
    for name, entry in entries.items():
        with reporting("threshold", report):
            _check_entry(group, name, entry)


def _check_entry(group: str, name: str, entry: Any) -> None:
    if not isinstance(entry, dict) or not entry.keys() >= {"value", "unit", "rationale"}:
        what = f"the parameter {name!r} needs 'value', 'unit' and 'rationale'"
        raise _wrong(what, str(name), group=group)
    for part in ("unit", "rationale"):
        if not _is_string(entry[part]):
            raise _wrong(f"the parameter {name!r} needs its {part!r} as a string", str(name), group=group)
    unit = entry["unit"]
    good, needed = fits(entry["value"], unit)
    if not good:
        what = f"the parameter {name!r} has the unit {unit!r}, so its value must be {needed}"
        remedy = "correct the value, or the unit if that is what is wrong; policies/README.md lists the units"
        raise _wrong(what, f"{name}.value", remedy, group)


def fits(value: Any, unit: str) -> tuple[bool, str]:
    """Whether the value fits the unit, and what a fitting value is, in words."""
    if unit == "list":
        good = isinstance(value, list) and bool(value) and None not in value
        return good, "a list that is not empty"
    if unit == "map":
        return _is_map(value), "a mapping that is not empty"
    if unit.startswith("map of "):
        good = _is_map(value) and all(_is_number(item) for item in value.values())
        return good, "a mapping to whole numbers that is not empty"
    if unit == "outcomes":
        good = isinstance(value, dict) and all(_is_string(item) for item in value.values())
        return good, f"a mapping from rule codes to {', '.join(ON_UNKNOWN)}"
    if unit == "boolean":
        return isinstance(value, bool), "true or false"
    if unit in STRING_UNITS:
        return _is_string(value), "a string that is not empty"
    return _is_number(value), "a whole number below 2^53"


def _is_number(value: Any) -> bool:
    return type(value) is int and abs(value) <= MAX_SAFE_INTEGER


def _is_string(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and None not in value.values()
