"""All collectors there are: those of gate itself, and plug-ins."""

from __future__ import annotations

from collections.abc import Iterable

from ..base.errors import UsageError, suggestion
from ..collectors import BUILTIN
from ..collectors import load as load_builtin
from . import plugins
from .interface import Collector


def known(collector_id: str) -> bool:
    """Whether there is a collector of that name. Plug-ins are looked for only when it is not one of ours."""
    return collector_id in BUILTIN or collector_id in plugins.installed()


def names() -> list[str]:
    """Every collector's id, sorted."""
    return sorted({*BUILTIN, *plugins.installed()})


def check(ids: Iterable[str]) -> None:
    """Demand that all these collectors exist.

    Raises UsageError: there is no collector of one of the names.
    """
    for name in ids:
        if not known(name):
            raise UsageError(f"there is no collector {name!r}", remedy=suggestion(name, names()))


def provider(collector_id: str) -> str | None:
    """The distribution a plug-in comes from, None for a collector of gate itself."""
    return None if collector_id in BUILTIN else plugins.installed()[collector_id].provider


def load(collector_id: str) -> type[Collector]:
    """The collector's class; for a plug-in this runs its code.

    Raises UsageError: there is no collector of that name; PluginError: the plug-in cannot be loaded.
    """
    check([collector_id])
    if collector_id in BUILTIN:
        return load_builtin(collector_id)
    return plugins.load(plugins.installed()[collector_id])
