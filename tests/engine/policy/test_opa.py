"""The OPA engine: what a server has, gets and loses, and what goes wrong on the way to it."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.engine.policy import EngineOptions, open_engine
from gate.engine.policy.engines.opa.address import OpaSettings
from gate.engine.policy.interface import Bundle
from gate.evidence.base.errors import ConfigError, EngineError, EnvironmentProblem, GateError, PolicyError
from gate.evidence.base.limits import DEFAULT, Limits

LIB = "package gate.lib\n\ntwice(n) := n * data.gate.params.x.factor.value\n"
RULE = """\
package gate.x

# the text: data.gate.lib
y := data.gate.lib.twice(input.v)

text := "data.gate.lib"
"""
DATA = {"gate": {"params": {"x": {"factor": {"value": 2, "unit": "a-b", "rationale": 'é"\\'}}}}}
FAST = EngineOptions(OpaSettings(retries=0))


def bundle(modules: dict[str, str] | None = None, data: dict[str, Any] | None = None) -> Bundle:
    """A bundle of two packages, whose first module calls the second one's function."""
    wanted = {"gate/a.rego": RULE, "gate/lib.rego": LIB} if modules is None else modules
    return Bundle("small", "1.0.0", "0" * 64, wanted, DATA if data is None else data, {}, (), ())


def written(folder: Path, revision: str, modules: dict[str, str], data: dict[str, Any]) -> Path:
    """The same as a directory for `opa run --bundle`."""
    for path, text in {
        **modules,
        ".manifest": json.dumps({"revision": revision, "roots": ["gate"]}),
        "data.json": json.dumps(data),
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def ask(address: str, of: Bundle, options: EngineOptions = FAST, limits: Limits = DEFAULT) -> Any:
    """The value of package gate.x, for 21."""
    with open_engine(f"opa={address}", of, limits, options) as engine:
        return engine.evaluate(["gate.x"], {"v": 21})["gate.x"]


def failed(address: str, of: Bundle, options: EngineOptions = FAST, limits: Limits = DEFAULT) -> GateError:
    """The error of asking that."""
    with pytest.raises(GateError) as caught:
        ask(address, of, options, limits)
    assert caught.value.remedy
    return caught.value


def test_an_upload_is_in_a_namespace_and_removed(opa_server: Any) -> None:
    """Two bundles with the same packages in one server at once; neither is left behind."""
    other = bundle(data={"gate": {"params": {"x": {"factor": {"value": 3}}}}})
    with (
        open_engine(f"opa={opa_server.address}", bundle(), DEFAULT, FAST) as one,
        open_engine(f"opa={opa_server.address}/", other, DEFAULT, FAST) as two,
    ):
        for _ in range(2):
            assert one.evaluate(["gate.x"], {"v": 21})["gate.x"] == {"y": 42, "text": "data.gate.lib"}
            assert two.evaluate(["gate.x"], {"v": 21})["gate.x"]["y"] == 63
        held = json.loads(opa_server.get("/v1/policies"))["result"]
        assert {one["id"].split("/")[0] for one in held} == {"gate_run"}
    assert json.loads(opa_server.get("/v1/policies"))["result"] == []
    assert "gate" not in json.loads(opa_server.get("/v1/data"))["result"]


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ('package gate.x\n\ny := data["gate"].params', "the reference data.gate"),
        ("package gate.x\n\ny := data[input.v]", "the reference data"),
        ("package gate.x\n\ny := count(data)", "the reference data"),
        ('package gate.x\n\ny := $"{data.other.secret}"', "the reference data.other"),
        ("package gate.x\n\ny := data\n.other", "the reference data"),
        ("package gate[`x`]\n\ny := 1", "the package's name is not a plain one"),
    ],
)
def test_what_cannot_be_moved_is_refused(opa_server: Any, source: str, what: str) -> None:
    """A reference that would lead out of the namespace, to what others have in the server."""
    error = failed(opa_server.address, bundle({"gate/x.rego": source}))
    assert what in error.what or "rego" in error.what or "load" in error.what, error.diagnostics()
    assert isinstance(error, PolicyError)
    assert json.loads(opa_server.get("/v1/policies"))["result"] == []


def test_an_error_in_an_upload_names_the_bundle_s_own_place(opa_server: Any) -> None:
    """Modules of one package are uploaded as one; messages name the file and line that the author knows."""
    second = "# about\npackage gate.x\n\n# more\nz := {\n\nw := ]"
    error = failed(
        opa_server.address, bundle({"gate/a.rego": "package gate.x\n\ny := 1\n", "gate/b.rego": second})
    )
    assert (error.path, str(error.place).partition(",")[0]) == ("gate/b.rego", "line 7")
    clash = "package gate.x\n\nw := 1\n\nw := 2 if input.v == 21"
    error = failed(
        opa_server.address, bundle({"gate/a.rego": "package gate.x\n\ny := 1\n", "gate/c.rego": clash})
    )
    assert (error.path, str(error.place).partition(",")[0]) == ("gate/c.rego", "line 5")
    assert "conflict" in error.what


