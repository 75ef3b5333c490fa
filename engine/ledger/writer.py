"""Writing a ledger: how entries are signed and sealed, whatever storage keeps them.

Append: sign, add to the end; the storage makes it durable before it is acknowledged. Seal: check and cover
the new lines, sign a checkpoint, publish it, remember it as receipt. Nothing in a line depends on a clock:
the same statements signed with the same key are the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice

from ...evidence.base.activity import Log
from ...evidence.base.canonical import canonical
from ...evidence.base.errors import EnvironmentProblem, LedgerError
from ...evidence.base.numbers import counted
from ...evidence.signing.dsse import Envelope, max_payload_bytes
from ...evidence.signing.intoto import parse_statement
from ...evidence.signing.keys import LogKey, VerifierKey
from ...evidence.signing.problems import SignatureError
from ..store.evidence import EvidenceStore
from .interface import (
    CHECKPOINT,
    COSIGNATURES,
    HISTORY,
    LOG,
    TIMESTAMP,
    VERIFIER,
    Entry,
    LedgerStorage,
    damaged,
)
from .keychain import Admins
from .merkle import Frontier, consistency_proof, leaf_hash
from .note import CLOCK_SKEW_S, Checkpoint, check_time
from .reader import LedgerReader, extend, read_checkpoint, read_verifier
from .receipts import Receipts

_log = Log(__name__)


def new_verifier(key: LogKey, origin: str, place: str) -> VerifierKey:
    """The public half of the key under a log's name. Raises LedgerError when it cannot be a name."""
    try:
        return key.verifier(origin)
    except SignatureError as problem:
        what = f"the ledger cannot be named {origin[:80]!r}: {problem.reason}"
        raise LedgerError(what, path=place, remedy="choose another name for the ledger's origin") from None


