"""What the broker's error codes and message numbers mean to the port.

Sources: the message codes of the TWS API, and what the gateway was seen to do with them.
"""

from __future__ import annotations

READING = frozenset({6, 7, 9, 17, 49, 61, 62, 71, 76})
"""Messages of a connection that can only look: start, account, positions, executions, contracts, the time."""

PLACE = 3

RATE = 100
"""Too many messages per second; the message was ignored. Code 0 may warn of it before."""
READ_ONLY = 321
"""The request is not valid; also: the gateway takes no orders (Read-Only API)."""
CLIENT_ID_TAKEN = 326
LOST, RESTORED_WITHOUT_DATA, RESTORED = 1100, 1101, 1102
"""The gateway's connection to the broker."""

REFUSALS = frozenset(
    {103, 104, 109, 110, 111, 113, 116, 131, 132, 200, 201, 203, 321, 387, 388, 391, 434, 435, 436, 460, 463}
)
"""They end a new order, nothing more is said about it. About an order that works already, they are about a
change of it, and it lives on. What is neither here nor a status (399, 404, 2109, 10349 and other warnings)
never ends an order, whatever a client library makes of it."""

UNKNOWN_ORDER = frozenset({135, 10147})
"""Answers to a request to cancel: there is no such order."""

DELAYED = 10167
"""Prices will be delayed ones; they follow."""


def warns(code: int) -> bool:
    """Whether a code only informs: about connections to data farms, or about an order that lives on."""
    return code in (0, 399, 404, 10349, DELAYED) or 2100 <= code < 2200


def warns_of_rate(code: int, text: str) -> bool:
    """Whether the gateway complains of the number of messages."""
    return code == RATE or (code == 0 and "max rate" in text.lower())
