"""Decisions judged again on a real Dask cluster: a scheduler and workers that the tests start."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gate.engine.context import open_context
from gate.engine.decision.document import Decision
from gate.engine.entries.reading import decisions
from gate.engine.entries.statement import statement
from gate.engine.ledger import open_ledger, open_reader
from gate.engine.policy.bundle import SHIPPED
from gate.evidence.base.canonical import canonical
from gate.evidence.signing.keys import load_or_create_log_key

Gate = Callable[..., Any]
COUNT = 65
"""Decisions: two tasks of a cluster."""


class Cluster:
    """A scheduler on the loopback interface, and workers."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str] | None = None, scheme: str = "tcp"
    ) -> None:
        pytest.importorskip("distributed", reason="the extra dask is not installed")
        self._folder, self._environment = folder, {**os.environ, **(environment or {})}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._address = f"{scheme}://127.0.0.1:{self.port}"
        self.url = self._address.replace("tcp:", "dask:")
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        options = ("--host", self._address.rpartition(":")[0], "--port", self.port, "--no-show")
        self.scheduler = self._start("scheduler", *options)
        wait_until(self._listens, self.scheduler)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _start(self, kind: str, *options: object, before: str = "") -> subprocess.Popen[bytes]:
        code = f"{before or None}; from distributed.cli.dask_{kind} import main; main()"
        command = [sys.executable, "-c", code, "--no-dashboard", *map(str, options)]
        with (self._folder / f"{kind}.log").open("ab") as log:
            return subprocess.Popen(command, env=self._environment, cwd=self._folder, stdout=log, stderr=log)

    def add(self, name: str, before: str = "") -> subprocess.Popen[bytes]:
        """Start a worker that first runs this code."""
        options = ("--no-nanny", "--nthreads", 1, "--name", name, "--local-directory", self._folder)
        self.workers[name] = self._start("worker", self._address, *options, before=before)
        return self.workers[name]

    def stop(self) -> None:
        """End everything."""
        for process in (*self.workers.values(), self.scheduler):
            process.kill()
            process.wait()


