"""``gate ibkr rollback-drill``."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from ....evidence.base.errors import UsageError
from ....evidence.base.times import format_utc
from ....evidence.broker.drill.record import document
from ....evidence.broker.drill.run import Plan
from ....evidence.broker.port import Library
from ...broker import drill, evidence_files
from ...broker.running import inherited, run
from ...broker.target import target_of
from ...terminal.console import write_error
from ...terminal.outputs import parse_outputs, write
from ..options import HERE, Debug, Operator, Outputs, TrustRef, Verbose, Workspace, now, open_workspace
from .options import By, ClientId, ClientLibrary, File, Force, GatewayHost, GatewayPort, seconds_option

USUAL = "ROLLBACK_DRILL.json"


def rollback_drill(
    by: By,
    symbol: Annotated[
        str, typer.Option("--symbol", help="US stock of which a position is opened.", metavar="SYMBOL")
    ],
    quantity: Annotated[
        str, typer.Option("--quantity", help="How many; at most 1 % of the account's value.", metavar="N")
    ],
    halt: Annotated[
        list[str] | None,
        typer.Argument(help="The command that halts your trading system, after --.", metavar="[-- COMMAND…]"),
    ] = None,
    host: GatewayHost = "127.0.0.1",
    port: GatewayPort = 4002,
    client_id: ClientId = 72,
    library: ClientLibrary = Library.IB_ASYNC,
    trigger: Annotated[
        str | None,
        typer.Option(
            "--trigger", help="The trigger that is rehearsed, such as drawdown; recorded.", metavar="TEXT"
        ),
    ] = None,
    log: Annotated[
        list[Path] | None,
        typer.Option("--log", help="A log of your system to archive. Repeatable.", metavar="FILE"),
    ] = None,
    existing: Annotated[
        bool, typer.Option("--existing", help="Close and cancel what the account has already, too.")
    ] = False,
    seconds: Annotated[float, seconds_option("How long a step may take.")] = 60.0,
    file: File = None,
    force: Force = False,
    output: Outputs = None,
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Open a small position on the pinned paper account, roll it back step by step, and record the times."""
    outputs = parse_outputs(output, tuple(drill.DRILL))
    evidence_files.check_words("--by", by)
    evidence_files.check_words("--trigger", trigger)
    context = open_workspace(workspace, operator, trust_ref)
    path = evidence_files.target(context, file, "rollback", "drill", USUAL, force)
    target = target_of(context, host=host, port=port, client=client_id)
    plan = Plan(target, symbol, _quantity(quantity), seconds, existing)
    archive = f"{path.removesuffix('.json')}.logs.tar.gz"
    evidence_files.check_place(context, context.root / archive, force=force)
    around = drill.Surroundings(halt or (), inherited(), log or (), archive, force)
    begun = format_utc(now())
    found = run(drill.rehearse(context, plan, library.value, around, write_error))
    record = document(found, plan, begun, by, trigger, archive)
    command = f"gate ibkr rollback-drill --symbol {symbol} --quantity {quantity} --port {port}"
    data = evidence_files.to_file(record, "rollback_drill", path)
    evidence_files.write_evidence(context, context.root / path, data, now(), command, force=force)
    for item in outputs:
        write(item, drill.DRILL[item.format](found))
    if not drill.recovered(found):
        raise typer.Exit(1)


def _quantity(text: str) -> Decimal:
    try:
        found = Decimal(text)
        if found.is_finite() and 0 < found <= 1_000_000:
            return found
    except InvalidOperation:
        pass
    raise UsageError(f"--quantity {text[:40]!r} is no quantity", remedy="give a number above zero, such as 1")
