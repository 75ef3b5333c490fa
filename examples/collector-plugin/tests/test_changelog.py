"""What the plug-in finds, run the way gate runs it."""

from pathlib import Path

import pytest
from gate_changelog import ChangelogCollector, ChangelogOptions

from gate.evidence.base.errors import EvidenceError
from gate.evidence.collecting.outcomes import observe
from gate.evidence.reading.workspace import Workspace


def facts(root: Path, text: str | bytes | None, **options: str) -> dict[str, object]:
    """Facts about a workspace with this changelog; they are held against the plug-in's contract."""
    if isinstance(text, str):
        text = text.encode()
    if text is not None:
        (root / options.get("file", "CHANGELOG.md")).write_bytes(text)
    collector = ChangelogCollector(ChangelogOptions(**options))
    return observe(Workspace(root), collector).facts


def test_the_latest_release_and_what_waits(tmp_path: Path) -> None:
    """The first dated heading is the latest release; entries above it are not released."""
    text = "# Changes\n\n## [Unreleased]\n\n- one\n- two\n\n## [1.2.0] - 2025-11-01\n\n- three\n"
    assert facts(tmp_path, text) == {"latest": "1.2.0", "released": "2025-11-01", "unreleased": 2}


def test_everything_is_released(tmp_path: Path) -> None:
    """Entries of a release are not counted as waiting."""
    found = facts(tmp_path, "## [1.0.0] - 2025-10-01\n- one\n", file="NEWS.md")
    assert found == {"latest": "1.0.0", "released": "2025-10-01", "unreleased": 0}


@pytest.mark.parametrize(("text", "unreleased"), [(None, None), ("", None), ("# Changes\n", 0)])
def test_nothing_is_not_zero(tmp_path: Path, text: str | None, unreleased: int | None) -> None:
    """Without a changelog nothing is known; without a release there is none to name."""
    assert facts(tmp_path, text) == {"latest": None, "released": None, "unreleased": unreleased}


def test_a_hostile_file_is_refused(tmp_path: Path) -> None:
    """The view refuses what is no text; the plug-in need not."""
    with pytest.raises(EvidenceError, match="not UTF-8"):
        facts(tmp_path, b"\xff")
