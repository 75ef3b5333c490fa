"""Decisions that CI jobs post: who may, what is refused, and that nothing acknowledged is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gate.engine.ledger import open_reader, verify_ledger
from gate.engine.serve.http.guard import Rates
from gate.engine.serve.writing.submission import files_of
from gate.evidence.base.canonical import canonical, sha256_hex

from .conftest import Desk
from .service import AUDIENCE, ISSUER, REPOSITORY, WORKSPACE, Issuer, archive

POST = "/api/logs/algo/decisions"


def recorded(desk: Desk) -> list[str]:
    """Digests of the decision documents in the ledger, in the order of their entries."""
    with open_reader(desk.root / "ledger") as ledger:
        payloads = [json.loads(one.payload) for one in ledger.entries()]
    return [one["predicate"]["urn:gate:decision:v1"]["decision"]["sha256"] for one in payloads]


def digest(judged: Any) -> str:
    return sha256_hex(canonical(judged.decision.to_json()))


def test_a_decision_is_recorded_once(desk: Desk) -> None:
    """Posted again, the answer names the entry that it has; the ledger is sound."""
    [one] = desk.change.decisions(1, start=100)
    first, again = desk.post(one), desk.post(one)
    assert (first.status, again.status) == (201, 200)
    assert {**first.json, "new": False} == again.json
    assert first.json["decision"] == digest(one)
    assert recorded(desk).count(digest(one)) == 1
    assert verify_ledger(desk.root / "ledger").ok
    shown = desk.server.ask(f"{POST}/{first.json['entry']}").body
    assert sha256_hex(shown) == digest(one)
    assert (
        'gate_service_posts_total{log="algo",outcome="known"} 1' in desk.server.ask("/metrics").body.decode()
    )


def forged(desk: Desk, header: dict[str, str], sign: Callable[[bytes], bytes]) -> str:
    """A good token's claims under another header and signature."""
    claims = desk.issuer.token().split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    made = base64.urlsafe_b64encode(sign(f"{head}.{claims}".encode())).rstrip(b"=").decode()
    return f"{head}.{claims}.{made}"


def public(desk: Desk) -> bytes:
    return desk.issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


