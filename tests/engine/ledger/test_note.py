"""Signed notes and checkpoints, against the vectors of Go's package and against Go itself."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from gate.engine.ledger.merkle import EMPTY_ROOT
from gate.engine.ledger.note import MAX_NOTE_BYTES, Checkpoint, check_time, open_note, sign_note
from gate.evidence.signing.keys import LogKey, VerifierKey
from gate.evidence.signing.problems import Flaw, SignatureError

KEY = LogKey.from_seed(bytes(range(32)))
NAME = "gate-ledger/test"
VERIFIER = KEY.verifier(NAME)
GO_KEY = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_SIGNATURE = "\u2014 PeterNeumann " + (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
CHECKPOINT = Checkpoint(NAME, 3, bytes(range(32)), 1234, "2025-11-07T12:00:00Z").signed(KEY)


def flaw_of(note: bytes, key: VerifierKey = VERIFIER) -> Flaw:
    with pytest.raises(SignatureError) as caught:
        Checkpoint.open(note, key)
    return caught.value.flaw


def test_the_note_of_the_go_documentation() -> None:
    note = f"{GO_TEXT}\n{GO_SIGNATURE}".encode()
    assert open_note(note, GO_KEY) == GO_TEXT
    with pytest.raises(SignatureError, match="does not belong"):
        open_note(note.replace(b"problem is", b"problem was"), GO_KEY)


def test_signatures_by_others_beside_ours_are_ignored() -> None:
    note = sign_note("text\n", NAME, KEY).decode()
    assert open_note((note + GO_SIGNATURE).encode(), VERIFIER) == "text\n"
    with pytest.raises(SignatureError, match="no signature by PeterNeumann"):
        open_note(note.encode(), GO_KEY)


def test_a_text_without_a_last_line_feed_is_not_signed() -> None:
    with pytest.raises(ValueError, match="line feed"):
        sign_note("text", NAME, KEY)


def test_a_checkpoint_comes_back() -> None:
    again = Checkpoint.open(CHECKPOINT.note, VERIFIER)
    assert again == CHECKPOINT
    assert again.root_hex == bytes(range(32)).hex()
    lines = CHECKPOINT.note.decode().split("\n")
    assert lines[:5] == [
        NAME,
        "3",
        base64.b64encode(bytes(range(32))).decode(),
        "bytes 1234",
        "time 2025-11-07T12:00:00Z",
    ]


def test_further_extension_lines_are_allowed() -> None:
    """A later version may add lines; they are signed, and do not disturb this one."""
    note = sign_note(CHECKPOINT.text() + "more 1\n", NAME, KEY)
    assert Checkpoint.open(note, VERIFIER).size == 3


def altered(old: str, new: str) -> bytes:
    return sign_note(CHECKPOINT.text().replace(old, new), NAME, KEY)


@pytest.mark.parametrize(
    ("note", "flaw"),
    [
        (b"", Flaw.MALFORMED),
        (b"\xff", Flaw.MALFORMED),
        (b"text\n", Flaw.MALFORMED),
        (b"text\x00\n\n", Flaw.MALFORMED),
        (b"text\n\nno signature\n", Flaw.MALFORMED),
        ("text\n\n\u2014 name !!!\n".encode(), Flaw.MALFORMED),
        (CHECKPOINT.note[:-1], Flaw.MALFORMED),
        (b"x" * (MAX_NOTE_BYTES + 1), Flaw.TOO_LARGE),
        (CHECKPOINT.note.replace(b"\n3\n", b"\n4\n"), Flaw.BAD_SIGNATURE),
        (CHECKPOINT.signed(LogKey.from_seed(bytes(32))).note, Flaw.WRONG_KEY),
        (altered("\n3\n", "\n03\n"), Flaw.MALFORMED),
        (altered("\n3\n", "\n-3\n"), Flaw.MALFORMED),
        (altered("bytes 1234", "1234"), Flaw.MALFORMED),
        (altered("bytes 1234\n", ""), Flaw.MALFORMED),
        (altered("time ", ""), Flaw.MALFORMED),
        (altered("T12:00:00Z", "T12:00:00+01:00"), Flaw.MALFORMED),
        (altered("11-07", "02-30"), Flaw.MALFORMED),
        (altered("AAECAwQ", "AAEC"), Flaw.MALFORMED),
        (altered(NAME, "gate-ledger/other"), Flaw.MALFORMED),
    ],
)
def test_what_is_refused(note: bytes, flaw: Flaw) -> None:
    assert flaw_of(note) is flaw


def test_log_times_have_one_form() -> None:
    assert check_time("1970-01-02T00:00:00Z") == 86400
    with pytest.raises(ValueError, match="YYYY-MM-DDTHH:MM:SSZ"):
        Checkpoint(NAME, 0, EMPTY_ROOT, 0, "yesterday").signed(KEY)


GO_PROGRAM = """package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		panic(err)
	}
	message, _ := io.ReadAll(os.Stdin)
	opened, err := note.Open(message, note.VerifierList(verifier))
	if err != nil {
		panic(err)
	}
	fmt.Print(opened.Text)
	fmt.Println(tlog.RecordHash([]byte("a line")))
}
"""


@pytest.mark.skipif(shutil.which("go") is None, reason="the Go toolchain is not installed")
def test_go_reads_our_checkpoint(tmp_path: Path) -> None:
    """Go's own note and tlog packages, an implementation that shares nothing with this one."""
    from gate.engine.ledger.merkle import leaf_hash

    (tmp_path / "main.go").write_text(GO_PROGRAM)
    (tmp_path / "go.mod").write_text("module interop\n\ngo 1.21\n\nrequire golang.org/x/mod v0.17.0\n")
    fetched = subprocess.run(["go", "mod", "tidy"], cwd=tmp_path, capture_output=True, text=True)
    if fetched.returncode != 0:
        pytest.skip(f"golang.org/x/mod cannot be had here: {fetched.stderr[-200:]}")
    ran = subprocess.run(
        ["go", "run", ".", str(VERIFIER)],
        cwd=tmp_path,
        input=CHECKPOINT.note,
        capture_output=True,
        check=True,
    )
    root = base64.b64encode(leaf_hash(b"a line")).decode()
    assert ran.stdout.decode() == CHECKPOINT.text() + root + "\n"
