"""A workspace ready to be judged: its settings, policy bundle and plan, and what the settings weaken."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from msgspec import Struct, structs

from ..evidence.base.contracts import PROVENANCE, source_of
from ..evidence.base.errors import ConfigError, PolicyError, UsageError, masked, suggestion
from ..evidence.collecting.registry import BUILTIN
from ..evidence.reading.git.history import History
from .alterations import alterations
from .collectors import Places
from .config.settings import DEFAULT_EXCLUDE, GateConfig, LedgerSettings
from .decide.model import Plan
from .decide.recorded import ALL, Parameter, wanted_stages
from .decide.tailoring import refuse_empty
from .decision.document import Trust, Weakening
from .plans import tailored
from .policy import EngineOptions, open_engine
from .policy import bundle as bundles
from .policy.bundle import Source
from .policy.interface import Bundle, PolicyEngine
from .policy.packages.identity import check_name, check_version, signed_files
from .policy.registry import EMBEDDED
from .trust import DEFAULTS, FLAG, JUDGED, OPERATOR, TRUST_REF, Authority, file_of, resolve, whose_is

_STRICTER = frozenset({("account", "pinned_account")})
"""Options that only make rules stricter, so setting them weakens nothing."""


class Context(Struct, frozen=True):
    """A workspace ready to be judged.

    ``authority`` has the settings in force and whose they are, ``loaded`` the policy bundle as it is,
    ``bundle`` the same with the parameters that settings replace, ``plan`` its stages and rules with the
    workspace's own dependencies, ``weakenings`` what settings and flags weaken. Without ``places``, the
    user's directories, results of earlier runs are not used. With ``cross_check``, two engines must agree.
    """

    root: Path
    authority: Authority
    loaded: Bundle
    bundle: Bundle
    plan: Plan
    weakenings: tuple[Weakening, ...]
    places: Places | None = None
    cross_check: bool = False

    @property
    def config(self) -> GateConfig:
        """The settings in force."""
        return self.authority.config

    @property
    def name(self) -> str:
        """The configured name, or the directory's, without an account number."""
        return masked(self.config.name or self.root.name)

    @property
    def ledger(self) -> Path | str:
        """Where the ledger is: a directory of the workspace, or the URL of a ledger elsewhere."""
        directory, location = self.config.ledger.directory, self.config.ledger.location
        if directory is not None:
            return self.root / directory
        return Path(location) if Path(location).is_absolute() else location

    @property
    def engine_options(self) -> EngineOptions:
        """What the settings say about policy engines."""
        return EngineOptions(self.config.opa, self.root, self.cross_check)

    def open_engine(self) -> PolicyEngine:
        """The policy engine in force over the bundle; enter it as a context manager.

        Raises GateError: it cannot be used.
        """
        return open_engine(self.config.engine, self.bundle, self.config.limits, self.engine_options)

    def check_bundle(self) -> None:
        """Refuse to judge by a bundle that calls itself what it is not.

        Raises PolicyError: its revision is no semantic version; or it has the name of a shipped bundle, is
        another, and neither the operator's file pins its digest or signer, nor a flag or trust ref names it.
        """
        if self.authority.bundle is None or self.bundle.conftest:
            return
        source, pins = self.authority.trust.settings["policy"], self.config.policy
        pinned = source == OPERATOR and (pins.digest is not None or pins.signer is not None)
        check_version(self.bundle)
        check_name(self.bundle, vouched=pinned or source in (FLAG, TRUST_REF))

    def check_stage(self, stage: str) -> None:
        """Refuse what cannot be judged.

        Raises UsageError: there is no stage of that name; PolicyError: the profile in force leaves it, or
        one that it depends on, without a rule.
        """
        if stage != ALL and stage not in self.plan.stages:
            remedy = suggestion(stage, [*self.plan.stages, ALL])
            raise UsageError(f"there is no stage {stage!r}", remedy=remedy)
        refuse_empty(self.plan, self.plan.closure(wanted_stages(self.plan, stage)))


def open_context(
    root: Path,
    policy: Source | None = None,
    places: Places | None = None,
    operator: Path | None = None,
    trust_ref: str | None = None,
    engine: str | None = None,
    cross_check: bool = False,
) -> Context:
    """Load the settings in force and the policy bundle.

    Args:
        policy: a bundle in place of the configured one; recorded as a weakening.
        places: the user's directories, where results of earlier runs may be used.
        operator: the operator's file or directory.
        trust_ref: the commit whose settings, policies and signers are taken.
        engine: the policy engine in place of the configured one.
        cross_check: judge by a second engine, too, and refuse a verdict on which they differ.

    Raises ConfigError: a setting is wrong; PolicyError: the bundle is, or it is not the pinned one;
    UsageError: there is no such trust ref.
    """
    authority = resolve(root, operator, trust_ref, policy, engine)
    config = authority.config
    whose, where = whose_is(authority.trust, "policy"), file_of(authority.trust, "policy")
    loaded = _load(authority, where)
    _check_pin("version", config.policy.version, loaded.version, where)
    _check_pin("digest", config.policy.digest, loaded.digest, where)
    depends_on = {name: tuple(value.depends_on) for name, value in config.stages.items()}
    parameters = parameters_of(config)
    bundle, plan = tailored(loaded, depends_on, config.policy.profile, parameters, where)
    _check_freshness(config, plan, file_of(authority.trust, "freshness"))
    weakenings = [*_weakenings(authority), *_left_out(plan, whose), *_of_itself(root, authority.trust)]
    trust = structs.replace(authority.trust, alterations=alterations(root, authority))
    authority = dataclasses.replace(authority, trust=trust)
    return Context(root.resolve(), authority, loaded, bundle, plan, tuple(weakenings), places, cross_check)


