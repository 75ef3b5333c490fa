"""Where a paper session's files lie in the workspace, and writing them when it has ended."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path, PurePosixPath

from .... import __version__
from ....evidence.base.atomic import put_file
from ....evidence.base.errors import EnvironmentProblem, UsageError
from ....evidence.base.times import format_utc
from ....evidence.broker.session import files
from ....evidence.broker.session.book import Book
from ....evidence.collectors.paper import PaperOptions, recompute
from ...collectors import open_workspace
from ...context import Context
from ...people.provenance import state_provenance
from ...terminal.outputs import keep_out

COLLECTOR = "paper"
_JOURNAL, _INTENTS, _REPORTS = (
    "PAPER_TRADING_JOURNAL.jsonl",
    "PAPER_ORDER_INTENTS.jsonl",
    "PAPER_EXECUTION_REPORTS.jsonl",
)


@dataclass(frozen=True, slots=True)
class Places:
    """Paths relative to the workspace: the two that the collector ``paper`` reads, and three beside them."""

    log: str
    metrics: str
    journal: str
    intents: str
    reports: str


def options(context: Context) -> PaperOptions:
    """The settings of the collector that will read the files."""
    stated = context.config.evidence.get(COLLECTOR, {})
    return PaperOptions(**stated)


def places(context: Context) -> Places:
    """Where the files lie: as the settings say, and the others in the log's directory."""
    read = options(context)
    folder = PurePosixPath(read.log).parent
    return Places(read.log, read.metrics, *(str(folder / name) for name in (_JOURNAL, _INTENTS, _REPORTS)))


def check_place(root: Path, path: str, *, force: bool) -> None:
    """Refuse a file that could not be written in the end, or must not be.

    Raises UsageError: it is there and not to be replaced, something else has its name, its directory does not
    exist or is reached by a link out of the workspace.
    """
    target = root / path
    if not target.parent.is_dir():
        raise UsageError("there is no such directory", path=str(target.parent), remedy="create it")
    if not target.parent.resolve().is_relative_to(root.resolve()):
        remedy = "correct the path in gate.yaml"
        raise UsageError("its directory is outside of the workspace", path=path, remedy=remedy)
    keep_out(target)
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_file():
        raise UsageError("is no regular file", path=path, remedy="remove it, or move it away")
    if not force:
        remedy = "add --force to replace it when the measurement has ended, or move it away"
        raise UsageError("there is such a file already", path=path, remedy=remedy)


def write_files(context: Context, at: Places, book: Book) -> list[str]:
    """Write what a session leaves: which files.

    The metrics file claims what the collector recomputes from the log, and nothing that cannot be told.

    Raises EnvironmentProblem: one cannot be written; UsageError: the log lies where gate cannot read it.
    """
    session = book.session
    note = f"gate {__version__}, plan {session['name']!r} ({session['plan'][:12]}), {session['library']}"
    orders = book.orders.values()
    put_file(context.root, at.log, files.log_file(files.log_document(book, note)))
    put_file(context.root, at.intents, files.messages_file([order.intent for order in orders if order.sent]))
    put_file(context.root, at.reports, files.messages_file(book.messages))
    view = open_workspace(context.root, context.authority).view()
    if not view.exists(at.log):
        remedy = "keep it outside of the ledger's directory"
        raise UsageError("the log is not in the workspace as gate reads it", path=at.log, remedy=remedy)
    put_file(context.root, at.metrics, files.metrics_file(recompute(view, options(context))))
    return [path for path in astuple(at) if path != at.journal]


def state(context: Context, paths: Iterable[str], now_s: int, command: str) -> tuple[list[str], str | None]:
    """State what evidence was made from: the statements, and why there are none, if so."""
    try:
        return state_provenance(context, paths, format_utc(now_s), command), None
    except (UsageError, EnvironmentProblem) as error:  # no evidence where it lies, but it is there
        return [], f"no provenance stated: {error.what}; to do: {error.remedy}"
