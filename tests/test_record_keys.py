"""Records of a log that changed its keys: who may have signed what follows from its key events."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gate.engine.ledger.merkle import inclusion_proof, leaf_hash, root_of
from gate.engine.ledger.note import Checkpoint, sign_note
from gate.engine.ledger.proof import Proof
from gate.engine.record import archive, contents
from gate.evidence.signing.dsse import Envelope
from gate.evidence.signing.keys import LogKey, VerifierKey, load_log_key

TOOLS = ("bash", "openssl", "ssh-keygen", "sha256sum", "base64", "tar", "od")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)
Gate = Callable[..., Any]
Files = dict[str, bytes]


@dataclass
class Owner:
    """A ledger with key admins, and the records that were exported of it."""

    root: Path
    run: Callable[..., Any]

    def gate(self, *arguments: str | Path, **env: str) -> Any:
        own = {"GATE_CONFIG_DIR": "config", "GATE_OPERATOR": "operator.yaml", "GATE_WORKSPACE": "ws"}
        paths = {name: str(self.root / path) for name, path in own.items()}
        return self.run(arguments, self.root, {**paths, **env})

    def ok(self, *arguments: str | Path, **env: str) -> str:
        done = self.gate(*arguments, **env)
        assert done.code == 0, done.out + done.err
        return str(done.out)

    def new_key(self, name: str) -> None:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", self.root / name]
        subprocess.run(command, check=True)

    def list_admins(self, path: str, names: Iterable[str]) -> None:
        keys = {name: (self.root / f"{name}.pub").read_text().strip() for name in names}
        rows = [f'{name}@example.com namespaces="keys@gate" {key}\n' for name, key in keys.items()]
        (self.root / path).write_text("# who changes keys\n" + "".join(rows))

    def change(self, *arguments: str, by: str = "ana ben") -> None:
        """Request, sign and apply a key event."""
        for path in self.root.glob("key-event.json*"):
            path.unlink()
        self.ok("keys", *arguments, "--reason", 'the "old" one\tgoes \\ away')
        for name in by.split():
            self.ok("keys", "sign", "key-event.json", "--key", self.root / name, "--yes")
        self.ok("keys", "apply", "key-event.json")

    def export(self, target: int, name: str) -> tuple[Files, str]:
        """The files of a record, and its digest of trust."""
        told = self.ok("record", "export", str(target), "-o", f"{name}.tar", "-o", "json")
        return archive.read_tar((self.root / f"{name}.tar").read_bytes()), json.loads(told)["trust"]

    @property
    def lines(self) -> list[bytes]:
        return (self.root / "ledger" / "log.intoto.jsonl").read_bytes().splitlines()


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory, run_gate: Callable[..., Any]) -> Owner:
    """A decision (0), a key for CI (1), its decision (2), other admins (3), a new log key (4), a note (5)."""
    root = tmp_path_factory.mktemp("owner")
    made = Owner(root, run_gate)
    (root / "ws").mkdir()
    (root / "ws" / "a.py").write_text("x = 1\n")
    for name in ("ana", "ben", "cyd", "eve", "ci"):
        made.new_key(name)
    made.list_admins("admins", ("ana", "ben", "cyd"))
    made.list_admins("later", ("ana", "eve"))
    settings = {"key_admins": "admins", "key_threshold": 2, "ledger": {"location": str(root / "ledger")}}
    (root / "operator.yaml").write_text(json.dumps({"version": 1, **settings}))
    assert made.gate("evaluate", "stage1", "--quiet").code == 1
    made.export(0, "before")
    shutil.copytree(root / "config", root / "thief")
    made.change("add", "ci.pub")
    assert made.gate("evaluate", "stage1", "--quiet", GATE_LOG_KEY=(root / "ci").read_text()).code == 1
    made.change("admins", "later", "--threshold", "1")
    made.change("rotate", by="eve")
    (root / "note.txt").write_text("Agreed.\n")
    made.ok("record", "attach", "note.txt", "--to", "0")
    made.export(0, "after")
    made.export(2, "ci")
    return made


@pytest.fixture(scope="module")
def after(owner: Owner) -> tuple[Files, str]:
    """The record of entry 0 after all that, and its digest of trust."""
    files = archive.read_tar((owner.root / "after.tar").read_bytes())
    return files, f"sha256:{contents.trust_digest(files)}"


@pytest.fixture(scope="module")
def thief(owner: Owner) -> LogKey:
    """The log key that was replaced."""
    key = load_log_key(owner.root / "thief")
    assert key is not None
    return key


def sealed(files: Files) -> Files:
    """The files with the manifest that they need."""
    return files | {contents.MANIFEST: contents.manifest_of(files)}


def stock(files: Files, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the commands of the record's `VERIFY.md`, as this version of gate writes it."""
    archive.write_directory(folder, files)
    page = contents.howto().decode()
    script = "".join(re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **env})


