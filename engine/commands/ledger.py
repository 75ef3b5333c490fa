"""``gate ledger show``, ``prove``, ``export``, ``witness``, ``verify``, ``migrate`` and ``prepare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from ...evidence.base.errors import UsageError
from .. import recording
from ..context import Context
from ..ledger import proof as proofs
from ..report import ledger as report
from ..terminal.console import progress, write_bytes, write_error
from ..terminal.outputs import Output, parse_outputs, write, write_new
from ..witnessing import authorities
from ..witnessing import witness as ask
from ..workspace_ledger import reader, store_limits
from .options import (
    HERE_ALONE,
    Cluster,
    Jobs,
    Outputs,
    Where,
    argument,
    command_group,
    config_dir,
    option,
    output_option,
    refuse_unheeded,
    workers,
    write_all,
)

app = command_group("ledger", "Read, prove, export and verify the ledger of decisions.")


@app.command("show")
def show(
    call: typer.Context,
    index: Annotated[int | None, argument("Print this entry's statement.", "[INDEX]", min=0)] = None,
    last: Annotated[int, option("--last", "How many entries to list.", "N", min=1)] = 20,
    output: Outputs = None,
    where: Where = HERE_ALONE,
) -> None:
    """List entries, or print one entry's statement."""
    outputs = parse_outputs(output, tuple(report.ENTRIES))
    if index is not None:
        refuse_unheeded(call, "one entry is printed, and not a list", "last")
    context = where.open()
    if index is not None:
        statement = recording.find_statement(context, index, config_dir())
        for item in outputs:
            write(item, report.render_statement(statement))
        return
    entries, checkpoint = recording.latest_entries(context, last, config_dir())
    write_all(outputs, report.ENTRIES, entries, checkpoint)


@app.command("prove")
def prove(
    index: Annotated[int, argument("The entry.", "INDEX", min=0)],
    output: Annotated[list[str] | None, output_option("table (default), json or tlog-proof (C2SP)")] = None,
    where: Where = HERE_ALONE,
) -> None:
    """Prove that an entry is in the ledger, to somebody who has nothing but its key."""
    outputs = parse_outputs(output, tuple(report.PROOFS))
    with reader(where.open(), config_dir()) as ledger:
        proof = proofs.prove(ledger, index)
    write_all(outputs, report.PROOFS, proof)


@app.command("export")
def export(
    call: typer.Context,
    path: Annotated[
        Path | None, argument("A new file; standard output if none.", "[FILE]", show_default=False)
    ] = None,
    form: Annotated[
        Literal["jsonl", "parquet"],
        option(
            "--format", "jsonl: all entries, then the checkpoint. parquet: decisions as columns, into a file."
        ),
    ] = "jsonl",
    output: Outputs = None,
    where: Where = HERE_ALONE,
) -> None:
    """Write all entries as JSON Lines, or decisions as Parquet; an existing file is never replaced."""
    outputs = parse_outputs(output, tuple(report.EXPORTS))
    if path is None:
        refuse_unheeded(call, "without a file, the entries are what is printed", "output")
    context = where.open()
    if form == "parquet":
        if path is None:
            raise UsageError("a Parquet file is not for standard output", remedy="name a new file")
        _export_columns(context, path, outputs)
        return
    with reader(context, config_dir()) as ledger:
        if path is None:
            for line in proofs.export(ledger):
                write_bytes(line)
            return
        size = write_new(path, proofs.export(ledger)) - 1
        sealed = ledger.checkpoint()
    write_all(outputs, report.EXPORTS, path, size, sealed)


def _export_columns(context: Context, path: Path, outputs: Sequence[Output]) -> None:
    """Write all decisions that count as Parquet."""
    from ..entries.reading import decisions
    from ..report.exchange.parquet import Parquet
    from .report.history import end_with

    file = Parquet()
    with reader(context, config_dir()) as ledger:
        rows = (recording.recorded_decision(ledger, one) for one in decisions(ledger))
        write_new(path, file.parts(ledger.verifier.name, rows))
        sealed = ledger.checkpoint()
    write_all(outputs, report.EXPORTS, path, file.rows, sealed, "decisions")
    end_with(file.unread)