NOW = int(time.time())
TOKENS: dict[str, tuple[int, Callable[[Desk], str | None]]] = {
    "none": (401, lambda desk: None),
    "empty": (401, lambda desk: ""),
    "no token": (401, lambda desk: "a.b"),
    "too long": (401, lambda desk: "a" * 15_000),
    "expired": (401, lambda desk: desk.issuer.token(iat=NOW - 7200, exp=NOW - 3600)),
    "without end": (401, lambda desk: desk.issuer.token(exp=None)),
    "not yet valid": (401, lambda desk: desk.issuer.token(nbf=NOW + 3600)),
    "other audience": (401, lambda desk: desk.issuer.token(aud="https://other.example")),
    "no audience": (401, lambda desk: desk.issuer.token(aud=None)),
    "other issuer": (401, lambda desk: desk.issuer.token(iss="https://evil.example")),
    "other key": (401, lambda desk: Issuer().token()),
    "other key id": (401, lambda desk: Issuer("two").token()),
    "alg none": (401, lambda desk: forged(desk, {"alg": "none", "typ": "JWT"}, lambda _: b"")),
    "signed with the public key": (
        401,
        lambda desk: forged(
            desk, {"alg": "HS256"}, lambda data: hmac.new(public(desk), data, hashlib.sha256).digest()
        ),
    ),
    "other repository": (403, lambda desk: desk.issuer.token(repository="acme/algo2")),
    "list of repositories": (403, lambda desk: desk.issuer.token(repository=[REPOSITORY])),
    "no repository": (403, lambda desk: desk.issuer.token(repository=None)),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_wrong_token_records_nothing(desk: Desk, name: str) -> None:
    """Whatever is wrong with it; the answer quotes nothing of it."""
    status, make = TOKENS[name]
    token, before = make(desk), recorded(desk)
    [one] = desk.change.decisions(1, start=200)
    answer = desk.server.post(archive(one), token)
    assert answer.status == status, answer.body
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert not token or token.encode() not in answer.body
    assert recorded(desk) == before


def test_a_token_for_one_log_is_none_for_another(desk: Desk) -> None:
    [one] = desk.change.decisions(1, start=200)
    assert desk.server.post(archive(one), desk.issuer.token(), "other").status == 403
    assert desk.server.post(archive(one), desk.issuer.token(), "nothing").status == 404
    two = {"authorization": f"Basic {desk.issuer.token()}", "content_type": "application/x-tar"}
    assert desk.server.ask(POST, archive(one), **two).status == 401


def _decision(**changes: Any) -> Callable[[Desk, Any], bytes]:
    def make(desk: Desk, judged: Any) -> bytes:
        return archive(judged, decision=canonical(judged.decision.to_json() | changes))

    return make


def _other_rule(desk: Desk, judged: Any) -> bytes:
    policy = json.loads(files_of(judged)[0]["policy.json"])
    for file in policy["files"]:
        file["text"] = file["text"].replace("no label", "a label")
    return archive(judged, policy=canonical(policy))


def _other_input(desk: Desk, judged: Any) -> bytes:
    document = json.loads(files_of(judged)[0]["input.json"])
    document["setup"]["notices"] = []
    document["setup"]["weakenings"] = [{"code": "x", "msg": "y"}]
    return archive(judged, input=canonical(document))


def _unsorted(desk: Desk, judged: Any) -> bytes:
    return archive(judged, decision=json.dumps(judged.decision.to_json()).encode())


REFUSED: dict[str, tuple[str, Callable[[Desk, Any], bytes]]] = {
    "another verdict": ("another decision", _decision(verdict="PASS", violations=[])),
    "another stage's verdict": ("breaks its contract", _decision(verdict="GOOD")),
    "a file of another name": ("does not belong", lambda _, one: archive(one, extra=b"x")),
    "no policies": ("has no policy.json", lambda _, one: archive(one, policy=None)),
    "other policies": ("the policy bundle in the archive", _other_rule),
    "policies that nobody named": (
        "no decisions by the policy bundle",
        _decision(policy={"name": "main", "version": "1.0.0", "digest": "0" * 64}),
    ),
    "another input": ("is not what the decision was made from", _other_input),
    "not canonical": ("not canonical", _unsorted),
    "no archive": ("no tar archive", lambda _, one: b"x" * 2000),
    "nothing": ("no tar archive", lambda _, one: b""),
    "half an archive": ("archive", lambda _, one: archive(one)[:5000]),
    "no object": ("not canonical", lambda _, one: archive(one, decision=b"[]")),
    "too deep": ("malformed", lambda _, one: archive(one, decision=b"[" * 100_000 + b"]" * 100_000)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_follow_from_its_evidence_is_refused(desk: Desk, name: str) -> None:
    """The service judges again; what is posted is not believed."""
    reason, make = REFUSED[name]
    [one] = desk.change.decisions(1, start=300)
    before = recorded(desk)
    answer = desk.server.post(make(desk, one), desk.issuer.token())
    assert (answer.status, reason in answer.json["detail"]) == (422, True), answer.body
    assert recorded(desk) == before


def test_the_time_of_a_decision_is_the_services_word(desk: Desk) -> None:
    """One that claims the clock's time must be of now, and none may be of the future."""
    [old] = desk.change.decisions(1, "clock")
    [future] = desk.change.decisions(1, start=100_000_000)
    assert "minutes ago" in desk.post(old).json["detail"]
    assert "in the future" in desk.post(future).json["detail"]


def test_many_at_once_are_all_recorded(desk: Desk) -> None:
    """Each of them once, although each is posted twice; what is acknowledged is in the ledger."""
    made = desk.change.decisions(12, start=400)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(desk.post, [*made, *made]))
    assert {answer.status for answer in answers} <= {200, 201}
    assert sum(answer.json["new"] for answer in answers) == len(made)
    entries = recorded(desk)
    assert all(entries[answer.json["entry"]] == answer.json["decision"] for answer in answers)
    assert all(entries.count(digest(one)) == 1 for one in made)
    assert verify_ledger(desk.root / "ledger").ok


def raw(desk: Desk, data: bytes, pause_s: float = 0.0, piece: int = 1 << 20) -> bytes:
    """What comes back to these bytes, sent in pieces; nothing when the connection is cut."""
    with socket.create_connection(("127.0.0.1", desk.server.port), timeout=30) as wire:
        try:
            for at in range(0, len(data), piece):
                wire.sendall(data[at : at + piece])
                time.sleep(pause_s)
            return wire.recv(65536)
        except OSError:
            return b""


def head(desk: Desk, *lines: str) -> bytes:
    stated = [f"POST {POST} HTTP/1.1", "Host: x", f"Authorization: Bearer {desk.issuer.token()}"]
    return "\r\n".join([*stated, "Content-Type: application/x-tar", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Content-Length: 1000001"], 413),
        (["Content-Length: 99999999999999999999"], 413),
        (["Transfer-Encoding: chunked"], 411),
        (["Content-Length: 5", "Content-Encoding: gzip"], 415),
        (["Content-Length: -5"], 400),
        (["Content-Length: 5", "Content-Length: 6"], 400),
        (["X: " + "y" * 60_000], 431),
    ],
)
def test_a_body_that_is_not_to_be_read_is_not_read(desk: Desk, lines: list[str], status: int) -> None:
    """It is refused by its header."""
    assert raw(desk, head(desk, *lines)).startswith(f"HTTP/1.1 {status} ".encode())


def test_slow_and_broken_clients_hold_nobody_up(desk: Desk) -> None:
    """Slow headers are cut off, a slow body is refused, half a body records nothing; others are served."""
    before = recorded(desk)
    with ThreadPoolExecutor(4) as pool:
        slow_head = pool.submit(raw, desk, head(desk)[:-2], 0.4, 10)
        slow_body = pool.submit(raw, desk, head(desk, "Content-Length: 900000"))
        silent = pool.submit(raw, desk, b"")
        with socket.create_connection(("127.0.0.1", desk.server.port)) as wire:
            wire.sendall(head(desk, "Content-Length: 11264") + b"x" * 500)
        [one] = desk.change.decisions(1, start=500)
        assert desk.post(one).status == 201
        assert slow_head.result() == silent.result() == b""
        assert slow_body.result().startswith(b"HTTP/1.1 408 ")
    assert recorded(desk) == [*before, digest(one)]


def test_the_program_has_its_decision_recorded(
    desk: Desk, gate: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`gate evaluate --record-to` needs a token and no key; what the service refuses is an error."""
    for name, text in WORKSPACE.items():
        (tmp_path / "w" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "w" / name).write_text(text)
    url = f"http://127.0.0.1:{desk.server.port}/api/logs/algo"
    options = ("evaluate", "main", "-w", tmp_path / "w", "-p", tmp_path / "w" / "policy", "--record-to")
    (tmp_path / "token").write_text(f"{desk.issuer.token()}\n")
    run = gate(*options, url, "--token-file", tmp_path / "token")
    assert run.code == 1, run.err
    entry = len(recorded(desk)) - 1
    assert f"recorded: entry {entry} of the ledger" in run.out
    assert not (tmp_path / "w" / "ledger").exists()
    assert not list(tmp_path.rglob("log-key.pem"))
    refused = gate(*options, url.replace("algo", "other"), env={"GATE_TOKEN": desk.issuer.token()})
    assert (refused.code, "(403)" in refused.err, "writers" in refused.err) == (2, True, True)
    for place, error in (
        (url, "needs a token"),
        ("http://gate.example/api/logs/algo", "over TLS only"),
        ("ftp://127.0.0.1/", "over TLS only"),
    ):
        run = gate(*options, place)
        assert (run.code, error in run.err) == (2, True), run.err


def test_the_log_is_json_and_keeps_secrets(desk: Desk) -> None:
    """Each request is a line with who, what and how long; no token, no query, no header is in it."""
    token = desk.issuer.token()
    desk.server.ask("/api/logs?secret=s3cret", authorization=f"Bearer {token}", cookie="s3cret")
    [one] = desk.change.decisions(1, start=600)
    entry = desk.server.post(archive(one), token).json["entry"]
    end = time.monotonic() + 60
    while not any(line.get("entry") == entry for line in list(desk.server.lines)):
        assert time.monotonic() < end, "no line of the log has the entry"
        time.sleep(0.01)
    posted = next(line for line in desk.server.lines if line.get("entry") == entry)
    assert (posted["status"], posted["writer"]) == (201, f"{ISSUER} repo:{REPOSITORY}")
    text = json.dumps(desk.server.lines)
    assert "s3cret" not in text
    assert token not in text and token.split(".")[1] not in text
    assert AUDIENCE not in text


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the service's processes")
def test_a_judge_that_ends_is_replaced(desk: Desk) -> None:
    """What it was asked about is not recorded, or judged by the next one; the service goes on."""
    pid = desk.server.process.pid
    tasks = Path(f"/proc/{pid}/task").iterdir()
    judges = {child for task in tasks for child in (task / "children").read_text().split()}
    assert judges
    for judge in judges:
        os.kill(int(judge), signal.SIGKILL)
    [one] = desk.change.decisions(1, start=800)
    assert desk.post(one).status in (201, 503)
    assert desk.post(one).status in (200, 201)
    assert recorded(desk).count(digest(one)) == 1


def test_limits_on_how_often_are_kept_for_each_client() -> None:
    """Twice the rate may come at once; then the bucket fills with time, for this client alone."""
    now = [0.0]
    rates = Rates(5, lambda: now[0])
    assert [rates.allows("a") for _ in range(11)] == [True] * 10 + [False]
    assert rates.allows("b")
    now[0] = 0.2
    assert [rates.allows("a"), rates.allows("a")] == [True, False]


def test_what_is_in_progress_is_answered_at_the_end(desk: Desk) -> None:
    """SIGTERM: each request that was begun is answered, and is in the ledger. It ends the service."""
    made, token = [archive(one) for one in desk.change.decisions(4, start=900)], desk.issuer.token()
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(desk.server.post, data, token) for data in made]
        while not any(answer.done() for answer in answers):
            time.sleep(0.01)
        desk.server.process.terminate()
        kept = [one.result().json for one in answers if one.exception() is None]
    assert (desk.server.process.wait(30), bool(kept)) == (0, True)
    with open_reader(desk.root / "ledger") as ledger:
        leaves = {one.digest for one in ledger.entries() if one.sealed}
    assert {answer["leaf"] for answer in kept} <= leaves
