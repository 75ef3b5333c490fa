"""A workspace ready to be judged: its settings, policy bundle and plan, and what the settings weaken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..evidence.base.contracts import PROVENANCE, source_of
from ..evidence.base.errors import ConfigError, PolicyError, UsageError, masked, suggestion
from ..evidence.collectors import BUILTIN
from .collectors import Places
from .config.settings import DEFAULT_EXCLUDE, FILE, GateConfig, load_config
from .decide.model import Plan
from .decide.plan import make_plan
from .decide.recorded import ALL
from .decision.document import Weakening
from .policy import bundle as bundles
from .policy.interface import Bundle


@dataclass(frozen=True, slots=True)
class Context:
    """A workspace ready to be judged.

    ``plan`` has the bundle's stages and rules with the workspace's own dependencies, ``weakenings`` what
    settings and flags weaken. Without ``places``, the user's directories, results of earlier runs are not
    used.
    """

    root: Path
    config: GateConfig
    bundle: Bundle
    plan: Plan
    weakenings: tuple[Weakening, ...]
    places: Places | None = None

    @property
    def name(self) -> str:
        """The configured name, or the directory's, without an account number."""
        return masked(self.config.name or self.root.name)

    @property
    def ledger(self) -> Path | str:
        """Where the ledger is: a directory of the workspace, or the URL of a ledger elsewhere."""
        directory = self.config.ledger.directory
        return self.config.ledger.location if directory is None else self.root / directory

    def check_stage(self, stage: str) -> None:
        """Refuse a stage that the bundle does not have. Raises UsageError: there is none of that name."""
        if stage != ALL and stage not in self.plan.stages:
            remedy = suggestion(stage, [*self.plan.stages, ALL])
            raise UsageError(f"there is no stage {stage!r}", remedy=remedy)


def open_context(root: Path, policy: Path | None = None, places: Places | None = None) -> Context:
    """Load the workspace's settings and policy bundle; ``policy`` is one in place of the configured one.

    Raises ConfigError, PolicyError: as they say.
    """
    config = load_config(root)
    weakenings = []
    if policy is not None:
        weakenings.append(Weakening("policy_override", "the policy bundle was given by a flag"))
    own = config.policy.bundle
    given = policy or (root / own if own else None)
    # the shipped bundle is part of the program, not input: a tight limit on evidence must not refuse it
    bundle = bundles.load_bundle(given, config.limits) if given else bundles.load_bundle(bundles.SHIPPED)
    if policy is None:
        _check_pin("version", config.policy.version, bundle.version)
        _check_pin("digest", config.policy.digest, bundle.digest)
    depends_on = {name: tuple(value.depends_on) for name, value in config.stages.items()}
    plan = make_plan(bundle, depends_on)
    _check_freshness(config, plan)
    return Context(root.resolve(), config, bundle, plan, (*weakenings, *_own_settings(config)), places)


def _check_pin(name: str, pinned: str | None, actual: str) -> None:
    if pinned not in (None, actual):
        raise PolicyError(
            f"the bundle has the {name} {actual}, gate.yaml demands {pinned}",
            path=FILE,
            place=f"policy.{name}",
            remedy="review the bundle's changes, then update the pin",
        )


def _check_freshness(config: GateConfig, plan: Plan) -> None:
    """Refuse an age limit that no rule would apply."""
    facts = [fact for stage in plan.stages.values() for rule in stage.rules for fact in rule.facts]
    judged = {source_of(fact) for fact in facts if fact.startswith(f"{PROVENANCE}.")}
    for name in config.freshness:
        if name not in judged:
            raise ConfigError(
                f"no rule of the policies looks at the age of what {name!r} collects",
                path=FILE,
                place=f"freshness.{name}",
                remedy="judged are: " + ", ".join(sorted(judged)) if judged else "remove it",
            )


def _own_settings(config: GateConfig) -> list[Weakening]:
    """What gate.yaml sets so that less is judged than by default, or by rules that nobody pinned."""
    found = []
    if config.stages:
        found.append(Weakening("stage_override", "gate.yaml changes the stages' dependencies"))
    if config.policy.bundle is not None and config.policy.digest is None:
        message = "gate.yaml names a policy bundle without its digest"
        found.append(Weakening("bundle_not_pinned", message))
    if config.subject.exclude != list(DEFAULT_EXCLUDE):
        patterns = ", ".join(config.subject.exclude) or "nothing"
        found.append(Weakening("sources_excluded", f"gate.yaml excludes from the sources: {patterns}"))
    for name, usual, value in config.limits.widened():
        message = f"gate.yaml widens limits.{name} from {usual:g} to {value:g}"
        found.append(Weakening("limit_widened", message))
    for collector in sorted(config.evidence):
        narrowing = BUILTIN[collector].narrowing if collector in BUILTIN else frozenset()
        for option in sorted(narrowing & config.evidence[collector].keys()):
            message = f"gate.yaml sets evidence.{collector}.{option}, which decides how much is looked at"
            found.append(Weakening("evidence_narrowed", message))
    return found
