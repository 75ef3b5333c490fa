"""A port that can only look: connecting, and asking about accounts, positions, executions, contracts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Self

from ..clock import clock_after
from . import codes
from .connection import Connection
from .events import Events
from .model import (
    AccountValue,
    AccountValues,
    BrokerProblem,
    ConnectionChanged,
    ConnectionState,
    Event,
    Fill,
    Instrument,
    InstrumentDetails,
    Position,
    Problem,
    Settings,
    Traffic,
)
from .pacer import Pacer
from .requests import Requests

if TYPE_CHECKING:
    from ..adapters.library import LibraryAdapter, LibraryGateway

Sleep = Callable[[float], Awaitable[None]]


class Reader:
    """A connection that can only look.

    Nothing but the messages of ``codes.READING`` ever leaves it: every other one is refused where bytes are
    written. Every method that asks raises BrokerProblem: not connected, no answer in time, an error. The
    methods ``on_…`` receive what the gateway sends.
    """

    allowed: frozenset[int] | None = codes.READING

    def __init__(
        self, library: LibraryAdapter, settings: Settings, clock: Callable[[], int] | None, sleep: Sleep
    ) -> None:
        self._settings = settings
        self._now = clock or clock_after()
        self._events = Events()
        self._requests = Requests(settings.request_timeout_s)
        self._open = library.gateway
        self._gateway: LibraryGateway | None = None
        self._account = ""
        self.library = f"{library.name} {library.version}"
        """The client library and its version, such as ``ib_async 2.1.0``."""
        self.server_version = 0
        """The protocol version agreed on; 0 before the first connection."""
        self._highest_id = 0
        self._rows: list[AccountValue] = []
        self._pacer = Pacer(
            settings.messages_per_s,
            self.allowed,
            self._on_written,
            now=lambda: asyncio.get_running_loop().time(),
            later=lambda at, call: asyncio.get_running_loop().call_at(at, call),
        )
        self._connection = Connection(settings, self._establish, self._abandon, self._on_changed, sleep)

    @property
    def state(self) -> ConnectionState:
        """How the connection is."""
        return self._connection.state

    @property
    def traffic(self) -> Traffic:
        """What was written so far."""
        return self._pacer.traffic

    def events(self) -> AsyncIterator[Event]:
        """Everything that happens from this call on, in order; it ends when the port is closed."""
        return self._events.subscribe()

    # connecting

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connect; returns when the gateway answers and what it knows of our orders is known.

        Raises BrokerProblem: every try was in vain, the account is not there, or the client id is taken.
        """
        await self._connection.connect()

    async def disconnect(self) -> None:
        """End the connection; open orders stay open. ``connect`` may be called again."""
        await self._connection.disconnect()

    async def close(self) -> None:
        """Disconnect, and end the events."""
        await self.disconnect()
        self._events.end()

    async def _establish(self) -> None:
        gateway = self._gateway = self._open(self, self._wrapped)
        settings = self._settings
        await gateway.connect(settings.host, settings.port, settings.client_id)
        self.server_version = gateway.server_version
        self._account = self._chosen(gateway.accounts)
        await self._prepare()

    def _wrapped(self, write: Callable[[bytes], None]) -> Callable[[bytes], None]:
        self._pacer.attach(write)
        return self._pacer.send

    def _chosen(self, accounts: tuple[str, ...]) -> str:
        wanted = self._settings.account
        if wanted is None and len(accounts) == 1:
            return accounts[0]
        if wanted in accounts:
            return wanted
        if wanted is None:
            what, remedy = f"the gateway manages {len(accounts)} accounts", "name the one to work with"
        else:
            what = f"the gateway does not manage account {wanted}, but {', '.join(accounts[:5])}"
            remedy = "log the gateway in to the account that is pinned"
        raise BrokerProblem(what, remedy=remedy, permanent=True)

    async def _prepare(self) -> None:
        """What has to be known before the connection counts as established."""

    def _abandon(self) -> None:
        gateway, self._gateway = self._gateway, None
        if gateway is not None:
            gateway.close()
        self._cut_off("the connection was ended")

    def _cut_off(self, reason: str) -> None:
        self._pacer.detach()
        self._requests.fail_all(reason)

    def _up(self) -> LibraryGateway:
        if self._gateway is None or self.state not in (ConnectionState.CONNECTED, ConnectionState.IMPAIRED):
            why = f"{self.state}: {self._connection.reason}" if self._connection.reason else self.state
            what = f"not connected to {self._settings.host}:{self._settings.port} ({why})"
            raise BrokerProblem(what, remedy="connect first, or wait until it is connected again")
        return self._gateway

    def _next_id(self, gateway: LibraryGateway) -> int:
        self._highest_id = gateway.next_id(self._highest_id)
        return self._highest_id

    # asking

    async def accounts(self) -> tuple[str, ...]:
        """The accounts that the gateway manages."""
        return self._up().accounts

    async def account_values(self, account: str = "") -> AccountValues:
        """What the broker states of an account; empty takes the connection's."""
        gateway, account = self._up(), account or self._account

        def send() -> None:
            self._rows = []
            gateway.account_updates(account, subscribe=True)

        await self._requests.ask("account_updates", "account values", send)
        rows = tuple(self._rows)
        if self._gateway is gateway:
            gateway.account_updates(account, subscribe=False)
        return AccountValues(account, rows)

    async def positions(self) -> tuple[Position, ...]:
        """What all accounts hold."""
        found = await self._requests.ask("positions", "positions", self._up().positions)
        latest = {(one.account, one.instrument): one for one in found}
        return tuple(one for one in latest.values() if one.quantity)

    async def _executions(self, gateway: LibraryGateway) -> list[Fill]:
        request = self._next_id(gateway)
        return await self._requests.ask(request, "executions", lambda: gateway.executions(request))

    async def contract(self, instrument: Instrument) -> InstrumentDetails:
        """The one instrument that fits. Raises BrokerProblem: none (code 200) or several do."""
        gateway = self._up()
        request = self._next_id(gateway)
        found: list[InstrumentDetails] = await self._requests.ask(
            request, f"instrument {instrument.symbol}", lambda: gateway.contract(request, instrument)
        )
        if len(found) != 1:
            what = f"{len(found)} instruments fit {instrument.symbol} {instrument.sec_type}"
            raise BrokerProblem(what, remedy="say more of it: exchange, primary exchange or con_id", code=200)
        return found[0]

    # what the gateway sends

    def on_account_value(self, account: str, value: AccountValue) -> None:
        """A row of an account."""
        if "account_updates" in self._requests:
            self._rows.append(value)

    def on_position(self, position: Position) -> None:
        """A position."""
        self._requests.part("positions", position)

    def on_contract(self, request: int, details: InstrumentDetails) -> None:
        """An instrument that fits."""
        self._requests.part(request, details)

    def on_end(self, request: int | str) -> None:
        """The answer to a request is complete."""
        self._requests.end(request)

    def on_execution(self, request: int, fill: Fill, client_id: int) -> None:
        """A fill."""
        self._requests.part(request, fill)

    def ignored(self, *_: Any, **__: Any) -> None:
        """What only a connection that trades takes in."""

    on_open_order = on_what_if = on_completed_order = on_status = on_commission = on_price = ignored

    def on_error(self, request: int, code: int, text: str) -> None:
        """An error, warning or notice."""
        if codes.warns_of_rate(code, text):
            self._pacer.warnings += 1
        if code == codes.LOST:
            self._connection.impaired(text)
        elif code in (codes.RESTORED, codes.RESTORED_WITHOUT_DATA) and self._connection.restored(text):
            self._on_restored()
        if request in self._requests and not codes.warns(code):
            self._requests.fail(request, self._refusal(code, text))
        self._about_order(request, code, text)

    def _refusal(self, code: int, text: str) -> BrokerProblem:
        return BrokerProblem(
            f"error {code}: {text}", remedy="gate docs ibkr lists what error codes mean", code=code
        )

    def _about_order(self, request: int, code: int, text: str) -> None:
        self._events.emit(lambda: Problem(code, text, ""))

    def _on_restored(self) -> None:
        """The gateway has the broker again."""

    def on_closed(self, reason: str) -> None:
        """The connection has ended, and not because we ended it."""
        self._gateway = None
        self._cut_off(reason)
        self._connection.lost(reason)

    def on_unreadable(self, error: BaseException) -> None:
        """A message could not be decoded or processed."""
        text = f"a message of the gateway could not be read: {type(error).__name__}: {error}"
        self._events.emit(lambda: Problem(-1, text, ""))

    def _on_written(self, number: int, order_id: int) -> None:
        """A message has left."""

    def _on_changed(self, state: ConnectionState, attempt: int, reason: str) -> None:
        self._events.emit(lambda: ConnectionChanged(state, attempt, reason))
