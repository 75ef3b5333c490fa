"""Bars: trades aggregated into fixed intervals, and the checks that a bar must pass before a signal uses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tick:
    """One trade: time in seconds since the epoch, price in currency, size in shares."""

    time: float
    price: float
    size: int


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low, close (currency), volume (shares) and mean price by volume of [start, start + seconds)."""

    symbol: str
    start: int
    seconds: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    vwap: float


def aggregate(symbol: str, ticks: Iterable[Tick], seconds: int) -> Iterator[Bar]:
    """Yield one bar per interval of `seconds` that had a trade, in order of time.

    Raises ValueError when ticks go back in time, or a price or size is not positive.
    """
    bucket: list[Tick] = []
    for tick in ticks:
        if tick.price <= 0 or tick.size <= 0:
            raise ValueError(f"{symbol}: price and size must be positive at {tick.time}")
        if bucket and tick.time < bucket[-1].time:
            raise ValueError(f"{symbol}: tick at {tick.time} is older than {bucket[-1].time}")
        if bucket and int(tick.time) // seconds != int(bucket[0].time) // seconds:
            yield _close(symbol, bucket, seconds)
            bucket = []
        bucket.append(tick)
    if bucket:
        yield _close(symbol, bucket, seconds)


def _close(symbol: str, bucket: list[Tick], seconds: int) -> Bar:
    prices = [tick.price for tick in bucket]
    volume = sum(tick.size for tick in bucket)
    return Bar(
        symbol=symbol,
        start=int(bucket[0].time) // seconds * seconds,
        seconds=seconds,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=volume,
        vwap=sum(tick.price * tick.size for tick in bucket) / volume,
    )


def problems(bar: Bar, previous: Bar | None = None, jump: float = 0.2) -> list[str]:
    """What is wrong with `bar`, as short texts; empty when nothing is.

    A close that moved by more than `jump` (ratio) since `previous`, and a missing interval, are reported too.
    """
    found: list[str] = []
    if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        found.append("open or close lies outside low and high")
    if not bar.low <= bar.vwap <= bar.high:
        found.append("vwap lies outside low and high")
    if bar.volume <= 0:
        found.append("no volume")
    if previous is not None:
        if bar.start != previous.start + previous.seconds:
            found.append("gap in time")
        if abs(bar.close / previous.close - 1.0) > jump:
            found.append("price jump")
    return found
