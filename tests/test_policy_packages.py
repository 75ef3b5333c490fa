"""Bundles as archives where a bundle is named: pins, signers, names, commits and registries."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.engine.context import open_context
from gate.engine.policy.bundle import load_bundle
from gate.engine.policy.packages import signing
from gate.engine.policy.packages.oci import parse_reference
from gate.engine.store import registry
from gate.evidence.base.errors import ConfigError, PolicyError, UsageError
from gate.evidence.reading.tar import pack

from .docker_registry import DockerRegistry
from .engine.workbench.small import write

Gate = Callable[..., Any]


def key_pair(folder: Path, name: str) -> Path:
    """A new pair of keys, NAME.pem and NAME.pub: the private one."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl program is not on PATH")
    key = folder / f"{name}.pem"
    curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    subprocess.run([openssl, "genpkey", *curve, "-out", key], check=True, capture_output=True)
    subprocess.run([openssl, "pkey", "-in", key, "-pubout", "-out", key.with_suffix(".pub")], check=True)
    return key


@functools.cache
def small_files() -> dict[str, bytes]:
    """A bundle of two rules, without its tests."""
    with tempfile.TemporaryDirectory() as folder:
        return dict(load_bundle(write(Path(folder))).files)


def written(path: Path, key: Path | None = None, name: str = "gate-prelive") -> Path:
    """The archive of a bundle of that name, which is none of gate's."""
    files = dict(small_files())
    manifest = json.loads(files[".manifest"])
    manifest["metadata"]["name"] = name
    files[".manifest"] = json.dumps(manifest).encode()
    if key is not None:
        files[signing.SIGNATURES], _ = signing.sign(files, signing.private_key(key))
    path.write_bytes(pack(files, PolicyError))
    return path


@pytest.fixture
def office(tmp_path: Path) -> tuple[Path, Path]:
    """An empty workspace, and a directory for its operator's file with the publisher's keys."""
    root, operator = tmp_path / "workspace", tmp_path / "operator"
    root.mkdir()
    operator.mkdir()
    key_pair(operator, "publisher")
    return root, operator


def settings(folder: Path, name: str, **policy: str) -> Path:
    """A file with nothing but settings of the policy."""
    path = folder / name
    path.write_text(yaml.safe_dump({"policy": policy}))
    return path


def test_the_operator_pins_the_signer(office: tuple[Path, Path]) -> None:
    """What the publisher signed judges, under a shipped name, too; what somebody else signed does not."""
    root, folder = office
    written(folder / "rules.tar.gz", folder / "publisher.pem")
    operator = settings(folder, "operator.yaml", bundle="rules.tar.gz", signer="publisher.pub")
    context = open_context(root, operator=operator)
    context.check_bundle()
    assert context.weakenings == ()
    assert context.bundle.digest == load_bundle(folder / "rules.tar.gz").digest
    for other in (None, key_pair(folder, "other")):
        written(folder / "rules.tar.gz", other)
        with pytest.raises(PolicyError, match="is not signed" if other is None else "not of this key"):
            open_context(root, operator=operator)
    with pytest.raises(PolicyError, match="calls itself gate-prelive"):
        open_context(root, operator=settings(folder, "o.yaml", bundle="rules.tar.gz")).check_bundle()
    digest = load_bundle(folder / "rules.tar.gz").digest
    open_context(
        root, operator=settings(folder, "o.yaml", bundle="rules.tar.gz", digest=digest)
    ).check_bundle()
    with pytest.raises(ConfigError, match="no bundle that it signed") as unsigned:
        open_context(root, operator=settings(folder, "o.yaml", signer="publisher.pub"))
    with pytest.raises(PolicyError, match="the settings demand") as pinned:
        open_context(root, operator=settings(folder, "o.yaml", bundle="rules.tar.gz", version="9.0.0"))
    assert {unsigned.value.path, pinned.value.path} == {"the operator's file"}


