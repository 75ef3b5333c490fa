"""Policy bundles and the engines that evaluate them."""

from __future__ import annotations

from .registry import open_engine

__all__ = ["open_engine"]
