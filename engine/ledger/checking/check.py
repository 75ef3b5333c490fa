"""What is checked of lines and of evidence apart from everything else; results are JSON-like values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from msgspec import Struct

from ....evidence.base.errors import LedgerError
from ....evidence.signing.dsse import Envelope
from ....evidence.signing.intoto import parse_statement
from ....evidence.signing.problems import Flaw, SignatureError
from ...store.evidence import EvidenceStore
from ..findings import Kind
from ..keychain import KeyChain
from ..merkle import leaf_hashes

S = TypeVar("S")
T = TypeVar("T")
BATCH: Final = 256
"""Lines, or pieces of evidence, that are checked at a time."""

EvidenceOf = Callable[[dict[str, Any]], Iterable[str]]
"""From a Statement to the SHA-256 digests that it refers to. Raises LedgerError: it lacks fields."""


Wrong = list[list[str | None]]
"""What is wrong with some pieces of evidence, and where each is."""


def batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    """`BATCH` lines at a time."""
    while batch := list(islice(lines, BATCH)):
        yield batch


def parts(digests: Sequence[str]) -> Iterator[Sequence[str]]:
    """`BATCH` digests at a time."""
    return (digests[at : at + BATCH] for at in range(0, len(digests), BATCH))


class LineCheck(Struct, frozen=True):
    """Checks lines by the keys of a log.

    Attributes:
        trusted: number of lines from the first on whose signatures need no check.
    """

    chain: KeyChain
    evidence_of: EvidenceOf | None
    trusted: int

    def __call__(self, lines: list[bytes], start: int) -> dict[str, Any]:
        """What lines are like, the first of which has this index.

        Returns:
            ``leaves``, their leaf hashes as one string of hexadecimal; ``lengths``; ``void``, indexes of
            entries that do not count; ``kinds``, how many there are of each predicateType; ``refers``,
            digests that they refer to; ``findings``, each with the line's place among them, kind, text and
            where it is (null: in the log).
        """
        # Step by step: checking a signature drives everything else out of the processor's caches.
        envelopes = [_tried(Envelope.parse, line) for line in lines]
        statements = [_tried(lambda one: parse_statement(one.payload), envelope) for envelope in envelopes]
        void, refers, findings = list[int](), set[str](), list[list[Any]]()
        for place, (envelope, statement) in enumerate(zip(envelopes, statements, strict=True)):
            if isinstance(envelope, SignatureError) or isinstance(statement, SignatureError):
                continue
            try:
                index, kind = start + place, statement["predicateType"]
                signed = index >= self.trusted
                if self.chain.checked(index, envelope, kind, signature=signed) is not None:
                    void.append(index)
            except SignatureError as problem:
                statements[place] = problem
        kinds = Counter[str]()
        for place, statement in enumerate(statements):
            if isinstance(statement, SignatureError):
                forged = statement.flaw in (Flaw.BAD_SIGNATURE, Flaw.WRONG_KEY)
                about = Kind.LINE_SIGNATURE if forged else Kind.LINE_FORM
                findings.append([place, about.value, statement.reason, None])
                continue
            kinds[statement["predicateType"]] += 1
            try:
                refers.update(() if self.evidence_of is None else self.evidence_of(statement))
            except LedgerError as error:
                findings.append([place, Kind.LINE_FORM.value, error.what, error.path])
        return {
            "leaves": b"".join(leaf_hashes(lines)).hex(),
            "lengths": [len(line) for line in lines],
            "void": void,
            "kinds": kinds,
            "refers": sorted(refers),
            "findings": findings,
        }


def check_evidence(store: EvidenceStore, digests: Sequence[str]) -> Wrong:
    """What is wrong with pieces of evidence."""
    found: Wrong = []
    for digest in digests:
        try:
            store.check(digest)
        except LedgerError as error:
            found.append([error.what, error.path])
    return found


def _tried(step: Callable[[S], T], before: S | SignatureError) -> T | SignatureError:
    """What a step makes of what the step before gave: the error that either raised."""
    try:
        return before if isinstance(before, SignatureError) else step(before)
    except SignatureError as problem:
        return problem
