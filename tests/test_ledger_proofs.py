"""`gate ledger prove` and `gate ledger export`: what they write is checked by others, and never a half."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.ledger.merkle import leaf_hash, verify_inclusion
from gate.engine.ledger.note import Checkpoint
from gate.evidence.signing.keys import VerifierKey

Gate = Callable[..., Any]


@pytest.fixture
def root(recorded: Callable[..., Path]) -> Path:
    """A workspace with three recorded decisions."""
    return recorded("algo-trade", "stage1", "stage2", "stage3")


def lines(root: Path) -> list[bytes]:
    return (root / "ledger" / "log.intoto.jsonl").read_bytes().splitlines()


def key(root: Path) -> VerifierKey:
    return VerifierKey.parse((root / "ledger" / "trust" / "log.vkey").read_text())


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_proof_holds_with_the_key_alone(root: Path, gate: Gate, index: int) -> None:
    """As JSON: with entry, checkpoint and path it needs no ledger."""
    proof = json.loads(gate("ledger", "prove", str(index), "-w", root, "-o", "json").out)
    assert proof["envelope"].encode() == lines(root)[index]
    checkpoint = Checkpoint.open(proof["checkpoint"].encode(), key(root))
    assert (proof["logIndex"], proof["treeSize"], proof["rootHash"]) == (index, 3, checkpoint.root_hex)
    leaf, path = leaf_hash(proof["envelope"].encode()), [bytes.fromhex(one) for one in proof["hashes"]]
    assert proof["leafHash"] == leaf.hex()
    assert verify_inclusion(leaf, index, 3, path, checkpoint.root)
    shown = gate("ledger", "prove", str(index), "-w", root).out
    assert f"entry    {index} of 3, {leaf.hex()}" in shown


def test_the_proof_as_file(root: Path, gate: Gate, tmp_path: Path) -> None:
    """The same in C2SP's form: index, path, checkpoint."""
    file = tmp_path / "1.tlog-proof"
    assert gate("ledger", "prove", "1", "-w", root, "-o", f"tlog-proof={file}").code == 0
    head, _, note = file.read_text().partition("\n\n")
    first, index, *path = head.splitlines()
    assert (first, index) == ("c2sp.org/tlog-proof@v1", "index 1")
    assert note == (root / "ledger" / "checkpoint").read_text()
    proof = json.loads(gate("ledger", "prove", "1", "-w", root, "-o", "json").out)
    assert [base64.b64decode(one).hex() for one in path] == proof["hashes"]


GO = """
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		panic(err)
	}
	line, _ := os.ReadFile(os.Args[2])
	data, _ := os.ReadFile(os.Args[3])
	head, signed, _ := strings.Cut(string(data), "\\n\\n")
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		panic(err)
	}
	var origin, root string
	var size, index int64
	fmt.Sscanf(opened.Text, "%s\\n%d\\n%s\\n", &origin, &size, &root)
	rows := strings.Split(head, "\\n")
	fmt.Sscanf(rows[1], "index %d", &index)
	var proof tlog.RecordProof
	for _, row := range rows[2:] {
		var hash tlog.Hash
		raw, _ := base64.StdEncoding.DecodeString(row)
		copy(hash[:], raw)
		proof = append(proof, hash)
	}
	var head2 tlog.Hash
	raw, _ := base64.StdEncoding.DecodeString(root)
	copy(head2[:], raw)
	fmt.Println(tlog.CheckRecord(proof, size, head2, index, tlog.RecordHash(line)))
}
"""


@pytest.mark.skipif(shutil.which("go") is None, reason="the Go toolchain is not installed")
def test_go_checks_the_proof(root: Path, gate: Gate, tmp_path: Path) -> None:
    """Go's own tlog and note packages accept the file with the entry, and refuse it with another."""
    work = tmp_path / "go"
    work.mkdir()
    (work / "main.go").write_text(GO)
    (work / "go.mod").write_text("module interop\n\ngo 1.21\n\nrequire golang.org/x/mod v0.17.0\n")
    fetched = subprocess.run(["go", "mod", "tidy"], cwd=work, capture_output=True, text=True)
    if fetched.returncode != 0:
        pytest.skip(f"golang.org/x/mod cannot be had here: {fetched.stderr[-200:]}")
    gate("ledger", "prove", "2", "-w", root, "-o", f"tlog-proof={work / 'proof'}")
    for index, answer in ((2, "<nil>"), (1, "invalid")):
        (work / "line").write_bytes(lines(root)[index])
        command = ["go", "run", ".", str(key(root)), "line", "proof"]
        ran = subprocess.run(command, cwd=work, capture_output=True, text=True, check=True)
        assert answer in ran.stdout


def test_there_is_no_proof_of_what_is_not_sealed(root: Path, gate: Gate) -> None:
    done = gate("ledger", "prove", "3", "-w", root)
    assert (done.code, done.out) == (2, "")
    assert "the checkpoint covers the entries 0 to 2" in done.err


def test_no_proof_comes_out_of_a_changed_log(root: Path, gate: Gate) -> None:
    log = root / "ledger" / "log.intoto.jsonl"
    log.write_bytes(log.read_bytes().replace(b"A", b"B", 1))
    for command in (("prove", "2"), ("export",)):
        done = gate("ledger", *command, "-w", root)
        assert done.code == 2
        assert "ledger error" in done.err
        assert "checkpoint" not in done.out


def test_an_export_is_the_log_and_its_checkpoint(root: Path, gate: Gate, tmp_path: Path) -> None:
    """To a file and to standard output alike; in-toto bundles are such lines."""
    file = tmp_path / "ledger.jsonl"
    told = json.loads(gate("ledger", "export", file, "-w", root, "-o", "json").out)
    assert (told["size"], told["sealed"]) == (3, 3)
    *entries, last = file.read_bytes().splitlines()
    assert entries == lines(root)
    about = json.loads(last)
    assert about["checkpoint"] == (root / "ledger" / "checkpoint").read_text()
    assert (about["key"], about["size"]) == (str(key(root)), 3)
    assert gate("ledger", "export", "-w", root).out.encode() == file.read_bytes()


def test_an_export_replaces_nothing(root: Path, gate: Gate, tmp_path: Path) -> None:
    """No file, nothing that a link leads to, nothing in the ledger; and a failed one leaves nothing."""
    taken, link = tmp_path / "taken", tmp_path / "link"
    taken.write_text("mine")
    link.symlink_to(tmp_path / "elsewhere")
    for path in (taken, link, tmp_path / "no" / "such", root / "ledger" / "new"):
        done = gate("ledger", "export", path, "-w", root)
        assert done.code == 2
        assert done.err.startswith("usage error")
    assert taken.read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()
    log = root / "ledger" / "log.intoto.jsonl"
    log.write_bytes(log.read_bytes().replace(b"A", b"B", 1))
    assert gate("ledger", "export", tmp_path / "half", "-w", root).code == 2
    assert not (tmp_path / "half").exists()
