"""Exit codes where nobody listens: 1 would read as FAIL, so nothing but a verdict may give it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

GATE = f'"{sys.executable}" -m gate'


def shell(command: str) -> tuple[int, str]:
    """Exit code of a command line, and what it said on standard error."""
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.soak
@pytest.mark.parametrize(
    ("stage", "redirection"),
    [
        ("stage1", "2>&-"),
        ("stage1", "2>/dev/full"),
        ("stage1", ">&- 2>&- <&-"),
        ("stage9", "2>&-"),
        pytest.param("stage9", "2>/dev/full", marks=pytest.mark.soak),
        pytest.param("stage9", ">&- 2>&- <&-", marks=pytest.mark.soak),
    ],
)
def test_errors_are_exit_2_also_where_they_cannot_be_shown(
    copy_example: Callable[[str], Path], stage: str, redirection: str
) -> None:
    """A usage error, or a decision nobody can be told, never looks like a verdict."""
    root = copy_example("ready")
    code, _ = shell(f'{GATE} evaluate {stage} -w "{root}" --no-record {redirection}')
    assert code == (0 if stage == "stage1" and ">&- 2>" not in redirection else 2)


@pytest.mark.parametrize(
    ("command", "target"),
    [
        ("evaluate stage1 --no-record -o json", "/dev/full"),
        ("evaluate stage1 --no-record -o json", "&-"),
        *(
            pytest.param(command, target, marks=pytest.mark.soak)
            for command in ("collect", "explain stage1")
            for target in ("/dev/full", "&-")
        ),
    ],
)
def test_output_that_cannot_be_written_is_exit_2(
    copy_example: Callable[[str], Path], command: str, target: str
) -> None:
    """A full or closed standard output is explained, without a traceback."""
    root = copy_example("ready")
    code, said = shell(f'{GATE} {command} -w "{root}" >{target}')
    assert code == 2
    assert "environment problem" in said
    assert "Traceback" not in said


def test_a_pass_that_nobody_reads_to_the_end_is_exit_2(copy_example: Callable[[str], Path]) -> None:
    """A pipe whose reader went away gives exit code 2, not 1."""
    root = copy_example("ready")
    code, said = shell(
        f'{GATE} evaluate stage1 -w "{root}" --no-record -o json | true; exit ${{PIPESTATUS[0]}}'
    )
    assert code == 2
    assert "Traceback" not in said


def test_a_directory_that_was_deleted_is_explained(tmp_path: Path) -> None:
    """Running from a directory that no longer exists is an error of the environment."""
    gone = tmp_path / "gone"
    code, said = shell(f'mkdir "{gone}" && cd "{gone}" && rmdir "{gone}" && {GATE} status')
    assert code == 2
    assert "Traceback" not in said
    assert "internal error" not in said
