"""Handler and execution client against a scripted session: orders, errors, pacing, reconnection, paper only."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from algo_trade.core.execution.broker_codes import Action, OrderState, action_for, state_of
from algo_trade.core.execution.IBKR_handler import (
    BrokerError,
    ConnectionConfig,
    IBKRHandler,
    LiveAccountRefusedError,
    NotConnectedError,
)
from order_plane.broker.ibkr_exec_client import IBKRExecClient, IntentRefusedError, utc_now
from order_plane.pacing import BROKER_LIMIT_PER_SECOND
from tests.e2e.fake_ib import FakeIB

pytestmark = pytest.mark.e2e
ACCOUNT = "DU1234567"


def make(fake: FakeIB, **options: Any) -> IBKRHandler:
    return IBKRHandler(ConnectionConfig(ACCOUNT, **options), fake, fake.types, fake.clock, fake.sleep)


def intent(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "event_type": "order_intent",
        "intent_id": f"{number:016x}",
        "symbol": "SPY",
        "direction": "BUY",
        "quantity": 10,
        "order_type": "LMT",
        "limit_price": 580.5,
        "timestamp": "2025-12-04T14:31:00Z",
        "strategy_id": "mean-variance-v1",
        "risk_checks": {
            "within_box_limit": True,
            "within_gross_limit": True,
            "pnl_kill_switch": False,
            "drawdown_kill_switch": False,
        },
        **changes,
    }


def run(fake: FakeIB, *intents: dict[str, Any]) -> tuple[IBKRExecClient, list[dict[str, Any]]]:
    """Connect, place the intents, let half a second pass, and return the client and its reports."""
    client = IBKRExecClient(make(fake), now=lambda: datetime(2025, 12, 4, 14, 31, tzinfo=UTC))

    async def session() -> list[dict[str, Any]]:
        assert await client.connect() == ACCOUNT
        for one in intents:
            await client.place(one)
        await fake.sleep(0.5)
        return await client.poll_reports()

    return client, asyncio.run(session())


def test_reports_follow_the_contract_and_tell_every_outcome(root: Path) -> None:
    contract = json.loads((root / "contracts" / "execution_report.schema.json").read_text(encoding="utf-8"))
    fake = FakeIB(script=["fill", "partial", "rest", "reject", "silent", "warn"])
    client, reports = run(fake, *(intent(n) for n in range(6)))
    assert [r["status"] for r in reports] == [
        "FILLED",
        "PARTIAL_FILL",
        "ACKNOWLEDGED",
        "REJECTED",
        "TIMEOUT",
        "ACKNOWLEDGED",
    ]
    for report in reports:
        jsonschema.validate(report, contract)
    assert reports[0]["average_fill_price"] == 580.5
    assert reports[0]["costs"]["commission"] == pytest.approx(0.70)
    assert reports[0]["latency"]["submit_to_ack_ms"] == pytest.approx(40, abs=1.5)
    assert reports[3]["reject_code"] == 201 and "margin" in reports[3]["reject_reason"]
    assert reports[2]["costs"]["commission"] is None
    assert client.health() == {"connected": True, "session": "exec", "open_orders": 4, "escalations": []}
    assert asyncio.run(client.poll_reports()) == []


def test_an_intent_is_placed_once_and_types_reach_the_wire_as_the_broker_spells_them() -> None:
    fake = FakeIB()
    run(fake, intent(1), intent(1), intent(2, order_type="MKT", limit_price=None, direction="SELL"))
    assert [kind for _, kind in fake.sent] == ["LMT", "MKT"]


@pytest.mark.parametrize(
    "changes",
    [
        {"order_type": "MARKET"},
        {"risk_checks": {}},
        {
            "risk_checks": {
                "within_box_limit": True,
                "within_gross_limit": True,
                "pnl_kill_switch": True,
                "drawdown_kill_switch": False,
            }
        },
    ],
)
def test_a_bad_intent_never_leaves(changes: dict[str, Any]) -> None:
    fake = FakeIB()
    with pytest.raises(IntentRefusedError):
        run(fake, intent(**changes))
    assert fake.sent == []


def test_cancel_and_the_fill_that_wins_the_race() -> None:
    fake = FakeIB(script=["rest", "fill"])
    client, _ = run(fake, intent(1))

    async def session() -> list[OrderState]:
        await client.cancel(1)
        await fake.sleep(0.1)
        late = await client.place(intent(2))
        await fake.sleep(0.045)
        await client.cancel(late)
        await fake.sleep(0.1)
        again = await client.cancel(late)
        reports = await client.poll_reports()
        await client.disconnect()
        return [OrderState(r["status"]) for r in reports] + [again]

    assert asyncio.run(session()) == [OrderState.CANCELED, OrderState.FILLED, OrderState.FILLED]
    assert not fake.up


def test_account_and_positions() -> None:
    fake = FakeIB()
    fake.holdings = {"SPY": 20, "IWM": 0}
    handler = make(fake)

    async def session() -> tuple[dict[str, float], dict[str, float]]:
        await handler.connect()
        return await handler.get_account_info(), await handler.get_positions()

    info, positions = asyncio.run(session())
    assert info["nav"] == 1_000_000 and info["margin_cushion"] == 0.97 and "AccountType" not in info
    assert positions == {"SPY": 20}
    del fake.summary["BuyingPower"]
    with pytest.raises(BrokerError, match="lacks buying_power"):
        asyncio.run(handler.get_account_info())


def test_a_burst_stays_below_the_brokers_limit_and_error_100_makes_a_pause() -> None:
    fake = FakeIB()
    handler = make(fake)

    async def session() -> None:
        await handler.connect()
        await asyncio.gather(*(handler.get_positions() for _ in range(60)))
        fake.errorEvent.emit(-1, 100, "Max rate of messages per second has been exceeded", None)
        before = fake.now
        await handler.get_positions()
        assert fake.now >= before + 1.0

    asyncio.run(session())
    times = [at for at, _ in fake.sent]
    assert max(sum(1 for other in times if at <= other < at + 1) for at in times) < BROKER_LIMIT_PER_SECOND


def test_reconnection_backs_off_reconciles_and_subscribes_again() -> None:
    fake = FakeIB(script=["partial"])
    handler = make(fake)

    async def session() -> tuple[int, float, OrderState]:
        await handler.connect()
        ticker = await handler.subscribe_market_data("SPY")
        assert await handler.subscribe_market_data("SPY") is ticker
        record = await handler.place_order("SPY", "BUY", 10, ref="r1")
        await fake.sleep(0.1)
        fake.errorEvent.emit(-1, 1100, "Connectivity has been lost", None)
        assert not handler.connected
        with pytest.raises(NotConnectedError):
            await handler.get_positions()
        record.trade = type(record.trade)(**{**vars(record.trade), "fills": []})  # the drop orphans what we hold
        fake.refusals = 2
        before = fake.now
        attempt = await handler.reconnect()
        return attempt, fake.now - before, await handler.get_order_status(record.order_id)

    attempt, waited, state = asyncio.run(session())
    assert attempt == 3 and 7.0 <= waited < 7.5
    assert state is OrderState.PARTIAL_FILL
    assert [kind for _, kind in fake.sent].count("market data") == 2


def test_a_lost_session_is_taken_up_again_before_orders_are_asked_for() -> None:
    fake = FakeIB(script=["rest"])
    client, _ = run(fake, intent(1))
    fake.errorEvent.emit(-1, 1100, "Connectivity has been lost", None)
    assert not client.health()["connected"]
    asyncio.run(client.poll_reports())
    assert client.health()["connected"] and fake.up


def test_reconnection_gives_up_after_three_tries_and_a_restored_line_needs_none() -> None:
    fake = FakeIB()
    handler = make(fake)

    async def session() -> None:
        await handler.connect()
        fake.errorEvent.emit(-1, 1100, "lost", None)
        fake.errorEvent.emit(-1, 1102, "restored", None)
        assert handler.connected
        fake.hang = True
        await handler.reconnect()

    with pytest.raises(NotConnectedError, match="gave up after 3 tries"):
        asyncio.run(session())


def test_live_trading_is_refused_by_port_by_prefix_and_by_pin() -> None:
    for port in (7496, 4001, 80):
        with pytest.raises(LiveAccountRefusedError, match="paper-trading port"):
            ConnectionConfig(ACCOUNT, port=port)
    with pytest.raises(LiveAccountRefusedError, match="pinned account"):
        ConnectionConfig("U7654321")
    for accounts, why in ((["U7654321"], "not a paper"), ([], "not a paper"), (["DU7654321"], "pinned")):
        fake = FakeIB(accounts)
        with pytest.raises(LiveAccountRefusedError, match=why):
            asyncio.run(make(fake).connect())
        assert not fake.up


def test_a_forged_port_is_refused_again_before_the_socket_opens() -> None:
    fake = FakeIB()
    handler = make(fake)
    object.__setattr__(handler.config, "port", 7496)
    with pytest.raises(LiveAccountRefusedError):
        asyncio.run(handler.connect())
    assert not fake.up


def test_impossible_requests_are_refused() -> None:
    fake = FakeIB()
    handler = make(fake, read_only=True)

    async def session() -> None:
        await handler.connect()
        with pytest.raises(ValueError, match="bad order"):
            await handler.place_order("SPY", "HOLD", 1)
        with pytest.raises(BrokerError, match="read-only"):
            await handler.place_order("SPY", "BUY", 1)
        with pytest.raises(BrokerError, match="knows no instrument NOPE"):
            await handler.subscribe_market_data("NOPE")
        for number in range(100):
            await handler.subscribe_market_data(f"S{number}")
        with pytest.raises(BrokerError, match="subscriptions"):
            await handler.subscribe_market_data("ONE_MORE")

    asyncio.run(session())
    with pytest.raises(KeyError):
        asyncio.run(handler.get_order_status(99))


def test_a_message_that_nobody_knows_reaches_a_person() -> None:
    fake = FakeIB()
    client, _ = run(fake, intent())
    fake.errorEvent.emit(-1, 2158, "Sec-def data farm connection is OK", None)
    fake.errorEvent.emit(-1, 10999, "something new", None)
    assert client.health()["escalations"] == [10999]
    assert action_for(103) is Action.REJECT and action_for(399) is Action.WARN
    assert utc_now().tzinfo is UTC


@pytest.mark.parametrize(
    ("status", "filled", "error", "expected"),
    [
        ("PreSubmitted", 0, None, OrderState.SUBMITTED),
        ("Submitted", 0, None, OrderState.ACKNOWLEDGED),
        ("PendingCancel", 0, None, OrderState.ACKNOWLEDGED),
        ("Submitted", 4, None, OrderState.PARTIAL_FILL),
        ("Filled", 10, None, OrderState.FILLED),
        ("Filled", 0, None, OrderState.ACKNOWLEDGED),
        ("Filled", 4, None, OrderState.PARTIAL_FILL),
        ("Cancelled", 10, 202, OrderState.FILLED),
        ("Cancelled", 0, 201, OrderState.REJECTED),
        ("Cancelled", 0, 202, OrderState.CANCELED),
        ("ApiCancelled", 0, None, OrderState.CANCELED),
        ("Inactive", 0, None, OrderState.REJECTED),
        ("ValidationError", 0, 399, OrderState.ACKNOWLEDGED),
        ("ValidationError", 0, 321, OrderState.REJECTED),
        ("ValidationError", 0, None, OrderState.ERROR),
        ("Nonsense", 0, None, OrderState.ERROR),
    ],
)
def test_states_come_from_status_fills_and_errors_together(
    status: str, filled: float, error: int | None, expected: OrderState
) -> None:
    assert state_of(status, filled, 10, error) is expected
