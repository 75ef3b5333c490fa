"""All policy engines there are: the embedded one, OPA, and those of other distributions.

``opa`` is a server that gate starts, ``opa=URL`` one that somebody runs. A plug-in is an entry point of the
group ``gate.policy_engines``. ``engine:`` in ``gate.yaml`` names it; it
points to a class or function that takes a bundle and limits and returns a
:class:`~gate.engine.policy.interface.PolicyEngine`. It runs in gate's own process.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from msgspec import Struct, field

from ...evidence.base.errors import ConfigError, suggestion
from ...evidence.base.limits import Limits
from ...evidence.base.plugins import Plugin, find_plugin, plugin_names
from .engines.opa.address import NAME as OPA
from .engines.opa.address import OpaSettings, is_opa, parse_address
from .interface import Bundle, PolicyEngine, check_defined

EMBEDDED = "embedded"
GROUP = "gate.policy_engines"


class EngineOptions(Struct, frozen=True):
    """What an engine is told beside its name.

    Attributes:
        opa: how an OPA server is reached.
        workspace: the judged directory, in which no program is looked for.
        cross_check: judge by a second engine, too, and refuse an answer on which they differ: by the embedded
            one, or by a managed OPA beside the embedded one.
    """

    opa: OpaSettings = field(default_factory=OpaSettings)
    workspace: Path | None = None
    cross_check: bool = False


_DEFAULTS = EngineOptions()


def open_engine(
    name: str, bundle: Bundle, limits: Limits, options: EngineOptions = _DEFAULTS
) -> PolicyEngine:
    """The engine of that name over the bundle, within the limits; enter it as a context manager.

    Raises ConfigError: there is no engine of that name, or its settings are wrong; PluginError: the plug-in
    cannot be loaded; EnvironmentProblem: OPA, or the client of its servers, is not installed.
    """
    engine = _open(name, bundle, limits, options)
    if not options.cross_check:
        return engine
    from .engines.cross_check import CrossCheck

    return CrossCheck(engine, _open(OPA if name == EMBEDDED else EMBEDDED, bundle, limits, options))


def _open(name: str, bundle: Bundle, limits: Limits, options: EngineOptions) -> PolicyEngine:
    plugin = check(name)
    if plugin is not None:
        return _PluginEngine(plugin, bundle, limits)
    if is_opa(name):
        from .engines.opa.opening import open_opa

        return open_opa(name, bundle, limits, options.opa, options.workspace)
    from .engines.embedded import EmbeddedEngine

    return EmbeddedEngine(bundle, limits)


def is_elsewhere(name: str) -> bool:
    """Whether the engine is a server that somebody runs, to which facts are sent."""
    return is_opa(name) and name != OPA


def check(name: str) -> Plugin | None:
    """The plug-in of that name, None for the embedded engine and OPA; none of its code is run.

    Raises ConfigError: there is no such engine; PluginError: there are several.
    """
    if name == EMBEDDED:
        return None
    if is_opa(name):
        parse_address(name)
        return None
    plugin = find_plugin(GROUP, "policy engine", name)
    if plugin is None:
        what = f"there is no policy engine {name[:80]!r}"
        remedy = suggestion(name, sorted({EMBEDDED, OPA, *plugin_names(GROUP)}))
        raise ConfigError(what, path="gate.yaml", place="engine", remedy=remedy)
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
