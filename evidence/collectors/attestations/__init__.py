"""Collector ``attestations``: what others attest about the sources or files, and whose signatures hold.

Formats: :mod:`.envelopes`; signatures: :mod:`.signatures`; who counts and what is required:
:mod:`.attesters`. See ``docs/collectors/attestations.md`` and ADR 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from msgspec.structs import replace

from ...base.errors import EvidenceError
from ...collecting.interface import Observation, Options, Problem, ProblemKind, Scope
from ...reading.workspace import View
from ..shared.documents import matching
from ..shared.json_fields import shown
from .attesters import COMMIT, Attester, Attesters, Requirement, read_attesters
from .envelopes import Attestation, NotUnderstood, Subject, read_attestations
from .signatures import Checked, check
from .targets import Targets

MOST = 1000
"""Attestations that are read; as many subjects may be required."""
_SHOWN, _ALIKE = 50, 10
_NO_COMMIT = "no commit is checked out, so nothing tells what an attestation of it is about"
_TELL = "state the attester's log_key or timestamp_authorities, and keep what they signed in the bundle"
_ELSEWHERE = "remove it from the attestations, or keep it elsewhere"


@dataclass(frozen=True, slots=True)
class AttestationsOptions(Options):
    """Options of ``evidence.attestations``.

    Attributes:
        files: attestations (paths or globs).
        attesters: whose count; filled from ``attesters`` in gate.yaml.
    """

    files: tuple[str, ...] = field(default=("attestations/*.json", "attestations/*.jsonl"))
    attesters: str | None = None


class AttestationsCollector:
    """See the module."""

    id: ClassVar[str] = "attestations"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = AttestationsOptions

    def __init__(self, options: AttestationsOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/attestations.schema.json``; one bad attestation is rejected alone."""
        path = self._options.attesters
        problems: list[Problem] = []
        trusted: Attesters | None = Attesters()
        if path is not None:
            try:
                trusted = read_attesters(view, path)
            except EvidenceError as error:
                trusted = None
                problems.append(Problem.rejected(error, "required"))
        reading = _Reading(view)
        for name in matching(view, self._options.files, "attestations", problems):
            reading.add(name)
        problems += reading.problems
        found, looked_at = reading.found, len(reading.found) + len(reading.problems)
        checked = [check(one, trusted.known if trusted else ()) for one in found]
        targets = Targets(view, problems)
        wanted = targets.of(trusted.required) if trusted else []
        about = [targets.matched(one.subjects) for one in found]
        seen = list(zip(found, checked, about, strict=True))
        here = [{path for _, paths in one for path in paths} for one in about]
        required = None
        if trusted is not None:
            required = [
                _required(*one, list(zip(found, checked, here, strict=True)), trusted.known, targets)
                for one in wanted
            ]
            problems += _unsure(required, reading.problems)
        rows = [_row(*one) for one in seen]
        return Observation(
            {
                "configured": path is not None,
                "files": reading.files,
                "total": len(rows),
                "attestations": rows,
                "required": required,
            },
            tuple(problems),
            format=", ".join(sorted({one.format for one in found})) or None,
            repeatable=all(one.repeatable for one in checked),
            scopes=(
                Scope("", looked_at, len(found), "attestations"),
                # what settings require was looked at, also where they require nothing
                Scope("required", 1, int(trusted is not None), "settings"),
                Scope("configured", 1, 1, "settings"),
            ),
        )


