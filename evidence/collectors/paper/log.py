"""The paper-trading log as values, with every place where it contradicts itself.

Times become epoch microseconds and latencies nanoseconds (rounded up), so that everything after this is exact
integer arithmetic.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from msgspec import Struct

from ...broker.account_id import hide, read_json
from ...reading.markdown_text import has_template_mark, says_something
from ...reading.workspace import View
from ..shared.documents import bounded, microseconds

CONTRACT = "paper_trading_log"
NS_PER_MS = 1_000_000
SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
_PARTS = ("intent_to_submit", "submit_to_ack", "ack_to_fill")
_LIMIT_ORDERS = {"LMT", "LIMIT", "LOC", "LOO", "STP LMT", "TRAIL LIMIT"}
_KINDS = {
    100: "pacing_violation",
    **dict.fromkeys((502, 504, 507, 1100, 1300, 2110), "disconnect"),
    **dict.fromkeys((1101, 1102), "reconnect"),
}
"""What the broker's code of an event or a rejection makes it, whatever the log calls it."""
_NOTICES = range(2100, 2170)
_WORDS = {
    "pacing_violation": re.compile(r"max(?:imum)? (?:rate|number) of messages|pacing violation", re.I),
    "disconnect": re.compile(
        r"\A(?!.*\bfarm\b).*(?:(?<!\bno )\bconnection\b.{0,60}\b(?:lost|broken)\b|\bsocket (?:was )?closed\b)"
        r"|\bconnectivity\b.{0,60}\b(?:lost|broken)\b|\A\W*not connected\b",
        re.I | re.S,
    ),
}
"""How the broker says so; it counts where an event has no code."""
_REPEATED = 10
"""Orders among which as few as one in so many have latencies of their own: they were copied."""
_PAPER_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])DU(?:SIM)?[0-9]{5,12}(?![A-Za-z0-9])")
_SLACK = 2
"""Units of the last decimal by which four rounded figures may miss their sum."""
_DAY_US = 24 * HOUR_US
_YEARS = {"trading": 252 * 23_400 * SECOND_US, "calendar": 365 * _DAY_US}
"""A year of 252 trading days of 6.5 hours, and one of 365 days, in microseconds."""
_TOLERANCE = Fraction(1, 100)
_SATURDAY_US = 2 * _DAY_US
_CLOSED_US = ((2 * HOUR_US, 30 * HOUR_US), (40 * HOUR_US, 45 * HOUR_US))
"""When no exchange is open, since the beginning of Saturday in UTC: a few trade on Sundays until 16:00."""
_SYMBOL = re.compile(r"\s*[!-~][ -~]*")
_OTHER_UNIT = 5
"""Times the middle price of its symbol beyond which a price is mistyped or in another unit, such as cents."""


class Trade(Struct, frozen=True):
    """One order: last state, time of submission in epoch µs, total latency in ns (None when not measured).

    The price is that of the fill, or else the limit; None where neither is stated.
    """

    symbol: str
    order_type: str
    status: str
    quantity: Decimal | int
    price: Decimal | int | None
    submitted_us: int
    total_ns: int | None


