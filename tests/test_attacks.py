"""Attacks of docs/threat-model.md that have no tests elsewhere, with the program, as an attacker acts."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gate.engine.ledger.note import Checkpoint
from gate.engine.policy.bundle import SHIPPED
from gate.evidence.signing.keys import LogKey, VerifierKey, load_or_create_log_key
from gate.evidence.signing.sshsig import ed25519_blob, string

from .fuzz.ssh_signatures import sign

Gate = Callable[..., Any]
Copy = Callable[..., Path]

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
ORDER = 2**252 + 27742317777372353535851937790883648493
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


# --- who holds the log key, or can write the ledger ------------------------------------------------------


@pytest.fixture
def root(gate: Gate, make_workspace: Copy, tmp_path: Path) -> Path:
    """A workspace with two recorded decisions; the ledger as it was after the first is kept in `old`."""
    root = make_workspace({"a.py": "x = 1\n"})
    assert gate("evaluate", "stage1", "-w", root, "--quiet").code == 1
    shutil.copytree(root / "ledger", tmp_path / "old")
    assert gate("evaluate", "stage2", "-w", root, "--quiet").code == 1
    return root


def stolen() -> LogKey:
    """The log key of this machine."""
    return load_or_create_log_key(Path(os.environ["GATE_CONFIG_DIR"]))[0]


def thief(folder: Path) -> dict[str, str]:
    """The environment of somebody who has the log key and has never seen the ledger."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    shutil.copy(Path(os.environ["GATE_CONFIG_DIR"]) / "log-key.pem", folder)
    return {"GATE_CONFIG_DIR": str(folder)}


def resign(ledger: Path, name: str, time: str) -> None:
    """Put another time into a checkpoint and sign it with the true key."""
    verifier = VerifierKey.parse((ledger / "trust" / "log.vkey").read_text())
    old = Checkpoint.open((ledger / name).read_bytes(), verifier)
    new = Checkpoint(old.origin, old.size, old.root, old.log_bytes, time)
    (ledger / name).write_bytes(new.signed(stolen()).note)


