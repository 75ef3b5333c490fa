"""A workspace's collectors, made from its settings.

Apart from :mod:`gate.engine.run`, so that the collectors' processes can start before the rest is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from ..evidence.base.errors import ConfigError
from ..evidence.collecting import registry
from ..evidence.collecting.cache import Outcome, ResultCache
from ..evidence.collecting.interface import Collector
from ..evidence.collecting.runner import Collecting, Make
from ..evidence.collectors import BUILTIN, groups
from ..evidence.reading.workspace import Workspace
from .config.settings import FILE, GateConfig, read_settings

LEDGER_FILES = frozenset(
    {"log.intoto.jsonl", "checkpoint", "checkpoints", "evidence", "trust", "state", "tile"}
)
"""Everything that may lie in a ledger's directory."""


def make_collector(config: GateConfig, collector_id: str) -> Collector:
    """The collector with the workspace's options. For a plug-in, this runs its code.

    Raises:
        UsageError: there is none of that name.
        EvidenceError: the plug-in cannot be loaded.
        ConfigError: its options in ``gate.yaml`` are wrong.
    """
    kind = registry.load(collector_id)
    options = dict(config.evidence.get(collector_id, {}))
    known = {option.name for option in fields(kind.Options)}
    shared: dict[str, Any] = {"roles": config.roles, "allowed_signers": config.allowed_signers}
    for name, value in shared.items():
        if name in options:
            raise ConfigError(
                f"{name!r} is a setting of the whole workspace, not of one collector",
                path=FILE,
                place=f"evidence.{collector_id}.{name}",
                remedy=f"move it to the top level: {name}",
            )
        if name in known:
            options[name] = value
    if "sources" in known:
        options.setdefault("sources", config.sources)
    place = ("evidence", collector_id)
    return kind(read_settings(kind.Options, options, place) if options else kind.Options())


def open_workspace(root: Path, config: GateConfig) -> Workspace:
    """The workspace without its ledger.

    Raises:
        ConfigError: the ledger's directory would hide judged content or other files.
    """
    root = root.resolve()
    ledger = Path(os.path.normpath(root / config.ledger.location.removeprefix("file:")))
    inside = ledger.relative_to(root).as_posix()
    for source in config.sources:
        fixed = source.partition("*")[0].partition("?")[0].rstrip("/")
        if source != "." and (f"{inside}/".startswith(f"{fixed}/") or f"{fixed}/".startswith(f"{inside}/")):
            raise _ledger_error(f"overlaps the source path {source!r}, whose content is judged")
    # what is left out of the workspace must be a ledger and nothing else
    foreign = sorted(set(os.listdir(ledger)) - LEDGER_FILES) if ledger.is_dir() else []  # noqa: PTH208
    if foreign:
        raise _ledger_error(f"holds {foreign[0][:80]!r}, which is not part of a ledger")
    return Workspace(root, config.limits, ignore=[inside])


def _ledger_error(what: str) -> ConfigError:
    return ConfigError(
        f"the ledger's directory {what}",
        path=FILE,
        place="ledger.location",
        remedy="give the ledger a directory of its own",
    )


@dataclass(frozen=True, slots=True)
class Places:
    """The user's directories: of caches, and of the configuration with the key that authenticates them."""

    cache_dir: Path
    config_dir: Path


def collecting(
    root: Path, config: GateConfig, ids: Iterable[str] | None = None, places: Places | None = None
) -> Collecting:
    """The named collectors, or all available ones, ready to run side by side; which of them is said later.

    With ``places``, what earlier runs found is used where nothing changed.

    Raises:
        UsageError: there is no collector of that name.
        EvidenceError: the workspace is not a directory.
    """
    chosen = tuple(available(config) if ids is None else ids)
    registry.check(chosen)
    workspace = open_workspace(root, config)
    guests = {name: said for name in chosen if (said := registry.provider(name)) is not None}
    makers: dict[str, Make] = {name: partial(make_collector, config, name) for name in chosen}
    memory = None if places is None else _Memory(workspace, config, places)
    return Collecting(workspace, makers, groups(chosen), registry.load, guests, memory)


class _Memory:
    """The result cache, asked by collectors' names: the settings that they depend on are part of the key."""

    def __init__(self, workspace: Workspace, config: GateConfig, places: Places) -> None:
        self._cache = ResultCache(workspace, places.cache_dir, places.config_dir)
        self._shared = {
            "roles": config.roles,
            "allowed_signers": config.allowed_signers,
            "sources": config.sources,
        }
        self._options = config.evidence
        self._keys: dict[str, str | None] = {}

    def _key(self, name: str) -> str | None:
        if name not in self._keys:
            options = {"own": self._options.get(name, {}), "shared": self._shared}
            self._keys[name] = self._cache.key(name, "", options)
        return self._keys[name]

    def find(self, name: str) -> Outcome | None:
        return self._cache.find(name, self._key(name))

    def keep(self, name: str, outcome: Outcome) -> None:
        trace = outcome.pop("trace", None)
        self._cache.keep(name, self._key(name), outcome, trace)

    def save(self) -> None:
        self._cache.save()


def available(config: GateConfig) -> list[str]:
    """Ids of gate's own collectors, and of the plug-ins that the workspace's settings name."""
    return sorted({*BUILTIN, *config.evidence})
