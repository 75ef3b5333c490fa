"""Attacks on the service by those who reach it, by jobs with a token, and by what happens to its files."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from gate.engine import service
from gate.engine.decide.recorded import Recorded
from gate.engine.ledger import open_ledger
from gate.engine.policy import open_engine
from gate.engine.serve.client import Elsewhere
from gate.engine.serve.http.guard import counted_as
from gate.engine.serve.settings import load_service
from gate.engine.serve.writing.submission import Demands, Refused, check, files_of, tailoring
from gate.engine.service import Judged
from gate.engine.store import open_store
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import EnvironmentProblem, LedgerError
from gate.evidence.signing.keys import LogKey

from .conftest import Desk
from .service import Issuer, archive, settings

LINE = (
    b'{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"urn:x","subject":'
    b'[{"digest":{"sha256":"%b"},"name":"a"}]}' % (b"0" * 64)
)


def _engine(**changes: str) -> Callable[[Desk, Judged], bytes]:
    def make(desk: Desk, judged: Judged) -> bytes:
        document = judged.decision.to_json()
        document["engine"] |= changes
        return archive(judged, decision=canonical(document))

    return make


def again(judged: Judged, **changes: Any) -> Judged:
    """The decision that follows from its input with changes in the setup."""
    plan, bundle = judged.context.plan, judged.context.bundle
    document = judged.recorded.to_json(plan)
    document["setup"] |= changes
    recorded = Recorded.from_json(document)
    with open_engine("embedded", bundle, judged.context.config.limits) as engine:
        decision = service.replay(bundle, plan, recorded, recorded.setup.time, engine)
    return Judged(decision, recorded, judged.context)


def _setup(**changes: Any) -> Callable[[Desk, Judged], bytes]:
    return lambda _, judged: archive(again(judged, **changes))


PARAMETER = {"name": "stage1.coverage_min", "value": 0, "rationale": "why not", "unit": None}
POLICY = {"name": "main", "version": "1.0.0", "digest": "0" * 64}
FORGED: dict[str, tuple[str, Callable[[Desk, Judged], bytes]]] = {
    "an engine that says which gate it was": ("no name of a policy engine", _engine(name="gate")),
    "an engine without a name": ("no name of a policy engine", _engine(name="")),
    "an engine's version for a terminal": ("is no version", _engine(version="1\x1b[2J")),
    "an endless version": ("is no version", _engine(version="1" * 60_000)),
    "a gate of no version": ("is no version", _setup(gate_version="<b>1</b>\n")),
    "fewer rules": ("tailor the policies", _setup(profile="few")),
    "stages of the job's own": ("tailor the policies", _setup(depends_on={"main": []})),
    "thresholds of the job's own": ("tailor the policies", _setup(parameters=[PARAMETER])),
    "sign-offs of other policies": ("another policy bundle", _setup(policy=POLICY)),
    "a line that no ledger takes": ("48975 are the most", _setup(workspace="x" * 60_000)),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_not_judged_again_is_bounded(desk: Desk, name: str) -> None:
    """It is the job's fault, and no failure of the ledger, in which others would fail, too."""
    reason, make = FORGED[name]
    [one] = desk.change.decisions(1, start=300)
    answer = desk.server.post(make(desk, one), desk.issuer.token())
    assert (answer.status, reason in answer.json.get("detail", "")) == (422, True), answer.body


def test_what_a_log_demands_is_all_it_takes(desk: Desk) -> None:
    """Settings that it lists may tailor the policies; a commit may have no changes, as far as is known."""
    [one] = desk.change.decisions(1, start=300)
    commit, subject = "a" * 40, one.recorded.to_json(one.context.plan)["setup"]["subject"]
    for dirty, refused in (
        (False, None),
        (True, "with changes"),
        (None, "whether with changes is not known"),
    ):
        made = again(one, depends_on={"main": []}, subject={**subject, "commit": commit, "dirty": dirty})
        files, _ = files_of(made)
        listed = frozenset({tailoring(json.loads(files["input.json"])) or ""})
        policies = frozenset({made.decision.policy.digest})
        demands = Demands(policies, tailored=listed, commit=commit, now_s=2_000_000_000)
        if refused is None:
            assert check(files, demands, lambda *_, found=made: found.decision).verdict == "FAIL"
        else:
            with pytest.raises(Refused, match=refused):
                check(files, demands, lambda *_: pytest.fail("it is not judged again"))


