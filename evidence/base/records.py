"""Frozen dataclasses to JSON-like values and back, by their fields and type hints.

A field of the class is a member of the object of the same name. Tuples are arrays, enumerations their
values, mappings with string keys objects; ``None`` is null. Nothing is renamed, so the classes read like the
contracts.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_PLAIN = frozenset({str, int, bool, type(None)})


def nested(value: Any) -> Iterator[Any]:
    """A JSON-like value and every value inside it, in no particular order; keys are none."""
    stack = [value]
    while stack:
        item = stack.pop()
        yield item
        if isinstance(item, Mapping):
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            stack.extend(item)


def lookup(document: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None where there is nothing."""
    value: Any = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def to_json(value: Any) -> Any:
    """The JSON-like value of a record, or of a list, mapping or scalar of records."""
    kind = value.__class__
    if kind in _PLAIN:
        return value
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    return {name: to_json(getattr(value, name)) for name in _names(kind)}


def from_json(kind: type[T], value: Mapping[str, Any]) -> T:
    """The record of class ``kind`` whose ``to_json`` gave ``value``.

    Raises ValueError: a field is absent or unknown, or a value has another shape than the class's hints say.
    """
    try:
        record: T = _read(kind, value)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error
    return record


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(hint: Any, value: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        kinds = [argument for argument in arguments if argument is not type(None)]
        return _read(kinds[0], value) if len(kinds) == 1 else value
    if origin is tuple:
        return tuple(_read(arguments[0], item) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        return {key: _read(arguments[1], item) for key, item in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        return hint(**{name: _read(hints[name], item) for name, item in value.items()})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if isinstance(hint, type) and type(value) is not hint:
        raise ValueError(f"{str(value)[:80]!r} is no {hint.__name__}")
    return value
