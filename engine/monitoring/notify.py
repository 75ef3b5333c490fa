"""Tells the receivers in the operator's file what changed in a ledger, each change at most once.

What a receiver was told is remembered in the user's configuration directory, per ledger: the index of the
last decision. Without that, the last decision about each stage is compared with the one before.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...evidence.base.atomic import write_file
from ...evidence.base.errors import ConfigError, EnvironmentProblem, GateError
from ..context import Context
from ..ledger.reader import LedgerReader
from ..ledgers import reader
from ..recording import stored_decision
from ..store.access import Folder, locked
from . import standing
from .changes import Change, Message, changes, message
from .channels import Channel

_FOLDER = "notified"
_MOST_BYTES = 65_536
_UNREADABLE = "what was sent before is not known: it is what changed with the last decision that is sent"


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one receiver's message: ``sent``, ``failed``, ``would send`` or ``nothing new``."""

    channel: str
    status: str
    message: Message | None
    changes: tuple[Change, ...]


def notify(
    context: Context, receivers: Sequence[Channel], config_dir: Path, now: int, *, dry_run: bool
) -> tuple[list[Told], list[str]]:
    """Send each receiver what is new, and return what became of that, with warnings.

    Args:
        config_dir: the user's configuration directory.
        now: epoch seconds.
        dry_run: send and remember nothing.

    Raises ConfigError: the configuration directory lies in the workspace; LedgerError: there is no ledger, or
    it is damaged.
    """
    if config_dir.resolve().is_relative_to(context.root):
        raise ConfigError(
            "the configuration directory lies inside the workspace, where the judged change could alter it",
            path=str(config_dir),
            remedy="point GATE_CONFIG_DIR elsewhere, or unset it",
        )
    with reader(context, config_dir) as ledger:
        file = config_dir / _FOLDER / f"{ledger.verifier.identity.hex()}.json"
        if dry_run:
            sent, warnings = _remembered(file)
            return [
                Told(one.name, "would send" if new else "nothing new", text, tuple(new))
                for one, new, text, _ in _news(context, ledger, receivers, sent)
            ], warnings
        folder = Folder.open(file.parent, create=True)
        if folder is None:
            raise EnvironmentProblem("the directory cannot be made", path=str(file.parent))
        try:
            with locked(folder.handle, file.parent):
                sent, warnings = _remembered(file)
                told = []
                for one, new, text, last in _news(context, ledger, receivers, sent):
                    told.append(_tell(one, new, text, last, sent, file, now, warnings))
                return told, warnings
        finally:
            folder.close()


def _news(
    context: Context, ledger: LedgerReader, receivers: Sequence[Channel], sent: dict[str, int]
) -> list[tuple[Channel, list[Change], Message | None, int]]:
    """For each receiver what is new, the message about it, and the index of the last decision."""
    found = standing.read(ledger, frozenset(sent.values()))
    cache = {}
    news = []
    for one in receivers:
        mark, new = sent.get(one.key), []
        for stage, known in found.stages.items():
            base = known.before if mark is None else known.marked.get(mark)
            fresh = known.latest.index == found.last if mark is None else known.latest.index > mark
            if not fresh:
                continue
            for line in {known.latest, base or known.latest}:
                if line.digest not in cache:
                    cache[line.digest] = stored_decision(ledger, line.digest)
            before = None if base is None else cache[base.digest]
            new += changes(stage, before, cache[known.latest.digest], known.latest.index)
        text = message(context.name, ledger.verifier.identity.hex(), new) if new else None
        news.append((one, new, text, found.last))
    return news


def _tell(
    one: Channel,
    new: list[Change],
    text: Message | None,
    last: int,
    sent: dict[str, int],
    file: Path,
    now: int,
    warnings: list[str],
) -> Told:
    """Send a message; remembered first, so that what kills this process lets nobody be told twice."""
    mark = sent.get(one.key, last - 1)
    if mark != last:
        sent[one.key] = last
        _remember(file, sent, warnings)
    if text is None:
        return Told(one.name, "nothing new", None, ())
    try:
        one.send(text, now)
    except GateError as error:
        warnings.append(f"warning: not notified: {error.diagnostics()}")
        sent[one.key] = mark
        _remember(file, sent, warnings)
        return Told(one.name, "failed", text, tuple(new))
    return Told(one.name, "sent", text, tuple(new))


def _remember(file: Path, sent: dict[str, int], warnings: list[str]) -> None:
    try:
        write_file(file, json.dumps(sent, sort_keys=True).encode())
    except OSError as error:
        warnings.append(f"warning: {file} cannot be written: {error.strerror}; changes may be sent again")


def _remembered(file: Path) -> tuple[dict[str, int], list[str]]:
    """By receiver, the index of the last decision that it was told about, and warnings."""
    try:
        with file.open("rb") as stream:
            found = json.loads(stream.read(_MOST_BYTES))
        if isinstance(found, dict) and all(type(index) is int for index in found.values()):
            return found, []
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError, RecursionError):
        pass
    return {}, [f"warning: {file} cannot be read; {_UNREADABLE}"]
