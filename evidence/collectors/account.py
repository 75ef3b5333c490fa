"""The broker account as recorded in ``ACCOUNT_CONFIG.json`` (``contracts/files/account_config.schema.json``).

The account id is masked in everything that leaves this module. Amounts are in hundredths of the account's
currency, rounded down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..base.numbers import PPM
from ..collecting.interface import Observation, Problem, Scope
from ..collecting.interface import Options as BaseOptions
from ..reading.workspace import View
from .shared.account_id import hide, mask, prefix, read_json
from .shared.documents import moment, scaled

_AMOUNTS = ("nav", "cash", "buying_power", "maintenance_margin", "equity_with_loan")
_SESSION = ("connected", "port", "read_only")
_PERMISSION = {True: "granted", False: "denied", None: "unknown"}
_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("file", "account", "prefix", "simulated", "pinned", "account_type", *_SESSION)),
    **dict.fromkeys(f"{name}_cents" for name in _AMOUNTS),
    "margin_cushion_ppm": None,
    "permissions": {},
    "limits": {"max_order_size": None, "max_position_value_cents": None},
    **dict.fromkeys(("positions", "observed_at", "observed_at_s")),
}


@dataclass(frozen=True, slots=True)
class AccountOptions(BaseOptions):
    """Options of the collector ``account``."""

    path: str = field(
        default="ACCOUNT_CONFIG.json", metadata={"description": "The record, relative to the workspace."}
    )
    pinned_account: str | None = field(
        default=None, metadata={"description": "The one account id that may be used; compared, never shown."}
    )
    hosts: list[str] = field(
        default_factory=list,
        metadata={
            "description": "Hosts other than this machine that a gateway may run on, for `gate ibkr` alone."
        },
    )


class AccountCollector:
    """Reads the account's record; see the module's description."""

    id: ClassVar[str] = "account"
    version: ClassVar[str] = "2"
    Options: ClassVar[type[BaseOptions]] = AccountOptions

    def __init__(self, options: AccountOptions) -> None:
        self._path = options.path
        self._pinned = options.pinned_account

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/account.schema.json``."""
        path = self._path
        if not view.exists(path):
            facts = {**_EMPTY, "limits": dict(_EMPTY["limits"]), "permissions": {}}
            remedy = (
                f"record the account in {path} with a read-only probe"
                " (contracts/files/account_config.schema.json shows the shape)"
            )
            return Observation(facts, (Problem("", f"{path} does not exist", remedy),))
        record = read_json(view, path, "account_config")
        account_id: str = record["account_id"]
        stated = record["timestamp"]
        observed_at, observed_at_s = (None, None) if stated is None else moment(stated, path, "/timestamp")
        session = record.get("connection") or {}
        limits = record["limits"]
        order_size = limits["max_order_size"]

        def amount(name: str, value: Any, scale: int = 100) -> int | None:
            return None if value is None else scaled(value, scale, path, name)

        facts = {
            "file": path,
            "account": mask(account_id),
            "prefix": prefix(account_id),
            "simulated": account_id.startswith("DUSIM"),
            "pinned": None if self._pinned is None else account_id == self._pinned,
            "account_type": hide(record["account_type"], account_id),
            "connected": session.get("connected"),
            "port": int(session["port"]) if session else None,
            "read_only": session.get("read_only"),
            **{f"{name}_cents": amount(f"/{name}", record[name]) for name in _AMOUNTS},
            "margin_cushion_ppm": amount("/margin_cushion", record["margin_cushion"], PPM),
            "permissions": {
                name: _PERMISSION[record["permissions"][name]] for name in sorted(record["permissions"])
            },
            "limits": {
                "max_order_size": None if order_size is None else int(order_size),
                "max_position_value_cents": amount(
                    "/limits/max_position_value", limits["max_position_value"]
                ),
            },
            "positions": None if record["positions"] is None else len(record["positions"]),
            "observed_at": observed_at,
            "observed_at_s": observed_at_s,
        }
        scope = Scope("", 1, 1, "account records")
        return Observation(facts, self._missing(facts), observed_at, scopes=(scope,))

    def _missing(self, facts: dict[str, Any]) -> tuple[Problem, ...]:
        missing: list[Problem] = []
        limits = [f"limits.{name}" for name, value in facts["limits"].items() if value is None]
        for name in [*(name for name, value in facts.items() if value is None), *limits]:
            if name == "pinned":
                reason, remedy = "no account is pinned", "set evidence.account.pinned_account in gate.yaml"
            elif name == "read_only" and facts["port"] is not None:
                reason = f"{self._path} does not say whether the gateway's Read-Only API was on"
                remedy = "probe again with --ask-read-only, or have it attested (docs/account-probe.md)"
            elif name in _SESSION:
                reason = f"{self._path} has no `connection`"
                remedy = "record the session that the account was read through: connected, port, read_only"
            else:
                reason, remedy = f"{self._path} has null for it", "read it from the broker and record it"
            missing.append(Problem(name, reason, remedy))
        return tuple(missing)
