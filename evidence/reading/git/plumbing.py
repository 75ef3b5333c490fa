"""The few questions to git that every run asks.

File contents are compared by blob id (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects), computed
from bytes that were already read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from ...base.errors import EnvironmentProblem
from ...base.limits import DEFAULT, Limits
from ..files import ObjectFormat
from .objects import damaged, prove_trees, read
from .process import ask, is_shallow, run
from .state import marker

_ARGUMENT_PATHS = 500
"""Paths passed on the command line; beyond that the whole tree is listed instead."""
_COMMITS = 10_000
"""Commits whose authors are looked at; of more it cannot be told who wrote them."""
_MARKS = {b"100644": "", b"100755": "", b"120000": "@", b"160000": "="}
_EMAIL = re.compile(rb"<([^<>]*)>")
_GLOB = re.compile(r"[^/*?]*[*?].*", re.DOTALL)
_COAUTHOR = re.compile(rb"^co-authored-by[ \t]*:(.*(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_AUTHOR = re.compile(rb"author [^<\n]*<([^>\n]*)> ")


class GitState(Struct, frozen=True):
    """The repository around the workspace; what is not known is None (no commit yet, or not UTF-8).

    ``commit`` is the full id of the commit HEAD names, ``object_format`` the hash of the repository's ids.
    """

    commit: str | None
    author_email: str | None
    object_format: ObjectFormat | None


def head(root: Path, limits: Limits = DEFAULT) -> GitState | None:
    """The commit checked out where ``root`` lies; None outside of a repository, without starting git.

    ``root`` may be a subdirectory of the repository.

    Raises EnvironmentProblem: git is missing, refuses the repository (another owner), takes too long or
    breaks.
    """
    if marker(root) is None:
        return None
    [found] = read(root, ["HEAD^{commit}"], limits)
    if found is None:
        if run(root, ["rev-parse", "--verify", "--quiet", "HEAD"], limits).returncode == 0:
            raise damaged(root, "HEAD")  # not an empty repository, in which nobody wrote
        return GitState(None, None, None)
    commit, _, content = found
    author = _AUTHOR.search(content.partition(b"\n\n")[0] + b"\n")
    return GitState(commit, utf8(author[1]) if author else None, "sha1" if len(commit) == 40 else "sha256")


def last_author(root: Path, commit: str, paths: Sequence[str], limits: Limits = DEFAULT) -> str | None:
    """E-mail of the author of the last commit that touched ``paths``; None when it is not UTF-8 or unknown.

    An empty commit by somebody else does not make somebody else the author of the change.

    Raises EnvironmentProblem: git takes too long or breaks.
    """
    found = ask(root, ["rev-list", "-1", "--format=%ae", commit, "--", *_wanted(paths)], limits)
    lines = found.splitlines()
    return utf8(lines[1]) if len(lines) > 1 else None


def authors(
    root: Path, commit: str, since: str | None, paths: Sequence[str], limits: Limits = DEFAULT
) -> frozenset[str] | None:
    """E-mails of all who wrote commits that touch ``paths``, up to ``commit`` and after ``since``.

    Both as the commit states them and as ``.mailmap`` does, and those in lines ``Co-authored-by``. None when
    that cannot be told: a shallow clone, a commit that names nobody, more than 10,000 commits, or none.

    Raises EnvironmentProblem: git takes too long or breaks.
    """
    if is_shallow(root):
        return None
    span = [commit] if since is None else [commit, f"^{since}"]
    form = "--format=<%ae> <%aE>%x00%B%x00"
    arguments = ["rev-list", f"--max-count={_COMMITS + 1}", form, *span, "--", *_wanted(paths)]
    *parts, _ = ask(root, arguments, limits).split(b"\x00")
    read(root, [own.split()[1].decode() for own in parts[::2]], limits)  # each must be what its name says
    found: set[str | None] = set()
    for own, message in zip(parts[::2], parts[1::2], strict=True):
        found.update(utf8(email) or None for email in _EMAIL.findall(own))
        # read here: what git takes for a trailer is for the repository's settings to say
        others = b" ".join(_COAUTHOR.findall(message))
        found.update(email for raw in _EMAIL.findall(others) if (email := utf8(raw)))
    if len(parts) > 2 * _COMMITS or None in found or (since is None and not found):
        return None
    return frozenset(email for email in found if email)


def is_earlier(root: Path, commit: str, than: str, limits: Limits = DEFAULT) -> bool:
    """Whether ``commit`` is another commit that ``than`` rests on; False when the repository lacks it."""
    if commit == than:
        return False
    done = run(root, ["rev-list", "--max-count=1", commit, f"^{than}", "--"], limits)
    return done.returncode == 0 and not done.stdout


def _wanted(paths: Sequence[str]) -> list[str]:
    """The paths for git: of a glob, the directory above the first wildcard."""
    fixed = [_GLOB.sub("", path).rstrip("/") for path in paths]
    return ["."] if "." in paths or "" in fixed else fixed


def committed(root: Path, commit: str, paths: Sequence[str], limits: Limits = DEFAULT) -> dict[str, str]:
    """Blob ids of the regular files of ``commit`` at or below ``paths``, by path relative to ``root``.

    Paths are taken literally; none means everything below ``root``.

    Raises EnvironmentProblem: as :func:`tree`.
    """
    return {path: blob for path, blob in tree(root, commit, paths, limits).items() if blob[-1] not in "@="}


def tree(root: Path, commit: str, paths: Sequence[str], limits: Limits) -> dict[str, str]:
    """Like :func:`committed`, with symbolic links, whose ids end in ``@``, and submodules, ``=``.

    Raises EnvironmentProblem: also when the commit or a tree in it is not what its name says.
    """
    prove_trees(root, commit, limits)
    wanted = list(paths) if len(paths) <= _ARGUMENT_PATHS else []
    output = ask(root, ["ls-tree", "-r", "-z", commit, "--", *wanted], limits)
    found = {}
    for record in output.split(b"\x00"):
        meta, _, name = record.partition(b"\t")
        mode, _, rest = meta.partition(b" ")
        if mode in _MARKS:
            found[os.fsdecode(name)] = rest.partition(b" ")[2].decode() + _MARKS[mode]
    return found


def submodules(
    root: Path, blobs: dict[str, str], limits: Limits
) -> tuple[dict[str, str], dict[str, str | None]]:
    """What a :func:`tree` holds with its submodules, and each of these with its commit.

    The commit is None, and its content is not there, where another one is checked out, none is, or git cannot
    read the submodule.
    """
    whole = {path: blob for path, blob in blobs.items() if not blob.endswith("=")}
    commits: dict[str, str | None] = {}
    for path, blob in blobs.items() - whole.items():
        own, wanted = root / path, blob[:-1]
        commits[path] = None
        with suppress(EnvironmentProblem):
            state = head(own, limits) if not own.is_symlink() and (own / ".git").exists() else None
            if state is not None and state.commit == wanted:
                inner, deeper = submodules(own, tree(own, wanted, [], limits), limits)
                whole |= {f"{path}/{name}": found for name, found in inner.items()}
                commits |= {path: wanted} | {f"{path}/{name}": one for name, one in deeper.items()}
    return whole, commits


def utf8(raw: bytes) -> str | None:
    """The text; None when it is not UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
