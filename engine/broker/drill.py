"""A rollback drill for a workspace: its broker, the halt command, the archive of the logs, its reports."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from ...evidence.base.atomic import put_file
from ...evidence.base.errors import GateError, UsageError, masked
from ...evidence.broker.clock import clock_after
from ...evidence.broker.drill.journal import OWN, Journal
from ...evidence.broker.drill.run import STEPS, Drill, Plan, Runner
from ...evidence.broker.port import Library, Settings, open_broker
from ...evidence.broker.preflight import preflight_for_orders
from ...evidence.broker.safety import check_library, check_target
from ...evidence.process.programs import located
from ...evidence.process.programs import run as run_program
from ...evidence.reading.tar import pack
from ...evidence.reading.workspace.named import read_followed
from ..context import Context
from ..report.json_format import render_json
from ..terminal.lines import to_bytes

MOST_LOG_BYTES = 64 << 20
"""Size of one log that is archived."""
MOST_OUTPUT_BYTES = 1 << 20
"""What the halt command may write."""


class Surroundings(Struct, frozen=True):
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
    says; UsageError: a log cannot be read, or the client library is missing; EnvironmentProblem: there is no
    such halt command.
    """
    check_target(plan.target)
    check_library(library)
    pack(_read(around.logs), UsageError)  # what cannot be archived is refused before anything is traded
    if around.halt:
        located(around.halt, Path.cwd(), around.environment, "the halt command")
    await preflight_for_orders(plan.target)
    journal = Journal(clock_after())
    target = plan.target
    settings = Settings(target.port, target.client, target.host, account=target.account, reconnect=False)
    broker = open_broker(Library(library), settings, clock=journal.now)
    halt = _halting(around, plan.step_s) if around.halt else None

    def archive(log: bytes) -> str:
        data = pack({OWN: log, **_read(around.logs)}, UsageError)
        put_file(context.root, around.archive, data, replace=around.force)
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
    remedy = "name readable files with --log, of a log that is too large its parts"
    return {
        f"logs/{number}-{masked(path.name)}": read_followed(path, UsageError, remedy, MOST_LOG_BYTES)
        for number, path in enumerate(logs, 1)
    }


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
    shown = asdict(drill)
    shown["steps"] = [{"step": name, "completed_ms": done} for name, done in drill.steps]
    shown["failures"] = [{"step": name, "problem": problem} for name, problem in drill.failures]
    for name in ("nav_before", "nav_after"):
        shown[name] = None if shown[name] is None else f"{shown[name]:f}"
    left, archived = shown.pop("left"), shown.pop("archived")
    shown["total_recovery_ms"] = shown.pop("total_ms")
    return render_json({"recovered": recovered(drill), **shown, "archive_sha256": archived, "left": left})


DRILL: dict[str, Callable[[Drill], bytes]] = {"table": _table, "json": _json}
