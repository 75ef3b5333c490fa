"""What is wrong with a setting, in words of the YAML file instead of those of the library that checks it.

A setting's value is never quoted: variables of declared commands may hold secrets.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from ...evidence.base.errors import ConfigError, nearest
from ...evidence.base.settings import Settings
from ...evidence.collectors import BUILTIN

if TYPE_CHECKING:
    from pydantic import ValidationError

REFERENCE = "docs/configuration.md"
OPERATOR = "docs/operator.md"

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

_MESSAGES: dict[str, Callable[[dict[str, Any]], str]] = {
    "dataclass_type": lambda _: "must be a mapping, written as `name: value`",
    "dict_type": lambda _: "must be a mapping, written as `name: value`",
    "list_type": lambda _: "must be a list, written as `[a, b]` or with dashes",
    "tuple_type": lambda _: "must be a list, written as `[a, b]` or with dashes",
    "string_type": lambda _: "must be a string; quote numbers, true and false",
    "bool_type": lambda _: "must be true or false",
    "int_type": lambda _: "must be an integer, without quotes and decimal point",
    "int_from_float": lambda _: "must be an integer, without quotes and decimal point",
    "float_type": lambda _: "must be a number, without quotes",
    "missing": lambda _: "is missing and has no default",
    "string_too_short": lambda _: "must not be empty",
    "string_too_long": lambda context: f"is longer than {context['max_length']} characters",
    "literal_error": lambda context: f"must be {context['expected']}",
    "string_pattern_mismatch": lambda _: "is not written as it must be",
    "value_error": lambda context: str(context["error"]),
}
"""By the library's type of error."""


def page(place: Sequence[str | int]) -> str:
    """The page that describes the settings at a place."""
    first, second, *_ = [*place, "", ""]
    if first == "evidence" and second in BUILTIN:
        return f"docs/collectors/{second}.md"
    if (first, second) == ("policy", "parameters"):
        return f"{OPERATOR}, and write {{value: …, rationale: …}}"
    if first == "limits":
        return "docs/limits.md"
    if first == "notify":
        return "docs/notifications.md"
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
        what, remedy = _unknown(str(inner[-1]), _names(kind, inner[:-1]), remedy)
    elif first["type"] in _MESSAGES:
        what = _MESSAGES[first["type"]](context)
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


def _unknown(name: str, known: Sequence[str], page_remedy: str) -> tuple[str, str]:
    meant = nearest(name, known)
    there = f"the settings here are {', '.join(known)}; " if known else ""
    perhaps = f"did you mean {meant!r}? " if meant else there
    return f"there is no setting {name[:80]!r} here", f"{perhaps}{page_remedy}"


def _names(kind: type[Settings], inner: Sequence[str | int]) -> list[str]:
    """Names of the settings in the class that the place leads to; empty where that is unclear."""
    hint: Any = kind
    for part in inner:
        settings = _settings(hint)
        if settings is not None:
            names = {
                field.metadata.get("alias", field.name): field.name for field in dataclasses.fields(settings)
            }
            if part not in names:
                return []
            hint = get_type_hints(settings)[names[str(part)]]
        else:
            hint = next(iter(_elements(hint)), None)
    settings = _settings(hint)
    if settings is None:
        return []
    return sorted(field.metadata.get("alias", field.name) for field in dataclasses.fields(settings))


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
