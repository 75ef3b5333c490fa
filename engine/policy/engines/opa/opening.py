"""Makes the OPA engine that a name and settings ask for."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .....evidence.base.errors import ConfigError
from .....evidence.base.limits import Limits
from .....evidence.reading.workspace.named import read_followed
from ...interface import Bundle, PolicyEngine
from .address import Address, OpaSettings, parse_address

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
        raise _wrong("ca", what)
    token = _token(settings, files.get("token_file"), address)
    credentials = Credentials(files.get("ca"), files.get("certificate"), files.get("key"), token)
    return ServerEngine(bundle, Client(address, credentials, settings.retries, limits.file_bytes), limits)


def _path(setting: str, value: str, workspace: Path | None) -> str:
    """The file that a setting names, which the judged change must not choose."""
    path = Path(value)
    if not path.is_absolute():
        what = "the path is not absolute"
        raise _wrong(setting, what, "write an absolute path, or set it in the operator's file")
    if workspace is not None and path.resolve().is_relative_to(workspace.resolve()):
        what = "the file lies in the workspace, where the judged change could alter it"
        raise _wrong(setting, what, "keep it elsewhere")
    if not path.is_file():
        raise _wrong(setting, f"there is no file {value[:200]}", "correct the path")
    return str(path)


def _token(settings: OpaSettings, file: str | None, address: Address) -> str | None:
    """The bearer token. No message shows any of it."""
    if file is not None:
        raw = read_followed(Path(file), ConfigError, "name a file with the token alone", _TOKEN_BYTES)
        text, setting = raw.decode("latin-1").strip(), "token_file"
    elif settings.token_variable is not None:
        text, setting = os.environ.get(settings.token_variable, "").strip(), "token_variable"
    else:
        return None
    if len(text) > _TOKEN_BYTES or not _TOKEN.fullmatch(text):
        what = "there is no token: one word of printable ASCII"
        raise _wrong(setting, what, "put the token there, and nothing else")
    if address.scheme == "http" and not address.local:
        raise _wrong(setting, "the token would travel unencrypted", "reach the server by https")
    return text


def _wrong(
    setting: str, what: str, remedy: str = "leave it out, or reach the server by https"
) -> ConfigError:
    return ConfigError(what, place=f"opa.{setting}", remedy=remedy)
