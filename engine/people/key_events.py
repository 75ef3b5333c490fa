"""Key events: requested, signed by key admins, put into the ledger; and all keys in a list."""

from __future__ import annotations

import base64
import glob
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...evidence.base.canonical import sha256_hex
from ...evidence.base.errors import ConfigError, EvidenceError, UsageError
from ...evidence.base.limits import DEFAULT
from ...evidence.base.times import format_utc, parse_rfc3339
from ...evidence.reading.workspace.named import read_followed
from ...evidence.signing.key_sources import VARIABLE, given_log_key
from ...evidence.signing.keys import (
    KEY_FILE,
    NEXT_FILE,
    LogKey,
    load_log_key,
    load_or_create_log_key,
    put_next_in_place,
)
from ...evidence.signing.sshsig import SshSignature, ed25519_blob, key_fingerprint
from ..context import Context
from ..ledger.interface import NoLedger
from ..ledger.keychain import EVENT_TYPE, LOG_KEY, Admins, KeyChain, NotCounted, Signer
from ..ledger.merkle import Frontier
from ..ledger.note import Checkpoint
from ..ledger.reader import LedgerReader
from ..recording import append_statement
from ..report.people import Listed
from ..workspace_ledger import reader, writer
from . import sshsign

_MOST_SIGNATURES = 100


def begin(context: Context, config_dir: Path) -> Iterator[str]:
    """Make the log key and begin the ledger: what to pin, line by line.

    Raises UsageError: there is a key or a ledger already; as `ledgers.writer`.
    """
    given, admins = given_log_key(), context.authority.key_admins
    if given is None and load_log_key(config_dir) is not None:
        what = "there is a log key already, and none is ever overwritten"
        remedy = "change it with `gate keys rotate`, or name another directory with GATE_CONFIG_DIR"
        raise UsageError(what, path=str(config_dir / KEY_FILE), remedy=remedy)
    try:
        reader(context, config_dir).close()
    except NoLedger:
        pass
    else:
        remedy = "change its key with `gate keys rotate`"
        raise UsageError("there is a ledger already", path=str(context.ledger), remedy=remedy)
    if given is not None and admins is not None and ed25519_blob(given.public) in admins.keys:
        what = f"the log key {given.fingerprint} is also the key of a key admin"
        raise ConfigError(what, place=VARIABLE, remedy="use a key of its own for the log")
    with writer(context, config_dir) as (ledger, _):
        key = ledger.verifier
    where = "its key is not kept by gate" if given is not None else f"its key is {config_dir / KEY_FILE}"
    yield f"log key   {key.fingerprint}; {where}"
    yield f"ledger    {ledger.name}"
    if admins is None:
        yield "admins    none, so that its keys cannot be changed: name key_admins in an operator's file"
    else:
        names = ", ".join(sorted(set(admins.keys.values())))
        yield f"admins    {admins.threshold} of {len(set(admins.keys.values()))}: {names}"
    yield "pin it in the operator's file:"
    yield f"log_key: {key}"


def own_next_key(config_dir: Path) -> str:
    """The public key of the log key that is to come, made if there is none; as in a .pub file."""
    return public_line(load_or_create_log_key(config_dir, NEXT_FILE)[0].public)


def public_line(raw: bytes) -> str:
    """An Ed25519 public key as in a .pub file, without a comment."""
    return f"ssh-ed25519 {base64.b64encode(ed25519_blob(raw)).decode()}"


def read_public(path: Path) -> str:
    """The public key in a .pub file, without its comment. Raises UsageError: there is no Ed25519 key."""
    key = sshsign.public_key(path) if path.suffix == ".pub" else None
    if key is None or key.kind != "ssh-ed25519":
        remedy = "name the .pub file of a key that `ssh-keygen -t ed25519` made"
        raise UsageError("this is no public Ed25519 key", path=str(path), remedy=remedy)
    return public_line(key.point)


def request(
    context: Context, config_dir: Path, action: str, reason: str, since: str | None = None, **fields: Any
) -> bytes:
    """A key event for the key admins to sign.

    Args:
        since: the first entry that counts no more, or a time: then, the first one that no checkpoint of
            before covers.
        fields: of the document; without `key`, that of the only log key is meant by a rotation.

    Raises ConfigError: nobody names key admins; UsageError: it would not count; as `ledgers.reader`.
    """
    with reader(context, config_dir) as ledger:
        chain, latest = ledger.chain, ledger.checkpoint()
        _known_admins(chain)
        size = ledger.size()
        if since is not None:
            fields["from_entry"] = _first_entry(since, ledger)
            if fields["from_entry"] > size:
                what = f"there is no entry {fields['from_entry']} yet, the ledger has {size}"
                raise UsageError(what, place="--from", remedy="name the first entry that counts no more")
    if action == "rotate" and fields.get("key") is None:
        current = [one for one in chain.signers if one.ended_by is None and one.purpose == LOG_KEY]
        if len(current) > 1:
            raise UsageError("the ledger has several log keys", remedy="say which one with --old")
        fields["key"] = current[0].key.fingerprint
    document = {
        "type": EVENT_TYPE,
        "log": str(chain.founding),
        "previous": chain.last,
        "checkpoint": {
            "size": latest.size if latest else 0,
            "root": latest.root_hex if latest else Frontier().root().hex(),
        },
        "action": action,
        **dict(sorted(fields.items())),
        "reason": reason,
    }
    data = json.dumps(document, indent=2) + "\n"
    try:
        chain.proposed(data, size)
    except NotCounted as problem:
        remedy = "`gate keys list` shows the keys as they are"
        raise UsageError(f"this would not count: {problem}", remedy=remedy) from None
    return data.encode()


