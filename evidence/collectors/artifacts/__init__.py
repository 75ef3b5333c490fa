"""Collector ``artifacts``: what should exist, what was found, is it valid, and who vouches for it.

The rows are data (``artifact_matrix.json`` beside this module, or the option ``matrix``). Whether a row's
files keep to the requirements of their kind is found out in :mod:`.checks`; how they are protected in
:mod:`.signatures`; what decisions they state in :mod:`.decisions`. See ``docs/collectors/artifacts.md``.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from ...base.errors import EvidenceError
from ...base.numbers import ratio_ppm
from ...base.settings import build
from ...collecting.interface import Observation, Options, Problem, ProblemKind, Scope
from ...reading.workspace import View
from . import checks, decisions
from .dates import stated_dates
from .signatures import Protection, Recorded, allowed, protections, recorded, weakest

_MATRIX = Path(__file__).with_name("artifact_matrix.json")

Kind = Literal["markdown", "json", "csv", "python", "json_schema", "tests"]
_OF_KIND = {"sections": "markdown", "operations": "python", "contract": "json", "header": "csv"}


@dataclass(frozen=True, slots=True)
class Row(Options):
    """One row of the matrix.

    Attributes:
        id: its name, unique.
        pattern: path or glob of the files.
        kind: what the files are.
        category: heading under which reports list the row.
        sections: for ``markdown``: section id → regular expressions of which one matches its heading.
        operations: for ``python``: ids of the broker operations the file implements (see ``source``).
        contract: for ``json``: name of a contract in ``contracts/files``; without one, well-formed is enough.
        header: for ``csv``: names of the columns that are needed.
    """

    id: str = field(metadata={"min_length": 1})
    pattern: str = field(metadata={"min_length": 1})
    kind: Kind
    category: str = "Artifacts"
    sections: dict[str, list[str]] = field(default_factory=dict)
    operations: tuple[checks.Operation, ...] = field(default=())
    contract: str | None = None
    header: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for name, kind in _OF_KIND.items():
            if getattr(self, name) and self.kind != kind:
                raise ValueError(f"row {self.id!r}: {name!r} is for rows of kind {kind!r}")
        if self.kind == "csv" and not self.header:
            raise ValueError(f"row {self.id!r}: a csv row needs its header")


@functools.cache
def default_matrix() -> tuple[Row, ...]:
    """The shipped rows: those of the audit this product replaces."""
    rows = json.loads(_MATRIX.read_bytes())["rows"]
    return tuple(build(Row, row) for row in rows)


def shipped_sections(row: str) -> dict[str, list[str]]:
    """Heading patterns per section id of a shipped row, for the collector that reads the same document."""
    return next(one.sections for one in default_matrix() if one.id == row)


@dataclass(frozen=True, slots=True)
class ArtifactsOptions(Options):
    """Options of ``evidence.artifacts``.

    Attributes:
        matrix: the rows, in place of the shipped ones.
        signature_manifests: files in the format of ``sha256sum`` with a detached signature beside them.
        allowed_signers: whose signatures count.
        revoked_keys: whose do not, whoever lists them.
        namespace: the SSHSIG namespace of detached signatures of files and manifests.
        compliant_from_ppm: a row from this coverage on is ``compliant``.
        partial_from_ppm: a row from this coverage on is ``partial``.
    """

    matrix: tuple[Row, ...] | None = field(default=None, metadata={"min_length": 1})
    signature_manifests: tuple[str, ...] = field(default=("signatures/artifacts.sha256",))
    allowed_signers: str = "trust/allowed_signers"
    revoked_keys: str | None = None
    namespace: str = "file"
    compliant_from_ppm: int = field(default=800_000, metadata={"ge": 0, "le": 1_000_000})
    partial_from_ppm: int = field(default=400_000, metadata={"ge": 0, "le": 1_000_000})

    def __post_init__(self) -> None:
        if self.partial_from_ppm > self.compliant_from_ppm:
            raise ValueError("partial_from_ppm is above compliant_from_ppm")
        names = [row.id for row in self.matrix or ()]
        if len(set(names)) != len(names):
            raise ValueError("two rows of the matrix have the same id")
        # the shipped rows are tried by a test, not at every start
        for row in self.matrix or ():
            checks.check_requirements(row.id, row.sections, row.contract)


class ArtifactsCollector:
    """See the module."""

    id: ClassVar[str] = "artifacts"
    version: ClassVar[str] = "10"
    Options: ClassVar[type[Options]] = ArtifactsOptions

    def __init__(self, options: ArtifactsOptions) -> None:
        self._options = options
        self._matrix = options.matrix or default_matrix()

    def collect(self, view: View) -> Observation:
        """Look for every row's files and inspect those that are there.

        A file that cannot be read is found, and not valid.

        Raises:
            EnvironmentProblem: git refuses the repository, does not answer or is damaged; ssh-keygen is
                needed and is not there.
        """
        options = self._options
        files = {row.id: view.glob(row.pattern) for row in self._matrix}
        everything = sorted({path for paths in files.values() for path in paths})
        unreadable: dict[str, checks.Defect] = {}
        for path in everything:
            try:
                view.read(path)
            except EvidenceError as error:
                unreadable[path] = checks.defect(error, path)
        everything = [path for path in everything if path not in unreadable]
        problems: list[Problem] = []
        signers, raw_signers = allowed(view, options.allowed_signers, options.revoked_keys, problems)
        record = recorded(view, everything, raw_signers)
        protected = protections(
            view, everything, options.signature_manifests, signers, options.namespace, record, problems
        )
        found_files = {path: _file(view, path, protected[path], record) for path in everything}
        rows = [
            self._row(view, row, files[row.id], protected, unreadable)
            | {"files": [found_files[path] for path in files[row.id] if path in found_files]}
            for row in self._matrix
        ]
        if record.commit is None:
            reason = "no commit is checked out, so nothing tells what was changed since"
            remedy = "keep the workspace in a git repository and commit it"
            problems.append(Problem("commit", reason, remedy, ProblemKind.UNKNOWN))
        expected = len(rows)
        found = sum(row["found"] for row in rows)
        compliant = sum(row["status"] == "compliant" for row in rows)
        return Observation(
            {
                "expected": expected,
                "found": found,
                "compliant": compliant,
                "found_ppm": ratio_ppm(found, expected),
                "compliant_ppm": ratio_ppm(compliant, expected),
                "rows": rows,
                "decisions": self._decisions(view, files, problems),
                "signatures": _signatures(record),
                "commit": record.commit,
            },
            tuple(problems),
            scopes=tuple(
                Scope(fact, expected, expected, "artifacts of the matrix")
                for fact in ("", "found_ppm", "compliant_ppm")
            ),
        )

    def _decisions(
        self, view: View, files: dict[str, tuple[str, ...]], problems: list[Problem]
    ) -> list[dict[str, Any]]:
        """What the files say that state a decision; one that cannot be read is a problem."""
        stated: list[decisions.Stated] = []
        for row in self._matrix:
            for path in files[row.id]:
                try:
                    if row.contract == decisions.CONTRACT:
                        stated.append(decisions.from_log(view, path))
                    elif row.kind == "markdown" and decisions.SECTION in row.sections:
                        stated.append(decisions.from_document(view, path, row.sections))
                except EvidenceError as error:
                    problems.append(Problem.rejected(error, "decisions"))
        return [one.to_json(stated[:index]) for index, one in enumerate(stated)]

    def _row(
        self,
        view: View,
        row: Row,
        paths: tuple[str, ...],
        protected: dict[str, Protection],
        unreadable: dict[str, checks.Defect],
    ) -> dict[str, Any]:
        protection = weakest([protected.get(path, Protection("none")) for path in paths])
        result = checks.Result(0, ())
        if paths:
            required = checks.Requirements(row.sections, row.operations, row.contract, row.header)
            result = checks.check(view, row.kind, paths, required, unreadable)
        return {
            "id": row.id,
            "pattern": row.pattern,
            "kind": row.kind,
            "category": row.category,
            "found": bool(paths),
            "paths": list(paths),
            "signed": protection.method,
            "signed_by": protection.by,
            "valid": not result.problems if paths else None,
            "problems": [problem._asdict() for problem in result.problems],
            "dates": [
                date
                for path in (paths if row.kind == "markdown" else ())
                for date in stated_dates(view, path)
            ][: view.limits.problems],
            "coverage_ppm": result.coverage_ppm,
            "status": self._status(result.coverage_ppm),
        }

    def _status(self, coverage_ppm: int) -> str:
        if coverage_ppm >= self._options.compliant_from_ppm:
            return "compliant"
        return "partial" if coverage_ppm >= self._options.partial_from_ppm else "non_compliant"


def _file(view: View, path: str, protection: Protection, record: Recorded) -> dict[str, Any]:
    """What is known of one file, whatever its row asks of it."""
    return {
        "path": path,
        "bytes": len(view.read(path)),
        "sha256": view.digest(path),
        "tracked": path in record.tracked if record.commit is not None else None,
        "signed": protection.method,
        "signed_by": protection.by,
    }


def _signatures(record: Recorded) -> list[dict[str, Any]]:
    """Each git signature that was looked at, whether it counts or not."""
    return [
        {
            "commit": one.commit,
            "tag": one.tag,
            "state": one.signature.state,
            "signed_by": one.signature.principal,
            "key": one.signature.key,
            "time_s": one.signature.time_s,
            "problem": one.signature.problem,
        }
        for one in record.signatures
    ]
