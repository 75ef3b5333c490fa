"""Policy bundles and the engines that evaluate them."""

from __future__ import annotations

from typing import assert_never

from .interface import Bundle, PolicyEngine, PolicyEngineName


def open_engine(name: PolicyEngineName, bundle: Bundle) -> PolicyEngine:
    """The engine of that name over the bundle; enter it as a context manager."""
    match name:
        case "embedded":
            from .embedded import EmbeddedEngine

            return EmbeddedEngine(bundle)
        case _:
            assert_never(name)
