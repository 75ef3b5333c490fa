"""Key admins change the keys of a ledger, k of n together; a replaced or revoked key signs nothing more.

Where the log key comes from (file, environment, agent) is in test_key_sources.py.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.ledger.merkle import Frontier, leaf_hash
from gate.engine.ledger.note import Checkpoint
from gate.evidence.base.canonical import canonical
from gate.evidence.signing.dsse import Envelope
from gate.evidence.signing.keys import LogKey, VerifierKey, load_log_key

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")

Gate = Callable[..., Any]
ADMINS = ("ana", "ben", "cyd")


def new_key(path: Path) -> None:
    """A key pair as ssh-keygen makes it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)


def listed(folder: Path, names: tuple[str, ...]) -> str:
    """A file of key admins."""
    keys = [" ".join((folder / f"{name}.pub").read_text().split()[:2]) for name in names]
    lines = zip(names, keys, strict=True)
    return "".join(f'{name}@example.com namespaces="keys@gate" {key}\n' for name, key in lines)


class World:
    """A workspace, an operator with key admins, and a ledger with one decision."""

    def __init__(self, root: Path, gate: Gate) -> None:
        self.root, self._gate = root, gate
        self.ledger, self.config = root / "ledger", root / "config"
        self.settings: dict[str, Any] = {
            "key_admins": "admins",
            "key_threshold": 2,
            "ledger": {"location": str(self.ledger)},
        }

    @property
    def env(self) -> dict[str, str]:
        operator = self.root / "operator.yaml"
        operator.write_text(json.dumps({"version": 1, **self.settings}))
        names = {
            "GATE_CONFIG_DIR": self.config,
            "GATE_OPERATOR": operator,
            "GATE_WORKSPACE": self.root / "ws",
        }
        return {name: str(path) for name, path in names.items()}

    def gate(self, *arguments: str | Path, **env: str) -> Any:
        """Run gate in the folder with the requests."""
        return self._gate(*arguments, cwd=self.root, env={**self.env, **env})

    def ok(self, *arguments: str | Path, **env: str) -> str:
        done = self.gate(*arguments, **env)
        assert done.code == 0, done.out + done.err
        return str(done.out)

    def judge(self, **env: str) -> Any:
        return self.gate("evaluate", "stage1", "--quiet", **env)

    def sign(self, *names: str, file: str = "key-event.json") -> None:
        """Sign a request as plain ssh-keygen does; each admin's signature gets a name of its own."""
        for name in names:
            command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "keys@gate", "-f", self.root / name]
            subprocess.run([*command, self.root / file], check=True, capture_output=True)
            (self.root / f"{file}.sig").rename(self.root / f"{file}.{name}.sig")

    def request(self, *arguments: str | Path) -> dict[str, Any]:
        """A request in a new file; older ones and their signatures are removed."""
        for path in self.root.glob("key-event.json*"):
            path.unlink()
        self.ok("keys", *arguments, "--reason", "a test")
        found: dict[str, Any] = json.loads((self.root / "key-event.json").read_text())
        return found

    def change(self, *arguments: str | Path, by: tuple[str, ...] = ("ana", "cyd")) -> str:
        """Request, sign and apply a key event."""
        self.request(*arguments)
        self.sign(*by)
        return self.ok("keys", "apply", "key-event.json")

    def key(self) -> LogKey:
        """The log key, as a thief has it."""
        key = load_log_key(self.config)
        assert key is not None
        return key

    @property
    def founding(self) -> str:
        return (self.ledger / "trust" / "log.vkey").read_text().strip()

    def lines(self) -> list[bytes]:
        return (self.ledger / "log.intoto.jsonl").read_bytes().splitlines()

    def write(self, lines: list[bytes]) -> None:
        (self.ledger / "log.intoto.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))

    def forget_checkpoints(self) -> None:
        for path in (self.ledger / "checkpoints").iterdir():
            path.unlink()

    def seal(self, key: LogKey, size: int | None = None) -> None:
        """Sign a checkpoint over the lines, past gate."""
        lines = self.lines()[:size]
        frontier = Frontier()
        for line in lines:
            frontier.append(leaf_hash(line))
        end = sum(len(line) + 1 for line in lines)
        name = VerifierKey.parse(self.founding).name
        made = Checkpoint(name, len(lines), frontier.root(), end, "2035-01-01T00:00:00Z").signed(key)
        for path in ("checkpoint", f"checkpoints/{len(lines)}"):
            (self.ledger / path).write_bytes(made.note)

    def verify(self, *options: str | Path, fresh: bool = True) -> tuple[int, dict[str, Any]]:
        """The report; of somebody who never saw the ledger before, if ``fresh``."""
        env = {"GATE_CONFIG_DIR": str(self.root / "nobody")} if fresh else {}
        done = self.gate("ledger", "verify", *options, "-o", "json", **env)
        shutil.rmtree(self.root / "nobody", ignore_errors=True)
        return done.code, json.loads(done.out)

    def problems(self, *options: str | Path) -> str:
        """What a stranger finds wrong with the ledger."""
        code, report = self.verify(*options)
        assert code == 1
        return "\n".join(one["text"] for one in report["problems"])


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of admins, and a ledger that `gate keys init` and one evaluation began."""
    root = tmp_path_factory.mktemp("begun")
    (root / "ws").mkdir()
    (root / "ws" / "a.py").write_text("x = 1\n")
    for name in (*ADMINS, "eve"):
        new_key(root / name)
    (root / "admins").write_text(listed(root, ADMINS))

    def run(*arguments: str | Path, cwd: Path, env: dict[str, str]) -> Any:
        command = [sys.executable, "-m", "gate", *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True)

    world = World(root, run)
    made = world.gate("keys", "init")
    assert made.returncode == 0 and "2 of 3: ana@example.com" in made.stdout, made.stderr
    assert f"log_key: {world.founding}" in made.stdout
    assert world.judge().returncode == 1
    return root


@pytest.fixture
def world(begun: Path, tmp_path: Path, gate: Gate) -> World:
    return World(shutil.copytree(begun, tmp_path / "world"), gate)


def signed(payload: bytes, key: LogKey) -> bytes:
    return Envelope.sign(payload, key).line()


def statement(kind: str = "https://example.com/later/v1", predicate: dict[str, Any] | None = None) -> bytes:
    subject = [{"name": "x", "digest": {"sha256": "0" * 64}}]
    body = {"predicate": predicate or {}, "predicateType": kind, "subject": subject}
    return canonical({"_type": "https://in-toto.io/Statement/v1", **body})


def payload(line: bytes) -> bytes:
    return base64.b64decode(json.loads(line)["payload"])


def test_the_log_key_is_rotated_and_the_log_goes_on(world: World) -> None:
    """Same file, same tree; every pin leads to the key in force; nothing that gate wrote is overwritten."""
    before, old, founding = world.lines(), world.key(), world.founding
    asked = world.request("rotate")
    assert asked["log"] == founding and asked["checkpoint"]["size"] == 1 and asked["previous"] is None
    again = world.gate("keys", "rotate", "--reason", "x")
    assert again.code == 2 and "never replaced" in again.err
    world.sign("ana")
    few = world.gate("keys", "apply", "key-event.json")
    assert few.code == 2
    assert "1 of the 2 key admins that are needed signed it" in few.err
    assert "still to ask: ben@example.com, cyd@example.com" in few.err
    mine = world.gate("keys", "sign", "key-event.json", "--key", world.root / "ben", "--yes")
    assert mine.out.startswith("wrote key-event.json.") and "new key: SHA256:" in mine.err
    twice = world.gate("keys", "sign", "key-event.json", "--key", world.root / "ben", "--yes")
    assert twice.code == 2 and "never replaced" in twice.err
    assert world.gate("keys", "sign", "key-event.json", "--key", world.root / "ben").code == 2  # nobody asked
    done = world.ok("keys", "apply", "key-event.json")
    assert "recorded as entry 1, signed by ana@example.com, ben@example.com" in done
    new = world.key()
    assert new.public != old.public and new.fingerprint in done
    pin = done.partition("log_key: ")[2].strip()
    assert VerifierKey.parse(pin).public == new.public
    assert world.lines()[:1] == before and world.founding == founding
    assert world.ok("keys", "apply", "key-event.json") == "it is in the ledger already\n"
    assert world.judge().code == 1
    for options in ((), ("--key", founding), ("--key", pin)):
        code, report = world.verify(*options)
        assert (code, report["size"], report["keys"]) == (0, 3, [new.fingerprint]), report
    assert world.verify("--since", "receipt", fresh=False)[0] == 0
    for name in (founding, pin):
        world.settings["log_key"] = name
        assert world.verify(fresh=False)[0] == 0
    rows = json.loads(world.ok("keys", "list", "-o", "json"))["keys"]
    keys = [(row["fingerprint"], row["state"], row["from_entry"], row["to_entry"]) for row in rows[:2]]
    assert keys == [(old.fingerprint, "ended", 0, 1), (new.fingerprint, "in force", 1, None)]
    assert rows[1]["from_time"] and rows[0]["to_time"] == rows[1]["from_time"]
    assert [row["principal"] for row in rows[2:]] == [f"{name}@example.com" for name in ADMINS]
    shutil.copytree(world.config, world.root / "thief")
    for path in (world.root / "thief").glob("log-key.*.pem"):
        path.replace(world.root / "thief" / "log-key.pem")
    refused = world.judge(GATE_CONFIG_DIR=str(world.root / "thief"))
    assert refused.code == 2
    assert f"entry 1 of this ledger replaced or revoked the key {old.fingerprint}" in refused.err


def test_who_does_not_know_the_admins_believes_no_key_event(world: World) -> None:
    """The new key's entries are then not sound, and the message says what is missing."""
    world.change("rotate")
    del world.settings["key_admins"], world.settings["key_threshold"]
    assert "signed by" in world.problems() and "not by this log's" in world.problems()
    refused = world.gate("status", GATE_CONFIG_DIR=str(world.root / "nobody"))
    assert refused.code == 2 and "gate docs keys" in refused.err
    refused = world.gate("status")
    assert refused.code == 2 and "key admins are not known here" in refused.err


@pytest.mark.parametrize("by", [("ana", "ana"), ("ana", "eve")], ids=["one admin twice", "a stranger"])
def test_too_few_admins(world: World, by: tuple[str, ...]) -> None:
    """The program refuses it, and an entry that the log key's thief writes of it counts for nothing."""
    asked = world.request("add", world.root / "eve.pub")
    armored = []
    for name in by:
        world.sign(name)
        armored.append((world.root / f"key-event.json.{name}.sig").read_text())
        shutil.copy(
            world.root / f"key-event.json.{name}.sig", world.root / f"key-event.json.{len(armored)}.sig"
        )
    refused = world.gate("keys", "apply", "key-event.json")
    assert refused.code == 2 and "1 of the 2 key admins" in refused.err
    event = (world.root / "key-event.json").read_text()
    document = [
        {"name": "x", "sha256": world.ledger.joinpath("evidence/sha256").rglob("?" * 64).__next__().name}
    ]
    predicate = {"event": event, "signatures": armored, "documents": document}
    world.write([*world.lines(), signed(statement("urn:gate:key-event:v1", predicate), world.key())])
    assert asked["purpose"] == "ci"
    assert "does not count: 1 of the 2 key admins that are needed signed it" in world.problems()


def test_a_stolen_key_signs_nothing_after_its_rotation(world: World) -> None:
    """Neither an entry nor a checkpoint; the writer seals nothing over it."""
    old = world.key()
    world.change("rotate")
    good = world.lines()
    world.write([*good, signed(payload(good[0]), old)])
    assert f"signed by {old.fingerprint}, which entry 1 replaced or revoked" in world.problems()
    blocked = world.judge()
    assert blocked.code == 2 and "which entry 1 replaced or revoked" in blocked.err
    world.seal(old)
    code, report = world.verify()
    assert code == 1 and {"checkpoint", "line_signature"} <= {one["kind"] for one in report["problems"]}
    world.write(good)
    world.forget_checkpoints()
    world.seal(old)  # over the rotation itself
    assert f"signed by {old.fingerprint}, which entry 1 replaced or revoked" in world.problems()


def test_a_stolen_key_makes_no_fork_unnoticed(world: World) -> None:
    """A fork from before the rotation lacks the pinned key; one that copies the rotation is another log."""
    old = world.key()
    pin = world.change("rotate").partition("log_key: ")[2].strip()
    decision, rotation = world.lines()
    false = signed(payload(decision).replace(b"FAILED", b"PASSED"), old)
    world.write([false, signed(statement(), old)])
    world.forget_checkpoints()
    world.seal(old)
    assert world.gate("status").code == 2  # where the ledger was seen before
    assert world.verify("--key", world.founding)[0] == 0  # what a founding key alone cannot show
    assert "expected is" in world.problems("--key", pin)
    world.write([false, rotation])
    world.forget_checkpoints()
    world.seal(old, 1)
    assert "it was signed for a log with other entries before it" in world.problems()
    world.write([decision, false, rotation])  # other entries since the request, and the true rotation
    world.forget_checkpoints()
    world.seal(old, 2)
    assert "no checkpoint covers the key event" in world.problems("--key", pin)
    world.settings["log_key"] = pin
    shutil.rmtree(world.config / "receipts")
    refused = world.judge()
    assert refused.code == 2 and "no sealed key event admits" in refused.err


def test_a_key_event_counts_once_and_in_one_log(world: World) -> None:
    """Replayed in the same log, in another one, and after another event."""
    new_key(world.root / "ci")
    world.change("add", world.root / "ci.pub")
    event = world.lines()[-1]
    world.write([*world.lines(), signed(payload(event), world.key())])
    assert "it does not follow the last key event" in world.problems()
    world.write(world.lines()[:-1])
    other = World(shutil.copytree(world.root, world.root.with_name("other")), world._gate)
    shutil.rmtree(other.ledger)
    shutil.rmtree(other.config / "receipts")
    refused = other.gate("keys", "init")
    assert refused.code == 2 and "none is ever overwritten" in refused.err
    (other.config / "log-key.pem").unlink()
    other.ok("keys", "init")
    assert other.gate("keys", "init").code == 2
    moved = other.gate("keys", "apply", "key-event.json")
    assert moved.code == 2 and "it is about another log" in moved.err
    other.write([signed(payload(event), other.key())])
    assert "it is about another log" in other.problems()


def test_an_edited_key_event_does_not_count(world: World) -> None:
    """Not even by the holder of the log key, who signs the line anew."""
    new_key(world.root / "ci")
    world.change("add", world.root / "ci.pub")
    data = payload(world.lines()[-1])
    edited = data.replace(b'\\"purpose\\": \\"ci\\"', b'\\"purpose\\": \\"log\\"')
    assert edited != data
    world.write([*world.lines()[:-1], signed(edited, world.key())])
    assert "0 of the 2 key admins that are needed signed it" in world.problems()


@pytest.mark.soak
def test_a_ci_key_signs_decisions_until_it_is_revoked(world: World) -> None:
    """From an entry on, also in retrospect: what it signed since is shown as void and counts for nothing."""
    new_key(world.root / "ci")
    secret = {"GATE_LOG_KEY": (world.root / "ci").read_text()}
    early = world.judge(**secret)
    assert early.code == 2 and "no key event admits" in early.err
    world.change("add", world.root / "ci.pub")
    assert world.judge(**secret).code == 1
    code, report = world.verify()
    assert (code, len(report["keys"])) == (0, 2)
    row = json.loads(world.ok("keys", "list", "-o", "json"))["keys"][1]
    assert (row["purpose"], row["from_entry"]) == ("ci", 1)
    evidence = world.lines()
    ci = world.gate("keys", "apply", "key-event.json", **secret)  # it is there already: nothing to sign
    assert ci.code == 0
    world.request("revoke", row["fingerprint"], "--from", "2")
    world.sign("ben", "cyd")
    thief = world.gate("keys", "apply", "key-event.json", **secret)
    assert thief.code == 2 and "replaced or revoked" in thief.err and world.lines() == evidence
    world.ok("keys", "apply", "key-event.json")
    code, report = world.verify()
    assert (code, report["void"], len(report["keys"])) == (0, [2], 1)
    shown = world.ok("ledger", "show").splitlines()
    assert "void" in shown[2] and "revoked from entry 2 on, by entry 3" in shown[2]
    status = json.loads(world.ok("status", "-o", "json"))
    assert next(one["entry"] for one in status["stages"] if one["stage"] == "stage1") == 0
    assert world.gate("explain", "2").code == 2
    late = world.judge(**secret)
    assert late.code == 2 and "entry 3 of this ledger replaced or revoked" in late.err
    last = world.gate("keys", "revoke", world.key().fingerprint, "--reason", "x", "-o", "other.json")
    assert last.code == 2 and "no log key would be left" in last.err


def test_an_event_that_a_crash_left_unsealed_counts_and_is_sealed_later(world: World) -> None:
    """Verifying meanwhile, which leaves a receipt, changes nothing about that; and a CI key is replaced."""
    new_key(world.root / "ci")
    world.change("add", world.root / "ci.pub")
    for name in ("checkpoint", "checkpoints/2", "state"):
        (world.ledger / name).unlink()
    shutil.copy(world.ledger / "checkpoints" / "1", world.ledger / "checkpoint")
    shutil.rmtree(world.config / "receipts")
    for _ in range(2):
        code, report = world.verify(fresh=False)
        assert (code, report["size"], report["unsealed"], report["key_events"]) == (0, 1, 1, 1)
    row = json.loads(world.ok("keys", "list", "-o", "json"))["keys"][1]
    world.change("rotate", world.root / "eve.pub", "--old", row["fingerprint"])
    code, report = world.verify(fresh=False)
    assert (code, report["size"], report["key_events"]) == (0, 3, 2)
    rows = json.loads(world.ok("keys", "list", "-o", "json"))["keys"][:3]
    states = [(one["purpose"], one["state"]) for one in rows]
    assert states == [("log", "in force"), ("ci", "ended"), ("ci", "in force")]


def test_a_ci_key_signs_no_other_kind_of_entry(world: World) -> None:
    """A thief's entry of another kind is not sound."""
    new_key(world.root / "ci")
    world.change("add", world.root / "ci.pub")
    blob = base64.b64decode((world.root / "ci.pub").read_text().split()[1])
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    key = LogKey(load_ssh_private_key((world.root / "ci").read_bytes(), None))  # type: ignore[arg-type]
    assert blob.endswith(key.public)
    world.write([*world.lines(), signed(statement(), key)])
    assert "a CI key, which may sign decisions only" in world.problems()


def test_admins_are_changed_by_the_admins_before_them(world: World) -> None:
    """The operator goes on naming the first ones; the new ones decide from then on."""
    (world.root / "new").write_text(listed(world.root, ("eve",)))
    world.change("admins", world.root / "new", "--threshold", "1")
    world.request("rotate")
    world.sign("ana", "ben", "cyd")
    old = world.gate("keys", "apply", "key-event.json")
    assert old.code == 2 and "0 of the 1 key admins" in old.err
    world.sign("eve")
    world.ok("keys", "apply", "key-event.json")
    assert world.verify()[0] == 0
    (world.root / "admins").write_text(listed(world.root, ("eve", "ana")))
    assert "does not count" in world.problems()


def test_a_receipt_by_other_admins_hides_no_event(world: World) -> None:
    """Who named the wrong admins for a while sees every key event after that is corrected."""
    new_key(world.root / "ci")
    world.change("add", world.root / "ci.pub")
    good = (world.root / "admins").read_text()
    (world.root / "admins").write_text(listed(world.root, ("eve", "ana")))
    shutil.rmtree(world.config / "receipts")
    assert world.judge().code == 1  # to these admins, the ledger has one key
    found = json.loads(world.ok("keys", "list", "-o", "json"))["keys"]
    assert [one["purpose"] for one in found] == ["log", "admin", "admin"]
    (world.root / "admins").write_text(good)
    code, report = world.verify("--since", "receipt", fresh=False)
    assert (code, report["key_events"], len(report["keys"])) == (0, 1, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key_admins": "ws/admins"}, "lies in the workspace"),
        ({"key_threshold": 4}, "4 of 3 key admins cannot sign"),
        ({"key_threshold": None}, "key_threshold is missing"),
        ({"key_admins": "twice"}, "stands twice"),
        ({"key_admins": "signers"}, "may not sign for keys@gate"),
        ({"key_admins": "pattern"}, "one person, without patterns"),
    ],
)
def test_settings_that_are_wrong(world: World, change: dict[str, Any], message: str) -> None:
    """The judged change must not choose the admins, and nobody is counted twice."""
    good = (world.root / "admins").read_text()
    (world.root / "ws" / "admins").write_text(listed(world.root, ("eve",)))
    (world.root / "twice").write_text(good + good.splitlines()[0].replace("ana@", "zoe@") + "\n")
    (world.root / "signers").write_text(good.replace("keys@gate", "signoff@gate"))
    (world.root / "pattern").write_text(good.replace("ana@", "*@"))
    world.settings |= change
    refused = world.gate("keys", "list")
    assert refused.code == 2 and message in refused.err and "Traceback" not in refused.err


