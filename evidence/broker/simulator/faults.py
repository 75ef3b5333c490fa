"""Which faults of a scenario meet an order or a connection."""

from __future__ import annotations

from collections.abc import Iterator

from .orders import Order
from .scenario import Fault
from .wire import Connection, Wire

MESSAGES = {
    100: "Max rate of messages per second has been exceeded",
    103: "Duplicate order id",
    200: "No security definition has been found for the request",
    201: "Order rejected - reason:rejected by the scenario",
    202: "Order Canceled - reason:",
    321: "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode.",
    326: "Unable to connect as the client id is already in use. Retry with a unique client id.",
    387: "Unsupported order type for this exchange and security type.",
    399: "Order Message: your order will not be placed at the exchange until the market opens",
}
"""Texts of error codes, where a scenario gives none."""

OF_THE_CONNECTION = frozenset({100, 1100, 1101, 1102, 1300, *range(2100, 2160)})
"""Codes that are about no order, whatever made the gateway send them."""

_OUTCOMES = {
    201: "inactive",
    202: "cancelled",
    **dict.fromkeys((100, 103, 110, 200, 321, 387, 460), "discarded"),
}
"""What becomes of a new order after an error code; of all others nothing."""


def message_of(fault: Fault) -> tuple[int, str]:
    """The error code of a fault and its text."""
    code = 201 if fault.code is None else fault.code
    return code, fault.message or MESSAGES.get(code, f"error {code} of the scenario")


def outcome_of(fault: Fault, *, new: bool) -> str:
    """What becomes of an order after an error: ``inactive``, ``cancelled``, ``discarded`` or ``none``.

    Only an order that is not yet acknowledged can be discarded: nothing is ever said about it again.
    """
    outcome = fault.outcome or _OUTCOMES.get(message_of(fault)[0], "none")
    return "none" if outcome == "discarded" and not new else outcome


class Faults:
    """The faults of a session, and how often each has happened."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._counts = [0] * len(wire.scenario.faults)

    def meeting(
        self, phase: str, number: int, connection: Connection | None, order: Order | None = None
    ) -> Iterator[Fault]:
        """The faults that meet the n-th order or connection in this phase, in the scenario's order."""
        for index, fault in enumerate(self._wire.scenario.faults):
            if fault.at != phase or not self._meets(index, fault, number, order):
                continue
            self._counts[index] += 1
            about = {} if order is None else order.about()
            self._wire.event("fault", connection, fault=fault.fault, at=phase, number=number, **about)
            yield fault

    def _meets(self, index: int, fault: Fault, number: int, order: Order | None) -> bool:
        symbol, chance = None if order is None else order.instrument.symbol, fault.chance_ppm
        return (
            (fault.times is None or self._counts[index] < fault.times)
            and fault.number in (None, number)
            and (fault.every is None or number % fault.every == 0)
            and fault.symbol in (None, symbol)
            and (chance is None or self._wire.draw("fault", index, number) < chance / 1_000_000)
        )

    def strike(self, fault: Fault, connection: Connection | None) -> None:
        """Let a drop, an outage or an error happen to a connection.

        A drop closes it, and refuses new ones for as long as the fault says.
        """
        wire = self._wire
        if fault.fault == "outage":
            wire.begin_outage(fault)
        elif fault.fault == "error":
            wire.error(connection, -1, *message_of(fault))
            if fault.code == 326 and connection is not None:
                wire.close(connection, "refused by the scenario")
        elif fault.fault == "drop":
            if fault.refuse_ms:
                wire.refused_until = wire.now + fault.refuse_ms * 1000
            if connection is not None:
                wire.close(connection, "dropped by the scenario")
