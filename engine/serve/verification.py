"""Verifies the served ledgers again and again, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from ...evidence.base.errors import GateError, LedgerError
from ...evidence.base.times import format_utc
from ..entries import statement as statements
from ..ledger import verify_ledger
from ..ledger.findings import Extent, Verification
from ..ledger.interface import NoLedger
from .served import Served, ServedLog


class Verified(Struct, frozen=True):
    """How the last verification of a ledger ended.

    Attributes:
        time: when, RFC 3339.
        seconds: how long it took.
        report: what it found; None where it could not be made.
        problem: why it could not be made; None where it was, and where there is no ledger yet.
    """

    time: str
    seconds: float
    report: Verification | None
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the ledger was verified and nothing is wrong, or nothing was recorded yet."""
        return self.problem is None and (self.report is None or self.report.ok)


class Verifier:
    """The thread; it begins at once, and again after each interval.

    Each first verification of this process reads everything, later ones only what is new since.

    Args:
        told: is called when a ledger is found wrong, or sound again.
    """

    def __init__(self, served: Served, told: Callable[[str], Any]) -> None:
        self._logs = list(served.logs.values())
        self._every_s = served.service.stated.verify_every_seconds
        self._told = told
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gate-verifier", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the ledger that is being verified, or with the process."""
        self._ended.set()

    def _run(self) -> None:
        first = True
        while not self._ended.is_set():
            for log in self._logs:
                if self._ended.is_set():
                    return
                before, log.verified = log.verified, verify(log, first=first)
                if not log.verified.ok or (before is not None and not before.ok):
                    state = "is sound" if log.verified.ok else "is NOT sound, or cannot be verified"
                    self._told(f"the ledger {log.name} {state}")
            first = False
            self._ended.wait(self._every_s)


def verify(log: ServedLog, *, first: bool) -> Verified:
    """Verify one ledger, all of it or what is new since the receipt. Raises nothing."""
    began, report, problem = time.monotonic(), None, None
    try:
        try:
            report = _verified(log, Extent.COVERED if first else Extent.NEW)
        except NoLedger:
            pass
        except LedgerError:
            if first:
                raise
            report = _verified(log, Extent.COVERED)  # the receipt is not there yet
    except GateError as error:
        problem = error.what
    except Exception as error:  # noqa: BLE001 - a plug-in or a signed but odd entry may raise anything
        problem = f"it is not what a ledger is: {type(error).__name__}"
    return Verified(format_utc(int(time.time())), time.monotonic() - began, report, problem)


def _verified(log: ServedLog, scope: Extent) -> Verification:
    member = log.member
    return verify_ledger(
        member.url,
        expected_key=member.key,
        config_dir=log.config_dir,
        evidence=member.evidence,
        evidence_of=statements.documents,
        admins=member.admins,
        scope=scope,
    )
