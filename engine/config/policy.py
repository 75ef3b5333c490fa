"""Settings of the policy bundle: which one judges, which of its rules, and with which parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from ...evidence.base.settings import Bounded, Settings, Text


@dataclass(frozen=True, slots=True)
class ParameterSettings(Settings):
    """A parameter's value in place of the bundle's."""

    value: Any = field(metadata={"description": "The value, in the bundle's unit."})
    rationale: Text = field(metadata={"description": "Why this workspace has another value."})
    unit: Text | None = field(
        default=None, metadata={"description": "The unit; the bundle's parameter must have the same one."}
    )


@dataclass(frozen=True, slots=True)
class PolicySettings(Settings):
    """Which bundle judges, what it must be, and what of it applies."""

    bundle: Text | None = field(
        default=None,
        metadata={"description": "The bundle's directory or .tar.gz in the workspace."},
    )
    shipped: Literal["prelive", "release"] | None = field(
        default=None, metadata={"description": "One of gate's own bundles; prelive if neither is named."}
    )
    version: Text | None = field(default=None, metadata={"description": "The revision the bundle must have."})
    digest: Annotated[str, Bounded(pattern=r"^[0-9a-f]{64}$")] | None = field(
        default=None, metadata={"description": "The SHA-256 digest the bundle must have."}
    )
    signer: Text | None = field(
        default=None, metadata={"description": "PEM file with the public key that must have signed it."}
    )
    profile: Text | None = field(
        default=None,
        metadata={"description": "The bundle's profile that selects the rules; all of them if absent."},
    )
    parameters: dict[str, dict[str, ParameterSettings]] = field(
        default_factory=dict,
        metadata={
            "description": "Parameters in place of the bundle's, by group and name; only an operator's file "
            "or a trust ref can set them."
        },
    )
