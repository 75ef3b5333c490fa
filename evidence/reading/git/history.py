"""The git repository around the workspace, read only: what an earlier commit held, and who vouches for it.

Everything is asked through :mod:`gate.evidence.reading.git.process`: nothing that the repository's
configuration names is run, and nothing is fetched or changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...base.errors import ConfigError, EnvironmentProblem, EvidenceError
from ...base.limits import DEFAULT, Limits
from ..files import blob_id
from ..paths import check_relative
from . import plumbing as git
from .changes import all_lines, changed_lines, renames
from .objects import blobs, prove_trees, read
from .process import ask, prefix, run
from .signatures import Signature, Tag, annotated_tags, check, names, split

_REVISION = re.compile(r"[^\x00-\x20\x7f-\xa0~^:?*\[\\@{}-][^\x00-\x20\x7f-\xa0~^:?*\[\\{}]{0,249}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class History:
    """Questions to git that neither run anything the repository brings along nor change anything.

    One object remembers what it was told; ask ``view.history`` for one and keep it for the whole collection.
    Commits are full ids, as :meth:`head` and :meth:`resolve` give them; paths are relative to the workspace.
    Outside of a repository there is nothing: None, or an empty answer.

    Every method raises EnvironmentProblem when git refuses the repository, takes too long or breaks.

    Args:
        root: the workspace; the repository itself, or a directory in it.
    """

    def __init__(self, root: Path, limits: Limits = DEFAULT) -> None:
        self.root = root
        self.limits = limits
        self._head: list[git.GitState | None] = []
        self._trees: dict[str, dict[str, str]] = {}
        self._renames: dict[str, dict[str, str]] = {}
        self._objects: dict[str, tuple[str, bytes] | None] = {}

    def head(self) -> git.GitState | None:
        """The commit checked out; see :func:`gate.evidence.reading.git.head`."""
        if not self._head:
            self._head.append(git.head(self.root, self.limits))
        return self._head[0]

    def resolve(self, revision: str) -> str | None:
        """Full id of the commit that a branch, a tag or an (abbreviated) id names; None when it names none.

        A name that is both a tag and a branch means the tag, as everywhere in git; an abbreviation that fits
        several objects names none.

        Raises ConfigError: it is not just such a name: no ``-`` first, no ``:``, ``^``, ``~``, ``..`` or
        ``@{``, no white space or control character, at most 250 characters.
        """
        if not _REVISION.fullmatch(revision) or ".." in revision or not revision.isprintable():
            raise ConfigError(
                f"{revision[:80]!r} is not the name of a branch, tag or commit",
                path="gate.yaml",
                remedy="name a branch or a tag, or give a commit id",
            )
        if prefix(self.root) is None:
            return None
        query = f"{revision}^{{commit}}\n".encode()
        answer = ask(self.root, ["cat-file", "--batch-check"], self.limits, query)
        found = re.fullmatch(rb"([0-9a-f]{40}|[0-9a-f]{64}) commit [0-9]+\n", answer)
        return found[1].decode() if found else None

    def is_checked_out(self, revision: str) -> bool:
        """Whether a revision is a name that moves with what is judged: HEAD, what was fetched last, or the
        branch that is checked out, also by a symbolic ref that leads to it.
        """
        word = revision.rpartition("/")[2].upper()
        if revision == "@" or word == "HEAD" or word.endswith("_HEAD"):
            return True
        if self.resolve(revision) is None:
            return False
        # one line for each that is a ref: what it is in full, `HEAD` for a detached one
        done = run(self.root, ["rev-parse", "--symbolic-full-name", "HEAD", revision], self.limits)
        names = [line.casefold() for line in done.stdout.decode("utf-8", "replace").splitlines()]
        if not names or not names[0].startswith("refs/heads/"):
            return False
        if names[0] in names[1:]:
            return True
        # git names nothing in full that is several refs at once; a tag comes before a branch then
        branch = names[0].removeprefix("refs/heads/")
        return revision.casefold() == branch and self.resolve(f"refs/tags/{revision}") is None

    def file(self, commit: str, path: str) -> bytes | None:
        """Bytes of a regular file of the commit; None when it has no regular file there.

        Raises EvidenceError: it is larger than ``limits.file_bytes``; it was not read then; ConfigError:
        ``path`` leaves the workspace.
        """
        check_relative(path, found=True)
        prove_trees(self.root, _checked(commit), self.limits)
        arguments = ["ls-tree", "-z", "-l", commit, "--", path]
        meta, _, name = ask(self.root, arguments, self.limits).rstrip(b"\x00").partition(b"\t")
        fields = meta.split()
        if len(fields) != 4 or fields[0] not in (b"100644", b"100755") or name != path.encode():
            return None
        size = int(fields[3])
        if size > self.limits.file_bytes:
            raise EvidenceError(
                f"is larger than {self.limits.file_bytes} bytes in an earlier commit",
                path=path,
                place=f"commit {commit[:12]}",
                remedy="compare with a commit in which it is smaller; `gate docs limits` lists the limits",
            )
        [found] = read(self.root, [fields[2].decode()], self.limits)
        return None if found is None else found[2]

    def files(self, commit: str) -> dict[str, str]:
        """Blob ids of the commit's regular files by path; not to be changed."""
        if commit not in self._trees:
            self._trees[commit] = git.committed(self.root, _checked(commit), (), self.limits)
        return self._trees[commit]

    def proven_files(self, commit: str, paths: Sequence[str]) -> dict[str, str]:
        """Blob ids of the commit's regular files among ``paths``, with every object on the way hashed again.

        So they are what the commit's id stands for, even if somebody tampered with the object store.

        Raises EnvironmentProblem: also when an object is not what its name says.
        """
        inside = prefix(self.root)
        if inside is None:
            return {}
        raw, found = blobs(self.root, inside, _checked(commit), paths, self.limits)
        self._objects[commit] = "commit", raw
        return found

    def changed_lines(self, commit: str, path: str, now: bytes) -> frozenset[int]:
        """Numbers (from 1) of the lines of ``now`` that ``git diff`` would show as added since the commit.

        A file that git takes for renamed is compared with the one it was; of any other new file all lines are
        new. Bytes are compared, without filters and whatever ``.gitattributes`` says.

        Raises EvidenceError: as :meth:`file`.
        """
        before = self.files(commit)
        if path not in before:
            if commit not in self._renames:
                self._renames[commit] = renames(self.root, _checked(commit), self.limits)
            path = self._renames[commit].get(path, path)
        blob = before.get(path)
        if blob is None:
            return all_lines(now)
        if blob == blob_id(now, "sha1" if len(blob) == 40 else "sha256"):
            return frozenset()
        old = self.file(commit, path)
        return all_lines(now) if old is None else changed_lines(old, now, self.limits)

    def verify_commit(self, commit: str, allowed_signers: bytes) -> Signature:
        """Check a commit's signature; see :mod:`gate.evidence.reading.git.signatures`.

        ``allowed_signers`` is the content of such a file; keys count that may sign in namespace ``git`` at
        the committer's date.

        Raises EnvironmentProblem: also when there is no such commit.
        """
        raw = self._object("commit", _checked(commit))
        if raw is None:
            raise EnvironmentProblem(
                f"there is no commit {commit}", path=str(self.root), remedy="fetch it, or name another"
            )
        return check("commit", raw, len(commit), allowed_signers)

    def signed_tags(self, commit: str) -> tuple[Tag, ...]:
        """The annotated tags that directly name the commit and have some signature, by name; at most 20.

        Whether the signature holds is for :meth:`verify_tag`. A tag of a tag does not count, nor does a tag
        object that says it has another name than the one it is stored under.
        """
        if prefix(self.root) is None:
            return ()
        tags = annotated_tags(self.root, _checked(commit), self.limits)
        self._read([tag.id for tag in tags])
        found = []
        for tag in tags:
            raw = self._object("tag", tag.id)
            if raw is not None and names(tag, raw) and split("tag", raw, len(tag.id))[1] is not None:
                found.append(tag)
        return tuple(found)

    def verify_tag(self, tag: Tag, allowed_signers: bytes) -> Signature:
        """Check a tag's signature like :meth:`verify_commit`, at the tagger's date.

        ``invalid`` when the object is not an annotated tag of that name that directly names that commit.
        """
        raw = self._object("tag", _checked(tag.id))
        if raw is None or not names(tag, raw):
            return Signature("invalid", problem=f"it is no tag {tag.name!r} of the commit {tag.commit}")
        return check("tag", raw, len(tag.id), allowed_signers)

    def _object(self, kind: str, name: str) -> bytes | None:
        self._read([name])
        found = self._objects[name]
        return found[1] if found is not None and found[0] == kind else None

    def _read(self, ids: Sequence[str]) -> None:
        wanted = [one for one in ids if one not in self._objects]
        if wanted:
            found = read(self.root, wanted, self.limits)
            self._objects |= {name: one and one[1:] for name, one in zip(wanted, found, strict=True)}


def _checked(commit: str) -> str:
    if not _COMMIT.fullmatch(commit):
        raise ValueError(f"not a full commit id: {commit[:80]!r}")
    return commit
