"""Programs are run to an end that we decide: in time, in bounded memory, and with nothing left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import EnvironmentProblem, EvidenceError
from gate.evidence.process import programs
from gate.evidence.process.programs import Finished, clean_environment, run

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
SUPERVISOR = Path(programs.__file__).with_name("_supervisor.py")


def python(code: str, cwd: Path, **options: Any) -> Finished:
    """Run Python code as the program."""
    chosen = {"seconds": 300.0, "most_bytes": 100_000, "environment": clean_environment(cwd)} | options
    return run([sys.executable, "-c", code], cwd, shown="the command 'x'", **chosen)


def alive(pid: int) -> bool:
    """Whether a process runs; one that is over and only waits for its parent does not."""
    try:
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return False


def gone(file: Path) -> bool:
    """Whether the process whose id is in the file ends within a moment, if it came to writing it."""
    if not file.exists():
        return True
    pid = int(file.read_text())
    end = time.monotonic() + 120
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


def test_what_it_wrote_and_how_it_ended(tmp_path: Path) -> None:
    done = python(
        "import os, sys; print(os.getcwd()); print(sys.stdin.read(), file=sys.stderr); sys.exit(3)", tmp_path
    )
    assert (done.code, done.out, done.err) == (3, f"{tmp_path.resolve()}\n".encode(), b"\n")


def test_a_signal_is_a_negative_code_and_writes_no_core_file(tmp_path: Path) -> None:
    assert python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", tmp_path).code == -signal.SIGSEGV
    assert list(tmp_path.iterdir()) == []


def test_large_output_is_read_to_the_end(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('x' * 3_000_000); sys.stderr.write('y' * 3_000_000)"
    done = python(code, tmp_path, most_bytes=6_000_000)
    assert (len(done.out), len(done.err)) == (3_000_000, 3_000_000)


def test_the_environment_is_the_one_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GATE_X", "GIT_DIR", "SSH_AUTH_SOCK", "PYTHONPATH", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "/secret")
    monkeypatch.setenv("PATH", f":relative:.:/usr/bin{os.pathsep}/bin")
    done = run(
        ["env"],
        tmp_path,
        seconds=300,
        most_bytes=10_000,
        environment=clean_environment(tmp_path) | {"OWN": "a b"},
        shown="x",
    )
    assert sorted(line.split("=")[0] for line in done.out.decode().splitlines()) == [
        "HOME", "LANG", "LC_ALL", "OWN", "PATH", "TMPDIR", "TZ",
    ]  # fmt: skip
    assert "PATH=/usr/bin:/bin\n" in done.out.decode()


@linux
def test_no_descriptor_and_no_ignored_signal_is_passed_on(tmp_path: Path) -> None:
    done = run(
        ["sh", "-c", "ls /proc/self/fd; grep SigIgn /proc/self/status"],
        tmp_path,
        seconds=300,
        most_bytes=10_000,
        environment=clean_environment(tmp_path),
        shown="x",
    )
    *descriptors, _, ignored = done.out.split()
    assert descriptors == [b"0", b"1", b"2", b"3"]  # the last one is the listing itself
    assert int(ignored, 16) & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)) == 0


@pytest.mark.parametrize("name", ["no-such-program", "./absent", "/absent", "data", "./data", "a\0b", ""])
def test_a_program_that_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "data").write_text("not executable")
    with pytest.raises(EnvironmentProblem) as caught:
        run([name], tmp_path, seconds=300, most_bytes=1, environment=clean_environment(tmp_path), shown="x")
    said = "'./data' is not executable" if name == "./data" else f"there is no program {name!r}"
    assert said in caught.value.what
    assert caught.value.remedy


def test_a_program_named_by_its_path_in_the_directory(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "tool"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho $1\n")
    script.chmod(0o755)
    environment = clean_environment(tmp_path)
    done = run(
        ["bin/tool", "$HOME;"], tmp_path, seconds=300, most_bytes=99, environment=environment, shown="x"
    )
    assert done.out == b"$HOME;\n"
    script.write_text("no first line\n")
    with pytest.raises(EnvironmentProblem, match="'x' cannot be started: Exec format error"):
        run(["bin/tool"], tmp_path, seconds=300, most_bytes=99, environment=environment, shown="'x'")
    with pytest.raises(EnvironmentProblem, match="no process can be started"):
        run(["sh"], tmp_path / "absent", seconds=300, most_bytes=99, environment=environment, shown="'x'")


SLEEPER = "import os, time, pathlib; pathlib.Path('pid').write_text(str(os.getpid())); "


@pytest.mark.soak
@pytest.mark.parametrize(
    "code",
    [
        SLEEPER + "time.sleep(3600)",
        SLEEPER + "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)",
        SLEEPER + "os.close(0); os.close(1); os.close(2); time.sleep(3600)",
        SLEEPER + "import signal; os.kill(os.getpid(), signal.SIGSTOP)",
        SLEEPER + "\nwhile True: pass",
    ],
)
def test_what_takes_too_long_is_ended(tmp_path: Path, code: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        python(code, tmp_path, seconds=2, path="gate.yaml", place="/evidence/commands/x")
    assert caught.value.what == "the command 'x' took longer than 2 s"
    assert (caught.value.path, caught.value.place) == ("gate.yaml", "/evidence/commands/x")
    assert gone(tmp_path / "pid")


@pytest.mark.parametrize("stream", ["out", "err"])
def test_endless_output_is_ended(tmp_path: Path, stream: str) -> None:
    code = SLEEPER + f"import sys\nwhile True: print('x' * 1000, file=sys.std{stream})"
    with pytest.raises(EvidenceError, match="wrote more than 5000 bytes"):
        python(code, tmp_path, most_bytes=5000)
    assert gone(tmp_path / "pid")


def test_exactly_the_limit_is_accepted(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('x' * 60); sys.stderr.write('y' * 40)"
    assert len(python(code, tmp_path, most_bytes=100).out) == 60
    with pytest.raises(EvidenceError, match="more than 99 bytes"):
        python(code, tmp_path, most_bytes=99)


DAEMON = """
import os, pathlib, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        pathlib.Path("part").write_text(str(os.getpid()))
        os.rename("part", "pid")
        time.sleep(3600)
    os._exit(0)
