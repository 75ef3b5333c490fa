"""Scenarios and plans of the broker's commands: YAML files that keep to a contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeVar

from ..base.canonical import canonical, sha256_hex
from ..base.contracts import violations
from ..base.errors import ConfigError, raise_all
from ..base.limits import DEFAULT
from ..reading.yaml_reader import parse_yaml

T = TypeVar("T")


def parse_declared(
    data: bytes,
    path: str,
    contract: str,
    remedy: str,
    build: Callable[[dict[str, Any]], T],
    contradictions: Callable[[T], Iterable[tuple[str, str]]],
) -> T:
    """What these bytes declare; errors name ``path``.

    Args:
        build: makes it from a document that keeps to the contract.
        contradictions: place and text of each part that contradicts another.

    Raises ConfigError: no YAML, not of the contract, or with contradictions.
    """
    document = parse_yaml(data, path, DEFAULT, error_type=ConfigError)
    _refuse(violations("files", contract, document), path, remedy)
    declared = build(document)
    _refuse(contradictions(declared), path, remedy)
    return declared


def _refuse(found: Iterable[tuple[str, str]], path: str, remedy: str) -> None:
    raise_all([ConfigError(what, path=path, place=place, remedy=remedy) for place, what in found])


def digest_of(document: Any) -> str:
    """SHA-256 of a document's canonical JSON; a number with a point counts with its digits as written."""
    return sha256_hex(canonical(_plain(document)))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


def whole(value: Any, *exact: str) -> Any:
    """The value with each whole number in it as an integer (10.0 is one to JSON Schema), but for ``exact``.

    Args:
        exact: members of objects whose numbers stay as they are.
    """
    if isinstance(value, dict):
        return {key: item if key in exact else whole(item, *exact) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item, *exact) for item in value]
    return int(value) if isinstance(value, Decimal) and value == int(value) else value