def test_a_server_s_own_bundle_must_be_the_bundle(start_opa: Callable[..., Any], tmp_path: Path) -> None:
    """The same revision, modules and data are asked as they are; anything else is refused."""
    ours = bundle()
    folder = written(tmp_path / "bundle", "1.0.0", ours.modules, ours.data)
    server = start_opa("--bundle", str(folder))
    assert ask(server.address, ours)["y"] == 42
    cases = [
        (
            Bundle("small", "1.0.1", "0" * 64, ours.modules, ours.data, {}, (), ()),
            "it has revision 1.0.0 of it",
        ),
        (bundle({**ours.modules, "gate/a.rego": RULE + "\nmore := 1\n"}), "it has other modules"),
        (bundle(data={"gate": {"params": {"x": {"factor": {"value": 3}}}}}), "it has other data below gate"),
        (bundle(data={**DATA, "other": 1}), "it has other data below other"),
    ]
    for other, what in cases:
        error = failed(server.address, other)
        assert error.what.startswith("the OPA server does not have the bundle small 1.0"), error.what
        assert what in error.what
    before = server.get("/v1/policies")
    assert "gate_run" not in before


def test_policies_of_no_bundle_are_refused(start_opa: Callable[..., Any], tmp_path: Path) -> None:
    """What somebody put into the server file by file could change between two questions."""
    folder = written(tmp_path / "files", "1.0.0", bundle().modules, DATA)
    server = start_opa(str(folder / "gate"), str(folder / "data.json"))
    error = failed(server.address, bundle())
    assert "not from one bundle" in error.what
    assert "--bundle" in str(error.remedy)


def test_a_server_that_changes_under_us(start_opa: Callable[..., Any], tmp_path: Path) -> None:
    """Another revision after a restart is refused; so is a lost upload, until the next question."""
    ours = bundle()
    folder = written(tmp_path / "bundle", "1.0.0", ours.modules, ours.data)
    server = start_opa("--bundle", str(folder))
    with open_engine(f"opa={server.address}", ours, DEFAULT, EngineOptions()) as engine:
        engine.evaluate(["gate.x"], {"v": 21})
        server.stop()
        written(folder, "1.0.1", ours.modules, {"gate": {"params": {"x": {"factor": {"value": 9}}}}})
        server.start()
        with pytest.raises(EngineError, match=r"answered with revision 1\.0\.1"):
            engine.evaluate(["gate.x"], {"v": 21})
    empty = start_opa()
    with open_engine(f"opa={empty.address}", ours, DEFAULT, EngineOptions()) as engine:
        engine.evaluate(["gate.x"], {"v": 21})
        empty.stop()
        empty.start()
        with pytest.raises(EngineError, match="no longer has the policies"):
            engine.evaluate(["gate.x"], {"v": 21})
        assert engine.evaluate(["gate.x"], {"v": 21})["gate.x"]["y"] == 42


def test_a_server_that_is_down_is_tried_again(start_opa: Callable[..., Any]) -> None:
    """A refused connection is tried again while there is time; then the error names the address."""
    server = start_opa()
    server.stop()
    error = failed(server.address, bundle())
    assert error.what == "the OPA server cannot be reached: Connection refused"
    assert error.path == server.address
    threading.Timer(0.3, server.start).start()
    assert ask(server.address, bundle(), EngineOptions(OpaSettings(retries=20)))["y"] == 42


