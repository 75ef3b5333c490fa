"""Settings as dataclasses: checked by pydantic, or where that is certain to find nothing, without it.

A settings class is a frozen dataclass below :class:`Settings`. Pydantic is the authority on what such a class
accepts, and writes the JSON Schema of ``gate.yaml`` from the same classes. Importing it and building its
validators takes a third of the time that a whole evaluation may take, so a document that keeps to the schema
is turned into the dataclass directly, by :func:`build`; :func:`validate` is for everything else, and explains
what is wrong. A class or type that no schema can express in full makes ``build`` give up (ADR 0006).
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, TypeAdapter
    from pydantic_core.core_schema import CoreSchema


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Base of everything that is read from ``gate.yaml``: unknown keys and converted types are refused."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}


def setting(description: str, default: Any = dataclasses.MISSING) -> Any:
    """A field of a settings class: its description in the JSON Schema, and its default or what makes that,
    unless the setting is required.
    """
    metadata = {"description": description}
    if callable(default):
        return dataclasses.field(default_factory=default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


S = TypeVar("S", bound=Settings)


class Bounded:
    """What a string must keep to, for ``Annotated``; JSON Schema says the same."""

    def __init__(self, longest: int | None = None, pattern: str | None = None) -> None:
        self.longest = longest
        self.pattern = pattern

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        shortest = None if self.longest is None else 1
        return core_schema.str_schema(min_length=shortest, max_length=self.longest, pattern=self.pattern)


class RegularExpression:
    """A string that is a regular expression, for ``Annotated``; JSON Schema cannot say that."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(_compiles, handler(source))


def _compiles(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text[:80]!r} is not a regular expression: {error}") from error
    return text


Text = Annotated[str, Bounded(longest=1000)]
"""A string of one to a thousand characters."""

Regex = Annotated[str, RegularExpression()]
"""A regular expression; anything else is refused when ``gate.yaml`` is read."""


class Uncertain(Exception):
    """The value may or may not be acceptable; :func:`validate` knows."""


def build(kind: type[S], value: Mapping[str, Any]) -> S:
    """An instance from a value that keeps to the JSON Schema of ``kind``, equal to what ``validate`` gives.

    Raises Uncertain: the schema does not say everything about this value.
    """
    hints = get_type_hints(kind, include_extras=True)
    arguments = {}
    known = {field.metadata.get("alias", field.name): field.name for field in dataclasses.fields(kind)}
    for key, item in value.items():
        if key not in known:
            raise Uncertain
        arguments[known[key]] = _convert(hints[known[key]], item)
    try:
        return kind(**arguments)
    except (TypeError, ValueError) as error:  # a field is absent, or the class's own check objects
        raise Uncertain from error


def _convert(hint: Any, value: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        if not all(isinstance(constraint, Bounded) for constraint in arguments[1:]):
            raise Uncertain
        return _convert(arguments[0], value)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        rest = [argument for argument in arguments if argument is not type(None)]
        return _convert(rest[0], value) if len(rest) == 1 else _uncertain()
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(arguments[0], item) for item in value)
    if origin is list and isinstance(value, list):
        return [_convert(arguments[0], item) for item in value]
    if origin is dict and isinstance(value, dict):
        return {key: _convert(arguments[1], item) for key, item in value.items()}
    if origin is Literal and value in arguments and type(value) in {type(choice) for choice in arguments}:
        return value
    if isinstance(hint, type) and issubclass(hint, Settings) and isinstance(value, dict):
        return build(hint, value)
    if hint is Any or (hint in (str, int, bool) and type(value) is hint):
        return value
    return _uncertain()


def _uncertain() -> Any:
    raise Uncertain


def validate(kind: type[S], value: Any) -> S:
    """An instance from a JSON-like value (with :class:`decimal.Decimal` for decimals), fully checked.

    Raises pydantic.ValidationError: the value is not acceptable.
    """
    # as JSON: there a mapping is the only way to write a dataclass, and a list the only way to write a tuple
    return adapter(kind).validate_json(json.dumps(value, default=float))


def adapter(kind: type[S]) -> TypeAdapter[S]:
    """Pydantic's view of the class."""
    import pydantic

    return pydantic.TypeAdapter(kind)
