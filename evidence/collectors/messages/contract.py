"""One contract that many messages are checked against, by ``jsonschema-rs``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

from ...base.contracts import breach, format_pointer, shorten
from ...base.errors import masked

_ALL_BELOW_BYTES = 64 * 1024
"""Of a longer record only the first violation is looked for: a record can have one for every two bytes."""


class Violation(NamedTuple):
    """One place in a record that breaks the contract.

    Attributes:
        pointer: JSON pointer into the record.
        rule: JSON pointer into the contract, to the keyword.
        message: what is expected, without account ids.
    """

    pointer: str
    rule: str
    message: str


class Contract:
    """A compiled contract.

    Args:
        validator: of ``jsonschema_rs``, with formats.
    """

    def __init__(self, validator: Any) -> None:
        self._validator = validator
        self.accepts: Callable[[Any], bool] = validator.is_valid
        """Whether a record keeps to the contract. A float counts as the shortest decimal that gives it."""

    def violations(self, record: Any, size: int) -> list[Violation]:
        """Where a record, which has Decimals and was ``size`` bytes long, breaks the contract; sorted."""
        if self.accepts(record):
            return []
        most = None if size <= _ALL_BELOW_BYTES else 1
        found = [
            Violation(
                shorten(masked(format_pointer(error.instance_path))),
                format_pointer(error.schema_path),
                masked(breach(error, quote="account" not in format_pointer(error.instance_path).lower())),
            )
            for error in islice(self._validator.iter_errors(record), most)
        ]
        return sorted(found, key=lambda one: (one.pointer, one.rule, one.message))
