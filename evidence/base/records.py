"""Frozen dataclasses to JSON-like values and back, by their fields and type hints.

A field of the class is a member of the object of the same name. Tuples are arrays, enumerations their
values, mappings with string keys objects; ``None`` is null. Nothing is renamed, so the classes read like the
contracts.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable, Iterator, Mapping
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
        # dict first: asking whether something is a Mapping takes longer than all the rest
        value = value.get(part) if isinstance(value, (dict, Mapping)) else None
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
        read: _Read = _reader(kind)  # type: ignore[arg-type]  # mypy takes a class for no hashable value
        record: T = read(value)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error
    return record


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


_Read = Callable[[Any], Any]


@functools.cache
def _reader(hint: Any) -> _Read:
    """What makes a value of the hint of its JSON-like form; what a hint says is looked up once."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return lambda value: value
    if origin in (Union, types.UnionType):
        kinds = [argument for argument in arguments if argument is not type(None)]
        read = _reader(kinds[0]) if len(kinds) == 1 else _reader(Any)
        if type(None) not in arguments:
            return read
        return lambda value: None if value is None else read(value)
    if origin is tuple:
        inner = _reader(arguments[0])
        return lambda value: tuple([inner(item) for item in value])
    if origin is not None and issubclass(origin, Mapping):
        inner = _reader(arguments[1])
        return lambda value: {key: inner(item) for key, item in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record_reader(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if isinstance(hint, type):
        return functools.partial(_plain, hint)
    return lambda value: value


def _record_reader(kind: type) -> _Read:
    # made when the first record is read: a class may have fields of its own kind
    @functools.cache
    def readers() -> dict[str, _Read]:
        return {name: _reader(hint) for name, hint in get_type_hints(kind).items()}

    def read(value: Any) -> Any:
        known = readers()
        return kind(**{name: known[name](item) for name, item in value.items()})

    return read


def _plain(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{str(value)[:80]!r} is no {kind.__name__}")
    return value
