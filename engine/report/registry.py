"""All report formats there are: gate's own, and those of other distributions (group ``gate.reports``).

A plug-in's entry point has the format's name and leads to a class that keeps to
:class:`~gate.engine.report.interface.Report` and is made without arguments.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from ...evidence.base.errors import PluginError, UsageError, suggestion
from ..decision.document import Decision
from ..ledger.interface import Entry
from .interface import Report, Screen

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "gate.reports"

BUILTIN = {
    "table": ("table", "TableReport"),
    "json": ("json_format", "JsonReport"),
    "prelive": ("prelive", "PreliveReport"),
    "explain": ("explain", "ExplainReport"),
}
"""Format → module and class in this package."""


@functools.cache
def _plugins() -> dict[str, list[EntryPoint]]:
    from importlib.metadata import entry_points

    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        if entry.name not in BUILTIN:
            found.setdefault(entry.name, []).append(entry)
    return found


def names(asked: Iterable[str] = ("",)) -> tuple[str, ...]:
    """Every format's name; gate's own first. Plug-ins are found, and none of their code is run.

    Args:
        asked: ``FORMAT[=PATH]`` as asked for. Looking through installed distributions takes time, so it is
            done only where one of them is not gate's own.
    """
    own = all(text.partition("=")[0] in BUILTIN for text in asked)
    return tuple(BUILTIN) if own else (*BUILTIN, *sorted(_plugins()))


def load(name: str) -> Report:
    """The format of that name.

    Raises UsageError: there is none; PluginError: the plug-in cannot be loaded, or two have the name.
    """
    if name in BUILTIN:
        module, kind = BUILTIN[name]
        report: Report = getattr(import_module(f".{module}", __package__), kind)()
        return report
    entries = _plugins().get(name)
    if entries is None:
        raise UsageError(f"there is no output format {name!r}", remedy=suggestion(name, names()))
    return _Plugin(name, entries)


class _Plugin:
    """A format of another distribution; whatever goes wrong in it is an error that names it."""

    def __init__(self, name: str, entries: list[EntryPoint]) -> None:
        dists = ", ".join(sorted(f"{e.dist.name} {e.dist.version}" for e in entries if e.dist is not None))
        self._what = f"the report plug-in {name!r} ({dists})"
        if len(entries) > 1:
            raise PluginError(f"{self._what} is there more than once", remedy="uninstall all but one")
        try:
            self._report: Report = entries[0].load()()
        except Exception as error:
            raise self._error("cannot be loaded", error) from error

    def render(self, decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
        """See :class:`~gate.engine.report.interface.Report`.

        Raises PluginError: it fails, or gives something other than bytes.
        """
        try:
            data = self._report.render(decision, entry, screen)
        except Exception as error:
            raise self._error("failed", error) from error
        if not isinstance(data, bytes):
            raise PluginError(f"{self._what} gave {type(data).__name__} instead of bytes", remedy=_REMEDY)
        return data

    def _error(self, what: str, error: Exception) -> PluginError:
        return PluginError(f"{self._what} {what}: {type(error).__name__}: {error}", remedy=_REMEDY)


_REMEDY = "update the plug-in, or report it to its authors"
