"""Waiting for what becomes of orders, and cancelling those that take too long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from ..port import Broker, BrokerProblem, ConnectionState, OrderState
from ..safety import Target, check_accounts
from .recorder import Recorder

_PATIENCE_S = 10.0
"""How long is waited for the answers to cancels."""
_AGAIN_S = 2.0
"""After this time a cancel is asked for again: the connection may have been lost with it."""
_LOOK_S = 0.005
_HOPEFUL = (ConnectionState.CONNECTED, ConnectionState.IMPAIRED, ConnectionState.RECONNECTING)


class Settler:
    """Settles the orders of a session, and reports how they stand afterwards.

    Args:
        target: the pinned account; the gateway is asked for its accounts again before each cancel.
    """

    def __init__(self, broker: Broker, target: Target, recorder: Recorder) -> None:
        self._broker, self._target = broker, target
        self._recorder = recorder

    def is_open(self, intent_id: str) -> bool:
        """Whether the order may be open at the broker."""
        state = self._broker.order(intent_id).state
        return not state.final and state is not OrderState.ERROR

    async def settle(self, intent_id: str, wait_s: float) -> None:
        """Wait until an order has ended; cancel it when its time is over.

        Raises Refused: as ``cancel`` does.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._broker.outcome(intent_id), wait_s)
        await self.cancel([intent_id])

    async def cancel(self, intent_ids: Iterable[str]) -> None:
        """Cancel those of these orders that are open, wait for what becomes of them, and report all.

        Raises Refused: the gateway manages other accounts now; no cancel was sent to it.
        """
        names = list(intent_ids)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await asyncio.gather(*map(self._cancel, names))
        for name in names:
            self._recorder.report(self._broker.order(name))

    async def _cancel(self, intent_id: str) -> None:
        clock = asyncio.get_running_loop().time
        ask_at = clock()
        while self.is_open(intent_id) and self._broker.state in _HOPEFUL:
            if clock() >= ask_at:
                with suppress(BrokerProblem):
                    check_accounts(self._target, await self._broker.accounts())
                    await self._broker.cancel(intent_id)
                    ask_at = clock() + _AGAIN_S
            await asyncio.sleep(_LOOK_S)
        if not self.is_open(intent_id):
            await self._broker.outcome(intent_id)
