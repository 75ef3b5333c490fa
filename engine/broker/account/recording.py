"""Writes the record of an account into the workspace, with a statement of what it was made from."""

from __future__ import annotations

import os
from pathlib import Path

from ....evidence.base.atomic import write_file
from ....evidence.base.errors import EnvironmentProblem, UsageError
from ....evidence.base.times import format_utc
from ...context import Context
from ...people.provenance import state_provenance
from ...terminal.outputs import keep_out, write_new
from ..target import record_path


def place(context: Context, given: Path | None, *, replace: bool) -> Path:
    """Where the record is to be written: at the path given, or where the settings look for it.

    Raises UsageError: there is a file already and it is not to be replaced, something else has the name, a
    link leads out of the workspace, or there is no such directory.
    """
    path = context.root / record_path(context) if given is None else given
    parent = path.absolute().parent
    if given is None and not parent.resolve().is_relative_to(context.root.resolve()):
        remedy = "correct evidence.account.path"
        raise UsageError("the record's directory is outside of the workspace", path=str(path), remedy=remedy)
    if not parent.is_dir():
        raise UsageError("there is no such directory", path=str(parent), remedy="create it")
    if os.path.lexists(path):
        if path.is_symlink() or not path.is_file():
            raise UsageError("is no regular file", path=str(path), remedy="remove it, or name another file")
        if not replace:
            remedy = "add --force to replace it, or name another file with --to"
            raise UsageError("there is a record already", path=str(path), remedy=remedy)
    keep_out(path)
    return path


def record(
    context: Context, path: Path, data: bytes, now_s: int, command: str, *, replace: bool
) -> tuple[list[str], str | None]:
    """Write the record, and state what it was made from.

    Returns: the files written, and why no statement was, if so.

    Raises UsageError: the name was taken meanwhile; EnvironmentProblem: the disk is full.
    """
    if replace:
        keep_out(path)
        try:
            write_file(path, data)
        except OSError as error:
            what = f"the record cannot be written: {error.strerror}"
            raise EnvironmentProblem(what, path=str(path), remedy="free space") from error
    else:
        write_new(path, [data])
    try:
        stated = state_provenance(context, [str(path.absolute())], format_utc(now_s), command)
    except UsageError as error:  # it is no evidence where it lies, but it is there
        return [str(path)], f"no provenance stated: {error.what}; to do: {error.remedy}"
    return [str(path), *stated], None