class Ledger(LedgerReader):
    """A ledger opened for writing with the log's private key. Several processes may do so at once.

    Attributes:
        notices: what went wrong without denying what was sealed: the receipt could not be written.
    """

    def __init__(
        self,
        storage: LedgerStorage,
        evidence: EvidenceStore,
        new: VerifierKey,
        key: LogKey,
        receipts: Receipts | None,
        admins: Admins | None = None,
        *,
        joins: bool = False,
    ) -> None:
        """Open a ledger, which is begun under the name `new` when there is none. Raises as `open_ledger`.

        With ``joins``, the key may be one that is to be admitted by the first entry that is appended.
        """
        self._storage = storage
        self._key = key
        self.notices: list[str] = []
        try:
            if receipts is not None:
                receipts.check_place(lambda: read_verifier(storage))
            storage.begin(new)
        except BaseException:
            evidence.close()
            storage.close()
            raise
        super().__init__(storage, evidence, receipts, admins)
        if not joins:
            try:
                self._check_key()
            except LedgerError:
                self.close()
                raise

    def _check_key(self) -> None:
        """Raises LedgerError: the key in hand does not sign this ledger, or no longer."""
        signer = self.chain.signer(self._key.public)
        if signer is not None and signer.ended_by is None:
            return
        what, yours = f"this ledger was begun with key {self.verifier.fingerprint}", self._key.fingerprint
        remedy = "use the configuration directory with the first key (GATE_CONFIG_DIR), or begin a ledger of "
        remedy += "your own in another directory"
        if signer is not None:
            what = f"entry {signer.ended_by} of this ledger replaced or revoked the key {yours}"
        elif self.chain.events:
            what = f"no key event of this ledger admits {yours}"
        elif self.chain.pinned is None:
            what += f", but yours is {yours}"
        else:
            what += f", and no key event admits {yours}"
        if self.chain.events:
            remedy = "sign with a key that is in force: `gate keys list` shows them"
        raise LedgerError(what, path=f"{self.name}/{VERIFIER}", remedy=remedy)

    def append(self, payloads: Sequence[bytes]) -> list[Entry]:
        """Sign and append in-toto Statements (canonical JSON); when this returns they are durable.

        Entries that were written before a crash, but not acknowledged, may remain; none is ever half there.

        Raises LedgerError for a payload that is no canonical Statement or too large for a line (about 48 kB:
        store such evidence and name its digest), and for a ledger that lost sealed entries;
        EnvironmentProblem when the storage fails, in which case nothing of this call is acknowledged.
        """
        lines = [self._sign(number, payload) for number, payload in enumerate(payloads)]
        if not lines:
            return []
        if self.chain.pinned is None:
            first = self._storage.append(lines, self.checkpoint())
        else:
            with self._storage.sealing():  # no other writer changes the keys between the check and the line
                self._undisputed()
                self._check_lines(lines)
                first = self._storage.append(lines, self.checkpoint())
        _log.info("%s: appended entries %d to %d", self.name, first, first + len(lines) - 1)
        return [Entry(first + number, leaf_hash(line).hex()) for number, line in enumerate(lines)]

    def seal(self, time: str) -> Checkpoint:
        """Cover all entries with a signed checkpoint and remember it as receipt, unless nothing is new.

        ``time`` is the present, `YYYY-MM-DDTHH:MM:SSZ`. When it is up to five minutes before the last
        checkpoint (clocks of two machines), that checkpoint's time is stated instead.

        Raises LedgerError for an entry that does not hold, a log that does not extend the last checkpoint or
        the receipt, or a clock running backwards; EnvironmentProblem when the storage fails; ValueError for
        another form of time.
        """
        now_s = check_time(time)
        with self._storage.sealing():
            latest = self._undisputed() or self._first()
            new = self._storage.lines(latest)
            first = list(islice(new, 1))
            if latest is not None:
                behind_s = check_time(latest.time) - now_s
                if not first:
                    self._remember(latest, self._frontier(latest))
                    return latest
                if behind_s > CLOCK_SKEW_S:
                    raise LedgerError(
                        "the clock runs backwards: the last checkpoint was signed "
                        f"{counted(behind_s, 'second')} after the present moment",
                        path=f"{self.name}/{CHECKPOINT}",
                        place=f"time {latest.time}",
                        remedy="set the machine's clock, then run again",
                    )
                time = latest.time if behind_s > 0 else time
            self._check_key()
            frontier = self._frontier(latest)
            end = (latest.log_bytes if latest else 0) + self._cover(frontier, chain(first, new))
            sealed = Checkpoint(self.verifier.name, frontier.size, frontier.root(), end, time)
            sealed = self._unless_published(sealed.signed(self._key))
            self._publish(sealed, frontier)
            self._remember(sealed, frontier)
        _log.info("%s: sealed, now of size %d", self.name, sealed.size)
        return sealed

    def _first(self) -> Checkpoint | None:
        """The first checkpoint, put in place, where a crash left it in the history alone."""
        sizes = self._storage.sizes()
        first = read_checkpoint(self._storage, self.chain, sizes[-1]) if sizes else None
        if first is not None:
            self._publish(first, self._frontier(first))
        return first

    def _publish(self, sealed: Checkpoint, frontier: Frontier) -> None:
        hint = {"frontier": [one.hex() for one in frontier.hashes], "size": frontier.size}
        self._storage.publish(sealed, canonical(hint))

    def have_stamped(self, url: str) -> Checkpoint:
        """Have the latest checkpoint stamped by the time-stamping authority at `url`, and keep the stamp.

        Raises LedgerError when nothing was sealed; else as `timestamp.stamp`.
        """
        from .authorities.timestamp import stamp

        checkpoint, _ = self.sealed_leaves()
        answer = stamp(url, checkpoint.note)
        with self._storage.sealing():
            self._storage.keep(checkpoint.size, TIMESTAMP, answer)
        return checkpoint

    def have_cosigned(self, url: str, witness: VerifierKey) -> Checkpoint:
        """Have the latest checkpoint cosigned by a witness, and keep its signature line.

        Raises LedgerError when nothing was sealed; else as `witness.cosign`.
        """
        from .authorities.witness import cosign

        checkpoint, leaves = self.sealed_leaves()
        line = cosign(url, witness, checkpoint, lambda old: consistency_proof(leaves, old))
        with self._storage.sealing():
            text = (self._storage.kept(checkpoint.size, COSIGNATURES) or b"").decode()
            start = line.rpartition(" ")[0] + " "
            others = [one for one in text.splitlines() if not one.startswith(start)]
            note = "".join(f"{one}\n" for one in [*others, line])
            self._storage.keep(checkpoint.size, COSIGNATURES, note.encode())
        return checkpoint

    def _check_lines(self, lines: list[bytes]) -> None:
        """Refuse lines that would not count, key events included; these admit their keys."""
        start = self.size()
        chain = replace(self.chain, refused=()).extended(
            lines, start, lambda size: extend(self._storage, Frontier(), None, size).root()
        )
        if chain.refused:
            what = f"the key event does not count: {chain.refused[-1][1]}"
            remedy = "nothing was recorded; request it anew, and have enough key admins sign that"
            raise LedgerError(what, path=f"{self.name}/{LOG}", remedy=remedy)
        try:
            for index, line in enumerate(lines, start):
                chain.check(index, line)
        except SignatureError as problem:
            what = f"the entry would not count: {problem.reason}"
            remedy = "nothing was recorded; `gate keys list` shows which keys may sign"
            raise LedgerError(what, path=f"{self.name}/{LOG}", remedy=remedy) from None
        self.chain = chain

    def _sign(self, number: int, payload: bytes) -> bytes:
        if len(payload) > max_payload_bytes():
            what = f"statement {number} has {len(payload)} bytes, a line takes {max_payload_bytes()}"
            remedy = "store what makes it large as evidence, and name it by digest"
            raise LedgerError(what, path=f"{self.name}/{LOG}", remedy=remedy)
        try:
            parse_statement(payload)
        except SignatureError as problem:
            what = f"statement {number} cannot be recorded: {problem.reason}"
            remedy = "write the statement with evidence.base.canonical"
            raise LedgerError(what, path=f"{self.name}/{LOG}", remedy=remedy) from None
        return Envelope.sign(payload, self._key).line()

    def _cover(self, frontier: Frontier, lines: Iterable[bytes]) -> int:
        """Add lines to the frontier, having checked each: their length in bytes."""
        length = 0
        for line in lines:
            try:
                self.chain.check(frontier.size, line)
            except SignatureError as problem:
                what = f"an entry that is not sealed yet does not hold: {problem.reason}"
                remedy = "nothing was sealed; find out who wrote it, then remove it and what follows"
                raise damaged(f"{self.name}/{LOG}", what, line=frontier.size + 1, remedy=remedy) from None
            frontier.append(leaf_hash(line))
            length += len(line) + 1
        return length

    def _frontier(self, latest: Checkpoint | None) -> Frontier:
        """The frontier of the sealed region: from the hint when that gives the signed root, else from the
        lines.
        """
        import orjson

        if latest is None:
            return Frontier()
        try:
            data = orjson.loads(self._storage.hint() or b"")
            frontier = Frontier(data["size"], map(bytes.fromhex, data["frontier"]))
        except (ValueError, TypeError, KeyError):
            frontier = Frontier()  # derived and disposable
        if (frontier.size, frontier.root()) != (latest.size, latest.root):
            frontier = self._extended(Frontier(), None, latest.size)
        if frontier.root() != latest.root:
            raise self._rewritten(latest, "the last checkpoint", f"{self.name}/{CHECKPOINT}")
        return frontier

    def _unless_published(self, sealed: Checkpoint) -> Checkpoint:
        """A new checkpoint, or the one of the same size that a crash left in the history."""
        earlier = read_checkpoint(self._storage, self.chain, sealed.size)
        if earlier is None:
            return sealed
        if (earlier.root, earlier.log_bytes) != (sealed.root, sealed.log_bytes):
            place = f"{self.name}/{HISTORY}/{sealed.size}"
            raise self._rewritten(earlier, "an earlier checkpoint", place)
        return earlier

    def _remember(self, latest: Checkpoint, frontier: Frontier) -> None:
        """Write the receipt, unless it is written. What was sealed stays sealed when that fails."""
        if self._receipts is None:
            return
        try:
            self._receipts.save(self.verifier, latest, frontier, self.chain)
        except (EnvironmentProblem, LedgerError) as problem:
            self.notices.append(
                f"the receipt could not be written ({problem.path}: {problem.what}); the entry is sealed, "
                "but nothing here would notice a ledger that is cut back to before it"
            )
