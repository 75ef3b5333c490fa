"""``gate.yaml``: what is judged, with which evidence, by which policies, recorded where.

Every setting has a default; a workspace without the file is judged with the shipped stages. Precedence is
flag > ``GATE_*`` environment variable > ``gate.yaml`` > default; flags and variables are resolved by the CLI.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from ...evidence.base.contracts import violations
from ...evidence.base.errors import ConfigError, EvidenceError, suggestion
from ...evidence.base.limits import DEFAULT, Limits
from ...evidence.base.records import nested
from ...evidence.base.settings import Bounded, S, Settings, Text, Uncertain, build, setting, validate
from ...evidence.base.times import parse_rfc3339
from ...evidence.collecting import registry
from ...evidence.reading.workspace import Workspace, check_relative
from ...evidence.reading.yaml_reader import parse_yaml
from ..policy import registry as engines
from ..policy.engines.opa.address import OpaSettings

FILE = "gate.yaml"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
SCHEMA = "gate_config"
"""The contract of the file, generated from the classes below and from the collectors' options."""

DEFAULT_EXCLUDE = ("**/.coverage",)
_MOST_PATTERNS = 200
"""Each of them is held against each file."""


LEDGER_FILES = re.compile(
    r"log\.intoto\.jsonl|checkpoint|checkpoints|evidence|trust|state|tile|\.tmp-[0-9a-f]{16}"
)
"""Everything that may lie in a ledger's directory, with what a killed run left."""

Age = Annotated[str, Bounded(pattern=r"^[1-9][0-9]{0,4}[smhd]$")]
"""A length of time: a number and its unit, seconds, minutes, hours or days."""

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def age_seconds(age: str) -> int:
    """An :data:`Age` in seconds."""
    return int(age[:-1]) * _UNIT_SECONDS[age[-1]]


@dataclass(frozen=True, slots=True)
class ParameterSettings(Settings):
    """A parameter's value in place of the bundle's."""

    value: Any = setting("The value, in the bundle's unit.")
    rationale: Text = setting("Why this workspace has another value.")
    unit: Text | None = setting("The unit; the bundle's parameter must have the same one.", None)


@dataclass(frozen=True, slots=True)
class PolicySettings(Settings):
    """Which bundle judges, what it must be, and what of it applies."""

    bundle: Text | None = setting("The bundle's directory or .tar.gz in the workspace.", None)
    shipped: Literal["prelive", "release"] | None = setting(
        "One of gate's own bundles; prelive if neither is named.", None
    )
    version: Text | None = setting("The revision the bundle must have.", None)
    digest: Annotated[str, Bounded(pattern=r"^[0-9a-f]{64}$")] | None = setting(
        "The SHA-256 digest the bundle must have.", None
    )
    signer: Text | None = setting("PEM file with the public key that must have signed it.", None)
    profile: Text | None = setting(
        "The bundle's profile that selects the rules; all of them if absent.", None
    )
    parameters: dict[str, dict[str, ParameterSettings]] = setting(
        "Parameters in place of the bundle's, by group and name; only an operator's file "
        "or a trust ref can set them.",
        dict,
    )


@dataclass(frozen=True, slots=True)
class SubjectSettings(Settings):
    """What is judged."""

    sources: list[Text] | None = setting(
        "Directories, files or globs whose content is judged. If absent, all at the "
        "top that has Python in it (but docs, examples, build and the like), contracts, fixtures, tests.",
        None,
    )
    exclude: list[Text] = setting(
        "Globs under the sources that are not judged.", lambda: list(DEFAULT_EXCLUDE)
    )


@dataclass(frozen=True, slots=True)
class TimestampSettings(Settings):
    """The authority that stamps checkpoints of the ledger."""

    url: Text = setting("Where it answers RFC 3161 requests over HTTP.")
    anchor: Text | None = setting(
        "PEM file with its certificate or its root's, for `gate ledger verify`.", None
    )


@dataclass(frozen=True, slots=True)
class WitnessSettings(Settings):
    """A witness that cosigns checkpoints of the ledger."""

    url: Text = setting("Its submission prefix, below which is add-checkpoint.")
    key: Text = setting("Its verifier key, name+hash+base64.")


@dataclass(frozen=True, slots=True)
class LedgerSettings(Settings):
    """Where decisions are recorded."""

    location: Text = setting(
        "Directory inside the workspace, reached without links, or the URL of a ledger "
        "that a plug-in serves.",
        "ledger",
    )
    evidence: Text | None = setting("URL of the evidence store; it lies with the ledger if absent.", None)
    origin: Annotated[str, Bounded(pattern=r"^[a-z0-9][a-z0-9./_-]{0,127}$")] | None = setting(
        "The log's name in its checkpoints; gate.local/<name>/<random> if absent.", None
    )
    timestamps: TimestampSettings | None = setting(
        "Who stamps checkpoints when `gate ledger witness` asks.", None
    )
    witnesses: list[WitnessSettings] = setting(
        "Who cosigns checkpoints when `gate ledger witness` asks.", list
    )
    quorum: int | None = setting("How many witnesses are enough; all if absent.", None)

    @property
    def directory(self) -> str | None:
        """The directory in the workspace that holds the ledger; None where it is elsewhere."""
        path = self.location.removeprefix("file:")
        elsewhere = path.startswith("/") or (_SCHEME.match(path) and path == self.location)
        return None if elsewhere else self.location.removeprefix("file:")


