"""``gate ledger migrate --evidence``: from an evidence store to another, with proof, again and again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gate.engine.ledger import open_ledger
from gate.engine.store import open_store
from gate.evidence.base.canonical import canonical
from gate.evidence.signing.keys import LogKey

from ...docker_registry import DockerRegistry
from .object_server import CREDENTIALS, running

KEY = LogKey.from_seed(bytes(32))
DOCUMENTS = [b"one", b"two", b"three" * 100_000]


def statement(*documents: bytes) -> bytes:
    named = [{"name": "a.txt", "sha256": hashlib.sha256(one).hexdigest()} for one in documents]
    return canonical(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "a", "digest": {"sha256": "0" * 64}}],
            "predicateType": "urn:gate:evidence:v1",
            "predicate": {"decision": "0" * 64, "entry": 0, "documents": named},
        }
    )


@pytest.fixture
def workspace(make_workspace: Callable[..., Path]) -> Path:
    """Its ledger has one entry that refers to all documents, and a document that one of them names."""
    root = make_workspace({"gate.yaml": ""})
    with open_ledger(root / "ledger", KEY) as ledger:
        for data in (*DOCUMENTS, b"named by a document"):
            ledger.evidence.put(data)
        ledger.append([statement(*DOCUMENTS)])
        ledger.seal("2025-11-07T12:00:00Z")
    return root


@pytest.fixture
def copy(gate: Callable[..., Any], workspace: Path) -> Callable[..., Any]:
    return lambda *places: gate("ledger", "migrate", "--evidence", *places, "-w", workspace, "-o", "json")


def test_from_a_directory_to_a_bucket_to_a_registry_and_back(
    copy: Callable[..., Any], workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    registry = DockerRegistry(tmp_path / "registry")
    try:
        with running(tmp_path) as objects:
            first, last = workspace / "ledger" / "evidence", tmp_path / "back"
            places = [first, objects.url("team"), f"oci://{registry.host}/evidence/team", last]
            for source, target in pairwise(places):
                done = copy(source, target)
                assert done.code == 0, done.err
                found = json.loads(done.out)
                assert (found["documents"], found["new"], found["entries"]) == (4, 4, 1)
            assert json.loads(copy(places[0], places[1]).out)["new"] == 0
    finally:
        registry.stop()
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) == 4
    assert [(first / one).read_bytes() == (last / one).read_bytes() for one in files] == [True] * 4


def test_an_interrupted_copy_goes_on(copy: Callable[..., Any], workspace: Path, tmp_path: Path) -> None:
    with open_store(tmp_path / "there") as store:
        store.put(DOCUMENTS[0])
        store.put(b"of another team")
    done = copy(workspace / "ledger" / "evidence", tmp_path / "there")
    assert (done.code, json.loads(done.out)["new"], json.loads(done.out)["documents"]) == (0, 3, 4)


def _change(path: Path, data: bytes | None) -> None:
    path.chmod(0o644)
    path.unlink() if data is None else path.write_bytes(data)


@pytest.mark.parametrize("where", ["source", "target"])
def test_a_document_that_was_changed_is_named(
    copy: Callable[..., Any], workspace: Path, tmp_path: Path, where: str
) -> None:
    """In the source it is not copied; in the target it was there before."""
    first, there = workspace / "ledger" / "evidence", tmp_path / "there"
    digest = hashlib.sha256(b"two").hexdigest()
    if where == "target":
        assert copy(first, there).code == 0
    place = (first if where == "source" else there) / "sha256" / digest[:2] / digest
    _change(place, b"changed")
    done = copy(first, there)
    assert (done.code, done.out) == (2, "")
    assert "was changed" in done.err and digest in done.err
    if where == "source":
        assert not (there / "sha256" / digest[:2] / digest).exists()


def test_a_document_of_an_entry_that_is_missing_is_named(
    copy: Callable[..., Any], workspace: Path, tmp_path: Path
) -> None:
    digest = hashlib.sha256(b"two").hexdigest()
    _change(workspace / "ledger" / "evidence" / "sha256" / digest[:2] / digest, None)
    done = copy(workspace / "ledger" / "evidence", tmp_path / "there")
    assert (done.code, done.out) == (2, "")
    assert "entry 0 of the ledger names" in done.err and digest in done.err


def test_wrong_usage_is_one_error(copy: Callable[..., Any], workspace: Path, tmp_path: Path) -> None:
    evidence = workspace / "ledger" / "evidence"
    for source, target, what in (
        (evidence, evidence, "onto itself"),
        (workspace / "ledger", tmp_path / "there", "sha256/"),
        (evidence, "ftp://host/x", "is not supported"),
        (tmp_path / "nothing", tmp_path / "there", "there is no evidence"),
    ):
        done = copy(source, target)
        assert (done.code, done.out) == (2, ""), done.out
        assert what in done.err, done.err
    (workspace / "gate.yaml").write_text("ledger: {location: elsewhere}")
    done = copy(evidence, tmp_path / "there")
    assert (done.code, done.out) == (2, "") and "there is no ledger" in done.err
    assert not (tmp_path / "there").exists()
