"""Runs git on a repository that is not trusted: nothing that its configuration names is started.

Only plumbing is run: it starts no hook, pager, filter, signature program or file system monitor. No shell, no
``GIT_*`` variable of the caller, no lock, no fetch, no replace ref, graft or commit-graph file, times in UTC,
a time limit, and no more memory for a single object than a few evidence files may take.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...base.activity import Log
from ...base.errors import EnvironmentProblem
from ...base.limits import Limits
from ...process.programs import absolute_path
from .state import marker, odd_file, places, top

if TYPE_CHECKING:
    from subprocess import CompletedProcess

_log = Log(__name__)

_LEAST_MEMORY = 64 * 1024 * 1024
_SETTINGS = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.commitGraph=false",
    "advice.graftFileDeprecated=false",
    "protocol.allow=never",
    "i18n.logOutputEncoding=UTF-8",
    "mailmap.file=",
)
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    # older versions do not know the line above, and protocol.allow yields to protocol.<name>.allow
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "LC_ALL": "C",
    "TZ": "UTC",
}


def run(
    root: Path,
    arguments: Sequence[str],
    limits: Limits,
    *,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> CompletedProcess[bytes]:
    """Run one git command in ``root``, whatever its exit code.

    Raises EnvironmentProblem: there is no git, it cannot be started, or takes too long.
    """
    import subprocess

    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    found = marker(root)
    kept["PATH"] = absolute_path(top(root))
    git = shutil.which("git", path=kept["PATH"])
    if git is None:
        raise EnvironmentProblem(
            "there is a .git, but git is not installed outside of the workspace",
            path=str(root),
            remedy="install git, or judge a copy without .git",
        )
    own = {"GIT_ALLOC_LIMIT": str(max(4 * limits.file_bytes, _LEAST_MEMORY))}
    if found is not None:  # or core.worktree and core.bare could say what paths are relative to
        own["GIT_WORK_TREE"] = str(found.parent)
    odd = None if found is None else odd_file(found)
    if odd is not None:
        raise EnvironmentProblem(
            f"the repository's {odd} is no regular file",
            path=str(root),
            remedy="clone the repository anew, or judge a copy without .git",
        )
    _log.info("git %s", " ".join(arguments))
    try:
        return subprocess.run(
            [git, "--no-pager", *(word for one in _SETTINGS for word in ("-c", one)), *arguments],
            cwd=root,
            env=kept | _ENVIRONMENT | own | dict(environment or {}),
            input=stdin,
            capture_output=True,
            timeout=limits.git_seconds,
        )
    except OSError as error:
        raise EnvironmentProblem(f"git cannot be started: {error.strerror}", remedy="check git") from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentProblem(
            f"git took longer than {limits.git_seconds:g} s ({arguments[0]})",
            path=str(root),
            remedy="check the repository with git fsck",
        ) from error


def ask(root: Path, arguments: Sequence[str], limits: Limits, stdin: bytes = b"") -> bytes:
    """Output of a git command that must succeed.

    Raises EnvironmentProblem: as :func:`run`, and when git refuses or fails.
    """
    done = run(root, arguments, limits, stdin=stdin)
    if done.returncode == 0:
        return done.stdout
    raise refusal(root, done)


def refusal(root: Path, done: CompletedProcess[bytes]) -> EnvironmentProblem:
    """The error that a command which should not have failed is reported as."""
    message = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
    if "not a git repository" in message:
        return EnvironmentProblem(
            "there is a .git, but git cannot read it",
            path=str(root),
            remedy="repair the repository, or judge a copy without .git",
        )
    if "promisor remote" in message:
        return EnvironmentProblem(
            "the repository is a partial clone without what is asked for",
            path=str(root),
            remedy="fetch it: git fetch --refetch --filter=blob:none, or clone without --filter",
        )
    return EnvironmentProblem(
        f"git refuses the repository: {message}",
        path=str(root),
        remedy="check it with git fsck; if another user owns it and you trust it: "
        "git config --global --add safe.directory DIRECTORY",
    )


@contextmanager
def private_directory() -> Iterator[Path]:
    """A directory that only this user can look into, gone afterwards."""
    from ...process.children import scratch

    with scratch("gate-git-") as folder:
        yield folder


def neutral(folder: Path) -> dict[str, str]:
    """Variables with which git run in ``folder`` finds no repository, configuration or attributes."""
    return {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }


def prefix(root: Path) -> str | None:
    """Where ``root`` lies in its repository, ending in ``/`` unless it is its top; None outside of one.

    Found by the place of ``.git``, so that ``core.worktree`` cannot move it.
    """
    found = marker(root)
    if found is None:
        return None
    inner = root.resolve().relative_to(found.parent).as_posix()
    return "" if inner == "." else f"{inner}/"


def is_shallow(root: Path) -> bool:
    """Whether the clone lacks the parents of some commits (gitrepository-layout(5), ``shallow``)."""
    found = marker(root)
    try:
        return found is not None and (places(found)[-1] / "shallow").exists()
    except (OSError, ValueError):
        return True
