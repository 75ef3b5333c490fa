"""Asks two engines the same and answers only where they agree."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Self

from ....evidence.base.errors import EngineError
from ..interface import PolicyEngine

_SETS = ("deny", "violation", "warn", "condition")
"""What the names of partial sets begin with: the lint accepts nothing else there."""
_SHOWN = 200


class CrossCheck:
    """A :class:`~gate.engine.policy.interface.PolicyEngine` over two others; the first one's answer counts.

    Its name and version are those of both, joined by ``+``.
    """

    def __init__(self, first: PolicyEngine, second: PolicyEngine) -> None:
        self._engines = (first, second)
        self._stack = ExitStack()

    @property
    def name(self) -> str:
        """Both names."""
        return "+".join(engine.name for engine in self._engines)

    @property
    def version(self) -> str:
        """Both versions."""
        return "+".join(engine.version for engine in self._engines)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for engine in self._engines:
                stack.enter_context(engine)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def evaluate(self, packages: Sequence[str], document: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """See :meth:`gate.engine.policy.interface.PolicyEngine.evaluate`.

        Raises EngineError: they differ; it names the first rule, in the packages' order.
        """
        first, second = (engine.evaluate(packages, document) for engine in self._engines)
        for package in packages:
            rule = first_difference(first[package], second[package])
            if rule is not None:
                values = [_shown(answer[package], rule) for answer in (first, second)]
                names = [f"{engine.name} {engine.version}" for engine in self._engines]
                raise EngineError(
                    f"the engines differ on {package}.{rule}: "
                    f"{names[0]} says {values[0]}, {names[1]} says {values[1]}",
                    remedy="write the rule without what engines read differently; see `gate docs engines`",
                )
        return first


_ABSENT = object()


def first_difference(one: dict[str, Any], other: dict[str, Any]) -> str | None:
    """The first rule, by name, whose value is not the same; None if all are.

    Members of a partial set may come in another order: it is not part of the set's value.
    """
    names = sorted(one.keys() | other.keys())
    return next((name for name in names if _comparable(name, one) != _comparable(name, other)), None)


def _comparable(name: str, values: dict[str, Any]) -> object:
    """The value as text, in which 1, 1.0 and true are different."""
    if name not in values:
        return _ABSENT
    value = values[name]
    if name.split("_")[0] in _SETS and isinstance(value, list):
        return sorted(json.dumps(item, sort_keys=True) for item in value)
    return json.dumps(value, sort_keys=True)


def _shown(values: dict[str, Any], name: str) -> str:
    text = json.dumps(values[name], ensure_ascii=False, sort_keys=True) if name in values else "nothing"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
