"""The life of orders in the simulated gateway, and how it answers impossible ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]
FAST = (
    "latency: {acknowledge: {median_us: 1000}, work: {median_us: 1000}, fill: {median_us: 1000},"
    " cancel: {median_us: 1000}}\n"
)


def test_a_market_order_is_acknowledged_works_and_is_filled(session: Make, show: Make) -> None:
    """Every message of its life, with its time."""
    run = session(FAST)
    client = run.client()
    begun = len(run.log)
    run.send(client, run.order())
    run.run()
    assert show(run.log[begun:]) == [
        "    0.000 1 > placeOrder 1",
        "    1.000 1 < openOrder 1 PreSubmitted",
        "    1.000 1 < orderStatus 1 PreSubmitted 0",
        "    2.000 1 < orderStatus 1 Submitted 0",
        "    3.000 - * fill 1 10 450.01",
        "    3.000 1 < execDetails 1 -1 10 450.01",
        "    3.000 1 < orderStatus 1 Filled 10",
        "    3.000 1 < commissionReport",
    ]


def test_the_eight_states(session: Make) -> None:
    """Each is told to the client that brings its order there."""
    run = session(FAST + "faults: [{fault: error, at: received, number: 4}]")
    client = run.client()
    far = {"orderType": "LMT", "lmtPrice": 400}
    run.send(client, run.order(orderId=1), run.order(orderId=2, **far), run.order(orderId=3, transmit=0))
    run.run()
    run.send(client, run.frame(5, 1))
    run.send(client, run.order(orderId=4), run.frame(4, 1, 2, ""), run.frame(4, 1, 3, ""))
    run.run()
    told = {one["status"] for one in run.out("orderStatus")}
    assert told == {
        *("PendingSubmit", "PendingCancel", "PreSubmitted", "Submitted"),
        *("ApiCancelled", "Cancelled", "Filled", "Inactive"),
    }
    assert run.statuses(3) == ["PendingSubmit 0", "PendingCancel 0", "ApiCancelled 0"]
    assert run.statuses(4) == ["Inactive 0"]


def test_a_limit_order_waits_for_its_price(session: Make) -> None:
    """And a stop stays PreSubmitted until the market reaches it."""
    run = session(FAST + "moves: [{symbol: SPY, after_ms: 100, price: 440}]")
    client = run.client()
    run.send(client, run.order(orderType="LMT", lmtPrice=445))
    run.send(client, run.order(orderId=2, orderType="STP", auxPrice=442, action="SELL", totalQuantity=5))
    run.run(50)
    assert run.statuses(1) == ["PreSubmitted 0", "Submitted 0"]
    assert run.statuses(2) == ["PreSubmitted 0"]
    run.run()
    assert run.statuses(1)[-1] == "Filled 10"
    assert run.statuses(2) == ["PreSubmitted 0", "Submitted 0", "Filled 5"]
    assert {one["price"] for one in run.out("execDetails")} == {"440.01", "439.99"}


def test_an_order_is_changed(session: Make) -> None:
    """The same id with another limit changes it; what cannot be changed is refused, and it lives on."""
    run = session(FAST)
    client = run.client()
    far = {"orderType": "LMT", "lmtPrice": 400}
    run.send(client, run.order(**far))
    run.run()
    run.send(client, run.order(**far | {"symbol": "QQQ"}), run.order(**far | {"totalQuantity": 0}))
    run.send(client, run.order(**far | {"lmtPrice": "400.001"}))
    assert run.codes() == [105, 434, 110]
    run.send(client, run.order(**far | {"lmtPrice": 460, "totalQuantity": 4}))
    run.run()
    assert run.statuses()[-1] == "Filled 4"


def test_orders_are_filled_in_parts(session: Make) -> None:
    """As many as the scenario says, and no more than the order has."""
    run = session(FAST + "fill_parts: 3")
    client = run.client()
    run.send(client, run.order(), run.order(orderId=2, totalQuantity=2))
    run.run()
    assert run.statuses() == ["PreSubmitted 0", "Submitted 0", "Submitted 3", "Submitted 6", "Filled 10"]
    assert run.statuses(2)[-1] == "Filled 2"
    costs = [float(one["commission"]) for one in run.out("commissionReport")]
    assert len(costs) == 5 and min(costs) > 0


REFUSED: list[tuple[dict[str, object], list[int]]] = [
    ({"orderType": "MARKET"}, [387]),
    ({"orderType": ""}, [387]),
    ({"secType": "BAG"}, [200]),
    ({"parentId": 5}, [387]),
    ({"symbol": "NOPE"}, [200]),
    ({"action": "HOLD"}, [321]),
    ({"totalQuantity": 0}, [434]),
    ({"totalQuantity": "1.5"}, [434]),
    ({"orderType": "LMT", "lmtPrice": "400.005"}, [110]),
    ({"account": "DUSIM0000002"}, [321]),
    ({"account": "U1234567"}, [321]),
    ({"totalQuantity": 10_000_000}, [201]),
    ({"totalQuantity": "many"}, [320]),
    ({"totalQuantity": "NaN"}, [320]),
    ({"totalQuantity": "1E+400"}, [320]),
    ({"lmtPrice": "9" * 40}, [320]),
    ({"orderId": "x"}, [320]),
    ({"orderId": "²"}, [320]),
    ({"orderId": -5}, [320]),
    ({"orderId": 2**40}, [320]),
]


@pytest.mark.parametrize(("fields", "codes"), REFUSED, ids=[str(fields) for fields, _ in REFUSED])
def test_an_impossible_order_is_refused(session: Make, fields: dict[str, object], codes: list[int]) -> None:
    """With the code that the broker has for it; nothing is traded, and the connection lives on."""
    run = session(FAST)
    client = run.client()
    run.send(client, run.order(**fields), run.frame(49, 1))
    run.run()
    assert run.codes() == codes
    assert run.out("execDetails") == []
    assert len(run.out("currentTime")) == 1


def test_ids_and_cancels_that_make_no_sense(session: Make) -> None:
    """A used id is refused, an unknown order cannot be cancelled, nor one that has ended."""
    run = session(FAST)
    client = run.client()
    run.send(client, run.order())
    run.run()
    run.send(client, run.order(), run.frame(4, 1, 1, ""), run.frame(4, 1, 9, ""), run.frame(12345, 77))
    assert run.codes() == [103, 10148, 135, 505]
    assert run.out("error")[-1]["requestId"] == "77"


def test_one_may_not_pretend_to_hold_what_one_sold(session: Make) -> None:
    """Cash, position, average cost and realized profit follow from the fills."""
    run = session(FAST + "cash: 10000\nholdings: [{symbol: SPY, quantity: 10, average_cost: 440}]")
    client = run.client()
    run.send(client, run.frame(61, 1), run.frame(6, 2, 1, ""))
    run.send(client, run.order(action="SELL", totalQuantity=15))
    run.run()
    assert [(one["position"], one["avgCost"]) for one in run.out("position")] == [
        ("10", "440"),
        ("-5", "449.99"),
    ]
    assert run.out("commissionReport")[0]["realizedPNL"] == "98.9"
    run.send(client, run.frame(62, 1, 4, "All", "TotalCashValue,NetLiquidation"))
    values = {one["tag"]: one["value"] for one in run.out("accountSummary")}
    assert values == {"TotalCashValue": "16748.85", "NetLiquidation": "14498.85"}


def test_a_position_may_always_be_closed(session: Make) -> None:
    """Also when there are no funds; only what would add to it is rejected."""
    run = session(FAST + "cash: 0\nholdings: [{symbol: SPY, quantity: -10, average_cost: 440}]")
    client = run.client()
    run.send(client, run.order(), run.order(orderId=2, totalQuantity=21), run.order(orderId=3, action="SELL"))
    run.run()
    assert [run.statuses(number)[-1] for number in (1, 2, 3)] == ["Filled 10", "Inactive 0", "Inactive 0"]


def test_a_what_if_order_is_only_answered(session: Make) -> None:
    """With the margin that it would take."""
    run = session(FAST)
    client = run.client()
    run.send(client, run.order(whatIf=1))
    run.run()
    (answer,) = run.out("openOrder")
    assert (answer["initMarginChange"], answer["commission"], answer["whatIf"]) == ("2250", "1", "1")
    assert run.out("orderStatus", "execDetails") == []


def test_orders_outlive_a_connection(session: Make) -> None:
    """A client that comes back is told of them when it asks; another one sees only its own."""
    run = session(FAST)
    client = run.client()
    run.send(client, run.order(orderRef="kept"), run.order(orderId=2, orderType="LMT", lmtPrice=400))
    run.simulator.lost(client, run.now)
    run.run()
    assert run.out("orderStatus") == []
    again, other = run.client(), run.client(9)
    assert [one["orderId"] for one in run.out("nextValidId")] == ["1", "3", "1"]
    for number in (again, other):
        run.send(number, run.frame(5, 1), run.frame(7, 3, 5, 0, "", "", "", "", "", ""), run.frame(99, 0))
    told = [(one["connection"], one["message"]) for one in run.log if one["direction"] == "out"]
    assert [name for number, name in told if number == again][4:] == [
        *("openOrder", "orderStatus", "openOrderEnd"),
        *("execDetails", "commissionReport", "execDetailsEnd"),
        *("completedOrder", "completedOrdersEnd"),
    ]
    assert [name for number, name in told if number == other][4:] == [
        *("openOrderEnd", "execDetailsEnd", "completedOrder", "completedOrdersEnd")
    ]


def test_too_many_messages_are_ignored_and_end_the_connection(session: Make) -> None:
    """Error 100 for each one over the limit, and after three the connection is closed."""
    run = session(FAST + "pacing: {messages_per_s: 5, violations: 3}")
    client = run.client()
    run.send(client, *[run.frame(49, 1)] * 20)
    assert (len(run.out("currentTime")), run.codes()) == (4, [100, 100, 100])
    assert run.events("disconnected") == [{"reason": "too many messages per second"}]
    client = run.client()
    for _ in range(8):
        run.run(300)
        run.send(client, run.frame(49, 1))
    assert run.codes() == [100, 100, 100]


def test_a_read_only_gateway_takes_no_orders(session: Make) -> None:
    """Error 321 for orders, cancels and the requests for open orders; everything else is answered."""
    run = session("read_only: true")
    client = run.client()
    run.send(client, run.order(), run.frame(4, 1, 1, ""), run.frame(58, 1), run.frame(5, 1), run.frame(61, 1))
    assert run.codes() == [321] * 4
    assert len(run.out("positionEnd")) == 1


def test_market_data_and_contract_details(session: Make) -> None:
    """A quote at once and with each change of the price; unknown instruments are error 200."""
    run = session("moves: [{symbol: SPY, after_ms: 100, price: 451}]")
    client = run.client()
    named = ("", "SPY", "STK", "", "", "", "", "SMART", "", "USD", "", "")
    run.send(
        client, run.frame(1, 11, 5, *named, 0, "", 0, 0, ""), run.frame(1, 11, 6, *named, 0, "", 1, 0, "")
    )
    run.run()
    run.send(client, run.frame(2, 2, 5), run.frame(9, 8, 7, *named, 0, "", "", ""))
    run.send(client, run.frame(9, 8, 8, "1", *named[1:], 0, "", "", ""), run.frame(20, 9, *named))
    bids = [(one["requestId"], one["price"]) for one in run.out("tickPrice") if one["tickType"] == "1"]
    assert bids == [("5", "449.99"), ("6", "449.99"), ("5", "450.99")]
    assert run.codes() == [200, 162]
    assert run.out("contractDetails")[0]["longName"] == "SPDR S&P 500 ETF TRUST"


@pytest.mark.parametrize(
    "offered", [b"v157..157", b"v100..162", b"v157..163", b"v157..169", b"v157..176", b"v100..300"]
)
def test_every_version_of_the_protocol(session: Make, offered: bytes) -> None:
    """The lower of both highest versions is chosen, and orders and details are laid out for it."""
    run = session(FAST)
    client = run.client(versions=offered)
    version = min(int(offered.rpartition(b".")[2]), 178)
    assert run.out("serverVersion")[0]["version"] == str(version)
    named = ("", "SPY", "STK", "", "", "", "", "SMART", "", "USD", "", "")
    run.send(client, run.frame(9, 8, 7, *named, 0, "", "", ""))
    assert len(run.out("contractDetails")) == 1


@pytest.mark.parametrize("offered", [b"v100..156", b"v179..200"])
def test_no_version_in_common(session: Make, offered: bytes) -> None:
    """The connection is closed, and the log says why."""
    run = session()
    run.client(versions=offered)
    assert run.events("disconnected") == [{"reason": "no protocol version in common"}]


@pytest.mark.soak
def test_a_thousand_orders_give_the_same_log_twice(session: Make) -> None:
    """For the same seed; another seed has other delays and chances."""

    def log(seed: int, orders: int = 1000) -> list[dict[str, Any]]:
        run = session(
            f"seed: {seed}\npacing: {{messages_per_s: null}}\nfaults:\n"
            "- {fault: error, at: received, chance_ppm: 100000}\n"
            "- {fault: delay, at: working, chance_ppm: 200000, delay_ms: 30}\n"
            "- {fault: fill, at: cancelling, chance_ppm: 300000}\n"
        )
        client = run.client()
        for number in range(1, orders + 1):
            side = "BUY" if number % 2 else "SELL"
            run.send(client, run.order(orderId=number, action=side, totalQuantity=1 + number % 7))
            run.run(2)
            if number % 5 == 0:
                run.send(client, run.frame(4, 1, number, ""))
        run.run()
        run.stop()
        found: list[dict[str, Any]] = run.log
        return found

    first = log(3)
    assert first == log(3)
    assert first[1:100] != log(4, 20)[1:100]
    end = first[-1]["fields"]
    assert sum(int(end[status]) for status in end if status not in ("executions", "filled")) == 1000
