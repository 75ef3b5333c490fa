"""`gate record`: the proof of one decision leaves the ledger, grows, and is checked on another machine."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gate.engine.record import archive, contents
from gate.evidence.base.canonical import canonical
from gate.evidence.signing.dsse import Envelope
from gate.evidence.signing.keys import LogKey, VerifierKey

Gate = Callable[..., Any]
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
OPERATOR = EXAMPLES / "operator.yaml"
PAGE = EXAMPLES.parent / "docs" / "records.md"
TOOLS = ("bash", "openssl", "ssh-keygen", "sha256sum", "base64", "tar", "od")
needs_tools = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)


@dataclass(frozen=True)
class Made:
    """A recorded decision about the ready example, with two documents attached, and its record."""

    root: Path
    env: dict[str, str]
    tar: Path
    trust: str
    run: Callable[..., Any]

    def gate(self, *arguments: str | Path) -> Any:
        """Run gate as the owner of the ledger."""
        trusted = ("-w", self.root, "--operator", OPERATOR)
        return self.run((*arguments, *trusted), self.root.parent, self.env)

    @property
    def files(self) -> dict[str, bytes]:
        """The files of the record."""
        return archive.read_tar(self.tar.read_bytes())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, run_gate: Callable[..., Any]) -> Made:
    folder = tmp_path_factory.mktemp("record")
    root = folder / "ready"
    shutil.copytree(EXAMPLES / "ready", root, ignore=shutil.ignore_patterns("ledger", "__pycache__"))
    env = {"GATE_CONFIG_DIR": str(folder / "config"), "GATE_CACHE_DIR": str(folder / "cache")}
    one = Made(root, env, folder / "record.tar", "", run_gate)
    assert one.gate("evaluate", "all", "--quiet").code == 0
    (folder / "report.pdf").write_bytes(b"%PDF-1.7 \xff")
    (folder / "letter.txt").write_text("We agree <b>& sign</b>.\n")
    documents, note = (folder / "report.pdf", folder / "letter.txt"), "as the committee asked <b>"
    done = one.gate("record", "attach", *documents, "--to", "0", "--note", note)
    assert (done.code, done.err) == (0, ""), done
    assert "recorded entry 1, about the decision in entry 0" in done.out
    done = one.gate("record", "export", "0", "-o", one.tar, "-o", "json")
    assert (done.code, done.err) == (0, ""), done
    return Made(root, env, one.tar, json.loads(done.out)["trust"], run_gate)


def forge(made: Made, path: Path, changes: dict[str, bytes | None]) -> Path:
    """The record with other files and a manifest that fits them."""
    files = {name: data for name, data in {**made.files, **changes}.items() if data is not None}
    files[contents.MANIFEST] = contents.manifest_of(files)
    path.write_bytes(b"".join(archive.write_tar(files)))
    return path


def test_a_record_is_verified_on_another_machine(made: Made, gate: Gate, tmp_path: Path) -> None:
    """With nothing but the file and the digest of trust; the verdict is made again."""
    copy = shutil.copy(made.tar, tmp_path / "copy.tar")
    done = gate("record", "verify", copy, "--trust", made.trust, "--replay", "-o", "json")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    states = {check["name"]: check["state"] for check in found["checks"]}
    assert states.pop("authorities") == "not checked"
    assert set(states.values()) == {"holds"}
    assert set(states) == {
        "files", "trust", "entries", "log", "documents", "evidence", "people", "attached", "page", "verdict",
    }  # fmt: skip
    assert (found["ok"], found["verdict"], found["entry"]) == (True, "PASS", 0)
    assert [one["code"] for one in found["weakenings"]]


def test_a_directory_has_the_same_files(made: Made, gate: Gate, tmp_path: Path) -> None:
    """Byte for byte; one file too many, and a link, are found."""
    folder = tmp_path / "record"
    assert made.gate("record", "export", "0", "-o", folder).code == 0
    assert {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*") if path.is_file()
    } == made.files  # fmt: skip
    assert gate("record", "verify", folder, "--trust", made.trust).code == 0
    (folder / "extra").mkdir()
    (folder / "extra" / "file").write_text("more")
    more = gate("record", "verify", folder, "--trust", made.trust)
    assert (more.code, "not what MANIFEST.sha256 says: extra/file" in more.out) == (1, True)
    (folder / "extra" / "file").unlink()
    (folder / "extra" / "file").symlink_to(folder / "decision.json")
    linked = gate("record", "verify", folder, "--trust", made.trust)
    assert (linked.code, "extra/file is no regular file" in linked.out) == (1, True)


def test_nothing_is_overwritten(made: Made, gate: Gate, tmp_path: Path) -> None:
    taken, folder, link = tmp_path / "taken.tar", tmp_path / "folder", tmp_path / "link.tar"
    taken.write_text("mine")
    folder.mkdir()
    link.symlink_to(tmp_path / "elsewhere")
    for path in (taken, folder, link, tmp_path / "no" / "such.tar", made.root / "ledger" / "new.tar"):
        done = made.gate("record", "export", "0", "-o", path)
        assert (done.code, done.err[:11]) == (2, "usage error"), path
    assert (taken.read_text(), list(folder.iterdir())) == ("mine", [])
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("9", "-o", "x.tar"), "the ledger has no decision '9'"),
        (("9", "-o", "x.tar"), "`gate history` lists the recorded decisions"),
        (("1", "-o", "x.tar"), "the ledger has no decision '1'"),
        (("stge1", "-o", "x.tar"), "'stge1' is neither a stage nor a recorded decision"),
        (("0",), "-o names 0 records, and one is needed"),
        (("0", "-o", "a.tar", "-o", "b.tar"), "-o names 2 records"),
        (("0", "-o", "jsn"), "'jsn' is neither an output format nor the name of a record"),
    ],
)
def test_wrong_usage_of_export(made: Made, arguments: tuple[str, ...], problem: str) -> None:
    done = made.gate("record", "export", *arguments)
    assert (done.code, problem in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("trust", "code", "problem"),
    [
        ("sha256:" + "0" * 64, 1, "not the one that was pinned"),
        ("0" * 64, 2, "is no digest of trust"),
        ("sha256:" + "A" * 64, 2, "is no digest of trust"),
        (None, 2, "--trust"),
    ],
)
def test_a_record_counts_only_with_the_pinned_trust(
    made: Made, gate: Gate, trust: str | None, code: int, problem: str
) -> None:
    done = gate("record", "verify", made.tar, *(() if trust is None else ("--trust", trust)))
    assert done.code == code
    assert problem in done.out + done.err
    assert "verified" not in done.out


def test_no_record_to_verify(made: Made, gate: Gate, tmp_path: Path) -> None:
    """Nothing there and no file are wrong usage; a file that is no record is a wrong record."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("absent", "pipe"):
        done = gate("record", "verify", tmp_path / name, "--trust", made.trust)
        assert (done.code, done.err[:11]) == (2, "usage error")
    (tmp_path / "empty").mkdir()
    for name, data in (("no.tar", b""), ("text.tar", b"rubbish" * 200), ("empty", None)):
        if data is not None:
            (tmp_path / name).write_bytes(data)
        done = gate("record", "verify", tmp_path / name, "--trust", made.trust)
        assert (done.code, done.out.splitlines()[-1][:9]) == (1, "NOT sound"), name


