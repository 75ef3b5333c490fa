"""``gate record export``, ``attach`` and ``verify``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ...evidence.base.errors import UsageError, masked
from ...evidence.base.times import format_utc
from ...evidence.reading.files import printable
from ..record import archive, contents, report
from ..record.attach import attach as attach_files
from ..record.export import export as make_record
from ..record.verify import WRONG, Check, Verified
from ..record.verify import verify as verify_files
from ..terminal.console import write_error
from ..terminal.outputs import Output, keep_out, parse_outputs, write_new
from .options import (
    DECISION,
    HERE_ALONE,
    Outputs,
    Where,
    argument,
    command_group,
    config_dir,
    now,
    option,
    write_all,
)

app = command_group(
    "record", "Export, extend and verify compliance records, which prove one decision to anybody."
)


@app.command("export")
def export(
    target: Annotated[str, argument(f"A recorded decision: {DECISION}.", "DECISION")],
    output: Annotated[
        list[str] | None,
        option(
            "--output -o",
            "The record: a new file *.tar, or a new directory (with a / in its name). Also how to print "
            "about it: table (default) or json; =PATH writes a file. Repeatable.",
            "FILE.tar|DIR/|FORMAT[=PATH]",
        ),
    ] = None,
    timestamp_anchor: Annotated[
        Path | None,
        option(
            "--timestamp-anchor",
            "Certificates (PEM) that time stamps are checked with; those in gate.yaml if none.",
            "FILE",
        ),
    ] = None,
    where: Where = HERE_ALONE,
) -> None:
    """Write all that proves a recorded decision into a new file or directory; print its digest of trust."""
    path, outputs = _targets(output or [])
    context = where.open()
    found = make_record(context, target, config_dir(), timestamp_anchor)
    if path.suffix == archive.SUFFIX:
        write_new(path, archive.write_tar(found.files))
    else:
        archive.write_directory(path, found.files)
    write_all(outputs, report.EXPORTED, path, found)


def _targets(given: list[str]) -> tuple[Path, list[Output]]:
    """The record's path, and the reports. Raises UsageError: not exactly one new path."""
    formats = [text for text in given if text.partition("=")[0] in report.EXPORTED]
    others = [text for text in given if text not in formats]
    odd = [text for text in others if "/" not in text and not text.endswith(archive.SUFFIX)]
    if len(others) != 1 or odd:
        raise UsageError(
            f"{odd[0]!r} is neither an output format nor the name of a record"
            if odd
            else f"-o names {len(others)} records, and one is needed",
            remedy=f"name one new file *{archive.SUFFIX}, or a new directory with a / in its name, such as "
            "-o ./record; formats are table and json",
        )
    path = Path(others[0])
    keep_out(path)
    if os.path.lexists(path) or not path.absolute().parent.is_dir():
        raise UsageError(
            "there is something of this name already, and it is never replaced"
            if os.path.lexists(path)
            else "there is no such directory",
            path=str(path),
            remedy="name a new file or directory in an existing directory",
        )
    return path, parse_outputs(formats, tuple(report.EXPORTED))


@app.command("attach")
def attach(
    files: Annotated[list[Path], argument("Documents to add.", "FILE...")],
    target: Annotated[str, option("--to", f"A recorded decision: {DECISION}.", "DECISION")],
    note: Annotated[str | None, option("--note", "Why they are added; it is recorded.", "TEXT")] = None,
    output: Outputs = None,
    where: Where = HERE_ALONE,
) -> None:
    """Add documents to a recorded decision, in an entry of their own; nothing is replaced."""
    outputs = parse_outputs(output, tuple(report.ATTACHED))
    context = where.open()
    decision, entry, notices = attach_files(context, files, target, note, config_dir(), format_utc(now()))
    for notice in notices:
        write_error(notice)
    names = [masked(printable(path.name)) for path in files]
    write_all(outputs, report.ATTACHED, decision, entry, names)


@app.command("verify")
def verify(
    path: Annotated[Path, argument("A record, file or directory.", "RECORD")],
    trust: Annotated[
        str,
        option(
            "--trust",
            "The digest of trust that `gate record export` printed, from elsewhere than the record.",
            "sha256:DIGEST",
            envvar="GATE_TRUST",
        ),
    ],
    replay: Annotated[
        bool, option("--replay", "Also decide again from the recorded facts and policies.")
    ] = False,
    output: Outputs = None,
) -> None:
    """Check a record on any machine, without ledger and network; exit 1 when something does not fit."""
    outputs = parse_outputs(output, tuple(report.VERIFIED))
    pinned = contents.parse_trust(trust)
    try:
        found = verify_files(archive.read(path), pinned, again=replay)
    except archive.BadRecordError as error:
        found = Verified((Check("files", WRONG, str(error)),))
    write_all(outputs, report.VERIFIED, found)
    raise typer.Exit(0 if found.ok else 1)