@app.command("witness")
def witness(output: Outputs = None, where: Where = HERE_ALONE) -> None:
    """Have the latest checkpoint stamped and cosigned by those in gate.yaml; exit 2 when too few do."""
    outputs = parse_outputs(output, tuple(report.WITNESSED))
    found = ask(where.open(), config_dir())
    write_all(outputs, report.WITNESSED, found)
    for problem in found.problems:
        write_error(problem.diagnostics())
    raise typer.Exit(0 if found.enough else 2)


@app.command("verify")
def verify(
    key: Annotated[
        str | None,
        option("--key", "The log's verifier key, obtained elsewhere than from the ledger.", "VKEY"),
    ] = None,
    since: Annotated[
        str | None,
        option(
            "--since",
            "receipt: read only what was added since this machine last saw the ledger. FILE: a "
            "checkpoint kept elsewhere, which the ledger must extend.",
            "receipt|FILE",
        ),
    ] = None,
    full: Annotated[
        bool, option("--full", "Check all signatures, also of entries that a receipt or checkpoint covers.")
    ] = False,
    timestamp_anchor: Annotated[
        Path | None,
        option("--timestamp-anchor", "Check time stamps with the certificates in this PEM file.", "FILE"),
    ] = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    output: Outputs = None,
    where: Where = HERE_ALONE,
) -> None:
    """Check every line, signature, checkpoint and stored document; exit 1 when something does not fit."""
    from ..spread import spread_over

    outputs = parse_outputs(output, tuple(report.VERIFICATIONS))
    if full and since == recording.RECEIPT:
        raise UsageError("--full reads everything, --since receipt does not", remedy="give one of them")
    if not full and (jobs is not None or cluster is not None):
        raise UsageError("--jobs and --cluster are for checking everything", remedy="add --full")
    context = where.open()
    vouching = authorities(context, timestamp_anchor)
    split = workers(context, jobs, cluster) if full else (1, None)
    with progress(), spread_over(*split) as spread:
        by = spread if full else None
        found = recording.verify(context, key, config_dir(), vouching, since=since, full=full, spread=by)
    write_all(outputs, report.VERIFICATIONS, found)
    raise typer.Exit(0 if found.ok else 1)


@app.command("migrate")
def migrate(
    source: Annotated[str, argument("The ledger: a path or URL.", "FROM")],
    target: Annotated[str, argument("Where to copy it: a path or URL.", "TO")],
    evidence: Annotated[
        bool,
        option(
            "--evidence",
            "Copy evidence alone: FROM and TO are evidence stores, as ledger.evidence names them, or a "
            "database; all documents of the workspace's ledger must be there afterwards.",
        ),
    ] = False,
    output: Outputs = None,
    where: Where = HERE_ALONE,
) -> None:
    """Copy a ledger with its evidence, or evidence alone, and prove that both are equal."""
    from ..ledger.migrate import migrate as copy
    from ..ledger.migrate import migrate_evidence

    outputs = parse_outputs(output, tuple(report.MIGRATIONS))
    context = where.open()
    if evidence:
        reader(context, config_dir()).close()  # that there is a ledger is known before anything is copied
        referred = recording.documents_of_entries(context, config_dir())
        moved = migrate_evidence(source, target, referred, store_limits(context))
        write_all(outputs, report.EVIDENCE_MIGRATIONS, moved)
        return
    done = copy(source, target, context.authority.key_admins)
    write_all(outputs, report.MIGRATIONS, done)


@app.command("prepare")
def prepare(
    url: Annotated[str, argument("The database: postgresql://…", "URL")],
    writer: Annotated[
        list[str] | None, option("--writer", "A database role that may add to ledgers.", "ROLE")
    ] = None,
    reader_roles: Annotated[
        list[str] | None, option("--reader", "A database role that may read ledgers.", "ROLE")
    ] = None,
    output: Outputs = None,
) -> None:
    """Make the tables of ledgers in a PostgreSQL database, or bring them up to date."""
    from ..ledger.postgres.address import parse
    from ..ledger.postgres.schema import prepare as make

    outputs = parse_outputs(output, tuple(report.PREPARED))
    done = make(parse(url), tuple(writer or ()), tuple(reader_roles or ()))
    write_all(outputs, report.PREPARED, done)
