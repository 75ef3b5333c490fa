"""Runs the application: uvicorn with our limits, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ...evidence.base.errors import ConfigError, EnvironmentProblem
from .app import create_app
from .http.guard import Guard
from .http.logs import notice, tell, to_stderr
from .served import Served
from .settings import Service
from .verification import Verifier
from .writing.recorder import Recorder

_LAST_S: Final = 60
"""Time for requests that are being answered when the service is told to end."""
_HEADER_BYTES: Final = 16_384
_QUEUED: Final = 128


def run(served: Served, *, behind_proxy: bool = False) -> None:
    """Serve until a signal ends it; what is in progress is answered, and what waits is recorded.

    Raises ConfigError: certificate or issuers' keys cannot be used; EnvironmentProblem: the address cannot be
    used, or a ledger cannot be written; LedgerError: the log key here does not sign one of the ledgers.
    """
    to_stderr()
    service = served.service
    with ExitStack() as stack:
        stack.callback(served.close)
        recorder = Recorder(served, notice)
        stack.callback(recorder.close)
        listening = stack.enter_context(_listening(service))
        stack.callback(Verifier(served, notice).close)
        app = create_app(served, recorder, behind_proxy=behind_proxy)
        server = _Server(_config(service, app))
        asyncio.run(server.serve(sockets=[listening]))
    tell("ended")


def _listening(service: Service) -> socket.socket:
    family = socket.AF_INET6 if ":" in service.host else socket.AF_INET
    try:
        return socket.create_server((service.host, service.port), family=family, backlog=_QUEUED)
    except OSError as error:
        what = f"{service.host}:{service.port} cannot be listened on: {error.strerror or error}"
        remedy = "name another address with --listen, or end what uses this one"
        raise EnvironmentProblem(what, remedy=remedy) from error


def _config(service: Service, app: Guard) -> uvicorn.Config:
    limits, tls, folder = service.limits, service.stated.tls, service.directory
    secure: dict[str, Any] = {}
    if tls is not None:
        secure = {"ssl_certfile": folder / tls.certificate, "ssl_keyfile": folder / tls.key}
        if tls.clients is not None:
            secure |= {"ssl_ca_certs": str(folder / tls.clients), "ssl_cert_reqs": ssl.CERT_REQUIRED}
    config = uvicorn.Config(
        app,
        http=_protocol(limits.header_seconds, limits.request_seconds, limits.connections),
        ws="none",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.connections,
        backlog=_QUEUED,
        timeout_keep_alive=limits.header_seconds,
        timeout_graceful_shutdown=_LAST_S,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        **secure,
    )
    try:
        config.load()
    except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
        files = filter(None, (tls.certificate, tls.key, tls.clients) if tls else ())
        what = f"TLS cannot be set up with {', '.join(files)}: {getattr(error, 'strerror', None) or error}"
        remedy = "give PEM files of a certificate, its key, and the clients' authorities"
        raise ConfigError(what, place="tls", remedy=remedy) from error
    return config


class _Server(uvicorn.Server):
    """Ends at a signal as if it were the end of the program, and says where it listens."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Have SIGTERM and SIGINT end the service."""
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        host, port, *_ = (sockets or [])[0].getsockname()
        tell("listening", host=host, port=port, tls=self.config.is_ssl)


def _protocol(header_seconds: float, request_seconds: float, most: int) -> type[H11Protocol]:
    """HTTP/1.1 with limits on time: for a request's header, and from there to the end of the answer.

    Where there are as many connections as may be, the one that has waited longest for a request is cut.
    """
    waiting: dict[H11Protocol, None] = {}

    class Protocol(H11Protocol):
        """One connection. The server alone waits for a slow client for ever."""

        _deadline: asyncio.TimerHandle | None = None
        _seen: object = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) >= most and waiting:
                oldest = next(iter(waiting))
                del waiting[oldest]
                oldest.transport.abort()
            waiting[self] = None
            secure = transport.get_extra_info("ssl_object")
            names = _names(secure.getpeercert()) if secure is not None else frozenset()
            if names:
                self.app = _certified(self.app, names)
            self._allow(header_seconds)

        def connection_lost(self, exc: Exception | None) -> None:
            waiting.pop(self, None)
            self._allow(None)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._look()

        def on_response_complete(self) -> None:
            self._allow(header_seconds)
            waiting[self] = None
            super().on_response_complete()
            self._look()

        def _look(self) -> None:
            """Allow time for a request whose header is there."""
            if self.cycle is not self._seen:
                self._seen = self.cycle
                waiting.pop(self, None)
                self._allow(request_seconds)

        def _allow(self, seconds: float | None) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
            self._deadline = None if seconds is None else self.loop.call_later(seconds, self._late)

        def _late(self) -> None:
            self.transport.abort()

    return Protocol


def _names(certificate: Any) -> frozenset[str]:
    """The subject alternative names of a verified client certificate."""
    if not certificate:
        return frozenset()
    return frozenset(f"{kind}:{name}" for kind, name in certificate.get("subjectAltName", ()))


def _certified(app: Any, names: frozenset[str]) -> Any:
    async def with_names(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "gate_certificate": names}, receive, send)

    return with_names
