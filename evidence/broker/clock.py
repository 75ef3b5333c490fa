"""The clock of broker sessions."""

from __future__ import annotations

import time
from collections.abc import Callable


def clock_after(last_us: int = 0) -> Callable[[], int]:
    """Microseconds since 1970: the machine's time now, which then never goes back, nor before ``last_us``."""
    offset = max(time.time_ns() // 1000, last_us) - time.monotonic_ns() // 1000
    return lambda: offset + time.monotonic_ns() // 1000
