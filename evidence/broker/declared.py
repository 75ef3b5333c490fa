"""Scenarios and plans of the broker's commands: YAML files that keep to a contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

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
