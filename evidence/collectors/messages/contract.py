"""One contract that many messages are checked against, by ``jsonschema-rs``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ...base.errors import masked
from ..shared.json_schema import BASE, shorten
from ..shared.pointer import format_pointer

_HIDDEN = "the value"
_ALL_BELOW_BYTES = 64 * 1024
"""Of a longer record only the first violation is looked for: a record can have one for every two bytes."""


@dataclass(frozen=True, slots=True)
class Violation:
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
        schema: a good JSON Schema (``_json_schema.problems`` finds nothing), with Decimals.
        uri: its own address, for references to its neighbours.
        retrieve: gives the schemas it refers to.
    """

    def __init__(self, schema: Any, uri: str, retrieve: Callable[[str], Any]) -> None:
        import jsonschema_rs

        def compiled(mask: str | None = None) -> Any:
            return jsonschema_rs.validator_for(
                schema, retriever=retrieve, base_uri=BASE + uri, validate_formats=True, mask=mask
            )

        self._validator, self._silent = compiled(), compiled(_HIDDEN)
        self.accepts: Callable[[Any], bool] = self._validator.is_valid
        """Whether a record keeps to the contract. A float counts as the shortest decimal that gives it."""

    def violations(self, record: Any, size: int) -> list[Violation]:
        """Where the record breaks the contract, sorted; nothing where it keeps to it.

        Args:
            record: with Decimals.
            size: its length in bytes.
        """
        if self.accepts(record):
            return []
        found = zip(
            self._errors(self._validator, record, size), self._errors(self._silent, record, size), strict=True
        )
        result = [_violation(plain, silent) for plain, silent in found]
        return sorted(result, key=lambda one: (one.pointer, one.rule, one.message))

    @staticmethod
    def _errors(validator: Any, record: Any, size: int) -> Iterable[Any]:
        import jsonschema_rs

        if size <= _ALL_BELOW_BYTES:
            errors: Iterable[Any] = validator.iter_errors(record)
            return errors
        try:
            validator.validate(record)
        except jsonschema_rs.ValidationError as error:
            return [error]
        return []


def _violation(plain: Any, silent: Any) -> Violation:
    pointer = format_pointer(plain.instance_path)
    # a container would be quoted with everything in it
    hide = isinstance(plain.instance, (dict, list)) or "account" in pointer.lower()
    message = silent.message if hide else plain.message
    return Violation(shorten(masked(pointer)), format_pointer(plain.schema_path), shorten(masked(message)))
