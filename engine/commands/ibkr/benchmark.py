"""``gate ibkr benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ....evidence.base.atomic import put_file
from ....evidence.base.errors import masked
from ....evidence.base.times import format_utc
from ....evidence.broker.benchmark.measure import measure
from ....evidence.broker.port import Library
from ...broker.session.baseline import BENCHMARK, baseline, compare
from ...broker.session.files import check_place, options, state
from ...terminal.console import progress, write_error
from ...terminal.outputs import parse_outputs, write
from ..options import HERE, Debug, Operator, Outputs, Quiet, TrustRef, Verbose, Workspace, now, open_workspace


def benchmark(
    scenario: Annotated[
        Path | None,
        typer.Option(
            "--scenario",
            "-s",
            envvar="GATE_IBKR_SCENARIO",
            help="Whose delays the mock has (YAML); its faults are left out.",
            metavar="FILE",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Instead of the scenario's.", min=0, metavar="N")
    ] = None,
    orders: Annotated[
        int, typer.Option("--orders", help="How many are measured.", min=20, max=100_000, metavar="N")
    ] = 500,
    library: Annotated[
        Library, typer.Option("--library", envvar="GATE_IBKR_LIBRARY", help="The client library.")
    ] = Library.IB_ASYNC,
    force: Annotated[bool, typer.Option("--force", help="Replace the baseline.")] = False,
    output: Outputs = None,
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Measure order latency against the simulator on this machine, and record the mock baseline."""
    outputs = parse_outputs(output, tuple(BENCHMARK))
    context = open_workspace(workspace, operator, trust_ref)
    path = options(context).mock
    check_place(context.root, path, force=force)
    with progress(wanted=not quiet):
        measured = measure(library.value, scenario, seed, orders)
    finished = now()
    put_file(context.root, path, baseline(measured, format_utc(finished)))
    made_from = f" --scenario {masked(scenario.name)}" if scenario else ""
    command = f"gate ibkr benchmark{made_from} --seed {measured.seed} --orders {orders}"
    stated, problem = state(context, [path], finished, command)
    if not quiet:
        for one in (path, *stated):
            write_error(f"wrote {one}")
    if problem is not None:
        write_error(problem)
    found = compare(context, measured)
    for item in outputs:
        write(item, BENCHMARK[item.format](found))
