"""The tests of the broker port with each client library, in an environment that has no other one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .test_clients import LIBRARIES, environment

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PACKAGES = ("pytest", "hypothesis", "msgspec", "orjson", "PyYAML", "jsonschema-rs")
"""What the tests and the simulator need."""


@pytest.mark.soak
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_port_with_each_library(library: str, tmp_path: Path) -> None:
    """The same tests, every one of them."""
    python = environment(library, "port-", PACKAGES)
    (tmp_path / "gate").symlink_to(ROOT)
    settings = {"PYTHONPATH": str(tmp_path), "GATE_TEST_LIBRARY": library}
    settings |= {"HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis")}
    command = [
        str(python),
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--confcutdir",
        str(HERE / "port"),
    ]
    command += ["--basetemp", str(tmp_path / "tests"), str(HERE / "port")]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert "skipped" not in done.stdout and "passed" in done.stdout
