"""Whose word is taken for what: the judged change's, an operator's, or that of a commit out of its reach.

With an operator, the settings that decide by what is judged (``POWERS``) are the operator's or the default,
whatever ``gate.yaml`` says. With a trust ref, all settings, the policies and the signers are those of that
commit, read from git's object store; nothing is checked out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from ..evidence.base.canonical import sha256_hex
from ..evidence.base.errors import ConfigError, EvidenceError, UsageError
from ..evidence.base.limits import DEFAULT
from ..evidence.reading.git.history import History
from .config.operator import Operator, load_operator
from .config.settings import FILE, GateConfig, parse_config, read_file
from .decision.document import Notice, Trust, TrustRef

OPERATOR, TRUST_REF, FLAG, JUDGED, DEFAULTS = "operator", "trust_ref", "flag", "judged", "default"

POWERS = (
    "allowed_signers",
    "effective_time",
    "engine",
    "freshness",
    "ledger",
    "limits",
    "policy",
    "roles",
    "stages",
)
"""Settings that decide by what is judged; what is looked at is not among them."""

Files = dict[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Authority:
    """Settings with their origin.

    Attributes:
        config: the settings in force; ``allowed_signers`` is a name in ``given``, where that has it.
        trust: what the decision says about their origin.
        given: files that are read in place of the workspace's, None for one that is not there.
        bundle: directory of the policy bundle, or its files by path; None for the shipped one.
        execute: what may run code of the workspace.
        settings_digest: SHA-256 of the ``gate.yaml`` in force, None where there is none.
        log_key: verifier key of the only log that decisions may be added to.
        notices: remarks about settings that are not in force.
    """

    config: GateConfig
    trust: Trust
    given: Files = field(default_factory=dict)
    bundle: Path | dict[str, bytes] | None = None
    execute: frozenset[str] = frozenset()
    settings_digest: str | None = None
    log_key: str | None = None
    notices: tuple[Notice, ...] = ()


def resolve(root: Path, operator: Path | None, ref: str | None, policy: Path | None) -> Authority:
    """Find out by what the workspace is judged.

    Args:
        operator: the operator's file or directory.
        ref: branch, tag or commit whose settings, policies and signers are taken.
        policy: a bundle directory in place of all others.

    Raises ConfigError: settings are wrong, or the operator's lie in the workspace; UsageError: there is no
    such commit.
    """
    authority = _judged(root) if ref is None else _of_commit(root, ref)
    if operator is not None:
        authority = _with_operator(root, authority, load_operator(operator, root))
    if policy is not None:
        inside = policy.resolve().is_relative_to(root.resolve())
        settings = {**authority.trust.settings, "policy": JUDGED if inside else FLAG}
        pins = replace(authority.config.policy, bundle=str(policy), version=None, digest=None)
        authority = replace(
            authority,
            config=replace(authority.config, policy=pins),
            trust=replace(authority.trust, settings=settings),
            bundle=policy,
        )
    return authority


def _sources(stated: frozenset[str], source: str) -> dict[str, str]:
    """By setting, where its value comes from; the default file of signers is one of the workspace."""
    names = [one.name for one in fields(GateConfig) if one.name not in ("name", "version")]
    return {n: source if n in stated or n == "allowed_signers" else DEFAULTS for n in names}


def _judged(root: Path) -> Authority:
    raw = read_file(root)
    config, stated = parse_config(raw, root)
    trust = Trust(None, None, _sources(stated, JUDGED), ())
    bundle = root / config.policy.bundle if config.policy.bundle else None
    return Authority(config, trust, bundle=bundle, settings_digest=None if raw is None else sha256_hex(raw))


def _of_commit(root: Path, ref: str) -> Authority:
    history = History(root.resolve())
    try:
        commit = history.resolve(ref)
        kinds = [kind for kind in ("tags", "heads", "remotes") if history.resolve(f"refs/{kind}/{ref}")]
    except ConfigError as error:
        raise UsageError(f"--trust-ref: {error.what}", remedy=error.remedy) from error
    if len(kinds) > 1:
        raise UsageError(
            f"--trust-ref: {ref[:80]!r} names several refs: {', '.join(kinds)}",
            remedy=f"say which, such as refs/{kinds[-1]}/{ref[:80]}",
        )
    if commit is None:
        raise UsageError(
            f"--trust-ref: there is no commit {ref[:80]!r} here",
            remedy="fetch it, or name the protected branch that the change is to be merged into",
        )
    if history.is_checked_out(ref):
        raise UsageError(
            f"--trust-ref: {ref[:80]!r} is what is checked out, which is the judged change itself",
            remedy="name the protected branch that it is to be merged into, or a commit id",
        )
    raw = commit_file(root, commit, FILE)
    config, stated = parse_config(raw, root)
    signers = f"@{TRUST_REF}/{config.allowed_signers}"
    given: Files = {signers: commit_file(root, commit, config.allowed_signers)}
    folder = config.policy.bundle
    bundle = None if folder is None else commit_files(root, commit, folder.rstrip("/"))
    trust = Trust(None, TrustRef(ref, commit), _sources(stated, TRUST_REF), ())
    settings = replace(config, allowed_signers=signers)
    return Authority(settings, trust, given, bundle, settings_digest=None if raw is None else sha256_hex(raw))


def commit_file(root: Path, commit: str, path: str) -> bytes | None:
    """Content of a file of the commit; None where it has none.

    Raises ConfigError: it is too large.
    """
    try:
        return History(root).file(commit, path)
    except EvidenceError as error:
        raise ConfigError(error.what, path=path, place=error.place, remedy=error.remedy) from error


def commit_files(root: Path, commit: str, folder: str) -> dict[str, bytes]:
    """The regular files of a directory of the commit, by path in it."""
    from ..evidence.reading.git.objects import read

    ids = {path: blob for path, blob in History(root).files(commit).items() if path.startswith(f"{folder}/")}
    found = read(root, list(ids.values()), DEFAULT)
    return {
        path.removeprefix(f"{folder}/"): content[2]
        for path, content in zip(ids, found, strict=True)
        if content is not None
    }


def _with_operator(root: Path, base: Authority, operator: Operator) -> Authority:
    """The operator's settings over those of the base, which without a trust ref loses its powers."""
    own, stated = operator.config, operator.stated
    values = {name: getattr(own, name) for name in stated & {one.name for one in fields(GateConfig)}}
    settings = dict(base.trust.settings)
    ignored = []
    if base.trust.ref is None:
        for name in POWERS:
            if name not in stated:
                values[name] = getattr(GateConfig(), name)
                ignored += [name] if settings[name] == JUDGED and name != "allowed_signers" else []
                settings[name] = DEFAULTS
    settings |= dict.fromkeys(stated & settings.keys(), OPERATOR)
    if "evidence" in stated:
        values["evidence"] = {**base.config.evidence, **own.evidence}
        if not base.config.evidence.keys() <= own.evidence.keys():
            settings["evidence"] = base.trust.settings["evidence"]
    given, bundle = dict(base.given), base.bundle
    if "allowed_signers" in stated:
        values["allowed_signers"] = f"@{OPERATOR}/{Path(own.allowed_signers).name}"
        given[values["allowed_signers"]] = operator.read(own.allowed_signers, root)
    elif base.trust.ref is None:
        # nobody named any: nobody may sign
        values["allowed_signers"] = f"@{OPERATOR}/allowed_signers"
        given[values["allowed_signers"]] = None
    if settings["policy"] in (OPERATOR, DEFAULTS):
        bundle = operator.path(own.policy.bundle, root) if own.policy.bundle else None
    notices = []
    if ignored:
        text = f"gate.yaml sets {', '.join(ignored)}, which is for the operator to say: it is not in force"
        notices.append(Notice("settings_ignored", text))
    return replace(
        base,
        config=replace(base.config, **values),
        trust=replace(base.trust, operator=operator.digest, settings=settings),
        given=given,
        bundle=bundle,
        execute=frozenset(own.execute),
        log_key=own.log_key,
        notices=(*base.notices, *notices),
    )
