"""Runs a rollback drill over the broker port.

A small position is opened and two orders rest far from the market; then comes the way back: halt, cancel,
disconnect, reconnect, flatten, verify, each with its time. However it ends, what it opened is closed and
cancelled before it returns. A step that fails is not listed as done, and the drill goes on with what is left
to be saved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import ROUND_FLOOR, Decimal

from msgspec import Struct, field

from ...base.errors import GateError, masked
from ...base.numbers import counted
from ..port import Broker, BrokerProblem, Instrument, OrderState, Side
from ..safety import Target, check_target
from .desk import Desk, names, orders, told
from .journal import Journal

STEPS = ("halt", "cancel_orders", "disconnect", "reconnect", "flatten", "verify")
MOST_EXPOSURE = Decimal("0.01")
"""What the position may be worth, as a share of the account's net liquidation value."""
REST = Decimal("0.1")
"""How far from the market the orders rest, as a share of its price."""
_LEAVE_STEPS = 4
"""How long a drill that went wrong tries to close what it opened, in times of a step."""
_LEAVE_LEAST_S = 10.0
_LEAVE_TRIES = 3
"""How often it trades for that."""


class Plan(Struct, frozen=True):
    """What is rehearsed.

    Attributes:
        target: the gateway and the pinned account.
        symbol, quantity: the position that is opened, of a US stock.
        step_s: how long a step may take, in seconds.
        existing: whether positions and orders that are there already are closed and cancelled, too.
    """

    target: Target
    symbol: str
    quantity: Decimal
    step_s: float = 60.0
    existing: bool = False


