"""How a child ends: silently, at once, and with everything it started, whatever it is doing just then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are forked on Linux only")

START = """
import gc, os, sys, time, weakref
from pathlib import Path
from gate.evidence.process.children import Child
reader, writer = os.pipe()
def ready():
    os.write(writer, b"x")
def over(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
def wait_until_over(pid):
    while not over(pid):
        time.sleep(0.01)
"""


def run(code: str, cwd: Path) -> None:
    """Run the code in a process of its own, which has one thread; it must print nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", START + code],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


CALLBACKS = {
    "finalizer": """
class Thing:
    def __del__(self):
        busy()
def work(*_):
    Thing()
""",
    "weak reference": """
class Thing: pass
def work(*_):
    thing = Thing()
    reference = weakref.ref(thing, lambda _: busy())
    del thing
""",
    "garbage collection": """
def work(*_):
    gc.callbacks.append(lambda phase, info: busy())
    gc.collect()
""",
}


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_request_to_end_inside_a_callback_prints_nothing(tmp_path: Path, callback: str) -> None:
    """Python prints and swallows an exception there: the child would go on, and a traceback appear."""
    code = """
def busy():
    ready()
    while True:
        pass
%s
    Path("went on").touch()
with Child("x", work):
    os.read(reader, 1)
assert not Path("went on").exists()
"""
    run(code % CALLBACKS[callback], tmp_path)


def test_a_temporary_directory_ends_with_the_child(tmp_path: Path) -> None:
    """What collectors put there is not left behind when they are ended."""
    code = """
from gate.evidence.process.children import scratch
def work(*_):
    with scratch("gate-test-") as folder:
        (folder / "file").touch()
        os.write(writer, str(folder).encode())
        while True:
            time.sleep(60)
with scratch("gate-parent-") as kept:
    with Child("x", work):
        folder = Path(os.read(reader, 4096).decode())
        assert (folder / "file").exists()
    assert not folder.exists() and kept.exists()
assert not kept.exists()
"""
    run(code, tmp_path)


def test_a_supervised_program_ends_with_the_child(tmp_path: Path) -> None:
    """Although it has a session of its own, where no signal to the child's group reaches it."""
    code = """
from gate.evidence.process.programs import run
def work(*_):
    here = Path(f"/proc/{os.getpid()}/fd/{writer}")
    code = f"import os, time; w = os.open('{here}', os.O_WRONLY); os.write(w, str(os.getpid()).encode())"
    run([sys.executable, "-c", code + "; time.sleep(3600)"], Path("."), seconds=3600, most_bytes=9,
        environment={}, shown="x")
with Child("x", work):
    pid = int(os.read(reader, 20))
    assert not over(pid)
wait_until_over(pid)
"""
    run(code, tmp_path)


def test_a_program_left_behind_by_a_child_that_ended_is_ended(tmp_path: Path) -> None:
    """Whoever starts something in the background does not keep it running."""
    code = """
def work(_, say):
    program = [sys.executable, "-c", "import time; time.sleep(3600)"]
    say(os.posix_spawn(program[0], program, os.environ))
with Child("x", work) as child:
    [pid] = child.receive()
    assert child.failure() is None
wait_until_over(pid)
"""
    run(code, tmp_path)
