"""Where an OPA engine is, ``opa`` for a managed server or ``opa=URL`` for another, and its settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar

from msgspec import Struct

from .....evidence.base.errors import ConfigError
from .....evidence.base.settings import Bounded, Settings, Text, setting

NAME = "opa"
_FORMS = "write opa, opa=https://HOST[:PORT][/PATH], opa=http://HOST[:PORT][/PATH] or opa=unix:/PATH"
_DEFAULT_PORT = 8181
_LONGEST = 1000
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|\[::1\]")
_HOST = re.compile(r"(?=.{1,253}$)(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?|\[[0-9A-Fa-f:.]+\]")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")


class Address(Struct, frozen=True):
    """Where an OPA server answers.

    Attributes:
        scheme: ``http``, ``https`` or ``unix``.
        host: name or address; an IPv6 address in brackets.
        path: what comes before ``/v1``, or the path of a unix socket.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def local(self) -> bool:
        """Whether what is sent stays on this machine."""
        return self.scheme == "unix" or _LOOPBACK.fullmatch(self.host) is not None

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix:{self.path}"
        return f"{self.scheme}://{self.host}:{self.port}{self.path}"


def is_opa(engine: str) -> bool:
    """Whether this names an OPA engine."""
    return engine == NAME or engine.startswith(f"{NAME}=")


def parse_address(engine: str) -> Address | None:
    """The server that the engine's name names; None for a managed one.

    Raises ConfigError: it is no such address. One that holds a password is not shown.
    """
    if engine == NAME:
        return None
    text = engine.removeprefix(f"{NAME}=")
    if len(text) > _LONGEST:
        raise _wrong(f"the OPA server's address has more than {_LONGEST} characters")
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        path = path.removeprefix("//") if path.startswith("///") else path
        if not path.startswith("/") or "\x00" in path:
            raise _wrong("the path of the OPA server's socket is not absolute")
        return Address("unix", "localhost", _DEFAULT_PORT, path)
    if not text.isprintable() or " " in text:  # which urlsplit would leave out
        raise _wrong("the OPA server's address has spaces or control characters")
    from urllib.parse import urlsplit  # only addresses need it

    try:
        parts = urlsplit(text)
        port = parts.port
        if port == 0:
            raise ValueError("no server has this port")
    except ValueError:
        raise _wrong("the OPA server's address is malformed") from None
    if "@" in parts.netloc:
        raise _wrong("the OPA server's address holds a user or password", "give a bearer token under `opa`")
    host = parts.netloc.removesuffix(f":{port}").removesuffix(":")
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        raise _wrong("what follows opa= is not the address of an OPA server")
    if parts.query or parts.fragment or not _PATH.fullmatch(parts.path):
        raise _wrong("the OPA server's address has more than a host, a port and a plain path")
    default = 443 if parts.scheme == "https" else _DEFAULT_PORT
    return Address(parts.scheme, host, default if port is None else port, parts.path.rstrip("/"))


def _wrong(what: str, remedy: str = _FORMS) -> ConfigError:
    return ConfigError(what, path="gate.yaml", place="engine", remedy=remedy)


_FILE = "an absolute path, or in the operator's file one relative to it."


@dataclass(frozen=True, slots=True)
class OpaSettings(Settings):
    """How to reach an OPA server, and what to show it."""

    ca: Text | None = setting(
        f"PEM file of the authorities that the server's certificate must be from: {_FILE}", None
    )
    certificate: Text | None = setting(f"PEM file of the client certificate to show: {_FILE}", None)
    key: Text | None = setting(f"PEM file of its key, unless the certificate's file has it: {_FILE}", None)
    token_file: Text | None = setting(f"File with the bearer token to send: {_FILE}", None)
    token_variable: Annotated[str, Bounded(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = setting(
        "Environment variable with the bearer token, in place of token_file.", None
    )
    retries: int = setting("How often a lost or refused connection is tried again, with growing pauses.", 4)

    FILES: ClassVar = ("ca", "certificate", "key", "token_file")

    def __post_init__(self) -> None:
        if not 0 <= self.retries <= 20:
            raise ValueError("retries must be from 0 to 20")
        if self.key is not None and self.certificate is None:
            raise ValueError("a key needs a certificate")
        if self.token_file is not None and self.token_variable is not None:
            raise ValueError("token_file and token_variable exclude each other")
