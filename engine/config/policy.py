"""Settings of the policy bundle: which one judges, which of its rules, and with which parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ...evidence.base.settings import Bounded, Settings, Text, setting


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
        factory=dict,
    )