class Session(Struct, frozen=True):
    """A log that keeps to its contract.

    Attributes:
        start_us: start of the session, epoch microseconds.
        end_us: its end; before the start only where that is among the contradictions.
        trades: the orders, as logged.
        events: type of every event, in order of time.
        disconnected_us: when the connection was lost, in order of time.
        samples: times (epoch µs) and net liquidation values, as logged.
        periods_per_year: intervals of the samples in a year; None when the log does not say.
        year: what a year is, a key of ``_YEARS``.
        account: the account's id, not to be shown; None when the log names none.
        sample: whether the log says that it is sample data.
        contradictions: JSON pointer and what is wrong there, in the log's order.
    """

    session_id: str
    start_us: int
    end_us: int
    trades: tuple[Trade, ...]
    events: tuple[str, ...]
    disconnected_us: tuple[int, ...]
    samples: tuple[tuple[int, Decimal | int], ...]
    periods_per_year: int | None
    year: str
    account: str | None
    sample: bool
    contradictions: tuple[tuple[str, str], ...]

    def sampling_problem(self) -> tuple[str, str] | None:
        """Why the samples cannot give a Sharpe ratio: JSON pointer and reason; None when they can.

        They have to be equally far apart (1 %), to begin and end less than one interval from the session's
        start and end, and to be as many in a year as the log states (1 %).
        """
        times = [time for time, _ in self.samples]
        if len(times) < 3:
            return "/equity", f"it has {len(times)} samples of equity, and three are the least"
        spacing = Fraction(times[-1] - times[0], len(times) - 1)
        for index, (before, after) in enumerate(pairwise(times), 1):
            if abs(after - before - spacing) > spacing * _TOLERANCE:
                return f"/equity/{index}/time", "the samples of equity are not equally far apart"
        near = spacing * (1 - _TOLERANCE)
        if abs(times[0] - self.start_us) > near:
            return "/equity/0/time", "the samples of equity do not begin with the session"
        if abs(self.end_us - times[-1]) > near:
            return f"/equity/{len(times) - 1}/time", "the samples of equity do not reach the session's end"
        if self.periods_per_year is None:
            return "/equity", "it has no equity_periods_per_year"
        whole_days = self.year == "trading" and spacing >= _DAY_US * (1 - _TOLERANCE)
        expected = Fraction(252 * _DAY_US if whole_days else _YEARS[self.year]) / spacing
        if abs(self.periods_per_year - expected) > expected * _TOLERANCE:
            return "/equity_periods_per_year", (
                f"it states {self.periods_per_year} periods a year; of samples"
                f" {float(spacing / SECOND_US):g} s apart, a {self.year} year has {round(expected)}"
            )
        return None


def read_session(view: View, path: str) -> Session:
    """The log at ``path``.

    Raises:
        EvidenceError: malformed, against its contract, or a time that does not exist. The message never holds
            the account id.
    """
    log = read_json(view, path, CONTRACT)
    start = microseconds(log["start_time"], path, "/start_time")
    end = microseconds(log["end_time"], path, "/end_time")
    found = [("/end_time", "the session ends before it starts")] if end < start else []

    def times(name: str, field: str) -> list[int]:
        moments: list[int] = []
        for index, entry in enumerate(log.get(name, [])):
            place = f"/{name}/{index}/{field}"
            moment = microseconds(entry[field], path, place)
            if moments and (moment <= moments[-1] if name == "equity" else moment < moments[-1]):
                found.append((place, "is not after the one before it"))
            elif not start <= moment <= end:
                found.append((place, "lies outside the session"))
            moments.append(moment)
        return moments

    events = sorted(zip(times("events", "time"), (event["type"] for event in log["events"]), strict=True),
                    key=lambda event: event[0])  # fmt: skip
    for index, event in enumerate(log["events"]):
        if event["type"] != (kind := _kind(event)):
            found.append((f"/events/{index}/type", f"is not {kind}, which the broker's code or words mean"))
    told = {kind for _, kind in events}
    for index, trade in enumerate(log["trades"]):
        if (kind := _KINDS.get(trade.get("reject_code"), "")) not in {"", *told}:
            found.append((f"/trades/{index}/reject_code", f"means a {kind}, and the log has no such event"))
    found += [*_durations(log["events"], path), *_other_accounts(log)]
    submitted = times("trades", "submitted_at")
    for index, moment in enumerate(submitted):
        before = [kind for time, kind in events if time < moment and kind in ("disconnect", "reconnect")]
        if before[-1:] == ["disconnect"]:
            found.append((f"/trades/{index}/submitted_at", "lies where the log has no connection"))
    trades = _trades(log["trades"], submitted, path, found)
    if log.get("equity_year") != "calendar" and not log.get("account_id", "").startswith("DUSIM"):
        since = [(moment - _SATURDAY_US) % (7 * _DAY_US) for moment in submitted]
        closed = [
            i for i, each in enumerate(since) if any(first <= each < last for first, last in _CLOSED_US)
        ]
        text = "lies in a weekend, when no exchange is open"
        found += [(f"/trades/{index}/submitted_at", text) for index in closed[:1]]
    navs = (sample["nav"] for sample in log.get("equity", []))
    periods = log.get("equity_periods_per_year")
    return Session(
        session_id=hide(log["session_id"], log.get("account_id")),
        start_us=start,
        end_us=end,
        trades=trades,
        events=tuple(kind for _, kind in events),
        disconnected_us=tuple(time for time, kind in events if kind == "disconnect"),
        samples=tuple(zip(times("equity", "time"), navs, strict=True)),
        periods_per_year=None if periods is None else int(periods),
        year=log.get("equity_year", "trading"),
        account=log.get("account_id"),
        sample=log.get("sample", False),
        contradictions=tuple(found),
    )


