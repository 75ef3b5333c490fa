"""Work in several processes whose results come back in one order, whatever the number of processes.

Every process is given the same work and its own share of it. What it has found waits in a pipe until its turn
has come, so that memory stays flat.
"""

from __future__ import annotations

import gc
import heapq
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from operator import itemgetter
from typing import Any

from ...evidence.base import activity, errors
from ...evidence.base.errors import EnvironmentProblem, GateError, ManyErrors
from ...evidence.base.limits import Limits
from ...evidence.process.children import Child, Ended

Found = tuple[list[int], Any]
"""Where something stands in the order of all results, and the result, a JSON-like value."""

Work = Callable[[int, int], Iterator[Found]]
"""From a share's number and the number of shares to its results in ascending order; can be pickled."""

MOST = 64
_GARBAGE = 20_000
"""Objects made before garbage is looked for: records are large, and have no cycles."""
_PATIENCE = 4
"""A process answers within so many times what one question to the policy engine may take."""


def usual() -> int:
    """How many processes this machine can run at once."""
    known = getattr(os, "sched_getaffinity", None)
    return min(MOST, len(known(0)) if known else os.cpu_count() or 1)


def run(work: Work, jobs: int, limits: Limits) -> Iterator[Found]:
    """The results of all shares of the work in their order; with one job, in this process.

    Raises GateError: one that the work raised; EnvironmentProblem: a process ended before its time.
    """
    if jobs == 1:
        yield from work(0, 1)
        return
    with ExitStack() as stack:
        # all at once: a progress line begins a thread, and a process with threads is not forked
        children = [
            stack.enter_context(Child(partial(_share, work, share, jobs), limits.collector_memory_bytes))
            for share in range(jobs)
        ]
        yield from heapq.merge(*(_results(child, limits) for child in children), key=itemgetter(0))


def _share(work: Work, share: int, shares: int) -> Iterator[Any]:
    """What a process sends: its results, then null; an error of ours in place of what is left."""
    activity.listen(None)
    gc.freeze()  # what is there stays there
    gc.set_threshold(_GARBAGE)
    try:
        for place, result in work(share, shares):
            yield [place, result]
    except GateError as error:
        named = {name: getattr(error, name) for name in ("path", "place", "remedy")}
        kind = EnvironmentProblem if isinstance(error, ManyErrors) else type(error)
        yield {"kind": kind.__name__, "what": error.what, **named}
    yield None


def _results(child: Child, limits: Limits) -> Iterator[Found]:
    while True:
        try:
            message = child.receive(_PATIENCE * limits.policy_seconds + limits.git_seconds)
        except (Ended, TimeoutError) as error:
            ended = isinstance(error, Ended)
            raise EnvironmentProblem(
                f"a process that judges again {f'ended: {error}' if ended else 'does not answer'}",
                remedy="give --jobs 1, or raise limits.collector_memory_bytes in gate.yaml",
            ) from error
        if message is None:
            return
        if isinstance(message, dict):
            kind = getattr(errors, message.pop("kind"))
            raise kind(message.pop("what"), **message)
        place, result = message
        yield place, result
