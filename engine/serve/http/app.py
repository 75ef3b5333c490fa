"""The application: all routes behind limits and headers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ....evidence.base.errors import GateError
from .. import pages
from ..served import Served
from . import reading
from .answers import json_answer, problem, refusal
from .guard import Guard


def create_app(served: Served) -> Starlette:
    """The service as an ASGI application, which closes what is served at its end."""

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await run_in_threadpool(served.close)

    return Starlette(
        routes=[Route("/healthz", _healthy), *reading.routes(served), *pages.routes(served)],
        middleware=[Middleware(Guard, limits=served.service.limits)],
        exception_handlers={GateError: _refused, HTTPException: _unknown},
        lifespan=running,
    )


def _healthy(request: Request) -> Response:
    return json_answer({"status": "ok"})


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, GateError)  # noqa: S101 - what it is registered for
    return refusal(error)


def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return problem(error.status_code, error.detail, headers=error.headers)