class _Reading:
    """The attestations of all files."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.files: list[str] = []
        self.found: list[Attestation] = []
        self.problems: list[Problem] = []

    def add(self, path: str) -> None:
        """Read one file."""
        fact = "attestations"
        try:
            for number, one in enumerate(read_attestations(self._view, path), start=1):
                place = f"line {number}" if path.endswith(".jsonl") else None
                if isinstance(one, EvidenceError):
                    self.problems.append(Problem.rejected(one, fact))
                elif isinstance(one, NotUnderstood):
                    unknown = ProblemKind.UNKNOWN
                    self.problems.append(Problem(fact, str(one), _ELSEWHERE, unknown, path, place))
                elif len(self.found) >= MOST:
                    raise EvidenceError(
                        f"there are more than {MOST} attestations", path=path, remedy="keep those that count"
                    )
                else:
                    self.found.append(one)
        except EvidenceError as error:
            self.problems.append(Problem.rejected(error, fact))
        else:
            self.files.append(path)


Matched = Sequence[tuple[Subject, tuple[str, ...]]]
"""Each subject of an attestation, with what it is about here."""
Seen = tuple[Attestation, Checked, set[str]]
"""An attestation, its signatures, and all that it is about here."""


def _row(one: Attestation, checked: Checked, about: Matched) -> dict[str, Any]:
    signer = checked.signer
    # subjects that are found here come first, since not all of them may be listed
    listed = sorted(about, key=lambda pair: not pair[1])[:_SHOWN]
    return {
        "path": one.path,
        "line": one.line,
        "format": one.format,
        "predicate_type": shown(one.predicate_type),
        "subjects": [
            {
                "name": shown(subject.name),
                "digests": [{"algorithm": kind, "value": value} for kind, value in subject.digests.items()],
                "matches": [shown(path, 400, identifier=True) for path in paths[:_ALIKE]],
            }
            for subject, paths in listed
        ],
        "subjects_total": len(about),
        "matched": sum(bool(paths) for _, paths in about),
        "signature": checked.state,
        "reason": checked.reason,
        "attesters": sorted(checked.attesters),
        "key": checked.key,
        "identity": None if signer is None else shown(signer.identity, 400),
        "issuer": None if signer is None or signer.issuer is None else shown(signer.issuer),
        "valid_from_s": None if signer is None else signer.valid_from_s,
        "valid_until_s": None if signer is None else signer.valid_until_s,
        "signed_at_s": checked.signed_at_s,
        "time_from": checked.time_from,
        "log_inclusion": "not_checked",
    }


def _required(
    wanted: Requirement,
    target: str | None,
    seen: Sequence[Seen],
    known: Sequence[Attester],
    targets: Targets,
) -> dict[str, Any]:
    """One thing that must be attested, and the attestations of it."""
    able = {
        one.name
        for one in known
        if target is not None
        and one.may_attest(target)
        and (not wanted.attesters or one.name in wanted.attesters)
    }
    of_type = [one for one in seen if one[0].predicate_type == wanted.predicate_type]
    about = [one for one in of_type if target in one[2]]
    counting = [one for one in about if able & set(one[1].attesters)]
    valid = [one for one in counting if one[1].state == "valid"]
    untimed = [one for one in counting if one[1].state == "untimed"]
    cannot_tell = why_not = None
    if target == COMMIT and targets.commit is None:
        cannot_tell = _NO_COMMIT
    elif untimed and not valid:
        cannot_tell = f"{shown(untimed[0][0].place)}: {untimed[0][1].reason}"
    elif not valid:
        why_not = _why_not(target, of_type, about)
    return {
        "predicate_type": shown(wanted.predicate_type),
        "subject": shown(wanted.subject),
        "target": target if target is None else shown(target, 400, identifier=True),
        "attesters": sorted(wanted.attesters),
        "attested_by": [one.place for one, _, _ in valid[:_SHOWN]],
        "cannot_tell": cannot_tell,
        "why_not": why_not,
    }


def _why_not(
    target: str | None,
    of_type: Sequence[Seen],
    about: Sequence[Seen],
) -> str:
    """Why nothing attests the target, by the attestation that comes closest."""
    if target is None:
        return "no file of that name is there"
    for one, checked, _ in about:
        if checked.state in ("valid", "untimed"):
            names = ", ".join(checked.attesters)
            return f"{shown(one.place)} is signed by {names}, who may not attest this"
        return f"{shown(one.place)}: {checked.reason}"
    if of_type:
        more = f" and {len(of_type) - 1} more" if len(of_type) > 1 else ""
        return f"{shown(of_type[0][0].place)}{more} of this predicate type is about something else"
    return "there is no attestation of this predicate type"


def _unsure(required: Sequence[dict[str, Any]], unread: Sequence[Problem]) -> list[Problem]:
    """Why it cannot be told whether all that is required is there: times, git, files that are not read."""
    found = [
        Problem("required", one["cannot_tell"], _remedy(one["cannot_tell"]), ProblemKind.UNKNOWN)
        for one in required
        if one["cannot_tell"] is not None
    ]
    if any(one["why_not"] is not None for one in required):
        found += [replace(one, fact="required") for one in unread]  # it may be the one that is missing
    return found


def _remedy(cannot_tell: str) -> str:
    return "keep the workspace in a git repository and commit it" if cannot_tell == _NO_COMMIT else _TELL
