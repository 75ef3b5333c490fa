"""Runs collectors side by side and turns what they saw into evidence.

Every collector has a time limit. A slow one holds up nobody: what comes after it in its group is taken over
by another process, and once one collector has failed, the others' reports are awaited only for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from ..base.activity import step
from ..base.errors import EvidenceError, GateError, InternalError, raise_all
from ..process import children
from ..reading.workspace import Workspace
from .interface import Collector, Evidence
from .outcomes import Outcome, evidence, failed, lookup, observe, outcome, problems, took_too_long, within
from .plugins import guest_error

__all__ = ["Collecting", "Make", "collect", "lookup", "observe"]

Make = Callable[[], Collector]
"""Makes a collector; called where the collector will run, so that only that process imports it.
It may raise a GateError when the collector's options are wrong."""


class Memory(Protocol):
    """What earlier runs found; :mod:`gate.evidence.collecting.cache` is one. Nothing in it ever raises."""

    def find(self, name: str) -> Outcome | None:
        """The outcome a collector would have again, if that is known."""
        ...

    def keep(self, name: str, outcome: Outcome) -> None:
        """Remember what a collector gave just now."""
        ...

    def save(self) -> None:
        """Write down what is new."""
        ...


SLOW_SECONDS = 1.0
"""After so long with one collector, the rest of its group is given to another process."""


class _Group:
    """A child process with the collectors it still has to report on, in order, and since when it is at the
    first of them."""

    def __init__(self, child: children.Child, names: Iterable[str]) -> None:
        self.child = child
        self.names = list(names)
        self.since = time.monotonic()


