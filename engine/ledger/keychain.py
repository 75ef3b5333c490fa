"""Which keys may sign a log: the key it was begun with, and what its key admins made of that.

Pure but for what the caller gives: lines, the admins that the verifier pinned, and the roots of the log. A
key event is an entry with a document that enough admins signed. It counts if the document names this log, the
event before it and an earlier state of the log, so that it cannot be taken into another log, repeated, or put
into a fork. What it says holds from its own entry on, and for retroactive revocations before that, too.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from ...evidence.base.contracts import violations
from ...evidence.base.errors import EvidenceError
from ...evidence.base.limits import DEFAULT
from ...evidence.signing.allowed_signers import AllowedSigners
from ...evidence.signing.dsse import Envelope
from ...evidence.signing.intoto import parse_statement
from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import Flaw, SignatureError
from ...evidence.signing.sshsig import PublicKey, SshSignature, ed25519_blob
from .findings import MAX_FINDINGS
from .note import Checkpoint

NAMESPACE: Final = "keys@gate"
"""SSHSIG namespace that key admins sign in."""
KEY_EVENT: Final = "urn:gate:key-event:v1"
EVENT_TYPE: Final = "gate.key-event/v1"
LOG_KEY, CI_KEY = "log", "ci"
CI_SIGNS: Final = "https://slsa.dev/verification_summary/v1"
"""The only predicateType that a CI key may sign: that of decisions."""
_PATTERNS: Final = frozenset("*?!")


def _marks() -> tuple[bytes, ...]:
    """How base64 shows the predicateType at each of the three places where it may begin."""
    found = []
    for shift in range(3):
        data = bytes(shift) + KEY_EVENT.encode()
        found.append(base64.b64encode(data)[(8 * shift + 5) // 6 : 8 * len(data) // 6])
    return tuple(found)


_MARKS: Final = _marks()


class Admins(Struct, frozen=True):
    """Who may change a log's keys, and how many of them it takes.

    Attributes:
        keys: SSH public key blob → principal.
        digest: SHA-256 of what they were read from.
    """

    keys: Mapping[bytes, str]
    threshold: int
    digest: str

    @classmethod
    def parse(cls, text: str, threshold: int, path: str) -> Admins:
        """Read a file in OpenSSH's allowed_signers format.

        Raises EvidenceError naming the line: as `AllowedSigners.parse`; also for a line with several
        principals or patterns, with times, without the namespace, or with a key that stands twice, and for a
        threshold that these admins cannot reach.
        """
        keys: dict[bytes, str] = {}
        for one in AllowedSigners.parse(text, path).signers:
            what = None
            if len(one.principals) != 1 or _PATTERNS & set(one.principals[0]):
                what = "a key admin is one person, without patterns"
            elif not one.signs_in(NAMESPACE):
                what = f"the key of a key admin may not sign for {NAMESPACE}"
            elif one.valid_from_s is not None or one.valid_until_s is not None:
                what = "the key of a key admin has no times: a key event removes it"
            elif one.key.blob in keys:
                what = f"the key {one.key.fingerprint} stands twice"
            if what is not None:
                remedy = 'write NAME namespaces="keys@gate" KEY'
                raise EvidenceError(what, path=path, place=f"line {one.line}", remedy=remedy)
            keys[one.key.blob] = one.principals[0]
        people = len(set(keys.values()))
        if not 1 <= threshold <= people:
            remedy = "set a threshold from 1 to the number of admins"
            raise EvidenceError(f"{threshold} of {people} key admins cannot sign", path=path, remedy=remedy)
        return cls(keys, threshold, hashlib.sha256(f"{threshold}\n{text}".encode()).hexdigest())

    def signed(self, event: str, signatures: Iterable[str]) -> tuple[dict[str, str], list[str]]:
        """The admins who signed a document, each with the first signature, and why other signatures do not
        count.
        """
        found: dict[str, str] = {}
        others = []
        for armored in signatures:
            try:
                signature = SshSignature.parse(armored.encode())
                signature.verify(event.encode(), NAMESPACE)
            except SignatureError as problem:
                others.append(problem.reason)
                continue
            name = self.keys.get(signature.key.blob)
            if name is None:
                others.append(f"{signature.key.fingerprint} is not the key of a key admin")
            elif name in found:
                others.append(f"{name} signed twice")
            else:
                found[name] = armored
        return found, others


class Signer(Struct, frozen=True):
    """A key that may sign a log, or might.

    Attributes:
        purpose: `log` for entries of every kind, `ci` for decisions only; both sign checkpoints.
        start: first entry that it may sign.
        ended_by: entry of the event that replaced or revoked it; None while it is in force.
        end: first entry of it that does not count, at most `ended_by`.
    """

    key: VerifierKey
    purpose: str
    start: int = 0
    ended_by: int | None = None
    end: int | None = None


class NotCounted(Exception):
    """Why a key event does not count."""


@dataclass(frozen=True, slots=True)
class KeyChain:
    """The keys of a log as far as its lines were read; a value that `extended` gives anew.

    Attributes:
        founding: the key that the log was begun with; with its name, it is the log's identity.
        pinned: the key admins that the verifier trusts from the beginning; None counts no key event at all.
        admins: those in force now.
        signers: all keys that were ever admitted, oldest first.
        events: the key events that count: entry and line.
        last: SHA-256 of the document of the last one, which the next one must name.
        refused: those that do not, at most `MAX_FINDINGS`: entry and reason.
    """

    founding: VerifierKey
    pinned: Admins | None = None
    admins: Admins | None = None
    signers: tuple[Signer, ...] = ()
    events: tuple[tuple[int, bytes], ...] = ()
    last: str | None = None
    refused: tuple[tuple[int, str], ...] = field(default=(), compare=False)

    @classmethod
    def begin(cls, founding: VerifierKey, pinned: Admins | None = None) -> KeyChain:
        """The chain of a log before its first line."""
        return cls(founding, pinned, pinned, (Signer(founding, LOG_KEY),))

    def replayed(self, events: Iterable[tuple[int, bytes]]) -> KeyChain:
        """The chain after events that are remembered in a receipt, whose checkpoint covers them.

        Raises NotCounted: they do not count by these key admins.
        """
        chain = self
        for index, line in events:
            chain = chain._read(index, line, None)
        return chain

    def extended(self, lines: Iterable[bytes], start: int, root_at: Callable[[int], bytes]) -> KeyChain:
        """The chain after more lines, of which only key events are looked at.

        Args:
            lines: without line feeds, the first with the index `start`.
            root_at: the root over the first entries of the log, as many as it is told.
        """
        chain = self
        if self.pinned is None:
            return chain
        first, second, third = _MARKS
        refused = list(self.refused)
        for index, line in enumerate(lines, start):
            if first in line or second in line or third in line:
                try:
                    chain = chain._read(index, line, root_at)
                except NotCounted as problem:
                    refused.append((index, str(problem)))
                    del refused[MAX_FINDINGS:]
        return dataclasses.replace(chain, refused=tuple(refused))

    def check(self, index: int, line: bytes) -> tuple[Envelope, str | None]:
        """The envelope of the entry at an index, and why it does not count (`checked`).

        Raises SignatureError: it is no canonical envelope of a canonical Statement that a key signed which
        may sign there.
        """
        envelope = Envelope.parse(line)
        statement = parse_statement(envelope.payload)
        return envelope, self.checked(index, envelope, statement["predicateType"])

    def proposed(self, event: str, index: int) -> KeyChain:
        """The chain after an event that nobody signed yet. Raises NotCounted: it would not count."""
        return self._changed(index, _document(event))

    def checked(self, index: int, envelope: Envelope, kind: str, *, signature: bool = True) -> str | None:
        """Why the entry at an index does not count although its key might sign it when it was written: the
        key was revoked from there on later. None when it counts.

        Args:
            kind: its predicateType.
            signature: whether the signature itself is checked.

        Raises SignatureError: WRONG_KEY when its key may not sign there, or not this; BAD_SIGNATURE.
        """
        signer = next((one for one in self.signers if one.key.fingerprint == envelope.keyid), None)
        if signer is None:
            names = (
                f"this log's {self.founding.fingerprint}" if len(self.signers) == 1 else "a key of this log"
            )
            raise SignatureError(Flaw.WRONG_KEY, f"signed by {envelope.keyid[:60]!r}, not by {names}")
        if signature:
            envelope.verify(signer.key)
        if index < signer.start:
            what = f"signed by {envelope.keyid}, which was admitted only by entry {signer.start}"
            raise SignatureError(Flaw.WRONG_KEY, what)
        if signer.ended_by is not None and index >= signer.ended_by:
            what = f"signed by {envelope.keyid}, which entry {signer.ended_by} replaced or revoked"
            raise SignatureError(Flaw.WRONG_KEY, what)
        if signer.purpose == CI_KEY and kind != CI_SIGNS:
            what = f"signed by {envelope.keyid}, a CI key, which may sign decisions only"
            raise SignatureError(Flaw.WRONG_KEY, what)
        if signer.end is not None and index >= signer.end:
            return f"its key was revoked from entry {signer.end} on, by entry {signer.ended_by}"
        return None

    def open(self, note: bytes) -> Checkpoint:
        """Verify and read a checkpoint, signed by a key that might sign one of that size when it was signed.

        Raises SignatureError as `Checkpoint.open`, and WRONG_KEY when the key was replaced or revoked within
        what the checkpoint covers, or is admitted only after it.
        """
        return self._opened(note)[0]

    def revoked(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint covers entries from which on its key was revoked later."""
        _, signer = self._opened(checkpoint.note)
        return signer.end is not None and checkpoint.size > signer.end

    def _opened(self, note: bytes) -> tuple[Checkpoint, Signer]:
        problem = None
        for signer in reversed(self.signers):
            try:
                found = Checkpoint.open(note, signer.key)
            except SignatureError as error:
                if error.flaw is not Flaw.WRONG_KEY:
                    raise
                problem = problem or error
                continue
            if signer.start and found.size <= signer.start:
                what = f"signed by {signer.key.fingerprint}, which was admitted only by entry {signer.start}"
            elif signer.ended_by is not None and found.size > signer.ended_by:
                what = (
                    f"signed by {signer.key.fingerprint}, which entry {signer.ended_by} replaced or revoked"
                )
            else:
                return found, signer
            problem = SignatureError(Flaw.WRONG_KEY, what)
        assert problem is not None  # noqa: S101 - narrows the type: there is always the founding key
        raise problem

    def signer(self, public: bytes) -> Signer | None:
        """The signer with this raw public key, in force or not."""
        return next((one for one in self.signers if one.key.public == public), None)

    def knows(self, key: VerifierKey, sealed: int | None = None) -> bool:
        """Whether a pinned key is one of this log, so that events lead from it to those in force.

        Args:
            sealed: number of entries that the latest checkpoint covers; the event that admits the key must be
                among them, or else anybody may have copied it to there. None does not ask for that.
        """
        found = next((one for one in self.signers if one.key == key), None)
        return found is not None and (sealed is None or not found.start or found.start < sealed)

    def _read(self, index: int, line: bytes, root_at: Callable[[int], bytes] | None) -> KeyChain:
        """The chain after a line that may be a key event. Raises NotCounted."""
        try:
            envelope = Envelope.parse(line)
            statement = parse_statement(envelope.payload)
        except SignatureError as problem:
            raise NotCounted(problem.reason) from None
        if statement["predicateType"] != KEY_EVENT:
            return self
        predicate = statement.get("predicate")
        broken = violations("entries", "key-event", predicate, most=1)
        if broken or predicate is None:
            raise NotCounted("it breaks its contract")
        event, document = predicate["event"], _document(predicate["event"])
        chain = dataclasses.replace(
            self._changed(index, document),
            events=(*self.events, (index, line)),
            last=hashlib.sha256(event.encode()).hexdigest(),
        )
        admins = self.admins
        if admins is None:
            raise NotCounted("no key admins are known")
        names, others = admins.signed(event, predicate["signatures"])
        if len(names) < admins.threshold:
            reasons = "; ".join(dict.fromkeys(others[:3]))
            raise NotCounted(
                f"{len(names)} of the {admins.threshold} key admins that are needed signed it"
                + (f" ({reasons})" if reasons else "")
            )
        try:
            chain.checked(index, envelope, KEY_EVENT)
        except SignatureError as problem:
            raise NotCounted(f"its entry is {problem.reason}") from None
        seen = document["checkpoint"]
        if root_at is not None and root_at(seen["size"]).hex() != seen["root"]:
            raise NotCounted("it was signed for a log with other entries before it")
        return chain

    def _changed(self, index: int, document: dict[str, Any]) -> KeyChain:
        """The chain after what a document says. Raises NotCounted: it does not fit to the chain."""
        if document["log"] != str(self.founding):
            raise NotCounted("it is about another log")
        if document["previous"] != self.last:
            raise NotCounted("it does not follow the last key event: it was used, or another one came first")
        if document["checkpoint"]["size"] > index:
            raise NotCounted("it was signed for a longer log")
        signers = list(self.signers)
        if "key" in document:
            at = next((n for n, one in enumerate(signers) if one.key.fingerprint == document["key"]), None)
            if at is None or signers[at].ended_by is not None:
                raise NotCounted(f"the key {document['key']} is not in force")
            end = min(document.get("from_entry", index), index)
            if end < signers[at].start:
                raise NotCounted(f"the key was not in force before entry {signers[at].start}")
            signers[at] = replace(signers[at], ended_by=index, end=end)
            purpose = signers[at].purpose
        else:
            purpose = document.get("purpose", LOG_KEY)
        if "successor" in document:
            signers.append(Signer(self._new(document["successor"]), purpose, index))
        if not any(one.purpose == LOG_KEY and one.ended_by is None for one in signers):
            raise NotCounted("no log key would be left")
        admins = self.admins
        if "admins" in document:
            try:
                admins = Admins.parse(document["admins"], document["threshold"], "admins")
            except EvidenceError as error:
                raise NotCounted(f"its admins cannot be used: {error.what}") from None
        if admins is not None and any(ed25519_blob(one.key.public) in admins.keys for one in signers):
            raise NotCounted("a key would be both a log key and a key admin's")
        return dataclasses.replace(self, admins=admins, signers=tuple(signers))

    def _new(self, text: str) -> VerifierKey:
        """The key that an event admits."""
        try:
            key = PublicKey.parse(base64.b64decode(text.split(" ")[1], validate=True))
        except (SignatureError, ValueError):
            raise NotCounted("the new key is no usable Ed25519 key") from None
        if key.kind != "ssh-ed25519":
            raise NotCounted("the new key is no Ed25519 key")
        if self.signer(key.point) is not None:
            raise NotCounted(f"{key.fingerprint} is or was a key of this log")
        return VerifierKey(self.founding.name, key.point)


def _document(event: str) -> dict[str, Any]:
    """What admins sign, read. Raises NotCounted: it breaks its contract."""
    from ...evidence.reading.parse import parse_json

    try:
        value = parse_json(event.encode(), "key event", DEFAULT)
    except (EvidenceError, UnicodeEncodeError) as error:
        raise NotCounted(f"its document cannot be read: {error}") from None
    broken = violations("files", "key_event", value, most=1)
    stated = (
        () if broken else (value.get("from_entry", 0), value.get("threshold", 0), value["checkpoint"]["size"])
    )
    if not all(isinstance(one, int) for one in stated):
        broken = [("/", "has a number with a decimal point")]
    if broken:
        raise NotCounted(f"its document breaks its contract: {broken[0][0]} {broken[0][1]}")
    found: dict[str, Any] = value
    return found