ROGUE = LogKey.from_seed(bytes(range(1, 33)))


def resigned(made: Made, change: Callable[[dict[str, Any]], None]) -> dict[str, bytes | None]:
    """The entry with another statement, signed with another key that says it is the log's."""
    lines = made.files[contents.ENTRIES].splitlines()
    statement = json.loads(Envelope.parse(lines[0]).payload)
    change(statement)
    envelope = Envelope.sign(canonical(statement), ROGUE)
    envelope = Envelope(envelope.payload, Envelope.parse(lines[0]).keyid, envelope.signature)
    return {contents.ENTRIES: b"\n".join([envelope.line(), *lines[1:], b""])}


FORGERIES: dict[str, tuple[Callable[[Made], dict[str, bytes | None]], str]] = {
    "another verdict in the document": (
        lambda made: {contents.DECISION: made.files[contents.DECISION].replace(b'"PASS"', b'"FAIL"')},
        "documents",
    ),
    "other facts": (
        lambda made: {contents.INPUT: made.files[contents.INPUT].replace(b'"total":240', b'"total":241')},
        "documents",
    ),
    "other policies": (
        lambda made: {contents.POLICY: made.files[contents.POLICY].replace(b"deny", b"warn")},
        "documents",
    ),
    "a statement of another's": (
        lambda made: resigned(made, lambda one: one["predicate"].update(verificationResult="FAILED")),
        "entries",
    ),
    "the attachment as decision": (
        lambda made: {contents.ENTRIES: made.files[contents.ENTRIES].split(b"\n")[1] + b"\n"},
        "entries",
    ),
    "no attachment": (
        lambda made: {contents.ENTRIES: made.files[contents.ENTRIES].split(b"\n")[0] + b"\n"},
        "attached",
    ),
    "the proof of another entry": (
        lambda made: {"proofs/1.tlog-proof": made.files["proofs/2.tlog-proof"]},
        "log",
    ),
    "another index": (
        lambda made: {
            "proofs/2.tlog-proof": made.files["proofs/2.tlog-proof"].replace(b"index 1", b"index 0")
        },
        "log",
    ),
    "another checkpoint beside": (
        lambda made: {"proofs/1.checkpoint": made.files["proofs/2.checkpoint"]},
        "log",
    ),
    "a signature of another sign-off": (
        lambda made: {"signed/signoff-1.json.sig": made.files["signed/signoff-2.json.sig"]},
        "people",
    ),
    "a sign-off less": (
        lambda _: {"signed/signoff-1.json": None, "signed/signoff-1.json.sig": None},
        "people",
    ),
    "a signature less": (lambda _: {"signed/signoff-1.json.sig": None}, "people"),
    "an attached document exchanged": (
        lambda made: dict.fromkeys(
            [name for name in made.files if name.startswith("evidence/")], b"something else"
        ),
        "attached",
    ),
    "a file more": (lambda _: {"evidence/more": b"x"}, "attached"),
    "another page": (
        lambda made: {contents.PAGE: made.files[contents.PAGE].replace(b"PASS", b"FAIL")},
        "page",
    ),
    "other instructions": (lambda _: {contents.HOWTO: b"# Believe it\n"}, "page"),
    "a Sigstore bundle of another entry": (
        lambda made: {
            contents.SIGSTORE: contents.sigstore_bundle(
                json.loads(made.files[contents.ENTRIES].splitlines()[1])
            )
        },
        "entries",
    ),
    "about another entry": (
        lambda made: {contents.ABOUT: made.files[contents.ABOUT].replace(b'"entry":0', b'"entry":1')},
        "log",
    ),
    "a signer more": (
        lambda made: {contents.SIGNERS: made.files[contents.SIGNERS] + made.files[contents.SIGNERS][:99]},
        "trust",
    ),
    "another log's key": (
        lambda made: {
            contents.LOG_KEY: f"{ROGUE.verifier(made.files[contents.LOG_KEY].decode().partition('+')[0])}\n"
            .encode()
        },
        "trust",
    ),
    "revoked keys that nobody knew": (lambda _: {contents.REVOKED: b""}, "trust"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_record_is_found_where_it_is_forged(
    made: Made, gate: Gate, tmp_path: Path, name: str
) -> None:
    """Although its manifest fits; everything after the first wrong step is not checked."""
    make, step = FORGERIES[name]
    changes = make(made)
    assert any(data != made.files.get(file) for file, data in changes.items())
    forged = forge(made, tmp_path / "forged.tar", changes)
    done = gate("record", "verify", forged, "--trust", made.trust, "-o", "json")
    assert done.code == 1
    found = json.loads(done.out)
    assert [check["name"] for check in found["checks"] if check["state"] == "wrong"] == [step], done.out
    assert (found["ok"], found["verdict"]) == (False, None)
    assert found["checks"][-1]["text"] == "because of what is wrong above", "no advice to decide again"


def stored(made: Made, digest: str) -> Path:
    return made.root / "ledger" / "evidence" / "sha256" / digest[:2] / digest


@pytest.mark.parametrize(
    ("member", "damage"),
    [
        ("decision.json", "changed"),
        ("policy.json", "missing"),
        ("signed/signoff-3.json", "missing"),
        ("signed/signoff-3.json", "changed"),
        ("evidence/", "missing"),
        ("evidence/", "changed"),
    ],
)
def test_what_is_missing_or_damaged_gives_no_record(
    made: Made, tmp_path: Path, member: str, damage: str
) -> None:
    """One error that says what it is, and no half of a record."""
    data = next(data for name, data in made.files.items() if name.startswith(member))
    path = stored(made, hashlib.sha256(data).hexdigest())
    path.chmod(0o644)
    if damage == "missing":
        path.rename(tmp_path / "kept")
    else:
        path.write_bytes(data[:-1] + b"~")
    try:
        done = made.gate("record", "export", "0", "-o", tmp_path / "new.tar")
        folder = made.gate("record", "export", "0", "-o", tmp_path / "new")
    finally:
        path.write_bytes(data)
        path.chmod(0o444)
    assert (done.code, folder.code, list(tmp_path.glob("new*"))) == (2, 2, [])
    what = "is not in its store" if damage == "missing" else "was changed"
    assert done.err.startswith("ledger error") and what in done.err and path.name in done.err
    if member.startswith("signed"):
        assert "signed/signoff-3.json, which the decision rests on" in done.err


def test_what_cannot_be_attached(made: Made, tmp_path: Path) -> None:
    """Links, what is no file, secrets, two files of one name; nothing is recorded."""
    log = made.root / "ledger" / "log.intoto.jsonl"
    before = log.read_bytes()
    (tmp_path / "secret.pem").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n")
    (tmp_path / "broker.txt").write_text("account U1234567")
    (tmp_path / "putty.ppk").write_text("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")
    (tmp_path / "wide.pem").write_text("-----BEGIN PRIVATE KEY-----\nabc\n", encoding="utf-16")
    (tmp_path / "wide.txt").write_text("account U1234567", encoding="utf-16")
    (tmp_path / "link").symlink_to("/etc/hostname")
    (made.root / "inside").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "alias").symlink_to(made.root)
    (made.root / "out").symlink_to(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    (tmp_path / "x").write_text("2")
    cases = [
        (["secret.pem"], "it has a private key"),
        (["putty.ppk"], "it has a private key"),
        (["wide.pem"], "it has a private key"),
        (["wide.txt"], "it has an account number in full"),
        (["broker.txt"], "it has an account number in full"),
        (["link"], "it is a symbolic link"),
        ([str(made.root / "inside")], "cannot be attached"),
        (["alias/out/x"], "cannot be attached"),
        (["pipe"], "it is no regular file"),
        (["a"], "it is no regular file"),
        (["absent"], "No such file"),
        (["x", "a/x"], "two files are called x"),
    ]
    try:
        for names, problem in cases:
            done = made.gate("record", "attach", *(tmp_path / name for name in names), "--to", "0")
            assert done.code == 2, names
            assert problem in done.err and "U1234567" not in done.err, done.err
        for target in ("7", "zzz", "1"):
            assert made.gate("record", "attach", tmp_path / "x", "--to", target).code == 2
        assert made.gate("record", "attach", tmp_path / "x", "--to", "0", "--note", "a\x1b[1m").code == 2
    finally:
        (made.root / "inside").unlink()
        (made.root / "out").unlink()
    assert log.read_bytes() == before


def test_the_page_shows_the_decision_and_acts_on_nothing(made: Made) -> None:
    """One file without scripts or anything from elsewhere, in which the note stands as it was written."""
    text = made.files[contents.PAGE].decode()
    assert "<h1>PASS: all of algo-trade</h1>" in text
    assert "as the committee asked &lt;b&gt;" in text and "letter.txt" in text
    assert set(re.findall(r'(?:href|src)="([^"]*)"', text)) == {contents.HOWTO}
    assert not re.search(r"<script|<img|<b>|https?:", text)


NODE = """
const crypto = require('crypto'), fs = require('fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity } = require('@sigstore/verify');
const [, , file, raw, name] = process.argv;
const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(raw, 'hex')]);
const publicKey = crypto.createPublicKey({ key: der, format: 'der', type: 'spki' });
const trusted = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [],
  publicKey: (hint) => { if (hint !== name) throw new Error(hint); return { publicKey, validFor: () => true }; } };
const options = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0, tsaThreshold: 0 };
const bundle = bundleFromJSON(JSON.parse(fs.readFileSync(file)));
new Verifier(trusted, options).verify(toSignedEntity(bundle));
console.log('verified', bundle.mediaType);
"""  # noqa: E501
SIGSTORE = ("@sigstore/verify@2.1.1", "@sigstore/bundle@3.1.0")
BUILD = Path(__file__).resolve().parent.parent / "build" / "tools" / "sigstore"


@pytest.fixture(scope="session")
def sigstore() -> Path:
    """Where Sigstore's library for Node is, put into build/tools once."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    if not (BUILD / "node_modules").is_dir():
        BUILD.mkdir(parents=True, exist_ok=True)
        command = [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
            BUILD,
            *SIGSTORE,
        ]
        fetched = subprocess.run(command, capture_output=True, text=True)
        if fetched.returncode != 0:
            pytest.skip(f"@sigstore/verify cannot be had here: {fetched.stderr[-200:]}")
    return BUILD


def test_sigstore_verifies_the_bundle(made: Made, sigstore: Path, tmp_path: Path) -> None:
    """npm's @sigstore/verify accepts the decision's entry with the log's key, and no other."""
    key = VerifierKey.parse(made.files[contents.LOG_KEY].decode())
    script, bundle = sigstore / "verify.js", tmp_path / "bundle.json"
    script.write_text(NODE)
    bundle.write_bytes(made.files[contents.SIGSTORE])
    command = ["node", script, bundle, key.public.hex(), key.fingerprint]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "verified application/vnd.dev.sigstore.bundle.v0.3+json\n", done.stderr
    broken = json.loads(bundle.read_bytes())
    broken["dsseEnvelope"]["payload"] = base64.b64encode(b"{}").decode()
    bundle.write_text(json.dumps(broken))
    assert subprocess.run(command, capture_output=True).returncode != 0


def test_python_libraries_verify_entries_and_documents(made: Made) -> None:
    """securesystemslib checks each line of the in-toto bundle, rfc8785 gives the bytes of each document."""
    import rfc8785
    from securesystemslib.dsse import Envelope as Dsse
    from securesystemslib.signer import SSlibKey

    key = VerifierKey.parse(made.files[contents.LOG_KEY].decode())
    lines = made.files[contents.ENTRIES].splitlines()
    named = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": key.public.hex()}}
    signer = SSlibKey.from_dict(key.fingerprint, named)
    for line in lines:
        assert Dsse.from_dict(json.loads(line)).verify([signer], threshold=1)
    assert len(lines) == 2
    for name in (contents.DECISION, contents.INPUT, contents.POLICY, contents.JUDGE, contents.ABOUT):
        assert rfc8785.dumps(json.loads(made.files[name])) == made.files[name]


def page_commands() -> Iterator[tuple[str, list[str]]]:
    """Each command in the console blocks of docs/records.md, with the lines that it shows."""
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            yield command, shown


@pytest.mark.soak
@needs_tools
def test_the_example_of_the_page(made: Made, tmp_path: Path) -> None:
    """Attached and exported by the owner, verified on another machine with and without gate."""
    root = shutil.copytree(made.root, tmp_path / "ready")
    (tmp_path / "minutes.txt").write_text("Agreed.\n")
    owner = {"GATE_CONFIG_DIR": str(shutil.copytree(made.env["GATE_CONFIG_DIR"], tmp_path / "config"))}
    owner |= {"GATE_WORKSPACE": str(root), "GATE_OPERATOR": str(OPERATOR)}
    stranger = {"GATE_CONFIG_DIR": str(tmp_path / "stranger")}
    trust, ran = "", []
    for command, shown in page_commands():
        command = command.replace("sha256:…", trust)
        words = shlex.split(command)
        if words[0] == "gate":
            done = made.run(words[1:], tmp_path, owner if trust == "" else stranger)
            code, output = done.code, done.out + done.err
        else:
            shell = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True
            )
            code, output = shell.returncode, shell.stdout + shell.stderr
        assert code == 0, f"{command}\n{output}"
        for line in shown:
            pattern = ".+".join(map(re.escape, line.split("…")))
            assert re.search(f"^{pattern}$", output, re.MULTILINE), f"{line!r} is not in\n{output}"
        found = re.search(r"^trust +(sha256:\w+)$", output, re.MULTILINE)
        trust = found[1] if found else trust
        ran.append(words[0])
    assert ran == ["gate", "gate", "gate", "mkdir", "cd"]


@pytest.mark.soak
def test_opa_gives_the_same_violations(made: Made, opa: str, tmp_path: Path) -> None:
    """With the commands of the page: the policy's digest, and no violation where the decision has none."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    (command,) = re.findall(r"^```sh\n(jq .*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    folder = tmp_path / "record"
    archive.write_directory(folder, made.files)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=folder, capture_output=True, text=True
    )
    decision = json.loads(made.files[contents.DECISION])
    digest, _, codes = done.stdout.partition("  -\n")
    assert digest == decision["policy"]["digest"], done.stderr
    assert set(json.loads(codes)) == {one["code"] for one in decision["violations"]}


@needs_tools
class TestStockTools:
    """`VERIFY.md` of the record, run as it stands."""

    @staticmethod
    def run(tar: Path, folder: Path) -> subprocess.CompletedProcess[str]:
        folder.mkdir()
        subprocess.run(["tar", "-xf", tar], cwd=folder, check=True)
        page = (folder / contents.HOWTO).read_text()
        script = "".join(re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True
        )

    def test_the_instructions_verify_the_record(self, made: Made, tmp_path: Path) -> None:
        done = self.run(made.tar, tmp_path / "x")
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert lines[0] == f"trust {made.trust}"
        assert done.stdout.count('Good "signoff@gate" signature') == 8
        assert lines[-3:] == ['"verificationResult":"PASSED"', '"verdict":"PASS"', "record verified"]

    def test_tar_writes_the_same_archive(self, made: Made, tmp_path: Path) -> None:
        """GNU tar gives the same bytes from the unpacked files, as docs/records.md says."""
        (command,) = re.findall(r"^(find \. .*?again\.tar -T -)$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
        folder = tmp_path / "x"
        folder.mkdir()
        subprocess.run(["tar", "-xf", made.tar], cwd=folder, check=True)
        subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, check=True)
        assert (tmp_path / "again.tar").read_bytes() == made.tar.read_bytes()

    @pytest.mark.parametrize("name", ["proofs/1.checkpoint", "proofs/1.tlog-proof"])
    def test_every_byte_of_a_checkpoint_counts(self, made: Made, tmp_path: Path, name: str) -> None:
        """Also those of the line around the signature, which nothing has signed."""
        data = made.files[name]
        place = data.rindex(b" ") + 2  # within the hash of the key
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        done = self.run(forge(made, tmp_path / "forged.tar", {name: changed}), tmp_path / "x")
        assert (done.returncode, "NOT verified, at: cmp" in done.stderr) == (1, True), done.stderr

    @pytest.mark.parametrize(
        "name",
        [
            "a statement of another's",
            "another index",
            "a signature of another sign-off",
            "an attached document exchanged",
            *(
                pytest.param(name, marks=pytest.mark.soak)
                for name in ("another verdict in the document", "a sign-off less", "a signature less")
            ),
        ],
    )
    def test_the_instructions_find_forgeries(self, made: Made, tmp_path: Path, name: str) -> None:
        changes = FORGERIES[name][0](made)
        done = self.run(forge(made, tmp_path / "forged.tar", changes), tmp_path / "x")
        assert done.returncode != 0
        assert "record verified" not in done.stdout
        assert "NOT verified, at: " in done.stderr
        if name == "a signature of another sign-off":
            assert "signed/signoff-" in done.stderr
