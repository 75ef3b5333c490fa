"""What the service shows to machines, by a real client over a socket."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

from gate.engine.ledger.merkle import leaf_hash, root_of, verify_inclusion
from gate.engine.record.archive import read_tar
from gate.engine.record.contents import trust_digest
from gate.engine.serve.query import FILTERS
from gate.engine.serve.tiles import WIDTH, Tree, parse_tile, tile_number
from gate.evidence.base.canonical import canonical

from .conftest import Desk

ONE = "/api/logs/algo/decisions/0"


def test_decisions_come_newest_first_a_page_at_a_time(shelf: Desk) -> None:
    """`next` leads to the rest, and ends with null."""
    first = shelf.server.ask("/api/logs/algo/decisions?limit=2").json
    rest = shelf.server.ask(f"/api/logs/algo/decisions?limit=2&before={first['next']}").json
    assert [one["entry"] for one in (*first["decisions"], *rest["decisions"])] == [2, 1, 0]
    assert rest["next"] is None
    assert first["decisions"][0]["time"] == shelf.decisions[2].decision.effective_time
    assert first["decisions"][0]["violations"] == ["main.deny"]


@pytest.mark.parametrize(
    ("query", "entries"),
    [
        ("stage=main&verdict=FAIL", [2, 1, 0]),
        ("verdict=PASS", []),
        ("stage=other", []),
        ("rule=main.deny&since=2025-12-05T00:00:01Z", [2, 1]),
        ("until=2025-12-05T02:00:00%2B02:00", [0]),
        ("workspace=algo&limit=1", [2]),
        ("commit=abc", []),
    ],
)
def test_decisions_are_chosen(shelf: Desk, query: str, entries: list[int]) -> None:
    found = shelf.server.ask(f"/api/logs/algo/decisions?{query}").json
    assert [one["entry"] for one in found["decisions"]] == entries


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=١", "before=-1", "since=now", "x=1", "stage=a&stage=b"]
)
def test_a_malformed_query_is_refused(shelf: Desk, query: str) -> None:
    path = "/api/logs/algo/decisions?" + query.replace("١", "%D9%A1")
    answer = shelf.server.ask(path)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json["title"]


def test_a_decision_is_the_stored_document_and_comes_in_every_format(shelf: Desk) -> None:
    """Its bytes have the digest that the list states; formats are those of `gate report`."""
    digest = shelf.server.ask("/api/logs/algo/decisions?limit=1").json["decisions"][0]["decision"]
    document = shelf.server.ask(f"/api/logs/algo/decisions/{digest[:12]}").body
    assert hashlib.sha256(document).hexdigest() == digest
    assert document == canonical(shelf.decisions[2].decision.to_json())
    for name in ("table", "sarif", "junit"):
        answer = shelf.server.ask(f"/api/logs/algo/decisions/2/report/{name}")
        assert (answer.status, bool(answer.body)) == (200, True), name
    page = shelf.server.ask("/api/logs/algo/decisions/2/report/html")
    assert page.headers["content-security-policy"].startswith("sandbox")
    assert json.loads(shelf.server.ask("/api/logs/algo/decisions/2/report/json").body)["verdict"] == "FAIL"
    assert shelf.server.ask("/api/logs/algo/decisions/2/report/nothing").status == 404


def test_a_record_verifies_without_the_service(shelf: Desk, gate: Callable[..., Any], tmp_path: Any) -> None:
    """`gate record verify --replay` takes the archive, with the digest of trust in the header."""
    answer = shelf.server.ask(f"{ONE}/record")
    (tmp_path / "record.tar").write_bytes(answer.body)
    trust = answer.headers["gate-trust"]
    assert trust == f"sha256:{trust_digest(read_tar(answer.body))}"
    run = gate("record", "verify", tmp_path / "record.tar", "--trust", trust, "--replay", "-o", "json")
    assert (run.code, json.loads(run.out)["verdict"]) == (0, "FAIL"), run.out + run.err


def test_tiles_give_the_root_of_the_checkpoint(shelf: Desk) -> None:
    """An outside monitor needs nothing but them: entries hash to the leaves, leaves to the signed root."""
    note = shelf.server.ask("/tlog/algo/checkpoint").body.decode()
    size, root = int(note.split("\n")[1]), base64.b64decode(note.split("\n")[2])
    hashes = shelf.server.ask(f"/tlog/algo/tile/0/000.p/{size}")
    leaves = [hashes.body[at : at + 32] for at in range(0, len(hashes.body), 32)]
    assert root_of(leaves) == root
    assert "immutable" in hashes.headers["cache-control"]
    bundle, lines = shelf.server.ask(f"/tlog/algo/tile/entries/000.p/{size}").body, []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        lines.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    assert [leaf_hash(line) for line in lines] == leaves
    assert b"\n".join([*lines, b""]) == (shelf.root / "ledger" / "log.intoto.jsonl").read_bytes()
    proof = shelf.server.ask(f"{ONE}/proof").json
    path = [bytes.fromhex(one) for one in proof["hashes"]]
    assert verify_inclusion(leaves[0], 0, size, path, root)
    key = shelf.server.ask("/tlog/algo/key").body
    assert key == (shelf.root / "ledger" / "trust" / "log.vkey").read_bytes()
    assert shelf.server.ask("/tlog/other/checkpoint").status == 404


@pytest.mark.parametrize(
    "tile",
    [
        "0/001",
        "0/000",
        "0/000.p/0",
        "0/000.p/256",
        "1/000.p/1",
        "00/000.p/1",
        "64/000.p/1",
        "0/x000/000.p/1",
        "0/0.p/1",
        "entries/x999/x999/x999/x999/x999/x999/x999/999",
        "entries/000.p/200",
        "../checkpoint",
        "0/000.p/1/",
        "0/٠٠٠.p/1",
    ],
)
def test_what_is_no_tile_is_not_found(shelf: Desk, tile: str) -> None:
    assert shelf.server.ask("/tlog/algo/tile/" + tile.replace("٠", "%D9%A0")).status == 404


def test_a_tree_gives_all_tiles_of_any_level() -> None:
    """Each hash of a higher tile is the root of the 256 below; the number of a tile is written one way."""
    leaves = [hashlib.sha256(str(number).encode()).digest() for number in range(70_000)]
    tree = Tree()
    tree.extend(leaves[:300], [1] * 300)
    tree.extend(leaves[300:], [1] * 69_700)
    assert tree.tile(0, 1, WIDTH) == b"".join(leaves[256:512])
    assert tree.tile(1, 0, WIDTH) == b"".join(root_of(leaves[at : at + 256]) for at in range(0, 65536, 256))
    assert tree.tile(2, 0, 1) == root_of(leaves[:65536])
    assert tree.tile(2, 0, 2) is tree.tile(3, 0, 1) is None
    assert tree.tile(1, 1, 17) == b"".join(root_of(leaves[at : at + 256]) for at in range(65536, 69888, 256))
    assert tree.tile(1, 1, 18) is None
    assert tree.bundle(2, WIDTH) == (512, 1024)
    for index in (0, 999, 1000, 1_234_067):
        assert parse_tile(f"5/{tile_number(index)}") == (5, index, WIDTH)
    assert tile_number(1_234_067) == "x001/x234/067"


def test_the_metrics_are_those_of_all_ledgers(shelf: Desk) -> None:
    """As Prometheus reads them."""
    text = shelf.server.ask("/metrics").body.decode()
    found = {
        (one.name, *sorted(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    stage = (("stage", "main"), ("verdict", "FAIL"), ("workspace", "algo"))
    assert found[("gate_stage_decisions_total", *stage)] == 3
    assert found[("gate_service_log_readable", ("log", "other"))] == 1


def test_the_ledgers_are_verified_in_the_background(shelf: Desk) -> None:
    """At the start, here; the report is that of `gate ledger verify`."""
    found = shelf.server.ask("/api/logs/algo/verification").json
    assert (found["sound"], found["problem"]) == (True, None)
    [algo, other] = shelf.server.ask("/api/logs").json["logs"]
    assert (algo["name"], algo["sound"], other["accepts"]) == ("algo", True, False)


def test_the_description_is_openapi_and_has_every_route(shelf: Desk) -> None:
    """Whatever is described is answered by something, and no other path under /api is."""
    described = shelf.server.ask("/openapi.json").json
    validate(described)
    asked = described["paths"]["/api/logs/{log}/decisions"]["get"]["parameters"]
    assert tuple(one["name"] for one in asked) == FILTERS
    values = {"{log}": "algo", "{decision}": "0", "{format}": "tap", "{tile}": "0/000.p/1"}
    for path, operations in described["paths"].items():
        for name, value in values.items():
            path = path.replace(name, value)
        assert shelf.server.ask(path).status == 200, path
        body = b"" if "post" in operations else None
        assert shelf.server.ask(path, body, "POST").status == (405 if body is None else 401)
    assert shelf.server.ask("/api/logs/algo").status == 404


def test_every_answer_has_strict_headers(shelf: Desk) -> None:
    """Errors, too; nothing may be framed, sniffed, cached or sent on."""
    for path in ("/healthz", "/nothing", ONE, "/api/logs/algo/decisions?x=1"):
        headers = shelf.server.ask(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
        assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/api/logs/algo/decisions/..%2f..%2f..%2fetc%2fpasswd",
        "/api/logs/algo/decisions/%2e%2e",
        "/api/logs/..%2fserve.yaml/decisions",
        "/api/logs/algo/../../jwks.json",
        "/api/logs/algo/decisions/%00",
        "/api/logs/algo/decisions/%E2%80%AE",
        "/api/logs/algo/decisions/%0d%0aset-cookie:x",
        "/api/logs/algo/decisions/" + "9" * 1500,
        "/api/logs/algo/decisions/0/report/..%2f..%2fserve",
        "/api/logs/%F0%28%8C%28/decisions",
        "/jwks.json",
        "//etc/passwd",
    ],
)
def test_hostile_names_lead_nowhere(shelf: Desk, path: str) -> None:
    """They are not found, and the answer has nothing of this machine."""
    answer = shelf.server.ask(path)
    assert answer.status == 404
    assert str(shelf.root).encode() not in answer.body
    assert "set-cookie" not in answer.headers
    assert shelf.server.ask("/api/logs/algo/decisions/" + "9" * 3000).status == 414