class Drill(Struct):
    """What came of a drill. Steps have milliseconds since the trigger; what was not read is None."""

    library: str = ""
    exposure: str = ""
    steps: list[tuple[str, int]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    """Step, and what went wrong in it."""
    total_ms: int = 0
    nav_before: Decimal | None = None
    nav_after: Decimal | None = None
    all_flat: bool | None = None
    open_orders: int | None = None
    archived: str | None = None
    """SHA-256 of the archive of the logs; None if there is none."""
    left: str | None = None
    """What could not be closed in the end; None when nothing is open."""


class Runner:
    """One drill.

    Args:
        broker: not yet connected, and not one that reconnects by itself.
        journal: gets everything that happens.
        halt: stops the trading system, and says what went wrong; None when there is none but this drill.
        archive: keeps the logs, and gives the archive's SHA-256.
        told: gets a line about each step.
    """

    def __init__(
        self,
        plan: Plan,
        broker: Broker,
        journal: Journal,
        halt: Callable[[], Awaitable[str | None]] | None,
        archive: Callable[[bytes], str],
        told: Callable[[str], None],
    ) -> None:
        self._plan, self._broker, self._journal = plan, broker, journal
        self._halt_system, self._archive, self._told = halt, archive, told
        self._desk = Desk(broker, plan.target, journal, plan.step_s)
        self._resting: list[str] = []
        self._trigger_us = 0
        self.drill = Drill()

    async def run(self) -> Drill:
        """Do the drill; whatever happens, nothing that it opened stays open if the broker lets it.

        Raises Refused: the account is not the pinned paper one; BrokerProblem: there is no gateway, the
        account is not empty, or the position would be too large or cannot be opened.
        """
        check_target(self._plan.target)
        listening = asyncio.ensure_future(self._listen())
        try:
            await self._desk.connect()
            await self._open()
            self._trigger_us = self._journal.now()
            self._journal.write("trigger")
            for name in STEPS:
                if not await self._step(name, getattr(self, f"_{name}")):
                    break
            self.drill.total_ms = dict(self.drill.steps).get("verify", max(self._since(), 1))
        finally:
            try:
                await self._leave()
            finally:
                await self._broker.close()
                listening.cancel()
        return self.drill

    async def _listen(self) -> None:
        async for event in self._broker.events():
            self._journal.take(event)

    def _since(self) -> int:
        """Milliseconds since the trigger, rounded up."""
        return -(-(self._journal.now() - self._trigger_us) // 1000)

    async def _open(self) -> None:
        """Open the position, and leave two orders resting."""
        plan, drill, desk = self._plan, self.drill, self._desk
        drill.library = self._broker.library
        held, placed = await desk.positions(), await self._broker.open_orders()
        if (held or placed) and not plan.existing:
            raise BrokerProblem(
                f"the account is not empty: it has {names(held) or 'no position'} and {orders(len(placed))}",
                remedy="close them first, or add --existing: then the drill closes and cancels them, too",
            )
        nav = await desk.nav()
        details = await self._broker.contract(Instrument(plan.symbol))
        instrument, tick = details.instrument, details.tick
        quote = await self._broker.quote(instrument)
        price = quote.ask or quote.last
        if nav is None or price is None or tick <= 0:
            known = ("net liquidation value", nav), (f"price of {plan.symbol}", price)
            what = next((name for name, value in known if value is None), f"price step of {plan.symbol}")
            raise BrokerProblem(f"the broker states no {what}", remedy="subscribe to its market data")
        if plan.quantity * price > nav * MOST_EXPOSURE:
            most = f"{MOST_EXPOSURE * 100:f} % of the account's value"
            remedy = "take a smaller --quantity: the drill needs a position, not a large one"
            raise BrokerProblem(f"{plan.quantity:f} {plan.symbol} are worth more than {most}", remedy=remedy)
        self._told(f"opening {plan.quantity:f} {plan.symbol}")
        report = await desk.trade(instrument, Side.BUY, plan.quantity)
        if report.state is not OrderState.FILLED:
            remedy = "check that the market is open and the account may trade it"
            raise BrokerProblem(f"the position was not opened: its order is {told(report)}", remedy=remedy)
        for side, factor in ((Side.BUY, 1 - REST), (Side.SELL, 1 + REST)):
            limit = (price * factor / tick).to_integral_value(ROUND_FLOOR) * tick
            self._resting.append(await desk.place(instrument, side, plan.quantity, limit))
        for name in self._resting:
            await desk.rests(name)
        cost = report.average_price or price
        rest = f"{counted(len(self._resting), 'order')} resting"
        drill.exposure = f"{plan.quantity:f} {plan.symbol} bought at {cost:f}, {rest}"
        drill.nav_before = await desk.nav()

    # the steps, named as in STEPS; each says what went wrong

    async def _step(self, name: str, step: Callable[[], Awaitable[str | None]]) -> bool:
        """Do a step, and note its time or its failure; whether the next one makes sense."""
        self._told(name.replace("_", " "))
        try:
            async with asyncio.timeout(self._plan.step_s):
                problem = await step()
        except TimeoutError:
            problem = f"it took longer than {self._plan.step_s:g} s"
        except GateError as error:
            problem = masked(error.what)
        if problem is None:
            self.drill.steps.append((name, self._since()))
            self._journal.write("done", step=name)
        else:
            self.drill.failures.append((name, problem))
            self._journal.write("failed", step=name, problem=problem)
            self._told(f"{name} failed: {problem}")
        return name != "reconnect" or problem is None

    async def _halt(self) -> str | None:
        """Stop the trading system; the drill itself only closes and cancels from here on."""
        return None if self._halt_system is None else await self._halt_system()

    async def _cancel_orders(self) -> str | None:
        """Cancel every order; one that is filled meanwhile was not cancelled."""
        if left := await self._desk.cancel_all():
            return f"still open: {orders(left)}"
        filled = [report.filled for report in await self._desk.settled(self._resting) if report.filled]
        if filled:
            return f"{sum(filled):f} {self._plan.symbol} were filled before their orders were cancelled"
        return None

    async def _disconnect(self) -> None:
        await self._broker.disconnect()

    async def _reconnect(self) -> None:
        await self._desk.connect()

    async def _flatten(self) -> str | None:
        """Close every position, and cancel what a failed step left open."""
        left = await self._desk.clear()
        return f"{left} could not be closed" if left else None

    async def _verify(self) -> None:
        """Ask the broker how the account stands, and archive the logs."""
        drill = self.drill
        drill.all_flat = not await self._desk.positions()
        drill.open_orders = len(await self._broker.open_orders())
        drill.nav_after = await self._desk.nav()
        self._journal.write("verified", flat=drill.all_flat, open_orders=drill.open_orders)
        drill.archived = self._archive(self._journal.data())

    async def _leave(self) -> None:
        """Cancel and close what is open, once orders were placed; say what could not be."""
        if not self._desk.placed:
            return
        problem, tries = "how the account stands is not known", 0
        with suppress(TimeoutError):
            async with asyncio.timeout(max(_LEAVE_STEPS * self._plan.step_s, _LEAVE_LEAST_S)):
                while tries < _LEAVE_TRIES:
                    try:
                        await self._desk.ensure_connected()
                        left = await self._desk.clear()
                        if left is None:
                            return
                        problem, tries = f"{left} could not be closed", tries + 1
                    except BrokerProblem as error:
                        problem = error.what
                    except GateError as error:  # not the account that was pinned: nothing may be sent to it
                        problem = error.what
                        break
                    await asyncio.sleep(1)
        self.drill.left = masked(problem)
        self._journal.write("left", problem=problem)
        self._told(f"STILL OPEN, close it by hand: {self.drill.left}")
