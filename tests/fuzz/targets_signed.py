"""Fuzz targets for what is signed. The keys are made from constant bytes: they protect nothing."""

from __future__ import annotations

import base64
import functools
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from oracle import Folder, accepted, check
from ssh_signatures import sign

from gate.engine.ledger import open_ledger, open_reader, verify_ledger
from gate.engine.ledger.interface import CHECKPOINT, LOG
from gate.engine.ledger.keychain import KEY_EVENT, Admins, KeyChain
from gate.engine.ledger.note import Checkpoint, open_note, sign_note
from gate.engine.record.archive import BadRecordError, read_tar, write_tar
from gate.engine.record.contents import trust_digest
from gate.engine.record.verify import verify
from gate.evidence.base.canonical import canonical
from gate.evidence.reading.parse import decode_text
from gate.evidence.signing.allowed_signers import AllowedSigners
from gate.evidence.signing.dsse import Envelope
from gate.evidence.signing.intoto import STATEMENT_TYPE, parse_statement
from gate.evidence.signing.keys import LogKey, VerifierKey
from gate.evidence.signing.problems import SignatureError
from gate.evidence.signing.sshsig import SshSignature
from gate.evidence.signing.statements import check_signature

NAME = "fuzz.example/log"
SIGNED = b"what was signed\n"
NAMESPACE = "file"
KEY = LogKey.from_seed(bytes(range(32)))
PERSON = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
SIGNATURES = {kind: sign(SIGNED, NAMESPACE, PERSON, kind) for kind in ("sha256", "sha512")}
VERIFIER = KEY.verifier(NAME)
CHAIN = KeyChain.begin(VERIFIER)
TIME = "2025-12-05T12:00:00Z"


@functools.cache
def signers() -> AllowedSigners:
    """A file that lists the one key."""
    key = SshSignature.parse(SIGNATURES["sha512"]).key
    line = f"fuzz@example.com {key.kind} {base64.b64encode(key.blob).decode()}\n"
    return AllowedSigners.parse(line, "allowed_signers")


def allowed_signers(data: bytes) -> None:
    """Entries name somebody and a key; to ask them never fails."""
    found, _ = accepted(lambda: AllowedSigners.parse(decode_text(data, "allowed_signers"), "allowed_signers"))
    for entry in found.signers if found else ():
        check(entry.principals, "an entry for nobody")
        entry.speaks_for("fuzz@example.com")
        entry.signs_in(NAMESPACE)
        first, last = entry.valid_from_s, entry.valid_until_s
        check(first is None or last is None or first < last, "a time that ends before it begins")


def sshsig(data: bytes) -> None:
    """Nothing is valid but the signatures that were made: Ed25519 has one for each message."""
    armour = b"-----BEGIN SSH SIGNATURE-----\n", b"\n-----END SSH SIGNATURE-----\n"
    for armored in (data, base64.b64encode(data).join(armour)):
        state = check_signature(SIGNED, armored, NAMESPACE, signers()).state
        if state in ("valid", "unknown_key"):
            parsed = SshSignature.parse(armored)
            known = [SshSignature.parse(good) for good in SIGNATURES.values()]
            check(state != "valid" or parsed in known, "a signature that nobody made is valid")


def dsse(data: bytes) -> None:
    """An envelope that is accepted is written in one way; one that holds is what the key signs."""
    envelope, _ = accepted(lambda: Envelope.parse(data))
    if envelope is not None:
        check(envelope.line() == data, "another line is the same envelope")
        if accepted(lambda: envelope.verify(VERIFIER))[1] is None:
            check(Envelope.sign(envelope.payload, KEY).line() == data, "a signature that nobody made holds")


def statement(data: bytes) -> None:
    """A statement that is accepted is canonical; in a signed line it is accepted again."""
    found, _ = accepted(lambda: parse_statement(data))
    line = Envelope.sign(data, KEY).line()
    envelope, _ = accepted(lambda: CHAIN.check(0, line)[0])
    check((found is None) == (envelope is None) or len(line) > 65_535, "a signed line says otherwise")
    if found is not None:
        check(canonical(found) == data, "a statement with two ways of writing it")


