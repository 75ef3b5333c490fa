"""Forked children: results, errors and sudden ends, each in a fresh process without threads."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gate.evidence.process import children

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are forked on Linux only")

CHILD = """
import os, signal
from gate.evidence.process.children import Child, possible
from gate.evidence.base.errors import InternalError
assert possible()
def result(child):
    said = []
    while (more := child.receive()) is not None:
        said += more
    assert child.failure() is None, child.failure()
    return said
def problem(child):
    with child:
        while child.receive() is not None:
            pass
        error = child.failure()
    assert isinstance(error, InternalError)
    return error
"""

RUNNER = """
import os
from functools import partial
from pathlib import Path
from gate.evidence.process.children import possible
from gate.evidence.base.errors import ConfigError, GateError, InternalError
from gate.evidence.collecting.interface import Problem, Observation
from gate.evidence.collecting.runner import Collecting, collect
from gate.evidence.reading.workspace import Workspace
assert possible()
class Scripted:
    version = "1"
    def __init__(self, name, action):
        self.id, self.action = name, action
    def collect(self, view):
        return Observation(self.action(view) or FACTS[self.id])
FACTS = {
    "kill_switch": {"file": "a", "switches": [], "verified_at_s": 1},
    "integration_flow": {"file": "a", "stages": [], "stages_defined": 1},
}
def both(root, first, second):
    collectors = [Scripted("kill_switch", first), Scripted("integration_flow", second)]
    return collect(Workspace(Path(root)), collectors)
def failure(root, first, second):
    try:
        both(root, first, second)
    except GateError as error:
        return error.diagnostics()
    raise AssertionError("no error")
"""


def run(code: str, cwd: Path) -> None:
    """Run the code in a process of its own, which has one thread."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_children_give_results_and_run_at_once(tmp_path: Path) -> None:
    """Two children that wait for each other both finish."""
    code = """
a, b = os.pipe(), os.pipe()
def first(_, say):
    os.write(a[1], b"x"); say({"got": os.read(b[0], 1).decode(), "large": "y" * 1_000_000}); say("more")
def second(_, say):
    os.write(b[1], b"z"); say([os.read(a[0], 1).decode(), os.getpid()])
with Child("one", first) as one, Child("two", second) as two:
    assert result(one) == [{"got": "z", "large": "y" * 1_000_000}, "more"]
    [(said, pid)] = result(two)
    assert said == "x" and pid != os.getpid()
"""
    run(CHILD + code, tmp_path)


def test_a_child_waits_for_its_question(tmp_path: Path) -> None:
    """It gets what was sent; one that ended already does not disturb who asks."""
    code = """
with Child("x", lambda question, say: say(question()["a"] + 1)) as child:
    child.ask({"a": 1})
    assert result(child) == [2]
with Child("x", lambda question, say: say(3)) as child:
    assert result(child) == [3]
    child.ask("too late")
"""
    run(CHILD + code, tmp_path)


def test_only_wanted_collectors_run(tmp_path: Path) -> None:
    """Groups start before it is known what is wanted of them, and load their collectors meanwhile."""
    code = """
makers = {name: partial(Scripted, name, lambda view: None) for name in FACTS}
loaded = os.pipe()
def load(name):
    os.write(loaded[1], b"x")
with Collecting(Workspace(Path(".")), makers, [[name] for name in makers], load) as running:
    assert os.read(loaded[0], 1) + os.read(loaded[0], 1) == b"xx"
    running.want(["integration_flow"])
    assert list(running.result()) == ["integration_flow"]
"""
    run(RUNNER + code, tmp_path)


def test_a_child_that_is_killed_is_one_error(tmp_path: Path) -> None:
    """Also by a signal without a name; the error says what the child was doing."""
    code = """
error = problem(Child("collecting coverage", lambda *_: os.kill(os.getpid(), signal.SIGKILL)))
assert error.what == "the process for collecting coverage was ended by SIGKILL", error.what
assert error.remedy
error = problem(Child("x", lambda *_: os.kill(os.getpid(), 40)))
assert error.what == "the process for x was ended by signal 40", error.what
"""
    run(CHILD + code, tmp_path)


def test_an_unexpected_error_in_a_child_is_explained(tmp_path: Path) -> None:
    """The exception is named, and its traceback stays with the error for --debug."""
    code = """
def work(*_):
    raise MemoryError("no room")
error = problem(Child("x", work))
assert error.what == "MemoryError: no room (in the process for x)", error.what
assert "in work" in error.__notes__[0]
assert "TypeError" in problem(Child("x", lambda _, say: say({1, 2}))).what
def leave(*_):
    raise KeyboardInterrupt
assert problem(Child("x", leave)).what == "exit status 1 (in the process for x)"
"""
    run(CHILD + code, tmp_path)


