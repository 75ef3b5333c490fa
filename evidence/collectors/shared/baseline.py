"""The last approved version of files: a commit of the repository, or a copy that the workspace keeps.

Which version was approved is for the operator to say; nothing is guessed, and the facts name what was taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ...base.errors import ConfigError, EvidenceError
from ...collecting.interface import Problem
from ...reading.workspace import View, check_relative, glob_regex

if TYPE_CHECKING:
    from ...reading.git.history import History


class Baseline:
    """The approved version, to be read like the workspace.

    Attributes:
        kind: ``commit`` or ``directory``.
        name: the commit's full id, or the directory's path.
    """

    def __init__(self, view: View, kind: str, name: str, history: History | None = None) -> None:
        self.kind = kind
        self.name = name
        self._view = view
        self._history = history
        self._blobs: dict[str, str] = {} if history is None else history.files(name)

    def to_json(self) -> dict[str, Any]:
        """The fact that names this version."""
        return {"kind": self.kind, "name": self.name}

    def label(self, path: str) -> str:
        """How messages name a file of this version."""
        return f"{self.name}/{path}" if self._history is None else f"{path} (commit {self.name[:12]})"

    def files(self, patterns: Iterable[str]) -> list[str]:
        """Paths of the regular files that match one of the globs, sorted, as they are in the workspace."""
        if self._history is None:
            start = f"{self.name}/"
            known: Iterable[str] = (
                path.removeprefix(start) for path in self._view.paths() if path.startswith(start)
            )
        else:
            known = self._blobs
        expressions = [glob_regex(pattern) for pattern in patterns]
        return sorted(path for path in known if any(one.fullmatch(path) for one in expressions))

    def same(self, path: str) -> bool:
        """Whether the workspace has the file with the very bytes that were approved."""
        if self._history is None or path not in self._blobs or not self._view.exists(path):
            return False
        from ...reading.git import blob_id

        blob = self._blobs[path]
        return blob == blob_id(self._view.read(path), "sha1" if len(blob) == 40 else "sha256")

    def read(self, path: str) -> bytes | None:
        """Bytes of a file of this version; None when it has none of that name.

        Raises:
            EvidenceError: it is too large, or (in a directory) not a regular file.
        """
        if self._history is None:
            own = f"{self.name}/{path}"
            return self._view.read(own) if self._view.exists(own) else None
        if path not in self._blobs:
            return None
        return self._view.read(path) if self.same(path) else self._history.file(self.name, path)


def approved_version(
    view: View, collector: str, approved: str | None, copy: str | None, patterns: Sequence[str]
) -> Baseline | None:
    """The version that the options name; None when they name none.

    Args:
        view: the workspace.
        collector: whose options they are.
        approved: a branch, a tag or a commit id.
        copy: a directory with the approved files under their own paths.
        patterns: globs of the files that are compared.

    Raises:
        ConfigError: both are named, or one is no revision or no path inside the workspace; the revision
            moves with the code that is judged, or the copy holds the very files that are judged.
        EvidenceError: there is no such revision or directory.
    """
    if approved is not None and copy is not None:
        raise ConfigError(
            "both `approved` and `approved_copy` name an approved version",
            path="gate.yaml",
            place=f"evidence.{collector}",
            remedy="name one of them",
        )
    if approved is not None:
        place = f"evidence.{collector}.approved"
        history = view.history
        if history.is_checked_out(approved):
            raise _moving(f"{approved[:80]!r} is what is checked out or was fetched last", place)
        commit = history.resolve(approved)
        if commit is None:
            raise EvidenceError(
                f"the repository has no revision {approved[:80]!r}, or there is no repository",
                path="gate.yaml",
                place=place,
                remedy="fetch it, or name the tag, branch or commit that was approved",
            )
        return Baseline(view, "commit", commit, history)
    if copy is not None:
        folder = check_relative(copy.removesuffix("/"))
        if view.exists(folder) or not any(path.startswith(f"{folder}/") for path in view.paths()):
            raise EvidenceError(
                "there is no directory with approved files here",
                path=folder,
                place=f"evidence.{collector}.approved_copy",
                remedy="put copies of the approved files there, under the paths they have in the workspace",
            )
        _apart(view, folder, patterns, f"evidence.{collector}.approved_copy")
        return Baseline(view, "directory", folder)
    return None


def _moving(what: str, place: str) -> ConfigError:
    return ConfigError(
        f"{what}: it moves with the code that is judged, so nothing would ever differ from it",
        path="gate.yaml",
        place=place,
        remedy="name the tag or the commit that was approved",
    )


def _apart(view: View, folder: str, patterns: Sequence[str], place: str) -> None:
    """Refuse a copy that is, or takes away, files which are to be judged: those below it are left out.

    A glob that begins with ``**`` finds files wherever a copy is put, so there the copy must look like one:
    some file of it is in the workspace under the path that it has in the copy.
    """
    inside = f"{folder}/"
    hidden: set[str] = set()
    wide: set[str] = set()
    for pattern in patterns:
        found = {path for path in view.glob(pattern) if path.startswith(inside)}
        if pattern.startswith("**/"):
            wide |= found
        else:
            hidden |= found
    if not any(view.exists(path.removeprefix(inside)) for path in wide):
        hidden |= wide
    if hidden:
        raise ConfigError(
            f"{folder[:80]!r} holds files that are judged themselves, such as {min(hidden)[:200]}",
            path="gate.yaml",
            place=place,
            remedy="put the approved copies into a directory of their own, such as approved/, "
            "under the paths they have in the workspace",
        )


def unnamed(collector: str, fact: str) -> Problem:
    """Why a comparison is missing."""
    return Problem(
        fact,
        "no approved version is named to compare with",
        f"set evidence.{collector}.approved to the tag or commit that was approved, "
        f"or approved_copy to a directory with copies of the approved files",
    )
