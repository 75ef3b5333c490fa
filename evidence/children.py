"""Work in forked child processes: a question goes in and an answer comes back as JSON through pipes.

A collector spends its time in Python code, which threads of one process cannot run at once. A forked child
costs two milliseconds, not a start of the interpreter with all its imports. To fork a process with threads is
unsafe (https://docs.python.org/3/library/os.html#os.fork), so :func:`possible` must be asked.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from .errors import InternalError

_TASKS = "/proc/self/task"


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


class Child:
    """One child process; as a context manager it is gone afterwards, whatever happened.

    Args:
        what: what it does, for messages.
        work: runs in the child; may wait for a question, and returns something JSON-like.
    """

    def __init__(self, what: str, work: Callable[[Question], Any]) -> None:
        self._what = what
        self._ended = False
        question, self._question = os.pipe()
        self._answer, answer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._question)  # or the end of the parent would go unnoticed
            _run(work, question, answer)
        os.close(question)
        os.close(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._question)
        os.close(self._answer)
        if not self._ended:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)

    def ask(self, question: Any) -> None:
        """Send what ``work`` waits for, something JSON-like of less than a pipe holds. May be done once."""
        with suppress(BrokenPipeError):  # it ended already; its result says why
            os.write(self._question, json.dumps(question).encode() + b"\n")

    def result(self) -> Any:
        """What ``work`` returned; waits for it. May be asked once.

        Raises:
            InternalError: the child was ended by a signal, or ``work`` raised.
        """
        received = []
        while chunk := os.read(self._answer, 1 << 20):
            received.append(chunk)
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        self._ended = True
        if status < 0:
            raise InternalError(
                f"the process for {self._what} was ended by {_signal_name(-status)}",
                remedy="check the machine's memory and limits, then run again",
            )
        answer = json.loads(b"".join(received) or b"{}")
        if "result" in answer:
            return answer["result"]
        error = InternalError(
            f"{answer.get('error', f'exit status {status}')} (in the process for {self._what})",
            remedy="run again with --debug and report the traceback",
        )
        error.add_note(answer.get("traceback", ""))
        raise error


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _run(work: Callable[[Question], Any], reader: int, writer: int) -> None:
    """The child's whole life. Nothing of the parent may run here, such as its handlers and its buffers."""
    status = 1

    def question() -> Any:
        with open(reader, "rb") as stream:
            return json.loads(stream.readline())

    try:
        try:
            answer = json.dumps({"result": work(question)})
        except Exception as error:  # noqa: BLE001 - the outermost boundary of this process
            said = f"{type(error).__name__}: {error}"
            answer = json.dumps({"error": said, "traceback": traceback.format_exc()})
        with open(writer, "wb") as stream:
            stream.write(answer.encode())
        status = 0
    finally:
        os._exit(status)
