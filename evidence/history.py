"""The git repository around the workspace, read only: what an earlier commit held, and who vouches for it."""

from __future__ import annotations

from pathlib import Path

from . import git
from .limits import DEFAULT, Limits


class History:
    """Questions to git that neither run anything the repository brings along nor change anything.

    Args:
        root: the workspace; the repository itself, or a directory in it.
        limits: the time and size limits.
    """

    def __init__(self, root: Path, limits: Limits = DEFAULT) -> None:
        self.root = root
        self.limits = limits

    def head(self) -> git.GitState | None:
        """The commit checked out; see :func:`gate.evidence.git.head`."""
        return git.head(self.root, self.limits)
