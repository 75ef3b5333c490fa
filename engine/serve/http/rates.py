"""Limits on how often: a bucket of requests for each client, which fills again with time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Network, ip_address
from typing import Final

_KEPT: Final = 10_000
"""Clients that are remembered, the latest ones."""


class Rates:
    """Counts the requests of each client; twice as many as in a second may come at once."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._most = 2.0 * per_second
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, client: str) -> bool:
        """Whether the client may send one more request now, which is then counted."""
        now = self._clock()
        left, before = self._left.pop(client, (self._most, now))
        left = min(self._most, left + (now - before) * self._per_second)
        allowed = left >= 1
        self._left[client] = (left - 1 if allowed else left, now)
        while len(self._left) > _KEPT:
            self._left.popitem(last=False)
        return allowed


def counted_as(address: str) -> str:
    """The client that an address is counted as, with or without a port: of IPv6, whoever has the network of
    64 bits, in which everybody may choose as many addresses as there are.
    """
    host = address.removeprefix("[").partition("]")[0]
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return address
    if found.version == 6:
        return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False))
    return str(found)
