"""All report formats there are: gate's own, and those of other distributions (group ``gate.reports``).

A plug-in's entry point has the format's name and leads to a class that keeps to
:class:`~gate.engine.report.interface.Report` and is made without arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from ...evidence.base.errors import UsageError, suggestion
from ...evidence.base.plugins import Plugin, find_plugin, plugin_names
from ..decision.document import Decision
from ..ledger.interface import Entry
from .interface import Report, Screen

GROUP = "gate.reports"

BUILTIN = {
    "table": ("table", "TableReport"),
    "json": ("json_format", "JsonReport"),
    "prelive": ("prelive", "PreliveReport"),
    "explain": ("explain", "ExplainReport"),
    "gemara": ("gemara.evaluation", "GemaraReport"),
    "junit": ("ci.junit", "JUnitReport"),
    "sarif": ("ci.sarif", "SarifReport"),
    "github": ("ci.github", "GitHubReport"),
    "github-summary": ("ci.github", "GitHubSummary"),
    "gitlab": ("ci.gitlab", "GitLabReport"),
    "tap": ("ci.tap", "TapReport"),
    "attestation": ("exchange.attestation", "AttestationReport"),
    "oscal": ("exchange.oscal", "ResultsReport"),
    "oscal-poam": ("exchange.oscal", "PlanReport"),
    "markdown": ("audit.markdown", "MarkdownReport"),
    "html": ("audit.html", "HtmlReport"),
    "pdf": ("audit.pdf", "PdfReport"),
    "go-live": ("audit.markdown", "GoLiveReport"),
}
"""Format → module and class in this package."""


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
        module, kind = BUILTIN[name]
        report: Report = getattr(import_module(f".{module}", __package__), kind)()
        return report
    plugin = find_plugin(GROUP, "report", name)
    if plugin is None:
        raise UsageError(f"there is no output format {name!r}", remedy=suggestion(name, names()))
    return _PluginReport(plugin)


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
