"""What is judged: a content digest of the source paths, and the git commit where there is one.

The digest is the SHA-256 of the text that ``sha256sum`` prints for the source files sorted by path, so it can
be recomputed with stock tools, does not change with a rebase, and exists without git. A symbolic link counts
with the text of its target, is never followed, and must lead to a file that is judged itself.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from ..base.canonical import manifest_bytes, sha256_hex
from ..base.errors import EvidenceError
from ..reading import git
from ..reading.files import ObjectFormat, printable
from ..reading.git.plumbing import authors, is_earlier, submodules
from ..reading.git.state import marker
from ..reading.workspace import Selection, Workspace, glob_regex
from ..reading.workspace.sources import matches
from ..reading.workspace.walk import DERIVED_DIRECTORIES

_COMPILED = (".so", ".pyd")
"""Ends of the names of compiled modules; Python looks for these first."""


class Sources(Struct, frozen=True):
    """The judged content: digest, its files and links, the paths they are under, and what could not be read.

    ``listing`` is the ``sha256sum`` manifest that the digest is taken over. A file that cannot be read stands
    in it without its content, so a decision over such sources must not pass; the collector ``source`` reports
    what :func:`odd_files` finds.
    """

    digest: str
    files: tuple[str, ...]
    patterns: tuple[str, ...]
    unreadable: tuple[EvidenceError, ...] = ()
    listing: bytes = b""


class Commit(Struct, frozen=True):
    """The git side: all None where the workspace is in no repository, or git is not installed."""

    commit: str | None
    author: str | None
    dirty: bool | None


def measure_sources(workspace: Workspace) -> Sources:
    """Digest of the judged content, and the files it was taken over.

    Raises ConfigError: a configured source path matches nothing.
    """
    judged = workspace.judged()
    entries: dict[str, str] = {}
    unreadable: list[EvidenceError] = []
    # with git's ids taken from the same bytes, find_commit has nothing left to read where they are SHA-1
    known: ObjectFormat | None = None if marker(workspace.root) is None else "sha1"
    try:
        entries.update(workspace.digests(judged.files, known))
    except EvidenceError:
        for path in judged.files:
            try:
                entries.update(workspace.digests([path], known))
            except EvidenceError as error:
                unreadable.append(error)
                entries[path] = sha256_hex(b"unreadable")
    for path in judged.special:
        entries[path] = sha256_hex(b"special")
    for path, (what, remedy) in sorted(judged.refused.items()):
        unreadable.append(EvidenceError(what, path=printable(path), remedy=remedy))
        entries[path] = sha256_hex(b"refused")
    for path, target in judged.links.items():
        entries[path] = sha256_hex(f"link:{target}".encode("utf-8", "surrogateescape"))
    listing = manifest_bytes(entries)
    return Sources(sha256_hex(listing), judged.paths, judged.patterns, tuple(unreadable), listing)


def odd_files(judged: Selection) -> Iterator[EvidenceError]:
    """Why some of the judged files cannot be judged: no regular files, and links to what is not judged."""
    for path in sorted(judged.special):
        yield EvidenceError(
            "among the sources is something that is no regular file",
            path=printable(path),
            remedy="remove it, or exclude it under subject.exclude",
        )
    files = frozenset(judged.files) if judged.links else frozenset[str]()
    for path, target in judged.links.items():
        if posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) not in files:
            yield EvidenceError(
                f"is a symbolic link to {target!r}, which is not judged",
                path=printable(path),
                remedy="replace the link by the file itself, or exclude it under subject.exclude",
            )


def hidden_files(workspace: Workspace, sources: Sources, commit: str | None) -> Iterator[EvidenceError]:
    """Files that Python may run in place of a source that was judged, and which nobody reads.

    They are compiled modules beside it, and what is committed in directories that nobody looks into: a clean
    checkout has that, too.

    Raises EnvironmentProblem: git refuses the repository, takes too long or breaks.
    """
    root, limits, exclude = workspace.root, workspace.limits, workspace.judged().exclude
    whole: Iterable[str] = ()
    if commit is not None:
        whole, _ = submodules(root, git.tree(root, commit, [], limits), limits)
    folders = {posixpath.dirname(path) for path in sources.files}
    modules = {path.removesuffix(".py") for path in sources.files if path.endswith(".py")}
    asked = _asked(sources)
    for path in sorted({*whole, *(one for one in workspace.inventory() if one.endswith(_COMPILED))}):
        folder, _, name = path.rpartition("/")
        parts = path.split("/")
        at = next((number for number, one in enumerate(parts[:-1]) if one in DERIVED_DIRECTORIES), None)
        module = posixpath.join(folder, name.partition(".")[0])
        if any(matches(one, path) for one in exclude):
            continue
        if at is not None and (asked(path) or "/".join(parts[:at]) in folders):
            yield EvidenceError(
                f"is committed in {parts[at]}, which is not judged",
                path=printable(path),
                remedy=f"remove it from the commit (git rm -r --cached), and list {parts[at]}/ in .gitignore",
            )
        elif name.endswith(_COMPILED) and module in modules:
            yield EvidenceError(
                f"is a compiled module, which Python imports in place of {posixpath.basename(module)}.py",
                path=printable(path),
                remedy="remove it, or exclude it under subject.exclude",
            )


def _asked(sources: Sources) -> Callable[[str], bool]:
    """Whether a path is under one of the source paths."""
    plain = ["**" if path == "." else path for path in (one.rstrip("/") for one in sources.patterns)]
    inside = [glob_regex(f"{path}{rest}") for path in plain for rest in ("", "/**")]
    return lambda path: any(one.fullmatch(path) for one in inside)


def find_commit(workspace: Workspace, sources: Sources) -> Commit:
    """The commit checked out around the workspace and whether the judged content differs from it."""
    state = git.head(workspace.root, workspace.limits)
    if state is None or state.commit is None:
        return Commit(None, None, None)
    author = git.last_author(workspace.root, state.commit, sources.patterns, workspace.limits)
    dirty = bool(sources.unreadable) or _differs(workspace, sources, state)
    return Commit(state.commit, author or state.author_email or None, dirty)


def _differs(workspace: Workspace, sources: Sources, state: git.GitState) -> bool:
    """Whether the judged content differs from the commit checked out.

    A file that is not in the commit, has other content there, or is in the commit and was deleted, makes the
    workspace dirty. Content is compared byte for byte, so a file that a clean filter would rewrite (line
    endings, LFS) counts as modified, and so does one that is ignored.

    Raises EnvironmentProblem: git refuses the repository, takes too long or breaks; EvidenceError: a file
    cannot be read.
    """
    assert state.commit is not None and state.object_format is not None  # noqa: S101 - there is a commit
    present, kind = set(sources.files), state.object_format
    root, limits = workspace.root, workspace.limits
    blobs, modules = submodules(root, git.tree(root, state.commit, [], limits), limits)
    asked = _asked(sources)
    if any(commit is None and asked(path) for path, commit in modules.items()):
        return True
    if any(asked(path) and not os.path.lexists(root / path) for path in blobs.keys() - present):
        return True
    if present & workspace.special():
        return True
    links = workspace.links()
    workspace.digests(sorted(present - links.keys()), kind)

    def blob(path: str) -> str | None:
        if path in links:
            return git.blob_id(os.fsencode(links[path]), kind) + "@"
        return workspace.blob_id(path, kind)

    return any(blobs.get(path) != blob(path) for path in sorted(present))


def authors_since(
    workspace: Workspace, commit: str, approved: Iterable[str]
) -> dict[str | None, frozenset[str] | None]:
    """Who wrote the judged content: in all of its history (the key None), and since each approved commit.

    Commits that do not come before ``commit`` are left out. The authors are None when they cannot be told.
    What submodules among the sources hold counts with its own history.
    """
    root, limits, paths = workspace.root, workspace.limits, workspace.judged().patterns
    bases = [one for one in approved if is_earlier(root, one, commit, limits)]
    _, modules = submodules(root, git.tree(root, commit, [], limits), limits)
    judged = {
        path: own
        for path, own in modules.items()
        if any(one.startswith(f"{path}/") for one in workspace.judged().paths)
    }

    def within(path: str, own: str, before: str) -> frozenset[str] | None:
        known = before == own or (before and is_earlier(root / path, before, own, limits))
        return authors(root / path, own, before if known else None, ["."], limits)

    found: dict[str | None, frozenset[str] | None] = {}
    for base in (None, *bases):
        old = git.tree(root, base, [], limits) if base and judged else {}
        every = [authors(root, commit, base, paths, limits)]
        every += [
            None if own is None else within(path, own, old.get(path, "")[:-1]) for path, own in judged.items()
        ]
        known = [emails for emails in every if emails is not None]
        found[base] = frozenset[str]().union(*known) if len(known) == len(every) else None
    return found
