"""The service's description of itself, an OpenAPI 3.1 document."""

from __future__ import annotations

from typing import Any

from ..settings import Service


def description(service: Service) -> dict[str, Any]:
    return {}
