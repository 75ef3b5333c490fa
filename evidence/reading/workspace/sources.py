"""Which files of the workspace are judged: those under the configured paths, or those that are discovered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache

from msgspec import Struct

from ...base.errors import ConfigError
from ..paths import Glob, check_relative, glob_regex
from .walk import Inventory

BESIDE = frozenset({"contracts", "fixtures", "tests", "test"})
"""Directories that are judged with discovered code, whatever they hold."""

NOT_THE_PRODUCT = frozenset(
    {"build", "dist", "doc", "docs", "env", "example", "examples", "htmlcov", "samples", "site-packages"}
)
"""Directories at the top that hold no code of the product; left out where the sources are discovered."""

_TEST = re.compile(r"(?:.*/)?(?:(?:tests?|testing|testdata)/.*|test_[^/]*\.py|[^/]*_test\.py|conftest\.py)")


class Selection(Struct, frozen=True, dict=True):
    """The judged files.

    Attributes:
        patterns: the source paths in force: directories, files or globs.
        discovered: whether nobody configured the paths.
        paths: files, links and special files under the paths, sorted.
        links: those that are symbolic links, with their targets as stored.
        refused: directories whose entries are not known, with reason and remedy, wherever they are: code may
            lie in them. Excluded ones are none of these.
    """

    patterns: tuple[str, ...]
    exclude: tuple[str, ...]
    discovered: bool
    paths: tuple[str, ...]
    links: Mapping[str, str]
    special: frozenset[str]
    refused: Mapping[str, tuple[str, str]]

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The regular files among them."""
        return tuple(path for path in self.paths if path not in self.links and path not in self.special)

    def names(self, path: str) -> bool:
        """Whether a path that is not judged is left out by name: excluded, or no code of the product."""
        if self.discovered and (path.partition("/")[0] in NOT_THE_PRODUCT or path.startswith(".")):
            return True
        return any(matches(pattern, path) for pattern in self.exclude)


def select(
    walked: Inventory, sources: Sequence[str] | None, exclude: Iterable[str], stated_in: str
) -> Selection:
    """The judged files among everything met in the walk.

    Args:
        sources: directories, files or globs; None where nobody configured any. Then every top-level directory
            with Python in it is judged, every Python file at the top, and :data:`BESIDE`; without any Python,
            everything is.
        exclude: globs of what is left out.
        stated_in: the file in which somebody configured them.

    Raises ConfigError: a configured path matches nothing, or leaves the workspace.
    """
    everything = sorted([*walked.files, *walked.links, *walked.special])
    patterns = tuple(_discover(everything) if sources is None else sources)
    chosen: set[str] = set()
    for pattern in patterns:
        found = [path for path in everything if matches(pattern, path)]
        if not found and sources is not None and not walked.refused:
            raise ConfigError(
                f"the source path {pattern!r} matches no file",
                path=stated_in,
                place="subject.sources",
                remedy="correct it, or remove it from subject.sources",
            )
        chosen.update(found)
    left_out = tuple(exclude)
    paths = tuple(path for path in sorted(chosen) if not any(matches(one, path) for one in left_out))
    links = {path: walked.links[path] for path in paths if path in walked.links}
    special = walked.special.intersection(paths)
    refused = {
        path: why for path, why in walked.refused.items() if not any(matches(one, path) for one in left_out)
    }
    return Selection(patterns, left_out, sources is None, paths, links, special, refused)


def _discover(files: Sequence[str]) -> list[str]:
    found = set()
    for path in files:
        top = path.partition("/")[0]
        if path.endswith(".py") and not top.startswith(".") and top not in NOT_THE_PRODUCT:
            found.add(top)
    if not any(name not in BESIDE and not is_test(name) for name in found):
        return ["."] if files else []
    return sorted(found | BESIDE.intersection(path.partition("/")[0] for path in files if "/" in path))


def is_test(path: str) -> bool:
    """Whether a file of this name is a test or supports tests."""
    return _TEST.fullmatch(path) is not None


def matches(pattern: str, path: str) -> bool:
    """Whether the path is the pattern, lies in that directory, or matches it as a glob; ``.`` is everything.

    Raises ConfigError: the pattern leaves the workspace.
    """
    exact, regex = _compiled(pattern)
    if exact == "." or path == exact or path.startswith(f"{exact}/"):
        return True
    return regex is not None and regex.fullmatch(path) is not None


@lru_cache(1000)
def _compiled(pattern: str) -> tuple[str, Glob | None]:
    exact = pattern if pattern == "." else check_relative(pattern.rstrip("/"), found=True)
    return exact, glob_regex(exact) if set("*?") & set(exact) else None
