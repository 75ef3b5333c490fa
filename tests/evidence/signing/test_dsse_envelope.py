"""Envelopes: one signed Statement has exactly one line, and stock tools can check it."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib import dsse as oracle
from securesystemslib.signer import SSlibKey

from gate.evidence.base.canonical import canonical
from gate.evidence.signing.dsse import MAX_LINE_BYTES, PAYLOAD_TYPE, Envelope, max_payload_bytes, pae
from gate.evidence.signing.intoto import STATEMENT_TYPE, parse_statement
from gate.evidence.signing.keys import LogKey
from gate.evidence.signing.problems import Flaw, SignatureError

KEY = LogKey.from_seed(bytes(range(32)))
VERIFIER = KEY.verifier("gate-ledger/test")


def statement(**changes: Any) -> dict[str, Any]:
    value = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": "commit", "digest": {"gitCommit": "a" * 40}}],
        "predicateType": "https://example.com/decision/v1",
        "predicate": {"verdict": "FAIL", "ratio_ppm": 357142, "note": "≥ 0.80"},
    }
    return {name: item for name, item in (value | changes).items() if item is not ...}


PAYLOAD = canonical(statement())
LINE = Envelope.sign(PAYLOAD, KEY).line()


def flaw_of_line(line: bytes) -> Flaw:
    with pytest.raises(SignatureError) as caught:
        envelope = Envelope.parse(line)
        envelope.verify(VERIFIER)
        parse_statement(envelope.payload)
    return caught.value.flaw


def test_a_line_comes_back() -> None:
    envelope = Envelope.parse(LINE)
    envelope.verify(VERIFIER)
    assert parse_statement(envelope.payload) == statement()
    assert envelope.keyid == KEY.fingerprint


def test_the_line_is_canonical_json() -> None:
    assert rfc8785.dumps(json.loads(LINE)) == LINE
    assert rfc8785.dumps(json.loads(PAYLOAD)) == PAYLOAD


def test_signing_again_gives_the_same_bytes() -> None:
    assert Envelope.sign(PAYLOAD, KEY).line() == LINE


def test_the_example_of_the_dsse_specification() -> None:
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae(b"hello world", "http://example.com/HelloWorld") == expected


@given(st.binary(max_size=200))
def test_securesystemslib_accepts_what_we_sign(payload: bytes) -> None:
    envelope = oracle.Envelope.from_dict(json.loads(Envelope.sign(payload, KEY).line()))
    assert envelope.payload == payload
    assert envelope.pae() == pae(payload)
    public = SSlibKey(KEY.fingerprint, "ed25519", "ed25519", {"public": KEY.public.hex()})
    assert list(envelope.verify([public], 1)) == [KEY.fingerprint]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_a_line(tmp_path: Path) -> None:
    envelope = json.loads(LINE)
    payload = base64.b64decode(envelope["payload"])
    (tmp_path / "pae").write_bytes(
        b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
    )
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    (tmp_path / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + KEY.public)
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER"]
    command += [
        "-inkey",
        str(tmp_path / "key"),
        "-sigfile",
        str(tmp_path / "sig"),
        "-in",
        str(tmp_path / "pae"),
    ]
    assert subprocess.run(command, capture_output=True).returncode == 0
    (tmp_path / "pae").write_bytes(b"DSSEv1 something else")
    assert subprocess.run(command, capture_output=True).returncode != 0


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        (b"", Flaw.MALFORMED),
        (b"[]", Flaw.MALFORMED),
        (b"{}", Flaw.MALFORMED),
        (b'{"payload":"","signatures":[]}', Flaw.MALFORMED),
        (b"[" * 5000, Flaw.MALFORMED),
        (b" " * (MAX_LINE_BYTES + 1), Flaw.TOO_LARGE),
        (LINE + b" ", Flaw.NOT_CANONICAL),
        (LINE[:-1] + b',"x":1}', Flaw.NOT_CANONICAL),
        (LINE.replace(b'{"payload":"', b'{"payload":"","payload":"'), Flaw.NOT_CANONICAL),
        (LINE.replace(PAYLOAD_TYPE.encode(), b"text/plain"), Flaw.NOT_CANONICAL),
        (LINE.replace(b"==", b"="), Flaw.MALFORMED),
        (LINE.replace(b"SHA256:", b'\\"'), Flaw.MALFORMED),
        (LINE.replace(b"SHA256:", b"SHA257:"), Flaw.WRONG_KEY),
        (LINE.replace(KEY.fingerprint.encode(), "é".encode()), Flaw.MALFORMED),
        (Envelope(PAYLOAD, KEY.fingerprint, bytes(63)).line(), Flaw.MALFORMED),
        (Envelope(PAYLOAD, KEY.fingerprint, bytes(64)).line(), Flaw.BAD_SIGNATURE),
        (Envelope.sign(PAYLOAD, LogKey.from_seed(bytes(32))).line(), Flaw.WRONG_KEY),
    ],
)
def test_lines_that_are_refused(line: bytes, flaw: Flaw) -> None:
    assert flaw_of_line(line) is flaw


def test_base64_with_loose_bits_is_refused() -> None:
    """`QQ==` and `QR==` decode to the same byte; only the first is what we write."""
    loose = LINE.replace(base64.b64encode(PAYLOAD), b"QR==")
    assert flaw_of_line(loose) is Flaw.NOT_CANONICAL


@pytest.mark.parametrize(
    ("payload", "flaw"),
    [
        (b"", Flaw.NOT_CANONICAL),
        (b"\xff", Flaw.NOT_CANONICAL),
        (PAYLOAD + b"\n", Flaw.NOT_CANONICAL),
        (PAYLOAD.replace(b"357142", b"0.357"), Flaw.NOT_CANONICAL),
        (PAYLOAD.replace(b"357142", b"-0"), Flaw.NOT_CANONICAL),
        (PAYLOAD.replace(b"357142", b"1e3"), Flaw.NOT_CANONICAL),
        (PAYLOAD.replace(b"357142", b"9007199254740993"), Flaw.NOT_CANONICAL),
        (PAYLOAD.replace(b"357142", b'1,"ratio_ppm":1'), Flaw.NOT_CANONICAL),
        (PAYLOAD.replace(b"FAIL", b"\\u0046AIL"), Flaw.NOT_CANONICAL),
        (PAYLOAD.replace(b"FAIL", b"\\ud800"), Flaw.NOT_CANONICAL),
        (PAYLOAD.replace(b"357142", b"[" * 900 + b"]" * 900), Flaw.NOT_CANONICAL),
        (b"[]", Flaw.MALFORMED),
        (canonical(statement(_type="https://in-toto.io/Statement/v0.1")), Flaw.MALFORMED),
        (canonical(statement(extra=1)), Flaw.MALFORMED),
        (canonical(statement(predicateType="")), Flaw.MALFORMED),
        (canonical(statement(predicateType=...)), Flaw.MALFORMED),
        (canonical(statement(predicate=[])), Flaw.MALFORMED),
        (canonical(statement(subject=[])), Flaw.MALFORMED),
        (canonical(statement(subject=[{"name": "x"}])), Flaw.MALFORMED),
        (canonical(statement(subject=[{"digest": {}}])), Flaw.MALFORMED),
        (canonical(statement(subject=[{"digest": {"sha256": "a" * 63}}])), Flaw.MALFORMED),
        (canonical(statement(subject=[{"digest": {"sha256": "A" * 64}}])), Flaw.MALFORMED),
    ],
)
def test_statements_that_are_refused(payload: bytes, flaw: Flaw) -> None:
    with pytest.raises(SignatureError) as caught:
        parse_statement(payload)
    assert caught.value.flaw is flaw


def test_a_statement_without_predicate_is_one() -> None:
    assert parse_statement(canonical(statement(predicate=...)))["subject"]


def test_the_largest_payload_fits_exactly() -> None:
    assert len(Envelope.sign(bytes(max_payload_bytes()), KEY).line()) <= MAX_LINE_BYTES
    assert len(Envelope.sign(bytes(max_payload_bytes() + 1), KEY).line()) > MAX_LINE_BYTES


@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer(data: bytes) -> None:
    for call in (Envelope.parse, parse_statement):
        with pytest.raises(SignatureError):
            call(data)