@pytest.fixture
def wrong(gate: Gate, tmp_path: Path) -> Callable[..., str]:
    """Verify files that are not sound, with gate and with stock tools: what gate says of the first step."""

    number = count()

    def run(files: Files, trust: str, *, tools: bool = True) -> str:
        path = tmp_path / "forged.tar"
        path.write_bytes(b"".join(archive.write_tar(sealed(files))))
        done = gate("record", "verify", path, "--trust", trust)
        assert done.code == 1, done.out + done.err
        if tools:
            shown = stock(sealed(files), tmp_path / f"forged-{next(number)}")
            assert "record verified" not in shown.stdout or f"trust {trust}" not in shown.stdout
        return str(next(line for line in done.out.splitlines() if line.startswith("WRONG")))

    return run


@pytest.mark.soak
@pytest.mark.parametrize(("name", "entry"), [("before", 0), ("after", 0), ("ci", 2)])
def test_a_record_of_a_log_with_key_events(
    owner: Owner, gate: Gate, tmp_path: Path, name: str, entry: int
) -> None:
    """Verified by gate and by stock tools, whichever key signed the decision, also if exported before."""
    data = (owner.root / f"{name}.tar").read_bytes()
    files = archive.read_tar(data)
    trust = f"sha256:{contents.trust_digest(files)}"
    again = ["--replay"] if name == "ci" else []
    done = gate("record", "verify", owner.root / f"{name}.tar", "--trust", trust, *again)
    assert (done.code, f"entry {entry}" in done.out) == (0, True), done.out
    assert ("; its key admins signed 3 key events" in done.out) == (name != "before")
    shown = stock(files, tmp_path / "x")
    assert shown.returncode == 0 and shown.stdout.endswith("record verified\n"), shown.stderr
    events = shown.stdout.count('Good "keys@gate" signature')
    assert events == (0 if name == "before" else 2 + 2 + 1)
    if name == "before":
        assert not any("key_" in one or one.startswith("keys/") for one in files)
    else:
        owner.ok("record", "export", str(entry), "-o", f"{name}-again.tar")
        assert (owner.root / f"{name}-again.tar").read_bytes() == data
        rows = [row.split()[1:] for row in files[contents.LOG_KEYS].decode().splitlines()]
        assert rows == [["log", "0", "4"], ["ci", "1", "-"], ["log", "4", "-"]]


def forged(owner: Owner, files: Files, key: LogKey, keep: int) -> Files:
    """The record with another verdict in its entry, in a fork of the log that this key signed.

    Args:
        keep: how many of the entries after that the fork has.
    """
    lines = [files[contents.ENTRIES].splitlines()[0], *owner.lines[1 : 1 + keep]]
    payload = Envelope.parse(lines[0]).payload.replace(b"FAILED", b"PASSED")
    lines[0] = Envelope.sign(payload, key).line()
    leaves = [leaf_hash(line) for line in lines]
    name = VerifierKey.parse(files[contents.LOG_KEY].decode()).name
    size = sum(len(line) + 1 for line in lines)
    seal = Checkpoint(name, len(lines), root_of(leaves), size, "2035-01-01T00:00:00Z").signed(key)

    def proof(at: int) -> bytes:
        return Proof(at, lines[at], inclusion_proof(leaves, at), seal, seal.note).text()

    new = {name: data for name, data in files.items() if not re.match(r"proofs/[2-9]|evidence/", name)}
    new |= {
        contents.ENTRIES: lines[0] + b"\n",
        contents.SIGSTORE: contents.sigstore_bundle(json.loads(lines[0])),
        "proofs/1.tlog-proof": proof(0),
        "proofs/1.checkpoint": seal.note,
    }
    places = [at for at, line in enumerate(lines) if line in files.get(contents.KEY_EVENTS, b"").splitlines()]
    return new | {f"proofs/key-{number}.tlog-proof": proof(at) for number, at in enumerate(places, 1)}


