"""Work in forked child processes: a question goes in and messages come back, as lines of JSON through pipes.

A collector spends its time in Python code, which threads of one process cannot run at once. A forked child
costs two milliseconds, not a start of the interpreter with all its imports. To fork a process with threads is
unsafe (https://docs.python.org/3/library/os.html#os.fork), so :func:`possible` must be asked.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

from ..base.errors import InternalError

_TASKS = "/proc/self/task"

_LAST_CHANCE_SECONDS = 1.0
"""What a child gets for removing its temporary directories, before it is killed."""


def possible() -> bool:
    """Whether this process may fork: on Linux, while it has a single thread."""
    if sys.platform != "linux":
        return False
    try:
        return len(os.listdir(_TASKS)) == 1  # noqa: PTH208 - a Path is not needed for a count
    except OSError:
        return False


Question = Callable[[], Any]
"""Waits for what the parent sends."""

Say = Callable[[Any], None]
"""Sends something JSON-like to the parent."""


_scratch: dict[Path, Callable[[Path], None]] = {}
"""Directories of this process that are removed when it is asked to end, and how."""


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """An empty temporary directory, gone afterwards; also when this is a child that is asked to end."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        path = Path(name).resolve()
        _scratch[path] = partial(shutil.rmtree, ignore_errors=True)
        try:
            yield path
        finally:
            del _scratch[path]


class Child:
    """One child process; as a context manager it is gone afterwards, whatever happened.

    It leads a process group of its own, so that what it started ends with it. What it prints goes to standard
    error: standard output belongs to the parent's payload.

    Args:
        what: what it does, for messages.
        work: runs in the child; may wait for a question, and says what it found.
    """

    def __init__(self, what: str, work: Callable[[Question, Say], None]) -> None:
        self._what = what
        self._status: int | None = None
        self._received = b""
        self._complaint: dict[str, str] = {}
        question, self._question = os.pipe()
        self._answer, answer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._question)  # or the end of the parent would go unnoticed
            _run(work, question, answer)
        with suppress(OSError):  # it may have done so itself, or have ended
            os.setpgid(self._pid, self._pid)
        os.close(question)
        os.close(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        os.close(self._question)
        os.close(self._answer)

    def fileno(self) -> int:
        """The descriptor that is readable when there is something to :meth:`receive`."""
        return self._answer

    def ask(self, question: Any) -> None:
        """Send what ``work`` waits for, something JSON-like of less than a pipe holds. May be done once."""
        with suppress(BrokenPipeError):  # it ended already; its failure says why
            os.write(self._question, json.dumps(question).encode() + b"\n")

    def receive(self) -> list[Any] | None:
        """What the child has said since; waits for the next piece. None when it will say no more."""
        piece = os.read(self._answer, 1 << 20)
        if not piece:
            return None
        *lines, self._received = (self._received + piece).split(b"\n")
        said = [json.loads(line) for line in lines]
        self._complaint = next((line["failed"] for line in said if "failed" in line), self._complaint)
        return [line["said"] for line in said if "said" in line]

    def failure(self) -> InternalError | None:
        """Why the child ended before its time, or None; to be asked once it says no more. Waits for its end.

        It was ended by a signal, or ``work`` raised something.
        """
        self._reap(0)
        if self._status is None:
            raise AssertionError("waiting for a child's end gave none")
        if self._status < 0:
            return InternalError(
                f"the process for {self._what} was ended by {_signal_name(-self._status)}",
                remedy="check the machine's memory and limits, then run again",
            )
        if self._status == 0:
            return None
        error = InternalError(
            f"{self._complaint.get('error', f'exit status {self._status}')} "
            f"(in the process for {self._what})",
            remedy="run again with --debug and report the traceback",
        )
        error.add_note(self._complaint.get("traceback", ""))
        return error

    def stop(self) -> None:
        """End the child, if it is still there, and everything in its process group."""
        stop([self])

    def _gone(self) -> bool:
        self._reap(os.WNOHANG)
        return self._status is not None

    def _reap(self, options: int) -> None:
        """Take note of the child's end, and end what is left of its process group.

        Until the child is waited for, its number belongs to nobody else, and neither does its group's.
        """
        if self._status is None and os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT | options):
            self._signal(signal.SIGKILL)
            self._status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, number)


def stop(children: Iterable[Child]) -> None:
    """End several children at once; see :meth:`Child.stop`."""
    left = [child for child in children if not child._gone()]
    for child in left:
        child._signal(signal.SIGTERM)
    deadline = time.monotonic() + _LAST_CHANCE_SECONDS
    while (left := [child for child in left if not child._gone()]) and time.monotonic() < deadline:
        time.sleep(0.002)
    for child in left:
        child._signal(signal.SIGKILL)
        child.failure()


def ready(children: Sequence[Child], seconds: float) -> list[Child]:
    """Those of the children that said something or ended; waits for the first at most so long."""
    poll = select.poll()
    by_descriptor = {child.fileno(): child for child in children}
    for descriptor in by_descriptor:
        poll.register(descriptor, select.POLLIN)
    return [by_descriptor[descriptor] for descriptor, _ in poll.poll(max(0.0, seconds) * 1000)]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def limit_memory(most: int) -> None:
    """Let this process, and what it starts, have so much address space, where the system has such limits.

    What was there already is not counted. Programs may lift it up to the limit that the user had.
    """
    if sys.platform == "linux":
        import resource

        with suppress(OSError, ValueError):
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            _, hard = resource.getrlimit(resource.RLIMIT_AS)
            wanted = used + most
            resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))


def _above_streams(descriptor: int) -> int:
    """The same pipe under a number that no standard stream has: a caller may have closed those."""
    if descriptor > 2:
        return descriptor
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return moved


def _run(work: Callable[[Question, Say], None], reader: int, writer: int) -> NoReturn:
    """The child's whole life. Nothing of the parent may run here, such as its handlers and its buffers."""
    status = [1]
    with suppress(BaseException):
        _scratch.clear()  # those of the parent
        signal.signal(signal.SIGTERM, _end)
        _live(work, reader, writer, status)
    os._exit(status[0])


def _end(number: int, frame: FrameType | None) -> None:
    """End this child at once.

    It must not raise: a handler may run inside a callback of the garbage collector or of an import, which
    prints an exception and swallows it. What was started in the child's process group ends by the parent's
    signal; a program with a supervisor ends when this process lets go of the control pipe.
    """
    # not SIG_IGN: Python 3.13 complains of it when another request came just before
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with suppress(BaseException):
        for path, remove in tuple(_scratch.items()):
            remove(path)
    os._exit(1)


def _live(work: Callable[[Question, Say], None], reader: int, writer: int, status: list[int]) -> None:
    """Do the work and say what came of it."""

    def question() -> Any:
        with os.fdopen(reader, "rb") as stream:
            return json.loads(stream.readline())

    with suppress(OSError):
        os.setpgid(0, 0)
    reader, writer = _above_streams(reader), _above_streams(writer)
    with suppress(OSError):  # where standard error is closed, there is nothing to print on
        os.dup2(2, 1)
    with os.fdopen(writer, "wb") as stream:

        def send(message: dict[str, Any]) -> None:
            stream.write(json.dumps(message).encode() + b"\n")
            stream.flush()

        try:
            work(question, lambda said: send({"said": said}))
            status[0] = 0
        except Exception as error:  # noqa: BLE001 - the outermost boundary of this process
            said = f"{type(error).__name__}: {error}"
            send({"failed": {"error": said, "traceback": traceback.format_exc()}})
