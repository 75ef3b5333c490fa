"""A large workspace costs one walk: what no rule asks for is never opened."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.mark.soak
@strace
def test_files_no_rule_asks_for_are_not_opened_and_folders_are_listed_once(
    copy_example: Callable[[str], Path], tmp_path: Path
) -> None:
    """Two thousand data files are seen, none of them is opened, and each folder is listed once."""
    root = copy_example("algo-trade")
    for folder in range(20):
        (root / "market_data" / f"d{folder}").mkdir(parents=True)
        for number in range(100):
            (root / "market_data" / f"d{folder}" / f"{number}.bin").write_bytes(b"x")
    log = tmp_path / "calls"
    command = [
        sys.executable,
        "-m",
        "gate",
        "evaluate",
        "stage8",
        "-w",
        str(root),
        "--no-record",
        "-o",
        "json",
    ]
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=open,openat", "-o", str(log), *command],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr.decode()
    opened = re.findall(r'"([^"]*market_data[^"]*)"', log.read_text())
    assert not [path for path in opened if path.endswith(".bin")]
    listed = [path for path in opened if re.search(r"market_data/d\d+$", path)]
    assert sorted(listed) == sorted(set(listed))
    assert len(listed) == 20
