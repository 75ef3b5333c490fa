"""The service as a program with a small ledger, tokens of an issuer of the tests', and decisions to post."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jwt
import yaml
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Recorded, Time
from gate.engine.policy import open_engine
from gate.engine.record.archive import write_tar
from gate.engine.serve.writing.submission import files_of
from gate.engine.service import Judged
from gate.evidence.base.times import format_utc

ISSUER, AUDIENCE, REPOSITORY = "https://ci.example", "https://gate.example", "acme/algo"
LIMITS = {"judges": 1, "requests_per_second": 10_000, "posts_per_second": 10_000}
_FIRST_S = 1_764_892_800  # 2025-12-05
WORKSPACE = {
    "gate.yaml": 'name: algo\nsubject: {sources: [app.py]}\nevidence:\n  configs: {paths: ["deploy/*"]}\n',
    "app.py": "print()\n",
    "deploy/app.yaml": "kind: Deployment\nmetadata: {name: tmp}\n",
    "policy/main.rego": "package main\n\nimport rego.v1\n\n"
    'deny contains "no label" if not input.metadata.labels.app\n',
}


class Issuer:
    """A CI system that signs tokens."""

    def __init__(self, kid: str = "one") -> None:
        self.kid = kid
        self.key = generate_private_key(SECP256R1())

    @property
    def jwks(self) -> str:
        """Its keys, as it publishes them."""
        key = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return json.dumps({"keys": [key | {"kid": self.kid, "alg": "ES256", "use": "sig"}]})

    def token(self, **claims: Any) -> str:
        """A token; claims replace those of a good one, and None removes one."""
        now = int(time.time())
        stated = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": f"repo:{REPOSITORY}",
            "repository": REPOSITORY,
            "iat": now,
            "exp": now + 600,
        } | claims
        kept = {name: value for name, value in stated.items() if value is not None}
        return jwt.encode(kept, self.key, "ES256", headers={"kid": self.kid})


class Change:
    """A small workspace that was judged by a bundle written for Conftest, with one rule, which it breaks."""

    def __init__(self, root: Path) -> None:
        for name, text in WORKSPACE.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        context = open_context(root, root / "policy")
        self.judged = service.evaluate(context, "main", Time("2025-12-05T12:00:00Z", "flag"))
        self.policy = self.judged.decision.policy.digest

    def decisions(self, count: int, source: str = "flag", start: int = 0) -> list[Judged]:
        """As many decisions, each of another second."""
        judged, made = self.judged, []
        plan, bundle = judged.context.plan, judged.context.bundle
        document = judged.recorded.to_json(plan)
        with open_engine("embedded", judged.context.bundle, judged.context.config.limits) as engine:
            for number in range(start, start + count):
                time = Time(format_utc(_FIRST_S + number), source)
                document["setup"]["time"] = {"text": time.text, "source": source}
                recorded = Recorded.from_json(document)
                decision = service.replay(bundle, plan, recorded, time, engine)
                made.append(Judged(decision, recorded, judged.context))
        return made


def archive(judged: Judged, **changes: bytes | None) -> bytes:
    """The decision as it is posted; a file is replaced, or left out, by its name up to the first dot."""
    files, _ = files_of(judged)
    for name, data in changes.items():
        path = next((one for one in files if one.partition(".")[0] == name), name)
        files.pop(path, None)
        if data is not None:
            files[path] = data
    return b"".join(write_tar(files))


@dataclass
class Answer:
    """What the service answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int
    lines: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, path: str, body: bytes | None = None, method: str | None = None, **headers: str) -> Answer:
        """Send one request on a connection of its own; names of headers with _ in place of -."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, body, named)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, body: bytes, token: str | None, log: str = "algo", **headers: str) -> Answer:
        """Post a decision."""
        stated = {"content_type": "application/x-tar"} | headers
        if token is not None:
            stated["authorization"] = f"Bearer {token}"
        return self.ask(f"/api/logs/{log}/decisions", body, **stated)


def settings(root: Path, issuer: Issuer, policy: str, *, writers: bool = True, **more: Any) -> Path:
    """A service file for one ledger, `algo`, that takes decisions, and another, `other`, that takes none of
    the same repository; without writers, neither does.
    """
    (root / "jwks.json").write_text(issuer.jwks)
    writer = {"issuer": ISSUER, "claims": {"repository": REPOSITORY}}
    stated = {
        "listen": "127.0.0.1:0",
        "logs": [
            {"name": "algo", "ledger": "ledger", "policies": [policy], "writers": [writer]},
            {
                "name": "other",
                "ledger": "other",
                "policies": [policy],
                "writers": [{**writer, "claims": {"repository": "acme/other"}}],
            },
        ],
        "issuers": [{"issuer": ISSUER, "audience": AUDIENCE, "jwks": "jwks.json", "algorithms": ["ES256"]}],
        "limits": {**LIMITS, **more.pop("limits", {})},
        **more,
    }
    for log in stated["logs"] if not writers else ():
        del log["writers"]
    (root / "serve.yaml").write_text(yaml.safe_dump(stated))
    return root / "serve.yaml"


@contextmanager
def running(file: Path, config: Path, *options: str) -> Iterator[Server]:
    """The program, until the block ends; its log is complete then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gate", "serve", str(file), *options],
        env={**os.environ, "GATE_CONFIG_DIR": str(config)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=file.parent,
    )
    assert process.stderr is not None
    server, printed = Server(process, 0), []
    listening = threading.Event()

    def follow() -> None:
        for line in process.stderr or ():
            printed.append(line)
            if line.startswith(b"{"):
                server.lines.append(json.loads(line))
                if server.lines[-1]["event"] == "listening":
                    server.port = server.lines[-1]["port"]
                    listening.set()
        listening.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        assert listening.wait(60)
        assert server.port, b"".join(printed).decode()
        yield server
    finally:
        process.terminate()
        process.wait(30)
        thread.join(10)
        process.stderr.close()