def test_the_judged_change_vouches_for_nothing(office: tuple[Path, Path]) -> None:
    """A shipped name is refused whatever gate.yaml pins; another one judges, weakened unless pinned."""
    root, folder = office
    written(root / "rules.tar.gz", folder / "publisher.pem")
    shutil.copy(folder / "publisher.pub", root)
    digest = load_bundle(root / "rules.tar.gz").digest
    settings(root, "gate.yaml", bundle="rules.tar.gz", signer="publisher.pub", digest=digest)
    with pytest.raises(PolicyError, match=r"calls itself gate-prelive 1\.0\.0"):
        open_context(root).check_bundle()
    with pytest.raises(PolicyError, match="calls itself"):
        open_context(root, root / "rules.tar.gz").check_bundle()
    for name, words in (
        ("Gate Prelive", "calls itself"),
        ("gate\u2011prelive", "printable ASCII"),
        ("", "1 to"),
    ):
        settings(root, "gate.yaml", bundle=written(root / "other.tar.gz", None, name).name)
        with pytest.raises(PolicyError, match=words):
            open_context(root).check_bundle()
    written(root / "rules.tar.gz", folder / "publisher.pem", "house")
    for pins, codes in (({}, ["bundle_not_pinned"]), ({"signer": "publisher.pub"}, [])):
        settings(root, "gate.yaml", bundle="rules.tar.gz", **pins)
        context = open_context(root)
        context.check_bundle()
        assert [one.code for one in context.weakenings] == codes
    for name, words in (("none.pub", "no such file"), ("rules.tar.gz", "no public key")):
        settings(root, "gate.yaml", bundle="rules.tar.gz", signer=name)
        with pytest.raises((PolicyError, UsageError), match=words):
            open_context(root)


def test_a_missing_key_that_nobody_asks_for_stops_nothing(office: tuple[Path, Path], gate: Gate) -> None:
    """The judged change names a key that is not there, and the operator's file decides about policies."""
    root, operator = office
    settings(root, "gate.yaml", bundle="rules.tar.gz", signer="gone.pub")
    alone = gate("collect", "tests", "-w", root)
    assert (alone.code, "gone.pub" in alone.err) == (2, True)
    assert open_context(root, operator=settings(operator, "operator.yaml")).bundle.name == "gate-prelive"
    given = written(operator / "rules.tar.gz", name="acme")
    assert open_context(root, policy=given).bundle.name == "acme"


def test_a_commit_has_an_archive(office: tuple[Path, Path], gate: Gate) -> None:
    """`--trust-ref` and `REF:FILE` read it from there, signer and all; its replacement is listed."""
    root, folder = office
    written(root / "rules.tar.gz", folder / "publisher.pem", "house")
    shutil.copy(folder / "publisher.pub", root)
    settings(root, "gate.yaml", bundle="rules.tar.gz", signer="publisher.pub")
    for command in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "rules"),
        ("checkout", "-qb", "change"),
    ):
        subprocess.run(["git", "-C", str(root), *command], check=True, capture_output=True)
    digest = load_bundle(root / "rules.tar.gz").digest
    written(root / "rules.tar.gz", None, "mine")
    context = open_context(root, trust_ref="main")
    assert (context.bundle.name, context.bundle.digest) == ("house", digest)
    assert [one.text for one in context.authority.trust.alterations] == ["changed rules.tar.gz"]
    shown = gate("policy", "diff", "main:rules.tar.gz", "rules.tar.gz", cwd=root)
    assert "house 1.0.0 → mine 1.0.0" in shown.out, shown.err


@pytest.mark.parametrize(
    "text",
    [
        "acme",
        "host/acme",
        "host/Acme:1",
        "host/a:1@sha256:12",
        "http://host/a:1",
        "host/../a:1",
        "host/a:1 ",
        "/a:1",
    ],
)
def test_what_is_no_reference_is_refused(text: str, gate: Gate, tmp_path: Path) -> None:
    """One error that shows how to write it."""
    done = gate("policy", "pull", text, "-o", tmp_path / "x.tar.gz")
    assert done.code == 2 and "names no bundle in a registry" in done.err
    with pytest.raises(UsageError):
        parse_reference(text)


