"""Work that can be split, and what splits it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ...evidence.base.limits import Limits

Chunk = Any
"""A part of the work; can be pickled, and names what is large by digest or position."""

Chunks = Callable[[], Iterator[Chunk]]
"""Gives all parts of the work, the same ones in the same order each time; can be pickled."""

Result = Any
"""What comes of a chunk, a JSON-like value; never null."""


class Job(Protocol):
    """What is done with a chunk; can be pickled, which is done once for each process."""

    @property
    def limits(self) -> Limits:
        """``policy_seconds`` and ``git_seconds``: how long a process may be silent; its memory."""

    def opened(self) -> AbstractContextManager[Callable[[Chunk], Result]]:
        """Open what the work needs, once for each process: the function from a chunk to its result.

        It is used by one thread, and what it gives depends on nothing but the chunk.
        """

    def sees(self) -> dict[str, str]:
        """What the work reads, as this machine sees it: name → what must be the same on each machine.

        Raises GateError: it is not there.
        """


class Spread(Protocol):
    """What does work in chunks: this process, several, or a cluster."""

    def run(self, job: Job, chunks: Chunks) -> Iterator[Result]:
        """The result of each chunk, in the order of the chunks.

        Raises GateError: one that the work raised; EnvironmentProblem: a process or the cluster was lost.
        """
