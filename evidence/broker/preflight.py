"""A first, short connection that asks a gateway who it is, before any client library speaks to it.

It is written byte by byte from here: the greeting, startApi (71), and only if that is wanted reqOpenOrders
(5), a question that changes nothing. So a live account, a second client with the same id and a gateway that
refuses orders are found before a message exists that could be one.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from .port.model import BrokerProblem
from .protocol.frames import frame_of
from .safety import Target, check_accounts, check_target, refusal

TIMEOUT_S = 10.0
"""How long the whole conversation may take."""
_ANSWER_S = 3.0
"""How long the answer about open orders may take; none is none."""
_AGAIN_S = (0.5, 2.0)
"""When a connection is tried again whose client id was just given back."""
_VERSIONS = b"v157..176"
"""Versions that both client libraries speak as well."""
_FRAME_BYTES = 1 << 20
_START, _OPEN_ORDERS = 71, 5
_ERROR, _NEXT_ID, _ACCOUNTS, _OPEN_ORDERS_END = "4", "9", "15", "53"
_CLOSING_S = 1.0


async def preflight(target: Target, *, ask_read_only: bool) -> bool | None:
    """Connect, find out which accounts the gateway manages, and disconnect.

    Returns whether its Read-Only API is on; None if it was not asked, or the answer says neither.

    Args:
        ask_read_only: whether to ask for this client's open orders. While Read-Only API is on, a gateway
            answers with error 321; otherwise with the orders.

    Raises Refused: as ``check_target`` and ``check_accounts`` say, or the client's id is in use;
    BrokerProblem: nobody listens, or what answers is no gateway, or it does not answer in time.
    """
    check_target(target)
    where = f"{target.host}:{target.port}"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(target.host, target.port)
            try:
                return await _Conversation(target, reader, writer).run(ask_read_only)
            finally:
                writer.close()
    except TimeoutError as error:
        remedy = (
            "enable socket clients in the API settings of TWS or IB Gateway, confirm the question about an "
            "incoming connection there, and check --client-id"
        )
        raise BrokerProblem(f"{where} does not answer as a gateway in time", remedy=remedy) from error
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or "it closed the connection"
        remedy = (
            "start TWS or IB Gateway with the paper account, and enable socket clients in its API settings"
        )
        raise BrokerProblem(f"no gateway can be reached at {where}: {why}", remedy=remedy) from error


async def preflight_for_orders(target: Target) -> None:
    """Find out whether a gateway would take orders for the pinned account.

    Raises Refused: its Read-Only API is on; else as :func:`preflight`.
    """
    read_only = await preflight(target, ask_read_only=True)
    if read_only and (refused := refusal(321, target.client)) is not None:
        raise refused


async def after_preflight(connect: Callable[[], Awaitable[object]]) -> None:
    """Connect with the client id that a preflight has just found to be free.

    A gateway may hold an id for a moment after its connection has ended; error 326 is tried again, twice.

    Raises BrokerProblem: as ``connect`` does.
    """
    for wait in (*_AGAIN_S, None):
        try:
            await connect()
            return
        except BrokerProblem as problem:
            if problem.code != 326 or wait is None:
                raise
            await asyncio.sleep(wait)


class _Conversation:
    def __init__(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._target, self._reader, self._writer = target, reader, writer

    async def run(self, ask_read_only: bool) -> bool | None:
        self._writer.write(b"API\0" + struct.pack(">I", len(_VERSIONS)) + _VERSIONS)
        fields = await self._receive()
        if len(fields) != 2 or not (fields[0].isascii() and fields[0].isdigit() and len(fields[0]) < 6):
            raise self._odd("its greeting has no protocol version")
        self._writer.write(frame_of([str(_START), "2", str(self._target.client), ""]))
        accounts, ready = None, False
        async for name, rest in self._messages():
            if name == _ACCOUNTS and len(rest) >= 2:
                accounts = tuple(one for one in rest[1].split(",") if one)
            ready = ready or name == _NEXT_ID
            if accounts is not None and ready:
                break
        check_accounts(self._target, accounts or ())
        read_only = None
        if ask_read_only:
            with suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER_S):
                    read_only = await self._ask()
        await self._end()
        return read_only

    async def _ask(self) -> bool | None:
        """Whether the gateway hides orders; None where another error answers."""
        self._writer.write(frame_of([str(_OPEN_ORDERS), "1"]))
        async for name, rest in self._messages():
            if name == _OPEN_ORDERS_END:
                return False
            if name == _ERROR and len(rest) >= 4 and rest[2] == "321":
                return True if "read-only" in rest[3].lower() else None
        return None

    async def _messages(self) -> AsyncIterator[tuple[str, list[str]]]:
        while True:
            name, *rest = await self._receive()
            if name == _ERROR and rest[2:3] == ["326"] and (found := refusal(326, self._target.client)):
                raise found
            yield name, rest

    async def _receive(self) -> list[str]:
        (length,) = struct.unpack(">I", await self._reader.readexactly(4))
        if not 0 < length <= _FRAME_BYTES:
            raise self._odd(f"a message of {length} bytes")
        return (await self._reader.readexactly(length)).decode(errors="replace").split("\0")[:-1] or [""]

    async def _end(self) -> None:
        """Close, and wait until the gateway has closed as well, so that it gives the client's id free."""
        self._writer.write_eof()
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(_CLOSING_S):
                while await self._reader.read(65536):
                    pass

    def _odd(self, what: str) -> BrokerProblem:
        where = f"{self._target.host}:{self._target.port}"
        remedy = "name the port of TWS (7497) or IB Gateway (4002)"
        return BrokerProblem(f"{where} does not speak the protocol of a gateway: {what}", remedy=remedy)
