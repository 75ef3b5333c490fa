"""Work that can be split, and what splits it; errors of another process on their way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ...evidence.base import errors
from ...evidence.base.errors import EnvironmentProblem, GateError, InternalError, ManyErrors
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


def sent(error: GateError) -> dict[str, Any]:
    """What a process sends of an error; the class is the nearest that is not a special case."""
    named = {name: getattr(error, name) for name in ("path", "place", "remedy")}
    kind = next(one for one in type(error).__mro__ if getattr(errors, one.__name__, None) is one)
    kind = EnvironmentProblem if kind is ManyErrors else kind
    return {"kind": kind.__name__, "what": error.what, **named}


def received(message: dict[str, Any]) -> GateError:
    """The error that a process sent."""
    kind = getattr(errors, str(message["kind"]), None)
    if not (isinstance(kind, type) and issubclass(kind, GateError)):
        kind = InternalError
    error: GateError = kind(message["what"], **{name: message[name] for name in ("path", "place", "remedy")})
    return error
