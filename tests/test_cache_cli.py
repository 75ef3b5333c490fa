"""The result cache through the program: nothing is read again, nothing is decided otherwise."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Copy = Callable[..., Path]

strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
SETTLED = 2.5
"""Seconds after which a file's time stamps tell of every later change."""


@pytest.fixture
def ready(copy_example: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace in which every stage has evidence, whose files were not changed just now; and no cache."""
    root = copy_example("ready")
    monkeypatch.setenv("GATE_CACHE_DIR", str(tmp_path / "cache of the test"))
    time.sleep(SETTLED)
    return root


def evaluate(gate: Run, root: Path, *more: str) -> str:
    """The decision as JSON text."""
    done = gate("evaluate", "stage8", "-w", root, "--no-record", "-o", "json", *more)
    assert done.code in (0, 1), done.err
    return str(done.out)


@strace
def test_a_second_evaluation_reads_no_evidence(gate: Run, ready: Path, tmp_path: Path) -> None:
    """Of the whole workspace only gate.yaml is opened again; all else is known by its time stamps."""
    first = evaluate(gate, ready)
    log = tmp_path / "calls"
    command = [
        sys.executable,
        "-m",
        "gate",
        "evaluate",
        "stage8",
        "-w",
        str(ready),
        "--no-record",
        "-o",
        "json",
    ]
    done = subprocess.run(
        ["strace", "-f", "-qq", "-y", "-e", "trace=open,openat,openat2", "-o", str(log), *command],
        capture_output=True,
        check=False,
    )
    assert done.stdout.decode() == first
    opened = re.findall(r"= \d+<([^>]*)>", log.read_text())
    inside = {Path(path).relative_to(ready).as_posix() for path in opened if path.startswith(f"{ready}/")}
    files = {path for path in inside if not (ready / path).is_dir()}
    assert files == {"gate.yaml"}


@pytest.mark.soak
def test_a_change_is_noticed(gate: Run, ready: Path) -> None:
    """The decision after a change is that of a run without cache, and differs from the one before."""
    before = evaluate(gate, ready)
    assert evaluate(gate, ready) == before
    report = ready / "junit.xml"
    stamp = report.stat()
    changed = report.read_text().replace("test_", "tesT_", 1)
    report.write_text(changed)
    os.utime(report, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    after = evaluate(gate, ready)
    assert after != before
    assert after == evaluate(gate, ready, "--no-cache")


@pytest.mark.soak
def test_without_cache_nothing_is_remembered(gate: Run, ready: Path, tmp_path: Path) -> None:
    """Neither by the flag nor by the variable."""
    caches = tmp_path / "caches"
    env = {"GATE_CACHE_DIR": str(caches)}
    gate("collect", "-w", ready, "--no-cache", env=env)
    gate("collect", "-w", ready, env={**env, "GATE_NO_CACHE": "1"})
    assert not caches.exists()
    gate("collect", "-w", ready, env=env)
    assert list(caches.rglob("*.json"))


@pytest.mark.soak
def test_a_cache_of_somebody_else_is_not_believed(gate: Run, ready: Path, tmp_path: Path) -> None:
    """An altered file, or one that another key authenticates, is as good as none."""
    caches = tmp_path / "caches"
    env = {"GATE_CACHE_DIR": str(caches)}
    honest = gate("collect", "tests", "-o", "json", "-w", ready, env=env).out
    [file] = caches.rglob("*.json")
    forged = file.read_bytes().replace(b'"failed":0', b'"failed":9')
    assert forged != file.read_bytes()
    file.write_bytes(forged)
    assert gate("collect", "tests", "-o", "json", "-w", ready, env=env).out == honest
    gate("collect", "tests", "-w", ready, env=env)
    other = {**env, "GATE_CONFIG_DIR": str(tmp_path / "other")}
    assert gate("collect", "tests", "-o", "json", "-w", ready, env=other).out == honest


@pytest.mark.soak
def test_changed_options_are_noticed(gate: Run, ready: Path) -> None:
    """A collector that is told to look elsewhere looks."""
    before = json.loads(gate("collect", "tests", "-o", "json", "-w", ready).out)["tests"]
    assert before["facts"]["total"] > 0
    settings = (
        (ready / "gate.yaml").read_text().replace("evidence:\n", "evidence:\n  tests: {junit: [no.xml]}\n")
    )
    (ready / "gate.yaml").write_text(settings)
    after = json.loads(gate("collect", "tests", "-o", "json", "-w", ready).out)["tests"]
    assert after["facts"]["total"] is None


@pytest.mark.soak
def test_a_cache_directory_that_cannot_be_used_is_no_error(gate: Run, ready: Path, tmp_path: Path) -> None:
    """A file in its place, or a place inside the workspace: judged all the same, nothing written there."""
    (tmp_path / "occupied").write_text("x")
    expected = evaluate(gate, ready, "--no-cache")
    for place in (tmp_path / "occupied", ready / "cache"):
        done = gate(
            *("evaluate", "stage8", "-w", ready, "--no-record", "-o", "json"),
            env={"GATE_CACHE_DIR": str(place)},
        )
        assert (done.code, done.out, done.err) == (1, expected, "")
    assert not (ready / "cache").exists()
