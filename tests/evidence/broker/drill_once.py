"""A rollback drill with a client library, which is the argument: a program that prints its result."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from decimal import Decimal

from gate.evidence.broker.drill.journal import Journal
from gate.evidence.broker.drill.run import Plan, Runner
from gate.evidence.broker.port import Library, Settings, open_broker
from gate.evidence.broker.safety import Target
from gate.evidence.broker.simulator.scenario import Scenario
from gate.evidence.broker.simulator.server import Server


async def main() -> None:
    """Drill against a gateway of this process."""
    seen = []
    async with Server(Scenario(), seen.append) as server:
        target = Target("DUSIM0000001", server.port, client=72)
        settings = Settings(server.port, 72, account=target.account, reconnect=False)
        journal = Journal(lambda: time.time_ns() // 1000)
        broker = open_broker(Library(sys.argv[1]), settings, clock=journal.now)
        plan = Plan(target, "SPY", Decimal(10))
        drill = await Runner(plan, broker, journal, None, lambda log: str(len(log) > 0), print).run()
    steps = [step for step, _ in drill.steps]
    found = {"steps": steps, "flat": drill.all_flat, "open": drill.open_orders, "failures": drill.failures}
    sys.stdout.write(json.dumps({"library": drill.library, **found}) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