class Hostile(http.server.BaseHTTPRequestHandler):
    """Answers every request with ``reply``, written to the socket as it is."""

    protocol_version = "HTTP/1.1"
    reply: Callable[[Any], Iterator[bytes]]

    def answer(self) -> None:
        """Write the reply and hang up."""
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        self.close_connection = True
        try:
            for piece in type(self).reply(self):
                self.wfile.write(piece)
                self.wfile.flush()
        except OSError:
            pass

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the names that the base class calls

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hostile() -> Iterator[Callable[[Callable[[Any], Iterator[bytes]]], str]]:
    """A factory of servers that answer so, as the address."""
    servers = []

    def start(reply: Callable[[Any], Iterator[bytes]]) -> str:
        handler = type("Handler", (Hostile,), {"reply": staticmethod(reply)})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def reply(body: bytes, status: str = "200 OK", length: int | None = None, more: str = "") -> list[bytes]:
    """One HTTP reply."""
    size = len(body) if length is None else length
    return [f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{more}\r\n".encode(), body]


def drip(_: Any) -> Iterator[bytes]:
    """A reply that never ends, a byte at a time."""
    yield b"HTTP/1.1 200 OK\r\nX: "
    for _ in range(100):
        time.sleep(0.05)
        yield b"x"


ENDLESS = b'{"result": [' + b"1," * 200_000


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (reply(b'{"result": []}', length=500), "ended its reply too early"),
        (reply(ENDLESS), "answers with more than 65536 bytes"),
        (reply(b"[" * 60_000), "answers with something that is no JSON of OPA's"),
        (reply(b"<html>502</html>", "502 Bad Gateway"), "reports an error: HTTP status 502"),
        (reply(b"{}", "302 Found", more="Location: http://127.0.0.1:1/\r\n"), "answers with a redirect"),
        (reply(b'{"code": "unauthorized"}', "401 Unauthorized"), "refuses the request"),
        (reply(b'{"result": 3}'), "does not answer as OPA does"),
        (reply(b"\xff\x00"), "answers with something that is no JSON of OPA's"),
        (reply(b'{"result": [[]]}'), "does not answer as OPA does"),
        (reply(b'{"result": []}', more="Content-Encoding: gzip\r\n"), "the OPA server"),
    ],
)
def test_wrong_replies_are_errors(hostile: Callable[..., str], answer: list[bytes], what: str) -> None:
    """Cut off, too large, nested, foreign: one error that says what came, and no verdict."""
    error = failed(hostile(lambda _: iter(answer)), bundle(), FAST, Limits(file_bytes=65_536))
    assert what in error.what
    assert isinstance(error, EngineError)


def test_a_slow_server_has_one_deadline(hostile: Callable[..., str]) -> None:
    """A reply that comes byte by byte is as late as none."""
    began = time.monotonic()
    error = failed(hostile(drip), bundle(), FAST, Limits(policy_seconds=0.3))
    assert "did not answer within 0.3 s" in error.what
    assert time.monotonic() - began < 4


def test_replicas_answer_for_themselves(
    hostile: Callable[..., str], start_opa: Callable[..., Any], tmp_path: Path
) -> None:
    """Behind one address, each answer must rest on the revision: one replica with another one is noticed."""
    ours, servers = bundle(), []
    for revision in ("1.0.0", "1.0.0", "0.9.0"):
        folder = written(tmp_path / "bundle", revision, ours.modules, ours.data)
        servers.append(start_opa("--bundle", str(folder)))
    turns: list[Any] = [servers[0], servers[1]]

    def balance(request: Any) -> Iterator[bytes]:
        turns.append(turns.pop(0))
        with socket.create_connection(("127.0.0.1", turns[0].port)) as there:
            there.sendall(request.raw_requestline + bytes(request.headers) + request.body)
            while piece := there.recv(65_536):
                yield piece

    class Keeping(Hostile):
        def answer(self) -> None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.headers.replace_header("Connection", "close") if "Connection" in self.headers else None
            self.close_connection = True
            for piece in balance(self):
                self.wfile.write(piece)

        do_GET = do_POST = answer  # noqa: N815 - as above

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keeping)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        with open_engine(f"opa=http://127.0.0.1:{server.server_port}", ours, DEFAULT, FAST) as engine:
            for _ in range(3):
                assert engine.evaluate(["gate.x"], {"v": 21})["gate.x"]["y"] == 42
            turns[:] = [servers[2]]
            with pytest.raises(EngineError, match=r"answered with revision 0\.9\.0"):
                engine.evaluate(["gate.x"], {"v": 21})
    finally:
        server.shutdown()
        server.server_close()