def _trades(
    trades: list[dict[str, Any]], times: list[int], path: str, found: list[tuple[str, str]]
) -> tuple[Trade, ...]:
    first_use: dict[object, int] = {}
    prices: dict[str, list[Decimal | int]] = {}
    for trade in trades:
        stated = (trade["fill_price"], trade.get("limit_price"))
        prices.setdefault(trade["symbol"], []).extend(price for price in stated if price and price > 0)
    middle = {symbol: sorted(each)[len(each) // 2] for symbol, each in prices.items() if each}
    result: list[Trade] = []
    for index, (trade, submitted) in enumerate(zip(trades, times, strict=True)):
        place = f"/trades/{index}"
        earlier = first_use.setdefault(trade["intent_id"].strip(), index)
        if earlier != index:
            found.append((f"{place}/intent_id", f"is the one of /trades/{earlier}"))
        elif (copied := first_use.setdefault(_figures(trade), index)) != index:
            found.append((place, f"is /trades/{copied} again, with another intent_id"))
        found += [(f"{place}/{name}", text) for name, text in _implausible(trade)]
        usual, price = middle.get(trade["symbol"]), trade["fill_price"]
        if usual and price and price > 0 and not usual <= price * _OTHER_UNIT <= usual * _OTHER_UNIT**2:
            found.append((f"{place}/fill_price", f"is far from the other prices of {trade['symbol'][:20]}"))
        total, problem = _total_ns(trade["latency_ms"], path, f"{place}/latency_ms")
        if problem:
            found.append((f"{place}/latency_ms/total", problem))
        symbol, kind, quantity = trade["symbol"], trade["order_type"], trade["quantity"]
        price = price or trade.get("limit_price")
        result.append(Trade(symbol, kind, trade["status"], quantity, price, submitted, total))
    measured = [parts for trade in trades if None not in (parts := tuple(trade["latency_ms"].values()))]
    if measured and len(set(measured)) <= len(measured) // _REPEATED:
        text = f"has only {len(set(measured))} different latencies in {len(measured)} orders"
        found.append(("/trades", text))
    return tuple(result)


def _figures(trade: dict[str, Any]) -> tuple[object, ...]:
    """What no two orders have in common."""
    same = (trade[name] for name in ("symbol", "direction", "quantity", "submitted_at", "fill_price"))
    return (*same, *trade["latency_ms"].values())


def _kind(event: dict[str, Any]) -> str:
    """What an event is by the broker's code, or else by its words; a reconnection has a code of its own."""
    stated: str = event["type"]
    if code := event.get("code"):
        return _KINDS.get(code, "info" if stated == "reconnect" else stated)
    words = (kind for kind, said in _WORDS.items() if said.search(event.get("detail", "")))
    return next(words, stated) if stated in ("info", "error") else stated


def _implausible(trade: dict[str, Any]) -> list[tuple[str, str]]:
    """What of one order cannot be: the field and why."""
    status, quantity, filled = trade["status"], trade["quantity"], trade.get("filled_quantity")
    price, limit = trade["fill_price"], trade.get("limit_price")
    found = [
        (name, "is not above zero")
        for name, value in (("limit_price", limit), ("fill_price", price))
        if value is not None and value <= 0
    ]
    if filled is not None and filled > quantity:
        found.append(("filled_quantity", "is more than was ordered"))
    if filled is not None and status == "FILLED" and filled < quantity:
        found.append(("filled_quantity", "is less than was ordered, and the order is FILLED"))
    reason = trade.get("reject_reason") or ""
    for name in ("reject_code", "reject_reason"):
        if status == "FILLED" and says_something(str(trade.get(name) or "")):
            found.append((name, "is stated, and the order is FILLED"))
    if status == "REJECTED" and (trade.get("reject_code") or 0) in _NOTICES:
        found.append(("reject_code", "is a notice, which rejects nothing"))
    if status == "REJECTED" and (not says_something(reason) or has_template_mark(reason)):
        found.append(("reject_reason", "says nothing"))
    if not _SYMBOL.fullmatch(trade["symbol"]):
        found.append(("symbol", "is none that the broker knows"))
    if status in ("PARTIAL_FILL", "CANCELED") and filled == quantity:
        found.append(("status", f"is {status}, and all of the order is filled"))
    if status == "PARTIAL_FILL" and filled == 0:
        found.append(("status", "is PARTIAL_FILL, and nothing of the order is filled"))
    if status in ("SUBMITTED", "ACKNOWLEDGED") and filled:
        found.append(("status", f"is {status}, and the order has a fill"))
    if trade["commission"] and price is None and not filled and status != "CANCELED":
        found.append(("commission", "is stated, and the order has no fill"))
    if status == "REJECTED" and (
        price is not None or filled or trade["latency_ms"]["ack_to_fill"] is not None
    ):
        found.append(("status", "is REJECTED, and the order has a fill"))
    if price is not None and limit is None and trade["order_type"].upper() in _LIMIT_ORDERS:
        found.append(("limit_price", "is not stated, so nobody can tell whether the fill kept to it"))
    if price is not None and limit is not None:
        beyond = price > limit if trade["direction"] == "BUY" else price < limit
        if beyond:
            found.append(("fill_price", f"is beyond the limit price of the {trade['direction']} order"))
    return found


def _durations(events: list[dict[str, Any]], path: str) -> list[tuple[str, str]]:
    """Reconnections whose stated duration is, by more than a second, none of those since a disconnection."""
    found, lost = [], list[int]()
    for index, event in enumerate(events):
        at = microseconds(event["time"], path, f"/events/{index}/time")
        if event["type"] == "disconnect":
            lost.append(at)
        elif event["type"] == "reconnect":
            stated = event.get("duration_ms")
            if stated is not None and lost and all(abs(at - t - stated * 1000) > SECOND_US for t in lost):
                found.append((f"/events/{index}/duration_ms", "is not the time since the disconnection"))
            lost = []
    return found


def _other_accounts(log: dict[str, Any]) -> list[tuple[str, str]]:
    """Texts that name paper accounts, of which none is the log's."""
    texts = {"/session_id": log["session_id"], "/note": log.get("note", "")}
    texts |= {f"/events/{index}/detail": one.get("detail", "") for index, one in enumerate(log["events"])}
    named = {place: _PAPER_ACCOUNT.findall(text) for place, text in texts.items()}
    own = log.get("account_id")
    text = "names a paper account other than account_id"
    return [(place, text) for place, ids in named.items() if own and ids and own not in ids]


def busiest(times_us: Sequence[int], length_us: int = SECOND_US) -> int:
    """The most events in any window; one is half-open, [t, t + length), and begins at an event."""
    ordered = sorted(times_us)
    return max((bisect_left(ordered, t + length_us, i) - i for i, t in enumerate(ordered)), default=0)


def unrecovered(events: Sequence[str]) -> int:
    """Disconnections that no later reconnection follows; ``events`` are event types in order of time."""
    open_now = 0
    for kind in events:
        if kind == "disconnect":
            open_now += 1
        elif kind == "reconnect":
            open_now = 0
    return open_now


def _decimals(value: Decimal | int) -> int:
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _total_ns(latency: dict[str, Any], path: str, place: str) -> tuple[int | None, str | None]:
    """The total latency, and what is wrong with it beside its parts.

    Each of the four figures may be off by half of its last decimal, so they may differ by two of the last
    decimal that any of them states. Where a part was not measured the others must not exceed the total. A
    total that was not measured is the sum of the parts when all of them were.
    """
    parts = [latency[name] for name in _PARTS if latency[name] is not None]
    complete = len(parts) == len(_PARTS)
    total = latency["total"]
    stated = parts if total is None else [*parts, total]
    scale: int = 10 ** max((_decimals(value) for value in stated), default=0)
    units = [int(Fraction(value) * scale) for value in stated]
    known = sum(units[: len(parts)])
    if total is None and not complete:
        return None, None
    whole = known if total is None else units[-1]
    wrong = whole - known < -_SLACK or (complete and whole - known > _SLACK)
    nanoseconds = bounded(-(-whole * NS_PER_MS // scale), path, f"{place}/total")
    if not whole:
        return nanoseconds, "is 0 ms, which nobody has measured"
    return nanoseconds, "is not the sum of its parts" if wrong else None