@pytest.mark.soak
def test_a_fork_of_the_same_name_and_length(root: Path, gate: Gate, tmp_path: Path) -> None:
    """The holder of the key goes on from the first entry elsewhere: two roots of one size, both signed."""
    stranger = {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    shutil.copy(root / "ledger" / "checkpoint", tmp_path / "kept")
    shutil.rmtree(root / "ledger")
    shutil.copytree(tmp_path / "old", root / "ledger")
    assert gate("evaluate", "stage3", "-w", root, "--quiet", env=thief(tmp_path / "thief")).code == 1
    assert gate("ledger", "verify", "-w", root, env=stranger).code == 0  # in itself it is perfect
    shutil.rmtree(tmp_path / "stranger")
    compared = gate("ledger", "verify", "-w", root, "--since", tmp_path / "kept", env=stranger)
    assert (compared.code, "the given checkpoint" in compared.out) == (1, True)
    for command in (("evaluate", "stage1"), ("status",), ("explain", "0"), ("ledger", "show")):
        done = gate(*command, "-w", root)
        assert (done.code, done.out) == (2, ""), command
        assert "ledger error: the log was rewritten" in done.err, (command, done.err)
    owner = gate("ledger", "verify", "-w", root)
    assert (owner.code, "NOT sound" in owner.out) == (1, True)


def test_back_dating_with_the_stolen_key(root: Path, gate: Gate, tmp_path: Path) -> None:
    """A checkpoint older than the one before it, and a clock that was set back; each is signed well."""
    ledger, stranger = root / "ledger", {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    resign(ledger, "checkpoints/2", "2019-01-01T00:00:00Z")
    shutil.copy(ledger / "checkpoints" / "2", ledger / "checkpoint")
    found = gate("ledger", "verify", "-w", root, env=stranger)
    assert (found.code, "NOT sound" in found.out) == (1, True)
    assert "checkpoints/2" in found.out and "2019-01-01" in found.out
    for name in ("checkpoints/2", "checkpoint"):
        resign(ledger, name, "2999-01-01T00:00:00Z")  # for this machine it is as if its clock were set back
    before = (ledger / "checkpoint").read_bytes()
    done = gate("evaluate", "stage1", "-w", root, env=thief(tmp_path / "thief"))
    assert (done.code, "the clock runs backwards" in done.err) == (2, True)
    assert (ledger / "checkpoint").read_bytes() == before


def test_a_log_key_that_others_could_have_is_not_used(make_workspace: Copy, gate: Gate) -> None:
    """Readable by others, in a folder that others can write, behind a link: nothing is recorded."""
    root, config = make_workspace({"a.py": ""}), Path(os.environ["GATE_CONFIG_DIR"])
    assert gate("evaluate", "stage1", "-w", root, "--quiet").code == 1
    key, lines = config / "log-key.pem", (root / "ledger" / "log.intoto.jsonl").read_bytes()
    aside = shutil.copy(key, config / "aside")
    for change, back in (
        (lambda: key.chmod(0o644), lambda: key.chmod(0o600)),
        (lambda: config.chmod(0o777), lambda: config.chmod(0o700)),
        (lambda: (key.unlink(), key.symlink_to(aside)), lambda: None),
    ):
        change()
        done = gate("evaluate", "stage1", "-w", root)
        assert (done.code, done.out, done.err.count("to do:")) == (2, "", 1), done.err
        back()
    assert (root / "ledger" / "log.intoto.jsonl").read_bytes() == lines


def test_a_past_time_needs_a_permission(make_workspace: Copy, gate: Gate) -> None:
    """To judge as of a day on which a waiver or a key was still good is said aloud, or refused."""
    past = ("--effective-time", "2020-01-01T00:00:00Z")
    done = gate("evaluate", "stage1", "-w", make_workspace({"a.py": ""}), *past, "--no-record")
    assert (done.code, "--allow-past-effective-time" in done.err) == (2, True)


def commit_all(root: Path) -> str:
    """Commit everything but the ledger; returns the commit's id."""
    git = ["git", "-C", str(root), "-c", "user.name=Dev", "-c", "user.email=dev@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    (root / ".git" / "info" / "exclude").write_text("ledger\n")
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "work"], check=True)
    done = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.soak
@needs_git
def test_an_old_decision_on_a_new_commit(gate: Gate, copy_example: Copy) -> None:
    """A good line copied to the end of the log stays what it is: a decision about another commit."""
    root = copy_example("ready")
    trust = ("-w", root, "--operator", EXAMPLES / "operator.yaml")
    old = commit_all(root)
    assert gate("evaluate", "stage1", *trust, "--quiet").code == 0
    with (root / "algo_trade" / "__init__.py").open("a") as source:
        source.write("# a later change\n")
    assert commit_all(root) != old
    assert gate("evaluate", "stage1", *trust, "--quiet").code == 1  # approvals were of the old sources
    log = root / "ledger" / "log.intoto.jsonl"
    with log.open("ab") as lines:
        lines.write(log.read_bytes().splitlines(keepends=True)[0])
    row = json.loads(gate("status", *trust, "-o", "json").out)["stages"][0]
    assert (row["stage"], row["status"], row["commit"], row["current"]) == ("stage1", "PASS", old, False)


def test_a_repeated_line_is_no_new_decision(gate: Gate, make_workspace: Copy) -> None:
    """Without any key, whoever can write the log copies an old verdict to its end; the later one stays."""
    root = make_workspace({"a.py": "x = 1\n"})
    assert gate("evaluate", "stage1", "-w", root, "--quiet").code == 1
    later = ("--effective-time", "2999-01-01T00:00:00Z")
    assert gate("evaluate", "stage1", "-w", root, "--quiet", *later).code == 1
    with (root / "ledger" / "log.intoto.jsonl").open("rb+") as lines:
        first = lines.readline()
        lines.seek(0, os.SEEK_END)
        lines.write(first)
    row = json.loads(gate("status", "-w", root, "-o", "json").out)["stages"][0]
    assert (row["entry"], row["effective_time"]) == (1, later[1])


def test_stored_documents_that_were_exchanged(root: Path, gate: Gate, tmp_path: Path) -> None:
    """Decision, evidence and policies of an entry: others in their place, or none, are found by name."""
    [subject] = [
        json.loads(base64.b64decode(json.loads(line)["payload"]))
        for line in (root / "ledger" / "log.intoto.jsonl").read_bytes().splitlines()[:1]
    ]
    store = root / "ledger" / "evidence" / "sha256"
    blobs = {path.name: path for path in store.rglob("*") if path.is_file()}
    named = [digest for digest in blobs if digest in json.dumps(subject)]
    assert len(named) >= 3
    stranger = {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    for digest in named:
        good, other = blobs[digest].read_bytes(), next(path for name, path in blobs.items() if name != digest)
        blobs[digest].chmod(0o644)
        for change in (lambda path, new: path.write_bytes(new), lambda path, _: path.unlink()):
            change(blobs[digest], other.read_bytes())
            done = gate("ledger", "verify", "-w", root, env=stranger)
            assert (done.code, digest in done.out) == (1, True), digest
        blobs[digest].write_bytes(good)
    assert gate("ledger", "verify", "-w", root).code == 0


def test_a_receipt_that_was_changed_is_not_believed(root: Path, gate: Gate) -> None:
    """Set back to an older checkpoint of the same log by hand, or damaged: every command stops."""
    receipts = Path(os.environ["GATE_CONFIG_DIR"]) / "receipts"
    [receipt] = receipts.glob("*.json")
    for content in (b"{}", receipt.read_bytes().replace(b"time 20", b"time 19")):
        receipt.write_bytes(content)
        done = gate("status", "-w", root)
        assert (done.code, "receipt for this ledger was changed" in done.err) == (2, True)
        assert gate("ledger", "verify", "-w", root).code == 1


# --- who signs --------------------------------------------------------------------------------------------


SIGNOFF = "signoffs/stage2-cto.json"
CTO = "omar@example.com"


class Desk:
    """A small workspace in which the CTO has signed stage 2 off."""

    def __init__(self, root: Path, gate: Gate, key: Path) -> None:
        self.root, self.gate, self.key = root, gate, key
        self.public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
        self.allow('namespaces="signoff@gate"')
        (root / "signoffs").mkdir()
        run = gate("signoff", "request", "stage2", "--role", "cto", "--name", "Omar", "-w", root)
        assert run.code == 0, run.err
        self.sign(run.out)

    def allow(self, options: str, public: str | None = None) -> None:
        """Let the CTO sign with that key under these conditions, and nobody else."""
        (self.root / "trust").mkdir(exist_ok=True)
        (self.root / "trust" / "allowed_signers").write_text(f"{CTO} {options} {public or self.public}\n")

    def sign(self, text: str) -> None:
        """Sign a text as the sign-off, with stock ssh-keygen."""
        path = self.root / SIGNOFF
        path.write_text(text)
        Path(f"{path}.sig").unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-Y", "sign", "-f", self.key, "-n", "signoff@gate", path]
        subprocess.run(command, check=True, capture_output=True)

    def put(self, signature: bytes) -> None:
        """Put a signature beside the sign-off."""
        (self.root / f"{SIGNOFF}.sig").write_bytes(signature)

    def counts(self) -> bool:
        """Whether the rule that needs the sign-off holds."""
        run = self.gate("evaluate", "stage2", "-w", self.root, "-o", "json", "--no-record")
        assert run.code == 1, run.err
        self.said, rule = run.out, "stage2.architecture_approved"
        found = [one for one in json.loads(run.out)["violations"] if one["code"] == rule]
        self.why = " ".join(one["msg"] for one in found)
        return not found


@pytest.fixture
def desk(make_workspace: Copy, gate: Gate, keys: Path) -> Desk:
    """The sign-off counts; each test then takes one thing away."""
    root = make_workspace({"a.py": "x = 1\n", "gate.yaml": f"roles: {{cto: [{CTO}]}}\n"})
    desk = Desk(root, gate, keys / "cto")
    assert desk.counts(), desk.why
    return desk


@needs_ssh
def test_a_key_of_ci_signs_no_signoff(desk: Desk, gate: Gate) -> None:
    """Neither a key that is listed for files only, nor the log key, whoever has stolen them."""
    desk.allow('namespaces="file"')
    assert not desk.counts() and "does not list its key" in desk.why
    desk.allow('namespaces="signoff@gate"')
    assert gate("evaluate", "stage1", "-w", desk.root, "--quiet").code == 1  # makes the log key
    key = load_pem_private_key((Path(os.environ["GATE_CONFIG_DIR"]) / "log-key.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    desk.put(sign((desk.root / SIGNOFF).read_bytes(), "signoff@gate", key))
    assert not desk.counts() and "does not list its key" in desk.why


@needs_ssh
def test_a_signer_outside_of_their_time(desk: Desk) -> None:
    """A key that is not valid any more, and one that is not valid yet."""
    for bounds in ('valid-before="20240101Z"', 'valid-after="29990101Z"'):
        desk.allow(f'namespaces="signoff@gate",{bounds}')
        assert not desk.counts() and "valid" in desk.why


@pytest.mark.soak
@needs_ssh
def test_signatures_that_mathematics_would_accept(desk: Desk) -> None:
    """Another form of a good one, one by a key of low order, one by a security key that nobody touched."""
    good, data = (desk.root / f"{SIGNOFF}.sig").read_text(), (desk.root / SIGNOFF).read_bytes()
    raw = base64.b64decode("".join(good.splitlines()[1:-1]))
    scalar = int.from_bytes(raw[-32:], "little") + ORDER
    desk.put(armored(raw[:-32] + scalar.to_bytes(32, "little")))
    assert not desk.counts()

    identity = b"\x01" + bytes(31)  # with it, R = identity and S = 0 hold for every message
    blob = ed25519_blob(identity)
    desk.allow('namespaces="signoff@gate"', f"ssh-ed25519 {base64.b64encode(blob).decode()}")
    desk.put(armored(enveloped(blob, string(b"ssh-ed25519") + string(identity + bytes(32)))))
    assert not desk.counts() and "low order" in desk.said

    key, kind = Ed25519PrivateKey.from_private_bytes(bytes(range(32))), b"sk-ssh-ed25519@openssh.com"
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    public = string(kind) + string(raw) + string(b"ssh:")
    desk.allow('namespaces="signoff@gate"', f"{kind.decode()} {base64.b64encode(public).decode()}")
    digest = hashlib.sha512(data).digest()
    inner = b"SSHSIG" + string(b"signoff@gate") + string(b"") + string(b"sha512") + string(digest)
    for touched in (b"\x01", b"\x00"):
        message = hashlib.sha256(b"ssh:").digest() + touched + bytes(4) + hashlib.sha256(inner).digest()
        desk.put(armored(enveloped(public, string(kind) + string(key.sign(message)) + touched + bytes(4))))
        assert desk.counts() == (touched == b"\x01"), desk.why


def enveloped(public: bytes, signature: bytes) -> bytes:
    """An SSHSIG blob."""
    head = b"SSHSIG" + (1).to_bytes(4, "big") + string(public) + string(b"signoff@gate") + string(b"")
    return head + string(b"sha512") + string(signature)


def armored(blob: bytes) -> bytes:
    """An SSHSIG blob as ssh-keygen writes it."""
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]).encode()


@needs_ssh
def test_a_signed_document_that_says_two_things(desk: Desk) -> None:
    """Approve for one reader of JSON, reject for another, with a genuine signature over both."""
    text = (desk.root / SIGNOFF).read_text()
    assert text.count('"verdict": "approve"') == 1
    desk.sign(text.replace('"verdict": "approve"', '"verdict": "reject", "verdict": "approve"'))
    assert not desk.counts() and SIGNOFF in desk.said


# --- who writes policies, and who owns the repository -----------------------------------------------------


@pytest.mark.parametrize(
    "body", ["time.now_ns() > 0", 'http.send({"method": "GET", "url": "http://x"}).status_code == 200',
             'rand.intn("x", 2) == 1', "opa.runtime().env.HOME"],
)  # fmt: skip
def test_a_policy_that_reaches_for_the_world(
    gate: Gate, make_workspace: Copy, tmp_path: Path, body: str
) -> None:
    """Clock, network, randomness and environment are refused by name before anything is judged."""
    bundle = tmp_path / "bundle"
    shutil.copytree(SHIPPED, bundle)
    module = bundle / "gate" / "stage1" / "stage1_trust.rego"
    module.write_text(f"{module.read_text()}\nlooks if {{\n\t{body}\n}}\n")
    done = gate("evaluate", "stage1", "-w", make_workspace({}), "--no-record", "-p", bundle)
    assert (done.code, done.out) == (2, "")
    assert body.partition("(")[0] in done.err and "stage1_trust.rego" in done.err


def test_a_rule_that_was_taken_out_is_missed(gate: Gate, make_workspace: Copy, tmp_path: Path) -> None:
    """A bundle without one of the rules that it lists judges nothing."""
    bundle = tmp_path / "bundle"
    shutil.copytree(SHIPPED, bundle)
    module = bundle / "gate" / "stage1" / "stage1_trust.rego"
    module.unlink()
    done = gate("evaluate", "stage1", "-w", make_workspace({}), "--no-record", "-p", bundle)
    assert (done.code, done.out) == (2, "")
    assert "the rule 'stage1.trust_unaltered' of the manifest is in no module" in done.err


@needs_git
def test_bytecode_in_the_commit_lets_no_stage_pass(gate: Gate, make_workspace: Copy) -> None:
    """Unchecked bytecode runs in place of its source, and nobody judges it: it is named, with the remedy."""
    cache = "app/__pycache__/risk.cpython-311.pyc"
    root = make_workspace({"app/risk.py": "LIMIT = 1\n", cache: "code\n"})
    commit_all(root)
    done = gate("evaluate", "stage1", "-w", root, "--no-record", "-o", "json")
    [found] = [one for one in json.loads(done.out)["violations"] if cache in json.dumps(one)]
    assert done.code == 1
    assert "is committed in __pycache__, which is not judged" in json.dumps(found)


@needs_git
def test_git_configuration_of_the_checkout_runs_nothing(
    gate: Gate, make_workspace: Copy, tmp_path: Path
) -> None:
    """Filters, hooks, monitors and helpers that .git names are not run; git by itself would run some."""
    root, trap, script = make_workspace({"a.py": "x = 1\n"}), tmp_path / "ran", tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    (root / ".gitattributes").write_text("* filter=evil diff=evil\n")
    commit_all(root)
    subprocess.run(["git", "-C", root, "branch", "base"], check=True)
    for name in (
        "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "core.fsmonitor", "core.pager",
        "core.sshCommand", "diff.external", "diff.evil.textconv", "gpg.program", "gpg.ssh.program",
        "core.alternateRefsCommand", "core.askPass", "core.editor", "uploadpack.packObjectsHook",
    ):  # fmt: skip
        subprocess.run(["git", "-C", root, "config", name, str(script)], check=True)
    hooks = root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        shutil.copy(script, hooks / name)
    (root / "a.py").write_text("x = 2\n")
    (root / ".git" / "index.lock").touch()  # nor does a lock of git's that nobody gives up stop anything
    trap.unlink(missing_ok=True)
    done = gate("evaluate", "stage1", "-w", root, "--trust-ref", "base", "--no-record")
    assert done.code == 1, done.err
    assert not trap.exists()
    (root / ".git" / "index.lock").unlink()
    subprocess.run(["git", "-C", root, "status"], capture_output=True, check=False)
    assert trap.exists()
