"""Writes evidence files into the workspace, with statements of what they were made from; signs them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...evidence.base.atomic import put_file
from ...evidence.base.contracts import check_file
from ...evidence.base.errors import EnvironmentProblem, UsageError
from ...evidence.base.times import format_utc
from ...evidence.collecting.provenance import SUFFIX
from ...evidence.reading.workspace import check_relative
from ...evidence.signing.statements import check_signature
from ..collectors import open_workspace
from ..context import Context
from ..people import sshsign
from ..people.provenance import relative, state_provenance
from ..terminal.console import write_error
from ..terminal.outputs import keep_out

MOST_WORDS = 500
NAMESPACE = "file"
"""Of detached signatures, as ``ssh-keygen -Y sign -n file`` makes them."""


def check_words(option: str, text: str | None) -> None:
    """Refuse what cannot be recorded, before anything is done. Raises UsageError: empty, or too long."""
    if text is not None and not (text.strip() and len(text) <= MOST_WORDS and text.isprintable()):
        remedy = f"write 1 to {MOST_WORDS} characters on one line"
        raise UsageError(f"{option} cannot be recorded: {text[:40]!r}", remedy=remedy)


def target(context: Context, given: Path | None, collector: str, option: str, usual: str, force: bool) -> str:
    """Where evidence is to be written, relative to the workspace: as given, else where the collector looks.

    Raises UsageError: the place is not in the workspace; or as :func:`check_place`.
    """
    settings = context.config.evidence.get(collector, {})
    path = (
        check_relative(str(settings.get(option, usual)))
        if given is None
        else relative(context.root, str(given))
    )
    check_place(context, context.root / path, force=force)
    return path


def check_place(context: Context, file: Path, *, force: bool) -> None:
    """Refuse a place to which evidence could not be written in the end, or must not be.

    Raises UsageError: there is a file already and it is not to be replaced, something else has the name,
    there is no such directory, a link on the way leads out of the workspace, or the place is in a ledger.
    """
    root = context.root
    parent, top = (Path(os.path.abspath(one)) for one in (file.parent, root))  # noqa: PTH100 - not resolved
    if not parent.is_dir():
        raise UsageError("there is no such directory", path=str(file), remedy="create it, or name another")
    inside = parent.is_relative_to(top) or parent.is_relative_to(root.resolve())
    if inside and not parent.resolve().is_relative_to(root.resolve()):
        remedy = "replace the link by a directory, or name another"
        raise UsageError("its directory is outside of the workspace", path=str(file), remedy=remedy)
    keep_out(file)
    if not os.path.lexists(file):
        return
    if file.is_symlink() or not file.is_file():
        raise UsageError("is no regular file", path=str(file), remedy="remove it, or name another file")
    if not force:
        remedy = "add --force to replace it, or move it away"
        raise UsageError("there is such a file already", path=str(file), remedy=remedy)


def write_evidence(
    context: Context,
    file: Path,
    data: bytes,
    finished_s: int,
    command: str,
    *,
    force: bool,
    quiet: bool = False,
) -> None:
    """Write a file and the statement of what it was made from, and print which, unless ``quiet``.

    A signature of what stood there before is removed: it would sign something else.

    Raises UsageError: as :func:`check_place`; EnvironmentProblem: it cannot be written.
    """
    check_place(context, file, force=force)  # again: a program that ran may have put something there
    put_file(Path(), str(file), data, replace=force)
    file.with_name(f"{file.name}.sig").unlink(missing_ok=True)
    if not quiet:
        write_error(f"wrote {file}")
    write_provenance(context, [file], finished_s, command, quiet=quiet)


def write_provenance(
    context: Context, files: Sequence[Path], finished_s: int, command: str, *, quiet: bool = False
) -> None:
    """State what files were made from, and print which statements were written, unless ``quiet``.

    Files outside of the workspace and judged sources get no statement; why is printed in any case.
    """
    names = [str(file.absolute()) for file in files]
    try:
        state_provenance(context, names, format_utc(finished_s), command)
    except (UsageError, EnvironmentProblem) as error:
        write_error(f"no provenance stated: {error.what}; to do: {error.remedy}")
        return
    if not quiet:
        for file in files:
            write_error(f"wrote {file}{SUFFIX}")


def to_file(document: Mapping[str, Any], contract: str, path: str) -> bytes:
    """A document as the bytes of its file. Raises EvidenceError: it does not keep to the contract."""
    check_file(contract, document, path)
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


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
