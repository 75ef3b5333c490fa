"""All policy engines there are: the embedded one, and those of other distributions.

A plug-in is an entry point of the group ``gate.policy_engines``. ``engine:`` in ``gate.yaml`` names it; it
points to a class or function that takes a bundle and limits and returns a
:class:`~gate.engine.policy.interface.PolicyEngine`. It runs in gate's own process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from ...evidence.base.errors import ConfigError, suggestion
from ...evidence.base.limits import Limits
from ...evidence.base.plugins import Plugin, find_plugin, plugin_names
from .interface import Bundle, PolicyEngine, check_defined

EMBEDDED = "embedded"
GROUP = "gate.policy_engines"


def open_engine(name: str, bundle: Bundle, limits: Limits) -> PolicyEngine:
    """The engine of that name over the bundle, within the limits; enter it as a context manager.

    Raises ConfigError: there is no engine of that name; PluginError: the plug-in cannot be loaded.
    """
    plugin = check(name)
    if plugin is not None:
        return _PluginEngine(plugin, bundle, limits)
    from .engines.embedded import EmbeddedEngine

    return EmbeddedEngine(bundle, limits)


def check(name: str) -> Plugin | None:
    """The plug-in of that name, None for the embedded engine; none of its code is run.

    Raises ConfigError: there is no such engine; PluginError: there are several.
    """
    if name == EMBEDDED:
        return None
    plugin = find_plugin(GROUP, "policy engine", name)
    if plugin is None:
        raise ConfigError(
            f"there is no policy engine {name[:80]!r}",
            path="gate.yaml",
            place="engine",
            remedy=suggestion(name, sorted({EMBEDDED, *plugin_names(GROUP)})),
        )
    return plugin


class _PluginEngine:
    """An engine of another distribution; whatever goes wrong in it is an error that names it."""

    def __init__(self, plugin: Plugin, bundle: Bundle, limits: Limits) -> None:
        self._plugin = plugin
        make = plugin.load()
        with plugin.guard():
            self._engine: PolicyEngine = make(bundle, limits)

    @property
    def name(self) -> str:
        with self._plugin.guard():
            return self._engine.name

    @property
    def version(self) -> str:
        with self._plugin.guard():
            return self._engine.version

    def __enter__(self) -> Self:
        with self._plugin.guard():
            self._engine.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        with self._plugin.guard():
            self._engine.__exit__(*raised)

    def evaluate(self, packages: Sequence[str], document: dict[str, Any]) -> dict[str, dict[str, Any]]:
        with self._plugin.guard():
            return check_defined(packages, self._engine.evaluate(packages, document))