def _load(authority: Authority, where: str) -> Bundle:
    policy = authority.config.policy
    if authority.bundle is not None and policy.shipped is not None:
        what = "the settings name two policy bundles"
        raise ConfigError(what, path=where, place="policy", remedy="keep either bundle or shipped")
    if policy.signer is not None:
        return bundles.load_bundle(_signed(authority, where), authority.config.limits)
    if authority.bundle is None:
        return bundles.load_shipped(policy.shipped or bundles.USUAL)
    return bundles.load_bundle(authority.bundle, authority.config.limits)


def parameters_of(config: GateConfig) -> tuple[Parameter, ...]:
    """The parameters that the settings replace."""
    return tuple(
        Parameter(f"{group}.{name}", one.value, masked(one.rationale), one.unit)
        for group, entries in sorted(config.policy.parameters.items())
        for name, one in sorted(entries.items())
    )


def _left_out(plan: Plan, whose: str) -> list[Weakening]:
    rules = [rule for stage in plan.stages.values() for rule in stage.rules]
    left = sum(not rule.selected for rule in rules)
    if plan.profile is None or not left:
        return []
    message = f"{whose} chooses the profile {plan.profile.name}: {left} of {len(rules)} rules are not judged"
    return [Weakening("profile", message)]


def _of_itself(root: Path, trust: Trust) -> list[Weakening]:
    """That the trust ref is the judged commit, as it is on a protected branch after the merge."""
    if trust.ref is None:
        return []
    state = History(root.resolve()).head()
    if state is None or state.commit != trust.ref.commit:
        return []
    message = f"the trust ref {trust.ref.name} is the judged commit: only what is uncommitted was compared"
    return [Weakening("trust_ref_judged", message)]


def _check_pin(name: str, pinned: str | None, actual: str, where: str) -> None:
    if pinned not in (None, actual):
        raise PolicyError(
            f"the bundle has the {name} {actual}, the settings demand {pinned}",
            path=where,
            place=f"policy.{name}",
            remedy="review the bundle's changes, then update the pin",
        )


def _signed(authority: Authority, where: str) -> dict[str, bytes]:
    """The files of the configured bundle, whose signer is pinned."""
    if authority.bundle is None:
        raise ConfigError(
            "a signer is set, and no bundle that it signed; gate does not sign the one that it ships",
            path=where,
            place="policy.signer",
            remedy="set policy.bundle to the archive, or remove policy.signer",
        )
    return signed_files(authority.bundle, authority.signer or b"", authority.config.policy.bundle)


def _check_freshness(config: GateConfig, plan: Plan, where: str) -> None:
    """Refuse an age limit of a collector whose age no rule looks at."""
    facts = [fact for stage in plan.stages.values() for rule in stage.rules for fact in rule.facts]
    judged = {source_of(fact) for fact in facts if fact.startswith(f"{PROVENANCE}.")}
    for name in config.freshness:
        if name not in judged:
            raise ConfigError(
                f"no rule of the policies looks at the age of what {name!r} collects",
                path=where,
                place=f"freshness.{name}",
                remedy="judged are: " + ", ".join(sorted(judged)) if judged else "remove it",
            )


def _weakenings(authority: Authority) -> list[Weakening]:
    """How settings and flags weaken the decision: less or something else is judged, or by unpinned rules."""
    config, trust = authority.config, authority.trust
    found = []
    if authority.overridden:
        found.append(Weakening("policy_override", "the policy bundle was given by a flag"))
    elif config.policy.bundle and not (config.policy.digest or config.policy.signer or trust.ref):
        message = f"{whose_is(trust, 'policy')} names a policy bundle without its digest or signer"
        found.append(Weakening("bundle_not_pinned", message))
    if trust.settings["engine"] == JUDGED and config.engine != EMBEDDED:
        found.append(Weakening("engine_judged", f"gate.yaml chooses the policy engine {config.engine}"))
    if trust.settings["ledger"] == DEFAULTS and config.ledger.location != LedgerSettings().location:
        message = f"ledger/ holds something else: decisions are recorded in {config.ledger.location}/"
        found.append(Weakening("ledger_moved", message))
    if config.stages:
        message = f"{whose_is(trust, 'stages')} changes the stages' dependencies"
        found.append(Weakening("stage_override", message))
    if config.subject.exclude != list(DEFAULT_EXCLUDE):
        patterns = ", ".join(config.subject.exclude) or "nothing"
        message = f"{whose_is(trust, 'subject')} excludes from the sources: {patterns}"
        found.append(Weakening("sources_excluded", message))
    for name, usual, value in config.limits.widened():
        message = f"{whose_is(trust, 'limits')} widens limits.{name} from {usual:g} to {value:g}"
        found.append(Weakening("limit_widened", message))
    for collector, options in sorted(config.evidence.items()):
        narrowing = BUILTIN[collector].narrowing if collector in BUILTIN else frozenset()
        for option in sorted(options):
            if (collector, option) not in _STRICTER:
                narrows = option in narrowing
                code = "evidence_narrowed" if narrows else "evidence_redirected"
                effect = "how much is looked at" if narrows else "what is looked at"
                setting = f"evidence.{collector}.{option}"
                message = f"{whose_is(trust, 'evidence')} sets {setting}, which decides {effect}"
                found.append(Weakening(code, message))
    return found
