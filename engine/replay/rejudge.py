"""Judges what was recorded under a bundle, down to the outcome that is compared."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from .. import service
from ..decide.decide import judge_stages
from ..decide.judge import overall
from ..decide.model import Plan
from ..decide.recorded import ALL, Recorded, Setup, facts_of, wanted_stages
from ..policy.interface import Bundle, PolicyEngine
from .outcome import Outcome, of_results
from .stored import Plans


class Judge(Struct, frozen=True):
    """A bundle, the engine over it with the parameters of a setup (None: its own), and its plans."""

    bundle: Bundle
    engine: Callable[[Setup | None], PolicyEngine]
    plans: Plans

    @classmethod
    def over(cls, bundle: Bundle, engine: PolicyEngine) -> Judge:
        """A judge with this bundle and this engine over it, whatever a setup says."""
        return cls(bundle, lambda _: engine, Plans(bundle))

    def outcome(self, recorded: Recorded) -> Outcome:
        """The outcome at the recorded time.

        Raises PolicyError, UsageError: the bundle does not fit what was recorded; EngineError: it fails.
        """
        plan = self.plans.of(recorded.setup)
        time = recorded.setup.time
        answers = service.ask(self.engine(recorded.setup), plan, recorded, time).packages
        results, _ = judge_stages(plan, recorded, answers, facts_of(recorded, time), time)
        stage = recorded.setup.stage
        return of_results(overall(results) if stage == ALL else results[stage].verdict, results)

    def lacking(self, recorded: Recorded) -> tuple[str, ...]:
        """Collectors whose facts the bundle's rules need and which did not run then."""
        plan = self.plans.of(recorded.setup)
        used = frozenset[str]().union(*(plan.stages[name].collectors for name in needed(plan, recorded)))
        return tuple(sorted(used - recorded.evidence.keys()))


def needed(plan: Plan, recorded: Recorded) -> tuple[str, ...]:
    """The stages that a recorded decision is about, dependencies first."""
    return plan.closure(wanted_stages(plan, recorded.setup.stage))
