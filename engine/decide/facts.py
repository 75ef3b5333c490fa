"""The facts of all collectors as the verdict rules look at them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...evidence.base.contracts import source_of
from ...evidence.collecting.interface import Problem, ProblemKind, Scope

NOT_MEASURED = "it was not measured"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured, why the rest was not, and how much was looked at.

    Attributes:
        values: collector → facts, as the policies see them.
        problems: collector → why facts of it are missing, rejected or unknown.
        files: collector → number of files, and of outputs of commands, that its evidence came from.
        scopes: collector → how much it looked at.
    """

    values: Mapping[str, Mapping[str, Any]]
    problems: Mapping[str, tuple[Problem, ...]]
    files: Mapping[str, int]
    scopes: Mapping[str, tuple[Scope, ...]] = field(default_factory=dict)

    def value(self, fact: str) -> Any:
        """The value of a dotted fact name, None where it was not measured."""
        value: Any = self.values
        for part in fact.split("."):
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        return value

    def about(self, fact: str) -> tuple[Problem, ...]:
        """The problems of the fact, of what it is a part of, and of its parts."""
        collector, _, name = fact.partition(".")
        return tuple(
            p for p in self.problems.get(collector, ()) if _within(name, p.fact) or _within(p.fact, name)
        )

    def scope(self, fact: str) -> Scope | None:
        """How much was looked at for the fact; the narrowest statement that covers it."""
        collector, _, name = fact.partition(".")
        covering = [scope for scope in self.scopes.get(collector, ()) if _within(name, scope.fact)]
        return max(covering, key=lambda scope: len(scope.fact), default=None)

    def problems_of(self, fact: str) -> tuple[Problem, ...]:
        """Why a rule that needs the fact cannot rely on it: never nothing where the fact is null.

        An empty list or object, and whatever nothing was looked at for, is unknown rather than good.
        """
        found = self.about(fact)
        value = self.value(fact)
        if value is None:
            covering = tuple(p for p in found if _within(fact.partition(".")[2], p.fact))
            return covering or found or (Problem(fact.partition(".")[2], NOT_MEASURED, ""),)
        scope = self.scope(fact)
        if scope is not None and scope.looked_at == 0:
            reason = f"{source_of(fact)} looked at no {scope.unit}"
        elif scope is None and value in ([], {}, ()):
            reason = f"{fact} is empty, and nothing says how much was looked at"
        else:
            return found
        remedy = f"check where evidence.{source_of(fact)} in gate.yaml looks"
        return (*found, Problem(fact.partition(".")[2], reason, remedy, ProblemKind.UNKNOWN))


def _within(inner: str, outer: str) -> bool:
    return outer == "" or inner == outer or inner.startswith(f"{outer}.")
