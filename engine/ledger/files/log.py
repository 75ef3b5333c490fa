"""The ledger in files: how entries are appended and sealed so that a crash at any moment loses nothing
acknowledged.

Append: lock, cut a torn last line, one write, cut back when it was short, unlock, fdatasync, acknowledge. The
fdatasync after the unlock covers every earlier byte too, so several writers share it. Seal: check and cover
the new lines, sign, put the checkpoint in place as a whole. Nothing in a line depends on a clock: the same
statements signed with the same key are the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ....evidence.base.canonical import canonical
from ....evidence.base.errors import EnvironmentProblem, LedgerError
from ....evidence.base.limits import DEFAULT, Limits
from ....evidence.signing.dsse import MAX_LINE_BYTES, Envelope, max_payload_bytes
from ....evidence.signing.intoto import parse_statement
from ....evidence.signing.keys import LogKey, VerifierKey
from ....evidence.signing.problems import SignatureError
from ..interface import Entry
from ..merkle import Frontier, leaf_hash
from ..note import MAX_NOTE_BYTES, Checkpoint, check_time
from ..receipts import load_receipt, receipt_path, save_receipt
from .access import (
    datasync,
    last_line_end,
    lines_between,
    locked,
    open_directory,
    open_subdirectory,
    os_errors,
    read_file,
    write_file,
)
from .founding import found_ledger, open_or_make_log, other_key
from .reader import (
    CHECKPOINT,
    HISTORY,
    LOG,
    RESTORE,
    STATE,
    LedgerReader,
    check_layout,
    check_line,
    read_checkpoint,
    read_verifier,
)

CLOCK_SKEW_S: Final = 300
"""How far (seconds) a sealing clock may lag behind the last checkpoint before sealing is refused."""


_COPY: Final = (
    "if this is a copy of a ledger that went on elsewhere, move the copy away and a new one is begun; "
    "otherwise "
)


class FileLedger(LedgerReader):
    """A ledger directory, opened for writing with the log's private key.

    Several processes may do so at once.
    """

    def __init__(
        self,
        path: Path,
        directory: int,
        log: int,
        verifier: VerifierKey,
        key: LogKey,
        config_dir: Path | None,
        limits: Limits,
    ) -> None:
        super().__init__(path, directory, log, verifier, limits)
        self._key = key
        self._config_dir = config_dir
        self._known = (0, 0)  # a line's end and the number of lines up to there, to count only what is new
        self._failed = False

    @classmethod
    def begin(
        cls,
        path: Path,
        key: LogKey,
        *,
        config_dir: Path | None = None,
        origin: str | None = None,
        label: str = "gate-ledger",
        limits: Limits = DEFAULT,
    ) -> FileLedger:
        """Open the ledger at `path` for writing, making it when there is none.

        Args:
            path: the ledger directory.
            key: the log key; a ledger belongs to the key it was begun with.
            config_dir: where receipts are kept; None keeps none and checks none.
            origin: name of a new log (printable ASCII, no blanks or `+`). It must belong to this ledger
                alone: two ledgers with one name and one key are a fork, and are refused as such. By default
                the label and 128 random bits. An existing ledger keeps its name.
            label: begin of such a default name, for people.
            limits: of the evidence store.

        Raises LedgerError when the ledger was begun with another key, contains links, lacks sealed entries or
        contradicts the receipt; EnvironmentProblem when it cannot be read or written.
        """
        directory = open_directory(path, create=True)
        assert directory is not None  # noqa: S101 - narrows the type: create=True never gives None
        log = -1
        try:
            with locked(directory, path):
                check_layout(directory, path)
                verifier = read_verifier(directory, path)
                if verifier is None:
                    verifier = found_ledger(directory, path, key, origin, label)
                elif verifier.public != key.public:
                    raise other_key(path, verifier, key)
                log = open_or_make_log(directory, path)
            ledger = cls(path, directory, log, verifier, key, config_dir, limits)
            ledger._undisputed()
        except BaseException:
            os.close(directory)
            if log >= 0:
                os.close(log)
            raise
        return ledger

    def append(self, payloads: Sequence[bytes]) -> list[Entry]:
        """Sign and append in-toto Statements (canonical JSON); when this returns they are on the disk.

        Entries that were written before a crash, but not acknowledged, may remain; none is ever half there.

        Raises LedgerError for a payload that is no canonical Statement or too large for a line (about 48 kB:
        store such evidence and name its digest), and for a ledger that lost sealed entries;
        EnvironmentProblem when the disk fails, in which case nothing of this call is acknowledged.
        """
        lines = [self._sign(number, payload) for number, payload in enumerate(payloads)]
        if not lines:
            return []
        self._usable()
        with locked(self._log, self.path / LOG):
            end = self._cut_torn_tail()
            first = self._count(end)
            block = b"".join(line + b"\n" for line in lines)
            self._write(block, end)
            self._known = (end + len(block), first + len(lines))
        self._sync()
        return [Entry(first + number, leaf_hash(line).hex()) for number, line in enumerate(lines)]

    def seal(self, time: str) -> Checkpoint:
        """Cover all entries with a signed checkpoint and remember it as receipt.

        Args:
            time: the present, `YYYY-MM-DDTHH:MM:SSZ`. When it is up to five minutes before the last
                checkpoint (clocks of two machines), that checkpoint's time is stated instead.

        Returns the current checkpoint, unchanged, when nothing is new.

        Raises LedgerError for an entry that does not hold, a log that does not extend the last checkpoint or
        the receipt, or a clock running backwards; EnvironmentProblem when the disk fails; ValueError for
        another form of time.
        """
        now_s = check_time(time)
        self._usable()
        with locked(self._directory, self.path):
            latest = self._undisputed()
            if latest is not None:
                behind_s = check_time(latest.time) - now_s
                time = latest.time if behind_s > 0 else time
            start = latest.log_bytes if latest else 0
            end = self._end(start)
            if latest is not None and end == start:
                self._remember(latest)
                return latest
            if latest is not None and behind_s > CLOCK_SKEW_S:
                raise LedgerError(
                    f"the clock runs backwards: the last checkpoint was signed {behind_s} seconds after the "
                    "present moment",
                    path=str(self.path / CHECKPOINT),
                    place=f"time {latest.time}",
                    remedy="set the machine's clock, then run again",
                )
            self._sync()
            frontier = self._frontier(latest)
            self._cover(frontier, start, end)
            sealed = Checkpoint(self.verifier.name, frontier.size, frontier.root(), end, time).signed(
                self._key
            )
            sealed = self._publish(sealed)
            self._save_state(frontier)
            self._remember(sealed)
        return sealed

    def _sign(self, number: int, payload: bytes) -> bytes:
        if len(payload) > max_payload_bytes():
            raise LedgerError(
                f"statement {number} has {len(payload)} bytes, a line takes {max_payload_bytes()}",
                path=str(self.path / LOG),
                remedy="store what makes it large as evidence, and name it by digest",
            )
        try:
            parse_statement(payload)
        except SignatureError as problem:
            raise LedgerError(
                f"statement {number} cannot be recorded: {problem.reason}",
                path=str(self.path / LOG),
                remedy="write the statement with evidence.canonical",
            ) from None
        return Envelope.sign(payload, self._key).line()

    def _usable(self) -> None:
        if self._failed:
            raise EnvironmentProblem(
                "an earlier write to this ledger could not be made durable, so nothing more is written to it",
                path=str(self.path),
                remedy="check the disk, then start the program again",
            )

    def _cut_torn_tail(self) -> int:
        """Remove the unfinished line that a crash left, never touching what is sealed: the log's new
        length.
        """
        length = os.fstat(self._log).st_size
        if length == 0 or os.pread(self._log, 1, length - 1) == b"\n":
            if length < self._known[0]:
                self.checkpoint()  # says so when sealed entries are gone
            return length
        latest = self.checkpoint()
        end = last_line_end(self._log, latest.log_bytes if latest else 0, length)
        with os_errors("removing the unfinished last line", self.path / LOG):
            os.ftruncate(self._log, end)
        return end

    def _count(self, end: int) -> int:
        """The number of lines before byte `end`, a line's end."""
        offset, count = self._known
        if offset == 0 or offset > end:
            latest = self.checkpoint()
            offset, count = (latest.log_bytes, latest.size) if latest else (0, 0)
        return count + sum(1 for _ in lines_between(self._log, offset, end, MAX_LINE_BYTES))

    def _write(self, block: bytes, end: int) -> None:
        """One write at the end, taken back when the disk took less than all of it."""
        with os_errors("appending to the log", self.path / LOG):
            try:
                written = os.write(self._log, block)
            except OSError:
                os.ftruncate(self._log, end)
                raise
            if written == len(block):
                return
            os.ftruncate(self._log, end)
        raise EnvironmentProblem(
            f"the disk took {written} of {len(block)} bytes, so they were taken back",
            path=str(self.path / LOG),
            remedy="free some space, then run again; nothing was acknowledged",
        )

    def _sync(self) -> None:
        try:
            datasync(self._log)
        except OSError as error:
            # After a failed fdatasync the kernel may have dropped the dirty pages: a second one would succeed
            # and prove nothing, so this object stays unusable.
            self._failed = True
            raise EnvironmentProblem(
                f"the log could not be made durable: {error.strerror}",
                path=str(self.path / LOG),
                remedy="check the disk; what was appended last is not acknowledged",
            ) from None

    def _cover(self, frontier: Frontier, start: int, end: int) -> None:
        """Add the lines between two offsets to the frontier, having checked each."""
        for _, line in lines_between(self._log, start, end, MAX_LINE_BYTES):
            try:
                check_line(line, self.verifier)
            except SignatureError as problem:
                raise LedgerError(
                    f"an entry that is not sealed yet does not hold: {problem.reason}",
                    path=str(self.path / LOG),
                    place=f"line {frontier.size + 1}",
                    remedy="nothing was sealed; find out who wrote it, then remove it and what follows",
                ) from None
            frontier.append(leaf_hash(line))

    def _frontier(self, latest: Checkpoint | None) -> Frontier:
        """The frontier of the sealed region: from `state` when that gives the signed root, else from the
        log.
        """
        if latest is None:
            return Frontier()
        frontier = self._load_state(latest.size)
        if frontier is None or frontier.root() != latest.root:
            frontier = self._recompute(latest.size)
        if frontier.root() != latest.root:
            raise self._rewritten(latest, "the last checkpoint", self.path / CHECKPOINT)
        return frontier

    def _recompute(self, size: int) -> Frontier:
        """The frontier of the first `size` lines, read anew."""
        frontier = Frontier()
        for _, line in lines_between(self._log, 0, os.fstat(self._log).st_size, MAX_LINE_BYTES):
            if frontier.size == size:
                break
            frontier.append(leaf_hash(line))
        return frontier

    def _load_state(self, size: int) -> Frontier | None:
        import orjson

        try:
            data = orjson.loads(read_file(self._directory, STATE, self.path, MAX_NOTE_BYTES) or b"")
            return (
                Frontier(data["size"], map(bytes.fromhex, data["frontier"])) if data["size"] == size else None
            )
        except (ValueError, TypeError, KeyError):
            return None  # derived and disposable: computed again from the log

    def _save_state(self, frontier: Frontier) -> None:
        state = {"frontier": [one.hex() for one in frontier.hashes], "size": frontier.size}
        write_file(self._directory, STATE, canonical(state), self.path, durable=False)

    def _publish(self, sealed: Checkpoint) -> Checkpoint:
        """Put a checkpoint into the history and then in place; one that a crash left there is taken over."""
        history = open_subdirectory(self._directory, HISTORY, self.path, create=True)
        assert history is not None  # noqa: S101 - narrows the type: create=True never gives None
        try:
            earlier = read_checkpoint(history, self.path / HISTORY, self.verifier, str(sealed.size))
            if earlier is None:
                write_file(history, str(sealed.size), sealed.note, self.path / HISTORY)
            elif (earlier.root, earlier.log_bytes) == (sealed.root, sealed.log_bytes):
                sealed = earlier
            else:
                raise self._rewritten(
                    earlier, "an earlier checkpoint", self.path / HISTORY / str(sealed.size)
                )
        finally:
            os.close(history)
        write_file(self._directory, CHECKPOINT, sealed.note, self.path)
        return sealed

    def _undisputed(self) -> Checkpoint | None:
        """The latest checkpoint. Raises LedgerError when it does not extend what this user saw before."""
        # The receipt is read first: another process may seal meanwhile, and a checkpoint is never older than
        # the receipt that was written after it.
        receipt = None if self._config_dir is None else load_receipt(self._config_dir, self.verifier)
        latest = self.checkpoint()
        if receipt is None or self._config_dir is None:
            return latest
        place = receipt_path(self._config_dir, self.verifier)
        if latest is None or latest.size < receipt.size:
            raise LedgerError(
                f"the ledger was cut back: it was sealed with {receipt.size} entries on {receipt.time}, "
                f"and now its checkpoint covers {latest.size if latest else 0}",
                path=str(self.path / CHECKPOINT),
                place=f"receipt {place}",
                remedy=_COPY + RESTORE,
            )
        root = latest.root if latest.size == receipt.size else self._recompute(receipt.size).root()
        if root != receipt.root:
            raise self._rewritten(receipt, "the receipt", place)
        return latest

    def _remember(self, latest: Checkpoint) -> None:
        if self._config_dir is not None:
            earlier = load_receipt(self._config_dir, self.verifier)
            if earlier is None or earlier.note != latest.note:
                save_receipt(self._config_dir, self.verifier, latest)

    def _rewritten(self, witness: Checkpoint, name: str, place: Path) -> LedgerError:
        return LedgerError(
            f"the log was rewritten: its first {witness.size} entries are not those that {name} of "
            f"{witness.time} covers",
            path=str(self.path / LOG),
            place=f"compared with {place}",
            remedy=_COPY + RESTORE,
        )
