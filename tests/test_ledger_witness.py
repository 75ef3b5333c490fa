"""`gate ledger witness`: time stamps by `openssl ts`, cosignatures by a real litewitness."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.signing.keys import LogKey, VerifierKey

Gate = Callable[..., Any]
LITEWITNESS = "filippo.io/torchwood/cmd/litewitness@v0.7.0"
BUILD = Path(__file__).resolve().parent.parent / "build" / "tools"


def command(*arguments: str | Path, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(one) for one in arguments], cwd=cwd, capture_output=True, text=True, check=True, **options
    )


@pytest.fixture
def root(recorded: Callable[..., Path]) -> Path:
    """A workspace with one recorded decision."""
    return recorded("algo-trade", "stage1")


def configure(root: Path, settings: dict[str, Any]) -> None:
    """Set what is below `ledger` in gate.yaml."""
    text = (root / "gate.yaml").read_text()
    line = f"ledger: {json.dumps(settings)}\n"
    (root / "gate.yaml").write_text(re.sub(r"(?m)^ledger:.*\n(?:  .*\n)*", line, text))


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[bytes], tuple[int, bytes]]], str]]:
    """A factory of HTTP servers that answer every POST by a function of its content: their URLs."""
    servers = []

    def start(answer: Callable[[bytes], tuple[int, bytes]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status, data = answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


TSA = """
[tsa]
default_tsa = t
[t]
serial = serial
default_policy = 1.2.3.4
digests = sha256
signer_digest = sha256
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
certs = tsa.pem
ordering = yes
tsa_name = yes
ess_cert_id_alg = sha256
"""


class Authority:
    """A certificate authority with a time-stamping authority below it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.anchor = self.folder / "ca.pem"
        new = ["openssl", "req", "-newkey", "ed25519", "-nodes", "-batch"]
        command(*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", f"/CN={name}", cwd=self.folder)
        command(
            "openssl", "req", "-newkey", "rsa:2048", "-nodes", "-batch", "-keyout", "tsa.key",
            "-out", "tsa.csr", "-subj", f"/CN={name} TSA", cwd=self.folder,
        )  # fmt: skip
        (self.folder / "ext").write_text("extendedKeyUsage=critical,timeStamping\n")
        command(
            "openssl", "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-out", "tsa.pem", "-extfile", "ext", "-CAcreateserial", "-days", "3650", cwd=self.folder,
        )  # fmt: skip
        (self.folder / "ts.cnf").write_text(TSA)
        (self.folder / "serial").write_text("01\n")

    def answer(self, query: bytes) -> tuple[int, bytes]:
        """The stamp that the query asks for."""
        (self.folder / "query").write_bytes(query)
        command(
            "openssl", "ts", "-reply", "-config", "ts.cnf", "-queryfile", "query", "-out", "reply",
            cwd=self.folder,
        )  # fmt: skip
        return 200, (self.folder / "reply").read_bytes()


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def record_of(root: Path, gate: Gate, tmp_path: Path, *options: str | Path) -> str:
    """What the record of entry 0 says of authorities; gate and the record's VERIFY.md alike verify it."""
    done = gate("record", "export", "0", "-w", root, "-o", tmp_path / "r.tar", "-o", "json", *options)
    assert done.code == 0, done.err
    trust = json.loads(done.out)["trust"]
    found = gate("record", "verify", tmp_path / "r.tar", "--trust", trust, "-o", "json")
    assert found.code == 0, found.out
    folder = tmp_path / "unpacked"
    folder.mkdir()
    command("tar", "-xf", tmp_path / "r.tar", cwd=folder)
    page = (folder / "VERIFY.md").read_text()
    script = "".join(re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    stock = command("bash", "-euo", "pipefail", "-c", script, cwd=folder)
    assert stock.stdout.splitlines()[0] == f"trust {trust}"
    assert stock.stdout.endswith("record verified\n")
    (text,) = (one["text"] for one in json.loads(found.out)["checks"] if one["name"] == "authorities")
    assert ("Time stamp:" in stock.stdout, "witnesses that cosigned: 1" in stock.stdout) == (
        "stamped" in text, "cosigned" in text,
    )  # fmt: skip
    return str(text)


@pytest.mark.soak
@needs_openssl
def test_a_time_stamp_is_an_outside_copy(root: Path, gate: Gate, serve: Any, tmp_path: Path) -> None:
    """It is kept beside its checkpoint, holds for openssl alone, and counts where its anchor is given."""
    authority = Authority(tmp_path, "good")
    configure(root, {"timestamps": {"url": serve(authority.answer)}})
    done = gate("ledger", "witness", "-w", root)
    assert done.code == 0, done.err
    assert "stamped by http://127.0.0.1" in done.out
    history = root / "ledger" / "checkpoints"
    checked = command(
        "openssl", "ts", "-verify", "-data", history / "1", "-in", history / "1.tsr",
        "-CAfile", authority.anchor, cwd=tmp_path,
    )  # fmt: skip
    assert "Verification: OK" in checked.stdout
    stranger = {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    alone = gate("ledger", "verify", "-w", root, env=stranger)
    assert "consistent in itself, not compared" in alone.out
    shutil.rmtree(tmp_path / "stranger")
    option = ("--timestamp-anchor", authority.anchor)
    verified = json.loads(gate("ledger", "verify", "-w", root, "-o", "json", *option, env=stranger).out)
    assert (verified["ok"], verified["verified"]) == (True, "outside")
    assert verified["outside"][-1].startswith("the time stamp of 20")
    gate("evaluate", "stage2", "-w", root, "--quiet")
    step = record_of(root, gate, tmp_path, *option)
    assert re.fullmatch(r"stamped on 20.*Z", step)
    late = gate("record", "export", "1", "-w", root, "-o", tmp_path / "late.tar", *option)
    assert late.code == 2
    assert "entry 1 cannot be proved: no time stamp is over a checkpoint that covers it" in late.err
    other = ("--timestamp-anchor", Authority(tmp_path, "other").anchor)
    foreign = gate("record", "export", "0", "-w", root, "-o", tmp_path / "late.tar", *other)
    assert (foreign.code, "the time stamp does not hold" in foreign.err) == (2, True)


@needs_openssl
def test_a_stamp_that_does_not_hold_is_found(root: Path, gate: Gate, serve: Any, tmp_path: Path) -> None:
    """Another authority's, one of another checkpoint, or rubbish."""
    good, other = Authority(tmp_path, "good"), Authority(tmp_path, "other")
    configure(root, {"timestamps": {"url": serve(good.answer)}})
    assert gate("ledger", "witness", "-w", root).code == 0
    stamp = root / "ledger" / "checkpoints" / "1.tsr"
    foreign = gate("ledger", "verify", "-w", root, "--timestamp-anchor", other.anchor)
    assert foreign.code == 1
    assert "checkpoints/1.tsr: the time stamp does not hold" in foreign.out
    first = stamp.read_bytes()
    gate("evaluate", "stage1", "-w", root, "--quiet")
    for content in (first, b"rubbish", b"", first[:-1]):
        (root / "ledger" / "checkpoints" / "2.tsr").write_bytes(content)
        done = gate("ledger", "verify", "-w", root, "--timestamp-anchor", good.anchor)
        assert done.code == 1, content[:10]
        assert "checkpoints/2.tsr" in done.out
    bad = gate("ledger", "verify", "-w", root, "--timestamp-anchor", root / "gate.yaml")
    assert bad.code == 2
    assert "no PEM certificate" in bad.err


ANSWERS: dict[str, tuple[int, bytes]] = {
    "refuses": (500, b""),
    "redirects": (302, b""),
    "answers rubbish": (200, b"rubbish"),
    "answers too much": (200, bytes(100_000)),
    "names a size that no log has": (409, b"9" * 5000),
}


@pytest.mark.soak
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("kind", ["timestamps", "witnesses"])
def test_an_authority_that_fails_leaves_the_ledger_as_it_was(
    root: Path, gate: Gate, serve: Any, answer: str, kind: str
) -> None:
    """One error that names it; exit code 2."""
    url = serve(lambda _: ANSWERS[answer])
    item = {"url": url}
    configure(root, {kind: item if kind == "timestamps" else [{**item, "key": WITNESS}]})
    before = sorted(path.name for path in (root / "ledger" / "checkpoints").iterdir())
    done = gate("ledger", "witness", "-w", root, "-o", "json")
    assert done.code == 2
    assert url in done.err
    assert json.loads(done.out)["complete"] is False
    assert sorted(path.name for path in (root / "ledger" / "checkpoints").iterdir()) == before


@needs_openssl
def test_a_stamp_of_something_else_is_not_kept(root: Path, gate: Gate, serve: Any, tmp_path: Path) -> None:
    """The authority answers an older request again."""
    authority = Authority(tmp_path, "good")
    old = tmp_path / "old"
    old.write_bytes(b"other")
    command("openssl", "ts", "-query", "-data", old, "-sha256", "-cert", "-out", "q", cwd=tmp_path)
    reply = authority.answer((tmp_path / "q").read_bytes())
    configure(root, {"timestamps": {"url": serve(lambda _: reply)}})
    done = gate("ledger", "witness", "-w", root)
    assert done.code == 2
    assert "about something else" in done.err


WITNESS, AGAIN = (
    str(VerifierKey(f"w.example/{name}", LogKey.from_seed(bytes(32)).public, b"\x04"))
    for name in ("one", "two")
)


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({}, "ledger"),
        ({"witnesses": [{"url": "http://h", "key": "x"}]}, "ledger.witnesses.0.key"),
        ({"witnesses": [{"url": "ftp://h", "key": WITNESS}]}, "ftp://h"),
        ({"witnesses": [{"url": "http://h", "key": WITNESS}], "quorum": 2}, "ledger.quorum"),
        ({"witnesses": [{"url": "http://h", "key": WITNESS}], "quorum": 0}, "ledger.quorum"),
        ({"witnesses": [{"url": "http://h", "key": WITNESS}] * 2}, "ledger.quorum"),
        ({"witnesses": [{"url": "http://h", "key": one} for one in (WITNESS, AGAIN)]}, "ledger.quorum"),
    ],
)
def test_settings_that_cannot_be_are_named(
    root: Path, gate: Gate, settings: dict[str, Any], place: str
) -> None:
    configure(root, settings)
    done = gate("ledger", "witness", "-w", root)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("configuration error")
    assert place in done.err


@pytest.fixture(scope="session")
def litewitness() -> Path:
    """The litewitness program, built once into build/tools."""
    found = shutil.which("litewitness", path=os.pathsep.join([str(BUILD), os.environ["PATH"]]))
    if found is not None:
        return Path(found)
    if shutil.which("go") is None or shutil.which("ssh-agent") is None:
        pytest.skip("needs litewitness, or Go to build it, and ssh-agent")
    env = {**os.environ, "GOBIN": str(BUILD)}
    built = subprocess.run(["go", "install", LITEWITNESS], env=env, capture_output=True, text=True)
    if built.returncode != 0:
        pytest.skip(f"litewitness cannot be built here: {built.stderr[-200:]}")
    return BUILD / "litewitness"


class Witness:
    """A running litewitness with its key in an ssh-agent of its own."""

    def __init__(self, program: Path, folder: Path, name: str) -> None:
        folder.mkdir()
        self.database, agent = folder / "db", folder / "agent"
        command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key", cwd=folder)
        self.processes = [subprocess.Popen(["ssh-agent", "-D", "-a", str(agent)], stdout=subprocess.DEVNULL)]
        add = ["ssh-add", "-q", str(folder / "key")]
        env = {**os.environ, "SSH_AUTH_SOCK": str(agent)}
        # the agent's socket is there a moment before anybody listens at it
        until(lambda: subprocess.run(add, env=env, capture_output=True).returncode == 0)
        fingerprint = command("ssh-keygen", "-l", "-f", folder / "key", cwd=folder).stdout.split()[1]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{address}"
        log = folder / "log"
        arguments = ["-name", name, "-db", self.database, "-ssh-agent", agent, "-listen", address]
        with log.open("wb") as stream:
            self.processes.append(
                subprocess.Popen([program, *arguments, "-key", fingerprint], stderr=stream, stdout=stream)
            )
        until(lambda: "msg=listening" in log.read_text() and reachable(address))
        found = re.search(r"vkey=\"?([^\s\"]+)", log.read_text())
        assert found is not None, log.read_text()
        self.settings = {"url": self.url, "key": found[1]}

    def know(self, root: Path) -> None:
        """Register a workspace's log, as `witnessctl add-log` and `add-key` do."""
        key = (root / "ledger" / "trust" / "log.vkey").read_text().strip()
        origin = key.partition("+")[0]
        connection = sqlite3.connect(self.database)
        with connection:
            empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
            connection.execute("INSERT INTO log VALUES (?, 0, ?)", (origin, empty))
            connection.execute("INSERT INTO key VALUES (?, ?)", (origin, key))
        connection.close()

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait()


def until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise TimeoutError("it does not start")


def reachable(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.fixture
def witnesses(litewitness: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Witness]]:
    folder = tmp_path_factory.mktemp("w")  # a socket's path must be short
    running = [Witness(litewitness, folder / name, f"w.example/{name}") for name in ("a", "b")]
    yield running
    for one in running:
        one.stop()


def test_witnesses_cosign_a_growing_log_and_refuse_a_shrunk_or_forked_one(
    root: Path, gate: Gate, witnesses: list[Witness], tmp_path: Path
) -> None:
    """Two real witnesses of which both are needed: the whole life of a ledger."""
    configure(root, {"witnesses": [one.settings for one in witnesses]})
    unknown = gate("ledger", "witness", "-w", root)
    assert unknown.code == 2
    assert "does not know this log" in unknown.err
    witnesses[0].know(root)
    half = json.loads(gate("ledger", "witness", "-w", root, "-o", "json").out)
    assert (half["complete"], half["done"]) == (False, ["cosigned by w.example/a"])
    stranger = {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    assert "consistent in itself, not" in gate("ledger", "verify", "-w", root, env=stranger).out
    witnesses[1].know(root)
    shutil.copytree(root / "ledger", tmp_path / "old")
    for _ in range(2):  # asking again changes nothing
        done = gate("ledger", "witness", "-w", root)
        assert (done.code, done.err) == (0, "")
    gate("evaluate", "stage2", "-w", root, "--quiet")
    gate("evaluate", "stage3", "-w", root, "--quiet")
    assert gate("ledger", "witness", "-w", root).code == 0
    shutil.rmtree(tmp_path / "stranger")
    verified = json.loads(gate("ledger", "verify", "-w", root, "-o", "json", env=stranger).out)
    assert verified["verified"] == "outside"
    assert re.fullmatch(
        r"the cosignatures by w.example/a of .*, w.example/b of .* \(size 3\)", verified["outside"][-1]
    )
    proof = gate("ledger", "prove", "0", "-w", root, "-o", "tlog-proof").out
    assert [proof.count(f"\n— w.example/{name} ") for name in "ab"] == [1, 1]

    cosigned = root / "ledger" / "checkpoints" / "3.cosig"
    text = cosigned.read_text()
    broken = bytearray(base64.b64decode(text.split()[-1]))
    broken[-1] ^= 1
    flipped = text.replace(text.split()[-1], base64.b64encode(broken).decode())
    for forged in (flipped, "rubbish\n"):
        cosigned.write_text(forged)
        found = gate("ledger", "verify", "-w", root)
        assert (found.code, "checkpoints/3.cosig" in found.out) == (1, True)
    cosigned.write_text(text.replace("w.example/a ", "w.example/c ", 1))  # somebody who is not asked
    assert "(size 1)" in gate("ledger", "verify", "-w", root).out
    cosigned.write_text(text)

    new = root / "ledger"
    new.rename(tmp_path / "new")
    shutil.copytree(tmp_path / "old", new)
    shutil.rmtree(Path(os.environ["GATE_CONFIG_DIR"]) / "receipts")
    shrunk = gate("ledger", "witness", "-w", root)
    assert shrunk.code == 2
    assert "the ledger was cut back: the witness w.example/a saw 3 entries" in shrunk.err
    for stage in ("stage4", "stage4", "stage4"):
        gate("evaluate", stage, "-w", root, "--quiet")
    forked = gate("ledger", "witness", "-w", root)
    assert forked.code == 2
    assert "saw another log of this name, which does not begin with the same 3 entries" in forked.err


def test_a_quorum_of_one_is_enough(root: Path, gate: Gate, witnesses: list[Witness], tmp_path: Path) -> None:
    witnesses[0].know(root)
    configure(root, {"witnesses": [one.settings for one in witnesses], "quorum": 1})
    done = gate("ledger", "witness", "-w", root)
    assert done.code == 0
    assert "w.example/b did not cosign" in done.err
    assert "the cosignatures by w.example/a" in gate("ledger", "verify", "-w", root).out
    step = record_of(root, gate, tmp_path)
    assert re.fullmatch(r"cosigned by w.example/a on 20.*Z", step)
    configure(root, {"witnesses": [one.settings for one in witnesses], "quorum": 2})
    few = gate("record", "export", "0", "-w", root, "-o", tmp_path / "few.tar")
    assert few.code == 2
    assert "cosigned by 1 witness, needs 2" in few.err
    assert "run `gate ledger witness`" in few.err
