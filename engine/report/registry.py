"""All report formats there are: gate's own, and those of other distributions (group ``gate.reports``).

A plug-in's entry point has the format's name and leads to a class that keeps to
:class:`~gate.engine.report.interface.Report` and is made without arguments.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import TYPE_CHECKING

from ...evidence.base.errors import PluginError, UsageError
from .interface import Report

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
def _plugins() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in BUILTIN}


def names() -> tuple[str, ...]:
    """Every format's name; gate's own first. Plug-ins are found, and none of their code is run."""
    return (*BUILTIN, *sorted(_plugins()))


def load(name: str) -> Report:
    """The format of that name.

    Raises:
        UsageError: there is none.
        PluginError: the plug-in cannot be loaded.
    """
    if name in BUILTIN:
        module, kind = BUILTIN[name]
        report: Report = getattr(import_module(f".{module}", __package__), kind)()
        return report
    try:
        entry = _plugins()[name]
    except KeyError:
        raise UsageError(
            f"there is no output format {name!r}", remedy="known: " + ", ".join(names())
        ) from None
    try:
        loaded: Report = entry.load()()
    except Exception as error:
        raise PluginError(
            f"the report format {name!r} of a plug-in cannot be loaded: {type(error).__name__}: {error}",
            remedy="update or uninstall the plug-in",
        ) from error
    return loaded
