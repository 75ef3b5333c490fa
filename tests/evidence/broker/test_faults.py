"""Every fault in every phase, with the exact log of each; and faults of connections and of time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.broker.simulator.scenario import ORDER_PHASES

Make = Callable[..., Any]
MATRIX = Path(__file__).with_name("matrix.txt")
FAST = (
    "latency: {acknowledge: {median_us: 1000}, work: {median_us: 1000}, fill: {median_us: 1000},"
    " cancel: {median_us: 1000}}\nfill_parts: 2\n"
)
FAULTS: dict[str, dict[str, Any]] = {
    "reject 201": {"fault": "error"},
    "order type 387": {"fault": "error", "code": 387},
    "read-only 321": {"fault": "error", "code": 321},
    "duplicate id 103": {"fault": "error", "code": 103},
    "pacing 100": {"fault": "error", "code": 100},
    "warning 399": {"fault": "error", "code": 399},
    "cancelled 202": {"fault": "error", "code": 202},
    "partial fill": {"fault": "fill", "percent": [20, 10]},
    "whole fill": {"fault": "fill"},
    "delay": {"fault": "delay", "delay_ms": 50},
    "hold": {"fault": "hold"},
    "drop": {"fault": "drop", "refuse_ms": 20},
    "outage 1102": {"fault": "outage", "outage_ms": 30},
    "outage 1101": {"fault": "outage", "outage_ms": 30, "data": "lost"},
}


def played(make: Make, show: Make, fault: dict[str, Any]) -> list[str]:
    """The log of an order that meets a fault, from its arrival; a client that was dropped comes back."""
    run = make(FAST + f"faults: {json.dumps([fault])}")
    client = run.client()
    begun, start = len(run.log), run.now
    cancelling = fault["at"] == "cancelling"
    run.send(client, run.order(**({"orderType": "LMT", "lmtPrice": 400} if cancelling else {})))
    run.run(10)
    if cancelling:
        run.send(client, run.frame(4, 1, 1, ""))
    run.run()
    if run.events("disconnected"):
        run.open()
        run.run(25)
        client = run.client()
        run.send(client, run.frame(5, 1), run.frame(7, 3, 1, 0, "", "", "", "", "", ""))
        run.run()
    run.stop()
    found: list[str] = show(run.log[begun:], since_us=start)
    return found


def matrix(make: Make, show: Make) -> Iterator[str]:
    """The logs of all, as one text."""
    for name, fault in FAULTS.items():
        for phase in ORDER_PHASES:
            yield f"# {name}, {phase}"
            yield from played(make, show, fault | {"at": phase})
    yield "# drop, received, and the order never reached the broker"
    yield from played(make, show, {"fault": "drop", "at": "received", "lost": True})


def test_every_fault_in_every_phase_of_an_order(session: Make, show: Make) -> None:
    """The logs are those in matrix.txt; delete it and run this test to write it anew, then review it."""
    now = "\n".join(matrix(session, show)) + "\n"
    known = MATRIX.read_text() if MATRIX.exists() else ""
    if not known:
        MATRIX.write_text(now)
    assert now == known


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fault": "drop", "at": "connected"}, []),
        ({"fault": "drop", "at": "started"}, ["serverVersion"]),
        ({"fault": "error", "code": 326, "at": "started"}, ["serverVersion", "error"]),
        (
            {"fault": "delay", "delay_ms": 40, "at": "started"},
            ["serverVersion", "managedAccounts", "nextValidId", "error"],
        ),
    ],
)
def test_the_first_connection_fails(session: Make, fault: dict[str, Any], said: list[str]) -> None:
    """Before the handshake or after it; the second one does not."""
    run = session(f"faults: {json.dumps([fault | {'number': 1}])}")
    first = run.client()
    run.run()
    run.client(8)
    told: dict[int, list[str]] = {1: [], 2: []}
    for one in run.log:
        if one["direction"] == "out":
            told[one["connection"]].append(one["message"])
    assert told[first] == said
    assert told[2] == ["serverVersion", "managedAccounts", "nextValidId", "error"]


def test_connections_are_refused_for_a_while_after_a_drop(session: Make) -> None:
    """Every try is in the log, with its time: that is how a client's patience is measured."""
    run = session("faults: [{fault: drop, at: time, after_ms: 100, refuse_ms: 1000}]")
    run.client()
    run.run(150)
    for _ in range(4):
        run.client()
        run.run(400)
    reasons = [one["reason"] for one in run.events("disconnected")]
    assert reasons == ["dropped by the scenario", *["refused by the scenario"] * 3]
    assert len(run.out("nextValidId")) == 2


