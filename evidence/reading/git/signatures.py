"""Who signed a commit or a tag with an SSH key.

The signature is part of the object (gitformat-signature(5)), whose bytes were hashed before
(:mod:`.objects`), so that it is the object of that name and no other. It is checked as git and ssh-keygen do
it, in namespace ``git`` and against allowed_signers; neither is started, and the repository's configuration
does not matter. OpenPGP and X.509 signatures are not checked.

The time that counts is the one git uses: the committer's or tagger's date, which is part of what is signed.
``valid-after`` and ``valid-before`` of allowed_signers are compared with it. Whoever holds a key can date a
commit back into the key's time: a key that was stolen must be removed from the file, not only ended.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from ...base.limits import Limits
from .process import ask

SignatureState = Literal["valid", "unknown_signer", "invalid", "unsupported", "unsigned"]

_TAGS = 20
"""Tags looked at for one commit."""
_BEGIN = re.compile(
    rb"^-----BEGIN (SSH SIGNATURE|PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE)-----$", re.MULTILINE
)
_DATE = re.compile(rb"(?:committer|tagger) [^\n]*> ([0-9]{1,16}) [+-][0-9]{4}")
_NAMESPACE = "git"
_LATEST = 2**53 - 1


class Signature(Struct, frozen=True):
    """What is known about the signature of a commit or tag.

    Attributes:
        state: ``valid`` (by a key that may sign commits at that time), ``unknown_signer`` (it holds, but
            allowed_signers does not let this key sign for namespace ``git`` then), ``invalid``,
            ``unsupported`` (not made with an SSH key), ``unsigned``.
        principal: the first principal of the line of allowed_signers; None unless ``valid``.
        key: fingerprint ``SHA256:…`` of the key in the signature; None when it cannot be read.
        time_s: the committer's or tagger's date (epoch), which is part of what is signed; None without one.
    """

    state: SignatureState
    principal: str | None = None
    key: str | None = None
    time_s: int | None = None
    problem: str | None = None


class Tag(Struct, frozen=True):
    """An annotated tag (name without ``refs/tags/``) that directly names a commit."""

    name: str
    id: str
    commit: str


def check(kind: Literal["commit", "tag"], raw: bytes, id_length: int, signers: bytes) -> Signature:
    """Check the signature of an object.

    Args:
        id_length: length of the repository's ids in hex.

    Raises EvidenceError: that file is malformed.
    """
    payload, armored = split(kind, raw, id_length)
    time_s = stated_time(raw)
    if armored is None:
        return Signature("unsigned", time_s=time_s, problem="it has no signature")
    if not armored.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        return Signature("unsupported", time_s=time_s, problem="it is not signed with an SSH key")
    from ...signing.allowed_signers import AllowedSigners
    from ...signing.statements import check_signature

    listed = AllowedSigners.parse(signers.decode("utf-8", "replace"), "allowed_signers")
    found = check_signature(payload, armored, _NAMESPACE, listed)
    key = found.key
    if found.state == "invalid":
        return Signature("invalid", None, key, time_s, found.problem)
    if not time_s:
        return Signature("invalid", None, key, time_s, f"the {kind} states no time")
    for entry in found.entries:
        begun = entry.valid_from_s is None or entry.valid_from_s <= time_s
        if begun and (entry.valid_until_s is None or time_s <= entry.valid_until_s):
            return Signature("valid", entry.principals[0], key, time_s)
    problem = f"the signature holds, but allowed_signers lets no {key} sign in git at its time"
    return Signature("unknown_signer", None, key, time_s, problem)


def split(kind: str, raw: bytes, id_length: int) -> tuple[bytes, bytes | None]:
    """What was signed, and the signature; None for an object without one.

    A commit has it in the header ``gpgsig`` (``gpgsig-sha256`` where ids are SHA-256), a tag at its end.
    """
    header, blank, message = raw.partition(b"\n\n")
    wanted = b"gpgsig " if id_length == 40 else b"gpgsig-sha256 "
    kept: list[bytes] = []
    signature: list[bytes] = []
    target = kept
    for line in header.split(b"\n"):
        if line.startswith(b" "):
            content = line
        elif line.startswith(wanted) and kind == "commit":
            target, content = signature, line[len(wanted) - 1 :]
        elif line.startswith((b"gpgsig ", b"gpgsig-sha256 ")):
            target, content = [], line
        else:
            target, content = kept, line
        target.append(content[1:] if target is signature else content)
    payload = b"\n".join(kept) + blank + message
    if kind == "commit":
        return payload, b"\n".join(signature) + b"\n" if signature else None
    begin = None
    for begin in _BEGIN.finditer(payload):  # noqa: B007 - the last one
        pass
    return (payload[: begin.start()], payload[begin.start() :]) if begin else (payload, None)


def stated_time(raw: bytes) -> int | None:
    """The committer's or tagger's date in epoch seconds; None when there is none that can be read."""
    for line in raw.partition(b"\n\n")[0].split(b"\n"):
        match = _DATE.fullmatch(line)
        if match is not None:
            return int(match[1]) if int(match[1]) <= _LATEST else None
    return None


def annotated_tags(root: Path, commit: str, limits: Limits) -> list[Tag]:
    """The annotated tags git lists for the commit, by name; at most 20."""
    arguments = [f"--points-at={commit}", "--format=%(objecttype) %(objectname) %(refname)", "refs/tags"]
    found = []
    for line in ask(root, ["for-each-ref", *arguments], limits).splitlines():
        kind, name, reference = line.decode("utf-8", "surrogateescape").split(" ", 2)
        if kind == "tag":
            found.append(Tag(reference.removeprefix("refs/tags/"), name, commit))
    return sorted(found, key=lambda tag: tag.name)[:_TAGS]


def names(tag: Tag, raw: bytes) -> bool:
    """Whether the tag object has this name and directly names this commit."""
    expected: Sequence[bytes] = (
        b"object " + tag.commit.encode(),
        b"type commit",
        b"tag " + tag.name.encode("utf-8", "surrogateescape"),
    )
    return raw.split(b"\n", 3)[:3] == list(expected)