@dataclass
class Place:
    """A workspace with many decisions, an edited bundle, and where the log key is."""

    root: Path
    edited: Path
    config: Path

    def run(self, gate: Gate, *arguments: object, **options: Any) -> Any:
        """Run a command about it."""
        env = {"GATE_CONFIG_DIR": str(self.config)}
        return gate(*map(str, arguments), "-w", str(self.root), env=env, **options)

    def start(self, *arguments: object, cwd: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a command about it."""
        command = [sys.executable, "-m", "gate", *map(str, arguments), "-w", str(self.root)]
        env = {**os.environ, "GATE_CONFIG_DIR": str(self.config)}
        return subprocess.Popen(
            command, env=env, cwd=cwd or self.root.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )


@pytest.fixture(scope="module")
def place(
    evaluated: Callable[..., Any], workspaces: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A ledger of COUNT decisions that differ in how many artifacts exist; half of them flip when edited."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cluster")
        patch.setenv("GATE_CONFIG_DIR", str(folder / "first"))
        evaluated("algo-trade", "stage1")
        first = workspaces / "algo-trade for stage1"
        root, config = folder / "algo-trade", folder / "config"
        root.mkdir()
        shutil.copy(first / "gate.yaml", root)
        with open_reader(first / "ledger") as ledger:
            [line] = decisions(ledger)
            stored = json.loads(ledger.evidence.get(line.summary.input))
            bundle = ledger.evidence.get(line.summary.bundle)
            decision = Decision.from_json(json.loads(ledger.evidence.get(line.summary.decision)))
        key, _ = load_or_create_log_key(config)
        facts, made = stored["input"]["facts"]["artifacts"], []
        with open_ledger(open_context(root).ledger, key, config_dir=config) as ledger:
            for number in range(COUNT):
                facts["found_ppm"] = 300_000 + number
                one = msgspec.structs.replace(decision, input_digest=ledger.evidence.put(canonical(stored)))
                digest = ledger.evidence.put(canonical(one.to_json()))
                made.append(statement(one, digest, ledger.evidence.put(bundle)))
            ledger.append(made)
            ledger.seal("2025-12-05T12:00:00Z")
    edited = folder / "policies"
    shutil.copytree(SHIPPED, edited, ignore=shutil.ignore_patterns("*_test.rego", "__pycache__"))
    data = edited / "gate" / "params" / "stage1" / "data.yaml"
    data.write_text(data.read_text().replace("value: 800000", f"value: {300_000 + COUNT // 2}", 1))
    yield Place(root, edited, config)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster without workers."""
    made = Cluster(tmp_path_factory.mktemp("dask"))
    yield made
    made.stop()


def wait_until(true: Callable[[], Any], process: subprocess.Popen[bytes]) -> None:
    """Wait until something holds, while the process runs."""
    deadline = time.monotonic() + 120
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def children(process: subprocess.Popen[bytes]) -> list[str]:
    """The processes that any thread of a process started."""
    tasks = Path(f"/proc/{process.pid}/task")
    return [pid for one in tasks.iterdir() for pid in (one / "children").read_text().split()]


def finished(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_bytes_do_not_depend_on_where_it_is_done(place: Place, cluster: Cluster, gate: Gate) -> None:
    """One process, two, and a cluster of two workers, one of which is killed while it judges."""
    command = ("policy", "impact", place.edited, "-o", "json")
    alone, both = (place.run(gate, *command, "-j", jobs) for jobs in (1, 2))
    first = cluster.add("first")
    running = place.start(*command, "--cluster", cluster.url)
    wait_until(lambda: children(first), running)
    first.send_signal(signal.SIGKILL)
    cluster.add("second")
    code, out, err = finished(running)
    assert (alone.code, both.code, code) == (1, 1, 1), err
    assert len(json.loads(out)["changed"]) == (COUNT + 1) // 2
    assert out == alone.out == both.out
    assert err == ""


def test_an_address_that_is_none(place: Place, gate: Gate) -> None:
    """Each is refused before anything is read; so are a cluster and processes of this machine together."""
    for url in ("dask://x", "http://x:1", "dask://u:p@x:1", "dask://x:99999", "dask://x:1/a", "dask:x", ""):
        found = place.run(gate, "replay", "--all", "--cluster", url)
        assert (found.code, found.out) == (2, ""), url
        assert "to do: write dask://HOST:PORT or tls://HOST:PORT" in found.err
    found = place.run(gate, "replay", "--all", "--cluster", "dask://x:1", "-j", "2")
    assert found.code == 2 and "give one of them" in found.err


def test_the_operator_names_a_cluster_and_gate_yaml_does_not(
    place: Place, gate: Gate, tmp_path: Path
) -> None:
    """What the judged change names is an error; the operator's is used where no flag says otherwise."""
    root = shutil.copytree(place.root, tmp_path / "algo-trade")
    settings = root / "gate.yaml"
    settings.write_text(settings.read_text() + "\ncluster: dask://x\n")
    found = replace(place, root=root).run(gate, "replay", "--all")
    assert found.code == 2 and "cluster" in found.err and "x" not in found.out
    operator = tmp_path / "operator.yaml"
    operator.write_text("cluster: dask://x\n")
    asked = ("replay", "--all", "--operator", operator)
    found = place.run(gate, *asked)
    assert found.code == 2 and "'dask://x' is no address of a cluster" in found.err
    assert place.run(gate, "replay", "0", "--operator", operator).code == 1


@pytest.mark.soak
def test_replay_and_verification_give_the_same_bytes(
    place: Place, cluster: Cluster, gate: Gate, tmp_path: Path
) -> None:
    """One process, two and the cluster; also where documents and lines were changed."""
    own = replace(place, root=shutil.copytree(place.root, tmp_path / "algo-trade"))
    cluster.add("third"), cluster.add("fourth")

    def compare(*command: str) -> str:
        found = [own.run(gate, *command, "-j", jobs, "-o", "json") for jobs in (1, 2)]
        code, out, err = finished(own.start(*command, "--cluster", cluster.url, "-o", "json"))
        assert out == found[0].out == found[1].out, err
        assert code == found[0].code == found[1].code
        return out

    own.run(gate, "ledger", "verify")  # leaves a receipt
    assert json.loads(compare("ledger", "verify", "--full"))["ok"]
    first, *_, last = sorted(path for path in own.root.rglob("evidence/sha256/*/*"))
    first.chmod(0o600)
    first.write_text("{}")
    last.unlink()
    assert '"cannot be replayed": 0' not in compare("replay", "--all")
    log = own.root / "ledger" / "log.intoto.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"sig":"', b'"sig":"AAAA', 1))
    assert len(json.loads(compare("ledger", "verify", "--full"))["problems"]) > 3


@pytest.mark.soak
def test_beyond_this_machine_it_is_spoken_to_over_tls(place: Place, program: Gate) -> None:
    """Unless Dask's own configuration says that it need not be."""
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    asked = ("replay", "--all", "--cluster", "dask://192.0.2.1:8786")
    found = place.run(program, *asked)
    assert found.code == 2 and "without TLS" in found.err
    found = place.run(program, "replay", "--all", "--cluster", "tls://127.0.0.1:1")
    assert found.code == 2 and "there is no certificate for TLS" in found.err


@pytest.mark.soak
def test_a_cluster_behind_tls(
    place: Place, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With certificates in Dask's configuration; a client without one of that authority is kept out."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    for name in ("own", "other"):
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ]
        files = ["-keyout", str(tmp_path / f"{name}.key"), "-out", str(tmp_path / f"{name}.pem")]
        subprocess.run(
            [*command, *files, "-subj", f"/CN={name}", "-days", "3"], check=True, capture_output=True
        )

    def known_as(name: str) -> dict[str, str]:
        tls = {"CA_FILE": tmp_path / "own.pem"}
        for role in ("CLIENT", "WORKER", "SCHEDULER"):
            tls |= {f"{role}__CERT": tmp_path / f"{name}.pem", f"{role}__KEY": tmp_path / f"{name}.key"}
        return {f"DASK_DISTRIBUTED__COMM__TLS__{setting}": str(path) for setting, path in tls.items()}

    cluster = Cluster(tmp_path, known_as("own"), "tls")
    try:
        cluster.add("only")
        for name, value in known_as("own").items():
            monkeypatch.setenv(name, value)
        code, out, err = finished(place.start("replay", "--all", "--cluster", cluster.url))
        assert (code, out) == (1, place.run(gate, "replay", "--all", "-j", "1").out), err
        for name, value in known_as("other").items():
            monkeypatch.setenv(name, value)
        code, out, err = finished(place.start("replay", "--all", "--cluster", cluster.url))
        assert (code, out) == (2, "") and "cannot be reached" in err
    finally:
        cluster.stop()


@pytest.mark.soak
def test_a_worker_that_does_not_fit_is_named(place: Place, tmp_path: Path) -> None:
    """Another gate, and a ledger that it does not reach: exit code 2, and which worker it is."""
    cluster = Cluster(tmp_path)
    try:
        cluster.add("odd", "import gate; gate.__version__ = '0.0.1'")
        asked = ("--cluster", cluster.url, "-o", "json")
        code, out, err = finished(place.start("replay", "--all", *asked))
        assert (code, out) == (2, "")
        assert "gate is 0.0.1 on a worker" in err and "worker odd at tcp://" in err
        cluster.workers["odd"].kill()
        cluster.add("far")
        asked = (*asked, "--against", "file:ledger")
        code, out, err = finished(place.start("policy", "impact", place.edited, *asked, cwd=place.root))
        assert (code, out) == (2, "")
        assert "there is no ledger here" in err and "on worker far at tcp://" in err
    finally:
        cluster.stop()


@pytest.mark.soak
def test_a_cluster_that_is_lost_is_one_error(place: Place, tmp_path: Path) -> None:
    """Ctrl-C, then the scheduler's end: exit code 2, one error, nothing on standard output."""
    cluster = Cluster(tmp_path)
    try:
        worker = cluster.add("only")
        for end, error in (("interrupt", "interrupted"), ("kill", "environment problem: the cluster at")):
            running = place.start("replay", "--all", "--cluster", cluster.url)
            wait_until(lambda: children(worker), running)
            if end == "interrupt":
                running.send_signal(signal.SIGINT)
            else:
                cluster.scheduler.kill()
            code, out, err = finished(running)
            assert (code, out) == (2, ""), end
            assert err.startswith(error) and "Traceback" not in err and len(err.splitlines()) < 4, err
    finally:
        cluster.stop()
