"""What the answers of git depend on, told from the repository's files without starting git.

Layout: https://git-scm.com/docs/gitrepository-layout. Only stamps are taken; the one content read is that of
small text files which say where the repository is.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..files import FileStamp, clock_ns, read_regular, settled, stamp_of

_SMALL = 64 * 1024
_FILES = (
    "HEAD", "index", "packed-refs", "shallow", "config", "config.worktree", "info/grafts",
    "info/sparse-checkout", "info/attributes", "objects/info/alternates", "logs/HEAD",
)  # fmt: skip
"""Files that decide which commits there are, which one is checked out, and what is tracked."""
_CHECKED_OUT = (".mailmap", ".gitattributes")
"""Files of the checkout that git reads whatever is asked."""
_TREES = ("refs", "reftable")
_NO_REPOSITORY = "none"


def marker(root: Path) -> Path | None:
    """The nearest ``.git`` from ``root`` upwards: a directory, or a file that names one."""
    resolved = root.resolve()
    markers = (folder / ".git" for folder in (resolved, *resolved.parents))
    return next((path for path in markers if path.exists()), None)


def top(root: Path) -> Path:
    """The top of the repository around ``root``; ``root`` itself outside of one."""
    found = marker(root)
    return root if found is None else found.parent


def repository_state(root: Path) -> str | None:
    """A digest that changes with whatever git could be asked of the repository around ``root``.

    It changes with a commit, a checkout, any reference, an object that arrives, and the index; it may also
    change without need. What an alternate object store holds, and the user's own git configuration, are not
    seen. None while the last change is so recent that a further one might not show, or when something is
    unreadable.
    """
    found = marker(root)
    if found is None:
        return _NO_REPOSITORY
    began = clock_ns()
    digest = hashlib.sha256(os.fsencode(found))
    try:
        for name, stamp in repository_stamps(found):
            if not settled(stamp, began):
                return None
            digest.update(os.fsencode(name) + repr(tuple(stamp)).encode())
    except (OSError, ValueError):  # a name with a NUL is no name
        return None
    return digest.hexdigest()


def repository_stamps(found: Path, *, objects: bool = True) -> Iterator[tuple[str, FileStamp]]:
    """Name and stamp of each file of the repository at this :func:`marker` that its answers depend on.

    Args:
        objects: include the directories of the object store; without, arriving objects do not show.

    Raises OSError, ValueError: something is unreadable.
    """
    for place in dict.fromkeys(places(found)):
        names = list(_FILES)
        if objects:
            names += ["objects", *(f"objects/{name}" for name in _folders(place / "objects"))]
        for tree in _TREES:
            names += _below(place, tree)
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                yield name, stamp_of(os.lstat(place / name))


def odd_file(found: Path) -> str | None:
    """The first of the files that git reads by itself which is no regular file: it would wait for a pipe."""
    try:
        names = dict.fromkeys(places(found), _FILES) | {found.parent: _CHECKED_OUT}
        for place in names:
            for name in names[place]:
                with suppress(FileNotFoundError, NotADirectoryError):
                    if stat.S_IFMT((place / name).stat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
                        return name
    except (OSError, ValueError):
        return found.name
    return None


def places(found: Path) -> tuple[Path, ...]:
    """The directory of this work tree's own files, and that of what all work trees share."""
    own = found
    if not found.is_dir():
        own = found.parent / _small_text(found).removeprefix("gitdir:").strip()
    try:
        shared = own / _small_text(own / "commondir").strip()
    except FileNotFoundError:
        shared = own
    return own, shared


def _small_text(path: Path) -> str:
    return os.fsdecode(read_regular(path, _SMALL))


def _folders(place: Path) -> list[str]:
    try:
        with os.scandir(place) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _below(place: Path, name: str) -> list[str]:
    """The name and everything below it, relative to ``place``."""
    found = [name]
    for folder in found:  # grows while it is gone through
        try:
            with os.scandir(place / folder) as entries:
                found += sorted(f"{folder}/{entry.name}" for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            continue
    return found