@dataclass(frozen=True, slots=True)
class StageSettings(Settings):
    """A stage's own dependencies, in place of the bundle's."""

    depends_on: list[Text]


@dataclass(frozen=True, slots=True)
class GateConfig(Settings):
    """The whole of ``gate.yaml``."""

    version: Literal[1] = setting("Version of this file's format.", 1)
    name: Annotated[str, Bounded(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = setting(
        "Name of the system judged; the directory's name if absent.", None
    )
    effective_time: Text | None = setting(
        "Pins the time at which rules, waivers and ages are judged (RFC 3339).", None
    )
    subject: SubjectSettings = SubjectSettings()
    evidence: dict[str, dict[str, Any]] = setting("Options by collector.", dict)
    freshness: dict[str, Age] = setting(
        "How old a collector's evidence may be, whatever the policies allow: 12h, 7d.", dict
    )
    limits: Limits = setting("How much is read; what is widened here is recorded.", Limits())
    roles: dict[str, list[Text]] = setting(
        "Who may sign in which role: role to principals of allowed_signers.", dict
    )
    allowed_signers: Text = setting(
        "OpenSSH allowed_signers file of the people who sign.", "trust/allowed_signers"
    )
    revoked_keys: Text | None = setting(
        "Keys that count no more: an OpenSSH KRL, or a list of public keys.", None
    )
    attesters: Text | None = setting(
        "File of those whose attestations count, and of which there must be.", None
    )
    policy: PolicySettings = field(default=PolicySettings())
    ledger: LedgerSettings = LedgerSettings()
    engine: Text = setting(
        "The policy engine: embedded, opa (a server that gate starts), opa=URL, or the "
        "name of an installed plug-in.",
        engines.EMBEDDED,
    )
    opa: OpaSettings = setting("How the OPA server of `engine: opa=URL` is reached.", OpaSettings())
    stages: dict[str, StageSettings] = setting("Changed dependencies between stages.", dict)


def load_config(root: Path) -> GateConfig:
    """The settings of the workspace at ``root``; defaults where there is no ``gate.yaml``.

    Raises ConfigError: malformed YAML, an unknown key, a wrong type, an impossible value; names the key.
    """
    return parse_config(read_file(root), root)[0]


def read_file(root: Path) -> bytes | None:
    """The content of the workspace's ``gate.yaml``; None where there is none.

    Raises ConfigError: it is no regular file, or too large.
    """
    try:
        view = Workspace.single_file_view(root, FILE)
        return None if view is None else view.read(FILE, view.limits.text_bytes)
    except EvidenceError as error:
        raise ConfigError(error.what, path=error.path, place=error.place, remedy=error.remedy) from error


def parse_config(raw: bytes | None, root: Path) -> tuple[GateConfig, frozenset[str]]:
    """The settings in the content of a ``gate.yaml``, and the names of those that it has.

    Raises ConfigError: as :func:`load_config`.
    """
    if raw is None:
        return GateConfig(ledger=default_ledger(root)), frozenset()
    value = parse_yaml(raw, FILE, DEFAULT, error_type=ConfigError)
    config = read_settings(GateConfig, {} if value is None else value)
    check_config(config, FILE)
    stated = frozenset(value or ())
    if "ledger" not in stated:
        return replace(config, ledger=default_ledger(root)), stated
    check_ledger(root, config.ledger)
    return config, stated


def default_ledger(root: Path) -> LedgerSettings:
    """Where decisions are recorded if nobody says so: ``ledger``, or ``gate-ledger`` where that is taken."""
    names = ("ledger", "gate-ledger", *(f"gate-ledger-{number}" for number in range(2, 100)))
    return LedgerSettings(next((name for name in names if _is_free(root / name)), names[0]))


def _is_free(place: Path) -> bool:
    """Whether there is nothing, or nothing but a ledger."""
    try:
        mode = os.lstat(place).st_mode
        return stat.S_ISDIR(mode) and all(map(LEDGER_FILES.fullmatch, os.listdir(place)))  # noqa: PTH208
    except FileNotFoundError:
        return True
    except OSError:
        return False


def check_config(config: GateConfig, path: str) -> None:
    """Refuse what no type expresses.

    Args:
        path: the file, for messages.

    Raises ConfigError: an unknown collector or engine, wrong options, no time, a path out of the workspace.
    """
    for collector, options in config.evidence.items():
        _check_collector(collector, f"evidence.{collector}", path)
        _check_options(collector, options)
    for collector in config.freshness:
        _check_collector(collector, f"freshness.{collector}", path)
    if config.effective_time is not None:
        try:
            parse_rfc3339(config.effective_time)
        except ValueError as error:
            remedy = "write it like 2025-11-07T12:00:00Z"
            raise ConfigError(str(error), path=path, place="effective_time", remedy=remedy) from error
    for name, patterns in (("sources", config.subject.sources or ()), ("exclude", config.subject.exclude)):
        if len(patterns) > _MOST_PATTERNS:
            what, remedy = f"has more than {_MOST_PATTERNS} entries", "name directories, not their files"
            raise ConfigError(what, path=path, place=f"subject.{name}", remedy=remedy)
        for pattern in patterns:
            if pattern != ".":
                check_relative(pattern.rstrip("/"))
    engines.check(config.engine)


def check_ledger(root: Path, settings: LedgerSettings, file: str = FILE) -> None:
    """Refuse a ledger that is neither a directory of the workspace nor served by a plug-in.

    Args:
        file: where the settings stand; in other files than ``gate.yaml``, an absolute path is not checked.
    """
    location = settings.location.removeprefix("file:")
    path = location if location.startswith("/") else settings.directory
    if path is None or settings.evidence is not None:
        _check_urls(settings, file)
    if path is None:
        return
    parts = path.rstrip("/").split("/")
    problem: str | None
    if _SCHEME.match(path) or path.startswith("/") or ".." in parts or "\\" in path or "\x00" in path:
        problem = "the ledger's directory does not lie in the workspace"
    elif not set(parts) - {"", "."}:
        problem = "the ledger's directory is the workspace itself"
    else:
        problem = _not_directories(root, [part for part in parts if part not in ("", ".")])
    if problem is not None:
        remedy = "name a directory inside the workspace, relative to it, such as: ledger"
        remedy += "" if file == FILE else "; or give its absolute path"
        raise ConfigError(problem, path=file, place="ledger.location", remedy=remedy)


def _check_urls(settings: LedgerSettings, file: str) -> None:
    from ..ledger import LEDGERS
    from ..store import STORES

    evidence = settings.evidence
    if evidence is not None and (not _SCHEME.match(evidence) or evidence.lower().startswith("file:")):
        what = "evidence in files lies with the ledger, and nowhere else"
        remedy = "leave it out, or give the URL of another store, such as s3://BUCKET/PREFIX"
        raise ConfigError(what, path=file, place="ledger.evidence", remedy=remedy)
    for name, schemes, url in (
        ("location", LEDGERS, settings.location if settings.directory is None else None),
        ("evidence", STORES, settings.evidence),
    ):
        if url is not None:
            try:
                schemes.find(url)
            except ConfigError as error:
                remedy = f"name a directory inside the workspace, such as: ledger; {error.remedy}"
                raise ConfigError(error.what, path=file, place=f"ledger.{name}", remedy=remedy) from error


def _not_directories(root: Path, parts: Sequence[str]) -> str | None:
    """What is wrong with the way to the ledger, as far as it exists."""
    here = root
    for part in parts:
        here /= part
        try:
            mode = os.lstat(here).st_mode
        except OSError:  # not there yet
            return None
        if stat.S_ISLNK(mode):
            return "the ledger's directory is, or lies behind, a symbolic link"
        if not stat.S_ISDIR(mode):
            return "the ledger's directory is, or lies below, something that is no directory"
    return None


def _check_options(collector: str, options: dict[str, Any]) -> None:
    """Refuse wrong options of gate's own collectors, also of those that are not asked for now."""
    if (
        violations("", SCHEMA, {"evidence": {collector: options}}, most=1)
        and registry.find(collector) is None
    ):
        read_settings(registry.load(collector).Options, options, ("evidence", collector))


def _check_collector(name: str, place: str, path: str) -> None:
    if not registry.known(name):
        remedy = f"{suggestion(name, registry.names())}; a plug-in's has to be installed"
        raise ConfigError(f"there is no collector {name[:80]!r}", path=path, place=place, remedy=remedy)


def read_settings(
    kind: type[S], value: Any, place: Sequence[str] = (), path: str = FILE, schema: str = SCHEMA
) -> S:
    """The part of ``gate.yaml`` at ``place`` as settings, or of another file that has such a schema.

    Raises ConfigError: it is not what the class accepts; names the key.
    """
    document = value
    for key in reversed(place):
        document = {key: document}
    # a decimal is for no setting, but JSON Schema takes 1.0 for an integer
    decimal = any(isinstance(item, Decimal) for item in nested(document))
    if not decimal and not violations("", schema, document, most=1):
        try:
            return build(kind, value)
        except Uncertain:
            pass  # what the schema does not say, the full check does
    from pydantic import ValidationError

    from .errors import config_error

    try:
        return validate(kind, value)
    except ValidationError as error:
        raise config_error(error, kind, place, path) from error
