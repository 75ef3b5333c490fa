"""Policy bundles that are pushed to `gate serve`: who may push, and what the pages show of them."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("jwt", reason="the extra `serve` is not installed")

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.engine.policy.bundle import SHIPPED_BUNDLES, load_bundle
from gate.evidence.base.errors import PolicyError
from gate.evidence.reading.tar import pack

from ..report.small import small
from .site import Site, record, running

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ISSUER, PATH = "https://ci.example", "/api/logs/maker/impact"
SERVICE = """\
limits: {requests_per_second: 10000}
impact: impact
issuers:
  - {issuer: https://ci.example, audience: gate, jwks: jwks.json}
logs:
  - name: maker
    ledger: LEDGER
    bundles:
      - {issuer: https://ci.example, claims: {repository: policies}}
  - {name: other, ledger: other}
  - {name: gone, ledger: gone, bundles: [{issuer: https://ci.example, claims: {repository: policies}}]}
"""


def service(root: Path, ledger: Path) -> Path:
    """The service file over a ledger, and the issuer's keys."""
    public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key()))
    (root / "jwks.json").write_text(json.dumps({"keys": [{**public, "alg": "EdDSA", "use": "sig"}]}))
    file = root / "serve.yaml"
    file.write_text(SERVICE.replace("LEDGER", str(ledger)))
    return file


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service that takes bundles for a ledger whose stored bundle is none."""
    root = tmp_path_factory.mktemp("pushing")
    with running(service(root, record(root / "maker", [small()]))) as found:
        yield found


def token(**claims: Any) -> str:
    """A token of the issuer."""
    now = int(time.time())
    stated = {"iss": ISSUER, "aud": "gate", "sub": "job 7", "iat": now, "exp": now + 300, **claims}
    return f"Bearer {jwt.encode(stated, KEY, algorithm='EdDSA')}"


def push(site: Site, data: bytes, path: str = PATH, **headers: str) -> tuple[int, str]:
    """Status and result of a bundle that was pushed."""
    sent = {"content_type": "application/gzip", "authorization": token(repository="policies"), **headers}
    answer = site.get(path, "POST", data, **sent)
    return answer.status, json.loads(answer.text).get("result", answer.text)


def judged(site: Site, page: str) -> str:
    """The page of a result, once it no longer waits."""
    end = time.monotonic() + 120
    while "It waits to be judged" in (text := site.get(page).text):
        assert time.monotonic() < end
        time.sleep(0.1)
    return text


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"authorization": "Bearer x"}, 401),
        ({"claims": {"repository": "other"}}, 403),
        ({"claims": {"repository": "policies", "aud": "others"}}, 401),
        ({"path": "/api/logs/other/impact"}, 403),
        ({"path": "/api/logs/nobody/impact"}, 404),
        ({"content_type": "text/plain"}, 415),
        ({"content_encoding": "gzip"}, 415),
        ({"content_length": "16777217"}, 413),
    ],
)
def test_who_may_push_what(site: Site, changed: dict[str, Any], status: int) -> None:
    """A client that nobody vouches for, one that may not, and what cannot be a bundle, are turned away."""
    changed = dict(changed)
    claims = changed.pop(
        "claims", None
    )  # a token that was made with the table might expire before it is used
    if claims is not None:
        changed["authorization"] = token(**claims)
    assert push(site, **{"data": b"no archive", **changed})[0] == status
    assert (
        not list((site.root / "impact").glob("*")) and "There is no result yet." in site.get("/impact").text
    )


def test_what_is_pushed_is_judged_or_named(site: Site) -> None:
    """What is no bundle says so on its page; what the ledger has may be unusable, which is not the bundle's
    fault.
    """
    status, page = push(site, b"no archive")
    assert status == 202 and page.startswith("/impact/maker-")
    assert "is no gzip-compressed" in judged(site, page) or "the pushed bundle" in judged(site, page)
    assert PATH.replace("maker", "{log}") in json.loads(site.get("/openapi.json").text)["paths"]
    assert "curl -fsS --data-binary @bundle.tar.gz" in site.get("/impact").text
    status, page = push(site, pack(load_bundle(SHIPPED_BUNDLES["prelive"]).files, PolicyError))
    text = judged(site, page)
    assert status == 202 and "Could not be judged again" in text and "not known" in text
    assert "https://ci.example job 7" in text and "Recorded decisions: 1, " in text


def test_many_large_bundles_at_once_are_not_read(site: Site) -> None:
    """What is read at a time has a limit, for all of them together."""
    lines = [f"POST {PATH} HTTP/1.1", "Host: x", "Content-Type: application/gzip", "Content-Length: 16777216"]
    lines += [f"Authorization: {token(repository='policies')}", "", ""]
    address = ("127.0.0.1", urlsplit(site.url).port)
    with ExitStack() as stack:
        wires = [stack.enter_context(socket.create_connection(address, timeout=20)) for _ in range(5)]
        for wire in wires:
            wire.sendall("\r\n".join(lines).encode())
        [first] = select.select(wires, [], [], 20)[0]
        assert first.recv(4096).startswith(b"HTTP/1.1 503 ")


def test_a_subject_that_is_no_text(site: Site) -> None:
    """Half a surrogate pair, which a token may have, is written out."""
    sent = token(repository="policies", sub="job \ud800")
    status, page = push(site, b"no archive, either", authorization=sent)
    assert status == 202
    judged(site, page)
    found = json.loads((site.root / page.strip("/")).read_text())
    assert found["pushed"]["by"] == f"{ISSUER} job \\ud800"


@pytest.mark.soak
def test_a_bundle_that_demands_less(evaluated: Callable[..., Any], workspaces: Path, tmp_path: Path) -> None:
    """The page says which rule flips in which decisions, as `gate policy impact` would."""
    assert evaluated("algo-trade", "stage1").code == 1
    files = load_bundle(SHIPPED_BUNDLES["prelive"]).files
    name = "gate/params/stage1/data.yaml"
    loose = {**files, name: files[name].replace(b"value: 800000", b"value: 300000", 1)}
    with running(service(tmp_path, workspaces / "algo-trade for stage1" / "ledger")) as site:
        _, page = push(site, pack(loose, PolicyError))
        text = judged(site, page)
    assert "some demand less" in text and "stage1.artifact_coverage" in text and "needs ≥ 30 %" in text


@pytest.mark.soak
def test_a_ledger_that_cannot_be_read(site: Site) -> None:
    """The page says so, and nothing of where the ledger would be."""
    status, page = push(
        site, pack(load_bundle(SHIPPED_BUNDLES["prelive"]).files, PolicyError), "/api/logs/gone/impact"
    )
    text = judged(site, page)
    assert status == 202 and "there is no ledger here" in text and str(site.root) not in text
