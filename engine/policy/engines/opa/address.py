"""Reads the name of an OPA engine: ``opa`` for a managed server, ``opa=URL`` for one that somebody runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

from msgspec import Struct

from .....evidence.base.errors import ConfigError
from .....evidence.base.limits import Limits
from ...interface import Bundle, PolicyEngine
from .settings import OpaSettings

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


_TOKEN = re.compile(r"[!-~]+")
_TOKEN_BYTES = 16_384


def open_opa(
    name: str, bundle: Bundle, limits: Limits, settings: OpaSettings, workspace: Path | None
) -> PolicyEngine:
    """The engine behind ``opa`` or ``opa=URL``.

    Raises ConfigError: the settings do not fit; EnvironmentProblem: something is not installed.
    """
    address = parse_address(name)
    if address is None:
        from .managed import ManagedEngine

        return ManagedEngine(bundle, limits, workspace)
    from .client import Client, Credentials
    from .server import ServerEngine

    files = {
        setting: _path(setting, value, workspace)
        for setting in settings.FILES
        if (value := getattr(settings, setting)) is not None
    }
    if address.scheme != "https" and files.keys() & {"ca", "certificate"}:
        what = f"certificates mean nothing to {address.scheme}: the server is not reached by https"
        raise _misconfigured("ca", what)
    token = _token(settings, files.get("token_file"), address)
    credentials = Credentials(files.get("ca"), files.get("certificate"), files.get("key"), token)
    return ServerEngine(bundle, Client(address, credentials, settings.retries, limits.file_bytes), limits)


def _path(setting: str, value: str, workspace: Path | None) -> str:
    """The file that a setting names, which the judged change must not choose."""
    path = Path(value)
    if not path.is_absolute():
        what = "the path is not absolute"
        raise _misconfigured(setting, what, "write an absolute path, or set it in the operator's file")
    if workspace is not None and path.resolve().is_relative_to(workspace.resolve()):
        what = "the file lies in the workspace, where the judged change could alter it"
        raise _misconfigured(setting, what, "keep it elsewhere")
    if not path.is_file():
        raise _misconfigured(setting, f"there is no file {value[:200]}", "correct the path")
    return str(path)


def _token(settings: OpaSettings, file: str | None, address: Address) -> str | None:
    """The bearer token. No message shows any of it."""
    if file is not None:
        try:
            with Path(file).open("rb") as stream:
                raw = stream.read(_TOKEN_BYTES + 1)
        except OSError as error:
            what = f"the file cannot be read: {error.strerror}"
            raise _misconfigured("token_file", what, "make it readable") from error
        text, setting = raw.decode("latin-1").strip(), "token_file"
    elif settings.token_variable is not None:
        text, setting = os.environ.get(settings.token_variable, "").strip(), "token_variable"
    else:
        return None
    if len(text) > _TOKEN_BYTES or not _TOKEN.fullmatch(text):
        what = "there is no token: one word of printable ASCII"
        raise _misconfigured(setting, what, "put the token there, and nothing else")
    if address.scheme == "http" and not address.local:
        raise _misconfigured(setting, "the token would travel unencrypted", "reach the server by https")
    return text


def _misconfigured(
    setting: str, what: str, remedy: str = "leave it out, or reach the server by https"
) -> ConfigError:
    return ConfigError(what, place=f"opa.{setting}", remedy=remedy)
