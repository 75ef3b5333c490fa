"""Even pacing of messages to the broker, with a sliding count of what was really sent."""

from __future__ import annotations

import collections
from dataclasses import dataclass, field

BROKER_LIMIT_PER_SECOND = 50  # the broker's limit; one more message in a second is a violation
DEFAULT_RATE = 40.0  # we stay below it, because the broker's clock is not ours


@dataclass(slots=True)
class Pacer:
    """Hands out send times that are at least 1/`rate` seconds apart.

    Times are seconds of a monotonic clock and are passed in, so that tests and replays need no real clock.
    """

    rate: float = DEFAULT_RATE
    _next: float = float("-inf")
    _sent: collections.deque[float] = field(default_factory=collections.deque)

    def __post_init__(self) -> None:
        if not 0 < self.rate < BROKER_LIMIT_PER_SECOND:
            raise ValueError(f"rate {self.rate} must lie between 0 and {BROKER_LIMIT_PER_SECOND} per second")

    def reserve(self, now: float) -> float:
        """Return when the next message may leave (≥ `now`) and count it as sent at that time."""
        at = max(now, self._next)
        self._next = at + 1.0 / self.rate
        self._sent.append(at)
        return at

    def sent_in_last_second(self, now: float) -> int:
        """Number of messages with a send time in (now − 1 s, now]."""
        while self._sent and self._sent[0] <= now - 1.0:
            self._sent.popleft()
        return sum(1 for at in self._sent if at <= now)
