"""Stands before all routes: limits on how often and how long, headers of every answer, a line in the log."""

from __future__ import annotations

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Network, ip_address
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..served import Served
from .answers import problem
from .logs import of_error, tell

_LONGEST: Final = 2000
"""The longest path, and the longest query, in bytes."""
_HEADERS: Final = 32_768
"""The most that all headers of a request may have, in bytes."""
_FRAMES: Final = frozenset({b"content-length", b"transfer-encoding"})
"""Headers that say where a body ends."""
_SHARE: Final = 8
"""What part of all connections one client may have requests in that read, the slow ones above all."""
GONE: Final = 499
"""In the log: the client went away before it was answered."""


class Guard:
    """ASGI middleware around the whole application.

    Args:
        behind_proxy: whether the last address in X-Forwarded-For is the client's.
    """

    def __init__(self, app: ASGIApp, served: Served, *, behind_proxy: bool = False) -> None:
        self._app = app
        self._counts = served.counts
        limits = served.service.limits
        self._rates = Rates(limits.requests_per_second)
        self._busy: Counter[str] = Counter()
        self._most = max(limits.connections // _SHARE, 1)
        self._behind_proxy = behind_proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return
        answer = _Answer(scope, send)
        began = time.monotonic()
        noted: dict[str, Any] = scope.setdefault("gate", {})
        noted["client"] = client = self._client(scope)
        counted = counted_as(client)
        # a post that is read is one of a writer, who has limits of his own
        reads = scope["method"] != "POST"
        level = logging.INFO
        self._busy[counted] += reads
        try:
            if not self._rates.allows(counted) or (reads and self._busy[counted] > self._most):
                refused = problem(429, "too many requests", headers={"retry-after": "1"})
                await refused(scope, receive, answer)
            elif len(scope["raw_path"]) > _LONGEST or len(scope["query_string"]) > _LONGEST:
                await problem(414, "the address is too long")(scope, receive, answer)
            elif sum(len(name) + len(value) for name, value in scope["headers"]) > _HEADERS:
                await problem(431, "the header is too large")(scope, receive, answer)
            elif {name for name, _ in scope["headers"]} >= _FRAMES:
                # where the next request begins, a proxy on the way here may see otherwise
                refused = problem(400, "the body has two lengths", headers={"connection": "close"})
                await refused(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        except ClientDisconnect:
            answer.status = answer.status or GONE
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a request
            level = logging.ERROR
            noted |= of_error(error)
            if not answer.status:
                await problem(500, "the service failed")(scope, receive, answer)
        finally:
            self._busy[counted] -= reads
            if not self._busy[counted]:
                del self._busy[counted]
            self._counts["gate_service_requests_total", (("status", f"{answer.status // 100}xx"),)] += 1
            tell(
                "request",
                level,
                method=scope["method"],
                path=scope["path"],
                status=answer.status,
                ms=round(1000 * (time.monotonic() - began), 1),
                bytes=answer.bytes,
                **noted,
            )

    def _client(self, scope: Scope) -> str:
        if self._behind_proxy:
            # the last one is what the proxy itself saw; what stands before it, the client may have written
            stated = Headers(scope=scope).getlist("x-forwarded-for")
            if stated:
                return stated[-1].rpartition(",")[2].strip()[:64]
        return scope["client"][0] if scope.get("client") else ""


class _Answer:
    """Adds headers to an answer, and sees what becomes of it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._fixed = ALWAYS | (SECURE if scope["scheme"] == "https" else {})
        self.status = 0
        self.bytes = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._fixed.items():
                headers[name] = value
            for name, value in OTHERWISE.items():
                headers.setdefault(name, value)
        else:
            self.bytes += len(message.get("body", b""))
        await self._send(message)


_KEPT: Final = 10_000
"""Clients that are remembered, the latest ones."""


class Rates:
    """Counts the requests of each client; twice as many as in a second may come at once."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._most = 2.0 * per_second
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, client: str) -> bool:
        """Whether the client may send one more request now, which is then counted."""
        now = self._clock()
        left, before = self._left.pop(client, (self._most, now))
        left = min(self._most, left + (now - before) * self._per_second)
        allowed = left >= 1
        self._left[client] = (left - 1 if allowed else left, now)
        while len(self._left) > _KEPT:
            self._left.popitem(last=False)
        return allowed


def counted_as(address: str) -> str:
    """The client that an address is counted as, with or without a port: of IPv6, whoever has the network of
    64 bits, in which everybody may choose as many addresses as there are.
    """
    host = address.removeprefix("[").partition("]")[0]
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return address
    if found.version == 6:
        return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False))
    return str(found)


DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of everything that is no page."""
REPORT_POLICY: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Of a report in HTML, which brings its own style and no script: a sandbox, in which it is of no origin."""

ALWAYS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-frame-options": "DENY",
}
"""Of every answer. `content-security-policy` and `cache-control` are added where a route sets none."""
OTHERWISE: Final = {"content-security-policy": DATA_POLICY, "cache-control": "no-store"}
SECURE: Final = {"strict-transport-security": "max-age=31536000"}
"""Over TLS."""
UNCHANGING: Final = {"cache-control": "public, max-age=31536000, immutable"}
"""Of what never changes, such as a full tile."""
