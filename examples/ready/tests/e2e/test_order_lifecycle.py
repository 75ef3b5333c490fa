"""Orders go through their eight states against the broker mock, and the books balance."""

from __future__ import annotations

import itertools

import pytest

from tests.e2e.ibkr_mock import TRANSITIONS, Faults, IBKRMock, IllegalTransitionError, OrderState

pytestmark = pytest.mark.e2e


def test_a_day_of_orders_ends_with_balanced_books(broker: IBKRMock) -> None:
    ids = [broker.place_order("SPY", "BUY" if k % 3 else "SELL", 10 + k) for k in range(40)]
    broker.advance(5_000)
    orders = [broker.orders[i] for i in ids]
    assert {order.state for order in orders} == {OrderState.FILLED}
    bought = sum(o.filled if o.direction == "BUY" else -o.filled for o in orders)
    assert broker.get_positions() == {"SPY": bought}
    fees = sum(o.commission for o in orders)
    assert broker.get_account_info()["nav"] == pytest.approx(1_000_000 - fees)


def test_every_history_follows_the_state_machine() -> None:
    mock = IBKRMock(seed=300, faults=Faults(reject=0.2, lose_ack=0.2, partial=0.8))
    mock.connect()
    ids = [mock.place_order("QQQ", "BUY", 20, "LMT", 511.0) for _ in range(60)]
    mock.cancel_order(ids[0])
    mock.advance(10_000)
    seen = set()
    for order in mock.orders.values():
        states = [state for _, state in order.history]
        seen.update(states)
        assert all(b in TRANSITIONS[a] for a, b in itertools.pairwise(states))
        assert order.final
    assert seen >= set(OrderState) - {OrderState.ERROR, OrderState.CANCELED}


def test_cancel_error_and_resting_orders(broker: IBKRMock) -> None:
    resting = broker.place_order("SPY", "BUY", 5, "LMT", 1.0)
    broker.advance(1_000)
    assert broker.get_order_status(resting) is OrderState.ACKNOWLEDGED
    broker.cancel_order(resting)
    broker.advance(1_000)
    assert broker.get_order_status(resting) is OrderState.CANCELED
    lost = broker.place_order("SPY", "SELL", 5, "LMT", 9_999.0)
    broker.fail(lost, "session lost")
    assert broker.orders[lost].reason == "session lost"
    with pytest.raises(IllegalTransitionError):
        broker.fail(lost, "again")


def test_bad_orders_and_a_closed_session_are_refused(broker: IBKRMock) -> None:
    with pytest.raises(ValueError, match="bad order"):
        broker.place_order("SPY", "HOLD", 1)
    with pytest.raises(ValueError, match="limit price"):
        broker.place_order("SPY", "BUY", 1, "LMT")
    broker.disconnect()
    with pytest.raises(ConnectionError):
        broker.place_order("SPY", "BUY", 1)