def test_a_body_has_one_length(desk: Desk) -> None:
    """With two, a proxy may see another request where this one ends, and chunks have no end of their own."""
    lines = [
        "POST /api/logs/algo/decisions HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {desk.issuer.token()}",
        "Content-Type: application/x-tar",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
    ]
    smuggled = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", desk.server.port), timeout=30) as wire:
        wire.sendall("\r\n".join([*lines, "", ""]).encode() + smuggled)
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1


def test_one_writer_holds_no_other_up(desk: Desk) -> None:
    """Half of what may wait, and of what bodies may take together, is for others."""
    lines = ["POST /api/logs/algo/decisions HTTP/1.1", "Host: x", "Content-Type: application/x-tar"]
    lines += [f"Authorization: Bearer {desk.issuer.token()}", "Content-Length: 1000000", "", ""]
    [one] = desk.change.decisions(1, start=500)
    address = ("127.0.0.1", desk.server.port)
    with socket.create_connection(address) as first, socket.create_connection(address) as second:
        for wire in (first, second):
            wire.sendall("\r\n".join(lines).encode())
        end = time.monotonic() + 10
        while desk.server.post(b"x", desk.issuer.token()).status != 429:
            assert time.monotonic() < end
        assert desk.server.post(archive(one), desk.issuer.token(sub="another job")).status == 201


def test_idle_connections_hold_nobody_up(desk: Desk) -> None:
    """The oldest that waits for a request is cut for a new one."""
    address = ("127.0.0.1", desk.server.port)
    idle = [socket.create_connection(address, timeout=30) for _ in range(300)]
    try:
        assert desk.server.ask("/healthz").status == 200
        assert idle[0].recv(1) == b""
    except ConnectionError:
        pass  # cut, too
    finally:
        for one in idle:
            one.close()


def test_a_client_that_leaves_is_no_failure_of_the_service(desk: Desk) -> None:
    """In the log and the metrics, by which its operator would be woken."""
    lines = ["POST /api/logs/algo/decisions HTTP/1.1", "Host: x", "Content-Type: application/x-tar"]
    lines += [f"Authorization: Bearer {desk.issuer.token()}", "Content-Length: 9000", "", ""]
    with socket.create_connection(("127.0.0.1", desk.server.port)) as wire:
        wire.sendall("\r\n".join(lines).encode() + b"x")
    end = time.monotonic() + 10
    while not (found := [one for one in desk.server.lines if one.get("status") in (499, 500)]):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert {one["status"] for one in found} == {499}
    assert 'status="5xx"' not in desk.server.ask("/metrics").body.decode()


def test_nothing_acts_in_the_log(desk: Desk) -> None:
    """A path with what terminals, and readers of lines, act upon is a line of harmless characters."""
    desk.server.ask("/%1b%5b2J%C2%9B31m%E2%80%A8%C2%85%E2%80%AEx")
    end = time.monotonic() + 10
    while not (found := [one for one in desk.server.lines if "[2J" in one.get("path", "")]):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert found[0]["path"] == "/\\u001b[2J\\u009b31m\\u2028\\u0085\\u202ex"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1:5000", "192.0.2.1:5001", True),
        ("[2001:db8::1]:5000", "[2001:db8::2]:5001", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("unknown", "_hidden", False),
    ],
)
def test_a_client_is_counted_once(first: str, second: str, same: bool) -> None:
    """Whatever port it comes from, and whichever address of its network of IPv6 it takes."""
    assert (counted_as(first) == counted_as(second)) is same


def test_an_issuer_that_withdraws_its_keys(tmp_path: Path) -> None:
    """A set without keys leaves nobody; a damaged file is named in the log once, and changes nothing."""
    pytest.importorskip("jwt", reason="the extra `serve` is not installed")
    from gate.engine.serve.writing.tokens import Issuers, NotKnown

    issuer, told = Issuer(), list[str]()
    issuers = Issuers(load_service(settings(tmp_path, issuer, "0" * 64)), told.append)
    (tmp_path / "jwks.json").write_text("{")
    for _ in range(3):
        assert issuers.client(issuer.token())
    assert len(told) == 1 and "those that were read stay" in told[0]
    (tmp_path / "jwks.json").write_text('{"keys": []}')
    with pytest.raises(NotKnown, match="no key of the issuer"):
        issuers.client(issuer.token())
    assert len(told) == 2 and str(tmp_path) not in "".join(told)