class Collecting:
    """Collectors at work: one child process for each group, which run while the caller does other things.

    The processes are there as soon as the context is entered, and load their collectors until they are told
    which of them are wanted. A wanted collector that is in no group gets a process of its own. Where forking
    is not possible, collectors run in this process when the result is asked for. All are run even when one
    fails, so that one run reports every broken file.

    Args:
        workspace: walked before the collectors start, so that all see the same files.
        makers: by collector id, how to make it.
        groups: disjoint sets of ids; collectors of one group run one after the other.
        load: imports a collector's code, so that making it takes no time.
        guests: of these ids, the plug-ins, with the distribution each comes from.
        memory: what earlier runs found; collectors whose outcome is in there are not run.
    """

    def __init__(
        self,
        workspace: Workspace,
        makers: Mapping[str, Make],
        groups: Iterable[Collection[str]],
        load: Callable[[str], object] = str,
        guests: Mapping[str, str] | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.workspace = workspace
        self._makers = makers
        self._names = [[name for name in makers if name in group] for group in groups]
        self._load = load
        self._guests = guests or {}
        self._memory = memory
        self._found: dict[str, Outcome] = {}
        self._wanted: tuple[str, ...] = ()
        self._groups: list[_Group] = []
        self._crashes: dict[str, GateError] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.workspace.inventory()
        for names in self._names:
            names[:] = [name for name in names if not self._remembers(name)]
        if sum(map(bool, self._names)) > 1 and children.possible():
            with ExitStack() as stack:
                self._stack = stack
                for names in self._names:
                    self._start(names)
                self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        children.stop(group.child for group in self._groups)
        self._stack.close()
        if self._memory is not None:
            self._memory.save()

    def _remembers(self, name: str) -> bool:
        if self._memory is not None and name not in self._found and name not in self._guests:
            outcome = self._memory.find(name)
            if outcome is not None:
                self._found[name] = outcome
        return name in self._found

    def _start(self, names: Sequence[str]) -> _Group:
        child = children.Child("collecting " + ", ".join(names), partial(self._work, names))
        group = _Group(self._stack.enter_context(child), names)
        self._groups.append(group)
        return group

    def _work(self, names: Sequence[str], question: children.Question, say: children.Say) -> None:
        for name in names:
            if name not in self._guests:
                self._load(name)
        wanted = question()
        children.limit_memory(self.workspace.limits.collector_memory_bytes)
        for name in wanted:
            say(self._outcome(name))

    def _outcome(self, name: str) -> Outcome:
        return outcome(self.workspace, self._makers[name], self._guests.get(name), name)

    def want(self, ids: Iterable[str]) -> None:
        """Say which collectors are to be run; once, before asking for the result."""
        self._wanted = tuple(ids)
        to_run = [name for name in self._wanted if not self._remembers(name)]
        grouped = {name for names in self._names for name in names}
        started = bool(self._groups)
        if children.possible() and (started or self._guests.keys() & set(to_run)):
            for name in to_run:
                if name not in grouped or not started:
                    self._start([name])
        for group in self._groups:
            self._ask(group, [name for name in to_run if name in group.names])

    def _ask(self, group: _Group, names: Sequence[str]) -> None:
        group.names = list(names)
        group.since = time.monotonic()
        group.child.ask(group.names)

    def result(self) -> dict[str, Evidence]:
        """Evidence of every wanted collector, by id, in the order they were given.

        Raises:
            EvidenceError: one file is malformed, changed between two readings, or took too long; a plug-in
                misbehaved; ManyErrors when there are several.
            ConfigError: a collector's options are wrong.
            InternalError: a collector's facts break its own contract, or its process ended early.
        """
        seen = self._await() if self._groups else self._one_by_one()
        if self._memory is not None:
            for name, outcome in seen.items():
                if name not in self._guests:
                    self._memory.keep(name, outcome)
        seen |= self._found
        found: dict[str, Evidence] = {}
        failures: list[GateError] = []
        left_out = [name for name in self._wanted if name not in seen]
        for name in self._wanted:
            if name in self._crashes:
                failures.append(self._crashes[name])  # with its traceback
            elif name in seen:
                failures += problems(seen[name])
        if left_out:
            names = ", ".join(left_out)
            failures.append(
                EvidenceError(f"not waited for, as others failed: {names}", remedy="fix the others first")
            )
        raise_all(failures)
        for name in self._wanted:
            found[name] = evidence(name, **seen[name])
            self.workspace.remember(found[name].files)
        return found

    def _one_by_one(self) -> dict[str, Outcome]:
        seen: dict[str, Outcome] = {}
        for name in self._wanted:
            if name in self._found:
                continue
            step(f"collecting … {len(seen) + len(self._found) + 1} of {len(self._wanted)}: {name}")
            try:
                seconds = self.workspace.limits.collector_seconds
                seen[name] = within(seconds, name, partial(self._outcome, name))
            except EvidenceError as error:
                seen[name] = failed(error)
        return seen

    def _await(self) -> dict[str, Outcome]:
        """What the processes report. Without the collectors that were not waited for."""
        limits = self.workspace.limits
        seen: dict[str, Outcome] = {}
        failed_at: float | None = None
        while busy := [group for group in self._groups if group.names]:
            now = time.monotonic()
            done = len(seen) + len(self._found)
            step(f"collecting … {done + 1} of {len(self._wanted)}: {busy[0].names[0]}")
            if failed_at is None and any("errors" in outcome for outcome in seen.values()):
                failed_at = now
            if failed_at is not None and now >= failed_at + limits.patience_seconds:
                break
            moments = [] if failed_at is None else [failed_at + limits.patience_seconds]
            for group in busy:
                if now >= group.since + limits.collector_seconds:
                    group.child.stop()
                    self._relieve(group)
                    seen[group.names[0]] = failed(took_too_long(group.names[0], limits.collector_seconds))
                    group.names = []
                elif len(group.names) > 1 and now >= group.since + SLOW_SECONDS:
                    self._relieve(group)
                slow = SLOW_SECONDS if len(group.names) > 1 else limits.collector_seconds
                moments.append(group.since + slow)
            busy = [group for group in self._groups if group.names]
            for child in children.ready([group.child for group in busy], min(moments) - now) if busy else ():
                self._hear(next(group for group in busy if group.child is child), seen)
        return seen

    def _relieve(self, group: _Group) -> None:
        """Give what comes after the first collector of a group to another process."""
        rest = group.names[1:]
        if rest and children.possible():
            group.names = group.names[:1]
            self._ask(self._start(rest), rest)

    def _hear(self, group: _Group, seen: dict[str, Outcome]) -> None:
        reports = group.child.receive()
        if reports is None:
            failure = group.child.failure()
            name = group.names[0]
            if name in self._guests:
                what = failure.what if failure else "ended its process"
                seen[name] = failed(guest_error(name, self._guests[name], f"failed: {what}"))
            else:
                self._crashes[name] = failure or InternalError(f"the collector {name!r} ended its process")
                seen[name] = failed(self._crashes[name])
            self._relieve(group)
            group.names = []
            return
        for report in reports:
            if group.names:  # what was given to another process is reported there
                seen.setdefault(group.names.pop(0), report)
                group.since = time.monotonic()


def collect(workspace: Workspace, collectors: Sequence[Collector]) -> dict[str, Evidence]:
    """Evidence of collectors that exist already, each a group of its own; see :meth:`Collecting.result`."""
    makers: dict[str, Make] = {collector.id: partial(_same, collector) for collector in collectors}
    with Collecting(workspace, makers, [[name] for name in makers]) as collecting:
        collecting.want(makers)
        return collecting.result()


def _same(collector: Collector) -> Collector:
    return collector
