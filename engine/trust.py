"""Decides whose settings, policies and signers apply: the judged change's, an operator's or a trust ref's.

With an operator, the settings in ``POWERS`` are the operator's or the default, whatever ``gate.yaml`` says.
With a trust ref, all settings, the policies and the signers are those of that commit, read from git's object
store; nothing is checked out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from ..evidence.base.canonical import sha256_hex
from ..evidence.base.errors import ConfigError, EvidenceError, PolicyError, UsageError
from ..evidence.base.limits import DEFAULT
from ..evidence.reading.git.history import History
from ..evidence.reading.workspace.named import read_named
from .config.operator import Operator, load_operator
from .config.settings import FILE, GateConfig, default_ledger, parse_config
from .config.settings import read_file as read_settings_file
from .decision.document import Notice, Trust, TrustRef
from .policy import registry as engines
from .policy.archive import is_archive, unpack
from .policy.bundle import Source

if TYPE_CHECKING:
    from .ledger.keychain import Admins

OPERATOR, TRUST_REF, FLAG, JUDGED, DEFAULTS = "operator", "trust_ref", "flag", "judged", "default"

POWERS = (
    "allowed_signers",
    "attesters",
    "effective_time",
    "engine",
    "freshness",
    "ledger",
    "limits",
    "opa",
    "policy",
    "revoked_keys",
    "roles",
    "stages",
)
"""Settings that ``gate.yaml`` no longer decides where there is an operator's file."""

KEY_FILES = ("allowed_signers", "revoked_keys", "attesters")
"""Settings that name a file of keys."""

