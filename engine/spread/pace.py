"""How far the work is, how fast, and how long it will take: for people, at most once a second."""

from __future__ import annotations

import time

from ...evidence.base.activity import Log, step

_log = Log(__name__)
_SECONDS = 1.0


class Pace:
    """Counts what is done; tells whoever listens, and the log of ``--verbose``.

    Args:
        what: what is done, such as ``judged again``.
        total: how much there is; None where that is not known.
    """

    def __init__(self, what: str, total: int | None) -> None:
        self._what, self._total = what, total
        self._done = 0
        self._began = self._told = time.monotonic()

    def add(self, done: int = 1) -> None:
        """So many more are done."""
        now = time.monotonic()
        self._done += done
        if now - self._told < _SECONDS:
            return
        self._told = now
        rate = self._done / (now - self._began)
        text = f"{self._what}: {self._done:,}"
        if self._total is not None:
            text += f" of {self._total:,}"
        text += f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.1f}/s"
        if self._total is not None:
            text += f", {duration((self._total - self._done) / rate)} left"
        step(text)
        _log.info("%s", text)


def duration(seconds: float) -> str:
    """A time in its two largest units: ``1 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"
