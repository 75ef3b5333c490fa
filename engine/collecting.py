"""A workspace's collectors, made from its settings.

Apart from :mod:`gate.engine.run`, so that the collectors' processes can start before the rest is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from ..evidence.collectors import BUILTIN, groups, load
from ..evidence.interface import Collector
from ..evidence.runner import Collecting, Make
from ..evidence.workspace import Workspace
from .config import GateConfig, read_settings


def make_collector(config: GateConfig, collector_id: str) -> Collector:
    """The collector with the workspace's options.

    Raises:
        UsageError: there is none of that name.
        ConfigError: its options in ``gate.yaml`` are wrong.
    """
    kind = load(collector_id)
    options = dict(config.evidence.get(collector_id, {}))
    known = {option.name for option in fields(kind.Options)}
    shared: dict[str, Any] = {"roles": config.roles, "allowed_signers": config.allowed_signers}
    for name, value in shared.items():
        if name in known and name not in options:
            options[name] = value
    place = ("evidence", collector_id)
    return kind(read_settings(kind.Options, options, place) if options else kind.Options())


def open_workspace(root: Path, config: GateConfig) -> Workspace:
    """The workspace without its ledger."""
    root = root.resolve()
    ledger = Path(os.path.normpath(root / config.ledger.location.removeprefix("file:")))
    inside = ledger != root and ledger.is_relative_to(root)
    return Workspace(root, ignore=[ledger.relative_to(root).as_posix()] if inside else [])


def collecting(root: Path, config: GateConfig, ids: Iterable[str] | None = None) -> Collecting:
    """The named collectors, or all, ready to run side by side; which of them is said later.

    Raises:
        UsageError: there is no collector of that name.
        EvidenceError: the workspace is not a directory.
    """
    chosen = tuple(sorted(BUILTIN) if ids is None else ids)
    for name in chosen:
        if name not in BUILTIN:
            load(name)
    makers: dict[str, Make] = {name: partial(make_collector, config, name) for name in chosen}
    return Collecting(open_workspace(root, config), makers, groups(chosen), load)
