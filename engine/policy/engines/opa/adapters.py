"""Adapters for requests: replies of bounded size, over TCP, TLS and unix sockets."""

from __future__ import annotations

import socket
from functools import partial
from typing import Any

from requests import Response
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import NewConnectionError

_PIECE = 1 << 16


class TooLarge(Exception):
    """A reply is larger than accepted; its text is the limit in bytes."""


class CappedAdapter(HTTPAdapter):
    """Reads the whole reply, also a compressed one, up to a limit. Raises TooLarge: it is larger."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(max_retries=0, pool_connections=1, pool_maxsize=1)
        self._most = most_bytes

    def send(self, request: Any, stream: bool = False, *args: Any, **options: Any) -> Response:
        response = super().send(request, True, *args, **options)
        data = bytearray()
        for piece in response.iter_content(_PIECE):
            data += piece
            if len(data) > self._most:
                response.close()
                raise TooLarge(str(self._most))
        response._content = bytes(data)
        return response


class UnixAdapter(CappedAdapter):
    """Every request goes to one unix socket."""

    def __init__(self, path: str, most_bytes: int) -> None:
        super().__init__(most_bytes)
        self._pool = HTTPConnectionPool("localhost", maxsize=1)
        self._pool.ConnectionCls = partial(_UnixConnection, path)  # type: ignore[assignment]

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        return self._pool

    def close(self) -> None:
        self._pool.close()


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str, **options: Any) -> None:
        super().__init__(**options)
        self._path = path

    def _new_conn(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(self.timeout)
            made.connect(self._path)
        except OSError as error:
            made.close()
            raise NewConnectionError(self, str(error.strerror or error)) from error
        return made