def key_event(data: bytes) -> None:
    """A text that the one key admin signed changes keys, or is refused; a log key is always left."""
    key = SshSignature.parse(SIGNATURES["sha512"]).key
    admins = Admins.parse(f"fuzz {key.kind} {base64.b64encode(key.blob).decode()}", 1, "admins")
    text = data.decode("utf-8", "replace")
    digest = hashlib.sha256(text.encode()).hexdigest()
    signatures = [sign(text.encode(), "keys@gate", PERSON).decode()]
    predicate = {
        "event": text,
        "signatures": signatures,
        "documents": [{"name": "event", "sha256": digest}],
    }
    subject = [{"digest": {"sha256": digest}}]
    value = {"_type": STATEMENT_TYPE, "subject": subject, "predicateType": KEY_EVENT, "predicate": predicate}
    line = Envelope.sign(canonical(value), KEY).line()
    chain = KeyChain.begin(VERIFIER, admins).extended([line], 0, lambda _: bytes(32))
    check(len(chain.events) + len(chain.refused) == 1, "an event that nobody saw")
    check(any(one.purpose == "log" and one.ended_by is None for one in chain.signers), "no log key is left")
    check(bool(chain.events) == (chain.last == digest), "another event counts")


def note(data: bytes) -> None:
    """As it is, and as the text of a note that is really signed."""
    accepted(lambda: Checkpoint.open(data, VERIFIER))
    try:
        signed = sign_note(data.decode(), NAME, KEY)
    except ValueError:
        return
    text, error = accepted(lambda: open_note(signed, VERIFIER))
    check(error is not None or text == data.decode(), "another text was signed")
    checkpoint, _ = accepted(lambda: Checkpoint.open(signed, VERIFIER))
    if checkpoint is not None:
        check(data.decode().startswith(checkpoint.text()), "a checkpoint with two ways of writing it")


def verifier_key(data: bytes) -> None:
    """A key that is accepted is written in one way."""
    text = data.decode("ascii", "replace")
    key, _ = accepted(lambda: VerifierKey.parse(text))
    check(key is None or str(key) == text.strip(), "a key with two ways of writing it")


@functools.cache
def _ledger() -> tuple[Folder, bytes, bytes]:
    """A sealed ledger of two entries; its log and its checkpoint."""
    folder = Folder({})
    one: dict[str, Any] = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": "a", "digest": {"sha256": "0" * 64}}],
        "predicateType": "https://example.com/fuzz/v1",
        "predicate": {"n": 1},
    }
    with open_ledger(folder.root / "ledger", KEY, origin=NAME) as ledger:
        ledger.append([canonical(one), canonical(one | {"predicate": {"n": 2}})])
        ledger.seal(TIME)
    path = folder.root / "ledger"
    return folder, (path / LOG).read_bytes(), (path / CHECKPOINT).read_bytes()


def ledger_log(data: bytes) -> None:
    """A sealed log that is not byte for byte the one that was sealed is found out."""
    _verify(LOG, data)


def ledger_checkpoint(data: bytes) -> None:
    """A checkpoint with other content than the signed one is found out."""
    _verify(CHECKPOINT, data)


def _verify(name: str, data: bytes) -> None:
    folder, log, checkpoint = _ledger()
    path = folder.root / "ledger"
    original = log if name == LOG else checkpoint
    folder.write(f"ledger/{name}", data)
    try:
        accepted(lambda: _read(path))
        report, _ = accepted(lambda: verify_ledger(path, expected_key=VERIFIER))
        if report is not None and report.ok:
            check(_says_the_same(name, data, original), "a changed ledger passes verification")
        check(report is None or report.ok or report.problems, "a problem without a name")
        check(data != original or (report is not None and report.ok), "an untouched ledger does not pass")
    finally:
        folder.write(f"ledger/{name}", original)


def _says_the_same(name: str, data: bytes, original: bytes) -> bool:
    if name == LOG:  # what was sealed must stand; after it may be an entry that was signed, or a torn line
        rest = data[len(original) :].split(b"\n")[:-1]
        return data.startswith(original) and all(_holds(line) for line in rest)
    # a note may carry signatures by others beside ours
    return open_note(data, VERIFIER) == open_note(original, VERIFIER)


def _holds(line: bytes) -> bool:
    try:
        CHAIN.check(0, line)
    except SignatureError:
        return False
    return True


def record(data: bytes) -> None:
    """An archive that is read is written in one way; verifying what is in it ends with a result."""
    try:
        files = read_tar(data)
    except BadRecordError as error:
        check(str(error), "a record is refused without a reason")
        return
    check(b"".join(write_tar(files)) == data, "an archive with two ways of writing it")
    found = verify(files, trust_digest(files), again=True)
    check(not found.ok, "a record that nobody made is verified")
    check(all(one.text for one in found.checks), "a step without a word about it")


def _read(path: Any) -> int:
    with open_reader(path) as reader:
        reader.checkpoint()
        return sum(1 for _ in reader.entries())
