"""Runs the application: uvicorn with our limits, until SIGTERM or SIGINT."""

from __future__ import annotations

import uvicorn

from ..served import Served
from .app import create_app


def run(served: Served, *, behind_proxy: bool = False) -> None:
    """Serve until a signal ends it."""
    service = served.service
    uvicorn.Server(
        uvicorn.Config(
            create_app(served),
            host=service.host,
            port=service.port,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=behind_proxy,
        )
    ).run()