def test_a_stolen_old_key_makes_no_record(
    owner: Owner, after: tuple[Files, str], thief: LogKey, wrong: Callable[..., str]
) -> None:
    """Of a fork with the true key events in it, of one without them, and as if no key was ever changed."""
    files, trust = after
    fork = forged(owner, files, thief, 4)
    assert "carries no signature by" in wrong(fork, trust)
    short = forged(owner, files, thief, 0)
    assert "WRONG  log" in wrong(short, trust)
    events = r"key_events|keys/|proofs/key-"
    hidden = {name: data for name, data in short.items() if not re.match(events, name)}
    assert "there is no key_events.intoto.jsonl" in wrong(hidden, trust, tools=False)
    single = {name: data for name, data in hidden.items() if not re.match(r"trust/(log_keys|key_)", name)}
    assert "not the one that was pinned" in wrong(single, trust)


@pytest.mark.soak
def test_key_events_are_all_there_and_as_admins_signed_them(
    owner: Owner, after: tuple[Files, str], wrong: Callable[..., str]
) -> None:
    """One less, in another place, other words, another signature, other admins."""
    files, trust = after
    first, *rest = files[contents.KEY_EVENTS].splitlines(keepends=True)
    less = {**files, contents.KEY_EVENTS: first + rest[0]}
    assert "is not what the key events say" in wrong(less, trust)
    assert "key event 1 does not count" in wrong(
        {**files, contents.KEY_EVENTS: b"".join(rest)}, trust, tools=False
    )
    moved = files["proofs/key-3.tlog-proof"].replace(b"index 4", b"index 3")
    assert "key event 2 is not the entry at 3" in wrong({**files, "proofs/key-2.tlog-proof": moved}, trust)
    under = {"proofs/key-2.tlog-proof": files["proofs/key-2.tlog-proof"] + b"\xe2\x80\x94 x AAAAAAAA\n"}
    assert "proved under another checkpoint" in wrong({**files, **under}, trust, tools=False)
    for name, data in {
        "keys/1.json": files["keys/1.json"].replace(b'"ci"', b'"log"'),
        "keys/1.1.sig": files["keys/1.2.sig"],
    }.items():
        assert f"{name} is not what the key events say" in wrong({**files, name: data}, trust)
    stray = {**files, "keys/4.json": b"{}"}
    assert "keys/4.json does not belong in this record" in wrong(stray, trust, tools=False)
    swapped = {**files, contents.KEY_ADMINS: files["trust/key_admins.2"], contents.KEY_THRESHOLD: b"1\n"}
    assert "not the one that was pinned" in wrong(swapped, trust, tools=False)
    swapped[contents.KEY_THRESHOLD] = b"2\n"
    own = f"sha256:{contents.trust_digest(swapped)}"
    assert "1 of the 2 key admins that are needed signed it" in wrong(swapped, own)
    rows = files[contents.LOG_KEYS].splitlines(keepends=True)
    longer = {**files, contents.LOG_KEYS: rows[0].replace(b" 4\n", b" -\n") + b"".join(rows[1:])}
    own = f"sha256:{contents.trust_digest(longer)}"
    assert "trust/log_keys is not what the key events say" in wrong(longer, own, tools=False)


