"""What git says about the workspace, asked without trusting the repository.

Only plumbing is run (``cat-file``, ``ls-tree``): it starts no hook, pager, filter, signature program or file
system monitor that the repository's own configuration could name. No shell, no ``GIT_*`` variable of the
caller, no lock, no lazy fetch, and a time limit. File contents are compared by blob id
(https://git-scm.com/book/en/v2/Git-Internals-Git-Objects), computed from bytes that were already read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...base.activity import Log
from ...base.errors import EnvironmentProblem
from ...base.limits import DEFAULT, Limits
from ..files import ObjectFormat, blob_id
from .state import marker

_log = Log(__name__)

_ARGUMENT_PATHS = 500
"""Paths passed on the command line; beyond that the whole tree is listed instead."""
_HEADER = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) commit [0-9]+")
_AUTHOR = re.compile(rb"author [^<\n]*<([^>\n]*)> ")


@dataclass(frozen=True, slots=True)
class GitState:
    """The repository around the workspace.

    Attributes:
        commit: full id of the commit HEAD names; None before the first commit.
        author_email: that commit's author; None without a commit, or when it is not UTF-8.
        object_format: hash of the repository's object ids; None when it is not known (no commit yet).
    """

    commit: str | None
    author_email: str | None
    object_format: ObjectFormat | None


def head(root: Path, limits: Limits = DEFAULT) -> GitState | None:
    """The commit checked out where ``root`` lies; None without git or outside of a repository.

    ``root`` may be a subdirectory of the repository.

    Raises:
        EnvironmentProblem: git refuses the repository (another owner), takes too long or breaks.
    """
    if not _inside_repository(root):
        return None
    output = _git(root, ["cat-file", "--batch"], limits, stdin=b"HEAD^{commit}\n")
    if output is None:
        raise EnvironmentProblem(
            "there is a .git, but git cannot read it, or is not installed",
            path=str(root),
            remedy="repair the repository, install git, or judge a copy without .git",
        )
    first, _, rest = output.partition(b"\n")
    match = _HEADER.fullmatch(first)
    if match is None:
        return GitState(None, None, None)
    commit = match[1].decode()
    author = _AUTHOR.search(rest.partition(b"\n\n")[0] + b"\n")
    return GitState(commit, _utf8(author[1]) if author else None, "sha1" if len(commit) == 40 else "sha256")


def last_author(root: Path, commit: str, paths: Sequence[str], limits: Limits = DEFAULT) -> str | None:
    """E-mail of the author of the last commit that touched ``paths``; None when it is not UTF-8 or unknown.

    An empty commit by somebody else does not make somebody else the author of the change.

    Raises:
        EnvironmentProblem: git takes too long or breaks.
    """
    fixed = [path.partition("*")[0].partition("?")[0].rstrip("/") for path in paths]
    wanted = ["."] if "." in paths or "" in fixed else fixed
    found = _git(root, ["rev-list", "-1", "--format=%ae", commit, "--", *wanted], limits)
    lines = (found or b"").splitlines()
    return _utf8(lines[1]) if len(lines) > 1 else None


def committed(root: Path, commit: str, paths: Sequence[str], limits: Limits = DEFAULT) -> dict[str, str]:
    """Blob ids of the regular files of ``commit`` at or below ``paths``, by path relative to ``root``.

    Args:
        root: the workspace, the repository itself or a directory in it.
        commit: a commit id as :func:`head` gives it.
        paths: relative files or directories, taken literally; none means everything below ``root``.
        limits: the time limit.

    Raises:
        EnvironmentProblem: git takes too long or breaks.
    """
    return {path: blob for path, blob in tree(root, commit, paths, limits).items() if not blob.endswith("@")}


def tree(root: Path, commit: str, paths: Sequence[str], limits: Limits) -> dict[str, str]:
    """Like :func:`committed`, with symbolic links, whose blob ids end in ``@``."""
    wanted = list(paths) if len(paths) <= _ARGUMENT_PATHS else []
    output = _git(root, ["ls-tree", "-r", "-z", commit, "--", *wanted], limits)
    found = {}
    for record in (output or b"").split(b"\x00"):
        meta, _, name = record.partition(b"\t")
        mode, _, rest = meta.partition(b" ")
        if mode in (b"100644", b"100755", b"120000"):
            blob = rest.partition(b" ")[2].decode()
            found[os.fsdecode(name)] = blob + ("@" if mode == b"120000" else "")
    return found


def unmodified(blobs: Mapping[str, str], path: str, data: bytes, object_format: ObjectFormat) -> bool:
    """Whether the commit whose blobs :func:`committed` listed has exactly these bytes at ``path``."""
    return blobs.get(path) == blob_id(data, object_format)


def _inside_repository(root: Path) -> bool:
    """Whether a directory from ``root`` upwards has a ``.git``; saves starting git where there is none."""
    return marker(root) is not None


def _utf8(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def environment() -> dict[str, str]:
    """The caller's environment variables without git's, and with those that keep git from doing more."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        # older versions do not know the line above, and protocol.allow yields to protocol.<name>.allow
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_LITERAL_PATHSPECS": "1",
        "LC_ALL": "C",
    }


def _git(root: Path, arguments: list[str], limits: Limits, stdin: bytes = b"") -> bytes | None:
    """Output of a git command run in ``root``; None when there is no git, or no repository after all."""
    import subprocess

    command = [
        "git", "--no-pager", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}",
        "-c", "protocol.allow=never", *arguments,
    ]  # fmt: skip
    _log.info("git %s", " ".join(arguments))
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment(),
            input=stdin,
            capture_output=True,
            timeout=limits.git_seconds,
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EnvironmentProblem(f"git cannot be started: {error.strerror}", remedy="check git") from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentProblem(
            f"git took longer than {limits.git_seconds:g} s ({arguments[0]})",
            path=str(root),
            remedy="check the repository with git fsck",
        ) from error
    if done.returncode == 0:
        return done.stdout
    said = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
    if "not a git repository" in said:
        return None
    raise EnvironmentProblem(
        f"git refuses the repository: {said}",
        path=str(root),
        remedy="if you trust it: git config --global --add safe.directory DIRECTORY",
    )
