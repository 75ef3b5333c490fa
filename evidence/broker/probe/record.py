"""The record of an account, ACCOUNT_CONFIG.json (contract ``account_config``). Pure.

What is not known is null: a policy then fails for it, and says what to do. Permissions, what may be held and
limits are stated by no message of the broker, so they are known only where somebody attests them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from ...base.canonical import MAX_SAFE_INTEGER
from ...base.contracts import violations
from ...base.errors import EvidenceError, masked
from ...base.numbers import percentile_nearest_rank
from ..port.model import AccountValues
from .attestation import USUAL, Attestation
from .figures import exact, figures_of

PAPER, SIMULATED, LIVE, UNKNOWN = "PAPER", "SIMULATED", "LIVE", "UNKNOWN"
"""What an account is said to be. Paper is said only of the pinned account behind a paper port."""

_LIMITS = ("max_order_size", "max_position_value")


class Latency(Struct, frozen=True):
    """How long an operation took: each time in microseconds, and what the 95th percentile may be."""

    operation: str
    times_us: tuple[int, ...]
    sla_us: int | None = None

    def row(self) -> dict[str, Any]:
        """As the record has it."""
        times = [min(max(one, 0), MAX_SAFE_INTEGER) for one in self.times_us]
        return {
            "operation": self.operation,
            "samples": len(times),
            "p50_us": percentile_nearest_rank(times, 50),
            "p95_us": percentile_nearest_rank(times, 95),
            "max_us": max(times),
            "sla_us": self.sla_us,
        }


class Record(Struct, frozen=True):
    """The document, and remarks for people: why something in it is unknown."""

    document: dict[str, Any]
    remarks: tuple[str, ...] = ()

    def data(self) -> bytes:
        """The bytes of the file.

        Raises EvidenceError: something that the broker stated breaks the contract, so nothing is recorded.
        """
        broken = violations("files", "account_config", self.document, most=1, quote=False)
        if broken:
            what = f"what the broker states cannot be recorded: {masked(broken[0][1])}"
            raise EvidenceError(what, place=broken[0][0], remedy="record the account by hand")
        return (json.dumps(self.document, indent=2, allow_nan=False) + "\n").encode()


def make_record(
    stated: AccountValues,
    account_type: str,
    observed_at: str | None,
    *,
    positions: Sequence[Mapping[str, Any]] | None = None,
    attestation: Attestation | None = None,
    connection: Mapping[str, Any] | None = None,
    latency: Sequence[Latency] = (),
    note: str | None = None,
    where: str | None = None,
) -> Record:
    """The record of one account.

    Args:
        stated: what the broker states of it.
        account_type: one of ``PAPER``, ``SIMULATED``, ``LIVE`` and ``UNKNOWN``.
        observed_at: RFC 3339 time of the values; None where it is not known.
        positions: as :func:`~.figures.holdings` gives them; None where they are not known.
        connection: the session that the values were read through, as the contract has it.
        where: the file that the values come from, for messages.

    Raises EvidenceError: the values contradict each other.
    """
    figures = figures_of(stated, where)
    attested = {} if attestation is None else attestation.stated
    permissions = attested.get("permissions", {})
    limits = attested.get("limits", {})
    document: dict[str, Any] = {
        "timestamp": observed_at,
        "account_id": stated.account,
        "account_type": account_type,
        **({"currency": figures.currency} if figures.currency else {}),
        **{name: None if value is None else exact(value) for name, value in figures.values.items()},
        "permissions": {name: permissions.get(name) for name in (*USUAL, *permissions)},
        "assets": attested.get("assets"),
        "limits": {name: _plain(limits.get(name)) for name in _LIMITS},
        "positions": None if positions is None else list(positions),
    }
    remarks = list(figures.remarks)
    for name in ("permissions", "assets", "limits"):
        if name not in attested:
            remarks.append(f"{name}: no message of the broker states them, and nobody attests them")
    if positions is None:
        remarks.append("positions: not stated")
    if observed_at is None:
        remarks.append("timestamp: not stated")
    if connection is not None:
        document["connection"] = dict(connection)
    if latency:
        document["latency"] = [one.row() for one in latency]
    if attestation is not None:
        fields = list(attested)
        if connection is not None and connection.get("read_only_known_from") == "attestation":
            fields.append("read_only")
        if fields:
            document["attested"] = {
                "by": attestation.by,
                "at": attestation.at,
                "sha256": attestation.sha256,
                "fields": fields,
            }
    if note:
        document["note"] = note
    return Record(document, tuple(remarks))


def _plain(value: Any) -> int | float | None:
    return None if value is None else int(value) if value == int(value) else float(value)