def test_no_child_outlives_its_parent_s_interest(tmp_path: Path) -> None:
    """Leaving the context, as an interrupt does, ends a child that would wait forever."""
    code = """
reader, writer = os.pipe()
try:
    with Child("x", lambda *_: os.read(reader, 1)) as child:
        raise KeyboardInterrupt
except KeyboardInterrupt:
    pass
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    pass
else:
    raise AssertionError("the child is still there")
"""
    run(CHILD + code, tmp_path)


def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    """One that does not listen is killed, with its whole process group."""
    code = """
import subprocess, sys, time
reader, writer = os.pipe()
from pathlib import Path
def deaf(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    program = "import signal, time; signal.signal(15, 1); print(flush=True); time.sleep(6000)"
    inner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    inner.stdout.readline()
    os.write(writer, str(inner.pid).encode()); time.sleep(6000)
with Child("x", deaf):
    pid = int(os.read(reader, 20))
for _ in range(12_000):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        break
    if state == "Z":
        break
    time.sleep(0.01)
else:
    raise AssertionError("what the child started is still there")
"""
    run(CHILD + code, tmp_path)


def test_what_a_child_prints_is_no_payload(tmp_path: Path) -> None:
    """Standard output belongs to the parent; a child's goes to standard error."""
    code = CHILD + 'with Child("x", lambda *_: os.write(1, b"noise")) as child:\n    result(child)\n'
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "noise")


def test_a_process_with_threads_does_not_fork() -> None:
    """A second thread could hold a lock that the child would wait for."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert not children.possible()
    finally:
        done.set()
        thread.join()


def test_nowhere_but_on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere, and where /proc is hidden, collectors run in this process."""
    monkeypatch.setattr(children, "_TASKS", "/nowhere")
    assert not children.possible()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not children.possible()


def test_collectors_in_children_give_the_same_evidence(tmp_path: Path) -> None:
    """Evidence from children equals evidence from this process, files and digests included."""
    (tmp_path / "a").write_text("1")
    code = """
from gate.evidence.collecting.runner import observe
def read(view):
    view.read("a")
found = both(".", read, read)
assert list(found) == ["kill_switch", "integration_flow"]
for name, evidence in found.items():
    assert evidence == observe(Workspace(Path(".")), Scripted(name, read))
    assert [file.path for file in evidence.files] == ["a"]
"""
    run(RUNNER + code, tmp_path)


def test_every_child_s_errors_are_reported(tmp_path: Path) -> None:
    """One run names every broken file and every wrong option, with its own class, in the given order."""
    (tmp_path / "a.json").write_text("{")
    code = """
def options(view):
    raise ConfigError("wrong option", path="gate.yaml", place="evidence.x", remedy="correct it")
said = failure(".", lambda view: view.read_json("a.json"), options)
assert said.startswith("evidence error: "), said
assert "where: a.json, line 1" in said and "configuration error: wrong option" in said, said
assert "where: gate.yaml, evidence.x" in said, said
said = failure(".", lambda view: os.kill(os.getpid(), 9), options)
assert said.startswith("internal error: the process for collecting kill_switch was ended by SIGKILL"), said
"""
    run(RUNNER + code, tmp_path)


def test_a_file_that_two_children_read_differently_is_refused(tmp_path: Path) -> None:
    """Facts and digests of one run are about the same bytes."""
    (tmp_path / "a").write_text("before")
    code = """
reader, writer = os.pipe()
def first(view):
    view.read("a"); os.write(writer, b"x")
def second(view):
    os.read(reader, 1); Path("a").write_text("after"); view.read("a")
said = failure(".", first, second)
assert said.startswith("evidence error: changed while it was read"), said
assert "where: a" in said
"""
    run(RUNNER + code, tmp_path)


def test_a_source_that_changed_since_the_subject_was_measured_is_refused(tmp_path: Path) -> None:
    """The subject's digest is about the bytes that the collectors parsed."""
    (tmp_path / "a").write_text("before")
    code = """
reader, writer = os.pipe()
def second(view):
    os.read(reader, 1); view.read("a")
workspace = Workspace(Path("."))
makers = {name: partial(Scripted, name, second) for name in ("kill_switch", "integration_flow")}
with Collecting(workspace, makers, [["kill_switch"], ["integration_flow"]]) as running:
    running.want(makers)
    workspace.file_digest("a")
    Path("a").write_text("after")
    os.write(writer, b"xx")
    try:
        running.result()
    except GateError as error:
        assert error.what == "changed while it was read" and error.path == "a"
    else:
        raise AssertionError("no error")
"""
    run(RUNNER + code, tmp_path)


def test_being_asked_to_end_while_ending_leads_nowhere(tmp_path: Path) -> None:
    """Whenever the request comes, the child never goes on with the parent's work, which would say so."""
    code = """
real = os._exit
def slowly(status):
    for _ in range(20_000):
        pass
    real(status)
os._exit = slowly
me = os.getpid()
for turn in range(400):
    with Child("x", lambda _, say: say(1)) as child:
        child.receive()
        for _ in range(turn * 50):
            pass
        os.kill(child._pid, signal.SIGTERM)
    assert os.getpid() == me
"""
    run(CHILD + code, tmp_path)
