"""``gate ibkr benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ....evidence.base.errors import masked
from ....evidence.base.times import format_utc
from ....evidence.broker.benchmark.measure import measure
from ....evidence.broker.port import Library
from ....evidence.reading.workspace import check_relative
from ...broker.baseline import BENCHMARK, CONTRACT, baseline, compare
from ...broker.evidence_files import check_place, to_file, write_evidence
from ...broker.session import options
from ...terminal.console import progress
from ...terminal.outputs import parse_outputs, write
from ..options import HERE_ALONE, Outputs, Quiet, Where, now, option
from .options import ClientLibrary, Seed


def benchmark(
    scenario: Annotated[
        Path | None,
        option(
            "--scenario -s",
            "Whose delays the mock has (YAML); its faults are left out.",
            "FILE",
            envvar="GATE_IBKR_SCENARIO",
        ),
    ] = None,
    seed: Seed = None,
    orders: Annotated[int, option("--orders", "How many are measured.", "N", min=20, max=100_000)] = 500,
    library: ClientLibrary = Library.IB_ASYNC,
    force: Annotated[bool, option("--force", "Replace the baseline.")] = False,
    output: Outputs = None,
    where: Where = HERE_ALONE,
    quiet: Quiet = False,
) -> None:
    """Measure order latency against the simulator on this machine, and record the mock baseline."""
    outputs = parse_outputs(output, tuple(BENCHMARK))
    context = where.open()
    file = context.root / check_relative(options(context).mock)
    check_place(context, file, force=force)
    with progress(wanted=not quiet):
        measured = measure(library.value, scenario, seed, orders)
    finished = now()
    made_from = f" --scenario {masked(scenario.name)}" if scenario else ""
    command = f"gate ibkr benchmark{made_from} --seed {measured.seed} --orders {orders}"
    made = to_file(baseline(measured, format_utc(finished)), CONTRACT, options(context).mock)
    write_evidence(context, file, made, finished, command, force=force, quiet=quiet)
    found = compare(context, measured)
    for item in outputs:
        write(item, BENCHMARK[item.format](found))
