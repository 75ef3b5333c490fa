"""Canonical JSON (RFC 8785) on the profile that everything we sign keeps to, and digests.

Profile: ASCII keys, integers with an absolute value below 2^53, no floats (decimals travel as scaled
integers or strings). On this profile ``orjson`` with sorted keys writes exactly the RFC 8785 bytes; the
tests hold it against the ``rfc8785`` library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import InternalError

MAX_SAFE_INTEGER = 2**53 - 1
_ALWAYS = frozenset({str, bool, type(None)})


def _check(value: Any) -> None:
    items: list[Any] = [value]
    for item in items:  # grows on the way
        if item.__class__ in _ALWAYS:
            continue
        if isinstance(item, dict):
            for key in item:
                if not isinstance(key, str) or not key.isascii():
                    raise InternalError(f"key {key!r} is outside the canonical profile")
            items += item.values()
        elif isinstance(item, (list, tuple)):
            items += item
        elif isinstance(item, int):
            if abs(item) > MAX_SAFE_INTEGER:
                raise InternalError(f"integer {item} is outside the canonical profile")
        elif not isinstance(item, str):
            raise InternalError(f"a {type(item).__name__} is outside the canonical profile")


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of ``value``.

    Args:
        value: str, bool, None, int, and lists, tuples and string-keyed dicts of them.

    Raises InternalError: the value is outside the profile (a float, a large integer, a non-ASCII key, a lone
    surrogate).
    """
    import orjson

    _check(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise InternalError(f"not canonical: {error}") from error


def sha256_hex(data: bytes) -> str:
    """SHA-256 of ``data`` in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def manifest_bytes(entries: Mapping[str, str] | Iterable[tuple[str, str]]) -> bytes:
    """The text ``sha256sum`` prints for files given as paths and hex digests, sorted by the path's bytes.

    Hashing these bytes gives a digest of a file tree that ``sha256sum`` alone can recompute. A name with a
    backslash or a line break is escaped as there, with a backslash before the digest.
    """
    pairs = entries.items() if isinstance(entries, Mapping) else entries
    rows = sorted((path.encode("utf-8", "surrogateescape"), digest) for path, digest in pairs)
    return b"".join(_manifest_row(path, digest.encode()) for path, digest in rows)


def _manifest_row(path: bytes, digest: bytes) -> bytes:
    escaped = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"" if escaped == path else b"\\") + digest + b"  " + escaped + b"\n"
