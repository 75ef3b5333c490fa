"""Who signed a commit or a tag: ``git verify-commit`` and ``git verify-tag`` with OpenSSH's own program.

The repository's configuration has no say: the format, the programs, the allowed signers, the revocation list
and the trust level are given on the command line, and no OpenPGP or X.509 program is ever started. What git
is asked about was hashed before (:mod:`._git_objects`), so it is the object of that name and no other.

The time that counts is the one git uses: the committer's or tagger's date, which is part of what is signed.
``valid-after`` and ``valid-before`` of allowed_signers are compared with it, in UTC where they have no zone
(gitformat-signature(5); git-config(1), ``gpg.ssh.allowedSignersFile``). Whoever holds a key can therefore
date a commit back into the key's time: a key that was stolen must be removed from the file, not only ended.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...base.errors import EnvironmentProblem
from ...base.limits import Limits
from .process import ask, private_directory, run

if TYPE_CHECKING:
    from ...signing.sshsig import SshSignature

SignatureState = Literal["valid", "unknown_signer", "invalid", "unsupported", "unsigned"]

_TAGS = 20
"""Tags looked at for one commit."""
_BEGIN = re.compile(
    rb"^-----BEGIN (SSH SIGNATURE|PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE)-----$", re.MULTILINE
)
_DATE = re.compile(rb"(?:committer|tagger) [^\n]*> ([0-9]{1,16}) [+-][0-9]{4}")
_GOOD = re.compile(rb'^Good "git" signature for (.+) with \S+ key (SHA256:\S+)$', re.MULTILINE)
_LATEST = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Signature:
    """What is known about the signature of a commit or tag.

    Attributes:
        state: ``valid`` (git verified it, by a key that may sign commits at that time), ``unknown_signer``
            (it holds, but allowed_signers does not let this key sign for namespace ``git`` at that time),
            ``invalid`` (it does not belong to this object, or cannot be read), ``unsupported`` (not made with
            an SSH key), ``unsigned``.
        principal: the principal of allowed_signers as git names it; None unless ``valid``.
        key: fingerprint ``SHA256:…`` of the key in the signature; None when it cannot be read.
        time_s: the committer's or tagger's date (epoch), which is part of what is signed; None when the
            object states no time.
        problem: one clause for people when the state is not ``valid``.
    """

    state: SignatureState
    principal: str | None = None
    key: str | None = None
    time_s: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """An annotated tag that directly names a commit.

    Attributes:
        name: its name without ``refs/tags/``.
        id: full id of the tag object.
        commit: full id of the commit.
    """

    name: str
    id: str
    commit: str


def check(
    root: Path, kind: Literal["commit", "tag"], name: str, raw: bytes, signers: bytes, limits: Limits
) -> Signature:
    """Check the signature of the object ``name``, whose bytes are ``raw``.

    Args:
        root: a directory of the repository.
        kind: what it is.
        name: its full id.
        raw: its content.
        signers: content of an allowed_signers file.
        limits: the limits.

    Raises:
        EnvironmentProblem: git or ssh-keygen is missing or breaks.
    """
    payload, armored = split(kind, raw, len(name))
    time_s = stated_time(raw)
    if armored is None:
        return Signature("unsigned", time_s=time_s, problem="it has no signature")
    if not armored.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        return Signature("unsupported", time_s=time_s, problem="it is not signed with an SSH key")
    from ...signing.problems import SignatureError
    from ...signing.sshsig import SshSignature

    key = None
    try:
        signature: SshSignature = SshSignature.parse(armored)
        key = signature.key.fingerprint
        signature.verify(payload, "git")
    except SignatureError as problem:
        return Signature("invalid", None, key, time_s, problem.reason)
    if not time_s:  # git would take the time of the day instead
        return Signature("invalid", None, key, time_s, f"the {kind} states no time")
    principal = _ask_git(root, kind, name, signers, key, limits)
    if principal is None:
        problem_text = f"the signature holds, but allowed_signers lets no {key} sign in git at its time"
        return Signature("unknown_signer", None, key, time_s, problem_text)
    return Signature("valid", principal, key, time_s)


def _ask_git(root: Path, kind: str, name: str, signers: bytes, key: str, limits: Limits) -> str | None:
    """The principal for whom git says the signature is good; None when it does not."""
    program = _ssh_keygen()
    with private_directory() as folder:
        trusted, revoked = folder / "allowed_signers", folder / "revoked"
        trusted.write_bytes(signers)
        revoked.write_bytes(b"")
        inert = str(folder / "no-such-program")
        settings = [
            "gpg.format=ssh",
            f"gpg.ssh.program={program}",
            f"gpg.ssh.allowedSignersFile={trusted}",
            f"gpg.ssh.revocationFile={revoked}",
            f"gpg.ssh.defaultKeyCommand={inert}",
            f"gpg.program={inert}",
            f"gpg.openpgp.program={inert}",
            f"gpg.x509.program={inert}",
            "gpg.minTrustLevel=fully",
        ]
        done = run(root, [f"verify-{kind}", "--raw", name], limits, settings=settings)
    found = _GOOD.search(done.error)
    if done.code != 0 or found is None or found[2].decode("ascii", "replace") != key:
        return None
    return found[1].decode("utf-8", "backslashreplace")


def _ssh_keygen() -> str:
    import shutil

    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    # a relative one would be looked up in the workspace
    absolute = os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())
    program = shutil.which("ssh-keygen", path=absolute)
    if program is None:
        raise EnvironmentProblem(
            "a git signature is to be checked, but there is no ssh-keygen", remedy="install OpenSSH's client"
        )
    return program


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