@pytest.mark.soak
@pytest.mark.parametrize(
    "change",
    [
        {contents.KEY_THRESHOLD: b"\xff\n"},
        {contents.KEY_THRESHOLD: b"9\n"},
        {contents.KEY_THRESHOLD: b"9" * 5000},
        {contents.KEY_ADMINS: b"no key\n"},
        {contents.KEY_EVENTS: b""},
        {contents.KEY_EVENTS: b"\n" * 20_000},
        {contents.KEY_EVENTS: b"{}\n" * 3},
        {"proofs/key-1.tlog-proof": b""},
        {"proofs/key-1.tlog-proof": b"c2sp.org/tlog-proof@v1\nindex -1\n\n"},
    ],
)
def test_hostile_key_files(after: tuple[Files, str], owner: Owner, change: Files) -> None:
    """A finding each, whatever digest was pinned; never a traceback."""
    files = sealed({**after[0], **change})
    path = owner.root / "hostile.tar"
    path.write_bytes(b"".join(archive.write_tar(files)))
    done = owner.gate("record", "verify", path, "--trust", f"sha256:{contents.trust_digest(files)}")
    assert (done.code, done.err) == (1, ""), done
    assert done.out.startswith("ok") and "WRONG  entries" in done.out


def test_a_void_decision_has_no_record(
    owner: Owner, gate: Gate, tmp_path: Path, wrong: Callable[..., str]
) -> None:
    """Refused on export with the reason; found when somebody puts one together."""
    for name in ("ledger", "config"):
        shutil.copytree(owner.root / name, owner.root / "kept" / name)
    ci = owner.ok("keys", "list", "-o", "json")
    key = next(row["fingerprint"] for row in json.loads(ci)["keys"] if row["purpose"] == "ci")
    try:
        owner.change("revoke", key, "--from", "2", by="ana")
        refused = owner.gate("record", "export", "2", "-o", "void.tar")
        reason = "the decision in entry 2 does not count: its key was revoked from entry 2 on, by entry 6"
        assert (refused.code, reason in refused.err) == (2, True), refused.err
        assert "no decision '9'" in owner.gate("record", "export", "9", "-o", "void.tar").err
        files, trust = owner.export(0, "revoked")
        owner.ok("ledger", "prove", "2", "-o", f"tlog-proof={tmp_path / 'proof'}")
    finally:
        for name in ("ledger", "config"):
            shutil.rmtree(owner.root / name)
            (owner.root / "kept" / name).rename(owner.root / name)
    old = archive.read_tar((owner.root / "ci.tar").read_bytes())
    void = {**files, contents.ENTRIES: old[contents.ENTRIES], contents.SIGSTORE: old[contents.SIGSTORE]}
    void["proofs/1.tlog-proof"] = (tmp_path / "proof").read_bytes()
    found = wrong(void, trust)
    assert "entry 1 does not count: its key was revoked from entry 2 on, by entry 6" in found


@pytest.mark.parametrize("place", ["size", "index", "first entry"])
def test_the_instructions_run_nothing_of_the_record(
    after: tuple[Files, str], tmp_path: Path, place: str
) -> None:
    """Text in place of a number, signed by the key that the record itself names, is no command to bash."""
    evil, mine = "t[$(touch${IFS}ran)]", LogKey.from_seed(bytes(32))
    files = {name: data for name, data in after[0].items() if "key" not in name or name == contents.LOG_KEY}
    files[contents.LOG_KEY] = f"{mine.verifier('log')}\n".encode()
    line = Envelope.sign(Envelope.parse(files[contents.ENTRIES].splitlines()[0]).payload, mine).line()
    files[contents.ENTRIES] = line + b"\n"
    size = evil if place == "size" else "1"
    root = base64.b64encode(leaf_hash(line)).decode()
    note = sign_note(f"log\n{size}\n{root}\nbytes 1\ntime 2025-01-01T00:00:00Z\n", "log", mine)
    index = evil if place == "index" else "0"
    files["proofs/1.checkpoint"] = note
    files["proofs/1.tlog-proof"] = f"c2sp.org/tlog-proof@v1\nindex {index}\n\n".encode() + note
    if place == "first entry":
        files[contents.LOG_KEYS] = f"{mine.verifier('log')} log {evil} -\n".encode()
    done = stock(sealed(files), tmp_path / "x")
    pinned = stock(sealed(files), tmp_path / "y", TRUST=after[1])
    assert (pinned.returncode, pinned.stdout.count("\n")) == (1, 1)
    assert pinned.stderr == f"that is not {after[1]}\nNOT verified, at: false\n"
    assert not (tmp_path / "x" / "ran").exists()
    assert (done.returncode != 0, "record verified" in done.stdout) == (True, False)
    assert "no number" in done.stderr
