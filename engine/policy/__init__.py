"""Policy bundles and the engines that evaluate them."""

from __future__ import annotations

from typing import assert_never

from ...evidence.base.limits import Limits
from .interface import Bundle, PolicyEngine, PolicyEngineName


def open_engine(name: PolicyEngineName, bundle: Bundle, limits: Limits) -> PolicyEngine:
    """The engine of that name over the bundle, within the limits; enter it as a context manager."""
    match name:
        case "embedded":
            from .engines.embedded import EmbeddedEngine

            return EmbeddedEngine(bundle, limits)
        case _:
            assert_never(name)
