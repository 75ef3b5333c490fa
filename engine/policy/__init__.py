"""Policy bundles and the engines that evaluate them."""

from __future__ import annotations

from .registry import EngineOptions, open_engine

__all__ = ["EngineOptions", "open_engine"]
