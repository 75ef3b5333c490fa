"""Processes start as they would anywhere else; see the fixture of this name in tests/conftest.py."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def fork_as_the_program_does() -> None:
    """Change nothing."""