def test_only_this_machine_is_spoken_to_without_tls() -> None:
    """Loopback addresses and nothing else."""
    for host, scheme in (
        ("localhost:5000", "http"),
        ("127.0.0.1", "http"),
        ("[::1]:5000", "http"),
        ("127.0.0.1.example.com", "https"),
        ("10.0.0.1:5000", "https"),
        ("localhost.example.com", "https"),
    ):
        assert parse_reference(f"{host}/acme:1").url == f"{scheme}://{host}/v2/acme"


@pytest.fixture
def start_registry(tmp_path: Path) -> Iterator[Callable[..., DockerRegistry]]:
    """A factory of registries on the loopback."""
    started: list[DockerRegistry] = []

    def start(users: str | None = None) -> DockerRegistry:
        started.append(DockerRegistry(tmp_path / f"registry{len(started)}", users))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_there_and_back(start_registry: Callable[..., DockerRegistry], gate: Gate, tmp_path: Path) -> None:
    """Pushed, pulled by tag and by digest; a tag is not moved silently; altered content is refused."""
    registry = start_registry()
    key = key_pair(tmp_path, "publisher")
    ours = written(tmp_path / "ours.tar.gz", key, "house")
    tag = f"{registry.host}/policies/house:1.1.0"
    pushed = gate("policy", "push", ours, tag)
    assert pushed.code == 0, pushed.err
    pinned = pushed.out.strip()
    assert pinned.startswith(f"{registry.host}/policies/house@sha256:")
    assert gate("policy", "push", ours, tag).out.strip() == pinned  # the same again changes nothing
    for number, reference in enumerate((tag, pinned, f"oci://{tag}@{pinned.partition('@')[2]}")):
        target = tmp_path / f"pulled{number}.tar.gz"
        check = ("--verification-key", key.with_suffix(".pub"))
        pulled = gate("policy", "pull", reference, "-o", target, *check)
        assert (pulled.code, pulled.out.strip()) == (0, pinned), pulled.err
        assert target.read_bytes() == ours.read_bytes()
        assert ("the tag can be moved" in pulled.err) == (reference == tag)
    again = gate("policy", "pull", tag, "-o", tmp_path / "pulled0.tar.gz")
    assert again.code == 2 and "never replaced" in again.err
    other = written(tmp_path / "other.tar.gz", None, "other")
    refused = gate("policy", "push", other, tag)
    assert refused.code == 2 and "is there already" in refused.err
    unsigned = ("policy", "pull", tag, "-o", tmp_path / "unsigned.tar.gz", *check)
    assert gate("policy", "push", other, tag, "--replace").code == 0
    refused = gate(*unsigned)
    assert refused.code == 2 and "is not signed" in refused.err
    missing = gate("policy", "pull", f"{registry.host}/policies/none:1", "-o", tmp_path / "none.tar.gz")
    assert missing.code == 2 and "there is no " in missing.err
    for blob in registry.blobs.rglob("data"):
        if blob.read_bytes().startswith(b"\x1f\x8b"):  # the registry looks at manifests itself
            blob.write_bytes(blob.read_bytes()[:-1] + b"\x01")
    altered = gate("policy", "pull", pinned, "-o", tmp_path / "altered.tar.gz")
    assert altered.code == 2 and "of another digest" in altered.err, altered.err
    registry.stop()
    gone = gate("policy", "pull", tag, "-o", tmp_path / "gone.tar.gz")
    assert gone.code == 2 and "cannot be reached" in gone.err
    assert not list(tmp_path.glob("[uang][nlo]*.tar.gz"))


def test_credentials_are_those_of_docker(
    start_registry: Callable[..., DockerRegistry], gate: Gate, tmp_path: Path
) -> None:
    """A registry that asks for a name and a password gets those that docker's configuration has for it."""
    # bcrypt of "secret", as `htpasswd -nbB` makes it
    registry = start_registry("ci:$2y$05$8QOF4oGZEvmMGEfVrUbpZejw5AiC2A4iYp9KrxbEKdlFfjS6wr1KC\n")
    ours = written(tmp_path / "ours.tar.gz", None, "house")
    folder = tmp_path / "docker"
    folder.mkdir()
    for password, code in ((None, 2), ("wrong", 2), ("secret", 0)):
        auth = {} if password is None else {"auth": base64.b64encode(f"ci:{password}".encode()).decode()}
        (folder / "config.json").write_text(json.dumps({"auths": {registry.host: auth}}))
        environment = {"DOCKER_CONFIG": str(folder)}
        done = gate("policy", "push", ours, f"{registry.host}/house:1.1.0", env=environment)
        assert done.code == code, done.err
        assert code == 0 or "docker login" in done.err
        assert "secret" not in done.err and "wrong" not in done.err
    (folder / "config.json").write_text("[]")
    broken = gate("policy", "push", ours, f"{registry.host}/house:1.1.0", env={"DOCKER_CONFIG": str(folder)})
    assert broken.code == 2 and "docker's configuration cannot be understood" in broken.err


