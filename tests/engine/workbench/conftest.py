"""The small bundle as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from .small import write


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The directory of the small bundle."""
    return write(tmp_path / "policies")
