"""The cases of the conformance suite: what the gateway is like in each, and what the program is told to do.

A program runs once for each case. It learns its task from the environment (``variables``), never the case:
it cannot tell a gateway that will fail from one that will not. docs/conformance.md describes the tasks.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from ..simulator.scenario import Scenario, parse_scenario

NAME = "BROKER_CONFORMANCE.json"
VERSION = "1"
"""Of the cases and of what their figures mean. Evidence of another version has to be made again."""

ACCOUNT = "DUSIM0000042"
LIVE_ACCOUNT = "U0000042"
"""Looks like an account with real money, and is one of the simulator's, too."""
CLIENT_ID = 7
RESTING = Decimal("1.00")
"""A limit at which no order to buy is filled."""
REFUSED = {"SPY": 201, "QQQ": 103, "AAPL": 200, "MSFT": 321, "IWM": 434}
"""The code with which an order for each symbol is refused in the case ``reject``."""
MOST_TRIES = 10
"""Connections in a row that end unheard, after which a case is over: the program would go on for ever."""
MOST_MESSAGES = 20_000
"""Messages of the program after which a case is over."""


class Asked(Struct, frozen=True):
    """An order that a task asks for; ``limit`` is None for one at the market."""

    symbol: str
    action: str
    quantity: Decimal
    limit: Decimal | None = None


def _buy(symbol: str, quantity: int = 10, limit: Decimal | None = None) -> Asked:
    return Asked(symbol, "BUY", Decimal(quantity), limit)


IN_TURN = (_buy("SPY"), _buy("QQQ"), _buy("AAPL"))
TASKS: Mapping[str, tuple[Asked, ...]] = {
    "account": (),
    "orders": (_buy("SPY"), _buy("QQQ", limit=RESTING)),
    "reject": (
        *(_buy(symbol) for symbol in REFUSED),
        *(Asked(symbol, "SELL", Decimal(10)) for symbol in REFUSED),
    ),
    "burst": (_buy("SPY", 1, RESTING),),
    "disconnect": IN_TURN,
    "shutdown": (_buy("SPY", limit=RESTING), _buy("QQQ", limit=RESTING)),
}
"""The orders that each task asks for. ``reject`` asks to sell only what was bought, which nothing is."""

_FAST = (
    "{acknowledge: {median_us: 2000}, work: {median_us: 1000},"
    " fill: {median_us: 3000}, cancel: {median_us: 2000}}"
)
_USUAL = f"format: gate.ibkr.scenario/v1\nseed: 42\naccount: {ACCOUNT}\nlatency: {_FAST}\n"
_REFUSALS = "".join(
    f"  - {{fault: error, at: received, symbol: {symbol}, code: {code}"
    f"{', outcome: discarded' if code != 201 else ''}}}\n"
    for symbol, code in REFUSED.items()
)
_SCENARIOS = {
    "account": "faults:\n  - {fault: error, at: started, code: 2106}\n",
    # the fill and the cancel are slow: a program that does not wait for what it is told sends too early
    "orders": "faults:\n"
    "  - {fault: error, at: acknowledged, symbol: SPY, code: 399}\n"
    "  - {fault: delay, at: working, symbol: SPY, delay_ms: 300}\n"
    "  - {fault: delay, at: acknowledged, symbol: QQQ, delay_ms: 300}\n",
    "reject": "instruments: [{symbol: SPY, price: 450}, {symbol: QQQ, price: 380},"
    " {symbol: AAPL, price: 190}, {symbol: MSFT, price: 370}, {symbol: IWM, price: 220}]\nfaults:\n"
    + _REFUSALS,
    "burst": "pacing: {messages_per_s: null}\nfaults:\n"
    "  - {fault: error, at: received, number: 20, code: 100, outcome: none}\n",
    "disconnect": "fill_parts: 2\nfaults:\n  - {fault: drop, at: filling, number: 2, refuse_ms: 2500}\n",
    "gone": "fill_parts: 2\nfaults:\n  - {fault: drop, at: filling, number: 2, refuse_ms: 3600000}\n",
    "outage": "faults:\n  - {fault: outage, at: acknowledged, number: 2, outage_ms: 1500, data: lost}\n",
    "shutdown": "",
    "live": "",
}


class Case(Struct, frozen=True):
    """One run of the program: its name, the task that the program is told, and the gateway's scenario."""

    name: str
    task: str

    @property
    def scenario(self) -> Scenario:
        """What the gateway is like."""
        return _scenario(self.name)

    @property
    def told_to_stop(self) -> bool:
        """Whether the program gets SIGTERM once its orders work."""
        return self.name == "shutdown"

    def variables(self, host: str, port: int) -> dict[str, str]:
        """What the program finds in its environment."""
        return {
            "GATE_IBKR_HOST": host,
            "GATE_IBKR_PORT": str(port),
            "GATE_IBKR_CLIENT_ID": str(CLIENT_ID),
            "GATE_IBKR_ACCOUNT": ACCOUNT,
            "GATE_IBKR_TASK": self.task,
        }


@functools.cache
def _scenario(name: str) -> Scenario:
    text = f"{_USUAL}name: {name}\n{_SCENARIOS[name]}"
    made = parse_scenario(text.encode(), f"the case {name}")
    return replace(made, account=LIVE_ACCOUNT) if name == "live" else made


CASES = tuple(
    Case(name, {"gone": "disconnect", "outage": "disconnect", "live": "orders"}.get(name, name))
    for name in _SCENARIOS
)
"""In the order in which they are run."""