def test_tls_certificates_and_token(
    start_opa: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An authority of one's own, a client certificate and a token; without one of them there is no answer."""
    make_certificates(tmp_path)
    rules = tmp_path / "authz.rego"
    rules.write_text(
        'package system.authz\n\ndefault allow := false\n\nallow if input.identity == "s3cret-Token"\n'
    )
    arguments = [
        "--tls-cert-file",
        "server.pem",
        "--tls-private-key-file",
        "server.key",
        "--tls-ca-cert-file",
        "ca.pem",
    ]
    arguments = [str(tmp_path / one) if not one.startswith("-") else one for one in arguments]
    server = start_opa(
        *arguments, "--authentication", "token", "--authorization", "basic", str(rules), scheme="https"
    )
    files = {
        "ca": str(tmp_path / "ca.pem"),
        "certificate": str(tmp_path / "client.pem"),
        "key": str(tmp_path / "client.key"),
    }
    monkeypatch.setenv("OPA_TOKEN", "s3cret-Token\n")
    (tmp_path / "token").write_text("s3cret-Token\n")
    address = server.address.replace("127.0.0.1", "localhost")
    for more in ({"token_variable": "OPA_TOKEN"}, {"token_file": str(tmp_path / "token")}):
        assert ask(address, bundle(), EngineOptions(OpaSettings(**files, **more)))["y"] == 42
    (tmp_path / "token").write_text("wrong-Token")
    error = failed(address, bundle(), EngineOptions(OpaSettings(**files, token_file=str(tmp_path / "token"))))
    assert "refuses the request" in error.what and "Token" not in error.diagnostics()
    odd = str(tmp_path / "token")
    error = failed(address, bundle(), EngineOptions(OpaSettings(ca=odd, token_variable="OPA_TOKEN")))
    assert "cannot be" in error.what and "opa" in str(error.remedy) and "Token" not in error.diagnostics()
    error = failed(address, bundle(), EngineOptions(OpaSettings(token_variable="OPA_TOKEN", retries=0)))
    assert "cannot be trusted" in error.what and "Token" not in error.diagnostics()


def make_certificates(folder: Path) -> None:
    """An authority, and certificates of it for the server and for a client."""
    import shutil

    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650")
    openssl(*new, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("server", "client"):
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        openssl(*new, "-subj", f"/CN={name}", *signed, "-addext", "basicConstraints=critical,CA:FALSE",
                "-keyout", f"{name}.key", "-out", f"{name}.pem")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("opa=", "what follows opa= is not the address of an OPA server"),
        ("opa=ftp://h", "what follows opa= is not the address of an OPA server"),
        ("opa=http://", "what follows opa= is not the address of an OPA server"),
        ("opa=http://h:99999", "the OPA server's address is malformed"),
        ("opa=http://h:0", "the OPA server's address is malformed"),
        ("opa=http://h\nost", "the OPA server's address has spaces or control characters"),
        ("opa=http://h /", "the OPA server's address has spaces or control characters"),
        ("opa=http://[::1", "the OPA server's address is malformed"),
        ("opa=http://me:secret@h", "the OPA server's address holds a user or password"),
        ("opa=http://h/?token=secret", "more than a host, a port and a plain path"),
        ("opa=http://h/a%2Fb", "more than a host, a port and a plain path"),
        ("opa=unix:opa.sock", "socket is not absolute"),
        ("opa=http://" + "a" * 1000, "has more than 1000 characters"),
        ("opa=http://" + "a" * 254, "what follows opa= is not the address of an OPA server"),
        ("opa=http://h\nX: y", "the OPA server's address"),
    ],
)
def test_addresses_that_are_none(name: str, what: str) -> None:
    """Named before anything is asked, without what may be secret in them."""
    with pytest.raises(ConfigError) as caught:
        open_engine(name, bundle(), DEFAULT)
    assert what in caught.value.what
    assert "secret" not in caught.value.diagnostics()


@pytest.mark.parametrize(
    ("address", "settings", "what"),
    [
        ("https://h", OpaSettings(ca="ca.pem"), "the path is not absolute"),
        ("https://h", OpaSettings(ca="/nowhere/ca.pem"), "there is no file"),
        ("http://h", OpaSettings(ca=__file__), "certificates mean nothing to http"),
        ("http://h", OpaSettings(token_variable="TOKEN"), "the token would travel unencrypted"),
        ("https://h", OpaSettings(token_variable="NOT_SET"), "there is no token"),
        ("https://h", OpaSettings(token_variable="TWO"), "there is no token"),
    ],
)
def test_settings_that_do_not_fit(
    address: str, settings: OpaSettings, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that are not there and tokens that would leak are refused before anything is sent."""
    monkeypatch.setenv("TOKEN", "s3cret")
    monkeypatch.setenv("TWO", "s3cret\nX-Header: s3cret")
    with pytest.raises(ConfigError) as caught:
        open_engine(f"opa={address}", bundle(), DEFAULT, EngineOptions(settings))
    assert what in caught.value.what
    assert "s3cret" not in caught.value.diagnostics()


def test_no_opa_of_the_workspace_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name in the judged directory, or behind a relative entry of PATH, is none."""
    program = tmp_path / "opa"
    program.write_text("#!/bin/sh\ntouch started\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}.{os.pathsep}")
    with pytest.raises(EnvironmentProblem) as caught:
        open_engine("opa", bundle(), DEFAULT, EngineOptions(workspace=tmp_path))
    assert caught.value.what == "there is no program opa on PATH, outside of the workspace"
    assert not (tmp_path / "started").exists()


def test_a_managed_server_is_private_and_ends(
    opa: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its directory is the user's alone and is gone afterwards, as is its process."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with open_engine("opa", bundle(), DEFAULT) as engine:
        assert engine.evaluate(["gate.x"], {"v": 21})["gate.x"]["y"] == 42
        (folder,) = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        running = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False)
        assert running.stdout.split()
    assert list(tmp_path.iterdir()) == []
    running = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False)
    assert running.stdout.split() == []
