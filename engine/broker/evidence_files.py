"""Evidence files that commands write into the workspace, and their detached signatures."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...evidence.base.contracts import check_file
from ...evidence.base.errors import UsageError
from ...evidence.collecting.provenance import SUFFIX
from ...evidence.reading.workspace import check_relative
from ...evidence.signing.statements import check_signature
from ..collectors import open_workspace
from ..context import Context
from ..people import sshsign
from ..people.provenance import relative, state_provenance

MOST_WORDS = 500
_TAKEN = "add --force to replace it, or name another with --file"
NAMESPACE = "file"
"""Of detached signatures, as ``ssh-keygen -Y sign -n file`` makes them."""


def check_words(option: str, text: str | None) -> None:
    """Refuse what cannot be recorded, before anything is done. Raises UsageError: empty, or too long."""
    if text is not None and not (text.strip() and len(text) <= MOST_WORDS and text.isprintable()):
        remedy = f"write 1 to {MOST_WORDS} characters on one line"
        raise UsageError(f"{option} cannot be recorded: {text[:40]!r}", remedy=remedy)


def target(context: Context, given: Path | None, collector: str, option: str, usual: str, force: bool) -> str:
    """Where evidence is to be written, relative to the workspace: as given, else where the collector looks.

    Raises UsageError: there is something already that is not to be replaced, or the place is not in the
    workspace.
    """
    settings = context.config.evidence.get(collector, {})
    path = (
        check_relative(str(settings.get(option, usual)))
        if given is None
        else relative(context.root, str(given))
    )
    file = context.root / path
    if os.path.lexists(file) and (file.is_symlink() or not file.is_file() or not force):
        if file.is_symlink() or not file.is_file():
            raise UsageError("is no regular file", path=path, remedy="name another with --file")
        raise UsageError("there is such a file already", path=path, remedy=_TAKEN)
    if not file.parent.is_dir():
        raise UsageError("there is no such directory", path=path, remedy="name a file in an existing one")
    return path


def write_evidence(
    context: Context,
    path: str,
    document: Mapping[str, Any],
    contract: str,
    time: str,
    command: str,
    force: bool,
) -> list[str]:
    """Write a JSON document and the statement of what it was made from; what was written, a line each.

    A signature of what stood there before is removed: it would sign something else.

    Raises UsageError: there is such a file already; EnvironmentProblem: it cannot be written.
    """
    check_file(contract, document, path)
    data = json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
    folder, _, name = path.rpartition("/")
    try:
        sshsign.keep(context, folder, {name: data}, replace=force)
    except FileExistsError as error:
        raise UsageError("there is such a file already", path=path, remedy=_TAKEN) from error
    (context.root / f"{path}.sig").unlink(missing_ok=True)
    try:
        return [f"wrote {one}" for one in (path, *state_provenance(context, [path], time, command))]
    except UsageError as error:  # it is no evidence where it lies, but it is there
        return [f"wrote {path}", f"no provenance stated: {error.what}; to do: {error.remedy}"]


def signable(context: Context, file: str) -> tuple[str, bytes]:
    """The path of an evidence file, relative to the workspace, and its bytes.

    Raises UsageError: there is no such file, or it is signed already.
    """
    path = relative(context.root, file)
    view = open_workspace(context.root, context.authority).view()
    if path.endswith((SUFFIX, ".sig")) or not view.exists(path):
        remedy = "name evidence, such as ROLLBACK_DRILL.json"
        raise UsageError(f"there is no evidence file {path[:200]!r} in the workspace", remedy=remedy)
    if os.path.lexists(context.root / f"{path}.sig"):
        raise UsageError("it is signed already", path=f"{path}.sig", remedy="remove that to sign again")
    return path, view.read(path)


def sign_evidence(context: Context, path: str, data: bytes, key: Path) -> tuple[str, ...]:
    """Write ``<path>.sig``, made with the key by ssh-keygen; whose signature it is.

    Raises UsageError: the key is revoked, or not listed for files; EnvironmentProblem: ssh-keygen did not
    sign, or the disk refuses.
    """
    signers = sshsign.known_signers(context)
    armored = sshsign.sign(context.root, data, NAMESPACE, key)
    check = check_signature(data, armored, NAMESPACE, signers)
    if check.state != "valid":
        remedy = f"sign with another --key, or have it listed for the namespace {NAMESPACE!r}"
        raise UsageError(f"the signature would not count: {check.problem}", path=str(key), remedy=remedy)
    folder, _, name = path.rpartition("/")
    sshsign.keep(context, folder, {f"{name}.sig": armored})
    return check.principals
