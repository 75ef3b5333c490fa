"""Trades become bars, and bad bars are named."""

from __future__ import annotations

import dataclasses

import pytest

import fixtures as signed
from data_plane.bars import Bar, Tick, aggregate, problems

pytestmark = pytest.mark.unit
BAR = Bar("SPY", 60, 60, 10.0, 11.0, 9.0, 10.5, 300, 10.2)


def test_bars_keep_volume_and_value_of_the_trades() -> None:
    ticks = [Tick(*row) for row in signed.load("ticks_spy")["ticks"]]
    bars = list(aggregate("SPY", ticks, 60))
    assert len(bars) > 1
    assert sum(bar.volume for bar in bars) == sum(tick.size for tick in ticks)
    assert sum(bar.vwap * bar.volume for bar in bars) == pytest.approx(sum(t.price * t.size for t in ticks))
    assert all(problems(bar) == [] for bar in bars)
    assert list(aggregate("SPY", [], 60)) == []


@pytest.mark.parametrize(
    "ticks",
    [[Tick(5, 10, 1), Tick(4, 10, 1)], [Tick(5, 0, 1)], [Tick(5, 10, 0)]],
    ids=["order", "price", "size"],
)
def test_impossible_trades_are_refused(ticks: list[Tick]) -> None:
    with pytest.raises(ValueError, match="SPY"):
        list(aggregate("SPY", ticks, 60))


def test_problems_of_a_bar_are_named() -> None:
    bad = dataclasses.replace(BAR, low=10.4, vwap=12.0, volume=0)
    assert problems(bad) == [
        "open or close lies outside low and high",
        "vwap lies outside low and high",
        "no volume",
    ]
    later = dataclasses.replace(BAR, start=180, open=20.0, high=20.0, low=20.0, close=20.0, vwap=20.0)
    assert problems(later, BAR) == ["gap in time", "price jump"]
