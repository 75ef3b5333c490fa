"""The broker account as recorded in ``ACCOUNT_CONFIG.json`` (``contracts/files/account_config.schema.json``).

The account id is masked in everything that leaves this module. Amounts are in hundredths of the account's
currency, rounded down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

from ..base.numbers import PPM
from ..broker.account_id import hide, mask, prefix, read_json
from ..collecting.interface import Observation, Problem, Scope
from ..collecting.interface import Options as BaseOptions
from ..reading.workspace import View
from .shared.documents import moment, scaled

_AMOUNTS = ("nav", "cash", "buying_power", "maintenance_margin", "equity_with_loan")
_SESSION = ("connected", "port", "read_only")
_PERMISSION = {True: "granted", False: "denied", None: "unknown"}
_CLASSES = {"BOND": "bonds", "CRYPTO": "crypto", "FUT": "futures", "OPT": "options", "STK": "stocks"}
"""Permission by the broker's security type."""
_AT_MARKET_VALUE = frozenset({"BOND", "FUND", "OPT", "STK", "WAR"})
"""Security types of which the net liquidation value has the market value: not futures, nor currencies."""
_FIGURES = ("nav", "cash", "maintenance_margin", "equity_with_loan", "margin_cushion", "buying_power")
_CUSHION_TOLERANCE = Fraction(1, 20)
_MOST_LEVERAGE = 10
"""The broker lends for a day four times the equity, and less than seven times with portfolio margin."""
_NAV_TOLERANCE = Fraction(1, 100)
"""Accrued interest and dividends are in the net liquidation value and in neither cash nor positions."""
_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("file", "account", "prefix", "simulated", "pinned", "account_type", *_SESSION)),
    **dict.fromkeys(f"{name}_cents" for name in _AMOUNTS),
    "margin_cushion_ppm": None,
    "permissions": {},
    "contradictions": [],
    "latencies": [],
    "limits": {"max_order_size": None, "max_position_value_cents": None},
    **dict.fromkeys(("positions", "largest_position", "observed_at", "observed_at_s")),
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
    version: ClassVar[str] = "4"
    Options: ClassVar[type[BaseOptions]] = AccountOptions

    def __init__(self, options: AccountOptions) -> None:
        self._path = options.path
        self._pinned = options.pinned_account

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/account.schema.json``."""
        path = self._path
        if not view.exists(path):
            facts = {
                **_EMPTY,
                "limits": dict(_EMPTY["limits"]),
                "permissions": {},
                "contradictions": [],
                "latencies": [],
            }
            remedy = (
                f"record the account in {path} with a read-only probe"
                " (`gate docs files/account_config.schema.json` shows the shape)"
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
            "largest_position": _largest(record["positions"], path),
            "latencies": [
                {"operation": one["operation"], "samples": int(one["samples"]), "p95_us": int(one["p95_us"])}
                for one in record.get("latency", [])
            ],
            "contradictions": [{"place": place, "text": text} for place, text in _contradictions(record)][
                : view.limits.problems
            ],
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
                remedy = "probe again with --ask-read-only, or have it attested (`gate docs account-probe`)"
            elif name in _SESSION:
                reason = f"{self._path} has no `connection`"
                remedy = "record the session that the account was read through: connected, port, read_only"
            elif name == "largest_position":
                reason, remedy = f"{self._path} values no position", "record `market_value` of the positions"
            else:
                reason, remedy = f"{self._path} has null for it", "read it from the broker and record it"
            missing.append(Problem(name, reason, remedy))
        return tuple(missing)


def _largest(positions: list[dict[str, Any]] | None, path: str) -> dict[str, Any] | None:
    """The position of the largest value and its place; None where no value is stated."""
    values = {
        f"/positions/{index}": abs(Fraction(position["market_value"]))
        for index, position in enumerate(positions or ())
        if position.get("market_value") is not None
    }
    if not values:
        return {"place": "/positions", "cents": 0} if positions == [] else None
    place = max(values, key=values.__getitem__)
    return {"place": place, "cents": scaled(values[place], 100, path, place, up=True)}


def _contradictions(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Figures that cannot all be true: a JSON pointer and what is wrong there, without an amount."""
    found: list[tuple[str, str]] = []
    assets = record["assets"]
    for index, asset in enumerate(assets or ()):
        name = _CLASSES.get(asset, "")
        if record["permissions"].get(name) is False:
            found.append((f"/assets/{index}", f"{asset} may be held, but {name} are not permitted"))
    nav, cash, margin, equity, cushion, power = (record[name] for name in _FIGURES)
    free = (cushion or 0) > 0 or (power or 0) > 0
    if None not in (margin, equity) and margin > equity and free:
        text = "is above equity_with_loan, which leaves neither cushion nor buying power"
        found.append(("/maintenance_margin", text))
    elif nav and None not in (margin, equity, cushion):
        expected = (Fraction(equity) - Fraction(margin)) / Fraction(nav)
        if abs(max(Fraction(0), min(expected, Fraction(1))) - Fraction(cushion)) > _CUSHION_TOLERANCE:
            text = "is not what maintenance_margin leaves of equity_with_loan, as a share of nav"
            found.append(("/margin_cushion", text))
    if None not in (nav, power) and power > nav * _MOST_LEVERAGE:
        found.append(("/buying_power", f"is more than {_MOST_LEVERAGE} times the net liquidation value"))
    session, attested = record.get("connection") or {}, record.get("attested") or {}
    by = session.get("read_only_known_from")
    if by == "attestation" and "read_only" not in attested.get("fields", ()):
        found.append(("/connection/read_only_known_from", "is an attestation, and `attested` has none of it"))
    positions = record["positions"]
    if positions and assets == []:
        found.append(("/assets", "is empty, and there are positions"))
    if positions is None or assets is None or not _AT_MARKET_VALUE.issuperset(assets):
        return found
    for index, position in enumerate(positions):
        value, quantity = position.get("market_value"), position["quantity"]
        if value and value * quantity <= 0:
            found.append((f"/positions/{index}/market_value", "has another sign than the quantity"))
    options = {"OPT", "WAR"} & set(assets)
    if None not in (nav, equity) and not options and Fraction(equity) > Fraction(nav) * (1 + _NAV_TOLERANCE):
        found.append(
            ("/equity_with_loan", "is above nav, though no options are held")
        )  # below it without a loan
    values = [position.get("market_value") for position in positions]
    if None not in (nav, cash, *values):
        gap = abs(Fraction(nav) - Fraction(cash) - sum(map(Fraction, values)))
        if gap > _NAV_TOLERANCE * Fraction(nav):
            found.append(("/nav", "is not cash and the market value of the positions"))
    return found
