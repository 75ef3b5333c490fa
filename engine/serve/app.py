"""The application: all routes behind the guard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ... import __version__
from ...evidence.base.errors import GateError
from . import pages
from .http import reading, writing
from .http.answers import json_answer, problem, refusal
from .http.guard import GONE, Guard
from .served import Served
from .settings import Service
from .writing.recorder import Recorder


def create_app(served: Served, recorder: Recorder, *, behind_proxy: bool = False) -> Guard:
    """The service as an ASGI application."""
    described = description(served.service)

    def openapi(request: Request) -> Response:
        return json_answer(described)

    app = Starlette(
        routes=[
            Route("/healthz", _healthy),
            Route("/openapi.json", openapi),
            *reading.routes(served),
            *writing.routes(served, recorder),
            *pages.routes(served),
        ],
        exception_handlers={
            GateError: _refused,
            HTTPException: _unknown,
            # nobody reads it; for the log and the metrics, in which it is no failure of the service
            ClientDisconnect: lambda request, error: problem(GONE, "the client went away"),
            # it is raised again after this, and logged
            Exception: lambda request, error: problem(500, "the service failed"),
        },
    )
    app.router.redirect_slashes = False
    return Guard(app, served, behind_proxy=behind_proxy)


def description(service: Service) -> dict[str, Any]:
    """The OpenAPI document of a service: what `openapi.yaml` says, of what this one answers."""
    text = (Path(__file__).parent / "http" / "openapi.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    document["info"]["version"] = __version__
    document["servers"] = [{"url": service.stated.url or "/"}]
    if not any(one.stated.bundles for one in service.logs):
        del document["paths"]["/api/logs/{log}/impact"]
    return document


async def _healthy(request: Request) -> Response:
    """A coroutine: it waits for no thread, all of which may be busy with what takes long."""
    return json_answer({"status": "ok"})


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, GateError)  # noqa: S101 - what it is registered for
    answer = refusal(error)
    if answer.status_code >= 500:
        request.scope["gate"]["refused"] = error.what
    return answer


def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return problem(error.status_code, error.detail, headers=error.headers)
