"""What attestations may be about: the commit checked out, and files of the workspace."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ...base.errors import EvidenceError
from ...collecting.interface import Problem, ProblemKind
from ...reading.workspace import View
from ..shared.documents import matching
from .attesters import COMMIT, Requirement
from .envelopes import Subject

MOST = 1000
"""Required subjects, and files that subjects are compared with beyond these."""
_ALIKE = 10
"""Files of a subject's name that are compared with it."""
_FILE_DIGESTS = ("sha256", "sha384", "sha512")


class Targets:
    """Finds what subjects are about. Git and the names of all files are asked for only when there is need.

    Args:
        problems: where files go that cannot be read.
    """

    def __init__(self, view: View, problems: list[Problem]) -> None:
        self._view = view
        self._problems = problems
        self._head: list[str | None] = []
        self._digests: dict[str, dict[str, str]] = {}
        self._paths: dict[tuple[str, str], list[str]] = {}
        self._names: dict[str, list[str]] | None = None

    @property
    def commit(self) -> str | None:
        """The commit checked out; None where there is none."""
        if not self._head:
            head = self._view.history.head()
            self._head.append(None if head is None else head.commit)
        return self._head[0]

    def of(self, required: Iterable[Requirement]) -> list[tuple[Requirement, str | None]]:
        """Each requirement with each thing that it is about; None where there is no such file."""
        pairs: list[tuple[Requirement, str | None]] = []
        for one in required:
            if one.subject == COMMIT:
                pairs.append((one, COMMIT))
                continue
            paths = matching(self._view, [one.subject], "required", self._problems)
            pairs += [(one, path) for path in paths] or [(one, None)]
        if len(pairs) > MOST:
            what, remedy = f"attestations of more than {MOST} subjects are required", "require fewer files"
            self._problems.append(Problem("required", what, remedy, ProblemKind.REJECTED))
        for _, target in pairs[:MOST]:
            if target is not None and target != COMMIT:
                self._take(target, "required")
        return pairs[:MOST]

    def matched(self, subjects: Iterable[Subject]) -> list[tuple[Subject, tuple[str, ...]]]:
        """Each subject with what it is about: ``commit``, or the paths of the files that have its digests.

        A name is no proof; it only says which files may be worth a look.
        """
        return [(one, self._match(one)) for one in subjects]

    def _match(self, subject: Subject) -> tuple[str, ...]:
        stated = [(kind, subject.digests[kind]) for kind in _FILE_DIGESTS if kind in subject.digests]
        if not stated or "gitCommit" in subject.digests:
            commits = {subject.digests.get(kind) for kind in ("gitCommit", "sha1")} - {None}
            return (COMMIT,) if commits and commits == {self.commit} else ()
        for path in self._alike(subject.name):
            if len(self._digests) < 2 * MOST:
                self._take(path, "attestations")
        first, *rest = [self._paths.get(one, []) for one in stated]
        return tuple(path for path in first if all(path in others for others in rest))

    def _alike(self, name: str) -> list[str]:
        """Files that a subject of this name may be about: that path first, then others of its last part."""
        if self._names is None:
            self._names = {}
            for path in self._view.paths():
                self._names.setdefault(path.rpartition("/")[2], []).append(path)
        found = self._names.get(name.rpartition("/")[2], [])
        return sorted(found, key=lambda path: path != name)[:_ALIKE]

    def _take(self, path: str, fact: str) -> None:
        """Take the digests of a file."""
        if path in self._digests:
            return
        self._digests[path] = {}
        try:
            data = self._view.read(path)
        except EvidenceError as error:
            self._problems.append(Problem.rejected(error, fact))
            return
        for kind in _FILE_DIGESTS:
            self._digests[path][kind] = value = hashlib.new(kind, data).hexdigest()
            self._paths.setdefault((kind, value), []).append(path)