@pytest.mark.parametrize("moved", ["ledger", "ledger/log.intoto.jsonl"])
def test_a_ledger_that_is_moved_while_it_is_written(tmp_path: Path, moved: str) -> None:
    """As by a rotation of logs: nothing is acknowledged until it is back."""
    with open_ledger(tmp_path / "ledger", LogKey.from_seed(bytes(range(32)))) as ledger:
        ledger.append([LINE])
        ledger.seal("2025-12-05T12:00:00Z")
        (tmp_path / moved).rename(tmp_path / "elsewhere")
        for act in (lambda: ledger.append([LINE]), lambda: ledger.seal("2025-12-05T12:00:01Z")):
            with pytest.raises(LedgerError, match="was moved or replaced"):
                act()
        if moved.endswith("jsonl"):  # a new, empty one is no better
            (tmp_path / moved).touch()
            with pytest.raises(LedgerError, match="was moved or replaced"):
                ledger.append([LINE])
        (tmp_path / "elsewhere").replace(tmp_path / moved)
        assert ledger.append([LINE])[0].index == 1


def test_evidence_that_is_moved_while_it_is_written(tmp_path: Path) -> None:
    """A link in its place, too: what an entry names is kept where whoever verifies looks for it."""
    with closing(open_store(str(tmp_path / "evidence"))) as store:
        store.put(b"one")
        (tmp_path / "evidence").rename(tmp_path / "elsewhere")
        for place in (lambda: None, lambda: (tmp_path / "evidence").symlink_to(tmp_path)):
            place()
            with pytest.raises(LedgerError, match="was moved or replaced"):
                store.put(b"two")
        (tmp_path / "evidence").unlink()
        (tmp_path / "elsewhere").rename(tmp_path / "evidence")
        assert store.get(store.put(b"two")) == b"two"


def test_the_service_went_on(desk: Desk) -> None:
    """After all of that, the next decision is recorded."""
    [one] = desk.change.decisions(1, start=700)
    assert desk.post(one).status == 201
    assert json.loads(desk.server.ask("/healthz").body)["status"] == "ok"


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """A service that says always the same; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(201)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api/logs/algo"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "stated",
    [
        b'{"entry": 1e999, "leaf": "00"}',
        b'{"entry": -1, "leaf": "00"}',
        b'{"entry": true, "leaf": "00"}',
        b'{"entry": 1, "leaf": "\\u001b[2J"}',
        b'{"entry": 1, "leaf": 5}',
        b"[" * 60_000,
        b"",
    ],
)
def test_a_service_that_answers_oddly(desk: Desk, stated: bytes) -> None:
    """Whoever posts to it gets one error, and prints nothing of the answer."""
    with answering(stated) as url, pytest.raises(EnvironmentProblem, match="no service that records"):
        Elsewhere(url, "token").record(desk.decisions[0])


def test_a_token_stays_on_this_machine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS, no proxy that the environment names sees it."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with answering(b'{"entry": 7, "leaf": "00"}') as url:
        entry, _ = Elsewhere(url, "token").record(desk.decisions[0])
    assert entry.index == 7


def test_one_client_reads_a_part_of_what_there_is(tmp_path: Path) -> None:
    """As many slow requests as one client may have leave the service to others, and to those who post."""
    from gate.engine.serve.http.guard import Guard
    from gate.engine.serve.served import Served

    (tmp_path / "serve.yaml").write_text("limits: {connections: 16}\nlogs: [{name: a, ledger: a}]\n")
    answered = Counter[tuple[str, int]]()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def ask(guard: Guard, method: str, address: str) -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answered[address + method, message["status"]] += 1

        scope = {"type": "http", "method": method, "client": (address, 1), "path": "/", "raw_path": b"/"}
        scope |= {"query_string": b"", "headers": [], "scheme": "http"}
        await guard(scope, None, send)  # type: ignore[arg-type]

    async def everybody() -> None:
        guard = Guard(slow, Served(load_service(tmp_path / "serve.yaml"), tmp_path))
        for _ in range(2):
            many = [ask(guard, "GET", "192.0.2.1") for _ in range(5)]
            await asyncio.gather(*many, ask(guard, "GET", "192.0.2.2"), ask(guard, "POST", "192.0.2.1"))

    asyncio.run(everybody())
    assert answered == {
        ("192.0.2.1GET", 200): 4,
        ("192.0.2.1GET", 429): 6,
        ("192.0.2.2GET", 200): 2,
        ("192.0.2.1POST", 200): 2,
    }
