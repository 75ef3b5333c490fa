"""Writing a file as a whole: a reader finds the old content or the new one, never a part of it.

The data goes to a temporary file in the same directory, which then takes the name. A link that has the name
is replaced, never followed.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from .errors import EnvironmentProblem, UsageError

TEMPORARY: Final = ".tmp-"
"""How the names of unfinished files begin; what a crash left of them may be deleted."""

_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_file(path: Path, data: bytes, *, durable: bool = True, replace: bool = True) -> None:
    """Create or replace the file at `path`, mode 0644 less the umask. Raises OSError as `write_at`."""
    directory = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        write_at(directory, path.name, data, durable=durable, replace=replace)
    finally:
        os.close(directory)


def open_folder(root: Path, folder: str) -> int:
    """An open directory below ``root``, made if need be; the caller closes it.

    Raises OSError: it cannot be made; ENOTDIR or ELOOP where a link or something else is on the way.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(root, flags & ~os.O_NOFOLLOW)
    for part in filter(None, folder.split("/")):
        try:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=handle)
            inner = os.open(part, flags, dir_fd=handle)
        finally:
            os.close(handle)
        handle = inner
    return handle


def put_file(root: Path, path: str, data: bytes, *, replace: bool = True) -> None:
    """Create or replace a file below ``root``.

    Raises UsageError: there is one already, and it is not to be replaced; EnvironmentProblem: it cannot be
    written.
    """
    try:
        write_file(root / path, data, replace=replace)
    except FileExistsError as error:
        remedy = "add --force to replace it, or move it away"
        raise UsageError("there is such a file already", path=path, remedy=remedy) from error
    except OSError as error:
        raise EnvironmentProblem(
            f"cannot be written: {error.strerror}", path=path, remedy="check the directory's permissions"
        ) from error


def write_at(
    directory: int,
    name: str,
    data: bytes,
    *,
    mode: int = 0o644,
    durable: bool = True,
    replace: bool = True,
    staging: int | None = None,
) -> None:
    """Create or replace a file, named without folders, in an open directory.

    With ``durable``, content and name are on the disk (fsync) before the function returns. ``staging`` is an
    open directory of the same file system for the temporary file, by default the target's.

    Raises FileExistsError when the name is taken and not to be replaced, OSError when the disk failed; the
    name then stands for what it did before.
    """
    temporary = TEMPORARY + os.urandom(8).hex()
    staging = directory if staging is None else staging
    handle = os.open(temporary, _CREATE, mode, dir_fd=staging)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(handle)
        if replace:
            os.rename(temporary, name, src_dir_fd=staging, dst_dir_fd=directory)
        else:  # a link, unlike a rename, never takes a name that another process has just given
            os.link(temporary, name, src_dir_fd=staging, dst_dir_fd=directory, follow_symlinks=False)
            os.unlink(temporary, dir_fd=staging)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=staging)
        raise
    if durable:
        os.fsync(directory)
