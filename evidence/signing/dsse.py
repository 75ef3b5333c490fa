"""DSSE envelopes: how a Statement is signed and written as one line.

Source: DSSE protocol v1.0.2 and envelope.md; an in-toto bundle is one such envelope per line. The envelope is
written in exactly one way (canonical JSON, standard base64 with padding, one signature), and anything else is
refused, so that one signed Statement has one line and one digest.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from msgspec import Struct

from . import ed25519
from .keys import LogKey, VerifierKey
from .problems import Flaw

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
MAX_LINE_BYTES: Final = 65_535
"""One envelope without its line feed; anything larger is evidence, and is stored by digest."""

_HEAD: Final = b'{"payload":"'
_MIDDLE: Final = b'","payloadType":"' + PAYLOAD_TYPE.encode() + b'","signatures":[{"keyid":"'
_SIGNATURE: Final = b'","sig":"'
_TAIL: Final = b'"}]}'


def max_payload_bytes() -> int:
    """The largest payload whose envelope still fits on a line (48,975 bytes)."""
    fixed = len(_HEAD) + len(_MIDDLE) + 50 + len(_SIGNATURE) + 88 + len(_TAIL)
    return (MAX_LINE_BYTES - fixed) // 4 * 3


def pae(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """The bytes that are signed: `DSSEv1 <n> <type> <n> <payload>`, n being lengths in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


class Envelope(Struct, frozen=True):
    """A parsed envelope, not yet verified; ``keyid`` is the fingerprint that the signer stated, no proof."""

    payload: bytes
    keyid: str
    signature: bytes

    @classmethod
    def sign(cls, payload: bytes, key: LogKey) -> Envelope:
        """Sign `payload` with the log key. The same payload and key always give the same envelope."""
        return cls(payload, key.fingerprint, key.sign(pae(payload)))

    @classmethod
    def parse(cls, line: bytes) -> Envelope:
        """Read one line (without its line feed).

        Raises SignatureError: TOO_LARGE, MALFORMED, or NOT_CANONICAL when the same envelope would be written
        otherwise.
        """
        import orjson

        if len(line) > MAX_LINE_BYTES:
            raise Flaw.TOO_LARGE(f"the line has {len(line)} bytes, the cap is {MAX_LINE_BYTES}")
        try:
            document = orjson.loads(line)
            (signed,) = document["signatures"]
            payload = base64.b64decode(document["payload"], validate=True)
            envelope = cls(payload, signed["keyid"], base64.b64decode(signed["sig"], validate=True))
            written = envelope.line()
        except (orjson.JSONDecodeError, binascii.Error, KeyError, TypeError, ValueError, AttributeError):
            raise Flaw.MALFORMED("the line is no DSSE envelope with one signature") from None
        if written != line:
            raise Flaw.NOT_CANONICAL("the envelope is not written in its one canonical form")
        return envelope

    def verify(self, key: VerifierKey) -> None:
        """Check the signature with the log's key.

        Raises SignatureError: WRONG_KEY, MALFORMED or BAD_SIGNATURE.
        """
        if self.keyid != key.fingerprint:
            raise Flaw.WRONG_KEY(f"signed by {self.keyid[:60]!r}, not by this log's {key.fingerprint}")
        ed25519.verify_trusted(key.public, self.signature, pae(self.payload))

    def line(self) -> bytes:
        """The envelope as canonical JSON, no line feed. Raises ValueError when the keyid needs escaping."""
        keyid = self.keyid.encode("ascii")
        if not keyid.isascii() or not self.keyid.isprintable() or b'"' in keyid or b"\\" in keyid:
            raise ValueError("a keyid is printable ASCII without quotes")
        payload, signature = base64.b64encode(self.payload), base64.b64encode(self.signature)
        return b"".join((_HEAD, payload, _MIDDLE, keyid, _SIGNATURE, signature, _TAIL))
