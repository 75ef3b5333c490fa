"""Collectors of other distributions: entry points of the group ``gate.collectors``.

A plug-in's name in that group is its collector's id; what it points to is a class that keeps to
:class:`~gate.evidence.collecting.interface.Collector`. Its facts contract is a file ``<id>.schema.json``
in the top-level package of the class, so that policies can be checked against it without running any of the
plug-in's code. The code itself runs in a process of its own (ADR 11, ``docs/plugins.md``).
"""

from __future__ import annotations

import functools
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.contracts import DERIVED
from ..base.errors import ConfigError, EvidenceError, GateError, PluginError
from ..base.limits import DEFAULT
from ..collectors import BUILTIN
from ..reading.parse import parse_json
from .interface import Collector

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "gate.collectors"

_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed plug-in: the collector's id, its entry point and the distribution, as ``name version``."""

    id: str
    entry: EntryPoint
    provider: str


@functools.cache
def installed() -> dict[str, Plugin]:
    """Every plug-in by collector id; none of their code is run.

    Raises ConfigError: one has an impossible id or that of another collector.
    """
    from importlib.metadata import entry_points

    found: dict[str, Plugin] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        provider = "unknown distribution" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
        if not _ID.fullmatch(entry.name):
            raise _wrong(f"{provider} calls a collector {entry.name[:80]!r}, which is no lower-case name")
        if entry.name in BUILTIN or entry.name in DERIVED:
            raise _wrong(f"{provider} brings a collector {entry.name!r}, which is one of gate's own")
        if entry.name in found:
            if found[entry.name].entry.value == entry.value and found[entry.name].provider == provider:
                continue  # the same distribution found twice on the path
            raise _wrong(f"{provider} and {found[entry.name].provider} both bring a collector {entry.name!r}")
        found[entry.name] = Plugin(entry.name, entry, provider)
    return found


def _wrong(what: str) -> ConfigError:
    return ConfigError(what, place=f"entry points {GROUP}", remedy="uninstall one of the distributions")


def plugin_error(name: str, provider: str, what: str) -> PluginError:
    """An error that names the plug-in at fault.

    Args:
        what: what it did, in words that follow its name.
    """
    return PluginError(
        f"the collector plug-in {name!r} ({provider}) {what[:400]}",
        remedy="report it to the plug-in's authors, or take it out of gate.yaml and the policies",
    )


def attributed(name: str, provider: str, error: GateError, raised: BaseException) -> GateError:
    """An error that ended a plug-in, as one that names the plug-in.

    Args:
        raised: the exception as it arrived, with its traceback.

    Returns:
        An EvidenceError if it is about a file that was read, otherwise a PluginError.
    """
    what = f"the collector plug-in {name!r} ({provider}) ended with: {error.what[:300]}"
    what += plugin_line(name, raised)
    advice = [] if error.remedy is None else [error.remedy]
    if isinstance(error, EvidenceError) and error.path is not None:
        remedy = "; ".join([*advice, "otherwise report it to the plug-in's authors"])
        return EvidenceError(what, path=error.path, place=error.place, remedy=remedy)
    if isinstance(error, ConfigError):  # a path that the plug-in made up, or took from its options
        advice.append(f"if gate.yaml names it under evidence.{name}, correct it there")
    return PluginError(what, remedy="; ".join([*advice, "otherwise report it to the plug-in's authors"]))


def plugin_line(name: str, error: BaseException) -> str:
    """File and line of the plug-in's own code that an exception passed last, in brackets; empty if none."""
    package = installed()[name].entry.module.partition(".")[0]
    found = ""
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            parts = Path(frame.f_code.co_filename).parts
            depth = len(parts) - 1 - parts[::-1].index(package) if package in parts else len(parts) - 1
            found = f" ({'/'.join(parts[depth:])}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return found


def load(plugin: Plugin) -> type[Collector]:
    """The plug-in's class; this runs its code.

    Raises PluginError: there is no such class, or it is no collector of that id.
    """
    try:
        kind = plugin.entry.load()
    except (ImportError, AttributeError) as error:
        raise plugin_error(plugin.id, plugin.provider, f"cannot be loaded: {error}") from error
    for name in ("version", "Options", "collect"):
        if not hasattr(kind, name):
            raise plugin_error(plugin.id, plugin.provider, f"has no {name!r}, so it is no collector")
    if getattr(kind, "id", None) != plugin.id:
        raise plugin_error(
            plugin.id, plugin.provider, f"is a collector with the id {getattr(kind, 'id', None)!r}"
        )
    if not isinstance(kind.version, str) or not kind.version:
        raise plugin_error(plugin.id, plugin.provider, "has a version that is no string")
    loaded: type[Collector] = kind
    return loaded


def facts_contract(collector_id: str) -> dict[str, Any]:
    """The JSON Schema of a plug-in's facts. Raises PluginError: the plug-in has none, or it is not JSON."""
    plugin = installed()[collector_id]
    package = plugin.entry.module.partition(".")[0]
    found = importlib.util.find_spec(package)  # of a top-level package: nothing is imported
    name = f"{collector_id}.schema.json"
    for folder in (found.submodule_search_locations if found else None) or ():
        path = Path(folder) / name
        if path.is_file():
            data = path.read_bytes()
            if len(data) > DEFAULT.text_bytes:
                break
            try:
                schema = parse_json(data, name, DEFAULT)
            except EvidenceError as error:
                what = f"has a facts contract that cannot be read: {error.what}"
                raise plugin_error(collector_id, plugin.provider, what) from error
            if isinstance(schema, dict):
                return schema
    raise plugin_error(
        collector_id, plugin.provider, f"ships no facts contract {name} in the package {package!r}"
    )
