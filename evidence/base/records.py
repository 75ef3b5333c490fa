"""Records to JSON-like values and back, by their fields and type hints.

A field of the class is a member of the object of the same name. Tuples are arrays, enumerations their
values, mappings with string keys objects; ``None`` is null. Nothing is renamed, so the classes read like the
contracts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from threading import Lock
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
_PLAIN = frozenset({str, int, bool, type(None)})
_LOCK: Final = Lock()
_KNOWN: Final[set[type]] = set()
"""Classes that were converted to before."""


class JsonRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what is written as JSON and read back."""


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
    """The JSON-like value of a record, or of a list, mapping or scalar of records; tuples become lists."""
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, msgspec.Struct):
        return {name: to_json(getattr(value, name)) for name in value.__struct_fields__}
    return value.value if isinstance(value, Enum) else value


def from_json(kind: type[T], value: Mapping[str, Any]) -> T:
    """The record of class ``kind`` whose ``to_json`` gave ``value``.

    Raises ValueError: a field is absent or unknown, or a value has another shape than the class's hints say.
    """
    if kind in _KNOWN:
        return msgspec.convert(value, kind)
    # two threads that convert to a class for the first time would end the process: msgspec 0.22 lets the
    # second one use what the first still computes about the class
    with _LOCK:
        try:
            return msgspec.convert(value, kind)
        finally:
            _KNOWN.add(kind)
