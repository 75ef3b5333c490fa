"""Lines and evidence of a ledger checked by several processes, each of which opens the ledger itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ....evidence.base.errors import LedgerError
from ....evidence.base.limits import DEFAULT, Limits
from ....evidence.signing.dsse import MAX_LINE_BYTES
from ...spread.interface import Spread
from ...store.evidence import EvidenceStore
from ..interface import LOG, LedgerSource, LedgerStorage, damaged
from ..note import Checkpoint
from .check import LineCheck, Wrong, batches, check_evidence, parts

Position = tuple[int, int, int]
"""Index of a line, bytes of the log before it, and how many lines from it on."""


class Checking(Struct, frozen=True):
    """The work of checking a ledger.

    Attributes:
        open: opens the ledger and its evidence for reading; can be pickled.
        check: None where only evidence is checked.
        end: size and length in bytes up to where lines are checked.
        sample: a digest by which machines find out whether they see the same evidence.
    """

    open: Callable[[], tuple[LedgerStorage, EvidenceStore]]
    check: LineCheck | None = None
    end: tuple[int, int] = (0, 0)
    sample: str | None = None

    @property
    def limits(self) -> Limits:
        """The usual ones."""
        return DEFAULT

    def sees(self) -> dict[str, str]:
        """Whose the ledger is, whether it goes as far, and whether evidence is there."""
        source, store = self.open()
        with closing(source), store:
            found = {
                f"the ledger {source.name}": (source.verifier() or b"").decode("ascii", "replace").strip()
            }
            found[f"its line {self.end[0]}"] = "there" if source.covers(_place(*self.end)) else "not there"
            if self.sample is not None:
                wrong = check_evidence(store, [self.sample])
                found[f"its evidence {self.sample[:16]}…"] = "not there" if wrong else "there"
            return found

    @contextmanager
    def opened(self) -> Iterator[Callable[[Any], Any]]:
        """Open the ledger for checking lines at a position, or evidence by its digests."""
        source, store = self.open()
        with closing(source), store:
            yield (
                partial(check_evidence, store) if self.check is None else partial(_check, source, self.check)
            )

    def lines(self, source: LedgerSource, spread: Spread) -> Iterator[dict[str, Any]] | None:
        """Check all lines, as `check` does; None where a line is too long for its place to be known.

        Raises LedgerError: as the source; or the log was cut back meanwhile.
        """
        positions, start, length = list[Position](), 0, 0
        gap: LedgerError | None = None
        try:
            for batch in batches(source.lines()):
                if max(map(len, batch)) > MAX_LINE_BYTES:
                    return None
                positions.append((start, length, len(batch)))
                start, length = start + len(batch), length + sum(map(len, batch)) + len(batch)
        except LedgerError as error:
            gap = error
        return self._results(replace(self, end=(start, length)), positions, gap, source.name, spread)

    @staticmethod
    def _results(
        job: Checking, positions: list[Position], gap: LedgerError | None, name: str, spread: Spread
    ) -> Iterator[dict[str, Any]]:
        results = spread.run(job, partial(iter, positions))
        for (_, _, count), found in zip(positions, results, strict=True):
            if len(found["lengths"]) != count:
                raise damaged(f"{name}/{LOG}", "the log was cut back while it was verified")
            yield found
        if gap is not None:
            raise gap

    def evidence(self, digests: Sequence[str], spread: Spread) -> Iterator[Wrong]:
        """Check evidence, as `check_evidence` does."""
        job = replace(self, check=None, sample=digests[0] if digests else None)
        return spread.run(job, partial(parts, digests))


def _check(source: LedgerSource, check: LineCheck, position: Position) -> dict[str, Any]:
    start, length, count = position
    return check(list(islice(source.lines(_place(start, length)), count)), start)


def _place(size: int, log_bytes: int) -> Checkpoint:
    """Where lines begin: as after a checkpoint that covers those before."""
    return Checkpoint("", size, b"", log_bytes, "")
