"""Git objects read and held against their own names.

Git believes its object store: it does not hash every tree again when it reads it. Whoever can write into
``.git/objects`` could therefore leave the id of a commit as it is, also of one that is signed or that an
operator trusts, and change what it seems to hold. What is said to be in a commit is hashed again here.

Formats: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects; a tree is a sequence of
``mode SP name NUL id`` with the id in binary.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...base.errors import EnvironmentProblem
from ...base.limits import Limits
from .process import ask

_HEADER = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) (commit|tree|tag|blob) ([0-9]+)")
_REGULAR = (b"100644", b"100755", b"100664")
_FOLDER = b"40000"


def object_id(kind: str, data: bytes, length: int) -> str:
    """The id of an object in hex, SHA-1 or SHA-256 by the ``length`` of the repository's ids in hex."""
    whole = b"%s %d\x00" % (kind.encode(), len(data)) + data
    if length == 40:
        return hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    return hashlib.sha256(whole).hexdigest()


def read(root: Path, names: Sequence[str], limits: Limits) -> list[tuple[str, str, bytes] | None]:
    """(id, kind, content) of each named object, None for one that does not exist; each has the id it claims.

    Raises EnvironmentProblem: git fails, or an object is not what its name says.
    """
    output = ask(
        root, ["cat-file", "--batch"], limits, "".join(f"{name}\n" for name in names).encode("utf-8")
    )
    found: list[tuple[str, str, bytes] | None] = []
    at = 0
    for _ in names:
        end = output.find(b"\n", at)
        match = _HEADER.fullmatch(output[at:end]) if end >= 0 else None
        at = end + 1
        if match is None:
            found.append(None)
            continue
        size = int(match[3])
        found.append(_checked(root, match[1].decode(), match[2].decode(), output[at : at + size]))
        at += size + 1
    return found


def _checked(root: Path, claimed: str, kind: str, data: bytes) -> tuple[str, str, bytes]:
    if object_id(kind, data, len(claimed)) != claimed:
        raise damaged(root, claimed)
    return claimed, kind, data


def damaged(root: Path, name: str) -> EnvironmentProblem:
    """The error for an object that was altered, or is gone."""
    return EnvironmentProblem(
        f"git's {name} is not what its name says",
        path=str(root),
        remedy="check the repository with git fsck, and clone it anew",
    )


def blobs(
    root: Path, prefix: str, commit: str, paths: Sequence[str], limits: Limits
) -> tuple[bytes, dict[str, str]]:
    """The commit's content, and ids of the regular files that it really holds at ``paths``.

    ``prefix`` is where the workspace lies in the repository; empty or ending in ``/``. Paths are taken
    literally.

    Raises EnvironmentProblem: as :func:`read`, or the objects do not fit together.
    """
    wanted = {path: prefix + path for path in paths if "\n" not in prefix + path}
    folders = sorted({parent for path in wanted.values() for parent in _parents(path)})
    names = [commit, f"{commit}^{{tree}}", *(f"{commit}:{folder}" for folder in folders)]
    top, tree, *rest = read(root, names, limits)
    if top is None or top[1] != "commit" or tree is None or top[2][: len(tree[0]) + 6] != (
        b"tree %s\n" % tree[0].encode()
    ):  # fmt: skip
        raise damaged(root, commit)
    known = {"": dict(_entries(tree[2], len(tree[0]) // 2))}
    for folder, item in zip(folders, rest, strict=True):  # a folder sorts after the one it is in
        above, _, name = folder.rpartition("/")
        listed = known.get(above, {}).get(name.encode("utf-8", "surrogateescape"))
        if item is None or listed is None or listed[0] != _FOLDER:
            continue
        if item[:2] != (listed[1], "tree"):
            raise damaged(root, item[0])
        known[folder] = dict(_entries(item[2], len(item[0]) // 2))
    found = {}
    for path, full in wanted.items():
        above, _, name = full.rpartition("/")
        entry = known.get(above, {}).get(name.encode("utf-8", "surrogateescape"))
        if entry is not None and entry[0] in _REGULAR:
            found[path] = entry[1]
    return top[2], found


@functools.lru_cache(100)
def prove_trees(root: Path, commit: str, limits: Limits) -> None:
    """Hash the commit and every tree in it, so that what git lists of it is what its id stands for.

    Raises EnvironmentProblem: as :func:`read`, or an object is not what its name says.
    """
    below = ask(root, ["ls-tree", "-r", "-d", "-z", "--full-tree", commit], limits).split(b"\x00")
    trees = [one.split()[2].decode() for one in below if one.startswith(b"040000 tree ")]
    top, tree, *_ = read(root, [commit, f"{commit}^{{tree}}", *trees], limits)
    if top is None or tree is None or not top[2].startswith(b"tree %s\n" % tree[0].encode()):
        raise damaged(root, commit)


def _parents(path: str) -> Iterator[str]:
    parts = path.split("/")
    for count in range(1, len(parts)):
        yield "/".join(parts[:count])


def _entries(tree: bytes, width: int) -> Iterator[tuple[bytes, tuple[bytes, str]]]:
    """(name, (mode, id in hex)) of a tree's entries, up to the first malformed one."""
    at = 0
    while (space := tree.find(b" ", at)) >= 0 and (end := tree.find(b"\x00", space)) >= 0:
        yield tree[space + 1 : end], (tree[at:space], tree[end + 1 : end + 1 + width].hex())
        at = end + 1 + width
