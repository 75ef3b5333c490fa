"""Pages for people with a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from ..served import Served


def routes(served: Served) -> list[BaseRoute]:
    """The pages' routes; they come last, after those for machines (``/api``, ``/tlog``, ``/metrics`` …)."""
    return []
