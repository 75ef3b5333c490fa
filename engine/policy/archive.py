"""An OPA bundle as one file: a gzip-compressed tar archive, read in memory only.

Source of the format: https://www.openpolicyagent.org/docs/management-bundles (bundle file format), RFC 1952.
Nothing is ever extracted to disk.
"""

from __future__ import annotations

import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from ...evidence.base.errors import ConfigError, PolicyError
from ...evidence.base.limits import MIB
from ...evidence.reading.tar import DIRECTORY, FILES, TarError, described, members
from ...evidence.reading.workspace import check_relative
from ...evidence.reading.workspace.named import read_named

SUFFIX: Final = ".tar.gz"
MAX_ARCHIVE: Final = 16 * MIB
"""The largest archive, in bytes."""
MAX_BYTES: Final = 64 * MIB
"""The most that all of its files may have together, with tar's own headers."""
MAX_FILES: Final = 10_000
"""The most members, directories included."""
MAX_DEPTH: Final = 16
"""The most folders that a file may be in."""
MAX_RATIO: Final = 100
"""How many times larger than the archive its content may be; policies reach 15. Small ones may be more."""

_SMALL: Final = 8 * MIB
_CHUNK: Final = 64 * 1024


def is_archive(path: Path) -> bool:
    """Whether the path is that of a bundle's archive, by its name, and no directory."""
    return path.name.endswith((SUFFIX, ".tgz")) and not path.is_dir()


def read_archive(path: Path) -> dict[str, bytes]:
    """The files of the archive at ``path``. Raises PolicyError: it cannot be read; as :func:`unpack`."""
    return unpack(read_named(path, PolicyError, "name a bundle's archive (.tar.gz)", MAX_ARCHIVE), str(path))


def unpack(data: bytes, where: str) -> dict[str, bytes]:
    """The files of an archive by path.

    Args:
        where: the archive's name, for messages.

    Raises PolicyError: it is none, is damaged, exceeds a cap of this module, or has a member that is no
    regular file, lies elsewhere, or is there twice.
    """
    files: dict[str, bytes] = {}
    try:
        for number, (name, kind, content) in enumerate(members(_decompressed(data, where)), 1):
            if number > MAX_FILES:
                raise _refused(f"the archive has more than {MAX_FILES} members", where)
            if kind == DIRECTORY:
                continue
            path = _path(name, kind, where)
            if path in files:
                raise _refused(f"the archive has {path[:120]!a} twice", where)
            files[path] = content
    except TarError as error:
        raise _refused(str(error), where) from None
    for path in files:
        if any(str(parent) in files for parent in PurePosixPath(path).parents):
            raise _refused(f"the archive has {path[:120]!a} inside a file", where)
    return files


def _decompressed(data: bytes, where: str) -> bytes:
    most = min(MAX_BYTES, max(_SMALL, MAX_RATIO * len(data)))
    inflater = zlib.decompressobj(wbits=31)
    pieces: list[bytes] = []
    size = at = 0
    try:
        while at < len(data) and not inflater.eof:
            rest = data[at : at + _CHUNK]
            at += len(rest)
            while rest:
                pieces.append(inflater.decompress(rest, _CHUNK))
                rest = inflater.unconsumed_tail
                size += len(pieces[-1])
                if size > most:
                    raise _refused(f"the archive's content is larger than {most} bytes", where)
        pieces.append(inflater.flush())
    except zlib.error as error:
        raise _refused("is no gzip file, or a damaged one", where) from error
    if not inflater.eof or inflater.unused_data or at < len(data):
        raise _refused("the gzip file is cut short, or has something after its end", where)
    return b"".join(pieces)


def _path(name: str, kind: bytes, where: str) -> str:
    """Where a member lies in the bundle. OPA writes a slash before names, tar ``./``."""
    if kind not in FILES:
        raise _refused(f"{name[:120]!a} is {described(kind)}, which a bundle may not have", where)
    path = name.removeprefix("./") if name.startswith("./") else name.removeprefix("/")
    try:
        check_relative(path)
    except ConfigError as error:
        raise _refused(f"{name[:120]!a} is no name of a file in a bundle", where) from error
    if path.count("/") > MAX_DEPTH:
        raise _refused(f"{path[:120]!a} is more than {MAX_DEPTH} folders deep", where)
    return path


def _refused(what: str, where: str) -> PolicyError:
    remedy = "make it again with gate policy bundle, opa build, or tar --format=ustar -czf"
    return PolicyError(what, path=where, remedy=remedy)
