"""A rollback drill for a workspace: its broker, the halt command, the archive of the logs, its reports."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...evidence.base.errors import EnvironmentProblem, GateError, UsageError, masked
from ...evidence.broker.drill.journal import OWN, Journal, pack
from ...evidence.broker.drill.run import STEPS, Drill, Plan, Runner
from ...evidence.broker.port import Library, Settings, open_broker
from ...evidence.broker.preflight import preflight
from ...evidence.broker.safety import Refused, check_library, check_target
from ...evidence.process.programs import find, not_found
from ...evidence.process.programs import run as run_program
from ...evidence.reading.files import read_regular
from ..context import Context
from ..people import sshsign
from ..report.json_format import render_json
from ..terminal.lines import to_bytes

MOST_LOG_BYTES = 64 << 20
"""Size of one log that is archived."""
MOST_OUTPUT_BYTES = 1 << 20
"""What the halt command may write."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a drill works with.

    Attributes:
        halt: the command that stops the trading system; empty when there is none.
        environment: of that command.
        logs: files of the trading system that are archived.
        archive: where to, relative to the workspace.
    """

    halt: Sequence[str]
    environment: Mapping[str, str]
    logs: Sequence[Path]
    archive: str
    force: bool


async def rehearse(
    context: Context, plan: Plan, library: str, around: Surroundings, told: Callable[[str], None]
) -> Drill:
    """Run a drill to its end.

    Raises Refused: anything but the pinned paper account, before an order left; BrokerProblem: as the runner
    says; UsageError: a log cannot be read, there is no such halt command, or the client library is missing.
    """
    check_target(plan.target)
    check_library(library)
    _read(around.logs)  # what cannot be archived afterwards is said before anything is traded
    if around.halt and find(around.halt[0], Path.cwd(), around.environment) is None:
        what = f"the halt command cannot be started: {not_found(around.halt[0], Path.cwd())}"
        raise UsageError(what, remedy="install it, make it executable, or correct its name")
    gateway = await preflight(plan.target, ask_read_only=True)
    if gateway.read_only:
        remedy = "switch off Read-Only API in the API settings of TWS or IB Gateway, for the drill only"
        raise Refused("the gateway refuses orders: its Read-Only API is on", remedy=remedy)
    start = time.time_ns() - time.monotonic_ns()
    journal = Journal(lambda: (start + time.monotonic_ns()) // 1000)
    target = plan.target
    settings = Settings(target.port, target.client, target.host, account=target.account, reconnect=False)
    broker = open_broker(Library(library), settings, clock=journal.now)
    halt = _halting(around, plan.step_s) if around.halt else None

    def archive(log: bytes) -> str:
        data = pack({OWN: log, **_read(around.logs)})
        _keep(context, around, data)
        return hashlib.sha256(data).hexdigest()

    return await Runner(plan, broker, journal, halt, archive, told).run()


def _halting(around: Surroundings, seconds: float) -> Callable[[], Awaitable[str | None]]:
    async def halt() -> str | None:
        try:
            done = await asyncio.to_thread(
                run_program,
                around.halt,
                Path.cwd(),
                seconds=seconds,
                most_bytes=MOST_OUTPUT_BYTES,
                environment=around.environment,
                shown="the halt command",
            )
        except GateError as error:
            return error.what
        return None if done.code == 0 else f"the halt command ended with exit code {done.code}"

    return halt


def _read(logs: Sequence[Path]) -> dict[str, bytes]:
    """The logs by the names that they have in the archive."""
    found: dict[str, bytes] = {}
    for number, path in enumerate(logs, 1):
        try:
            data = read_regular(path, MOST_LOG_BYTES + 1)
        except OSError as error:
            remedy = "name a readable file with --log"
            raise UsageError(f"cannot be read: {error.strerror}", path=str(path), remedy=remedy) from error
        if len(data) > MOST_LOG_BYTES:
            remedy = "rotate it, and name the parts"
            raise UsageError(f"is larger than {MOST_LOG_BYTES} bytes", path=str(path), remedy=remedy)
        found[f"logs/{number}-{masked(path.name)}"] = data
    return found


def _keep(context: Context, around: Surroundings, data: bytes) -> None:
    folder, _, name = around.archive.rpartition("/")
    try:
        sshsign.keep(context, folder, {name: data}, replace=around.force)
    except FileExistsError as error:
        what = "there is such an archive already"
        raise EnvironmentProblem(what, path=around.archive, remedy="add --force, or move it away") from error


def archive_for(context: Context, path: str, force: bool) -> str:
    """Where the logs of the drill recorded at ``path`` are archived.

    Raises UsageError: there is such a file, and it is not to be replaced.
    """
    archive = f"{path.removesuffix('.json')}.logs.tar.gz"
    if os.path.lexists(context.root / archive) and not force:
        remedy = "add --force to replace it, or move it away"
        raise UsageError("there is such an archive already", path=archive, remedy=remedy)
    return archive


def recovered(drill: Drill) -> bool:
    """Whether every step was done, and the broker shows an empty account."""
    return (
        [name for name, _ in drill.steps] == list(STEPS) and bool(drill.all_flat) and drill.open_orders == 0
    )


def _table(drill: Drill) -> bytes:
    lines = [f"exposure       {drill.exposure}"]
    lines += [f"{name:<14} done after {done} ms" for name, done in drill.steps]
    lines += [f"{name:<14} FAILED: {problem}" for name, problem in drill.failures]
    shown = {True: "yes", False: "NO", None: "not checked"}
    lines.append(f"all flat       {shown[drill.all_flat]}")
    lines.append(f"open orders    {'not checked' if drill.open_orders is None else drill.open_orders}")
    lines.append(f"value          {drill.nav_before} before, {drill.nav_after} after")
    if drill.left is not None:
        lines.append(f"STILL OPEN     {drill.left}")
    return to_bytes(lines)


def _json(drill: Drill) -> bytes:
    values = {name: None if value is None else f"{value:f}" for name, value in (
        ("nav_before", drill.nav_before), ("nav_after", drill.nav_after)
    )}  # fmt: skip
    return render_json(
        {
            "recovered": recovered(drill),
            "library": drill.library,
            "exposure": drill.exposure,
            "steps": [{"step": name, "completed_ms": done} for name, done in drill.steps],
            "failures": [{"step": name, "problem": problem} for name, problem in drill.failures],
            "total_recovery_ms": drill.total_ms,
            "all_flat": drill.all_flat,
            "open_orders": drill.open_orders,
            **values,
            "archive_sha256": drill.archived,
            "left": drill.left,
        }
    )


DRILL: dict[str, Callable[[Drill], bytes]] = {"table": _table, "json": _json}
