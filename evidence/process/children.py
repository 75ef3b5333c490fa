"""Work in one child process: its messages come back, as lines of JSON through a pipe.

While this process has a single thread on Linux, the child is forked, which costs two milliseconds. To fork
a process with threads is unsafe (https://docs.python.org/3/library/os.html#os.fork), and so is any fork on
macOS; there the child is a new interpreter, which is given the same work pickled.

A child leads a process group of its own, which ends with it. What it prints goes to standard error: standard
output belongs to the parent's payload.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Self

_TASKS = "/proc/self/task"
_RESULTS = 3
"""The descriptor a new interpreter writes its messages to."""
_SPARE_BYTES = 2**20
"""What a process that fails for another reason than lack of memory can still have."""
_NO_MEMORY = 3
"""Exit status of a child that needed more memory than it gets."""
_WATCH_SECONDS = 0.1
_LAST_SECONDS = 1.0
"""What a child gets for ending by itself after its last message."""
_START = (
    "import pickle, sys; sys.path[:], sys.argv[:] = pickle.load(sys.stdin.buffer); "
    f"from {__name__} import serve; serve()"
)

Work = Callable[[], Iterable[Any]]
"""Gives JSON-like messages, one after the other. It must be picklable where the child cannot be forked."""


def can_fork() -> bool:
    """Whether this process may fork: on Linux, while it has a single thread."""
    if sys.platform != "linux":
        return False
    try:
        return len(os.listdir(_TASKS)) == 1  # noqa: PTH208 - a Path is not needed for a count
    except OSError:
        return False


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """An empty temporary directory, gone afterwards; also when this is a child that is ended."""
    import tempfile

    name = f"gate-{os.getpid()}-{prefix.removeprefix('gate-')}"
    with tempfile.TemporaryDirectory(prefix=name, ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@dataclass(eq=False)
class Ended(Exception):
    """The child ended before its time: by a signal, for want of memory, or with an exception.

    ``error`` is that exception as ``class: message``, ``trace`` its traceback.
    """

    number: int | None
    memory: bool
    error: str
    trace: str

    def __str__(self) -> str:
        return self.error


class Child:
    """One child process; as a context manager it is gone afterwards, whatever happened.

    ``memory_bytes`` is the address space it gets on top of what is in use; outside Linux, its resident
    memory.

    Raises OSError: no process can be started.
    """

    def __init__(self, work: Work, memory_bytes: int) -> None:
        self._received = bytearray()
        self._failed = {"error": "", "trace": ""}
        self._alive = True
        self._late = False
        self._reader, writer = _pipe()
        try:
            if can_fork():
                parent = os.getpid()
                self._pid = os.fork()
                if self._pid == 0:
                    os.close(self._reader)  # or the end of the parent would go unnoticed
                    _live(work, writer, memory_bytes, parent)
                with suppress(OSError):  # it may have done so itself, or have ended
                    os.setpgid(self._pid, self._pid)
            else:
                self._pid = _spawn(work, writer, memory_bytes)
        except BaseException:
            os.close(self._reader)
            raise
        finally:
            os.close(writer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object = None, *_: object) -> None:
        if kind is None and self._alive:
            with suppress(TimeoutError, Ended):
                self.receive(0 if self._late else _LAST_SECONDS)
        self.end()

    def end(self) -> None:
        """End it now; to be called once, where it is no context manager."""
        if self._alive:
            self._kill()
            self._reap()
        os.close(self._reader)

    def _kill(self) -> None:
        """End everything in the child's process group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)

    def _reap(self) -> int:
        """Wait for the child's end, and end what is left of it."""
        if hasattr(os, "waitid"):  # until the child is waited for, its number belongs to no other group
            os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
            self._kill()
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        self._alive = False
        if code != 0:
            _remove_scratch(self._pid)
        return code

    def receive(self, seconds: float) -> Any:
        """The child's next message.

        Raises TimeoutError: there was none for so long; Ended: there will be no more.
        """
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        end = self._received.find(b"\n")
        while end < 0:
            left = deadline - time.monotonic()
            if not poll.poll(max(0.0, min(left, 3600.0)) * 1000):
                if left > 0:
                    continue
                self._late = True
                raise TimeoutError
            piece = os.read(self._reader, 1 << 20)
            if not piece:
                raise self._ended()
            found = piece.find(b"\n")
            end = len(self._received) + found if found >= 0 else -1
            self._received += piece
        message = json.loads(self._received[:end])
        del self._received[: end + 1]
        if "failed" in message:
            self._failed = message["failed"]
            return self.receive(seconds)
        return message["result"]

    def _ended(self) -> Ended:
        code = self._reap()
        error = self._failed["error"] or f"exit status {code}"
        return Ended(-code if code < 0 else None, code == _NO_MEMORY, error, self._failed["trace"])


