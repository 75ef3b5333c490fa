"""Tells the receivers in the operator's file what changed in a ledger, each change at most once.

What a receiver was told is remembered in the user's configuration directory, per ledger: the index of the
last decision. Without that, the last decision about each stage is compared with the one before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from ...evidence.base.atomic import write_file
from ...evidence.base.errors import ConfigError, EnvironmentProblem, GateError
from ..context import Context
from ..entries.reading import DecisionEntry, RecordedDecision
from ..ledger.reader import LedgerReader
from ..recording import recorded_by_index
from ..report.several.history import unread
from ..store.access import locked
from ..workspace_ledger import reader
from . import standing
from .changes import Change, Message, changes, message
from .channels import Channel

_FOLDER = "notified"
_MOST_BYTES = 65_536


class Told(Struct, frozen=True):
    """What became of one receiver's message: ``sent``, ``failed``, ``would send`` or ``nothing new``."""

    channel: str
    status: str
    message: Message | None


def notify(
    context: Context, receivers: Sequence[Channel], config_dir: Path, now: int, *, dry_run: bool
) -> tuple[list[Told], list[str]]:
    """Send each receiver what is new, and return what became of that, with warnings.

    Args:
        config_dir: the user's configuration directory.
        now: epoch seconds.
        dry_run: send and remember nothing.

    Raises ConfigError: the configuration directory lies in the workspace; LedgerError: there is no ledger, or
    it is damaged; EnvironmentProblem: it cannot be read.
    """
    if config_dir.resolve().is_relative_to(context.root):
        what = "the configuration directory lies inside the workspace, where the judged change could alter it"
        raise ConfigError(what, path=str(config_dir), remedy="point GATE_CONFIG_DIR elsewhere, or unset it")
    with reader(context, config_dir) as ledger, ExitStack() as stack:
        file = config_dir / _FOLDER / f"{ledger.verifier.identity.hex()}.json"
        try:
            if not dry_run:
                stack.enter_context(_alone(file.parent))
        except EnvironmentProblem as error:
            return [Told(one.name, "failed", None) for one in receivers], [_warning(error)]
        memory = _Memory(file)
        told = []
        for one, text, last in _news(context, ledger, receivers, memory):
            if dry_run:
                told.append(Told(one.name, "would send" if text else "nothing new", text))
            else:
                told.append(_tell(one, text, last, memory, now))
    return told, memory.warnings


def _warning(error: GateError) -> str:
    return f"warning: not notified: {error.diagnostics()}"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes of this user from telling the same at the same time.

    Raises EnvironmentProblem: what is sent cannot be remembered there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        what = f"what is sent cannot be remembered: {error.strerror}"
        raise EnvironmentProblem(what, path=str(folder), remedy="point GATE_CONFIG_DIR elsewhere") from None
    try:
        with locked(handle, folder):
            yield
    finally:
        os.close(handle)


def _news(
    context: Context, ledger: LedgerReader, receivers: Sequence[Channel], memory: _Memory
) -> list[tuple[Channel, Message | None, int]]:
    """For each receiver the message about what is new, and the index of the last decision."""
    found = standing.read(ledger, frozenset(memory.sent.values()))
    read: dict[int, RecordedDecision] = {}
    news = []
    for one in receivers:
        pairs = list(_pairs(found, memory.sent.get(one.key)))
        lines = [line for _, *both in pairs for line in both if line is not None]
        read |= recorded_by_index(ledger, (line for line in lines if line.index not in read))
        new: list[Change] = []
        for stage, before, latest in pairs:
            base = None if before is None else read[before.index]
            new += changes(stage, base, read[latest.index])
        text = message(context.name, ledger.verifier.identity.hex(), new) if new else None
        news.append((one, text, found.last))
    memory.warnings += (f"warning: {one}; what ends of it is not told" for one in unread(read.values()))
    return news


def _pairs(
    found: standing.Standings[DecisionEntry], mark: int | None
) -> Iterator[tuple[str, DecisionEntry | None, DecisionEntry]]:
    """Stages that were judged since the mark, with the decision then and now; without one, by the last."""
    if mark is not None and mark > found.last:  # that decision does not count any more
        mark = None
    for stage, known in found.stages.items():
        if mark is None and known.latest.index == found.last:
            yield stage, known.before, known.latest
        elif mark is not None and known.latest.index > mark:
            yield stage, known.marked.get(mark), known.latest


def _tell(one: Channel, text: Message | None, last: int, memory: _Memory, now: int) -> Told:
    """Send a message; recorded before, so that nobody is notified twice when this process is killed."""
    mark = memory.sent.get(one.key, last - 1)
    if mark != last:
        memory.keep(one.key, last)
    if text is None:
        return Told(one.name, "nothing new", None)
    try:
        refused = one.send(text, now)
    except GateError as error:
        memory.warnings.append(_warning(error))
        memory.keep(one.key, mark)
        return Told(one.name, "failed", text)
    if refused is not None:
        memory.warnings.append(f"warning: not notified in full: {one.name}: {refused}")
    return Told(one.name, "sent", text)


class _Memory:
    """By receiver, the index of the last decision that it was told about; and warnings."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.sent: dict[str, int] = {}
        self.warnings: list[str] = []
        try:
            with file.open("rb") as stream:
                self.sent = msgspec.json.decode(stream.read(_MOST_BYTES), type=dict[str, int])
        except FileNotFoundError:
            pass
        except (OSError, msgspec.MsgspecError, RecursionError):
            what = f"{file} cannot be read; what changed with the last decision is sent"
            self.warnings.append(f"warning: {what}")

    def keep(self, key: str, index: int) -> None:
        """Record the last decision that a receiver was notified about."""
        self.sent[key] = index
        try:
            write_file(self._file, json.dumps(self.sent, sort_keys=True).encode())
        except OSError as error:
            what = f"{self._file} cannot be written: {error.strerror}"
            self.warnings.append(f"warning: {what}; changes may be sent again")
