"""How each artifact is protected: its own signature, a signed manifest, a signed commit or tag, or not.

Strongest first. ``detached``: ``<path>.sig`` holds an SSHSIG by an allowed signer. ``manifest``: a file in
the format of ``sha256sum`` lists the artifact with the digest it has now, and is itself signed so.
``signed_commit``: the commit checked out has exactly these bytes, and ``git verify-commit`` accepts its
signature by an allowed signer. ``signed_tag``: the same for ``git verify-tag`` and an annotated tag of that
commit. ``commit``: the commit checked out has exactly these bytes; nobody vouched for them but the commit id,
so it is *implicit*.

That a commit has these bytes is found by hashing every object from the commit down to the file, so that a
signature never covers what somebody else put into the object store.

There is no clock: whether a detached signature's key was valid at some time is not asked here. A git
signature states its time itself, and git holds it against the time the key is allowed for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

from ...base.errors import EvidenceError
from ...collecting.interface import Problem
from ...reading.files import blob_id
from ...reading.workspace import View

if TYPE_CHECKING:
    from ...reading.git.signatures import Signature
    from ...signing.allowed_signers import AllowedSigners

Method = Literal["detached", "manifest", "signed_commit", "signed_tag", "commit", "none"]
_ORDER: tuple[Method, ...] = ("none", "commit", "signed_tag", "signed_commit", "manifest", "detached")
_LINE = re.compile(
    r"(?P<digest>[0-9a-f]{64}) [ *](?P<path>.+)|SHA256 \((?P<tagged>.+)\) = (?P<value>[0-9a-f]{64})",
    re.IGNORECASE,
)


class Protection(NamedTuple):
    """How a file is protected, and by which principal (for ``commit``: by which commit)."""

    method: Method
    by: str | None = None


class Vouched(NamedTuple):
    """The signature of the commit checked out or of a tag on it; ``tag`` is None for the commit itself."""

    tag: str | None
    commit: str
    signature: Signature


class Recorded(Struct, frozen=True):
    """What git says of the files; nothing where there is no repository or no commit.

    Attributes:
        commit: the commit checked out.
        tracked: the files that it has, whatever their bytes there.
        unmodified: the files that it has with exactly the present bytes.
        signatures: of that commit first, then of the signed tags on it by name.
    """

    commit: str | None = None
    tracked: frozenset[str] = frozenset()
    unmodified: frozenset[str] = frozenset()
    signatures: tuple[Vouched, ...] = ()


def weakest(found: Sequence[Protection]) -> Protection:
    """The weakest of several protections; ``by`` only when all of that method agree. ``none`` for no file."""
    if not found:
        return Protection("none")
    method = min((one.method for one in found), key=_ORDER.index)
    names = {one.by for one in found if one.method == method}
    return Protection(method, names.pop() if len(names) == 1 else None)


def allowed(
    view: View, path: str, revoked: str | None, problems: list[Problem]
) -> tuple[AllowedSigners, bytes]:
    """The allowed signers, parsed and as lines without revoked keys; nobody when absent or rejected."""
    from ...signing.allowed_signers import AllowedSigners
    from ..shared.signed import read_signers

    try:
        signers = read_signers(view, path, revoked)
        if signers.present:
            left_out = {one.line for one in signers.signers if one.key.blob in signers.revoked}
            lines = enumerate(view.read_text(path).split("\n"), start=1)
            return signers, "\n".join(line for number, line in lines if number not in left_out).encode()
    except EvidenceError as error:
        problems.append(Problem.rejected(error, "rows"))
    return AllowedSigners(), b""


def recorded(view: View, paths: Sequence[str], signers: bytes) -> Recorded:
    """What git says of the files: two git commands, and some more where something is signed.

    Tags are looked for only where somebody is allowed to sign; ``signers`` is the content of allowed_signers.

    Raises:
        EnvironmentProblem: git refuses the repository, does not answer, or its objects are not what their
            names say; there is a signature and no ssh-keygen.
    """
    history = view.history
    state = history.head()
    if state is None or state.commit is None or state.object_format is None:
        return Recorded()
    commit, kind = state.commit, state.object_format
    blobs = history.proven_files(commit, paths)
    unmodified = frozenset(path for path, blob in blobs.items() if blob == blob_id(view.read(path), kind))
    vouched = [Vouched(None, commit, history.verify_commit(commit, signers))]
    for tag in history.signed_tags(commit) if signers else ():
        name = tag.name.encode("utf-8", "backslashreplace").decode()
        vouched.append(Vouched(name, commit, history.verify_tag(tag, signers)))
    return Recorded(commit, frozenset(blobs), unmodified, tuple(vouched))


def protections(
    view: View,
    paths: Sequence[str],
    manifests: Sequence[str],
    signers: AllowedSigners,
    namespace: str,
    record: Recorded,
    problems: list[Problem],
) -> dict[str, Protection]:
    """The protection of each file.

    A signature that does not hold, or is by somebody who is not listed, protects nothing. One that is
    rejected, or a rejected manifest, protects nothing either and is among the ``problems``.
    """
    listed: dict[tuple[str, str], str] = {}
    for manifest in manifests:
        try:
            listed = {**_listed(view, manifest, signers, namespace), **listed}
        except EvidenceError as error:
            problems.append(Problem.rejected(error, "rows"))
    by_git = _by_git(record)
    found: dict[str, Protection] = {}
    for path in paths:
        signer = None
        try:
            signer = _signer(view, path, signers, namespace)
        except EvidenceError as error:
            problems.append(Problem.rejected(error, "rows"))
        if signer is not None:
            found[path] = Protection("detached", signer)
        elif (by := listed.get((path, view.digest(path)))) is not None:
            found[path] = Protection("manifest", by)
        else:
            found[path] = by_git if path in record.unmodified else Protection("none")
    return found


def _by_git(record: Recorded) -> Protection:
    """How the commit checked out protects the files that have its bytes."""
    if record.commit is None:
        return Protection("none")
    good = [one for one in record.signatures if one.signature.state == "valid"]
    best = next((one for one in good if one.tag is None), good[0] if good else None)
    if best is None:
        return Protection("commit", record.commit)
    return Protection("signed_commit" if best.tag is None else "signed_tag", best.signature.principal)


def _signer(view: View, path: str, signers: AllowedSigners, namespace: str) -> str | None:
    """The first principal of the good signature beside the file; None when there is none."""
    if not view.exists(f"{path}.sig"):
        return None
    from ...signing.statements import check_signature

    armored = view.read(f"{path}.sig", view.limits.signature_bytes)
    check = check_signature(view.read(path), armored, namespace, signers)
    return check.principals[0] if check.state == "valid" else None


def _listed(view: View, manifest: str, signers: AllowedSigners, namespace: str) -> dict[tuple[str, str], str]:
    """(path, digest) → principal, from a manifest whose signature holds; of a file listed twice the first."""
    listed: dict[tuple[str, str], str] = {}
    if not view.exists(manifest):
        return listed
    by = _signer(view, manifest, signers, namespace)
    for number, line in enumerate(view.read_text(manifest).removesuffix("\n").split("\n"), 1):
        match = _LINE.fullmatch(line.removesuffix("\r"))
        if match is None:
            what, remedy = (
                "is not in the format of sha256sum",
                "write it with sha256sum, from the workspace's root",
            )
            raise EvidenceError(what, path=manifest, place=f"line {number}", remedy=remedy)
        if by is not None:
            path, digest = match["path"] or match["tagged"], match["digest"] or match["value"]
            listed.setdefault((path.removeprefix("./"), digest.lower()), by)
    return listed
