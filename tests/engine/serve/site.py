"""A service over ledgers of every kind, on a socket, for the tests of its pages."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gate.engine.decision.document import Decision
from gate.engine.entries.statement import statement
from gate.engine.ledger import open_ledger
from gate.evidence.base.canonical import canonical
from gate.evidence.signing.keys import LogKey

from ..report.small import small

KEY = LogKey.from_seed(bytes(range(32)))
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202e[x](javascript:alert(3))</style>'\""
SERVICE = """\
limits: {requests_per_second: 10000}
logs:
  - {name: maker, ledger: maker}
  - {name: hostile, ledger: hostile}
  - {name: fresh, ledger: fresh}
  - {name: damaged, ledger: damaged}
"""


def decision(time: str, verdict: str = "FAIL", **more: Any) -> Decision:
    """The small decision as of another time, with another verdict on both stages, about another commit."""
    document = small().to_json() | {"effective_time": time, "verdict": verdict}
    if verdict == "PASS":
        document |= {"violations": [], "waived": [], "conditions": []}
    for stage in document["stages"].values():
        stage["verdict"] = verdict
    document["subject"]["commit"] = more.pop("commit", None)
    return Decision.from_json(document | more)


def hostile() -> Decision:
    """One whose every name is hostile."""
    document = small().to_json()
    for one in document["violations"]:
        one |= {"code": f"stage1.{EVIL}", "msg": EVIL, "solution": EVIL}
    for one in document["waived"]:
        one |= {"waiver": EVIL, "reason": EVIL, "approver": EVIL}
    [_, condition] = document["conditions"]
    evil = {"code": f"stage1.{EVIL}", "msg": EVIL, "owner": EVIL, "due": "2999-01-01", "id": EVIL}
    document["conditions"] = [condition | evil, condition | {"due": "2001-01-01", "id": "C-old"}]
    document["policy"]["name"] = EVIL[:60]
    time, workspace = "2025-12-05T13:00:00Z", f"{EVIL} DU1234567"
    return Decision.from_json(document | {"effective_time": time, "workspace": workspace})


def record(folder: Path, decisions: Sequence[Decision]) -> Path:
    """A ledger with these decisions, as gate records them."""
    with open_ledger(folder, KEY, origin=f"test/{folder.name}") as ledger:
        bundle = ledger.evidence.put(b"{}")
        made_from = ledger.evidence.put(b"input")
        decisions = [Decision.from_json(one.to_json() | {"input_digest": made_from}) for one in decisions]
        lines = [statement(one, ledger.evidence.put(canonical(one.to_json())), bundle) for one in decisions]
        ledger.append(lines)
        ledger.seal("2025-12-20T12:00:00Z")
    return folder


def make(root: Path) -> Path:
    """The service file over the ledgers: sixty decisions of one, a hostile one, none, and a damaged one."""
    known = [
        decision(
            f"2025-{11 + number // 30}-{number % 30 + 1:02}T12:00:00Z",
            ["FAIL", "PASS", "CONDITIONAL"][number % 3],
            commit=f"{number:04x}" + "0" * 36,
        )
        for number in range(59)
    ]
    other = decision("2025-12-30T09:30:00Z", workspace="order plane", stage="stage1")
    record(root / "maker", [*known, other])
    record(root / "hostile", [hostile()])
    record(root / "damaged", [small()])
    log = root / "damaged" / "log.intoto.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"payload":"e', b'"payload":"f', 1))
    file = root / "serve.yaml"
    file.write_text(f"{SERVICE}impact: impact\n")
    return file


@dataclass(frozen=True)
class Answer:
    """What the service answered."""

    status: int
    headers: dict[str, str]
    text: str


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing."""

    def redirect_request(self, *_: object) -> None:  # type: ignore[override]
        return None


@dataclass(frozen=True)
class Site:
    """A running service."""

    url: str
    root: Path

    def get(self, path: str, method: str = "GET", data: bytes | None = None, **headers: str) -> Answer:
        """The answer about a path, without following redirections."""
        sent = {"accept": "text/html", **{name.replace("_", "-"): text for name, text in headers.items()}}
        request = urllib.request.Request(f"{self.url}{path}", data, method=method, headers=sent)  # noqa: S310 - our own
        try:
            with urllib.request.build_opener(_Stay).open(request, timeout=20) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode())


@contextmanager
def running(file: Path) -> Iterator[Site]:
    """Serve on a free port of the loopback until the block ends."""
    uvicorn = pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
    from gate.engine.serve.app import create_app
    from gate.engine.serve.served import Served
    from gate.engine.serve.settings import load_service
    from gate.engine.serve.verification import verify
    from gate.engine.serve.writing.recorder import Recorder

    served = Served(load_service(file), file.parent / "config")
    for log in served.logs.values():
        log.verified = verify(log, first=True)
    app = create_app(served, Recorder(served, print))
    config = uvicorn.Config(app, port=0, http="h11", ws="none", log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Site(f"http://127.0.0.1:{port}", file.parent)
    finally:
        server.should_exit = True
        thread.join(30)