Files = dict[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Authority:
    """The settings in force, and where each of them comes from.

    Attributes:
        config: the settings in force; ``allowed_signers`` is a key of ``given`` unless it is the workspace's.
        trust: where the settings come from, as the decision states it.
        given: files that are read in place of the workspace's, by name; None for one that does not exist.
        bundle: directory or archive of the policy bundle, or its files by path; None for a shipped one.
        signer: the public key that must have signed the bundle, as PEM text; None where none must.
        overridden: whether a flag named the bundle.
        execute: what may run code of the workspace.
        settings_digest: SHA-256 of the ``gate.yaml`` in force, None where there is none.
        log_key: verifier key of the only log that decisions may be added to.
        key_admins: the first key admins of the log; None where nobody names them.
        cluster: address of the Dask cluster that the operator names.
        notices: remarks about settings that are ignored.
    """

    config: GateConfig
    trust: Trust
    given: Files = field(default_factory=dict)
    bundle: Source | None = None
    signer: bytes | None = None
    overridden: bool = False
    execute: frozenset[str] = frozenset()
    settings_digest: str | None = None
    log_key: str | None = None
    key_admins: Admins | None = None
    cluster: str | None = None
    notices: tuple[Notice, ...] = ()


def whose_is(trust: Trust, setting: str) -> str:
    """Whose a setting is, as messages name it."""
    source = trust.settings[setting]
    if source == TRUST_REF and trust.ref is not None:
        return f"gate.yaml of {trust.ref.name}"
    return {OPERATOR: "the operator", JUDGED: "gate.yaml"}.get(source, source)


def file_of(trust: Trust, setting: str) -> str:
    """The file that a setting stands in, as errors name it."""
    found = whose_is(trust, setting)
    return "the operator's file" if found == "the operator" else found


def resolve(
    root: Path, operator: Path | None, ref: str | None, policy: Source | None, engine: str | None = None
) -> Authority:
    """Find the settings, policies and signers that the workspace is judged by.

    Args:
        operator: the operator's file or directory.
        ref: branch, tag or commit whose settings, policies and signers are taken.
        policy: a bundle in place of all others; that of a commit may be the judged change's.
        engine: the policy engine in place of the configured one.

    Raises ConfigError: settings are wrong, name a server or database although they are the judged change's,
    or the operator's lie in the workspace; UsageError: there is no such commit, or no such engine.
    """
    own = operator is None and policy is None
    authority = _judged(root, own_policy=own) if ref is None else _of_commit(root, ref)
    if operator is not None:
        authority = _with_operator(root, authority, load_operator(operator, root))
    if authority.config.policy.parameters and authority.trust.settings["policy"] == JUDGED:
        authority = _without_parameters(authority)
    if policy is not None:
        inside = not isinstance(policy, Path) or policy.resolve().is_relative_to(root.resolve())
        settings = {**authority.trust.settings, "policy": JUDGED if inside else FLAG}
        pins = replace(authority.config.policy, shipped=None, version=None, digest=None, signer=None)
        authority = replace(
            authority,
            config=replace(authority.config, policy=pins),
            trust=structs.replace(authority.trust, settings=settings),
            bundle=policy,
            signer=None,
            overridden=True,
        )
    if engine is not None:
        try:
            engines.check(engine)
        except ConfigError as error:
            raise UsageError(f"--engine: {error.what}", remedy=error.remedy) from error
        settings = {**authority.trust.settings, "engine": FLAG}
        authority = replace(
            authority,
            config=replace(authority.config, engine=engine),
            trust=structs.replace(authority.trust, settings=settings),
        )
    _check_server(authority)
    _check_ledger_server(authority)
    return authority


def _without_parameters(authority: Authority) -> Authority:
    """The judged change replaces no parameter of the rules that judge it."""
    text = (
        "gate.yaml sets policy.parameters: ignored, as only an operator or a trust ref can replace parameters"
    )
    config = authority.config
    return replace(
        authority,
        config=replace(config, policy=replace(config.policy, parameters={})),
        notices=(*authority.notices, Notice("settings_ignored", text)),
    )


def _check_server(authority: Authority) -> None:
    """Refuse a server that the judged change names, or says how to trust: it could give any verdict."""
    if engines.is_elsewhere(authority.config.engine):
        for name in ("engine", "opa"):
            if authority.trust.settings[name] == JUDGED:
                raise ConfigError(
                    "the judged change may not say which server judges it, nor what to show that server",
                    path=FILE,
                    place=name,
                    remedy="name the server by --engine or GATE_ENGINE, in the operator's file, or at the "
                    "trust ref; `engine: opa` starts one here",
                )


def _check_ledger_server(authority: Authority) -> None:
    """Refuse a database or store that the judged change names: it would be shown the credentials of whoever
    judges.
    """
    settings = authority.config.ledger
    for name, elsewhere in (
        ("location", settings.directory is None),
        ("evidence", settings.evidence is not None),
    ):
        if elsewhere and authority.trust.settings["ledger"] == JUDGED:
            raise ConfigError(
                "the judged change may not say which server keeps the ledger or its evidence",
                path=FILE,
                place=f"ledger.{name}",
                remedy="name it in the operator's file, or at the trust ref",
            )


def _sources(stated: frozenset[str], source: str) -> dict[str, str]:
    """Where each setting comes from; signers never from a default, whose file is the source's own."""
    names = [one.name for one in fields(GateConfig) if one.name not in ("name", "version")]
    return {n: source if n in stated or n == "allowed_signers" else DEFAULTS for n in names}


def _judged(root: Path, *, own_policy: bool) -> Authority:
    """The judged change's own settings; the key of its bundle's signer where nobody else names the bundle."""
    raw = read_settings_file(root)
    config, stated = parse_config(raw, root)
    trust = Trust(None, None, _sources(stated, JUDGED), ())
    bundle = root / config.policy.bundle if config.policy.bundle else None
    digest = None if raw is None else sha256_hex(raw)
    name = config.policy.signer if own_policy else None
    signer = None if name is None else read_named(root / name, PolicyError, "name a public key (PEM)")
    return Authority(config, trust, bundle=bundle, signer=signer, settings_digest=digest)


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
        fetched = history.resolve(f"refs/remotes/origin/{ref}") is not None
        raise UsageError(
            f"--trust-ref: there is no commit {ref[:80]!r} here",
            remedy=f"did you mean {f'origin/{ref[:80]}'!r}?"
            if fetched
            else "fetch it, or name the protected branch that the change is to be merged into",
        )
    if history.is_checked_out(ref):
        raise UsageError(
            f"--trust-ref: {ref[:80]!r} is what is checked out, which is the judged change itself",
            remedy="name the protected branch that it is to be merged into, or a commit id",
        )
    raw = commit_file(root, commit, FILE)
    config, stated = parse_config(raw, root)
    named: dict[str, Any] = {
        name: getattr(config, name) for name in KEY_FILES if getattr(config, name) is not None
    }
    given: Files = {f"@{TRUST_REF}/{path}": commit_file(root, commit, path) for path in named.values()}
    folder = config.policy.bundle
    bundle = None if folder is None else commit_bundle(root, commit, folder.rstrip("/"))
    signer = None if config.policy.signer is None else commit_file(root, commit, config.policy.signer) or b""
    trust = Trust(None, TrustRef(ref, commit), _sources(stated, TRUST_REF), ())
    files: dict[str, Any] = {name: f"@{TRUST_REF}/{path}" for name, path in named.items()}
    settings = replace(config, **files)
    digest = None if raw is None else sha256_hex(raw)
    return Authority(settings, trust, given, bundle, signer, settings_digest=digest)


def commit_file(root: Path, commit: str, path: str) -> bytes | None:
    """Content of a file of the commit; None where it has none.

    Raises ConfigError: it is too large.
    """
    try:
        return History(root).file(commit, path)
    except EvidenceError as error:
        raise ConfigError(error.what, path=path, place=error.place, remedy=error.remedy) from error


def commit_files(root: Path, commit: str, folder: str) -> dict[str, bytes]:
    """The regular files of a directory of the commit, by path in it; ``.`` is that of the workspace."""
    prefix = "" if folder == "." else f"{folder}/"
    from ..evidence.reading.git.objects import read

    ids = {path: blob for path, blob in History(root).files(commit).items() if path.startswith(prefix)}
    found = read(root, list(ids.values()), DEFAULT)
    return {
        path.removeprefix(prefix): content[2]
        for path, content in zip(ids, found, strict=True)
        if content is not None
    }


def commit_bundle(root: Path, commit: str, place: str) -> dict[str, bytes]:
    """The files of a bundle of the commit, by path in it: of a directory, or of an archive.

    Raises PolicyError: the archive is damaged or hostile; ConfigError: it is too large.
    """
    data = commit_file(root, commit, place) if is_archive(Path(place)) else None
    return commit_files(root, commit, place) if data is None else unpack(data, place)


def _with_operator(root: Path, base: Authority, operator: Operator) -> Authority:
    """The operator's settings over those of the base; without a trust ref, the base loses its ``POWERS``."""
    own, stated = operator.config, operator.stated
    values = {name: getattr(own, name) for name in stated & {one.name for one in fields(GateConfig)}}
    settings = dict(base.trust.settings)
    ignored = []
    if base.trust.ref is None:
        for name in POWERS:
            if name not in stated:
                values[name] = getattr(GateConfig(ledger=default_ledger(root)), name)
                ignored += [name] if settings[name] == JUDGED and name != "allowed_signers" else []
                settings[name] = DEFAULTS
    settings |= dict.fromkeys(stated & settings.keys(), OPERATOR)
    if "evidence" in stated:
        values["evidence"] = {**base.config.evidence, **own.evidence}
        if not base.config.evidence.keys() <= own.evidence.keys():
            settings["evidence"] = base.trust.settings["evidence"]
    given, bundle, signer = dict(base.given), base.bundle, base.signer
    if base.trust.ref is None:  # where nobody names signers, nobody may sign
        values["allowed_signers"] = f"@{OPERATOR}/allowed_signers"
        given[values["allowed_signers"]] = None
    for name in KEY_FILES:
        if name in stated and getattr(own, name) is not None:
            values[name] = f"@{OPERATOR}/{name}"
            given[values[name]] = operator.read(getattr(own, name), root)
    if settings["policy"] in (OPERATOR, DEFAULTS):
        bundle = operator.path(own.policy.bundle, root) if own.policy.bundle else None
        signer = operator.read(own.policy.signer, root) if own.policy.signer else None
    if "ledger" in stated and own.ledger.timestamps is not None and own.ledger.timestamps.anchor is not None:
        anchor = str(operator.path(own.ledger.timestamps.anchor, root))
        values["ledger"] = replace(own.ledger, timestamps=replace(own.ledger.timestamps, anchor=anchor))
    if "opa" in stated:
        paths = {
            name: str(operator.path(path, root))
            for name in own.opa.FILES
            if (path := getattr(own.opa, name)) is not None
        }
        values["opa"] = replace(own.opa, **paths)  # type: ignore[arg-type] # all of them are paths
    notices = []
    if ignored:
        text = f"gate.yaml sets {', '.join(ignored)}: ignored, because the operator's file decides"
        notices.append(Notice("settings_ignored", text))
    return replace(
        base,
        config=replace(base.config, **values),
        trust=structs.replace(base.trust, operator=operator.digest, settings=settings),
        given=given,
        bundle=bundle,
        signer=signer,
        execute=frozenset(own.execute),
        log_key=own.log_key,
        key_admins=operator.admins(root),
        cluster=operator.config.cluster,
        notices=(*base.notices, *notices),
    )
