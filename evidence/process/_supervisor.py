"""The process between us and a program that we run: when the program is over, so is everything it started.

Run as a script of its own (``python -I -S _supervisor.py STATUS CONTROL PROGRAM ARGUMENT…``) by
:mod:`gate.evidence.process.programs`; it imports nothing of ours. A program may put a child into a session of
its own, where no signal to its process group reaches it. On Linux a *subreaper* inherits such children when
their parent ends (https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html), so this process,
which has no other children, can end all of them. On other systems only the process group is ended.

It also ends everything when the end of the control pipe is seen: when we give up, or were killed ourselves. A
byte in that pipe asks the program to stop: its process group gets SIGTERM.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
from contextlib import suppress

PR_SET_CHILD_SUBREAPER = 36


def main(arguments: list[str]) -> int:
    """Run the program to its end; then write ``exit CODE``, or ``errno NUMBER`` if it cannot be started."""
    status, control = int(arguments[0]), int(arguments[1])
    for descriptor in (status, control):
        os.set_inheritable(descriptor, False)
    become_subreaper()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_AS)  # what we get is for reading evidence, not for programs
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    woken, waker = os.pipe()
    for descriptor in (woken, waker):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    command = arguments[2:]
    defaults = [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGINT]
    try:
        program = os.posix_spawn(
            command[0], command, os.environ, setpgroup=0, setsigmask=[], setsigdef=defaults
        )
    except OSError as error:
        os.write(status, f"errno {error.errno}\n".encode())
        return 0
    _let_go_of_the_streams()
    code = _wait(program, woken, control)
    end_all(program)
    with suppress(BrokenPipeError):  # nobody waits any more
        os.write(status, f"exit {code}\n".encode())
    return 0


def become_subreaper() -> None:
    """Inherit the orphans among the descendants, where the system has that."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _let_go_of_the_streams() -> None:
    """Only the program and its descendants keep the pipes open, so that their end is seen."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def _wait(program: int, woken: int, control: int) -> int:
    """The program's exit code (negative: the signal that ended it), reaping orphans meanwhile."""
    while True:
        while True:
            try:
                pid, ended = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return -signal.SIGKILL
            if pid == program:
                return os.waitstatus_to_exitcode(ended)
            if pid == 0:
                break
        ready, _, _ = select.select([woken, control], [], [])
        if control in ready:
            if not os.read(control, 1):
                return -signal.SIGKILL
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(program, signal.SIGTERM)
        with suppress(BlockingIOError):
            os.read(woken, 4096)


def end_all(group: int) -> None:
    """Kill the process group and every child, and the children these leave behind, until none is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    while True:
        for pid in children():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def children() -> list[int]:
    """Ids of the processes whose parent is this one; none where the system does not say."""
    own = os.getpid()
    found = []
    try:
        names = os.listdir("/proc")  # noqa: PTH208 - this script imports as little as it can
    except OSError:
        return []
    for name in names:
        if name.isdecimal():
            with suppress(OSError):
                file = os.open(f"/proc/{name}/stat", os.O_RDONLY)
                try:
                    stat = os.read(file, 4096)
                finally:
                    os.close(file)
                # the name in parentheses may contain anything; the fields after the last one are numbers
                if int(stat.rpartition(b")")[2].split()[1]) == own:
                    found.append(int(name))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
