"""``gate ibkr paper-session``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from ....evidence.base.activity import step
from ....evidence.base.atomic import write_file
from ....evidence.base.errors import UsageError, masked
from ....evidence.broker.port import Traffic
from ....evidence.broker.session.book import Book
from ....evidence.broker.session.plan import Plan, read_plan
from ....evidence.broker.session.start import trade_plan
from ....evidence.broker.session.status import FIRST_LINE, prometheus, status_line
from ....evidence.reading.files import read_regular
from ....evidence.reading.workspace import check_relative
from ...broker.evidence_files import check_place, write_provenance
from ...broker.session import SESSION, places, without_sharpe, write_files
from ...broker.target import target_of
from ...terminal.console import progress, write_error
from ...terminal.outputs import keep_out, parse_outputs, write
from ..options import HERE_ALONE, Outputs, Quiet, Where, argument, now, option

_SOON_S = 0.25


def paper_session(
    plan: Annotated[Path, argument("What to trade, for how long (YAML).", "PLAN")],
    resume: Annotated[bool, option("--resume", "Go on with the session that was interrupted.")] = False,
    force: Annotated[bool, option("--force", "Replace the files of an earlier, complete session.")] = False,
    metrics: Annotated[
        Path | None,
        option(
            "--prometheus",
            "Keep counters and latencies in this file while it runs (Prometheus text format).",
            "FILE",
            envvar="GATE_IBKR_PROMETHEUS",
        ),
    ] = None,
    output: Outputs = None,
    where: Where = HERE_ALONE,
    quiet: Quiet = False,
) -> None:
    """Trade a declared plan on the pinned paper account, and write the evidence of stage 7."""
    outputs = parse_outputs(output, tuple(SESSION))
    wanted = read_plan(plan)
    context = where.open()
    at = places(context)
    for path in (at.log, at.metrics, at.intents, at.reports):
        check_place(context, context.root / check_relative(path), force=force)
    target = target_of(context, host=wanted.host, port=wanted.port, client=wanted.client_id)
    monitor = _Monitor(wanted, metrics)
    journal = context.root / at.journal
    trading = trade_plan(wanted, target, journal, resume=resume, force=force, listen=monitor.changed)
    with progress(wanted=not quiet):
        try:
            book = asyncio.run(trading)
        finally:
            monitor.show()
    if not quiet:
        write_error(f"the journal is {at.journal}")
    written = write_files(context, at, book)
    command = f"gate ibkr paper-session {masked(plan.name)}{' --resume' * resume}"
    if not quiet:
        for path in written:
            write_error(f"wrote {context.root / path}")
    evidence = [context.root / path for path in (*written, at.journal)]
    write_provenance(context, evidence, now(), command, quiet=quiet)
    if monitor.problem is not None:
        write_error(monitor.problem)
    if (reason := without_sharpe(context, at)) is not None:
        write_error(f"warning: the session gives no Sharpe ratio: {reason}; stage 7 needs one that does")
    for item in outputs:
        write(item, SESSION[item.format](book))


class _Monitor:
    """Shows how a session stands: on the terminal, and in a file for Prometheus."""

    def __init__(self, plan: Plan, file: Path | None) -> None:
        self._plan, self._file = plan, file
        self._now: tuple[Book, Traffic] | None = None
        self._due: asyncio.TimerHandle | None = None
        self.problem: str | None = None
        if file is not None:
            _check_metrics(file)

    def changed(self, book: Book, traffic: Traffic) -> None:
        """The book has changed: show it soon, but never so often that it would delay an order."""
        self._now = (book, traffic)
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_SOON_S, self.show)

    def show(self) -> None:
        """Show how it stands now; that the file cannot be written ends no session."""
        self._due = None
        if self._now is None or not self._now[0].session:
            return
        book, traffic = self._now
        step(status_line(book, self._plan.trades))
        if self._file is None:
            return
        messages = {"sent": traffic.messages, "busiest": traffic.busiest_second}
        try:
            write_file(self._file, prometheus(book, self._plan.trades, messages), durable=False)
        except OSError as error:
            self.problem = f"{self._file} is not up to date, it cannot be written: {error.strerror}"


def _check_metrics(file: Path) -> None:
    """Refuse to replace anything but metrics of an earlier session."""
    keep_out(file)
    try:
        if file.is_file() and read_regular(file, len(FIRST_LINE), follow=False) == FIRST_LINE.encode():
            return
        if not file.is_symlink() and not file.exists() and file.absolute().parent.is_dir():
            return
        why = "it is there, and holds no metrics of a session" if file.exists() else "no such directory"
    except OSError as error:
        why = str(error.strerror)
    raise UsageError(
        f"the metrics cannot be written there: {why}",
        path=str(file),
        remedy="name a new file for --prometheus",
    )
