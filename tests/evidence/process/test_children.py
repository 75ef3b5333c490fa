"""Child processes, forked and spawned: messages, errors and sudden ends, each in a fresh process."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gate.evidence.process import children

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc shows what is left")

START = """
import functools, os, signal, sys, time
from pathlib import Path
from gate.evidence.process import children
from gate.evidence.process.children import Child, Ended, can_fork, scratch
import work
assert can_fork()
if FORK is False:
    children.can_fork = lambda: False
def start(function, *arguments, memory=2**31):
    return Child(functools.partial(function, *arguments), memory)
def ended(function, *arguments, **options):
    with start(function, *arguments, **options) as child:
        try:
            child.receive(300)
        except Ended as error:
            return error
    raise AssertionError("it did not end")
def wait_until_over(pid):
    while True:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.01)
"""

WORK = """
import os, signal, sys, time
from pathlib import Path
from gate.evidence.process.children import scratch
from gate.evidence.process.programs import run
SLEEP = [sys.executable, "-c", "import time; time.sleep(3600)"]
def say(*messages):
    yield from messages
def hang(*messages):
    yield from messages
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    time.sleep(3600)
def die(number):
    os.kill(os.getpid(), number)
    yield
def fail():
    raise ValueError("no such thing")
    yield
def leave():
    raise KeyboardInterrupt
    yield
def grow():
    yield len(bytearray(2**30))
def unprintable():
    yield {1, 2}
def start_and_hang():
    yield os.posix_spawn(SLEEP[0], SLEEP, os.environ)
    time.sleep(3600)
def start_and_leave():
    yield os.posix_spawn(SLEEP[0], SLEEP, os.environ)
def keep_folder():
    with scratch("gate-test-") as folder:
        (folder / "file").touch()
        yield str(folder)
        time.sleep(3600)
def supervise(folder):
    pid = Path(folder) / "pid"
    yield "begin"
    code = f"import os, pathlib; pathlib.Path({str(pid)!r}).write_text(str(os.getpid()) + '.')"
    command = [sys.executable, "-c", code + "; import time; time.sleep(3600)"]
    run(command, Path("."), seconds=3600, most_bytes=9, environment={}, shown="x")
def noise():
    os.write(1, b"noise")
    yield 1
def pid_then_hang():
    yield os.getpid()
    time.sleep(3600)
"""


@pytest.fixture(params=[True, False], ids=["forked", "spawned"])
def run(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Run code in a process of its own, which has one thread; gives what it printed."""
    (tmp_path / "work.py").write_text(WORK)

    def go(code: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", f"FORK = {request.param}\n{START}{code}"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    return go


def test_messages_arrive_in_order(run) -> None:  # type: ignore[no-untyped-def]
    """Also those that no pipe holds, and although the parent comes late."""
    code = """
large = {"large": "y" * 3_000_000, "lone": "\\udc80"}
with start(work.say, 1, large, None) as child:
    time.sleep(0.3)
    assert [child.receive(300), child.receive(300), child.receive(300)] == [1, large, None]
    try:
        child.receive(300)
    except Ended as error:
        assert error.number is None and not error.memory
with start(work.hang, 1) as child:
    assert child.receive(300) == 1
    try:
        child.receive(0.1)
    except TimeoutError:
        print("late")
"""
    assert run(code) == ("late\n", "")


def test_an_early_end_is_explained(run) -> None:  # type: ignore[no-untyped-def]
    """By the signal, the exception with its traceback, or the memory that it did not get."""
    code = """
assert ended(work.die, 9).number == 9
assert ended(work.die, 40).number == 40
error = ended(work.fail)
assert error.error == str(error) == "ValueError: no such thing" and "in fail" in error.trace
assert "TypeError" in ended(work.unprintable).error
assert ended(work.leave).error == "exit status 1"
error = ended(work.grow, memory=2**28)
assert error.memory and error.number is None
"""
    assert run(code) == ("", "")


def test_nothing_outlives_the_context(run) -> None:  # type: ignore[no-untyped-def]
    """Leaving it, as an interrupt does, ends a child that does not listen, and all that it started."""
    code = """
for function in (work.pid_then_hang, work.start_and_hang, work.start_and_leave):
    try:
        with start(function) as child:
            pid = child.receive(300)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        wait_until_over(pid)
with start(work.start_and_leave) as child:
    pid = child.receive(300)
wait_until_over(pid)
with start(work.supervise, ".") as child:
    child.receive(300)
    while not (Path("pid").exists() and Path("pid").read_text().endswith(".")):
        time.sleep(0.01)
wait_until_over(int(Path("pid").read_text()[:-1]))
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    pass
else:
    raise AssertionError("a child is still there")
assert not [name for name in os.listdir("/proc/self/fd") if int(name) > 9], "a pipe is left open"
"""
    assert run(code) == ("", "")


def test_a_child_ends_when_its_parent_is_killed(run) -> None:  # type: ignore[no-untyped-def]
    """Nobody is left who would end it."""
    code = """
reader, writer = os.pipe()
parent = os.fork()
if parent == 0:
    with start(work.pid_then_hang) as child:
        os.write(writer, str(child.receive(300)).encode())
        os.kill(os.getpid(), 9)
os.waitpid(parent, 0)
wait_until_over(int(os.read(reader, 20)))
"""
    assert run(code) == ("", "")


def test_a_temporary_directory_ends_with_the_child(run) -> None:  # type: ignore[no-untyped-def]
    """What collectors put there is not left behind when they are ended."""
    code = """
with scratch("gate-parent-") as kept:
    with start(work.keep_folder) as child:
        folder = Path(child.receive(300))
        assert (folder / "file").exists()
        try:
            child.receive(0.1)
        except TimeoutError:
            pass
    assert not folder.exists() and kept.exists()
assert not kept.exists()
"""
    assert run(code) == ("", "")


def test_what_a_child_prints_is_no_payload(run) -> None:  # type: ignore[no-untyped-def]
    """Standard output belongs to the parent; a child's goes to standard error."""
    assert run("with start(work.noise) as child: child.receive(300)") == ("", "noise")


def test_standard_streams_may_be_closed(run) -> None:  # type: ignore[no-untyped-def]
    """The pipes are none of them."""
    code = """
for stream in (0, 1, 2):
    os.close(stream)
with start(work.say, 1) as child:
    os._exit(0 if child.receive(300) == 1 else 9)
"""
    assert run(code) == ("", "")


def test_a_process_with_threads_does_not_fork() -> None:
    """A second thread could hold a lock that the child would wait for."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert not children.can_fork()
    finally:
        done.set()
        thread.join()


def test_nowhere_but_on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere, and where /proc is hidden, a new interpreter does the work."""
    monkeypatch.setattr(children, "_TASKS", "/nowhere")
    assert not children.can_fork()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not children.can_fork()