def test_without_admins_nobody_changes_a_key(world: World) -> None:
    """One error that says where admins are named."""
    del world.settings["key_admins"], world.settings["key_threshold"]
    refused = world.gate("keys", "rotate", "--reason", "x")
    assert refused.code == 2 and "no key admins are named" in refused.err
    assert world.verify()[0] == 0


def test_a_key_of_the_ledger_is_no_persons_key(world: World) -> None:
    """A sign-off by the log key counts for nobody; listed as an officer's, nothing is recorded."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gate.evidence.signing.sshsig import ed25519_blob

    from .fuzz.ssh_signatures import sign

    key = world.key()
    private = Ed25519PrivateKey.from_private_bytes(key._private.private_bytes_raw())
    (world.root / "signers").write_text(listed(world.root, ("ana",)).replace("keys@gate", "signoff@gate"))
    world.settings |= {"allowed_signers": "signers", "roles": {"cto": ["ana@example.com"]}}
    (world.root / "ws" / "signoffs").mkdir()
    asked = world.ok("signoff", "request", "stage1", "--role", "cto", "--name", "Ana")
    path = world.root / "ws" / "signoffs" / "x.json"
    path.write_text(asked)
    path.with_name("x.json.sig").write_bytes(sign(asked.encode(), "signoff@gate", private))
    found = json.loads(world.gate("collect", "signoffs", "-o", "json").out)
    assert "unknown_key" in json.dumps(found) and 'role_authorised": true' not in json.dumps(found)
    line = f"ana@example.com ssh-ed25519 {base64.b64encode(ed25519_blob(key.public)).decode()}\n"
    (world.root / "signers").write_text(line)
    for command in (
        ("evaluate", "stage1"),
        ("evaluate", "stage1", "--no-record"),
        ("signoff", "sign", "stage1", "--role", "cto", "--key", str(world.root / "ana"), "--yes"),
        ("signoff", "import", str(path), f"{path}.sig"),
        ("signoff", "list"),
        ("waiver", "list"),
    ):
        refused = world.gate(*command)
        assert refused.code == 2, command
        assert "signs the ledger, so it cannot be a person's, too" in refused.err, command
    assert sorted(one.name for one in path.parent.iterdir()) == ["x.json", "x.json.sig"]
    shared = world.root / "admins"
    shared.write_text(shared.read_text() + line.replace("ana@", "zoe@"))
    world.settings["allowed_signers"] = "admins"
    asked_too = world.gate("keys", "rotate", "--reason", "x")
    assert asked_too.code == 2 and "both a log key and a key admin's" in asked_too.err


PAGE = Path(__file__).resolve().parent.parent / "docs" / "keys.md"


def test_the_example_in_the_documentation(world: World) -> None:
    """The commands of docs/keys.md work as they stand there, one after the other."""
    shutil.rmtree(world.ledger)
    shutil.rmtree(world.config)
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) == 8 and all(line.startswith("$ ") for line in commands)
    for line in commands:
        if line.startswith("$ gate "):
            found = world.ok(*shlex.split(line.removeprefix("$ gate ")))
        else:
            command = ["bash", "-c", line.removeprefix("$ ")]
            done = subprocess.run(command, cwd=world.root, check=True, capture_output=True, text=True)
            found = done.stdout
    assert 'Good "keys@gate" signature for ben@example.com' in found
    stored = {path.name: path for path in (world.ledger / "evidence").rglob("*") if path.is_file()}
    event = (world.root / "key-event.json").read_bytes()
    assert stored[hashlib.sha256(event).hexdigest()].read_bytes() == event
    assert len(stored) == 3


def test_a_time_stands_for_the_entry_after_it(world: World) -> None:
    """And what is neither a time nor an entry is said."""
    assert world.request("rotate", "--from", "2020-01-01T00:00:00Z")["from_entry"] == 0
    assert world.request("rotate", "--from", "2099-01-01T00:00:00Z")["from_entry"] == 1
    for text, message in (
        ("yesterday", "--from"),
        ("99", "no entry 99 yet"),
        ("2020-01-01", "--from"),
        ("²", "--from"),
    ):
        (world.root / "key-event.json").unlink(missing_ok=True)
        wrong = world.gate("keys", "rotate", "--reason", "x", "--from", text)
        assert wrong.code == 2 and message in wrong.err, wrong.err


HOSTILE: dict[str, bytes] = {
    "no JSON": b"{",
    "another document": b'{"type": "gate.signoff/v1"}',
    "a list": b"[]",
    "no UTF-8": b'{"type": "gate.key-event/v1\xff"}',
    "deep": b"[" * 100_000,
    "huge": b'{"type": "gate.key-event/v1", "reason": "' + b"x" * 300_000 + b'"}',
    "fields missing": b'{"type": "gate.key-event/v1"}',
    "twice": b'{"type": "gate.key-event/v1", "type": "gate.key-event/v1"}',
    "no file": b"",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_request_is_refused(world: World, case: str) -> None:
    """One error that names the file, by `sign` and by `apply`."""
    if HOSTILE[case]:
        (world.root / "bad.json").write_bytes(HOSTILE[case])
    else:
        os.mkfifo(world.root / "bad.json")
    before = world.lines()
    done = world.gate("keys", "apply", "bad.json")
    assert done.code == 2 and "bad.json" in done.err and "Traceback" not in done.err, done.err
    assert world.lines() == before
    signing = world.gate("keys", "sign", "bad.json", "--key", world.root / "ana", "--yes")
    assert "Traceback" not in signing.err
    if case not in ("fields missing", "twice"):
        assert signing.code == 2 and "bad.json" in signing.err


@pytest.mark.parametrize("name", ["eve", "eve.pub.txt", "absent.pub", "rsa.pub", "pipe.pub"])
def test_what_is_no_public_key_is_refused(world: World, name: str) -> None:
    """A private key least of all."""
    (world.root / "eve.pub.txt").write_text("ssh-ed25519 x")
    (world.root / "rsa.pub").write_text("ssh-rsa AAAA")
    os.mkfifo(world.root / "pipe.pub")
    done = world.gate("keys", "add", name, "--reason", "x")
    assert done.code == 2 and "no public Ed25519 key" in done.err
    assert not (world.root / "key-event.json").exists()
