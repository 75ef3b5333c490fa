"""How fast a limiter lets messages through, and whether orders get past it."""
# ruff: noqa: E501 (a source under test reads best on one line)

from __future__ import annotations

import textwrap
from typing import Any

import pytest

BROKER = "app/broker_client.py"


def pacing(watch: Any, text: str) -> tuple[str, list[str]]:
    """State of the limiter, and what sends without it."""
    found = watch("source", {BROKER: textwrap.dedent(text)})
    past = [one.reason.split(" without")[0] for one in found.problems if "pacing" in one.fact]
    return found.facts["safeguards"]["pacing_limiter"]["state"], past


AIO = """
    from aiolimiter import AsyncLimiter
    RATE = 100
    class Client:
        def __init__(self, rate=60):
            self.limiter = AsyncLimiter({})
        async def place_order(self, contract, order):
            async with self.limiter:
                return self.ib.placeOrder(contract, order)
"""


@pytest.mark.parametrize(
    ("arguments", "state"),
    [
        ("40, 1", "present"),
        ("100, 1", "too fast"),
        ("50, 1", "too fast"),
        ("max_rate=RATE, time_period=60", "too fast"),
        ("10, 0.1", "too fast"),
        ("10, 0.25", "present"),
        ("rate, 1", "present"),
        ("settings.rate, 1", "present"),
    ],
)
def test_the_rate_of_a_package_is_that_of_its_numbers(watch: Any, arguments: str, state: str) -> None:
    assert pacing(watch, AIO.format(arguments)) == (state, [])


@pytest.mark.parametrize(
    ("limiter", "state"),
    [
        ("@ratelimit.sleep_and_retry\n    @ratelimit.limits(calls=100, period=1)", "too fast"),
        ("@ratelimit.sleep_and_retry\n    @ratelimit.limits(calls=40, period=1)", "present"),
        ("@ratelimit.sleep_and_retry", "absent"),
    ],
)
def test_decorators_state_their_rate(watch: Any, limiter: str, state: str) -> None:
    text = f"import ratelimit\nclass Client:\n    {limiter}\n    def place_order(self, c, o):\n        return self.ib.placeOrder(c, o)\n"
    assert pacing(watch, text)[0] == state


def test_of_several_rates_the_slowest_counts(watch: Any) -> None:
    text = """
    from pyrate_limiter import Duration, Limiter, Rate
    LIMITER = Limiter([Rate(40, Duration.SECOND), Rate(500, Duration.MINUTE)])
    class Client:
        def place_order(self, c, o):
            LIMITER.try_acquire("order")
            return self.ib.placeOrder(c, o)
    """
    assert pacing(watch, text)[0] == "present"
    assert pacing(watch, text.replace("Rate(40, Duration.SECOND), ", ""))[0] == "too fast"


OWN = """
    import time
    class Pacer:
        def __init__(self, rate={rate}):
            self.rate = rate
        def wait(self):
            {wait}
    class Client:
        def __init__(self):
            self.pacer = Pacer({given})
        def place_order(self, c, o):
            self.pacer.wait()
            return self.ib.placeOrder(c, o)
"""
SPACING = "gap = self.last + 1 / self.rate - time.time()\n            if gap > 0: time.sleep(gap)\n            self.last = time.time()"
WINDOW = "now = time.time()\n            if len(self.sent) >= self.rate and now - self.sent[0] < 1: time.sleep(1)\n            self.sent.append(now)"
BUCKET = "now = time.time()\n            self.tokens = min(self.rate, self.tokens + (now - self.at) * self.rate)\n            self.at = now\n            if self.tokens < 1: time.sleep(1)\n            self.tokens -= 1"


@pytest.mark.parametrize("wait", [SPACING, WINDOW, BUCKET], ids=["spacing", "window", "bucket"])
@pytest.mark.parametrize("rate", ["40", "400", "settings.rate"])
def test_the_rate_of_an_own_limiter_is_for_the_conformance_suite(watch: Any, wait: str, rate: str) -> None:
    assert pacing(watch, OWN.format(rate=rate, given="", wait=wait)) == ("present", [])


PACED = """
    import time
    class Client:
        def place_order(self, c, o):
            {before}
            return self._send(c, o)
        def _send(self, c, o):
            {inside}
            return self.ib.placeOrder(c, o)
        def cancel_order(self, o):
            self._pace()
            return self.ib.cancelOrder(o)
        def _pace(self):
            gap = self.last + 0.025 - time.time()
            if gap > 0: time.sleep(gap)
            self.last = time.time()
"""


@pytest.mark.parametrize(
    ("before", "inside", "past"),
    [
        ("self._pace()", "pass", []),
        ("pass", "self._pace()", []),
        ("self._ready()", "pass", ["_send calls placeOrder"]),
        ("pass", "self._pace", ["_send calls placeOrder"]),
        ("pass", "return self._queue(lambda: self.ib.placeOrder(c, o), self._pace)", []),
    ],
)
def test_every_order_has_the_limiter_on_its_way(
    watch: Any, before: str, inside: str, past: list[str]
) -> None:
    state, found = pacing(watch, PACED.format(before=before, inside=inside))
    assert state == "present"
    assert [one.partition(".")[2] for one in found] == past


def test_a_caller_that_paces_something_else_does_not_pace_the_order(watch: Any) -> None:
    text = PACED.format(before="pass", inside="pass") + (
        "        def run(self, c, o):\n            self.cancel_order(o)\n            self.place_order(c, o)\n"
    )
    assert pacing(watch, text)[1] == ["Client._send calls placeOrder"]


@pytest.mark.parametrize(
    "change",
    [
        ("pass", "self.ib.client.MaxRequests = 40"),
        ("self.ib.placeOrder(c, o)", "self.paced.placeOrder(c, o)"),
    ],
    ids=["throttle", "wrapper"],
)
def test_what_paces_everything_leaves_no_way_past_it(watch: Any, change: tuple[str, str]) -> None:
    wrapper = "    class Paced:\n        def placeOrder(self, c, o):\n            self._pace()\n            return self.ib.placeOrder(c, o)\n"
    text = PACED.format(before="pass", inside="pass").replace(*change) + wrapper
    assert pacing(watch, text) == ("present", [])
