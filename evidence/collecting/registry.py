"""All collectors there are: those of gate itself, loaded only when one is needed, and plug-ins.

A plug-in is an entry point of the group ``gate.collectors``. Its name is its collector's id; what it leads to
is a class that keeps to :class:`~gate.evidence.collecting.interface.Collector`. Its facts contract is a file
``<id>.schema.json`` in the top-level package of the class, so that policies can be checked against it without
running any of the plug-in's code. The code itself runs in a process of its own (ADR 11, ``docs/plugins.md``).
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..base.errors import ConfigError, EvidenceError, GateError, UsageError, suggestion
from ..base.limits import DEFAULT
from ..base.plugins import Plugin, find_plugin, plugin_names
from ..reading.parse import parse_json
from .interface import Collector

GROUP = "gate.collectors"
_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Builtin:
    """A collector of gate itself, in the module named like its id.

    Args:
        kind: the name of its class.
        narrowing: options that change how much is looked at, not only where; a decision says when a workspace
            sets them.
        room: the package in ``evidence/collectors`` that the module is in, with a dot, if it is in one.
    """

    def __init__(self, kind: str, *narrowing: str, room: str = "") -> None:
        self.kind = kind
        self.narrowing = frozenset(narrowing)
        self.room = room


BUILTIN: dict[str, Builtin] = {
    "account": Builtin("AccountCollector"),
    "artifacts": Builtin("ArtifactsCollector", "matrix", "partial_from_ppm", "compliant_from_ppm"),
    "attestations": Builtin("AttestationsCollector"),
    "broker_conformance": Builtin("BrokerConformanceCollector"),
    "checklist": Builtin("ChecklistCollector", room="documents."),
    "commands": Builtin("CommandsCollector"),
    "components": Builtin("ComponentsCollector"),
    "configs": Builtin("ConfigsCollector", "paths"),
    "contracts": Builtin("ContractsCollector", "paths", "approved", "approved_copy"),
    "coverage": Builtin("CoverageCollector", "sources", "omit", "exclude_also"),
    "fixtures": Builtin("FixturesCollector", "signed"),
    "integration_flow": Builtin("IntegrationFlowCollector", room="documents."),
    "interface_map": Builtin("InterfaceMapCollector", room="documents."),
    "kill_switch": Builtin("KillSwitchCollector"),
    "messages": Builtin("MessagesCollector", "sets"),
    "paper": Builtin("PaperCollector"),
    "risk_parameters": Builtin("RiskParametersCollector", "names", "paths", "approved", "approved_copy"),
    "rollback": Builtin("RollbackCollector", room="documents."),
    "scale_up": Builtin("ScaleUpCollector", room="documents."),
    "scans": Builtin("ScansCollector"),
    "signoffs": Builtin("SignoffsCollector"),
    "source": Builtin("SourceCollector", "paths", "names", "secret_paths", "left_out"),
    "stage_tests": Builtin("StageTestsCollector", "tests"),
    "tests": Builtin("TestsCollector"),
    "values": Builtin("ValuesCollector"),
    "waivers": Builtin("WaiversCollector"),
}
"""Every collector of gate itself, by id."""


def find(collector_id: str) -> Plugin | None:
    """The plug-in of that id; None for a collector of gate itself, and where there is none.

    Raises PluginError: the id cannot be part of a fact's name, or two distributions have it.
    """
    plugin = None if collector_id in BUILTIN else find_plugin(GROUP, "collector", collector_id)
    if plugin is not None and not _ID.fullmatch(collector_id):
        raise plugin.error("has a name that is no lower-case name")
    return plugin


def known(collector_id: str) -> bool:
    """Whether there is a collector of that name. Plug-ins are looked for only when it is not one of ours."""
    return collector_id in BUILTIN or find(collector_id) is not None


def names() -> list[str]:
    """Every collector's id, sorted."""
    return sorted({*BUILTIN, *plugin_names(GROUP)})


def check(ids: Iterable[str]) -> None:
    """Demand that all these collectors exist. Raises UsageError: one of them does not."""
    for name in ids:
        if not known(name):
            raise UsageError(f"there is no collector {name!r}", remedy=suggestion(name, names()))


def load(collector_id: str) -> type[Collector]:
    """The collector's class; for a plug-in this runs its code.

    Raises UsageError: there is no collector of that name; PluginError: the plug-in cannot be loaded, or is no
    collector of that id.
    """
    check([collector_id])
    plugin = find(collector_id)
    if plugin is None:
        builtin = BUILTIN[collector_id]
        module = importlib.import_module(f"..collectors.{builtin.room}{collector_id}", __package__)
        found: type[Collector] = getattr(module, builtin.kind)
        return found
    kind = plugin.load()
    for name in ("version", "Options", "collect"):
        if not hasattr(kind, name):
            raise plugin.error(f"has no {name!r}, so it is no collector")
    if getattr(kind, "id", None) != collector_id:
        raise plugin.error(f"is a collector with the id {getattr(kind, 'id', None)!r}")
    if not isinstance(kind.version, str) or not kind.version:
        raise plugin.error("has a version that is no string")
    loaded: type[Collector] = kind
    return loaded


def attributed(plugin: Plugin, error: GateError, raised: BaseException) -> GateError:
    """An error that ended a plug-in, as one that names the plug-in; ``raised`` has the traceback.

    Returns an EvidenceError if it is about a file that was read, otherwise a PluginError.
    """
    what = f"ended with: {error.what[:300]}{plugin.code_line(raised)}"
    advice = [] if error.remedy is None else [error.remedy]
    report = "otherwise report it to the plug-in's authors"
    if isinstance(error, EvidenceError) and error.path is not None:
        named = plugin.error(what).what
        return EvidenceError(named, path=error.path, place=error.place, remedy="; ".join([*advice, report]))
    if isinstance(error, ConfigError):  # a path that the plug-in made up, or took from its options
        advice.append(f"if gate.yaml names it under evidence.{plugin.name}, correct it there")
    return plugin.error(what, "; ".join([*advice, report]))


def facts_contract(plugin: Plugin) -> dict[str, Any]:
    """The JSON Schema of a plug-in's facts. Raises PluginError: the plug-in has none, or it is not JSON."""
    found = importlib.util.find_spec(plugin.package)  # of a top-level package: nothing is imported
    name = f"{plugin.name}.schema.json"
    for folder in (found.submodule_search_locations if found else None) or ():
        path = Path(folder) / name
        if path.is_file():
            data = path.read_bytes()
            if len(data) > DEFAULT.text_bytes:
                break
            try:
                schema = parse_json(data, name, DEFAULT)
            except EvidenceError as error:
                raise plugin.error(f"has a facts contract that cannot be read: {error.what}") from error
            if isinstance(schema, dict):
                return schema
    raise plugin.error(f"ships no facts contract {name} in the package {plugin.package!r}")
