"""A small record: two stages of one rule each, judged by the small bundle beside the workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Gate = Callable[..., Any]
SIGNOFF = {
    "type": "gate.signoff/v1", "stage": "stage1", "role": "cto", "name": "x", "verdict": "approve",
    "subject": "0" * 64, "evidence": "0" * 64, "policy": {"version": "1", "digest": "0" * 64},
    "signed_at": "2025-01-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def small(make_bundle: Callable[..., Path], make_workspace: Callable[..., Path]) -> Callable[..., Path]:
    """A factory of small workspaces, to be judged by the small bundle beside them."""

    def make(**settings: Any) -> Path:
        make_bundle()
        comment = settings.pop("comment", "fine")
        files = {
            "src/app.py": "x = 1\n",
            "gate.yaml": json.dumps({"subject": {"sources": ["src"]}} | settings),
            "signoffs/a.json": json.dumps({**SIGNOFF, "comment": comment}),
            "signoffs/broken.json": '{"secret": "not for the ledger"}',
        }
        return make_workspace(files)

    return make


@pytest.fixture
def judge(gate: Gate) -> Callable[..., Any]:
    """Judge and record stage1 of a small workspace."""

    def run(root: Path, *more: str | Path, **options: Any) -> Any:
        return gate(
            "evaluate", "stage1", "-w", root, "-p", root.parent / "bundle", "--quiet", *more, **options
        )

    return run


@pytest.fixture
def record(small: Callable[..., Path], judge: Gate, gate: Gate, tmp_path: Path) -> tuple[bytes, str]:
    """A small record with an attached document, and its digest of trust."""
    root = small()
    assert judge(root).code == 1
    (tmp_path / "note.gif").write_bytes(b"GIF89a")
    assert gate("record", "attach", "note.gif", "--to", "latest", "-w", root).code == 0
    done = gate("record", "export", "0", "-w", root, "-o", "r.tar", "-o", "json")
    assert done.code == 0, done.err
    return (tmp_path / "r.tar").read_bytes(), json.loads(done.out)["trust"].removeprefix("sha256:")
