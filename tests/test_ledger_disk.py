"""Kills and full disks while `gate` records: what it said is recorded stays so, and the next run goes on."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

Gate = Callable[..., Any]
Copy = Callable[..., Path]

NEW_MOUNTS, NEW_USER, PRIVATE = 0x20000, 0x10000000, 0x44000
REFUSED = 77
PAGE = 4096


def own_mounts() -> None:
    """From here on, what this process mounts exists for it and its children alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(NEW_MOUNTS) != 0:
        if libc.unshare(NEW_USER | NEW_MOUNTS) != 0:
            raise PermissionError(ctypes.get_errno(), "no namespace")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    if libc.mount(b"none", b"/", None, PRIVATE, None) != 0:
        raise PermissionError(ctypes.get_errno(), "no private mounts")


def small_disk(path: Path, size: int) -> None:
    """Mount an empty file system of that many bytes."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", bytes(path), b"tmpfs", 0, f"size={size},mode=755".encode()) != 0:
        raise PermissionError(ctypes.get_errno(), "no mount")


def apart(act: Callable[[], None]) -> None:
    """Do something in a process whose mounts are its own; skips the test where that is not permitted."""
    child = os.fork()
    if child == 0:
        code = 0
        try:
            try:
                own_mounts()
            except PermissionError:
                code = REFUSED
            else:
                act()
        except BaseException:  # noqa: BLE001 - the process ends here, whatever it is
            traceback.print_exc()
            code = 1
        sys.stderr.flush()
        os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == REFUSED:
        pytest.skip("neither root nor user namespaces: no file system can be mounted here")
    assert os.waitstatus_to_exitcode(status) == 0


def fill(path: Path, free: int) -> None:
    """Leave that many bytes of the file system free."""
    with suppress(FileNotFoundError):
        path.unlink()
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(PAGE))
        except OSError as problem:
            assert problem.errno == errno.ENOSPC
        file.truncate(file.tell() - free)


def recorded(run: Any) -> tuple[int, str]:
    """Index and digest of the entry that a run says it recorded."""
    entry = json.loads(run.out)["ledger"]
    return entry["index"], entry["digest"]


def entries(gate: Gate, root: Path, tmp_path: Path) -> dict[int, str]:
    """Digests of all entries by index, having verified the ledger on a machine that does not know it."""
    stranger = {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    shutil.rmtree(tmp_path / "stranger", ignore_errors=True)
    verified = gate("ledger", "verify", "-w", root, env=stranger)
    assert verified.code == 0, verified.out + verified.err
    shown = json.loads(gate("ledger", "show", "-w", root, "--last", "1000", "-o", "json").out)
    return {one["index"]: one["digest"] for one in shown["entries"]}


@pytest.mark.soak
@pytest.mark.parametrize(
    "rooms",
    [[0, 8, 25], pytest.param([*range(0, 80, 2), *range(80, 160, 8)], marks=pytest.mark.soak)],
    ids=["some", "many"],
)
def test_a_full_file_system(gate: Gate, copy_example: Copy, tmp_path: Path, rooms: list[int]) -> None:
    """With little room, and with none: an error with its remedy, or a decision; nothing recorded is lost."""
    root = copy_example("algo-trade")
    (root / "ledger").mkdir()
    filler = root / "ledger" / "evidence" / "filler"

    def act() -> None:
        small_disk(root / "ledger", 4_000_000)
        kept = dict([recorded(gate("evaluate", "stage1", "-w", root, "-o", "json"))])
        refused = 0
        for number, pages in enumerate(rooms):
            fill(filler, pages * PAGE)
            (root / "new.md").write_text(f"{number}\n")
            run = gate("evaluate", f"stage{number % 3 + 1}", "-w", root, "-o", "json")
            filler.unlink()
            if run.code == 1:
                kept.update([recorded(run)])
            else:
                refused += 1
                assert (run.code, run.out) == (2, "")
                assert "No space left on device" in run.err or "the disk took" in run.err, run.err
                assert run.err.count("to do:") == 1
            assert kept.items() <= entries(gate, root, tmp_path).items()
        assert refused >= 1
        kept.update([recorded(gate("evaluate", "stage1", "-w", root, "-o", "json"))])
        found = entries(gate, root, tmp_path)
        assert kept.items() <= found.items()
        assert [path.name for path in (root / "ledger").rglob(".tmp-*")] == []

    apart(act)


@pytest.mark.soak
def test_three_programs_are_killed_while_they_record(gate: Gate, copy_example: Copy, tmp_path: Path) -> None:
    """At whatever they do then. What one of them printed as recorded is there, and the next one records."""
    root = copy_example("algo-trade")
    kept: dict[int, str] = {}
    log = root / "ledger" / "log.intoto.jsonl"
    for round_number in range(12):
        before = log.stat().st_size if log.exists() else 0
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "gate", "evaluate", stage, "-w", str(root), "-o", "json"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=tmp_path,
            )
            for stage in ("stage1", "stage2", "stage3")
        ]
        while any(one.poll() is None for one in running):
            if log.exists() and log.stat().st_size > before:
                break
            time.sleep(0.0005)
        time.sleep(0.004 * (round_number % 6))
        for one in running:
            one.send_signal(signal.SIGKILL)
        for one in running:
            out = one.communicate()[0]
            if one.returncode == 1:
                entry = json.loads(out)["ledger"]
                kept[entry["index"]] = entry["digest"]
        assert kept.items() <= entries(gate, root, tmp_path).items()
    entry = recorded(gate("evaluate", "stage1", "-w", root, "-o", "json"))
    assert {**kept, entry[0]: entry[1]}.items() <= entries(gate, root, tmp_path).items()
    assert list((root / "ledger").rglob(".tmp-*")) == []
