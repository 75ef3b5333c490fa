"""Makes a workspace's collectors from its settings, and starts them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..evidence.base.errors import ConfigError
from ..evidence.collecting import registry
from ..evidence.collecting.interface import Collector, Evidence, Problem, ProblemKind
from ..evidence.collecting.outcomes import Outcome, packed
from ..evidence.collecting.registry import BUILTIN
from ..evidence.collecting.runner import Make, Running
from ..evidence.reading.workspace import Workspace
from .config.settings import FILE, LEDGER_FILES, GateConfig, read_settings
from .decision.document import Notice
from .trust import JUDGED, KEY_FILES, Authority, file_of

STAGE_TESTS = "stage_tests"
"""The collector that runs pytest if an operator permits it, and otherwise reads the tests' source."""


def make_collector(authority: Authority, collector_id: str) -> Collector:
    """The collector with the settings in force. For a plug-in, this runs its code.

    Raises UsageError: there is none of that name; PluginError: the plug-in cannot be loaded; ConfigError: its
    options in ``gate.yaml`` are wrong.
    """
    kind = registry.load(collector_id)
    options = _options(authority, collector_id)
    known = {option.name for option in fields(kind.Options)}
    for name, value in _shared(authority).items():
        if name in options:
            raise ConfigError(
                f"{name!r} is a setting of the whole workspace, not of one collector",
                path=FILE,
                place=f"evidence.{collector_id}.{name}",
                remedy=f"move it to the top level: {name}",
            )
        if name in known:
            options[name] = value
    reference = authority.trust.ref
    if reference is not None and "approved" in known and not {"approved", "approved_copy"} & options.keys():
        options["approved"] = reference.commit
    place = ("evidence", collector_id)
    return kind(read_settings(kind.Options, options, place) if options else kind.Options())


def _shared(authority: Authority) -> dict[str, Any]:
    """Settings of the whole workspace that are options of several collectors."""
    names = ("roles", *KEY_FILES)
    return {name: getattr(authority.config, name) for name in names}


def _options(authority: Authority, collector_id: str) -> dict[str, Any]:
    """The collector's own options, without ``stage_tests.python`` where no operator permits to run it."""
    options = dict(authority.config.evidence.get(collector_id, {}))
    if collector_id == STAGE_TESTS and STAGE_TESTS not in authority.execute:
        options.pop("python", None)
    return options


def refused(authority: Authority, collector_id: str) -> str | None:
    """The operator's permission that the collector needs and does not have; None where none is missing."""
    options = authority.config.evidence.get(collector_id, {})
    if collector_id not in BUILTIN:
        # an installed plug-in that somebody else asks for is no choice of the judged change
        if collector_id not in authority.config.evidence or authority.trust.settings["evidence"] != JUDGED:
            return None
        permission = "plugins"
    elif collector_id == STAGE_TESTS and options.get("python") is not None:
        permission = STAGE_TESTS
    elif collector_id == "commands" and options.get("run"):
        permission = "commands"
    else:
        return None
    return None if permission in authority.execute else permission


def only_read(authority: Authority) -> list[Notice]:
    """A notice where tests were only read, as no operator permits pytest; others report a problem."""
    if refused(authority, STAGE_TESTS) is None:
        return []
    message = (
        f"evidence.{STAGE_TESTS}.python was not run, as no operator permits it: the tests' source was read"
    )
    return [Notice("not_permitted", message)]


def _not_run(collector_id: str, permission: str) -> Outcome:
    """The outcome of a collector that is not run because it needs the operator's permission."""
    problem = Problem(
        "",
        f"{collector_id} would run code that the judged change chooses, and no operator permits that",
        f"have the operator list {permission} under `execute` in the file that --operator names",
        ProblemKind.MISSING,
    )
    return packed(Evidence(collector_id, "1", {}, (problem,), (), None, repeatable=False))


def open_workspace(root: Path, authority: Authority) -> Workspace:
    """The workspace to read from; its ledger is left out.

    Raises ConfigError: the ledger's directory would hide judged content or other files.
    """
    root = root.resolve()
    config, given = authority.config, authority.given
    judged, stated_in = config.subject, file_of(authority.trust, "subject")
    if config.ledger.directory is None:
        return Workspace(root, config.limits, (), judged.sources, judged.exclude, given, stated_in)
    ledger = Path(os.path.normpath(root / config.ledger.directory))
    inside = ledger.relative_to(root).as_posix()
    for source in judged.sources or ():
        fixed = source.partition("*")[0].partition("?")[0].rstrip("/")
        if source != "." and (f"{inside}/".startswith(f"{fixed}/") or f"{fixed}/".startswith(f"{inside}/")):
            raise _ledger_error(f"overlaps the source path {source!r}, whose content is judged")
    # what is left out of the workspace must be a ledger and nothing else
    names = sorted(os.listdir(ledger)) if ledger.is_dir() else []  # noqa: PTH208
    foreign = [name for name in names if not LEDGER_FILES.fullmatch(name)]
    if foreign:
        raise _ledger_error(f"holds {foreign[0][:80]!r}, which is not part of a ledger")
    return Workspace(root, config.limits, [inside], judged.sources, judged.exclude, given, stated_in)


def _ledger_error(what: str) -> ConfigError:
    return ConfigError(
        f"the ledger's directory {what}",
        path=FILE,
        place="ledger.location",
        remedy="give the ledger a directory of its own",
    )


class Places(Struct, frozen=True):
    """The user's directories: of caches, and of the configuration with the key that authenticates them."""

    cache_dir: Path
    config_dir: Path


def start(
    root: Path, authority: Authority, ids: Iterable[str] | None = None, places: Places | None = None
) -> Running:
    """Prepare the named collectors, or all available ones, to run in another process while this one goes on.

    They start when the context is entered, and ``result()`` gives their evidence. Results of earlier runs are
    used only with ``places``.

    Raises UsageError: there is no collector of that name; EvidenceError: the workspace is not a directory.
    """
    chosen = tuple(available(authority.config) if ids is None else ids)
    registry.check(chosen)
    workspace = open_workspace(root, authority)
    guests = {name: found for name in chosen if (found := registry.find(name)) is not None}
    makers: dict[str, Make] = {name: partial(make_collector, authority, name) for name in chosen}
    known = {
        name: _not_run(name, permission)
        for name in chosen
        if name != STAGE_TESTS and (permission := refused(authority, name)) is not None
    }
    if places is None:
        return Running(workspace, makers, guests, known)
    from ..evidence.collecting.cache import ResultCache

    cache = ResultCache(workspace, places.cache_dir, places.config_dir)
    shared = {**_shared(authority), "approved": authority.trust.ref and authority.trust.ref.commit}
    keys = {
        name: cache.key(name, {"own": _options(authority, name), "shared": shared})
        for name in chosen
        if name not in guests and name not in known
    }
    return Running(workspace, makers, guests, known, cache, keys)


def available(config: GateConfig) -> list[str]:
    """Ids of gate's own collectors, and of the plug-ins that the workspace's settings name."""
    return sorted({*BUILTIN, *config.evidence})
