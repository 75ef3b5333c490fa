"""What earlier runs found, so that a run with nothing changed reads no evidence again.

Two things are kept. The *digest* of a file, under the file's stamp (:data:`FileStamp`): trusted only while
the stamp is the same, and kept only where every later change must show as another stamp (``settled`` in
:mod:`gate.evidence.reading.files`). The *outcome* of a collector, under a key of everything that decides
about it besides the workspace, with a trace of what the collector was told about the workspace: taken only
while every answer in that trace is the same. ADR 0007 has the reasons.

The process that judges looks up and saves; a collector's own process only sends its trace along.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .... import __version__
from ...base.activity import Log
from ...reading.files import FileRead, FileStamp, clock_ns, settled, stamp_of
from ...reading.workspace import Trace, Workspace
from ...reading.workspace.digests import Digests
from ..outcomes import Outcome
from .store import Store

__all__ = ["FileStamp", "Outcome", "ResultCache", "code_state"]

_log = Log(__name__)

_FORMAT = 2
"""To be raised when what is written has another shape: nothing in a file of this format is checked again."""
_PACKAGE = Path(__file__).resolve().parents[2]
_LIBRARIES = frozenset({"site-packages", "dist-packages"})


class ResultCache:
    """The cache of one workspace, which from now on remembers digests and has its views leave traces.

    Nothing raises because of the cache: where it cannot be read, is not ours, was altered, or would lie in
    the workspace itself, there just is none.

    Args:
        config_dir: the user's configuration directory, which holds the key that authenticates them.
    """

    def __init__(self, workspace: Workspace, cache_dir: Path, config_dir: Path) -> None:
        self._workspace = workspace
        self._results: dict[str, dict[str, Any]] = {}
        self._changed = False
        self._answers: dict[tuple[str, str], str] = {}
        self._code: list[str | None] = []
        self._store: Store | None = None
        self.hits: list[str] = []
        """Collectors whose outcome was found, in the order they were asked for."""
        if any(_within(place, workspace.root) for place in (cache_dir, config_dir)):
            return  # what is judged must not change by being judged
        self._store = Store(cache_dir, config_dir, os.fsencode(workspace.root))
        loaded = self._store.load()
        rows: Iterable[list[Any]] = ()
        if isinstance(loaded, dict) and loaded.get("format") == _FORMAT:
            rows = loaded["files"]
            self._results = loaded["results"]
        workspace.memory = Digests(rows)

    @property
    def path(self) -> Path | None:
        """The file it is kept in; None where there is no cache."""
        return None if self._store is None else self._store.path

    def key(self, collector_id: str, options: object) -> str | None:
        """What the outcome of one of gate's own collectors is kept under; ``options`` as in ``gate.yaml``.

        None if there is no saying what the outcome would depend on; nothing is found or kept then.
        """
        if not self._code:
            self._code.append(code_state())
        if self._store is None or self._code[0] is None:
            return None
        parts = {
            "format": _FORMAT,
            "gate": __version__,
            "code": self._code[0],
            "collector": collector_id,
            "options": options,
            "limits": dataclasses.asdict(self._workspace.limits),
            "root": os.fsencode(self._workspace.root).hex(),
        }
        try:
            import orjson

            text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            return None
        return hashlib.sha256(text).hexdigest()

    def find(self, collector_id: str, key: str | None) -> Outcome | None:
        """The outcome of an earlier run, if the collector would be told the same about the workspace now.

        A file whose stamp is new is read for that, and may turn out to have the same content.
        """
        entry = self._results.get(collector_id)
        if key is None or entry is None or entry["key"] != key or not self._holds(entry["trace"]):
            _log.info("%s: nothing in the cache fits", collector_id)
            return None
        _log.info("%s: taken from the cache", collector_id)
        outcome: Outcome = entry["outcome"]
        self.hits.append(collector_id)
        return outcome

    def _holds(self, trace: Trace) -> bool:
        for question, argument, answer in trace["asked"]:
            known = self._answers.get((question, argument))
            if known is None:
                known = self._answers[question, argument] = self._workspace.answer(question, argument)
            if known != answer:
                return False
        if trace["history"] is not None and trace["history"] != self._workspace.repository_state():
            return False
        return self._workspace.holds(FileRead(*parts) for parts in trace["files"])

    def keep(self, collector_id: str, key: str | None, outcome: Outcome, trace: Trace | None) -> None:
        """Keep what a collector gave with its view's ``trace()``, unless it failed or is not repeatable."""
        memory = self._workspace.memory
        if memory is None or trace is None:
            return
        memory.take(trace["stamps"])
        if key is None or "errors" in outcome or outcome.get("repeatable") is not True:
            return
        kept = {name: value for name, value in trace.items() if name != "stamps"}
        self._results[collector_id] = {"key": key, "outcome": outcome, "trace": kept}
        self._changed = True

    def save(self) -> None:
        """Write it if there is anything new. Of processes that do so at once, the last one's stays."""
        memory = self._workspace.memory
        if self._store is None or memory is None or not (self._changed or memory.fresh):
            return
        value = {
            "format": _FORMAT,
            "files": memory.rows(self._workspace.inventory()),
            "results": self._results,
        }
        if not self._store.save(value):
            # too much, perhaps: what the collectors found saves more time than what the files contain
            self._store.save({**value, "files": []})
        memory.fresh.clear()
        self._changed = False


def code_state() -> str | None:
    """A digest that changes with the code that collects: ours, its contracts, Python, installed libraries.

    None if it changed so recently that a further change might not show.
    """
    libraries = [Path(entry) for entry in sys.path if Path(entry).name in _LIBRARIES]
    stamps = _stamps([*_files(_PACKAGE), *_files(_PACKAGE.parent / "contracts"), *libraries], clock_ns())
    if stamps is None:
        return None
    return hashlib.sha256(repr((sys.version, sys.prefix, stamps)).encode()).hexdigest()


def _files(folder: Path | str) -> list[str]:
    found = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir():
                found += _files(entry.path) if entry.name != "__pycache__" else []
            else:
                found.append(entry.path)
    return found


def _stamps(paths: Iterable[Path | str], began_ns: int) -> list[tuple[str, FileStamp]] | None:
    found = []
    for path in paths:
        try:
            stamp = stamp_of(os.stat(path))  # noqa: PTH116 - many, and no Path is needed
        except OSError:
            return None
        if not settled(stamp, began_ns):
            return None
        found.append((os.fspath(path), stamp))
    return found


def _within(place: Path, root: Path) -> bool:
    return place.resolve().is_relative_to(root)
