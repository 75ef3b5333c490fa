"""Digests and contents that the workspace keeps."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gate.evidence.base.errors import EvidenceError
from gate.evidence.reading.workspace import Workspace

Make = Callable[..., Path]
NOBODY = 65_534


def refused(action: Callable[[], object]) -> EvidenceError:
    """The EvidenceError an action raises; it always has a path and a remedy."""
    with pytest.raises(EvidenceError) as caught:
        action()
    assert caught.value.path
    assert caught.value.remedy
    return caught.value


def open_descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are enough


def test_a_failure_among_many_digests_leaves_nothing_open(make_workspace: Make) -> None:
    root = make_workspace({"a/b/c": "1", "d/e": "2"})
    (root / "d/link").symlink_to("e")
    (root / "l").symlink_to("a")
    os.mkfifo(root / "d/pipe")
    before = open_descriptors()
    for path in ("d/link", "l/b/c", "d/pipe", "d/missing", "missing/x", "d/e/x", "a"):
        workspace = Workspace(root)
        assert refused(partial(workspace.digests, ["a/b/c", path, "d/e"]))
        assert workspace.digests(["a/b/c", "d/e"]).keys() == {"a/b/c", "d/e"}
    assert open_descriptors() == before


def test_digests_are_those_of_what_was_read_before(make_workspace: Make) -> None:
    """A later digest never tells of other content than somebody saw."""
    root = make_workspace({"a": "1", "b": "2"})
    workspace = Workspace(root)
    workspace.view().read("a")
    assert workspace.digests(["b"])
    (root / "a").write_text("one")
    (root / "b").write_text("two")
    assert workspace.digests(["a", "b"]) == Workspace(make_workspace({"a": "1", "b": "2"}, "other")).digests(
        ["a", "b"]
    )
    assert refused(lambda: workspace.blob_id("b", "sha1")).what == "changed while it was read"


def test_content_is_kept_within_bounds(make_workspace: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What had to go is read again, and must be the same."""
    monkeypatch.setattr("gate.evidence.reading.workspace.KEPT_BYTES", 10)
    root = make_workspace({name: name * 4 for name in "abcd"})
    workspace = Workspace(root)
    for name in "abcd":
        assert workspace.view().read(name) == name.encode() * 4
    (root / "d").write_text("new")
    assert workspace.view().read("d") == b"dddd"
    assert workspace.view().read("a") == b"aaaa"
    (root / "b").write_text("new")
    assert refused(lambda: workspace.view().read("b")).what == "changed while it was read"
