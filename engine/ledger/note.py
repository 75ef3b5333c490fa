"""C2SP signed notes and transparency-log checkpoints.

Sources: c2sp.org/signed-note and c2sp.org/tlog-checkpoint, version 1 each. A note is text, an empty line and
signature lines `— <name> <base64(key hash ‖ signature)>`; Go's `sumdb/note` reads it. A checkpoint is the
note

    <origin>
    <number of entries>
    <base64 of the RFC 6962 root>
    bytes <length of the log file in bytes up to there>
    time <YYYY-MM-DDTHH:MM:SSZ>

where the last two are extension lines of ours: the signed length makes the frontier of the sealed region
certain without reading it, and the time is the log time that key validity is compared with.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ...evidence.base.times import parse_rfc3339
from ...evidence.signing import ed25519
from ...evidence.signing.keys import LogKey, VerifierKey
from ...evidence.signing.problems import Flaw, SignatureError
from .merkle import HASH_BYTES

MAX_NOTE_BYTES: Final = 65_536
CLOCK_SKEW_S: Final = 300
"""How far (seconds) clocks of two machines may differ before it is an error."""
_DASH: Final = "\u2014 "
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def sign_note(text: str, name: str, key: LogKey) -> bytes:
    """A note with one signature line. Raises ValueError when the text does not end with a line feed."""
    if not text.endswith("\n"):
        raise ValueError("the text of a note ends with a line feed")
    signature = base64.b64encode(key.verifier(name).hash + key.sign(text.encode())).decode()
    return f"{text}\n{_DASH}{name} {signature}\n".encode()


def open_note(note: bytes, key: VerifierKey) -> str:
    """The text of a note that `key` signed; signatures by other keys are ignored, as C2SP wants it.

    Raises SignatureError: TOO_LARGE, MALFORMED, WRONG_KEY (no signature by this key) or BAD_SIGNATURE.
    """
    if len(note) > MAX_NOTE_BYTES:
        raise SignatureError(Flaw.TOO_LARGE, f"the note is larger than {MAX_NOTE_BYTES} bytes")
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError:
        raise SignatureError(Flaw.MALFORMED, "the note is not UTF-8") from None
    if any(sign < " " and sign != "\n" for sign in whole):
        raise SignatureError(Flaw.MALFORMED, "the note contains control characters")
    text, separator, signatures = whole.rpartition("\n\n")
    if not separator or not text or not signatures.endswith("\n"):
        raise SignatureError(Flaw.MALFORMED, "the note has no signatures after an empty line")
    text += "\n"
    found = False
    for _, name, blob in signature_lines(signatures):
        if name == key.name and blob[:4] == key.hash:
            ed25519.verify_trusted(key.public, blob[4:], text.encode())
            found = True
    if not found:
        what = f"the note carries no signature by {key.name} ({key.fingerprint})"
        raise SignatureError(Flaw.WRONG_KEY, what)
    return text


def signature_lines(text: str) -> Iterator[tuple[str, str, bytes]]:
    """Signature lines, each with the name and the decoded bytes in it. Raises SignatureError: MALFORMED."""
    for line in text.removesuffix("\n").split("\n"):
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        try:
            blob = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            blob = b""
        if not line.startswith(_DASH) or not name or len(blob) < 5:
            raise SignatureError(Flaw.MALFORMED, "a signature line of the note is malformed")
        yield line, name, blob


class Checkpoint(Struct, frozen=True):
    """A signed statement: "at this time the log had these entries".

    Attributes:
        root: RFC 6962 tree head over them, 32 raw bytes.
        log_bytes: length in bytes of the log file that they take.
        time: when it was signed, RFC 3339 in UTC.
    """

    origin: str
    size: int
    root: bytes
    log_bytes: int
    time: str
    note: bytes = b""

    @property
    def root_hex(self) -> str:
        """The root in lower-case hexadecimal."""
        return self.root.hex()

    def text(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\nbytes {self.log_bytes}\ntime {self.time}\n"

    def signed(self, key: LogKey) -> Checkpoint:
        """This checkpoint with its note. Raises ValueError when the time is not `YYYY-MM-DDTHH:MM:SSZ`."""
        check_time(self.time)
        note = sign_note(self.text(), self.origin, key)
        return Checkpoint(self.origin, self.size, self.root, self.log_bytes, self.time, note)

    @classmethod
    def open(cls, note: bytes, key: VerifierKey) -> Checkpoint:
        """Verify and read a checkpoint of the log that `key` names.

        Raises SignatureError as `open_note`; MALFORMED also when the text is no checkpoint of ours or names
        another log.
        """
        text = open_note(note, key)
        lines = text.split("\n")[:-1]
        try:
            origin, size, root, length, time = lines[:5]
            if not _NUMBER.fullmatch(size) or not _NUMBER.fullmatch(length.removeprefix("bytes ")):
                raise ValueError("numbers are written in decimal")
            time = time.removeprefix("time ")
            check_time(time)
            digest = base64.b64decode(root, validate=True)
            checkpoint = cls(origin, int(size), digest, int(length.removeprefix("bytes ")), time, note)
        except ValueError:
            raise SignatureError(Flaw.MALFORMED, "the note is no checkpoint of this kind of log") from None
        # Later versions may add signed extension lines after ours; they carry nothing that is needed here.
        if not text.startswith(checkpoint.text()) or len(digest) != HASH_BYTES or "" in lines:
            raise SignatureError(Flaw.MALFORMED, "the checkpoint is not written in its one canonical form")
        if origin != key.name:
            what = f"the checkpoint belongs to the log {origin!r}, not {key.name!r}"
            raise SignatureError(Flaw.MALFORMED, what)
        return checkpoint


def check_time(time: str) -> int:
    """Epoch seconds of a log time. Raises ValueError unless it is written `YYYY-MM-DDTHH:MM:SSZ`."""
    if not _TIME.fullmatch(time):
        raise ValueError(f"a log time is written YYYY-MM-DDTHH:MM:SSZ, not {time[:40]!r}")
    return parse_rfc3339(time)
