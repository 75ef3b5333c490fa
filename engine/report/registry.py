"""All report formats there are: gate's own, and those of other distributions (group ``gate.reports``).

A plug-in's entry point has the format's name and leads to a class that keeps to
:class:`~gate.engine.report.interface.Report` and is made without arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from msgspec import Struct

from ...evidence.base.errors import UsageError, suggestion
from ...evidence.base.plugins import Plugin, find_plugin, plugin_names
from ..decision.document import Decision
from ..ledger.interface import Entry
from .interface import Report, Screen

GROUP = "gate.reports"

BUILTIN = {
    "table": "table.render",
    "json": "json_format.render",
    "prelive": "prelive.render",
    "explain": "explain.render",
    "gemara": "gemara.evaluation.render",
    "junit": "ci.junit.render",
    "sarif": "ci.sarif.render",
    "github": "ci.github.render",
    "github-summary": "ci.github.render_summary",
    "gitlab": "ci.gitlab.render",
    "tap": "ci.tap.render",
    "attestation": "exchange.attestation.render",
    "oscal": "exchange.oscal.render_results",
    "oscal-poam": "exchange.oscal.render_plan",
    "markdown": "audit.markdown.render",
    "html": "audit.html.render",
    "pdf": "audit.pdf.PdfReport",
    "go-live": "audit.markdown.render_go_live",
}
"""Format → module in this package and what renders it there: a function, or a class where there is something
to check first.
"""


def names(asked: Iterable[str] = ("",)) -> tuple[str, ...]:
    """Every format's name; gate's own first. None of a plug-in's code is run.

    Plug-ins are looked for, which takes time, only where ``asked`` (``FORMAT[=PATH]``) names another than
    gate's own.
    """
    own = all(text.partition("=")[0] in BUILTIN for text in asked)
    return tuple(BUILTIN) if own else (*BUILTIN, *sorted({*plugin_names(GROUP)} - BUILTIN.keys()))


def load(name: str) -> Report:
    """The format of that name.

    Raises UsageError: there is none; PluginError: the plug-in cannot be loaded, or two have the name.
    """
    if name in BUILTIN:
        module, _, maker = BUILTIN[name].rpartition(".")
        made: Any = getattr(import_module(f".{module}", __package__), maker)
        report: Report = made() if isinstance(made, type) else _OwnReport(made)
        return report
    plugin = find_plugin(GROUP, "report", name)
    if plugin is None:
        raise UsageError(f"there is no output format {name!r}", remedy=suggestion(name, names()))
    return _PluginReport(plugin)


class _OwnReport(Struct, frozen=True):
    """A format of gate itself, whose module renders it."""

    render: Any


class _PluginReport:
    """A format of another distribution; whatever goes wrong in it is an error that names it."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        make = plugin.load()
        with plugin.guard("cannot be loaded"):
            self._report: Report = make()

    def render(self, decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
        """See :class:`~gate.engine.report.interface.Report`; raises PluginError."""
        with self._plugin.guard():
            data = self._report.render(decision, entry, screen)
        if not isinstance(data, bytes):
            raise self._plugin.error(f"gave {type(data).__name__} instead of bytes")
        return data
