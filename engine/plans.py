"""The plan of a bundle as settings tailor it, and what its policies answer, whether ours or for Conftest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ..evidence.base.errors import ConfigError, PolicyError
from .conftest.asking import ask_each
from .conftest.stages import FACT, conftest_plan
from .decide.model import Plan
from .decide.plan import make_plan
from .decide.recorded import Parameter, Recorded, Setup, Time, facts_of, policy_input, wanted_stages
from .decide.tailoring import override, select
from .policy.interface import Bundle, PolicyEngine


def tailored(
    bundle: Bundle,
    depends_on: Mapping[str, tuple[str, ...]],
    profile: str | None,
    parameters: Sequence[Parameter],
    path: str = "the settings",
) -> tuple[Bundle, Plan]:
    """The bundle with the parameters that settings replace, and its plan with the rules of a profile.

    Args:
        depends_on: the workspace's own dependencies by stage, in place of the manifest's.
        path: the file with the settings, for messages.

    Raises PolicyError: no plan can be made of the bundle; ConfigError: there is no such profile or
    parameter, or a value does not fit its unit.
    """
    own = dict(depends_on)
    if not parameters:
        return bundle, select(_plan(bundle, own), profile, path)
    _plan(bundle, own)  # what is refused here is the bundle's fault, and below that of the settings
    bundle, overrides = override(bundle, parameters, path)
    try:
        plan = _plan(bundle, own)
    except PolicyError as error:
        raise ConfigError(error.what, path=path, place="policy.parameters", remedy=error.remedy) from error
    return bundle, replace(select(plan, profile, path), overrides=overrides)


def as_recorded(bundle: Bundle, setup: Setup) -> tuple[Bundle, Plan]:
    """The same by a decision's recorded settings, to make it again. Raises as `tailored`."""
    return tailored(bundle, setup.depends_on, setup.profile, setup.parameters)


def answers(engine: PolicyEngine, plan: Plan, recorded: Recorded, time: Time) -> dict[str, dict[str, Any]]:
    """By package, what the policies of every needed stage answer about what was recorded."""
    stages = [plan.stages[name] for name in plan.closure(wanted_stages(plan, recorded.setup.stage))]
    if any(stage.conftest for stage in stages):
        return ask_each(engine, stages, facts_of(recorded, time).value(FACT) or ())
    return engine.evaluate([stage.package for stage in stages], policy_input(plan, recorded, time))


def _plan(bundle: Bundle, depends_on: dict[str, tuple[str, ...]]) -> Plan:
    return conftest_plan(bundle, depends_on) if bundle.conftest else make_plan(bundle, depends_on)
