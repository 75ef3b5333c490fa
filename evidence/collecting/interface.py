"""The collector plug point: what a collector is given and what it gives back.

A collector looks and reports; it knows no threshold and never says whether something is good. The runner
(:mod:`gate.evidence.collecting.runner`) checks its facts against ``contracts/facts/<id>.schema.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from msgspec import Struct
from msgspec.structs import asdict, replace

from ..base.canonical import canonical, sha256_hex
from ..base.errors import GateError, masked
from ..base.records import JsonRecord, to_json
from ..base.settings import Settings
from ..reading.files import printable
from ..reading.workspace import FileRead, View


@dataclass(frozen=True, slots=True)
class Options(Settings):
    """Base of a collector's options, the part of ``gate.yaml`` under ``evidence.<collector id>``."""


class ProblemKind(StrEnum):
    """What became of a piece of evidence that a rule may need."""

    MISSING = "missing"
    """It is not there."""

    REJECTED = "rejected"
    """It is there, and is malformed, hostile, unreadable or of another shape than it should have."""

    UNKNOWN = "unknown"
    """It is there, and says something that the collector cannot interpret."""


class Problem(JsonRecord, frozen=True):
    """Why a fact is missing, rejected or unknown. It is never zero and never dropped.

    A rule that needs the fact, or anything inside it, does not hold.

    Attributes:
        fact: dotted path inside the collector's facts; empty for all of them. It covers what is inside, too.
            A missing fact has no value, or one inside it has none (null, an empty list or object); beside a
            rejected file or something unknown, the value covers only what was understood.
        remedy: what to do about it, one sentence.
        place: where in the file: ``line 3``, ``line 3, column 7`` or a JSON pointer.
    """

    fact: str
    reason: str
    remedy: str
    kind: ProblemKind = ProblemKind.MISSING
    path: str | None = None
    place: str | None = None

    @classmethod
    def rejected(cls, error: GateError, fact: str = "") -> Problem:
        """The problem of a file that was rejected, for the facts that would have come from it."""
        remedy = error.remedy or "correct the file"
        return cls(fact, error.what, remedy, ProblemKind.REJECTED, error.path, error.place)

    def masked(self) -> Problem:
        """The problem without a broker account in full; bytes of names that are not UTF-8 are written out."""
        path = None if self.path is None else masked(printable(self.path))
        return replace(
            self, reason=masked(printable(self.reason)), remedy=masked(printable(self.remedy)), path=path
        )


class Scope(JsonRecord, frozen=True):
    """How much a collector looked at for a fact, so that an empty list or a zero means something.

    A rule whose fact is empty holds only if a scope covers that fact and ``looked_at`` is not zero. What was
    not understood has a :class:`Problem` of the kind ``unknown`` each, with its place.

    Attributes:
        fact: dotted path inside the collector's facts; empty for all of them. It covers what is inside, too.
        understood: how many of them could be interpreted.
        unit: what they are, in the plural: ``files``, ``messages``.
    """

    fact: str
    looked_at: int
    understood: int
    unit: str


class Origin(JsonRecord, frozen=True):
    """What evidence itself states about the sources it was made from; None where it says nothing.

    ``dirty`` is whether the work tree differed from the commit; ``digest`` is the SHA-256 in hex of the
    judged sources, as :mod:`gate.evidence.collecting.subject` takes it.
    """

    commit: str | None = None
    dirty: bool | None = None
    digest: str | None = None


class Observation(Struct, frozen=True):
    """What one ``collect`` call saw.

    Attributes:
        facts: JSON-like values without floats, conforming to the collector's facts contract.
        problems: why a fact is null, was rejected, or is not known in full; each fact that is null is covered
            by at least one.
        observed_at: RFC 3339 time the evidence itself states, where it states one.
        tool: name and version of the tool that made the evidence, as the evidence states it.
        format: name and version of the evidence's format, such as ``sarif 2.1.0``.
        origins: what the evidence states about the sources it was made from, one entry for each statement.
        repeatable: whether the same files and the same git history always give the same observation. What a
            program printed is not, and is never taken from the cache.
        attachments: by name, bytes that are evidence and lie in no file, such as what a command printed. They
            are recorded with the decision.
    """

    facts: dict[str, Any]
    problems: tuple[Problem, ...] = ()
    observed_at: str | None = None
    tool: str | None = None
    format: str | None = None
    origins: tuple[Origin, ...] = ()
    repeatable: bool = True
    attachments: Mapping[str, bytes] = {}
    scopes: tuple[Scope, ...] = ()


class Collector(Protocol):
    """One kind of evidence.

    Attributes:
        id: the first component of its facts' names, ``[a-z][a-z0-9_]*``.
        version: changes whenever the same files may give other facts.
        Options: the class of its options; every field has a default.
    """

    id: ClassVar[str]
    version: ClassVar[str]
    Options: ClassVar[type[Options]]

    def __init__(self, options: Any) -> None: ...

    def collect(self, view: View) -> Observation:
        """Look at the workspace through ``view``.

        Raises EvidenceError: a file that is present is malformed, hostile or unreadable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """Bytes that are evidence and lie in no file: a name, their SHA-256 in hex and their size.

    ``data`` are the bytes themselves, None where the attachment was read back from a record.
    """

    name: str
    sha256: str
    size: int
    data: bytes | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, name: str, data: bytes) -> Attachment:
        """The attachment with these bytes."""
        return cls(name, sha256_hex(data), len(data), data)


class Evidence(JsonRecord, frozen=True):
    """An observation with everything that binds it: collector, files and their digests.

    ``provider`` names the distribution of a plug-in, None for a collector of gate itself; the other fields
    are those of :class:`Observation`. Account numbers in files' names are masked in all that is stored;
    two names may look alike then, and stay two entries.
    """

    collector: str
    version: str
    facts: dict[str, Any]
    problems: tuple[Problem, ...]
    files: tuple[FileRead, ...]
    observed_at: str | None
    tool: str | None = None
    format: str | None = None
    origins: tuple[Origin, ...] = ()
    provider: str | None = None
    attachments: tuple[Attachment, ...] = ()
    repeatable: bool = True
    scopes: tuple[Scope, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the record's canonical bytes. Raises InternalError: facts are outside their profile."""
        return sha256_hex(canonical(self.to_json()))

    def to_json(self) -> dict[str, Any]:
        """The record whose canonical bytes the digest is taken over, and which is stored."""
        record: dict[str, Any] = asdict(self)
        del record["repeatable"]
        record |= {name: to_json(record[name]) for name in ("problems", "scopes", "origins")}
        record["files"] = [{"path": masked(f.path), "sha256": f.sha256, "size": f.size} for f in self.files]
        parts = [{"name": a.name, "sha256": a.sha256, "size": a.size} for a in self.attachments]
        return record | {"attachments": parts}
