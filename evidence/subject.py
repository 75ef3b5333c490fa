"""What is judged: a content digest of the source paths, and the git commit where there is one.

The digest is the SHA-256 of the text that ``sha256sum`` prints for the source files sorted by path, so it can
be recomputed with stock tools, does not change with a rebase, and exists without git. A symbolic link counts
with the text of its target, is never followed, and must lead to a file that is judged itself.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from . import git
from ._cache_repository import object_format
from .canonical import manifest_bytes, sha256_hex
from .errors import ConfigError, EvidenceError
from .workspace import Workspace, check_relative, glob_regex

_ESCAPED = re.compile(r"[\n\r\\]")


@dataclass(frozen=True, slots=True)
class Sources:
    """The judged content: digest, its files and links, and the paths that were configured."""

    digest: str
    files: tuple[str, ...]
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """The git side: all None where the workspace is in no repository, or git is not installed."""

    commit: str | None
    author: str | None
    dirty: bool | None


def source_files(
    workspace: Workspace, sources: Sequence[str], exclude: Sequence[str], *, explicit: bool
) -> tuple[str, ...]:
    """Files and links under the source paths (directories, files or globs), without the excluded ones.

    Raises:
        ConfigError: an explicitly configured source matches nothing, or a path leaves the workspace.
    """
    everything = sorted([*workspace.inventory(), *workspace.links(), *workspace.special()])
    dropped = [_matcher(pattern) for pattern in exclude]
    chosen: set[str] = set()
    for pattern in sources:
        matches = _matcher(pattern)
        found = [path for path in everything if matches(path)]
        if not found and explicit:
            raise ConfigError(
                f"the source path {pattern!r} matches no file",
                path="gate.yaml",
                place="subject.sources",
                remedy="correct it, or remove it from subject.sources",
            )
        chosen.update(found)
    return tuple(path for path in sorted(chosen) if not any(drop(path) for drop in dropped))


class _matcher:  # noqa: N801 - a callable, used like a function
    def __init__(self, pattern: str) -> None:
        self._everything = pattern == "."
        self._exact = pattern if self._everything else check_relative(pattern.rstrip("/"))
        self._regex = glob_regex(self._exact) if set("*?") & set(pattern) else None

    def __call__(self, path: str) -> bool:
        if self._everything:
            return True
        if self._regex is not None:
            return self._regex.fullmatch(path) is not None
        return path == self._exact or path.startswith(self._exact + "/")


def measure_sources(
    workspace: Workspace, sources: Sequence[str], exclude: Sequence[str], *, explicit: bool
) -> Sources:
    """Digest of the judged content, and the files it was taken over.

    Raises:
        ConfigError: no file is under the source paths.
        EvidenceError: a source file cannot be read, or its name cannot stand in a ``sha256sum`` manifest.
    """
    paths = source_files(workspace, sources, exclude, explicit=explicit)
    if not paths:
        raise ConfigError(
            "no file is under the source paths, so there is nothing to judge",
            path="gate.yaml",
            place="subject.sources",
            remedy=f"name the directories of your code there (now: {', '.join(sources)}); "
            "`gate init` writes a commented gate.yaml",
        )
    links, special = workspace.links(), workspace.special()
    for path in paths:
        if _ESCAPED.search(path) or not _is_utf8(path):
            raise EvidenceError(  # ``sha256sum`` would print such a name escaped
                "the file's name has a line break or a backslash, or is not UTF-8",
                path=ascii(path),
                remedy="rename the file",
            )
        if path in special:
            raise EvidenceError(
                "among the sources is something that is no regular file",
                path=path,
                remedy="remove it, or exclude it under subject.exclude",
            )
    chosen = frozenset(paths) - links.keys()
    for path in paths:
        if path in links:
            _check_link(path, links[path], chosen)
    # with git's ids taken from the same bytes, find_commit has nothing left to read
    files = [path for path in paths if path not in links]
    entries = workspace.digests(files, object_format(workspace.root))
    for path in paths:
        if path in links:
            entries[path] = sha256_hex(f"link:{links[path]}".encode("utf-8", "surrogateescape"))
    return Sources(sha256_hex(manifest_bytes(entries)), paths, tuple(sources))


def _check_link(path: str, target: str, judged: frozenset[str]) -> None:
    where = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if where not in judged:
        raise EvidenceError(
            f"is a symbolic link to {target!r}, which is not judged",
            path=path,
            remedy="replace the link by the file itself, or exclude it under subject.exclude",
        )


def _is_utf8(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def find_commit(workspace: Workspace, sources: Sources) -> Commit:
    """The commit checked out around the workspace and whether the judged content differs from it."""
    state = git.head(workspace.root, workspace.limits)
    if state is None or state.commit is None:
        return Commit(None, None, None)
    author = git.last_author(workspace.root, state.commit, sources.patterns, workspace.limits)
    changed = git.dirty(
        workspace.root,
        sources.patterns,
        workspace.limits,
        files=sources.files,
        workspace=workspace,
        state=state,
    )
    return Commit(state.commit, author or state.author_email, changed)
