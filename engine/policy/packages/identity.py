"""Whether a bundle is what it calls itself: its version, its signer, and the names that gate ships."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from ....evidence.base.errors import PolicyError
from ....evidence.base.limits import DEFAULT
from ....evidence.reading.parse import parse_json
from ..bundle import MANIFEST, SHIPPED_BUNDLES, load_shipped, read_all
from ..interface import Bundle
from .signing import public_key, verify

_NUMBER: Final = r"(?:0|[1-9][0-9]*)"
_LABEL: Final = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER: Final = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_LABEL}(?:\.{_LABEL})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
"""Semantic Versioning 2.0.0, https://semver.org."""
_NAME: Final = re.compile(r"[ -~]{1,100}")


def check_version(bundle: Bundle) -> None:
    """Refuse a revision that is no semantic version. Raises PolicyError: it is none."""
    if not _SEMVER.fullmatch(bundle.version):
        what = f"the revision {bundle.version[:80]!r} is no semantic version"
        remedy = "write MAJOR.MINOR.PATCH, such as 1.2.0, and raise it with every change"
        raise PolicyError(what, path=".manifest", remedy=remedy)


def check_roots(bundle: Bundle) -> None:
    """Refuse a manifest whose ``roots`` leave out something of the bundle, as OPA does when it loads it.

    Raises PolicyError: they do, overlap, or are no list of paths.
    """
    stated = parse_json(bundle.files[MANIFEST], MANIFEST, DEFAULT).get("roots")
    stated = [""] if stated is None else stated
    if not isinstance(stated, list) or not all(isinstance(root, str) for root in stated):
        raise _wrong_roots("are no list of paths")
    roots = sorted(tuple(part for part in root.split("/") if part) for root in stated)
    if any(root == after[: len(root)] for root, after in pairwise(roots)):
        raise _wrong_roots("overlap, which OPA refuses")
    packages = {tuple(head.package.split(".")) for head in bundle.heads}
    known = frozenset(roots)
    for path in [*sorted(packages), *_leaves(bundle.data, ())]:
        if path and not any(path[:length] in known for length in range(len(path) + 1)):
            raise _wrong_roots(f"do not cover {'.'.join(path)[:200]}, so OPA refuses the bundle")


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not isinstance(value, dict) or not value:
        yield path
        return
    for key, inner in value.items():
        yield from _leaves(inner, (*path, str(key)))


def _wrong_roots(what: str) -> PolicyError:
    remedy = 'write "roots": ["gate"]'
    return PolicyError(f"the manifest's roots {what}", path=MANIFEST, place="roots", remedy=remedy)


def signed_files(
    source: Path | Mapping[str, bytes], key: bytes, where: str | None = None
) -> dict[str, bytes]:
    """Everything in the bundle, once the key's signature over all of it has been checked.

    Args:
        key: the public key, as PEM text.
        where: the bundle's name, for messages; its path if absent.

    Raises PolicyError: a file cannot be read, or the signature does not hold; UsageError: it is no such key.
    """
    name = where or (str(source) if isinstance(source, Path) else "the policy bundle")
    files = read_all(source)
    verify(files, public_key(key, "policy.signer"), name)
    return files


def check_name(bundle: Bundle, *, vouched: bool) -> None:
    """Refuse a bundle that has the name of one that gate ships, and is not that one.

    Args:
        vouched: whether somebody other than the judged change pins what it is.

    Raises PolicyError: it calls itself what it is not, or has a name that may look like another.
    """
    if not _NAME.fullmatch(bundle.name):
        what = f"the bundle's name {bundle.name[:80]!a} is not 1 to 100 printable ASCII characters"
        remedy = "write a name such as acme-prelive"
        raise PolicyError(what, path=".manifest", place="metadata.name", remedy=remedy)
    known = None if vouched else _shipped().get(_plain(bundle.name))
    if known is not None and bundle.digest != known[1]:
        version, digest = known
        raise PolicyError(
            f"the bundle calls itself {bundle.name} {bundle.version}, as the one that gate ships does "
            f"({version}, {digest[:12]}…), and is another ({bundle.digest[:12]}…)",
            path=".manifest",
            place="metadata.name",
            remedy="give it a name of its own, or pin policy.digest or policy.signer in the operator's file",
        )


@cache
def _shipped() -> Mapping[str, tuple[str, str]]:
    """Plain name → version and digest of the bundles that come with gate."""
    bundles = map(load_shipped, SHIPPED_BUNDLES)
    return {_plain(bundle.name): (bundle.version, bundle.digest) for bundle in bundles}


def _plain(name: str) -> str:
    """The name without what readers pass over: case, blanks and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
