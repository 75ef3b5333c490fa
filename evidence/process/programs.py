"""Running a program that we do not trust: no shell, a time limit, an output limit, nothing left over.

This is no sandbox: the program has all rights of the user who runs the gate (ADR 8). What is guaranteed is
that the gate gets an answer in time, in bounded memory, and that no process of the program outlives the call,
also when the gate itself is killed meanwhile. See :mod:`gate.evidence.process._supervisor` for how.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from msgspec import Struct

from ..base.activity import Log
from ..base.errors import EnvironmentProblem, EvidenceError

if TYPE_CHECKING:
    import subprocess

_log = Log(__name__)

_SUPERVISOR = Path(__file__).with_name("_supervisor.py")
_PIECE = 1 << 16
ANSWER = re.compile(rb"(exit|errno) (-?[0-9]{1,9})\n")
ANSWER_BYTES = 64
"""More than the supervisor ever states."""
_PATIENCE_SECONDS = 5.0
"""How long pipes are awaited that something else than the program's descendants holds open."""
_END_SECONDS = 60.0
"""How long a supervisor gets for ending everything before it is killed itself."""


class Finished(Struct, frozen=True):
    """How a program ended.

    Attributes:
        code: its exit code; negative is the number of the signal that ended it.
    """

    code: int
    out: bytes
    err: bytes


def clean_environment(home: Path) -> dict[str, str]:
    """Environment variables for a program of the workspace: nothing of the caller's but where programs are.

    No secrets, no agent sockets, no ``GIT_*``, ``GATE_*`` or ``PYTHON*``; of ``PATH`` only the absolute
    directories, since a relative one would be of the workspace. ``home`` is an empty directory, for temporary
    files too.
    """
    return {
        "PATH": absolute_path(),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def absolute_path(apart_from: Path | None = None) -> str:
    """The user's ``PATH`` without relative and empty entries, which would be directories of the workspace.

    Args:
        apart_from: a workspace in which nothing is to be looked for; its entries are left out, too.
    """
    parts = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part.startswith("/")]
    if apart_from is not None:
        inside = apart_from.resolve()
        parts = [part for part in parts if not Path(part).resolve().is_relative_to(inside)]
    return os.pathsep.join(parts)


def find(program: str, cwd: Path, environment: Mapping[str, str]) -> Path | None:
    """Where the program is: by its path from ``cwd``, or by its name in the environment's ``PATH``."""
    if "/" in program:
        path = cwd / program
        return path if path.is_file() and os.access(path, os.X_OK) else None
    found = shutil.which(program, path=environment.get("PATH", ""))
    return None if found is None else Path(found)


def not_found(program: str, cwd: Path) -> str:
    """Why :func:`find` has found no program, for a message."""
    if "/" in program and "\0" not in program and (cwd / program).is_file():
        return f"{program!r} is not executable"
    return f"there is no program {program!r}"


def located(
    command: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    shown: str,
    path: str | None = None,
    place: str | None = None,
) -> list[str]:
    """The command with its program's path (see :func:`find`). Raises EnvironmentProblem: there is none."""
    program = None
    if not any("\x00" in part for part in command):
        program = find(command[0], cwd, environment)
    if program is None:
        what = f"{shown} cannot be started: {not_found(command[0], cwd)}"
        remedy = "install it, make it executable, or correct its name"
        raise EnvironmentProblem(what, path=path, place=place, remedy=remedy)
    return [str(program), *command[1:]]


def run(
    command: Sequence[str],
    cwd: Path,
    *,
    seconds: float,
    most_bytes: int,
    environment: Mapping[str, str],
    shown: str,
    path: str | None = None,
    place: str | None = None,
) -> Finished:
    """Run a program to its end and give back what it wrote; every process it started is killed then.

    Args:
        command: the program (see :func:`find`) and its arguments; no shell sees them.
        most_bytes: the most it may write, standard output and standard error together.
        shown: what messages call it, such as ``the command 'audit'``.
        path, place: what messages point to.

    Raises EnvironmentProblem: it is not there, or cannot be started; EvidenceError: it took too long or wrote
    too much, or ended the process that watches over it.
    """
    words = located(command, cwd, environment, shown, path, place)
    _log.info("%s runs %s", shown, " ".join([words[0], *shown_arguments(command[1:], cwd)]))
    process = Process(words, cwd, environment)
    try:
        process.follow(seconds, most_bytes)
    finally:
        process.end()
    problem = process.problem
    if problem is not None:
        remedy = "make it faster or quieter, or widen its limits or limits.command_seconds and command_bytes"
        raise EvidenceError(f"{shown} {problem}", path=path, place=place, remedy=remedy)
    answer = ANSWER.fullmatch(process.answer)
    if answer is None:
        what = f"{shown} ended without a trace: the process that watches over it was killed"
        remedy = "check the machine's memory; if the program kills other processes, do not run it"
        raise EvidenceError(what, path=path, place=place, remedy=remedy)
    if answer[1] == b"errno":
        what = f"{shown} cannot be started: {os.strerror(int(answer[2]))}"
        remedy = "correct the program, or its first line if it is a script"
        raise EnvironmentProblem(what, path=path, place=place, remedy=remedy)
    return Finished(int(answer[2]), bytes(process.out), bytes(process.err))


