"""A workspace's collectors, made from its settings.

Apart from :mod:`gate.engine.service`, so that the collectors are made in one place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from ..evidence.base.errors import ConfigError
from ..evidence.collecting import registry
from ..evidence.collecting.interface import Collector
from ..evidence.collecting.runner import Make, Running
from ..evidence.collectors import BUILTIN
from ..evidence.reading.workspace import Workspace
from .config.settings import FILE, GateConfig, read_settings

LEDGER_FILES = re.compile(
    r"log\.intoto\.jsonl|checkpoint|checkpoints|evidence|trust|state|tile|\.tmp-[0-9a-f]{16}"
)
"""Everything that may lie in a ledger's directory, with what a killed run left."""


def make_collector(config: GateConfig, collector_id: str) -> Collector:
    """The collector with the workspace's options. For a plug-in, this runs its code.

    Raises UsageError: there is none of that name; PluginError: the plug-in cannot be loaded; ConfigError: its
    options in ``gate.yaml`` are wrong.
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
    place = ("evidence", collector_id)
    return kind(read_settings(kind.Options, options, place) if options else kind.Options())


def open_workspace(root: Path, config: GateConfig) -> Workspace:
    """The workspace without its ledger.

    Raises ConfigError: the ledger's directory would hide judged content or other files.
    """
    root = root.resolve()
    if config.ledger.directory is None:
        return Workspace(root, config.limits)
    ledger = Path(os.path.normpath(root / config.ledger.directory))
    inside = ledger.relative_to(root).as_posix()
    for source in config.subject.sources or ():
        fixed = source.partition("*")[0].partition("?")[0].rstrip("/")
        if source != "." and (f"{inside}/".startswith(f"{fixed}/") or f"{fixed}/".startswith(f"{inside}/")):
            raise _ledger_error(f"overlaps the source path {source!r}, whose content is judged")
    # what is left out of the workspace must be a ledger and nothing else
    names = sorted(os.listdir(ledger)) if ledger.is_dir() else []  # noqa: PTH208
    foreign = [name for name in names if not LEDGER_FILES.fullmatch(name)]
    if foreign:
        raise _ledger_error(f"holds {foreign[0][:80]!r}, which is not part of a ledger")
    judged = config.subject
    return Workspace(root, config.limits, [inside], judged.sources, judged.exclude)


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


def start(
    root: Path, config: GateConfig, ids: Iterable[str] | None = None, places: Places | None = None
) -> Running:
    """The named collectors, or all available ones, ready to run in another process while this one goes on.

    They run from entering the context on, and ``result()`` gives their evidence.

    Args:
        ids: collectors' names; None is all available ones.
        places: where results of earlier runs are kept; they are not used without.

    Raises UsageError: there is no collector of that name; EvidenceError: the workspace is not a directory.
    """
    chosen = tuple(available(config) if ids is None else ids)
    registry.check(chosen)
    workspace = open_workspace(root, config)
    guests = {name: found for name in chosen if (found := registry.provider(name)) is not None}
    makers: dict[str, Make] = {name: partial(make_collector, config, name) for name in chosen}
    if places is None:
        return Running(workspace, makers, guests)
    from ..evidence.collecting.cache import ResultCache

    cache = ResultCache(workspace, places.cache_dir, places.config_dir)
    shared = {"roles": config.roles, "allowed_signers": config.allowed_signers}
    keys = {
        name: cache.key(name, "", {"own": config.evidence.get(name, {}), "shared": shared})
        for name in chosen
        if name not in guests
    }
    return Running(workspace, makers, guests, cache, keys)


def available(config: GateConfig) -> list[str]:
    """Ids of gate's own collectors, and of the plug-ins that the workspace's settings name."""
    return sorted({*BUILTIN, *config.evidence})