def test_an_outage_of_the_whole_gateway(session: Make) -> None:
    """All clients are told, orders wait, requests to the gateway itself do not; 1101 ends market data."""
    run = session(
        FAST + "faults: [{fault: outage, at: time, after_ms: 100, outage_ms: 500, data: lost},"
        " {fault: error, at: time, after_ms: 900, code: 2103}]\n"
        "moves: [{symbol: SPY, after_ms: 1000, price: 451}]"
    )
    client = run.client()
    run.client(8)
    run.send(client, run.frame(1, 11, 5, 756733, *[""] * 11, 0, "", 0, 0, ""))
    run.run(200)
    run.send(client, run.order(), run.frame(61, 1))
    run.run(100)
    assert run.statuses() == [] and len(run.out("positionEnd")) == 1
    run.run(1500)
    assert run.codes() == [1100, 1100, 1101, 1101, 2103, 2103]
    assert run.statuses()[-1] == "Filled 10"
    assert len(run.out("tickPrice")) == 3


def test_a_price_ends_neither_a_hold_nor_a_delay(session: Make) -> None:
    """Nor does a change of the order."""
    run = session(
        FAST + "faults: [{fault: hold, at: working, number: 1}, {fault: hold, at: acknowledged, number: 2},"
        " {fault: delay, at: working, number: 3, delay_ms: 200}]\n"
        "moves: [{symbol: SPY, after_ms: 50, price: 440}, {symbol: SPY, after_ms: 60, price: 441}]"
    )
    client = run.client()
    run.send(client, run.order(orderType="LMT", lmtPrice=445))
    run.send(client, run.order(orderId=2, action="SELL", orderType="STP", auxPrice=445))
    run.send(client, run.order(orderId=3, orderType="LMT", lmtPrice=445))
    run.run(100)
    run.send(client, run.order(orderType="LMT", lmtPrice=446))
    run.run(50)
    assert [run.statuses(number)[-1] for number in (1, 2, 3)] == [
        "Submitted 0",
        "PreSubmitted 0",
        "Submitted 0",
    ]
    run.run()
    assert [run.statuses(number)[-1] for number in (1, 2, 3)] == [
        "Submitted 0",
        "PreSubmitted 0",
        "Filled 10",
    ]
    run.send(client, run.frame(4, 1, 1, ""), run.frame(58, 1))
    run.run()
    assert [run.statuses(number)[-1] for number in (1, 2)] == ["Cancelled 0", "Cancelled 0"]


def test_several_faults_meet_one_order(session: Make) -> None:
    """In the scenario's order; what was forgotten meets no more of them."""
    run = session(
        FAST + "faults: [{fault: error, at: received, code: 387}, {fault: drop, at: received, lost: true},"
        " {fault: fill, at: received}]"
    )
    client = run.client()
    run.send(client, run.order())
    run.run()
    assert (run.codes(), run.events("fill", "disconnected")) == ([387], [])


def test_whom_a_fault_meets(session: Make) -> None:
    """The n-th order, each n-th, those for one instrument, so many times, a part of them."""

    def met(which: str) -> list[int]:
        run = session(
            FAST + f"pacing: {{messages_per_s: null}}\nfaults: [{{fault: error, at: received, {which}}}]"
        )
        client = run.client()
        for number in range(1, 13):
            run.send(client, run.order(orderId=number, symbol="SPY" if number % 3 else "QQQ"))
        return [int(one["requestId"]) for one in run.out("error") if one["code"] == "201"]

    assert met("number: 4") == [4]
    assert met("every: 5") == [5, 10]
    assert met("symbol: QQQ") == [3, 6, 9, 12]
    assert met("symbol: QQQ, times: 2") == [3, 6]
    assert met("chance_ppm: 0") == []
    assert 0 < len(met("chance_ppm: 500000")) < 12
    assert met("chance_ppm: 500000") == met("chance_ppm: 500000")