def _pipe() -> tuple[int, int]:
    """A pipe whose descriptors are no standard streams, which a caller may have closed, nor ``_RESULTS``."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


def _spawn(work: Work, writer: int, memory_bytes: int) -> int:
    import pickle

    request = pickle.dumps((sys.path, sys.argv)) + pickle.dumps((work, memory_bytes, os.getpid()))
    reader, sender = _pipe()
    with os.fdopen(sender, "wb") as stream:
        try:
            pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-c", _START],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, reader, 0), (os.POSIX_SPAWN_DUP2, writer, _RESULTS)],
                setpgroup=0,
            )
        finally:
            os.close(reader)
        with suppress(BrokenPipeError):  # it ended; its status says how
            stream.write(request)
            stream.flush()
    return pid


def serve() -> NoReturn:
    """Be the child, in a new interpreter."""
    import pickle

    with suppress(BaseException):
        work, memory_bytes, parent = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the parent
        _live(work, _RESULTS, memory_bytes, parent)
    os._exit(1)


def _live(work: Work, writer: int, memory_bytes: int, parent: int) -> NoReturn:
    """The child's whole life. Nothing of the parent may run here, such as its handlers and its buffers."""
    status = 1
    with suppress(BaseException):
        with suppress(OSError):
            os.setpgid(0, 0)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        with suppress(OSError):  # where standard error is closed, there is nothing to print on
            os.dup2(2, 1)
        _watch(parent, memory_bytes)  # first: a thread needs memory, too
        status = _NO_MEMORY  # until the work begins, a tight limit is all that can go wrong
        _limit_memory(memory_bytes)
        with os.fdopen(writer, "wb") as stream:

            def send(message: dict[str, Any]) -> None:
                stream.write(json.dumps(message).encode() + b"\n")
                stream.flush()

            status = 1
            try:
                for result in work():
                    send({"result": result})
                status = 0
            except MemoryError:
                status = _NO_MEMORY
            except Exception as error:  # noqa: BLE001 - the outermost boundary of this process
                if (isinstance(error, OSError) and error.errno == errno.ENOMEM) or _exhausted():
                    os._exit(_NO_MEMORY)
                text = f"{type(error).__name__}: {error}"
                send({"failed": {"error": text, "trace": traceback.format_exc()}})
            os._exit(status)  # before the stream is closed: its end means that the status is known
    os._exit(status)


def _exhausted() -> bool:
    """Whether no memory is left: Python's compiler, for one, then fails with another error."""
    try:
        bytearray(_SPARE_BYTES)
    except MemoryError:
        return True
    return False


def _limit_memory(most: int) -> None:
    """Let this process have so much more address space, on Linux. Programs it starts may lift that again."""
    if sys.platform == "linux":
        import resource

        with suppress(OSError, ValueError):
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            _, hard = resource.getrlimit(resource.RLIMIT_AS)
            wanted = used + most
            resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))


def _watch(parent: int, memory_bytes: int) -> None:
    """End this process group when the parent is gone, and outside Linux when it holds too much memory."""
    import resource
    import threading

    def watch() -> None:
        while os.getppid() == parent:
            if sys.platform != "linux" and resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > memory_bytes:
                os._exit(_NO_MEMORY)
            time.sleep(_WATCH_SECONDS)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _remove_scratch(pid: int) -> None:
    """Remove the temporary directories that a process left behind when it was ended."""
    import shutil
    import tempfile

    for folder in Path(tempfile.gettempdir()).glob(f"gate-{pid}-*"):
        shutil.rmtree(folder, ignore_errors=True)