def _known_admins(chain: KeyChain) -> Admins:
    if chain.admins is None:
        what = "no key admins are named, so nobody can change the ledger's keys"
        remedy = "name them in the operator's file (--operator), see `gate docs keys`"
        raise ConfigError(what, place="key_admins", remedy=remedy)
    return chain.admins


def _first_entry(since: str, ledger: LedgerReader) -> int:
    if since.isdecimal() and len(since) < 16:
        return int(since)
    try:
        moment = parse_rfc3339(since)
    except ValueError as error:
        remedy = "give the number of an entry, or a time with its zone"
        raise UsageError(f"--from: {error}", remedy=remedy) from error
    return max((one.size for one in ledger.history() if parse_rfc3339(one.time) <= moment), default=0)


def name_of_signature(path: Path, armored: bytes) -> Path:
    """Where the signature of one admin goes, beside the request: each has a file of their own."""
    key = SshSignature.parse(armored).key
    return path.with_name(f"{path.name}.{sha256_hex(key.blob)[:12]}.sig")


def about(data: bytes) -> Iterator[str]:
    """What a request does not say in words: the fingerprint of a new key, and who the new admins are."""
    document = json.loads(data)
    words = str(document.get("successor", "")).split()
    try:
        if len(words) > 1:
            yield f"new key: {key_fingerprint(base64.b64decode(words[1], validate=True))}"
        if "admins" in document:
            admins = Admins.parse(str(document["admins"]), int(document["threshold"]), "admins")
            for blob, name in admins.keys.items():
                yield f"admin: {name} {key_fingerprint(blob)}"
    except (ValueError, TypeError, KeyError, EvidenceError) as error:
        raise UsageError(f"this key event cannot count: {error}", remedy="request it anew") from error


def read_text(path: Path) -> str:
    """The text of a file. Raises UsageError: it cannot be read, or is not UTF-8."""
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise UsageError("is no UTF-8 text", path=str(path), remedy="name the right file") from error


def read_request(path: Path) -> bytes:
    """A key event that was requested. Raises UsageError: it cannot be read, or is none."""
    data = read_text(path).encode()
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("type") != EVENT_TYPE:
        remedy = "name the file that `gate keys rotate`, `revoke`, `add` or `admins` wrote"
        raise UsageError("this is no key event", path=str(path), remedy=remedy)
    return data


def read_bytes(path: Path) -> bytes:
    """What is signed, or a signature. Raises UsageError: the file cannot be read, or is too large."""
    return read_followed(path, UsageError, "name the right file", DEFAULT.signature_bytes)


def apply(context: Context, config_dir: Path, path: Path, now: str) -> list[str]:
    """Put a key event into the ledger that enough admins signed: what happened, line by line.

    Signatures are in files beside it whose names begin with its own and end with `.sig`.

    Raises UsageError: not enough admins signed it; LedgerError: it does not count in this ledger; as
    `recording.append_statement`.
    """
    data = read_request(path)
    event = data.decode()
    with reader(context, config_dir) as ledger:
        chain, size = ledger.chain, ledger.size()
    admins = _known_admins(chain)
    if chain.last == sha256_hex(data):
        return ["it is in the ledger already", *_in_place(config_dir, chain)]
    try:
        after = chain.proposed(event, size)
    except NotCounted as problem:
        remedy = "request it anew, and have that signed"
        raise UsageError(f"the key event does not count: {problem}", path=str(path), remedy=remedy) from None
    files = [path.with_name(f"{path.name}.sig"), *sorted(path.parent.glob(f"{glob.escape(path.name)}.*.sig"))]
    armored = [
        read_bytes(one).decode("ascii", "replace") for one in files[:_MOST_SIGNATURES] if one.is_file()
    ]
    signed, others = admins.signed(event, armored)
    if len(signed) < admins.threshold:
        reasons = "".join(f"; {one}" for one in dict.fromkeys(others))
        missing = sorted(set(admins.keys.values()) - set(signed))
        what = f"{len(signed)} of the {admins.threshold} key admins that are needed signed it{reasons}"
        remedy = f"`gate keys sign {path.name}` adds a signature; still to ask: {', '.join(missing)}"
        raise UsageError(what, path=str(path), remedy=remedy)
    action = json.loads(event)["action"]
    new = after.signers[-1]  # a new log key signs its own entry, which also works when the old one is lost
    key = _joining(config_dir, new) if action == "rotate" and new.purpose == LOG_KEY else None
    documents = {f"{name}.sig": text.encode() for name, text in signed.items()} | {"event.json": data}
    subject = [{"name": action, "digest": {"sha256": sha256_hex(data)}}]
    predicate = {"event": event, "signatures": list(signed.values())}
    entry, notices = append_statement(
        context, "key-event", subject, predicate, documents, config_dir, now, key
    )
    return [
        f"recorded as entry {entry.index}, signed by {', '.join(sorted(signed))}",
        *_in_place(config_dir, after),
        *([f"pin the new key in the operator's file: log_key: {new.key}"] if key else []),
        *notices,
    ]


