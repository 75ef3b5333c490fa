"""The WSGI application: `POST /notes` takes a note as JSON, and answers with its HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from .render import render

_MOST_BYTES = 100_000
_HTML, _TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request."""
    status, kind, body = _answer(environ)
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


def _answer(environ: dict[str, Any]) -> tuple[str, str, bytes]:
    if environ.get("PATH_INFO") != "/notes":
        return "404 Not Found", _TEXT, b"there is nothing here\n"
    if environ.get("REQUEST_METHOD") != "POST":
        return "405 Method Not Allowed", _TEXT, b"POST a note\n"
    raw = environ["wsgi.input"].read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        return "413 Content Too Large", _TEXT, b"the request is too large\n"
    try:
        html = render(json.loads(raw)["text"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return "400 Bad Request", _TEXT, f"{error}\n".encode()
    return "200 OK", _HTML, html.encode()
