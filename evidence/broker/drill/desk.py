"""What a drill does at the broker: orders on the checked account only, and the way to none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

from ...base.errors import masked
from ...base.numbers import counted
from ..port import (
    Broker,
    BrokerProblem,
    ConnectionState,
    Instrument,
    OrderIntent,
    OrderReport,
    OrderState,
    OrderType,
    Position,
    Side,
)
from ..safety import Target, check_accounts
from .journal import Journal

_ROUNDS = 3
"""How often positions are closed that the broker still shows."""
_POLL_S = 0.02
_ASK_S = 0.1
"""How often the broker is asked again."""
_SHOWN_S = 5.0
"""How long the broker may take to show a position as it is after a fill."""


class Desk:
    """A broker, and the one account that orders may be for.

    Args:
        broker: not yet connected.
        step_s: how long a step may take; a market order gets half of that, cancelling a third.
    """

    def __init__(self, broker: Broker, target: Target, journal: Journal, step_s: float) -> None:
        self.broker = broker
        self._target, self._journal = target, journal
        self._fill_s, self._cancel_s = step_s / 2, step_s / 3
        self._prefix = f"drill-{journal.now() // 1000}"
        self._checked = False
        self._trading: list[str] = []
        """Ids of market orders."""
        self.placed: list[str] = []
        """Ids of all orders."""

    async def connect(self) -> None:
        """Connect, and refuse everything but the pinned paper account.

        Raises Refused: the login manages another; BrokerProblem: there is no connection.
        """
        self._checked = False
        await self.broker.connect()
        check_accounts(self._target, await self.broker.accounts())
        self._checked = True

    async def ensure_connected(self) -> None:
        """Connect unless that is so already."""
        if self.broker.state is not ConnectionState.CONNECTED or not self._checked:
            await self.connect()

    async def nav(self) -> Decimal | None:
        """The account's net liquidation value; None where the broker does not state it."""
        return (await self.broker.account_values(self._target.account)).amount("NetLiquidation")

    async def positions(self) -> list[Position]:
        """What the account holds."""
        found = await self.broker.positions()
        return [one for one in found if one.account == self._target.account and one.quantity]

    async def place(
        self, instrument: Instrument, side: Side, quantity: Decimal, limit: Decimal | None = None
    ) -> str:
        """Place an order: its id. Raises BrokerProblem: the account was not checked, or no connection."""
        if not self._checked:
            raise BrokerProblem("the account was not checked", remedy="report it: no order may leave then")
        name = f"{self._prefix}-{len(self.placed) + 1}"
        kind = OrderType.MKT if limit is None else OrderType.LMT
        intent = OrderIntent(name, instrument, side, quantity, kind, limit, self._target.account)
        self._journal.write("intent", order=name, side=side, quantity=quantity, symbol=instrument.symbol)
        self.placed.append(name)  # before it may leave: whatever happens then, its fate is asked for
        if limit is None:
            self._trading.append(name)
        await self.broker.place(intent)
        return name

    async def trade(self, instrument: Instrument, side: Side, quantity: Decimal) -> OrderReport:
        """Place a market order and wait for its end; how it stands then, or when patience ends."""
        name = await self.place(instrument, side, quantity)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.broker.outcome(name), self._fill_s)
        return self.broker.order(name)

    async def rests(self, name: str) -> None:
        """Wait until an order works. Raises BrokerProblem: it ended, or does not work in time."""

        def works() -> bool:
            report = self.broker.order(name)
            if report.state.settled:
                raise BrokerProblem(f"an order that should rest is {told(report)}", remedy="try again")
            return report.state is OrderState.ACKNOWLEDGED

        await until(works, self._fill_s, f"the order {name} is not acknowledged")

    async def cancel_all(self) -> int:
        """Cancel every order of the account, and wait until none is open: how many still are."""
        left = len(await self.broker.open_orders())
        if left:
            await self.broker.cancel_all()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._cancel_s):
                while left:
                    left = len(await self.broker.open_orders())
                    await asyncio.sleep(_ASK_S if left else 0)
        return left

    async def settled(self, names: list[str]) -> list[OrderReport]:
        """How these orders ended. Raises BrokerProblem: that is not known."""
        for name in names:

            def settled(name: str = name) -> bool:
                return self.broker.order(name).state.settled

            await until(settled, _SHOWN_S, f"what became of the order {name} is not known")
        return [self.broker.order(name) for name in names]

    async def clear(self) -> str | None:
        """Cancel every order, then close every position, even where one cannot be cancelled: what is left.

        Raises BrokerProblem: what became of a market order is not known, so that none may be placed.
        """
        left = await self.cancel_all()
        if not await self._known():
            raise BrokerProblem("what became of an order is not known", remedy="look at the account")
        parts = (names(await self.close_positions()), orders(left) if left else "")
        return " and ".join(filter(None, parts)) or None

    async def close_positions(self) -> list[Position]:
        """Sell what is held and buy back what is short: what is left of it."""
        held = await self.positions()
        for _ in range(_ROUNDS):
            if not held or not await self._known():
                break
            reports = []
            for one in held:
                side = Side.SELL if one.quantity > 0 else Side.BUY
                reports.append(await self.trade(one.instrument, side, abs(one.quantity)))
            if not all(report.state in (OrderState.FILLED, OrderState.CANCELED) for report in reports):
                break  # refused, or on its way
            left = _size(held) - sum((report.filled for report in reports), Decimal())
            held = await self._shown(left)
        return held

    async def _known(self) -> bool:
        """Whether it is known how each market order ended; one that is on its way is cancelled.

        Otherwise it could still open a position, and another order could close one that it closes.
        """

        def unknown() -> list[str]:
            sent = {report.intent_id: report.state for report in self.broker.orders()}
            states = [(name, sent[name]) for name in self._trading if name in sent]
            return [name for name, state in states if not state.final and state is not OrderState.ERROR]

        for name in unknown():
            await self.broker.cancel(name)
        with suppress(BrokerProblem):
            await until(lambda: not unknown(), self._cancel_s, "orders are on their way")
        return not unknown()

    async def _shown(self, left: Decimal) -> list[Position]:
        """The positions as soon as the broker shows that so much is left, or after a while."""
        held = await self.positions()
        with suppress(TimeoutError):
            async with asyncio.timeout(_SHOWN_S):
                while _size(held) != left:
                    await asyncio.sleep(_ASK_S)
                    held = await self.positions()
        return held


async def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for something to become true. Raises BrokerProblem: it does not in time; ``what`` says so."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise BrokerProblem(what, remedy="look at the gateway, then run the drill again") from None


def told(report: OrderReport) -> str:
    """An order's state, and what the broker said about it."""
    return f"{report.state}{f': {masked(report.text)}' if report.text else ''}"


def names(positions: list[Position]) -> str:
    """Positions for people: ``10 SPY, -5 QQQ``."""
    return ", ".join(f"{one.quantity:f} {one.instrument.symbol}" for one in positions)


def orders(number: int) -> str:
    """So many orders, for people."""
    return counted(number, "order")


def _size(positions: list[Position]) -> Decimal:
    return sum((abs(one.quantity) for one in positions), Decimal())
