"""``gate ibkr probe`` and ``import-account``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from ....evidence.base.errors import UsageError, masked
from ....evidence.base.times import format_utc, parse_rfc3339
from ....evidence.broker.port import Library
from ....evidence.broker.probe.dump import choose, import_record, read_dump
from ....evidence.broker.probe.record import Record
from ....evidence.broker.probe.run import SAMPLES, Plan, probe
from ....evidence.reading.workspace import check_relative
from ....evidence.reading.workspace.named import read_named
from ...broker.account import RENDERERS, load_attestation
from ...broker.evidence_files import check_place, write_evidence
from ...broker.target import pinned_account, record_path, slas_us, target_of
from ...context import Context
from ...people.provenance import check_finished
from ...terminal.console import progress
from ...terminal.outputs import Output, parse_outputs, write
from ..options import HERE_ALONE, Outputs, Where, argument, now, option
from .options import ClientId, ClientLibrary, Force, GatewayHost, GatewayPort

Attested = Annotated[
    Path | None,
    option(
        "--attested",
        "Permissions and limits that somebody vouches for (YAML): signed by the risk officer, or kept "
        "outside of the workspace.",
        "FILE",
    ),
]
To = Annotated[
    Path | None,
    option("--to", "The record; by default where the settings look for it.", "FILE"),
]


def import_account(
    file: Annotated[Path, argument("JSON, printed text or CSV.", "FILE")],
    account: Annotated[str | None, option("--account", "One of several in the dump.", "ID")] = None,
    at: Annotated[
        str | None,
        option("--at", "When it was dumped, which a dump does not say.", "TIME"),
    ] = None,
    attested: Attested = None,
    to: To = None,
    force: Force = False,
    output: Outputs = None,
    where: Where = HERE_ALONE,
) -> None:
    """Record an account from a dump of `accountSummary()` by ib_async or ib_insync.

    What the dump does not say is recorded as unknown.
    """
    outputs = parse_outputs(output, tuple(RENDERERS))
    context = where.open()
    path = _place(context, to, force)
    found = read_dump(read_named(file, UsageError, "name the dump"), str(file))
    stated = choose(found, account, pinned_account(context))
    attestation = None if attested is None else load_attestation(context, attested, stated.account, now())
    made = import_record(stated, len(found) - 1, _moment(at), attestation, masked(file.name))
    _finish(context, path, made, outputs, f"gate ibkr import-account {masked(file.name)}", force=force)


def probe_account(
    host: GatewayHost = "127.0.0.1",
    port: GatewayPort = 4002,
    client_id: ClientId = 71,
    library: ClientLibrary = Library.IB_ASYNC,
    samples: Annotated[
        int, option("--samples", "How often each request is measured.", min=1, max=100)
    ] = SAMPLES,
    ask_read_only: Annotated[
        bool,
        option(
            "--ask-read-only", "Ask for open orders (message 5), which a gateway with Read-Only API refuses."
        ),
    ] = False,
    attested: Attested = None,
    to: To = None,
    force: Force = False,
    output: Outputs = None,
    where: Where = HERE_ALONE,
) -> None:
    """Read the pinned paper account from a gateway, without being able to trade, and record it."""
    outputs = parse_outputs(output, tuple(RENDERERS))
    context = where.open()
    path = _place(context, to, force)
    target = target_of(context, host=host, port=port, client=client_id)
    attestation = None if attested is None else load_attestation(context, attested, target.account, now())
    plan = Plan(target, library.value, samples, ask_read_only, slas_us(context))
    with progress():
        made = asyncio.run(probe(plan, attestation))
    asked = " --ask-read-only" * ask_read_only
    command = f"gate ibkr probe --port {port} --library {library.value}{asked}"
    _finish(context, path, made, outputs, command, force=force)


def _place(context: Context, to: Path | None, force: bool) -> Path:
    path = context.root / check_relative(record_path(context)) if to is None else to
    check_place(context, path, force=force)
    return path


def _moment(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        moment = parse_rfc3339(text)
    except ValueError as error:
        raise UsageError(str(error), remedy="give --at a time with its zone") from error
    check_finished(moment, now())
    return format_utc(moment)


def _finish(
    context: Context, path: Path, made: Record, outputs: list[Output], command: str, *, force: bool
) -> None:
    write_evidence(context, path, made.data(), now(), command, force=force)
    for item in outputs:
        write(item, RENDERERS[item.format](made))
