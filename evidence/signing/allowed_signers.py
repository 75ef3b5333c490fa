"""OpenSSH's allowed_signers file: whose key may sign in which namespace, and during which time.

Format: ssh-keygen(1), section ALLOWED SIGNERS. One profile is stricter than OpenSSH, so that the answer never
depends on the machine: a `valid-after` or `valid-before` without a zone (a trailing `Z` is UTC), for which
ssh-keygen would take the local one, leaves the time that is common to all zones. A line whose key speaks for
nobody here is skipped and noted: a `cert-authority` (no certificate is accepted: revoked ones could not
be told apart), a key of a type that is not known, as ssh-keygen does, and an RSA key that is too short.

There is no clock here: the windows are returned and the caller compares.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from ..base.activity import Log
from ..base.errors import EvidenceError
from .problems import Flaw, SignatureError
from .revoked import NONE, RevokedKeys
from .sshsig import PublicKey, string

_LOG = Log(__name__)

_WORD: Final = re.compile(r'"(?P<quoted>[^"]*)"(?=[ \t]|$)|(?P<bare>[^ \t"]+)(?=[ \t]|$)')
_OPTIONS: Final = re.compile(r'(?:[^ \t"]|"(?:[^"\\]|\\.)*")+')
_VALUED: Final = ("namespaces", "valid-after", "valid-before")
_OPTION: Final = re.compile(r'(?P<name>[A-Za-z-]+)(?:="(?P<value>(?:[^"\\]|\\.)*)")?(?:,(?!$)|$)')
_DATE: Final = re.compile(
    r"(?P<day>\d{8})(?:(?P<minute>\d{4})(?P<second>\d{2})?)?(?P<zone>Z|UTC)?", re.IGNORECASE
)
_FARTHEST_ZONE_S: Final = {"valid-after": 12 * 3600, "valid-before": -14 * 3600}
"""What a local time is later or earlier in UTC at most: between UTC−12 and UTC+14."""
_SHAPES: Final = re.compile(r"(?:ssh|ecdsa|sk|rsa|webauthn)-[A-Za-z0-9@.-]+")


def match_list(text: str, patterns: tuple[str, ...]) -> bool:
    """Whether some pattern of the list matches `text` and no `!` pattern does (ssh_config(5), PATTERNS).

    In a pattern, `*` stands for anything and `?` for one character.
    """
    hits = [one for one in patterns if fnmatchcase(text, one.removeprefix("!").replace("[", "[[]"))]
    return bool(hits) and not any(pattern.startswith("!") for pattern in hits)


class AllowedSigner(Struct, frozen=True):
    """One line of the file: patterns of principals, a key, and when it counts.

    Attributes:
        namespaces: patterns of the namespaces it may sign in; None means any.
        valid_from_s, valid_until_s: first and last second of validity (epoch), None for no bound.
    """

    principals: tuple[str, ...]
    key: PublicKey
    namespaces: tuple[str, ...] | None
    valid_from_s: int | None
    valid_until_s: int | None
    line: int

    def speaks_for(self, principal: str) -> bool:
        """Whether `principal` is one of those that this line names."""
        return match_list(principal, self.principals)

    def signs_in(self, namespace: str) -> bool:
        """Whether the key may sign in `namespace`."""
        return self.namespaces is None or match_list(namespace, self.namespaces)


class AllowedSigners(Struct, frozen=True):
    """A parsed allowed_signers file; `AllowedSigners()` knows nobody.

    ``present`` is whether there is such a file, ``revoked`` are keys that count for nothing, whatever lists
    them, and ``revoked_path`` where that is said. ``skipped`` has the lines whose key speaks for nobody, as
    (line number, reason).
    """

    signers: tuple[AllowedSigner, ...] = ()
    path: str = "allowed_signers"
    skipped: tuple[tuple[int, str], ...] = ()
    present: bool = True
    revoked: RevokedKeys = NONE
    revoked_path: str | None = None

    @classmethod
    def parse(cls, text: str, path: str) -> AllowedSigners:
        """Read the text of an allowed_signers file.

        Raises EvidenceError naming `path` and the line when a line is malformed, uses an unknown option, or
        has a key that is not acceptable.
        """
        signers, skipped = [], []
        for number, line in enumerate(text.split("\n"), start=1):
            line = line.rstrip("\r").strip(" \t")
            if line and not line.startswith("#"):
                try:
                    signers.append(_parse_line(line, number))
                except _SkippedKey as error:
                    skipped.append((number, str(error)))
                    _LOG.info("%s, line %s, is skipped: %s", path, number, error)
                except EvidenceError as error:
                    error.path, error.place = path, f"line {number}"
                    raise
        return cls(tuple(signers), path, tuple(skipped))

    def lookup(self, key: PublicKey, namespace: str) -> tuple[AllowedSigner, ...]:
        """The entries for exactly this key that may sign in `namespace`, in the order of the file."""
        return tuple(one for one in self.signers if one.key.blob == key.blob and one.signs_in(namespace))


def _wrong(what: str, remedy: str) -> EvidenceError:
    return EvidenceError(what, remedy=remedy)


class _SkippedKey(Exception):
    """The key speaks for nobody; the text says why."""


_SHAPE_REMEDY: Final = (
    'write `principal[,principal] [namespaces="…",valid-after="…Z",valid-before="…Z"] key-type base64-key`'
)


def _parse_line(line: str, number: int) -> AllowedSigner:
    word = _WORD.match(line)
    if word is None:
        raise _wrong("the principals of this line are badly quoted", _SHAPE_REMEDY)
    principals = _patterns(word["bare"] if word["quoted"] is None else word["quoted"], "principals")
    rest = line[word.end() :].lstrip(" \t")
    options: dict[str, str | None] = {}
    if not _SHAPES.match(rest) and not _is_key(rest):
        found = _OPTIONS.match(rest)
        if found is None:
            raise _wrong("this line has no key", _SHAPE_REMEDY)
        options = _parse_options(found.group())
        rest = rest[found.end() :].lstrip(" \t")
    if "cert-authority" in options:
        raise _SkippedKey("certificates are not accepted: list each person's own key, without cert-authority")
    namespaces = options.get("namespaces")
    first, last = (
        _time(name, options[name]) if name in options else None for name in ("valid-after", "valid-before")
    )
    if first is not None and last is not None and last <= first:
        raise _wrong("valid-before is not later than valid-after", "correct the two times")
    listed = None if namespaces is None else _patterns(namespaces, "namespaces")
    return AllowedSigner(principals, _parse_key(rest), listed, first, last, number)


def _patterns(text: str, what: str) -> tuple[str, ...]:
    patterns = tuple(text.split(","))
    if any(not pattern.lstrip("!") for pattern in patterns):
        raise _wrong(
            f"the list of {what} has an empty member", "separate the members by single commas, no blanks"
        )
    return patterns


def _parse_options(text: str) -> dict[str, str | None]:
    options: dict[str, str | None] = {}
    at = 0
    while at < len(text):
        match = _OPTION.match(text, at)
        if match is None:
            raise _wrong(f"the options are malformed at {text[at : at + 40]!r}", _SHAPE_REMEDY)
        name, value = match["name"].lower(), match["value"]
        if name not in (("cert-authority",) if value is None else _VALUED):
            raise _wrong(
                f"option {name!r} is unknown or lacks its quoted value",
                'the options are namespaces="…", valid-after="…Z" and valid-before="…Z"',
            )
        if name in options:
            raise _wrong(f"option {name!r} stands twice", "keep one of the two")
        options[name] = None if value is None else value.replace('\\"', '"')
        at = match.end()
    return options


def _time(name: str, text: str | None) -> int:
    match = _DATE.fullmatch(text or "")
    if match is None:
        raise _wrong(
            f"{name} is no time: {text!r}", "write it as YYYYMMDDZ, YYYYMMDDHHMMZ or YYYYMMDDHHMMSSZ"
        )
    digits = match["day"] + (match["minute"] or "0000") + (match["second"] or "00")
    # spelt out, because strptime loads the locale machinery
    month, day, hour, minute, second = (int(digits[start : start + 2]) for start in range(4, 14, 2))
    try:
        stated = int(datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        raise _wrong(f"{name} {text!r} is no real time", "correct the date or the time of day") from None
    return stated if match["zone"] else stated + _FARTHEST_ZONE_S[name]


def _words(text: str) -> tuple[str, bytes]:
    """A key's type and bytes, as the line states them; no bytes where there is no base64."""
    kind, encoded = [*text.split(maxsplit=2), "", ""][:2]
    try:
        return kind, base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return kind, b""


def _is_key(text: str) -> bool:
    """Whether the text begins with a key, whatever its type: the bytes name the same type."""
    kind, blob = _words(text)
    return bool(blob) and blob.startswith(string(kind.encode()))


def _parse_key(text: str) -> PublicKey:
    kind, blob = _words(text)
    if not blob:
        raise _wrong("this line has no readable base64 key", _SHAPE_REMEDY)
    try:
        key = PublicKey.parse(blob)
    except SignatureError as problem:
        short = problem.flaw is Flaw.WEAK_KEY and kind == "ssh-rsa"
        if (short or problem.flaw is Flaw.UNSUPPORTED) and blob.startswith(string(kind.encode())):
            raise _SkippedKey(problem.reason) from None
        raise _wrong(
            f"the key is not acceptable: {problem.reason}",
            "use an Ed25519, ECDSA or security key (sk-), or an RSA key of at least 2048 bits",
        ) from None
    if key.kind != kind:
        raise _wrong(
            f"the line says {kind!r}, but the key is a {key.kind}", "copy the whole line of the .pub file"
        )
    return key
