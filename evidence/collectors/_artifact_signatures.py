"""How each artifact is protected: its own signature, a signed manifest, an unmodified git commit, or not.

Strongest first. ``detached``: ``<path>.sig`` holds an SSHSIG by an allowed signer. ``manifest``: a file in
the format of ``sha256sum`` lists the artifact with the digest it has now, and is itself signed so.
``commit``: the commit checked out has exactly these bytes; nobody vouched for them but the commit id, so it
is *implicit*. Whether a key was valid at some time is not asked here: there is no clock.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .. import git
from ..errors import EvidenceError
from ..workspace import View

if TYPE_CHECKING:
    from ..signing.allowed_signers import AllowedSigners

Method = Literal["detached", "manifest", "commit", "none"]
_ORDER: tuple[Method, ...] = ("none", "commit", "manifest", "detached")
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64}) [ *](?P<path>.+)")


@dataclass(frozen=True, slots=True)
class Protection:
    """How a file is protected, and by which principal (for ``commit``: by which commit)."""

    method: Method
    by: str | None = None


def weakest(found: Sequence[Protection]) -> Protection:
    """The weakest of several protections; ``by`` only when all of that method agree. ``none`` for no file."""
    if not found:
        return Protection("none")
    method = min((one.method for one in found), key=_ORDER.index)
    names = {one.by for one in found if one.method == method}
    return Protection(method, names.pop() if len(names) == 1 else None)


def protections(
    view: View, paths: Sequence[str], manifests: Sequence[str], allowed_signers: str, namespace: str
) -> dict[str, Protection]:
    """The protection of each file.

    A signature that does not hold, or is by somebody who is not listed, protects nothing.

    Raises:
        EvidenceError: a file cannot be read, or a signed manifest or the list of signers is malformed.
        EnvironmentProblem: git refuses the repository or does not answer.
    """
    from ..signing.allowed_signers import AllowedSigners

    signers = AllowedSigners()
    if view.exists(allowed_signers):
        signers = AllowedSigners.parse(view.read_text(allowed_signers), allowed_signers)
    listed = _listed(view, manifests, signers, namespace)
    found: dict[str, Protection] = {}
    for path in paths:
        signer = _signer(view, path, signers, namespace)
        if signer is not None:
            found[path] = Protection("detached", signer)
        elif (by := listed.get((path, view.digest(path)))) is not None:
            found[path] = Protection("manifest", by)
    rest = [path for path in paths if path not in found]
    return found | _committed(view, rest)


def _signer(view: View, path: str, signers: AllowedSigners, namespace: str) -> str | None:
    """The first principal of the good signature beside the file; None when there is none."""
    if not view.exists(f"{path}.sig"):
        return None
    from ..signing.statements import check_signature

    armored = view.read(f"{path}.sig", view.limits.signature_bytes)
    check = check_signature(view.read(path), armored, namespace, signers)
    return check.principals[0] if check.state == "valid" else None


def _listed(
    view: View, manifests: Sequence[str], signers: AllowedSigners, namespace: str
) -> dict[tuple[str, str], str]:
    """(path, digest) → principal, from the manifests whose signature holds."""
    listed: dict[tuple[str, str], str] = {}
    for manifest in manifests:
        if not view.exists(manifest):
            continue
        by = _signer(view, manifest, signers, namespace)
        for number, line in enumerate(view.read_text(manifest).removesuffix("\n").split("\n"), 1):
            match = _LINE.fullmatch(line)
            if match is None:
                raise EvidenceError(
                    "is not in the format of sha256sum",
                    path=manifest,
                    place=f"line {number}",
                    remedy="write it with sha256sum, from the workspace's directory",
                )
            if by is not None:
                listed.setdefault((match["path"].removeprefix("./"), match["digest"]), by)
    return listed


def _committed(view: View, paths: Sequence[str]) -> dict[str, Protection]:
    found = dict.fromkeys(paths, Protection("none"))
    state = git.head(view.root, view.limits) if paths else None
    if state is None or state.commit is None or state.object_format is None:
        return found
    blobs = git.committed(view.root, state.commit, paths, view.limits)
    for path in paths:
        if path in blobs and git.unmodified(blobs, path, view.read(path), state.object_format):
            found[path] = Protection("commit", state.commit)
    return found
