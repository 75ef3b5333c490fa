"""Which implementation serves a URL: gate's own by scheme, those of other distributions by entry point.

The name of an entry point is the scheme it serves, in lower case; what it points to is loaded only when a URL
has that scheme.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final, Generic, TypeVar, cast

from ...evidence.base.errors import ConfigError, nearest
from ...evidence.base.plugins import find_plugin, plugin_names

T = TypeVar("T")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


class Schemes(Generic[T]):
    """The implementations of one plug point: gate's own by scheme, others by entry point.

    Args:
        kind: what a URL names, for messages.
        group: of the entry points.
        builtin: scheme to the module below ``package`` whose ``connect`` serves it.
    """

    def __init__(self, kind: str, group: str, builtin: Mapping[str, str], package: str) -> None:
        self._kind, self._group, self._builtin, self._package = kind, group, builtin, package

    def find(self, url: str | Path) -> tuple[T, str]:
        """The implementation for a URL, and the URL with its scheme; a path is a `file:` URL.

        Raises ConfigError: no implementation serves the scheme; PluginError: the one that does cannot be
        loaded.
        """
        match = _SCHEME.match(url) if isinstance(url, str) else None
        scheme = match[1].lower() if match else "file"
        text = str(url) if match else f"file:{url}"
        if scheme in self._builtin:
            return cast(T, import_module(self._builtin[scheme], self._package).connect), text
        plugin = find_plugin(self._group, self._kind, scheme)
        if plugin is not None:
            return cast(T, plugin.load()), text
        known = sorted({*self._builtin, *plugin_names(self._group)})
        close = nearest(scheme, known)
        meant = f"did you mean {close}:? " if close else ""
        raise ConfigError(
            f"{'an' if self._kind[0] in 'aeiou' else 'a'} {self._kind} at {scheme[:40]}: is not supported",
            remedy=f"{meant}known: {', '.join(f'{name}:' for name in known)} and paths without a scheme; "
            f"others come with distributions that have an entry point in {self._group}",
        )


def file_path(url: str) -> Path:
    """The path that a `file:` URL names, taken as it is written; relative ones are allowed.

    Raises ConfigError for one on another machine (`file://host/…`) or an empty one.
    """
    path = url.partition(":")[2]
    if path.startswith("//"):
        path = path[2:]
        if not path.startswith("/"):
            remedy = "write file:PATH, or file:///PATH from the root"
            raise ConfigError(f"{url[:80]!r} names another machine", remedy=remedy)
    if not path or "\0" in path:
        raise ConfigError(f"{url[:80]!r} names no directory", remedy="write a path, or file:PATH")
    return Path(path)


def is_loopback(host: str | None) -> bool:
    """Whether the host is this machine, which may be spoken to without TLS."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
