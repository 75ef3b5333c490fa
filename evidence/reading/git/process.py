"""Runs git for :mod:`gate.evidence.history`, with nothing that a repository's configuration could start.

The protections are those of :mod:`gate.evidence.reading.git`; on top of them no graft and no commit-graph
file is believed, times are in UTC, and no single object may take more memory than a few evidence files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...base.activity import Log
from ...base.errors import EnvironmentProblem
from ...base.limits import Limits
from ...process.children import scratch
from .plumbing import environment

_log = Log(__name__)

_LEAST_MEMORY = 64 * 1024 * 1024
_SHALLOW_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finished:
    """How a git command ended: its exit code and what it wrote."""

    code: int
    out: bytes
    error: bytes


def run(
    root: Path,
    arguments: Sequence[str],
    limits: Limits,
    *,
    stdin: bytes = b"",
    settings: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run one git command in ``root``, whatever its exit code.

    Args:
        root: the directory to run in.
        arguments: the command and its arguments.
        limits: the time limit, and the size limit that bounds git's memory.
        stdin: what the command reads.
        settings: more ``name=value`` settings, which win over every configuration file.
        environment: more variables.

    Raises:
        EnvironmentProblem: there is no git, it cannot be started, or takes too long.
    """
    import subprocess

    pinned = [
        "core.fsmonitor=false",
        f"core.hooksPath={os.devnull}",
        "core.commitGraph=false",
        "protocol.allow=never",
        *settings,
    ]
    command = ["git", "--no-pager", *(word for setting in pinned for word in ("-c", setting)), *arguments]
    _log.info("git %s", " ".join(arguments))
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=_environment(limits) | dict(environment or {}),
            input=stdin,
            capture_output=True,
            timeout=limits.git_seconds,
        )
    except FileNotFoundError as error:
        raise EnvironmentProblem(
            "there is a .git, but git is not installed",
            path=str(root),
            remedy="install git, or judge a copy without .git",
        ) from error
    except OSError as error:
        raise EnvironmentProblem(f"git cannot be started: {error.strerror}", remedy="check git") from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentProblem(
            f"git took longer than {limits.git_seconds:g} s ({arguments[0]})",
            path=str(root),
            remedy="check the repository with git fsck",
        ) from error
    return Finished(done.returncode, done.stdout, done.stderr)


def ask(root: Path, arguments: Sequence[str], limits: Limits, stdin: bytes = b"") -> bytes:
    """Output of a git command that must succeed.

    Raises:
        EnvironmentProblem: as :func:`run`, and when git refuses or fails.
    """
    done = run(root, arguments, limits, stdin=stdin)
    if done.code == 0:
        return done.out
    raise refusal(root, done)


def refusal(root: Path, done: Finished) -> EnvironmentProblem:
    """The error that a command which should not have failed is reported as."""
    said = " ".join(done.error.decode("utf-8", "replace").split())[:300]
    return EnvironmentProblem(
        f"git refuses the repository: {said}",
        path=str(root),
        remedy="check it with git fsck; if another user owns it and you trust it: "
        "git config --global --add safe.directory DIRECTORY",
    )


def _environment(limits: Limits) -> dict[str, str]:
    return environment() | {
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_ALLOC_LIMIT": str(max(4 * limits.file_bytes, _LEAST_MEMORY)),
        "TZ": "UTC",
    }


@contextmanager
def private_directory() -> Iterator[Path]:
    """A directory that only this user can look into, gone afterwards."""
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
    resolved = root.resolve()
    for folder in (resolved, *resolved.parents):
        if (folder / ".git").exists():
            inner = resolved.relative_to(folder).as_posix()
            return "" if inner == "." else f"{inner}/"
    return None


def shallow_commits(root: Path) -> frozenset[str]:
    """Ids of the commits whose parents a shallow clone lacks (gitrepository-layout(5), ``shallow``)."""
    return frozenset(shallow_file(root).decode("ascii", "replace").split())


def shallow_file(root: Path) -> bytes:
    """Content of the repository's file ``shallow``, empty when there is none."""
    resolved = root.resolve()
    marker = next(
        (folder / ".git" for folder in (resolved, *resolved.parents) if (folder / ".git").exists()), None
    )
    if marker is None:
        return b""
    directory = marker
    if marker.is_file():  # a linked work tree or a submodule
        directory = marker.parent / _small(marker).decode("utf-8", "replace").partition("gitdir:")[2].strip()
    common = _small(directory / "commondir").decode("utf-8", "replace").strip()
    return _small(directory / common / "shallow")


def _small(path: Path) -> bytes:
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(_SHALLOW_BYTES)
    except OSError:
        return b""
