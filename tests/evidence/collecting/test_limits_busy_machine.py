"""Time limits leave room for a machine that is busy with something else."""

from __future__ import annotations

import pytest

from gate.evidence.base.limits import Limits


@pytest.mark.parametrize("name", [name for name, _ in Limits().items() if name.endswith("_seconds")])
def test_the_usual_time_limits_are_generous(name: str) -> None:
    """A shorter one makes a decision depend on what else the machine does."""
    assert getattr(Limits(), name) >= 60
