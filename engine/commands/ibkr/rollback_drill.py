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
from ..options import HERE_ALONE, Outputs, Where, argument, now, option
from .options import By, ClientId, ClientLibrary, File, Force, GatewayHost, GatewayPort, seconds_option

USUAL = "ROLLBACK_DRILL.json"


def rollback_drill(
    by: By,
    symbol: Annotated[str, option("--symbol", "US stock of which a position is opened.", "SYMBOL")],
    quantity: Annotated[str, option("--quantity", "How many; at most 1 % of the account's value.", "N")],
    halt: Annotated[
        list[str] | None,
        argument("The command that halts your trading system, after --.", "[-- COMMAND…]"),
    ] = None,
    host: GatewayHost = "127.0.0.1",
    port: GatewayPort = 4002,
    client_id: ClientId = 72,
    library: ClientLibrary = Library.IB_ASYNC,
    trigger: Annotated[
        str | None,
        option("--trigger", "The trigger that is rehearsed, such as drawdown; recorded.", "TEXT"),
    ] = None,
    log: Annotated[
        list[Path] | None,
        option("--log", "A log of your system to archive. Repeatable.", "FILE"),
    ] = None,
    existing: Annotated[
        bool, option("--existing", "Close and cancel what the account has already, too.")
    ] = False,
    seconds: Annotated[float, seconds_option("How long a step may take.")] = 60.0,
    file: File = None,
    force: Force = False,
    output: Outputs = None,
    where: Where = HERE_ALONE,
) -> None:
    """Open a small position on the pinned paper account, roll it back step by step, and record the times."""
    outputs = parse_outputs(output, tuple(drill.DRILL))
    evidence_files.check_words("--by", by)
    evidence_files.check_words("--trigger", trigger)
    context = where.open()
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
