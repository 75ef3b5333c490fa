"""What the port makes of orders: their states, times, fills and costs, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gate.evidence.base.errors import UsageError
from gate.evidence.broker.port import (
    BrokerProblem,
    ConnectionChanged,
    ConnectionState,
    Filled,
    Instrument,
    OrderChanged,
    OrderState,
    Problem,
    Settings,
    Side,
)
from gate.evidence.broker.simulator.scenario import ORDER_PHASES

from .conftest import SPY, Stage, brief, intent, stage, until

Run = Callable[..., Any]
MATRIX = Path(__file__).with_name("reports.txt")
FAULTS: dict[str, dict[str, Any]] = {
    "reject 201": {"fault": "error"},
    "order type 387": {"fault": "error", "code": 387},
    "read-only 321": {"fault": "error", "code": 321},
    "price 110": {"fault": "error", "code": 110},
    "duplicate id 103": {"fault": "error", "code": 103},
    "pacing 100": {"fault": "error", "code": 100},
    "warning 399": {"fault": "error", "code": 399},
    "warning 404": {"fault": "error", "code": 404},
    "warning 2109": {"fault": "error", "code": 2109},
    "warning 10349": {"fault": "error", "code": 10349},
    "cancelled 202": {"fault": "error", "code": 202},
    "partial fill": {"fault": "fill", "percent": [20, 10]},
    "whole fill": {"fault": "fill"},
    "delay": {"fault": "delay", "delay_ms": 40},
    "hold": {"fault": "hold"},
    "drop": {"fault": "drop", "refuse_ms": 10},
    "outage 1102": {"fault": "outage", "outage_ms": 30},
    "outage 1101": {"fault": "outage", "outage_ms": 30, "data": "lost"},
}


STUCK = {"hold", "pacing 100"}
"""After these an order may never settle; only there it is a matter of time, so that load changes nothing."""


async def fate(on: Stage, name: str, phase: str, patience: float) -> str:
    """What becomes of an order that meets a fault; one that does not settle is cancelled."""
    cancelling = phase == "cancelling"
    await until(lambda: on.broker.state is ConnectionState.CONNECTED)
    await on.broker.place(intent(name, "400" if cancelling else None))
    told = []
    if cancelling:
        await until(lambda: on.broker.order(name).state is OrderState.ACKNOWLEDGED)
        await on.broker.cancel(name)
    for _ in range(2):
        with suppress(TimeoutError):
            await asyncio.wait_for(on.broker.outcome(name), patience)
        told.append(brief(on.broker.order(name)))
        if on.broker.order(name).state.final:
            break
        await on.broker.cancel(name)
    return " → ".join(told)


async def fates(what: str, fault: dict[str, Any]) -> list[str]:
    """For each phase of an order, what becomes of one that meets the fault then."""
    patience = 0.8 if what in STUCK else 30
    faults = [fault | {"at": phase, "number": n} for n, phase in enumerate(ORDER_PHASES, 1)]
    scenario = f"fill_parts: 2\nfaults: {json.dumps(faults)}"
    async with stage(scenario, acknowledge_timeout_s=patience - 0.3) as on:
        found = [(phase, await fate(on, f"o{n}", phase, patience)) for n, phase in enumerate(ORDER_PHASES, 1)]
    return [f"  {phase}: {fate}" for phase, fate in found]


def test_every_fault_in_every_phase_of_an_order(run: Run) -> None:
    """The reports are those in reports.txt; delete it and run this test to write it anew, then review it."""

    async def play() -> list[list[str]]:
        return await asyncio.gather(*(fates(*fault) for fault in FAULTS.items()))

    lines = []
    for name, found in zip(FAULTS, run(play()), strict=True):
        lines += [name, *found]
    now = "\n".join(lines) + "\n"
    known = MATRIX.read_text() if MATRIX.exists() else ""
    if not known:
        MATRIX.write_text(now)
    assert now == known


def test_the_life_of_an_order(run: Run) -> None:
    """Its states in their order, its times, its fills, and costs that are unknown until they are told."""

    async def play() -> Stage:
        async with stage("fill_parts: 2") as on:
            report = await on.traded(intent("one"))
            times = report.times
            stamps = (times.intent, times.submitted, times.acknowledged, times.filled)
            assert all(stamp is not None for stamp in stamps)
            assert list(stamps) == sorted(stamps)
            (position,) = await on.broker.positions()
            assert (position.quantity, position.average_cost) == (Decimal(10), Decimal("450.01"))
        return on

    on = run(play())
    changes = on.seen(OrderChanged)
    assert [(one.report.state, one.report.times.acknowledged is not None) for one in changes] == [
        ("SUBMITTED", False),
        ("SUBMITTED", True),
        ("ACKNOWLEDGED", True),
        ("PARTIAL_FILL", True),
        ("FILLED", True),
    ]
    costs = [None if one.fill.commission is None else str(one.fill.commission) for one in on.seen(Filled)]
    assert costs == [None, "1.0", None, "0.025"]
    assert changes[-1].report.commission is None  # never zero for what is not known
    (sent,) = on.fields("in", "placeOrder")
    assert (sent["totalQuantity"], sent["orderType"], sent["orderRef"]) == ("10", "MKT", "one")


def test_numbers_leave_as_they_are(run: Run) -> None:
    """Not through floats: neither ``10.0`` nor ``1E+2`` nor the nearest binary number."""

    async def play() -> Stage:
        async with stage() as on:
            await on.broker.place(replace(intent("one", "400.10"), quantity=Decimal("1E+2")))
            await until(lambda: on.broker.order("one").state is OrderState.ACKNOWLEDGED)
            (order,) = await on.broker.open_orders()
            assert order.order_ref == "one"
        return on

    (sent,) = run(play()).fields("in", "placeOrder")
    assert (sent["totalQuantity"], sent["lmtPrice"]) == ("100", "400.10")


def test_what_must_not_be_sent_is_not(run: Run) -> None:
    """An order twice, one for another account, one during an outage."""

    async def play() -> Stage:
        async with stage("faults: [{fault: outage, at: filled, outage_ms: 1000}]") as on:
            await on.traded(intent("one"))
            with pytest.raises(BrokerProblem, match="lost the broker"):
                await on.broker.place(intent("two"))
            with pytest.raises(UsageError, match="no order 'two'"):
                on.broker.order("two")
            await until(lambda: on.broker.state is ConnectionState.CONNECTED)
            with pytest.raises(UsageError, match="placed before"):
                await on.broker.place(intent("one"))
            with pytest.raises(UsageError, match="another account") as told:
                await on.broker.place(replace(intent("three"), account="U1234567"))
            assert "1234567" not in told.value.diagnostics()
            with pytest.raises(UsageError, match="no order"):
                await on.broker.cancel("three")
        return on

    on = run(play())
    assert len(on.fields("in", "placeOrder")) == 1
    states = [one.state for one in on.seen(ConnectionChanged)]
    assert states == ["CONNECTING", "CONNECTED", "IMPAIRED", "CONNECTED", "DISCONNECTED"]


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity"])
def test_an_impossible_intent(quantity: str) -> None:
    """Cannot even be made; nor one with an id that could not be found again, or without its price."""
    with pytest.raises(UsageError, match="the quantity is"):
        replace(intent("one"), quantity=Decimal(quantity))
    for name in ("", "two words", "x" * 41, "a\0b", "é"):
        with pytest.raises(UsageError, match="is no id of an order"):
            replace(intent("one"), intent_id=name)
    with pytest.raises(UsageError, match="LMT with limit price None"):
        replace(intent("one", "400"), limit_price=None)
    with pytest.raises(UsageError, match="MKT with limit price 400"):
        replace(intent("one"), limit_price=Decimal(400))
    with pytest.raises(UsageError, match="messages per second"):
        Settings(4002, 1, messages_per_s=0)


def test_orders_that_wait_for_their_turn(run: Run) -> None:
    """Are submitted when their bytes leave, evenly spaced; what has not left when it breaks is an error."""

    async def play() -> Stage:
        fault = "faults: [{fault: drop, at: received, number: 4}]"
        async with stage(fault, messages_per_s=25, reconnect=False) as on:
            placing = [on.broker.place(intent(f"o{n}")) for n in range(8)]
            found = await asyncio.gather(*placing)
            assert [one.state for one in found[4:]] == ["ERROR"] * 4
            assert {one.text for one in found[4:]} == {"the connection was lost before it was sent"}
            left = [one.times.submitted for one in found[:4]]
            assert left == sorted(left)
            assert left[3] - left[0] > 80_000 > found[3].times.intent - found[0].times.intent
        return on

    on = run(play())
    arrived = [one["at_us"] for one in on.log if one["message"] == "placeOrder"]
    assert len(arrived) == 4
    assert arrived[3] - arrived[0] > 80_000


def test_an_order_that_the_broker_never_had(run: Run) -> None:
    """Lost with the connection: an error after the reconnection, and its number is not used again."""

    async def play() -> Stage:
        async with stage("faults: [{fault: drop, at: received, number: 1, lost: true}]") as on:
            report = await on.traded(intent("lost"))
            assert (report.state, report.filled) == ("ERROR", 0)
            assert report.text == "the broker does not know it after the reconnection"
            await until(lambda: on.broker.state is ConnectionState.CONNECTED)
            assert brief(await on.traded(intent("kept"))) == "FILLED 10/10 at 450.01 for 1.0"
        return on

    numbers = [one["orderId"] for one in run(play()).fields("in", "placeOrder")]
    assert len(set(numbers)) == 2


def test_an_acknowledgement_that_comes_too_late(run: Run) -> None:
    """Takes the order out of TIMEOUT: what the broker says outranks what was concluded."""

    async def play() -> Stage:
        late = "faults: [{fault: delay, at: received, delay_ms: 300}]"
        async with stage(late, acknowledge_timeout_s=0.1) as on:
            report = await on.traded(intent("late"))
            assert (brief(report), report.text) == ("TIMEOUT 0/10", "not acknowledged within 0.1 s")
            await until(lambda: on.broker.order("late").state is OrderState.FILLED)
        return on

    states = [one.report.state for one in run(play()).seen(OrderChanged)]
    assert states == ["SUBMITTED", "TIMEOUT", "SUBMITTED", "ACKNOWLEDGED", "FILLED"]


def test_a_fill_wins_the_race_against_a_cancel(run: Run) -> None:
    """The order is filled; that it cannot be cancelled is told as a problem, not as its end."""

    async def play() -> Stage:
        async with stage("faults: [{fault: fill, at: cancelling}]") as on:
            await on.broker.place(intent("raced", "400"))
            await until(lambda: on.broker.order("raced").state is OrderState.ACKNOWLEDGED)
            await on.broker.cancel("raced")
            report = await on.broker.outcome("raced")
            assert (report.state, report.cancel_requested) == ("FILLED", True)
            await until(lambda: on.seen(Problem) and on.seen(Problem)[-1].code == 10148)
            await on.broker.cancel("raced")
            assert on.broker.order("raced") == report
        return on

    assert len(run(play()).fields("in", "cancelOrder")) == 1


def test_all_orders_are_cancelled_at_once(run: Run) -> None:
    """With one message, also those of other clients."""

    async def play() -> Stage:
        async with stage() as on:
            for n in range(3):
                await on.broker.place(intent(f"o{n}", "400"))
            await until(lambda: {one.state for one in on.broker.orders()} == {OrderState.ACKNOWLEDGED})
            await on.broker.cancel_all()
            found = await asyncio.gather(*(on.broker.outcome(f"o{n}") for n in range(3)))
            assert [brief(one) for one in found] == ["CANCELED 0/10 code 202 cancel"] * 3
            assert await on.broker.open_orders() == ()
        return on

    assert len(run(play()).fields("in", "reqGlobalCancel")) == 1


def test_a_request_to_cancel_has_left_before_one_disconnects(run: Run) -> None:
    """However slow the pace; where the connection is lost before, it is said, and the order lives on."""

    async def play() -> Stage:
        async with stage(messages_per_s=10) as on:
            await on.broker.place(intent("one", "400"))
            await on.broker.cancel("one")
            await on.broker.disconnect()
            await until(lambda: on.fields("in", "cancelOrder"))
            await on.broker.connect()
            assert on.broker.order("one").state == "CANCELED"
            await on.broker.place(intent("two", "400"))
            cancelling = asyncio.ensure_future(on.broker.cancel_all())
            await asyncio.sleep(0)
            on.broker._gateway._client.conn.transport.abort()
            with pytest.raises(BrokerProblem, match="lost before it was sent"):
                await cancelling
            await until(lambda: on.broker.state is ConnectionState.CONNECTED)
            assert not on.broker.order("two").state.settled
            await on.broker.cancel_all()
            assert (await on.broker.outcome("two")).state == "CANCELED"
        return on

    assert len(run(play()).fields("in", "reqGlobalCancel")) == 1


def test_fills_that_do_not_come(run: Run) -> None:
    """Are asked for when the status speaks of them; a message that cannot be read is told."""

    async def play() -> Stage:
        async with stage() as on:
            await on.broker.place(intent("one", "400"))
            await until(lambda: on.broker.order("one").state is OrderState.ACKNOWLEDGED)
            report, asked = on.broker.order("one"), len(on.fields("in", "reqExecutions"))
            for filled in ("10", "ten"):
                fields = (3, report.order_id, "Filled", filled, 0, 400, report.perm_id, 0, 400, 7, "", 0)
                body = "".join(f"{field}\0" for field in fields).encode()
                on.broker._gateway._client._onSocketHasData(len(body).to_bytes(4) + body)
            assert on.broker.order("one").state is OrderState.ACKNOWLEDGED
            await until(lambda: len(on.fields("in", "reqExecutions")) > asked)
            report = await asyncio.wait_for(on.broker.outcome("one"), 10)
            assert (report.state, report.text) == (
                "TIMEOUT",
                "the broker says that it is filled, but not how",
            )
        return on

    (told,) = [one for one in run(play()).seen(Problem) if one.code == -1]
    assert "could not be read: ValueError" in told.text


def test_a_later_process_finds_the_orders_of_an_earlier_one(run: Run) -> None:
    """By their references: one that works, one that was filled meanwhile, one that the broker never had."""

    async def play() -> None:
        async with stage("faults: [{fault: drop, at: working, number: 2}]", reconnect=False) as on:
            await on.broker.place(intent("works", "400"))
            await until(lambda: on.broker.order("works").state is OrderState.ACKNOWLEDGED)
            await on.broker.place(intent("fills"))
            await until(lambda: on.fields("event", "fill"))
            await until(lambda: on.broker.state is ConnectionState.DISCONNECTED)
            settings = {"port": on.server.port, "client_id": 7, "messages_per_s": None}
            async with stage(connect=False, **settings) as later:
                await later.broker.connect()
                names = {"works": "400", "fills": None, "never": "1"}
                again = [intent(name, limit) for name, limit in names.items()]
                found = await later.broker.reconcile(again)
                assert [brief(one) for one in found] == [
                    "ACKNOWLEDGED 0/10",
                    "FILLED 10/10 at 450.01 for 1.0",
                    "ERROR 0/10",
                ]
                await later.broker.cancel("works")
                assert (await later.broker.outcome("works")).state == "CANCELED"

    run(play())


def test_questions_about_an_order_and_its_instrument(run: Run) -> None:
    """Whether it would be taken, what it trades at, what it is; and refusals with their codes."""

    async def play() -> None:
        async with stage() as on:
            answer = await on.broker.what_if(intent("asked"))
            assert answer.code is None
            refused = await on.broker.what_if(replace(intent("asked"), quantity=Decimal(10**8)))
            assert refused.code == 201 and "available funds" in refused.text
            assert on.broker.orders() == ()
            quote = await on.broker.quote(SPY)
            assert (quote.bid, quote.ask, quote.last) == (Decimal("449.99"), Decimal("450.01"), 450)
            details = await on.broker.contract(SPY)
            assert (details.instrument.con_id, details.tick) == (756733, Decimal("0.01"))
            with pytest.raises(BrokerProblem, match="error 200") as told:
                await on.broker.contract(Instrument("NOPE"))
            assert told.value.code == 200

    run(play())


def test_nothing_is_lost_or_doubled_over_three_disconnections(run: Run) -> None:
    """200 orders, bought and sold, 20 under way at once, in parts: our fills are the simulator's own."""
    faults = [{"fault": "drop", "at": at, "number": n, "refuse_ms": 20} for at, n in
              (("received", 45), ("filling", 100), ("acknowledged", 170))]  # fmt: skip
    placed = [intent(f"o{n}", side=Side.BUY if n % 3 else Side.SELL) for n in range(200)]

    async def play() -> Stage:
        async with stage(f"fill_parts: 3\nfaults: {json.dumps(faults)}") as on:
            queue = list(reversed(placed))

            async def trade() -> None:
                while queue:
                    order = queue.pop()
                    await until(lambda: on.broker.state is ConnectionState.CONNECTED)
                    report = await on.traded(order)
                    if report.state is OrderState.ERROR:  # its bytes were lost: it is safe to send it anew
                        queue.append(replace(order, intent_id=f"{order.intent_id}-again"))

            await asyncio.gather(*(trade() for _ in range(20)))
            states = Counter(one.state for one in on.broker.orders())
            assert states["FILLED"] == 200
            assert states.total() - states["ERROR"] == 200
            ours = sorted((one.execution_id, one.intent_id, one.quantity, one.price)
                          for one in on.broker.fills())  # fmt: skip
            theirs = sorted((one["execId"], one["orderRef"], Decimal(one["shares"]), Decimal(one["price"]))
                            for one in on.fields("event", "fill"))  # fmt: skip
            assert ours == theirs
            costs = sum((one.commission or 0 for one in on.broker.fills()), Decimal(0))
            assert costs == sum((one.commission or 0 for one in on.broker.orders()), Decimal(0)) > 200
        return on

    on = run(play())
    arrived = Counter(one["orderRef"] for one in on.fields("in", "placeOrder"))
    assert set(arrived.values()) == {1}
    assert [one.state for one in on.seen(ConnectionChanged)].count(ConnectionState.CONNECTED) == 4
