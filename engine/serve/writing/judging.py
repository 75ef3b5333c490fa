"""Processes that check posted decisions and decide again; what is posted cannot harm the service in them.

Each is a new interpreter, whose work comes and goes through a socket: a JSON header and the archive, each
after its length. It has a limit on memory, and is ended when it takes too long. It keeps the policy engines
of the last bundles that it was asked about.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from contextlib import ExitStack
from typing import IO, Final

import msgspec

from ....evidence.base.canonical import sha256_hex
from ....evidence.base.errors import EngineError, EnvironmentProblem
from ....evidence.base.limits import DEFAULT
from ...decide.model import Plan
from ...decide.recorded import Recorded
from ...decision.document import Decision
from ...plans import as_recorded
from ...policy import open_engine
from ...policy.bundle import from_document
from ...policy.interface import Bundle, PolicyEngine
from ...service import replay
from ...spread.processes import usual
from .submission import Accepted, Demands, Refused, check, read

SECONDS: Final = 90.0
"""Time for one decision, the loading of its bundle included."""
_MEMORY: Final = 2 << 30
_BUNDLES: Final = 4
_LENGTH: Final = struct.Struct(">Q")
_START: Final = (
    f"import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {__name__} import serve; serve()"
)


class Judges:
    """The processes; they start at `start`, or when they are first needed.

    Args:
        number: how many, one for each core if None.
    """

    def __init__(self, number: int | None = None) -> None:
        self.number = number or usual()
        self._idle: queue.LifoQueue[_Judge] = queue.LifoQueue()
        self._all = [_Judge() for _ in range(self.number)]
        for one in self._all:
            self._idle.put(one)

    def start(self) -> None:
        """Start them, so that the first decision need not wait for that."""
        for one in self._all:
            one.start()

    def check(self, data: bytes, demands: Demands) -> Accepted:
        """Check a posted archive, in whichever process is idle next.

        Raises Refused: it must not be recorded; EnvironmentProblem: the process failed or took too long.
        """
        judge = self._idle.get()
        try:
            return judge.ask(data, demands)
        finally:
            self._idle.put(judge)

    def close(self) -> None:
        """End the processes."""
        for one in self._all:
            one.end()


class _Answer(msgspec.Struct, frozen=True):
    """What a process found: the decision, why it is refused, or why it could not be judged."""

    accepted: Accepted | None = None
    refused: str | None = None
    failed: str | None = None


class _Judge:
    """One process that judges; started when it is first needed, and anew when it ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def ask(self, data: bytes, demands: Demands) -> Accepted:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self.end()
                self._start()
            try:
                answer = self._exchange(msgspec.json.encode(demands), data)
            except (OSError, ValueError, msgspec.MsgspecError) as error:
                self.end()
                what = "took too long" if isinstance(error, TimeoutError) else "ended"
                raise EnvironmentProblem(f"the process that judges again {what}") from error
        if answer.refused is not None:
            raise Refused(answer.refused)
        if answer.accepted is None:
            raise EnvironmentProblem(f"the decision could not be judged again: {answer.failed}")
        return answer.accepted

    def end(self) -> None:
        if self._process is not None and self._socket is not None:
            self._process.kill()
            self._process.wait()
            self._socket.close()
        self._process = self._socket = None

    def start(self) -> None:
        """Start the process."""
        with self._lock:
            self._start()

    def _start(self) -> None:
        self._socket, other = socket.socketpair()
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, json.dumps(sys.path)],
                stdin=other.fileno(),
                env={},  # no secret of the service's
                start_new_session=True,  # Ctrl-C in a terminal is for the service, which still needs it
            )

    def _exchange(self, *parts: bytes) -> _Answer:
        assert self._socket is not None  # noqa: S101 - the process was started
        deadline = time.monotonic() + SECONDS
        self._socket.settimeout(SECONDS)  # for all of it
        self._socket.sendall(b"".join(_LENGTH.pack(len(part)) + part for part in parts))
        (length,) = _LENGTH.unpack(_take(self._socket, _LENGTH.size, deadline))
        return msgspec.json.decode(_take(self._socket, length, deadline), type=_Answer)


def _take(stream: socket.socket, length: int, deadline: float) -> bytes:
    found = bytearray()
    while len(found) < length:
        stream.settimeout(max(deadline - time.monotonic(), 0.001))
        piece = stream.recv(min(1 << 20, length - len(found)))
        if not piece:
            raise OSError("it ended")
        found += piece
    return bytes(found)


def serve() -> None:
    """Be one of the processes, until the socket is closed."""
    _limit_memory()
    os.dup2(2, 1)  # nothing that is printed goes to whoever reads the service's output
    work, answers = sys.stdin.buffer, os.fdopen(os.dup(0), "wb")
    with _Engines() as engines:
        while (header := _part(work)) is not None:
            answer = msgspec.json.encode(_answer(header, _part(work) or b"", engines))
            answers.write(_LENGTH.pack(len(answer)) + answer)
            answers.flush()


def _answer(header: bytes, data: bytes, engines: _Engines) -> _Answer:
    try:
        demands = msgspec.json.decode(header, type=Demands)
        return _Answer(check(read(data), demands, engines.again))
    except Refused as error:
        # what was posted may be quoted, and have characters that no encoding has
        return _Answer(refused=_encodable(str(error)))
    except (EngineError, EnvironmentProblem) as error:
        return _Answer(failed=_encodable(error.what))
    except MemoryError:
        return _Answer(refused="checking it takes more memory than there is for that")
    except Exception as error:  # noqa: BLE001 - the outermost boundary of this process
        return _Answer(failed=f"it met {type(error).__name__}")


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _part(stream: IO[bytes]) -> bytes | None:
    head = stream.read(_LENGTH.size)
    return stream.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else None


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY if hard < 0 else min(_MEMORY, hard), hard))


class _Engines:
    """Loaded bundles and an engine over each, the latest few; a context manager."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Bundle, Plan, PolicyEngine, ExitStack]] = OrderedDict()

    def __enter__(self) -> _Engines:
        return self

    def __exit__(self, *_: object) -> None:
        while self._kept:
            self._kept.popitem()[1][3].close()

    def again(self, recorded: Recorded, document: bytes, digest: str) -> Decision:
        """Decide again, with the embedded engine, by a bundle of this digest.

        Raises Refused: it has another digest; nothing in it was run.
        """
        setup = recorded.setup
        chosen = (sha256_hex(document), digest, setup.depends_on, setup.profile, setup.parameters)
        name = sha256_hex(repr(chosen).encode())
        if name not in self._kept:
            stated = from_document(document, DEFAULT)
            if stated.digest != digest:
                what = f"the policy bundle in the archive is {stated.digest}, the decision names {digest}"
                raise Refused(what)
            bundle, plan = as_recorded(stated, setup)
            stack = ExitStack()
            engine = stack.enter_context(open_engine("embedded", bundle, DEFAULT))
            self._kept[name] = (bundle, plan, engine, stack)
            while len(self._kept) > _BUNDLES:
                self._kept.popitem(last=False)[1][3].close()
        self._kept.move_to_end(name)
        bundle, plan, engine, _ = self._kept[name]
        return replay(bundle, plan, recorded, setup.time, engine)
