"""The log key comes from a file, from GATE_LOG_KEY, or stays in an ssh-agent; none of it is ever shown."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import EnvironmentProblem
from gate.evidence.signing import agent
from gate.evidence.signing.keys import LogKey
from gate.evidence.signing.sshsig import ed25519_blob, string

Gate = Callable[..., Any]
KEY = LogKey.from_seed(bytes(range(32)))
needs_keys = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@pytest.fixture
def workspace(make_workspace: Callable[..., Path]) -> Path:
    return make_workspace({"a.py": "x = 1\n"})


def keygen(path: Path, *options: str, kind: str = "ed25519", phrase: str = "") -> str:
    """The private key's text, as ssh-keygen writes it."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", phrase, "-C", "", *options, "-f", str(path)]
    subprocess.run(command, check=True)
    return path.read_text()


@needs_keys
def test_the_key_is_in_the_environment(workspace: Path, gate: Gate, tmp_path: Path) -> None:
    """In both forms it begins a ledger, makes no key file, and no program that gate starts gets it."""
    text = keygen(tmp_path / "key")
    pem = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519"], check=True, capture_output=True, text=True
    ).stdout
    for number, secret in enumerate((text, pem, pem.replace("\n", "\r\n"), pem.strip())):
        config = tmp_path / f"config{number}"
        env = {"GATE_LOG_KEY": secret, "GATE_CONFIG_DIR": str(config)}
        shutil.rmtree(workspace / "ledger", ignore_errors=True)
        done = gate("keys", "init", "-w", workspace, env=env)
        assert done.code == 0, done.err
        assert not (config / "log-key.pem").exists()
        assert "GATE_LOG_KEY" not in os.environ
        assert secret.splitlines()[1] not in done.out + done.err
    fingerprint = subprocess.run(
        ["ssh-keygen", "-l", "-f", tmp_path / "key.pub"], check=True, capture_output=True, text=True
    ).stdout.split()[1]
    refused = gate("keys", "init", "-w", workspace, env={"GATE_LOG_KEY": text})
    assert refused.code == 2 and "there is a ledger already" in refused.err
    shutil.rmtree(workspace / "ledger")
    assert fingerprint in gate("keys", "init", "-w", workspace, env={"GATE_LOG_KEY": text}).out


@needs_keys
def test_a_malformed_key_is_refused_without_being_shown(workspace: Path, gate: Gate, tmp_path: Path) -> None:
    """Whatever the variable has, one error names the variable and never its content."""
    good = keygen(tmp_path / "good")
    wrong = {
        "cannot be read": good.replace("AAAA", "!!!!"),
        "cannot be read as a private key": good[: len(good) // 2],
        "is an encrypted key": keygen(tmp_path / "locked", phrase="hunter2"),
        "is no Ed25519 key": keygen(tmp_path / "ecdsa", kind="ecdsa"),
        "is neither a private key": "hunter2hunter2",
        "is neither a private": "ssh-ed25519 hunter2???",
        "is neither": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ",
        "is too large": "hunter2" * 10_000,
        "SSH_AUTH_SOCK is not set": (tmp_path / "good.pub").read_text(),
    }
    for message, secret in wrong.items():
        done = gate("keys", "init", "-w", workspace, env={"GATE_LOG_KEY": secret, "SSH_AUTH_SOCK": ""})
        assert done.code == 2 and message in done.err, (message, done.err)
        assert "hunter2" not in done.err and good.splitlines()[1] not in done.err
        assert "Traceback" not in done.err
    assert not (workspace / "ledger").exists()


@pytest.fixture
def ssh_agent(tmp_path: Path) -> Iterator[str]:
    """The socket of a real ssh-agent."""
    if shutil.which("ssh-agent") is None or shutil.which("ssh-add") is None:
        pytest.skip("ssh-agent is not installed")
    # a socket's name has at most 107 bytes, and those of pytest's folders may be longer
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/agent"
        with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE) as agent_process:
            assert agent_process.stdout is not None
            agent_process.stdout.readline()  # it says where it listens
            try:
                yield path
            finally:
                agent_process.terminate()  # it removes its socket, and the folder is removed after that


@needs_keys
def test_the_key_stays_in_an_agent(workspace: Path, gate: Gate, tmp_path: Path, ssh_agent: str) -> None:
    """A ledger whose entries and checkpoints an agent signs verifies like any other."""
    keygen(tmp_path / "key")
    keygen(tmp_path / "other")
    for name in ("other", "key"):
        env = {**os.environ, "SSH_AUTH_SOCK": ssh_agent}
        subprocess.run(["ssh-add", "-q", tmp_path / name], check=True, env=env, capture_output=True)
    (tmp_path / "key").unlink()
    env = {"SSH_AUTH_SOCK": ssh_agent, "GATE_LOG_KEY": (tmp_path / "key.pub").read_text()}
    done = gate("evaluate", "stage1", "--quiet", "-w", workspace, env=env)
    assert done.code == 1, done.err
    verified = gate("ledger", "verify", "--full", "-w", workspace)
    assert verified.code == 0 and "1 sealed" in verified.out
    lost = gate("keys", "init", "-w", workspace, env={**env, "GATE_LOG_KEY": f"SHA256:{'A' * 43}"})
    assert lost.code == 2 and "does not have the key" in lost.err


def frame(kind: int, body: bytes) -> bytes:
    return string(bytes([kind]) + body)


LISTED = frame(12, (1).to_bytes(4, "big") + string(ed25519_blob(KEY.public)) + string(b"comment"))
ANSWERS = {
    "does not answer": (b"", "did not answer within"),
    "closes": (None, "closed the connection"),
    "huge": ((2**31).to_bytes(4, "big"), "announced an answer of 2147483648 bytes"),
    "nothing": (bytes(4), "announced an answer of 0 bytes"),
    "refuses": (frame(5, b""), "refused"),
    "cut short": (frame(14, b"\0\0\0\x09ab"), "does not hold"),
    "false": (frame(14, string(string(b"ssh-ed25519") + string(bytes(64)))), "does not hold"),
    "of another message": (
        frame(14, string(string(b"ssh-ed25519") + string(KEY.sign(b"another")))),
        "does not hold",
    ),
    "another algorithm": (
        frame(14, string(string(b"rsa-sha2-256") + string(bytes(64)))),
        "another algorithm",
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_bad_agent_signs_nothing(case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Too slow, too large, malformed or false: an error, and never a signature."""
    answer, message = ANSWERS[case]
    monkeypatch.setattr(agent, "AGENT_SECONDS", 0.2 if case == "does not answer" else 10.0)
    monkeypatch.chdir(tmp_path)
    server = socket.socket(socket.AF_UNIX)
    server.bind("agent")
    server.listen()
    kept = []

    def serve() -> None:
        for reply in (LISTED, answer):
            stream, _ = server.accept()
            stream.recv(65_536)
            if reply is None:
                stream.close()
                continue
            stream.sendall(reply)
            kept.append(stream)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    key = agent.agent_key(KEY.fingerprint, "agent")
    with pytest.raises(EnvironmentProblem, match=message):
        key.sign(b"message")
    thread.join()
    for stream in (*kept, server):
        stream.close()


def test_what_is_no_agent_is_said(tmp_path: Path) -> None:
    """No socket, a file, a path that is too long."""
    (tmp_path / "file").write_text("")
    for path in (None, "", str(tmp_path / "absent"), str(tmp_path / "file"), "/x" * 200, "a\0b"):
        with pytest.raises(EnvironmentProblem, match="the ssh-agent"):
            agent.agent_key(KEY.fingerprint, path)
