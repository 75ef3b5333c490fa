"""The pacer spaces messages evenly and counts them."""

from __future__ import annotations

import itertools

import pytest

from order_plane.pacing import BROKER_LIMIT_PER_SECOND, Pacer

pytestmark = pytest.mark.unit


def test_a_burst_is_spread_out_and_never_breaks_the_limit() -> None:
    pacer = Pacer(rate=40)
    times = [pacer.reserve(0.0) for _ in range(200)]
    assert times[0] == 0.0
    assert all(b - a == pytest.approx(1 / 40) for a, b in itertools.pairwise(times))
    assert pacer.sent_in_last_second(times[-1]) <= BROKER_LIMIT_PER_SECOND


def test_an_idle_pacer_lets_a_message_through_at_once() -> None:
    pacer = Pacer(rate=10)
    pacer.reserve(0.0)
    assert pacer.reserve(5.0) == 5.0
    assert pacer.sent_in_last_second(5.5) == 1
    assert pacer.sent_in_last_second(6.0) == 0


@pytest.mark.parametrize("rate", [0, -1, 50, 100])
def test_a_rate_at_or_above_the_brokers_limit_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        Pacer(rate=rate)
