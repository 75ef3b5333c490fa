"""What is judged: a content digest of the source paths, and the git commit where there is one.

The digest is the SHA-256 of the text that ``sha256sum`` prints for the source files sorted by path, so it can
be recomputed with stock tools, does not change with a rebase, and exists without git. A symbolic link counts
with the text of its target, is never followed, and must lead to a file that is judged itself.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.canonical import manifest_bytes, sha256_hex
from ..base.errors import ConfigError, EvidenceError
from ..base.limits import DEFAULT, Limits
from ..reading import git
from ..reading.git.state import object_format
from ..reading.workspace import Workspace, check_relative, glob_regex

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
    changed = dirty(
        workspace.root,
        sources.patterns,
        workspace.limits,
        files=sources.files,
        workspace=workspace,
        state=state,
    )
    return Commit(state.commit, author or state.author_email, changed)


def dirty(
    root: Path,
    paths: Sequence[str],
    limits: Limits = DEFAULT,
    *,
    files: Iterable[str] | None = None,
    workspace: Workspace | None = None,
    state: git.GitState | None = None,
) -> bool | None:
    """Whether what lies at ``paths`` differs from the commit checked out; None where there is no repository.

    A file that is not in the commit, has other content there, or is in the commit and was deleted, makes the
    workspace dirty; before the first commit every file does. Content is compared byte for byte, so a file
    that a clean filter would rewrite (line endings, LFS) counts as modified, and so does one that is ignored.

    Args:
        root: the workspace.
        paths: relative directories, files or globs; ``.`` for everything.
        limits: the time limit of each git command, and the size limit where we read.
        files: the files and symbolic links at these paths, when the caller has listed them already; others
            that exist there are then left alone. By default the workspace is walked.
        workspace: the same workspace, when somebody walked through it and read files of it already.
        state: what :func:`gate.evidence.reading.git.head` said, to save one process.

    Raises:
        EnvironmentProblem: git refuses the repository, takes too long or breaks.
        EvidenceError: a file cannot be read.
    """
    state = state or git.head(root, limits)
    if state is None:
        return None
    expressions = []
    for path in paths:
        plain = path.rstrip("/")
        pattern = "**" if plain == "." else plain
        expressions.append(glob_regex(pattern))
        expressions.append(glob_regex(f"{pattern}/**"))

    def inside(path: str) -> bool:
        return any(expression.fullmatch(path) for expression in expressions)

    workspace = workspace or Workspace(root, limits)
    links = workspace.links()
    if files is None:
        files = [path for path in (*workspace.inventory(), *links) if inside(path)]
    present = set(files)
    if state.commit is None or state.object_format is None:
        return bool(present)
    blobs = git.tree(root, state.commit, [], limits)
    if any(inside(path) and path not in present and not os.path.lexists(root / path) for path in blobs):
        return True
    workspace.digests(sorted(present - links.keys()), state.object_format)
    for path in sorted(present):
        if path in links:
            now = git.blob_id(os.fsencode(links[path]), state.object_format) + "@"
        else:
            now = workspace.blob_id(path, state.object_format)
        if blobs.get(path) != now:
            return True
    return False
