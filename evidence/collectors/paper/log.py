"""The paper-trading log as values, refused where it contradicts itself.

Times become epoch microseconds and latencies nanoseconds (rounded up), so that everything after this is exact
integer arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from ...base.errors import EvidenceError
from ...reading.workspace import View
from ..shared.account_id import hide, mask, prefix, read_json
from ..shared.documents import bounded, microseconds

CONTRACT = "paper_trading_log"
NS_PER_MS = 1_000_000
_PARTS = ("intent_to_submit", "submit_to_ack", "ack_to_fill")
_SLACK = 2
"""Units of the last decimal by which four rounded figures may miss their sum."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One order: last state, time of submission in epoch µs, total latency in ns (None when not measured)."""

    symbol: str
    order_type: str
    status: str
    submitted_us: int
    total_ns: int | None


@dataclass(frozen=True, slots=True)
class Session:
    """A consistent log.

    Attributes:
        start_us: start of the session, epoch microseconds.
        end_us: its end, not before the start.
        trades: the orders, as logged.
        events: type of every event, in order of time.
        equity: net liquidation value at the samples, in order of time; empty when not logged.
        periods_per_year: intervals of ``equity`` in a year; 1 leaves the Sharpe ratio as it is per interval.
        account_masked: the account's id, masked; None when the log names none.
        account_prefix: what kind of account it is, ``DU`` or ``DUSIM``; None when the log names none.
        sample: whether the log says that it is sample data.
    """

    session_id: str
    start_us: int
    end_us: int
    trades: tuple[Trade, ...]
    events: tuple[str, ...]
    equity: tuple[Decimal | int, ...]
    periods_per_year: int
    account_masked: str | None
    account_prefix: str | None
    sample: bool


def read_session(view: View, path: str) -> Session:
    """The log at ``path``.

    Raises:
        EvidenceError: malformed, against its contract, or inconsistent in itself: ends before it starts, an
            intent twice, an order outside the session, more filled than ordered, FILLED with less than
            ordered, a total latency that is not the sum of its parts, equity samples not in order of time.
            The place is a JSON pointer; the message never holds the account id.
    """
    log = read_json(view, path, CONTRACT)
    account: str | None = log.get("account_id")
    start = microseconds(log["start_time"], path, "/start_time")
    end = microseconds(log["end_time"], path, "/end_time")
    if end < start:
        _refuse("the session ends before it starts", path, "/end_time")
    events = [
        (microseconds(event["time"], path, f"/events/{index}/time"), event["type"])
        for index, event in enumerate(log["events"])
    ]
    events.sort(key=lambda event: event[0])  # stable: events of one moment stay in the log's order
    return Session(
        session_id=hide(log["session_id"], account),
        start_us=start,
        end_us=end,
        trades=_trades(log["trades"], path, start, end),
        events=tuple(kind for _, kind in events),
        equity=_equity(log.get("equity", []), path),
        periods_per_year=int(log.get("equity_periods_per_year", 1)),
        account_masked=None if account is None else mask(account),
        account_prefix=None if account is None else prefix(account),
        sample=log.get("sample", False),
    )


def _refuse(what: str, path: str, place: str) -> NoReturn:
    raise EvidenceError(
        what,
        path=path,
        place=place,
        remedy="correct the program that writes the log and run the session again",
    )


def _trades(trades: list[dict[str, Any]], path: str, start: int, end: int) -> tuple[Trade, ...]:
    first_use: dict[str, int] = {}
    result: list[Trade] = []
    for index, trade in enumerate(trades):
        place = f"/trades/{index}"
        earlier = first_use.setdefault(trade["intent_id"], index)
        if earlier != index:
            _refuse(f"the intent_id is the one of /trades/{earlier}", path, f"{place}/intent_id")
        submitted = microseconds(trade["submitted_at"], path, f"{place}/submitted_at")
        if not start <= submitted <= end:
            _refuse("the order was submitted outside the session", path, f"{place}/submitted_at")
        filled = trade.get("filled_quantity")
        if filled is not None and filled > trade["quantity"]:
            _refuse("more was filled than ordered", path, f"{place}/filled_quantity")
        if filled is not None and trade["status"] == "FILLED" and filled < trade["quantity"]:
            _refuse("the order is FILLED with less than was ordered", path, f"{place}/filled_quantity")
        total = _total_ns(trade["latency_ms"], path, f"{place}/latency_ms")
        result.append(Trade(trade["symbol"], trade["order_type"], trade["status"], submitted, total))
    return tuple(result)


def _decimals(value: Decimal | int) -> int:
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _total_ns(latency: dict[str, Any], path: str, place: str) -> int | None:
    """The total latency, checked against its parts.

    Each of the four figures may be off by half of its last decimal, so they may differ by two of the last
    decimal that any of them states. Where a part was not measured the others must not exceed the total. A
    total that was not measured is the sum of the parts when all of them were.
    """
    parts = [latency[name] for name in _PARTS if latency[name] is not None]
    complete = len(parts) == len(_PARTS)
    total = latency["total"]
    stated = parts if total is None else [*parts, total]
    decimals = max((_decimals(value) for value in stated), default=0)
    units = [_units(value, decimals) for value in stated]
    known = sum(units[: len(parts)])
    if total is None:
        return _nanoseconds(known, decimals, path, place) if complete else None
    difference = units[-1] - known
    if difference < -_SLACK or (complete and difference > _SLACK):
        _refuse("the total latency is not the sum of its parts", path, f"{place}/total")
    return _nanoseconds(units[-1], decimals, path, place)


def _units(value: Decimal | int, decimals: int) -> int:
    """``value × 10^decimals``, exact as long as the value has no more decimals than that."""
    numerator, denominator = value.as_integer_ratio()
    scale: int = 10**decimals
    return numerator * scale // denominator


def _nanoseconds(units: int, decimals: int, path: str, place: str) -> int:
    scale: int = 10**decimals
    return bounded(-(-units * NS_PER_MS // scale), path, f"{place}/total")


def _equity(samples: list[dict[str, Any]], path: str) -> tuple[Decimal | int, ...]:
    previous: int | None = None
    for index, sample in enumerate(samples):
        time = microseconds(sample["time"], path, f"/equity/{index}/time")
        if previous is not None and time <= previous:
            _refuse("the equity samples are not in order of time", path, f"/equity/{index}/time")
        previous = time
    return tuple(sample["nav"] for sample in samples)