while not os.path.exists("pid"): time.sleep(0.01)
print("started")
"""


@linux
def test_a_daemon_that_holds_the_pipes_open_ends_with_its_program(tmp_path: Path) -> None:
    assert python(DAEMON, tmp_path).out == b"started\n"
    assert gone(tmp_path / "pid")


@linux
def test_a_daemon_ends_with_a_program_that_takes_too_long(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="took longer"):
        python(DAEMON + "time.sleep(3600)", tmp_path, seconds=2)
    assert gone(tmp_path / "pid")


@linux
def test_nothing_survives_when_we_are_killed_ourselves(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gate.evidence.process.programs import *\n"
        f"run([sys.executable, '-c', {DAEMON + 'time.sleep(3600)'!r}], Path({str(tmp_path)!r}), seconds=60,"
        f" most_bytes=99, environment=clean_environment(Path({str(tmp_path)!r})), shown='x')"
    )
    ours = subprocess.Popen([sys.executable, "-c", code])
    while not (tmp_path / "pid").exists():
        assert ours.poll() is None
        time.sleep(0.02)
    ours.kill()
    ours.wait()
    assert gone(tmp_path / "pid")


@linux
def test_a_program_that_kills_its_supervisor_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="ended without a trace"):
        python("import os, signal; os.kill(os.getppid(), signal.SIGKILL)", tmp_path)


@linux
def test_in_a_forked_child_and_without_zombies(tmp_path: Path) -> None:
    code = f"""
import os, sys
from pathlib import Path
from gate.evidence.process.programs import clean_environment, run
root = Path({str(tmp_path)!r})
child = os.fork()
if child == 0:
    before = os.listdir("/proc/self/fd")
    done = run([sys.executable, "-c", "print(1)"], root, seconds=300, most_bytes=9,
               environment=clean_environment(root), shown="x")
    assert os.listdir("/proc/self/fd") == before
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        os._exit(0 if (done.code, done.out) == (0, b"1\\n") else 3)
    os._exit(4)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def supervise(command: list[str], cwd: Path) -> tuple[bytes, subprocess.Popen[bytes], int]:
    """Start the supervisor alone; what it answers, itself, and our end of the control pipe."""
    reader, status = os.pipe()
    control, ours = os.pipe()
    process = subprocess.Popen(
        [sys.executable, str(SUPERVISOR), str(status), str(control), *command],
        cwd=cwd,
        pass_fds=(status, control),
        stdin=subprocess.DEVNULL,
    )
    os.close(status)
    os.close(control)
    try:
        if command[0] != "/bin/sleep":
            with open(reader, "rb", closefd=False) as stream:
                return stream.read(), process, ours
        return b"", process, ours
    finally:
        os.close(reader)


def test_the_supervisor_answers_once(tmp_path: Path) -> None:
    for command, expected in (
        ([sys.executable, "-c", DAEMON + "sys.exit(7)"], b"exit 7\n"),
        (["/absent"], b"errno 2\n"),
    ):
        answer, process, ours = supervise(command, tmp_path)
        assert answer == expected
        assert process.wait(10) == 0
        os.close(ours)


def test_the_supervisor_ends_when_nobody_listens(tmp_path: Path) -> None:
    _, process, ours = supervise(["/bin/sleep", "60"], tmp_path)
    os.close(ours)
    assert process.wait(10) == 0
