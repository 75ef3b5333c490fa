"""All policy engines there are: the embedded one, and those of other distributions.

A plug-in is an entry point of the group ``gate.policy_engines``. ``engine:`` in ``gate.yaml`` names it; it
points to a class or function that takes a bundle and limits and returns a
:class:`~gate.engine.policy.interface.PolicyEngine`. It runs in gate's own process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...evidence.base.errors import ConfigError, EngineError, suggestion
from ...evidence.base.limits import Limits
from .interface import Bundle, PolicyEngine

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

EMBEDDED = "embedded"
GROUP = "gate.policy_engines"


def open_engine(name: str, bundle: Bundle, limits: Limits) -> PolicyEngine:
    """The engine of that name over the bundle, within the limits; enter it as a context manager.

    Raises ConfigError: there is no engine of that name, or more than one; EngineError: the plug-in cannot be
    imported.
    """
    if name == EMBEDDED:
        from .engines.embedded import EmbeddedEngine

        return EmbeddedEngine(bundle, limits)
    entry = _find(name)
    try:
        engine: Callable[[Bundle, Limits], PolicyEngine] = entry.load()
    except (ImportError, AttributeError, SyntaxError) as error:
        raise EngineError(
            f"the policy engine {name!r} ({_provider(entry)}) cannot be loaded: {error}",
            remedy=f"install a working version of it, or set `engine: {EMBEDDED}` in gate.yaml",
        ) from error
    return engine(bundle, limits)


def check(name: str) -> None:
    """Demand that there is an engine of that name; none of a plug-in's code is run.

    Raises ConfigError: there is none, or more than one.
    """
    if name != EMBEDDED:
        _find(name)


def _find(name: str) -> EntryPoint:
    """The plug-in of that name. The search is slow, so it is never done for the embedded engine."""
    from importlib.metadata import entry_points

    group = entry_points(group=GROUP)
    # one distribution may be found twice on the path
    found = {(entry.value, _provider(entry)): entry for entry in group if entry.name == name}
    if len(found) == 1:
        return next(iter(found.values()))
    known = sorted({EMBEDDED, *group.names})
    if found:
        what = f"more than one distribution has a policy engine {name!r}"
        remedy = f"uninstall all but one of: {', '.join(sorted(provider for _, provider in found))}"
    else:
        what = f"there is no policy engine {name[:80]!r}"
        remedy = suggestion(name, known)
    raise ConfigError(what, path="gate.yaml", place="engine", remedy=remedy)


def _provider(entry: EntryPoint) -> str:
    return "unknown distribution" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