def test_a_registry_that_lies(gate: Gate, tmp_path: Path) -> None:
    """Another manifest than the digest says, one that is no bundle, and one that does not end are refused."""
    pytest.importorskip("oras", reason="the extra oci is not installed")
    answers = [b'{"layers": []}', b'{"layers": []}', b"x" * (2 << 20), b"<html>"]

    class Liar(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"" if self.path == "/v2/" else answers.pop(0)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_port}/acme"
        for end, words in (
            (f"@sha256:{'0' * 64}", "manifest of another digest"),
            (":1", "is no policy bundle"),
            (":1", "the answer is too large"),
            (":1", "is no policy bundle"),
        ):
            done = gate("policy", "pull", place + end, "-o", tmp_path / "x.tar.gz")
            assert done.code == 2 and words in done.err, done.err
        server.shutdown()
    assert not (tmp_path / "x.tar.gz").exists()


@pytest.mark.parametrize("how", ["token", "redirect", "drip"])
def test_a_registry_that_never_ends(
    how: str, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither answers that the client reads whole nor bytes that trickle in use up memory or time."""
    pytest.importorskip("oras", reason="the extra oci is not installed")
    monkeypatch.setattr(registry, "TALK_SECONDS", 1.0 if how == "drip" else 60.0)

    class Endless(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = f"http://127.0.0.1:{server.server_port}/more"
            headers = {
                "token": {"WWW-Authenticate": f'Bearer realm="{where}"'},
                "redirect": {"Location": where},
            }
            codes = {"token": 401, "redirect": 302}
            asked = self.path.startswith("/v2/acme/")
            self.send_response(codes.get(how, 200) if asked else 200)
            for name, value in headers.get(how, {}).items() if asked else ():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                while self.path != "/v2/" and not (asked and how == "token"):
                    self.wfile.write(b"x" * (1 if how == "drip" else 1 << 20))
                    time.sleep(0.01 if how == "drip" else 0)

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_port}/acme:1"
        done = gate("policy", "pull", place, "-o", tmp_path / "x.tar.gz")
        server.shutdown()
    assert done.code == 2 and ("reached" if how == "drip" else "too large") in done.err, done.err


@pytest.mark.soak
def test_opa_gets_it_from_there(
    start_registry: Callable[..., DockerRegistry],
    start_opa: Callable[..., Any],
    gate: Gate,
    tmp_path: Path,
) -> None:
    """A real OPA downloads the bundle from the registry, checks its signature and serves it."""
    registry = start_registry()
    key = key_pair(tmp_path, "publisher")
    ours = written(tmp_path / "ours.tar.gz", key, "house")
    tag = f"{registry.host}/policies/house:1.1.0"
    assert gate("policy", "push", ours, tag).code == 0
    config = {
        "services": {"registry": {"url": f"http://{registry.host}", "type": "oci"}},
        "bundles": {"house": {"service": "registry", "resource": tag, "signing": {"keyid": "publisher"}}},
        "keys": {"publisher": {"algorithm": "ES256", "key": key.with_suffix(".pub").read_text()}},
        "persistence_directory": str(tmp_path / "opa"),
    }
    (tmp_path / "opa.yaml").write_text(yaml.safe_dump(config))
    server = start_opa("-c", str(tmp_path / "opa.yaml"))
    deadline = time.monotonic() + 60
    while "result" not in (found := json.loads(server.get("/v1/data/gate/params"))):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found["result"] == load_bundle(ours).data["gate"]["params"]
