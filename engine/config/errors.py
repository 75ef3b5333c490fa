"""What is wrong with a setting, in words of the YAML file instead of those of the library that checks it.

A setting's value is never quoted: variables of declared commands may hold secrets.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from ...evidence.base.errors import ConfigError, nearest
from ...evidence.base.settings import Settings
from ...evidence.collecting.registry import BUILTIN

if TYPE_CHECKING:
    from pydantic import ValidationError

REFERENCE = "`gate docs configuration`"
OPERATOR = "`gate docs operator`"

FORMS = {
    r"^[1-9][0-9]{0,4}[smhd]$": "write it like 12h or 7d: a number, then s, m, h or d",
    r"^[0-9a-f]{64}$": "write a SHA-256 digest: 64 hexadecimal digits in lower case",
    r"^[a-z0-9][a-z0-9./_-]{0,127}$": "write lower-case letters, digits and . / _ - only",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$": "write at most 64 letters, digits and . _ - only",
    r"^[a-z][a-z0-9_]{0,63}$": "write lower-case letters, digits and underscores, a letter first",
    r"^(/([^/~]|~[01])*)*$": "write a JSON pointer, like /summary/ratio or /rows/0/name",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "write letters, digits and underscores, no digit first",
}
"""How to write a string that must match a pattern."""

_MESSAGES = {
    "dataclass_type": "must be a mapping, written as `name: value`",
    "dict_type": "must be a mapping, written as `name: value`",
    "list_type": "must be a list, written as `[a, b]` or with dashes",
    "tuple_type": "must be a list, written as `[a, b]` or with dashes",
    "string_type": "must be a string; quote numbers, true and false",
    "bool_type": "must be true or false",
    "int_type": "must be an integer, without quotes and decimal point",
    "int_from_float": "must be an integer, without quotes and decimal point",
    "float_type": "must be a number, without quotes",
    "missing": "is missing and has no default",
    "string_too_short": "must not be empty",
    "string_too_long": "is longer than {max_length} characters",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "is not written as it must be",
    "value_error": "{error}",
}
"""What is wrong, by the library's type of error."""


def page(place: Sequence[str | int]) -> str:
    """The page that describes the settings at a place."""
    first, second, *_ = [*place, "", ""]
    if first == "evidence" and second in BUILTIN:
        return f"`gate docs collectors/{second}`"
    if (first, second) == ("policy", "parameters"):
        return f"{OPERATOR}, and write {{value: …, rationale: …}}"
    if first == "limits":
        return "`gate docs limits`"
    if first == "notify":
        return "`gate docs notifications`"
    return REFERENCE


def config_error(
    error: ValidationError, kind: type[Settings], place: Sequence[str], path: str
) -> ConfigError:
    """The library's error as one for the user: the first place, and how many there are.

    Args:
        error: about a value that should be a ``kind``.
        place: keys that lead to the value in the file.
    """
    problems = error.errors(include_url=False, include_input=False)
    # a misspelled setting is also a missing one: the misspelling is what the user can see
    first = min(problems, key=lambda problem: problem["type"] == "missing")
    inner = [part for part in first["loc"] if part != "[key]"]
    context: dict[str, Any] = first.get("ctx", {})
    where = [*place, *inner]
    remedy = f"see {page(where)}"
    if first["type"] == "unexpected_keyword_argument":
        name, known = str(inner[-1]), _names(kind, inner[:-1])
        what, meant = f"there is no setting {name[:80]!r} here", nearest(name, known)
        there = f"the settings here are {', '.join(known)}; " if known else ""
        remedy = f"did you mean {meant!r}? {remedy}" if meant else f"{there}{remedy}"
    elif first["type"] in _MESSAGES:
        what = _MESSAGES[first["type"]].format(**context)
        if first["type"] == "string_pattern_mismatch":
            form = FORMS.get(context["pattern"])
            what += "" if form else f": it must match the pattern {context['pattern']}"
            remedy = f"{form}; {remedy}" if form else remedy
    else:
        what = first["msg"]
    if first["loc"] and first["loc"][-1] == "[key]":
        what = f"this name {what}"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    shown = ".".join(str(part)[:80] for part in where)
    return ConfigError(f"{what}{more}", path=path, place=shown or "top level", remedy=remedy)


def _names(kind: type[Settings], inner: Sequence[str | int]) -> list[str]:
    """Names of the settings in the class that the place leads to; empty where that is unclear."""
    hint: Any = kind
    for part in (*map(str, inner), None):
        settings, names = _settings(hint), dict[str, str]()
        if settings is not None:
            names = {one.metadata.get("alias", one.name): one.name for one in dataclasses.fields(settings)}
        if part is None or (settings is not None and part not in names):
            break
        hint = get_type_hints(settings)[names[part]] if names else next(iter(_elements(hint)), None)
    return sorted(names) if part is None else []


def _settings(hint: Any) -> type[Settings] | None:
    """The class of settings that a type is, or is beside null."""
    for one in (hint, *get_args(hint)):
        if isinstance(one, type) and issubclass(one, Settings):
            return one if one is hint or type(None) in get_args(hint) else None
    return None


def _elements(hint: Any) -> list[Any]:
    """What a list or mapping holds; for a type beside null, what that holds."""
    arguments = [argument for argument in get_args(hint) if argument is not type(None)]
    if type(None) in get_args(hint) and len(arguments) == 1:
        return _elements(arguments[0])
    arguments = [argument for argument in arguments if argument is not Ellipsis]
    return arguments[-1:]
