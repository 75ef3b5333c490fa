"""The parameters of a bundle: every one of them is what its unit says, before anything is compared with it.

Rego compares values of any two types without complaint: a threshold that is null or a text would make a rule
fail, or hold, for every evidence. Such a bundle is wrong and must not look like a verdict about the evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...evidence.base.canonical import MAX_SAFE_INTEGER
from ...evidence.base.errors import PolicyError

OUTCOMES = ("PASS", "FAIL", "FAIL_CRITICAL", "CONDITIONAL")
"""What the actions of a stage are listed for; FAIL_CRITICAL is a FAIL with a critical violation."""

TEXT_UNITS = frozenset({"text", "string", "name", "state", "type"})
"""Units of parameters that are texts; a unit that is not known is one of whole numbers."""

_PARTS = ("value", "unit", "rationale")
_MAP_OF = "map of "
_COMMON = "common"

Parameters = dict[str, Any]
"""Values by the parameters' names."""


class Common:
    """The parameters that the engine itself uses.

    Args:
        data: the bundle's data.

    Raises:
        PolicyError: a parameter of any group is no parameter or does not fit its unit.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        groups: Any = data
        for part in ("gate", "params"):
            groups = groups.get(part) if isinstance(groups, dict) else None
        if not isinstance(groups, dict) or not isinstance(groups.get(_COMMON), dict):
            raise _wrong("the data of gate/params/common is missing", _COMMON)
        for group, entries in groups.items():
            _check_group(group, entries)
        self._entries: dict[str, Any] = groups[_COMMON]

    def due_days(self) -> dict[str, int]:
        """Days that a condition may stay open, by severity."""
        days: dict[str, int] = self._value("condition_due_days", "map of days")
        for severity, count in days.items():
            if count < 0:
                raise _wrong(
                    f"the parameter 'condition_due_days' cannot have {count} days for {severity}",
                    _COMMON,
                    "condition_due_days.value",
                    "write a number of days that is not negative",
                )
        return days

    def waiver_roles(self) -> tuple[str, ...]:
        """Roles that may approve a waiver."""
        roles = self._value("waiver_approver_roles", "list")
        if not all(_is_text(role) for role in roles):
            raise _wrong(
                "the parameter 'waiver_approver_roles' must list roles as texts",
                _COMMON,
                "waiver_approver_roles.value",
                "quote each role's name",
            )
        return tuple(roles)

    def waiver_warning_days(self) -> int:
        """Days before a waiver's end at which decisions begin to warn."""
        days: int = self._value("waiver_expiry_warning_days", "days")
        return days

    def actions(self, stages: Iterable[str]) -> dict[str, dict[str, str]]:
        """What people are to do after each outcome, for the stages that say so."""
        return {
            stage: self._actions(f"{stage}_actions")
            for stage in stages
            if f"{stage}_actions" in self._entries
        }

    def _actions(self, name: str) -> dict[str, str]:
        table: dict[str, str] = self._value(name, "map")
        if set(table) != set(OUTCOMES) or not all(_is_text(text) for text in table.values()):
            raise _wrong(
                f"the parameter {name!r} needs a text for exactly {', '.join(OUTCOMES)}",
                _COMMON,
                f"{name}.value",
                "write one quoted text for each of them and nothing else",
            )
        return table

    def _value(self, name: str, unit: str) -> Any:
        entry = self._entries.get(name)
        if entry is None:
            raise _wrong(
                f"the parameter {name!r} is missing", _COMMON, name, f"add it with the unit {unit!r}"
            )
        if entry["unit"] != unit:
            raise _wrong(
                f"the parameter {name!r} must have the unit {unit!r}",
                _COMMON,
                f"{name}.unit",
                "write the value in this unit",
            )
        return entry["value"]


def _wrong(what: str, group: str, place: str | None = None, remedy: str | None = None) -> PolicyError:
    return PolicyError(
        what,
        path=f"gate/params/{group}/data.yaml",
        place=place,
        remedy=remedy or "write parameters as name: {value, unit, rationale}; see policies/README.md",
    )


def _check_group(group: str, entries: Any) -> None:
    if not isinstance(entries, dict):
        raise _wrong(f"the data of gate/params/{group} holds no parameters", group)
    for name, entry in entries.items():
        if not isinstance(entry, dict) or not entry.keys() >= set(_PARTS):
            raise _wrong(f"the parameter {name!r} needs 'value', 'unit' and 'rationale'", group, str(name))
        for part in ("unit", "rationale"):
            if not _is_text(entry[part]):
                raise _wrong(f"the parameter {name!r} needs its {part!r} as text", group, str(name))
        wanted = _misfit(entry["value"], entry["unit"])
        if wanted is not None:
            raise _wrong(
                f"the parameter {name!r} has the unit {entry['unit']!r}, so its value must be {wanted}",
                group,
                f"{name}.value",
                "correct the value, or the unit if that is what is wrong; policies/README.md lists the units",
            )


def _misfit(value: Any, unit: str) -> str | None:
    """What a value of this unit has to be; None where it is."""
    if unit == "list":
        fits, wanted = _is_list(value), "a list that is not empty"
    elif unit == "map":
        fits, wanted = _is_map(value), "a mapping that is not empty"
    elif unit.startswith(_MAP_OF):
        fits = _is_map(value) and all(_is_number(item) for item in value.values())
        wanted = "a mapping to whole numbers that is not empty"
    elif unit == "boolean":
        fits, wanted = isinstance(value, bool), "true or false"
    elif unit in TEXT_UNITS:
        fits, wanted = _is_text(value), "a text that is not empty"
    else:
        fits, wanted = _is_number(value), "a whole number below 2^53"
    return None if fits else wanted


def _is_number(value: Any) -> bool:
    return type(value) is int and abs(value) <= MAX_SAFE_INTEGER


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and None not in value


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and None not in value.values()
