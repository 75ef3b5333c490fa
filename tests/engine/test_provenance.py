"""`gate provenance` and the clock: nothing was finished in the future."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.times import format_utc

Make = Callable[..., Path]
Run = Callable[..., Any]


@pytest.mark.parametrize(("ahead_s", "refused"), [(3600, True), (600, True), (60, False), (-86_400, False)])
def test_a_time_in_the_future_is_refused(
    gate: Run, make_workspace: Make, ahead_s: int, refused: bool
) -> None:
    """Beyond what clocks of two machines may differ by, nothing is stated."""
    root = make_workspace(
        {"src/app.py": "x = 1\n", "junit.xml": "<x/>", "gate.yaml": "subject: {sources: [src]}"}
    )
    at = format_utc(int(time.time()) + ahead_s)
    done = gate("provenance", "-w", root, "junit.xml", "--at", at)
    assert (root / "junit.xml.provenance.json").exists() is not refused
    if refused:
        assert done.code == 2
        assert f"usage error: the time {at} is in the future" in done.err
    else:
        assert done.code == 0, done.err
