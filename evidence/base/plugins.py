"""Plug-ins of other distributions: entry points, found by group and name, loaded only when asked for.

Names that gate serves itself are never looked for: the search through all installed distributions is slow.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from .errors import GateError, PluginError


class Plugin(Struct, frozen=True):
    """An installed plug-in.

    Attributes:
        kind: what it is, for messages: ``policy engine``.
        value: what its entry point leads to: ``package.module:Class``.
        provider: its distribution, as ``name version``.
    """

    kind: str
    name: str
    value: str
    provider: str

    @property
    def package(self) -> str:
        """The top-level package of its code."""
        return self.value.partition(":")[0].partition(".")[0]

    def error(self, what: str, remedy: str = "") -> PluginError:
        """An error that names the plug-in; ``what`` it did, in words that follow its name."""
        return PluginError(
            f"the {self.kind} plug-in {self.name!r} ({self.provider}) {what[:400]}",
            remedy=remedy or "report it to the plug-in's authors, or do without the plug-in",
        )

    def load(self) -> Any:
        """What the entry point leads to; this runs the plug-in's code. Raises PluginError: it cannot be."""
        from importlib.metadata import EntryPoint

        with self.guard("cannot be loaded"):
            return EntryPoint(self.name, self.value, "").load()

    @contextmanager
    def guard(self, what: str = "failed") -> Iterator[None]:
        """Make any exception of the plug-in's code an error that names it; those of gate are passed on."""
        try:
            yield
        except GateError:
            raise
        except Exception as error:
            text = f"{what}: {type(error).__name__}: {str(error)[:200]}"
            raise self.error(text + self.code_line(error)) from error

    def code_line(self, error: BaseException) -> str:
        """File and line of the plug-in's own code that an exception passed last, in brackets; or nothing."""
        found = ""
        trace = error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if str(frame.f_globals.get("__name__", "")).partition(".")[0] == self.package:
                parts = Path(frame.f_code.co_filename).parts
                first = len(parts) - 1
                if self.package in parts:
                    first -= parts[::-1].index(self.package)
                found = f" ({'/'.join(parts[first:])}, line {trace.tb_lineno})"
            trace = trace.tb_next
        return found


def plugin_names(group: str) -> list[str]:
    """The names of the group's plug-ins, sorted; none of their code is run."""
    return sorted(_entries(group, tuple(sys.path)))


def find_plugin(group: str, kind: str, name: str) -> Plugin | None:
    """The plug-in of that name; none of its code is run.

    Raises PluginError: two distributions have one of the name; which of them is meant is not left to chance.
    """
    found = _entries(group, tuple(sys.path)).get(name, [])
    if len(found) > 1:
        plugin = Plugin(kind, name, "", ", ".join(sorted(provider for _, provider in found)))
        raise plugin.error("is there more than once", "uninstall all but one of these distributions")
    return Plugin(kind, name, *found[0]) if found else None


@functools.cache
def _entries(group: str, path: tuple[str, ...]) -> dict[str, list[tuple[str, str]]]:
    """By name, where the entry points lead and the distributions they are of; ``path`` is that of imports."""
    from importlib.metadata import entry_points

    found: dict[str, list[tuple[str, str]]] = {}
    for entry in entry_points(group=group):
        provider = "unknown distribution" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
        entries = found.setdefault(entry.name, [])
        if (entry.value, provider) not in entries:  # one distribution may be found twice on the path
            entries.append((entry.value, provider))
    return found