def _joining(config_dir: Path, new: Signer) -> LogKey:
    """The private half of the key that a rotation admits. Raises UsageError: it is not here."""
    for found in (given_log_key(), load_log_key(config_dir, NEXT_FILE), load_log_key(config_dir)):
        if found is not None and found.public == new.key.public:
            return found
    what = f"the new key {new.key.fingerprint} is not here, and it must sign its own entry"
    remedy = f"run this where it is: in {NEXT_FILE} of the configuration directory, or set {VARIABLE}"
    raise UsageError(what, remedy=remedy)


def _in_place(config_dir: Path, chain: KeyChain) -> list[str]:
    """Make the next key the log key, if the chain admits it."""
    waiting = load_log_key(config_dir, NEXT_FILE)
    signer = None if waiting is None else chain.signer(waiting.public)
    if waiting is None or signer is None or signer.ended_by is not None:
        return []
    kept = put_next_in_place(config_dir)
    old = f"; the old one is kept as {kept}" if kept else ""
    return [f"{waiting.fingerprint} is now the log key in {config_dir}{old}"]


def list_keys(context: Context, config_dir: Path) -> list[Listed]:
    """All keys: those that sign the ledger, key admins, people; and key events that do not count."""
    with reader(context, config_dir) as ledger:
        chain, history = ledger.chain, list(ledger.history())
    found = [_signer(one, history) for one in chain.signers]
    if chain.admins is not None:
        needed = chain.admins.threshold
        found += [
            _row("in force", "admin", key_fingerprint(blob), name, f"{needed} must sign")
            for blob, name in chain.admins.keys.items()
        ]
    found += _people(context)
    for index, reason in chain.refused:
        data = {"purpose": "key-event", "state": "void", "from_entry": index, "reason": reason}
        found.append(Listed("void", f"key event in entry {index}", (reason,), data))
    return found


def _signer(one: Signer, history: Sequence[Checkpoint]) -> Listed:
    def time(index: int | None) -> str | None:
        return next((c.time for c in history if index is not None and c.size > index), None)

    end = one.end
    span = f"from entry {one.start} ({time(one.start) or 'not sealed'})"
    if end is not None:
        span += f" to before entry {end} ({time(end) or 'not sealed'}), ended by entry {one.ended_by}"
    about: dict[str, Any] = {"ended_by": one.ended_by, "from_entry": one.start, "to_entry": end}
    about |= {"from_time": time(one.start), "to_time": time(end)}
    state = "in force" if end is None else "ended"
    return _row(state, one.purpose, one.key.fingerprint, None, span, **about)


def _people(context: Context) -> Iterator[Listed]:
    try:
        signers = sshsign.known_signers(context)
    except EvidenceError as error:
        data = {"purpose": "officer", "state": "void", "reason": error.what}
        yield Listed("void", context.config.allowed_signers, (error.what,), data)
        return
    for one in signers.signers:
        begin, end = (None if at is None else format_utc(at) for at in (one.valid_from_s, one.valid_until_s))
        revoked = one.key.blob in signers.revoked
        span = " ".join(text for text in (begin and f"from {begin}", end and f"to {end}") if text)
        name = ",".join(one.principals)
        about = {"from_time": begin, "to_time": end}
        yield _row("revoked" if revoked else "listed", "officer", one.key.fingerprint, name, span, **about)


def _row(state: str, purpose: str, fingerprint: str, name: str | None, about: str, **data: Any) -> Listed:
    whole = {"state": state, "purpose": purpose, "fingerprint": fingerprint, "principal": name, **data}
    text = " ".join(part for part in (f"{purpose:<8}", fingerprint, name) if part)
    return Listed(state, text, (about,) if about else (), whole)
