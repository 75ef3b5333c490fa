"""``gate.yaml``: what is judged, with which evidence, by which policies, recorded where.

Every setting has a default; a workspace without the file is judged with the shipped stages. Precedence is
flag > ``GATE_*`` environment variable > ``gate.yaml`` > default; flags and variables are resolved by the CLI.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..evidence.collectors import BUILTIN
from ..evidence.errors import ConfigError, EvidenceError
from ..evidence.times import parse_rfc3339
from ..evidence.workspace import Workspace, check_relative
from ..evidence.yaml_reader import parse_yaml
from .policy.interface import PolicyEngineName

FILE = "gate.yaml"

DEFAULT_SOURCES = ("algo_trade", "data_plane", "order_plane", "contracts", "fixtures", "tests")
DEFAULT_EXCLUDE = ("**/.coverage", "**/*.pyc")

Text = Annotated[str, Field(min_length=1, max_length=1000)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SubjectSettings(_Model):
    """What is judged."""

    sources: list[Text] | None = Field(
        default=None, description="Directories, files or globs whose content is judged."
    )
    exclude: list[Text] = Field(
        default=list(DEFAULT_EXCLUDE), description="Globs under the sources that are not judged."
    )


class PolicySettings(_Model):
    """Which bundle judges, and what it must be."""

    bundle: Text | None = Field(
        default=None,
        description="Directory of the bundle, relative to the workspace; the shipped one if absent.",
    )
    version: Text | None = Field(default=None, description="The revision the bundle must have.")
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="The SHA-256 digest the bundle must have."
    )


class LedgerSettings(_Model):
    """Where decisions are recorded."""

    location: Text = Field(default="ledger", description="Directory, relative to the workspace or absolute.")
    origin: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9./_-]{0,127}$")] | None = Field(
        default=None, description="The log's name in its checkpoints; gate.local/<name>/<random> if absent."
    )


class StageSettings(_Model):
    """A stage's own dependencies, in place of the bundle's."""

    depends_on: list[Text]


class GateConfig(_Model):
    """The whole of ``gate.yaml``."""

    version: Literal[1] = Field(default=1, description="Version of this file's format.")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = Field(
        default=None, description="Name of the system judged; the directory's name if absent."
    )
    effective_time: Text | None = Field(
        default=None, description="Pins the time at which rules, waivers and ages are judged (RFC 3339)."
    )
    subject: SubjectSettings = SubjectSettings()
    evidence: dict[str, dict[str, Any]] = Field(default={}, description="Options by collector.")
    roles: dict[str, list[Text]] = Field(
        default={}, description="Who may sign in which role: role to principals of allowed_signers."
    )
    allowed_signers: Text = Field(
        default="trust/allowed_signers", description="OpenSSH allowed_signers file of the people who sign."
    )
    policy: PolicySettings = PolicySettings()
    ledger: LedgerSettings = LedgerSettings()
    engine: PolicyEngineName = Field(default="embedded", description="The policy engine.")
    stages: dict[str, StageSettings] = Field(default={}, description="Changed dependencies between stages.")

    @property
    def sources(self) -> list[str]:
        """The configured or default source paths."""
        return list(DEFAULT_SOURCES) if self.subject.sources is None else self.subject.sources


def load_config(root: Path) -> GateConfig:
    """The settings of the workspace at ``root``; defaults where there is no ``gate.yaml``.

    Raises:
        ConfigError: malformed YAML, an unknown key, a wrong type, an impossible value; names the key.
    """
    try:
        view = Workspace.single_file_view(root, FILE)
        raw = None if view is None else view.read(FILE, view.limits.text_bytes)
    except EvidenceError as error:
        raise ConfigError(error.what, path=error.path, place=error.place, remedy=error.remedy) from error
    if view is None or raw is None:
        return GateConfig()
    value = parse_yaml(raw, FILE, view.limits, error_type=ConfigError)
    try:
        config = GateConfig.model_validate({} if value is None else value)
    except ValidationError as error:
        raise config_error(error) from error
    for collector in config.evidence:
        if collector not in BUILTIN:
            raise ConfigError(
                f"there is no collector {collector!r}",
                path=FILE,
                place=f"evidence.{collector}",
                remedy="known: " + ", ".join(sorted(BUILTIN)),
            )
    if config.effective_time is not None:
        try:
            parse_rfc3339(config.effective_time)
        except ValueError as error:
            raise ConfigError(
                str(error), path=FILE, place="effective_time", remedy="write it like 2025-11-07T12:00:00Z"
            ) from error
    for pattern in [*config.sources, *config.subject.exclude]:
        if pattern != ".":
            check_relative(pattern.rstrip("/"))
    return config


def config_error(error: ValidationError, prefix: str = "") -> ConfigError:
    """A pydantic error as one line for the user: the first place, and how many there are."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    first = problems[0]
    place = ".".join([prefix, *(str(part) for part in first["loc"])]).strip(".")
    message = re.sub(r"^Value error, ", "", first["msg"])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return ConfigError(
        f"{message}{more}", path=FILE, place=place or "top level", remedy="`gate init` shows every setting"
    )