def shown_arguments(arguments: Sequence[str], cwd: Path) -> list[str]:
    """The arguments as they may be logged: options and files by name, ``…`` for what may be secret."""
    option = re.compile(r"-[A-Za-z]|--[a-z]+(-[a-z]+)*")
    return [word if option.fullmatch(word) or _is_there(cwd / word) else "…" for word in arguments]


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # too long for a name
        return False


class Process:
    """A program under its supervisor, which writes into pipes, or into ``sink`` if there is one.

    It has no input, or with ``spoken_to`` what is written into the pipe :attr:`input`.

    Raises EnvironmentProblem: no process can be started.
    """

    def __init__(
        self,
        command: list[str],
        cwd: Path,
        environment: Mapping[str, str],
        sink: int | None = None,
        *,
        spoken_to: bool = False,
    ) -> None:
        import subprocess

        self.out = bytearray()
        self.err = bytearray()
        self.answer = bytearray()
        self.problem: str | None = None
        self._begin = time.monotonic()
        self._status, status = os.pipe()
        control, self._control = os.pipe()
        try:
            self._supervisor: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SUPERVISOR), str(status), str(control), *command],
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.PIPE if spoken_to else subprocess.DEVNULL,
                stdout=subprocess.PIPE if sink is None else sink,
                stderr=subprocess.PIPE if sink is None else sink,
                pass_fds=(status, control),
                start_new_session=True,  # a key pressed at the terminal is ours to handle
            )
        except OSError as error:
            os.close(self._status)
            os.close(self._control)
            raise EnvironmentProblem(
                f"no process can be started: {error.strerror}", remedy="check the machine's limits"
            ) from error
        finally:
            os.close(status)
            os.close(control)

    @property
    def streams(self) -> dict[str, int]:
        """The descriptors to read from: ``out``, ``err``, and ``status``, which the supervisor writes."""
        out, err = self._supervisor.stdout, self._supervisor.stderr
        assert out is not None and err is not None  # noqa: S101 - for the type checker: both are pipes
        return {"out": out.fileno(), "err": err.fileno(), "status": self._status}

    @property
    def input(self) -> IO[bytes]:
        """The pipe that the program reads from."""
        assert self._supervisor.stdin is not None  # noqa: S101 - for the type checker
        return self._supervisor.stdin

    def follow(self, seconds: float, most_bytes: int) -> None:
        """Take in what is written until the supervisor states how it ended and nobody holds the pipes."""
        import selectors

        deadline = self._begin + seconds
        with selectors.DefaultSelector() as selector:
            into = {"out": self.out, "err": self.err, "status": self.answer}
            sinks = {descriptor: into[name] for name, descriptor in self.streams.items()}
            for descriptor in sinks:
                selector.register(descriptor, selectors.EVENT_READ)
            while sinks:
                left = deadline - time.monotonic()
                if left <= 0 and self._status in sinks:
                    self.problem = f"took longer than {seconds:g} s"
                    return
                # what it wrote is read to the end, however long we ourselves were kept from reading
                found = selector.select(max(left, 0))
                if left <= 0 and not found:
                    return  # it has ended in time; something that is not its child holds a pipe
                for key, _ in found:
                    data = os.read(key.fd, _PIECE)
                    sinks[key.fd] += data
                    if len(self.out) + len(self.err) > most_bytes or len(self.answer) > ANSWER_BYTES:
                        self.problem = f"wrote more than {most_bytes} bytes"
                        return
                    if not data:
                        selector.unregister(key.fd)
                        del sinks[key.fd]
                        if key.fd == self._status:
                            deadline = time.monotonic() + _PATIENCE_SECONDS

    @property
    def pid(self) -> int:
        """Id of the process that watches over the program, and is an ancestor of all its processes."""
        return self._supervisor.pid

    def ended(self) -> bool:
        """Whether the program is over and everything that it started, too."""
        return self._supervisor.poll() is not None

    def stop(self) -> None:
        """Ask the program to stop: SIGTERM to its process group."""
        with suppress(BrokenPipeError):  # it is over
            os.write(self._control, b"t")

    def code(self) -> int | None:
        """Its exit code, negative for the signal that ended it; None while it runs, or if that is not known.

        Raises EnvironmentProblem: it could not be started.
        """
        if not self.ended():
            return None
        self.answer += os.read(self._status, ANSWER_BYTES)
        answer = ANSWER.fullmatch(self.answer)
        if answer is not None and answer[1] == b"errno":
            what = f"the program cannot be started: {os.strerror(int(answer[2]))}"
            raise EnvironmentProblem(what, remedy="correct it, or its first line if it is a script")
        return None if answer is None else int(answer[2])

    def end(self) -> None:
        """End the program and everything that it started."""
        import subprocess

        os.close(self._control)  # tells the supervisor to end everything
        try:
            self._supervisor.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        os.close(self._status)
        for stream in (self._supervisor.stdin, self._supervisor.stdout, self._supervisor.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


class Background(Process):
    """A program that runs until it is ended, or until gate itself is over; then nothing of it is left.

    What it writes goes to the file ``log``. Raises EnvironmentProblem: no process can be started.
    """

    def __init__(self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], log: Path) -> None:
        _log.info("start %s", command[0])
        with log.open("wb") as stream:
            super().__init__(list(command), cwd, environment, stream.fileno())
