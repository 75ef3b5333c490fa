"""Work in this process, or in several of this machine.

Every process is given the same work and takes every so manieth chunk. What it has found waits in a pipe until
its turn has come, so that memory stays flat. A process that was killed is followed by another one, which goes
on where that ended.
"""

from __future__ import annotations

import gc
import heapq
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any

from ...evidence.base import activity
from ...evidence.base.errors import EnvironmentProblem, GateError
from ...evidence.process.children import Child, Ended
from .interface import Chunks, Job, Result, received, sent

MOST = 64
_GARBAGE = 20_000
"""Objects that are made before garbage is looked for."""
_PATIENCE = 64
"""A process is done with a chunk within so many times what one question to the policy engine may take."""
_AGAIN = 3
"""How often a process that was killed is started again without having done anything."""


def usual() -> int:
    """How many processes this machine can run at once."""
    known = getattr(os, "sched_getaffinity", None)
    return min(MOST, len(known(0)) if known else os.cpu_count() or 1)


class Processes:
    """So many processes; one is this process."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def run(self, job: Job, chunks: Chunks) -> Iterator[Result]:
        """See `Spread`."""
        jobs = len(list(islice(chunks(), self._jobs)))
        if jobs < 2:
            with job.opened() as do:
                yield from map(do, chunks())
            return
        with ExitStack() as stack:
            # all at once: a progress line begins a thread, and a process with threads is not forked
            shares = [_Share(stack, job, chunks, share, jobs) for share in range(jobs)]
            for _, result in heapq.merge(*(one.results() for one in shares), key=itemgetter(0)):
                yield result


class _Share:
    """One process after the other that does a share of the work."""

    def __init__(self, stack: ExitStack, job: Job, chunks: Chunks, share: int, shares: int) -> None:
        self._stack, self._memory_bytes = stack, job.limits.collector_memory_bytes
        self._patience = _PATIENCE * job.limits.policy_seconds + job.limits.git_seconds
        self._work = partial(_work, job, chunks, share, shares)
        self._child = self._start(0)

    def _start(self, done: int) -> Child:
        return self._stack.enter_context(Child(partial(self._work, done), self._memory_bytes))

    def results(self) -> Iterator[tuple[int, Result]]:
        """Numbers of chunks, and their results."""
        done, tries = 0, 0
        while True:
            try:
                message = self._child.receive(self._patience)
            except (Ended, TimeoutError) as error:
                killed = isinstance(error, Ended) and error.number is not None and not error.memory
                if killed and tries < _AGAIN:
                    tries += 1
                    self._child = self._start(done)
                    continue
                ended = isinstance(error, Ended)
                what = f"a process that works {f'ended: {error}' if ended else 'does not answer'}"
                remedy = "give --jobs 1, or raise limits.collector_memory_bytes in gate.yaml"
                raise EnvironmentProblem(what, remedy=remedy) from error
            if message is None:
                return
            if isinstance(message, dict):
                raise received(message)
            done, tries = done + 1, 0
            yield message


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """Look for garbage seldom: records are large, and have no cycles."""
    before = gc.get_threshold()
    gc.set_threshold(_GARBAGE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _work(job: Job, chunks: Chunks, share: int, shares: int, done: int) -> Iterator[Any]:
    """What a process sends: its results, then null; an error of ours in place of what is left."""
    activity.listen(None)
    gc.freeze()  # what is there stays there
    try:
        with rarely_collecting(), job.opened() as do:
            for number, chunk in islice(enumerate(chunks()), share + done * shares, None, shares):
                yield [number, do(chunk)]
    except GateError as error:
        yield sent(error)
    yield None
