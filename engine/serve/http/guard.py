"""Stands before all routes: headers of every answer."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..settings import LimitSettings
from .headers import ALWAYS, OTHERWISE, SECURE


class Guard:
    """ASGI middleware around an application."""

    def __init__(self, app: ASGIApp, limits: LimitSettings) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fixed = ALWAYS | (SECURE if scope["scheme"] == "https" else {})

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in fixed.items():
                    headers[name] = value
                for name, value in OTHERWISE.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, answer)
