"""How a client program reacts to error codes, to a pace that is too fast and to lost connections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from .log import ORDERING, CaseLog, asks_what_if
from .suite import REFUSED

_MOST_DELAYS = 50
BACK_OFF_WITHIN_US = 2_000_000
"""How soon after error 100 a pause has to begin."""


def reactions(logs: Mapping[str, CaseLog]) -> list[dict[str, Any]]:
    """For each error code, in its order, what the program did after it was told.

    ``reaction`` is ``not told`` (the program never did what the code answers), ``accepted`` (nothing more
    about the order), ``retried`` (the same order again), ``acted on`` (another order or a cancel that builds
    on the order), ``reconnected``, ``waited`` (no new connection, and went on later), ``went on`` or
    ``gave up``. ``count`` is how many messages or connections make it so.
    """
    found = list(_all(logs))
    return [
        {"code": code, "case": case, "reaction": word, "count": count}
        for code, case, word, count in sorted(found)
    ]


def _all(logs: Mapping[str, CaseLog]) -> Iterator[tuple[int, str, str, int]]:
    if "reject" in logs:
        for symbol, code in REFUSED.items():
            yield code, "reject", *_after(logs["reject"], symbol, code)
    if "orders" in logs:
        log = logs["orders"]
        yield 202, "orders", *_after(log, "QQQ", 202)
        word, count = _after(log, "SPY", 399)
        yield 399, "orders", "went on" if word == "accepted" else word, count
    if "account" in logs:
        for code in (2104, 2106):
            yield code, "account", *_informed(logs["account"], code)
    if "disconnect" in logs:  # 504 is the client's own word for it
        row = reconnection("disconnect", logs["disconnect"])
        word = "not told" if not row["dropped"] else "reconnected" if row["recovered"] else "gave up"
        yield 504, "disconnect", word, row["tries"]
    if "outage" in logs:
        seen = outage(logs["outage"])
        yield 1100, "outage", seen["reaction"], seen["tries"]


def _after(log: CaseLog, symbol: str, code: int) -> tuple[str, int]:
    """What was sent about the symbol after the code was told of an order for it."""
    ids = log.order_ids(symbol)
    told = log.first_error(code, ids)
    if told is None:
        return "not told", 0
    orders = [one for one in log.placed() if one["fields"].get("symbol") == symbol]
    cancels = [one for one in log.sent("cancelOrder") if one["fields"].get("orderId") in ids]
    sides = [one["fields"].get("action") for one in orders if one["n"] > told["n"]]
    again = sides.count(orders[0]["fields"].get("action"))
    acted = len(sides) - again + sum(one["n"] > told["n"] for one in cancels)
    return ("retried", again) if again else ("acted on", acted) if acted else ("accepted", 0)


def _informed(log: CaseLog, code: int) -> tuple[str, int]:
    """After a code that only informs, no connection is given up for a new one."""
    if log.first_error(code) is None:
        return "not told", 0
    more = max(sum(one.ready_us is not None for one in log.connections.values()) - 1, 0)
    return ("reconnected", more) if more else ("went on", 0)


def pacing(logs: Mapping[str, CaseLog], busiest: tuple[int, str | None]) -> dict[str, Any]:
    """Messages in the busiest second, and the pause after the gateway said that there were too many."""
    most, case = busiest
    found: dict[str, Any] = {"busiest_second": None if case is None else most, "case": case}
    found |= {"asked_orders": None, "told_100": None, "pause_us": None}
    if "burst" not in logs:
        return found
    log = logs["burst"]
    found["asked_orders"] = len({one["fields"].get("orderId") for one in log.placed()})
    told = log.first_error(100)
    found["told_100"] = told is not None
    if told is not None:
        points = [told["at_us"]]
        for one in log.sent():
            if one["n"] > told["n"] and points[-1] < told["at_us"] + BACK_OFF_WITHIN_US:
                points.append(one["at_us"])
        found["pause_us"] = max((second - first for first, second in pairwise(points)), default=None)
    return found


def reconnection(case: str, log: CaseLog) -> dict[str, Any]:
    """Connections after the gateway dropped the first one: how many, how far apart, with what success."""
    row: dict[str, Any] = {"case": case, "dropped": False, "tries": 0, "delays_us": []}
    row |= {"recovered": False, "recovery_us": None}
    connections = sorted(log.connections.values(), key=lambda one: one.number)
    lost = next((one for one in connections if one.reason == "dropped by the scenario"), None)
    if lost is None or lost.ended_us is None:
        return row
    row["dropped"] = True
    before = lost.ended_us
    for one in connections:
        if one.number <= lost.number or row["recovered"]:
            continue
        row["tries"] += 1
        if len(row["delays_us"]) < _MOST_DELAYS:
            row["delays_us"].append(max(one.opened_us - before, 0))
        before = one.ended_us or one.opened_us
        if one.ready_us is not None:
            row["recovered"] = True
            row["recovery_us"] = max(one.ready_us - lost.ended_us, 0)
    return row


def outage(log: CaseLog | None) -> Any:
    """What the program did between the error 1100 and the end of the outage, and afterwards."""
    if log is None:
        return None
    row: dict[str, Any] = {"reaction": "not told", "tries": 0, "orders_during": 0, "went_on": False}
    told = log.first_error(1100)
    if told is None or told["connection"] is None:
        return row
    begin = told["n"]
    end = next((one["n"] for one in log.records if _restored(one)), None) or begin
    if end == begin:  # nobody was there any more to be told
        end = next((one["n"] for one in log.events("fill") if one["n"] > begin), len(log.records))
    first = log.connections[told["connection"]]
    ordering = (one for one in log.sent(*ORDERING) if not asks_what_if(one))
    row["orders_during"] = sum(begin < one["n"] < end for one in ordering)
    row["tries"] = sum(one.number > first.number for one in log.connections.values())
    row["went_on"] = any(one["n"] > end and one["fields"].get("symbol") == "AAPL" for one in log.placed())
    recovered = any(one.number > first.number and one.ready_us for one in log.connections.values())
    row["reaction"] = "reconnected" if recovered else "waited" if row["went_on"] else "gave up"
    return row


def _restored(one: Mapping[str, Any]) -> bool:
    told = (one["direction"], one["message"]) == ("out", "error")
    return told and one["fields"].get("code") in ("1101", "1102")
