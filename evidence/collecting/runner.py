"""Runs collectors one after another in one limited process, and turns what they saw into evidence.

A collector that exceeds its time or memory is ended with that process; its evidence is rejected, and a new
process goes on with the next one. Each plug-in has a process of its own.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Self

from ..base.activity import step
from ..base.errors import EvidenceError, GateError, InternalError, raise_all
from ..base.plugins import Plugin
from ..process.children import Child, Ended
from ..reading.workspace import Workspace
from .interface import Collector, Evidence
from .outcomes import Outcome, errors_of, failed, observe, outcome, packed, rejected, unpacked

if TYPE_CHECKING:
    from .cache import ResultCache

__all__ = ["Make", "Running", "collect", "observe"]

Make = Callable[[], Collector]
"""Makes a collector; called where the collector will run, so that only that process imports it.
It may raise a GateError when the collector's options are wrong."""

_SHARED = ("orjson", "jsonschema_rs", "cryptography.hazmat.primitives.asymmetric.ed25519")
"""What collectors use and this process needs afterwards, too: imported once, before a process is forked."""
_CRASHES = frozenset({signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV})
"""Signals by which a process ends itself: a library got no more memory, or cannot cope with what it read."""


class Running:
    """Collectors at work in another process, from entering the context until the result is asked for.

    Args:
        workspace: walked before the collectors start, so that all see the same files.
        makers: by collector id, how to make it; picklable where no process can be forked.
        guests: of these ids, the plug-ins.
        known: by collector id, outcomes that are known already; those collectors are not run.
        cache, keys: what earlier runs found, and by collector id the key in it; plug-ins have none.
    """

    def __init__(
        self,
        workspace: Workspace,
        makers: Mapping[str, Make],
        guests: Mapping[str, Plugin] | None = None,
        known: Mapping[str, Outcome] | None = None,
        cache: ResultCache | None = None,
        keys: Mapping[str, str | None] | None = None,
    ) -> None:
        self.workspace = workspace
        self._makers = makers
        self._guests = guests or {}
        self._cache = cache
        self._keys = keys or {}
        self._outcomes: dict[str, Outcome] = dict(known or {})
        self._failures: list[GateError] = []
        self._jobs: list[list[str]] = []
        self._child: Child | None = None

    def __enter__(self) -> Self:
        self.workspace.inventory()
        if self._cache is not None:
            for name, key in self._keys.items():
                known = self._cache.find(name, key)
                if known is not None:
                    self._outcomes[name] = known
        rest = [name for name in self._makers if name not in self._outcomes]
        own = [name for name in rest if name not in self._guests]
        self._jobs = [job for job in (own, *([name] for name in rest if name in self._guests)) if job]
        if self._jobs:
            self._child = self._start(self._jobs[0])
        return self

    def __exit__(self, *raised: object) -> None:
        if self._child is not None:
            self._child.__exit__(*raised)
        if self._cache is not None:
            self._cache.save()

    def _start(self, names: Sequence[str]) -> Child:
        for module in _SHARED:
            import_module(module)
        tasks = [(name, self._makers[name], self._guests.get(name)) for name in names]
        return Child(partial(_outcomes, self.workspace, tasks), self.workspace.limits.collector_memory_bytes)

    def result(self) -> dict[str, Evidence]:
        """Evidence of every collector, by id, in the order they were given; to be asked for once.

        Raises ConfigError: a collector's options are wrong; EnvironmentProblem: a program that a collector
        needs is not there; InternalError: a collector's facts break its own contract, or it crashed;
        PluginError: a plug-in is broken; ManyErrors: several of these.
        """
        for job in self._jobs:
            names = list(job)
            while names:
                with self._child or self._start(names) as child:
                    self._child = None
                    self._follow(child, names)
        for name in self._makers:
            self._failures += errors_of(self._outcomes.get(name, {}))
        raise_all(self._failures)
        return {name: self._evidence(name) for name in self._makers}

    def _follow(self, child: Child, names: list[str]) -> None:
        """Take what the process reports on the named collectors, until it is over with one that ends it.

        Collectors that were reported on are taken off the list.
        """
        limits = self.workspace.limits
        while names:
            name = names.pop(0)
            step(f"collecting … {len(self._outcomes) + 1} of {len(self._makers)}: {name}")
            try:
                found = child.receive(limits.collector_seconds)
            except TimeoutError:
                self._outcomes[name] = self._exceeded(
                    name,
                    f"took longer than {limits.collector_seconds:g} s and was ended",
                    "give it less to read, or widen limits.collector_seconds in gate.yaml",
                )
                return
            except Ended as ended:
                self._outcomes[name] = self._lost(name, ended)
                return
            if self._cache is not None and name in self._keys:
                self._cache.keep(name, self._keys[name], found, found.pop("trace", None))
            self._outcomes[name] = found

    def _exceeded(self, name: str, what: str, remedy: str) -> Outcome:
        if name in self._guests:
            return failed(self._guests[name].error(what))
        error = EvidenceError(f"the collector {name!r} {what}", remedy=remedy)
        return packed(rejected(name, self._makers[name]().version, [error]))

    def _lost(self, name: str, ended: Ended) -> Outcome:
        """The outcome of a collector whose process ended before it reported."""
        most = self.workspace.limits.collector_memory_bytes
        if ended.memory:
            return self._exceeded(
                name,
                f"needed more memory than it gets ({most} bytes)",
                "give it less to read, or widen limits.collector_memory_bytes in gate.yaml",
            )
        if ended.number is None:
            how = f"its process ended early ({ended.error})"
            remedy = "run again with --debug and report the traceback"
        else:
            how = f"its process was ended by {_signal_name(ended.number)}"
            remedy = "check the machine's memory and limits, then run again"
        if ended.number in _CRASHES or name in self._guests:
            return self._exceeded(name, f"failed: {how}", "check the files that it reads")
        error = InternalError(f"the collector {name!r} failed: {how}", remedy=remedy)
        error.add_note(ended.trace)
        self._failures.append(error)
        return {}

    def _evidence(self, name: str) -> Evidence:
        found = unpacked(self._outcomes[name])
        try:
            self.workspace.remember(found.files)
        except EvidenceError as error:
            return rejected(name, found.version, [error], found.files, found.provider)
        return found


def _outcomes(workspace: Workspace, tasks: Sequence[tuple[str, Make, Plugin | None]]) -> Iterator[Outcome]:
    """The collectors' outcomes, one after the other; this runs in a process of its own."""
    for name, make, guest in tasks:
        yield outcome(workspace, make, guest, name)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def collect(workspace: Workspace, collectors: Sequence[Collector]) -> dict[str, Evidence]:
    """Evidence of collectors that exist already; see :meth:`Running.result`."""
    makers: dict[str, Make] = {collector.id: partial(_same, collector) for collector in collectors}
    with Running(workspace, makers) as running:
        return running.result()


def _same(collector: Collector) -> Collector:
    return collector
