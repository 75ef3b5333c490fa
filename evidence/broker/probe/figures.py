"""The figures of an account out of the broker's tags. Pure: values in, figures and remarks out.

A figure that is not stated, is no number, or cannot be recorded as the contract ``account_config`` asks is
unknown (None), never zero; the remarks say why.
"""

from __future__ import annotations

import re
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from msgspec import Struct

from ...base.errors import EvidenceError
from ..port.model import AccountValues, Position, number

TAGS = {
    "nav": "NetLiquidation",
    "cash": "TotalCashValue",
    "buying_power": "BuyingPower",
    "maintenance_margin": "MaintMarginReq",
    "equity_with_loan": "EquityWithLoanValue",
}
"""The broker's tag of each amount, https://interactivebrokers.github.io/tws-api/interfaceIBApi_1_1EWrapper.html."""

CUSHION = "margin_cushion"
_FREE = "ExcessLiquidity"
_NOT_BELOW_ZERO = ("nav", "maintenance_margin")
_CURRENCY = re.compile(r"[A-Z]{3}")
_MOST = Decimal(2**53 - 1) / 100
"""The largest amount whose cents every policy engine counts exactly."""
_PPM = Decimal("0.000001")


class Figures(Struct, frozen=True):
    """What is known of an account.

    Attributes:
        currency: of all amounts; None where it cannot be told, and then no amount is known either.
        values: each name of ``TAGS``, and ``margin_cushion``; None where it is unknown.
        remarks: why, a clause for each.
    """

    currency: str | None
    values: dict[str, Decimal | None]
    remarks: tuple[str, ...] = ()


def figures_of(stated: AccountValues, where: str | None = None) -> Figures:
    """The figures that these account values state.

    Args:
        where: the file they come from, for messages.

    Raises EvidenceError: one is stated twice, differently.
    """
    currency = _currency(stated)
    values: dict[str, Decimal | None] = {}
    remarks = [] if currency else ["the account's currency is not stated"]
    for name, tag in (*TAGS.items(), ("free", _FREE)):
        found = [one.value for one in stated.rows if one.tag == tag and one.currency == currency]
        values[name] = _amount(name, tag, found, where, remarks)
    free, nav = values.pop("free"), values["nav"]
    ratios = [one.value for one in stated.rows if one.tag == "Cushion"]
    cushion = _single("Cushion", ratios, where)
    if cushion is None and free is not None and nav:
        cushion = free / nav
    if cushion is None:
        remarks.append(f"{CUSHION}: neither Cushion nor {_FREE} is stated")
    elif not 0 <= cushion <= 1:
        remarks.append(f"{CUSHION}: it is not between 0 and 1")
        cushion = None
    values[CUSHION] = None if cushion is None else cushion.quantize(_PPM, rounding=ROUND_FLOOR)
    return Figures(currency, values, tuple(remarks))


def _currency(stated: AccountValues) -> str | None:
    """The currency of the account: that of its value, else the only one of all amounts."""
    for tags in ((TAGS["nav"],), (*TAGS.values(), _FREE)):
        found = {one.currency for one in stated.rows if one.tag in tags and one.currency not in ("", "BASE")}
        if found:
            return next(iter(found)) if len(found) == 1 and all(map(_CURRENCY.fullmatch, found)) else None
    return None


def _amount(name: str, tag: str, texts: list[str], where: str | None, remarks: list[str]) -> Decimal | None:
    value, why = _single(tag, texts, where), None
    if not texts:
        why = f"{tag} is not stated"
    elif value is None:
        why = f"{tag} is no number"
    elif abs(value) > _MOST or exact(value) is None:
        why = f"{tag} has too many digits"
    elif value < 0 and name in _NOT_BELOW_ZERO:
        why = f"{tag} is below zero"
    if why is None:
        return value
    if name in TAGS:
        remarks.append(f"{name}: {why}")
    return None


def _single(tag: str, texts: list[str], where: str | None) -> Decimal | None:
    found = {number(text) for text in texts}
    if len(found) > 1:
        remedy = "dump the values of one moment"
        raise EvidenceError(f"{tag} is stated with different values", path=where, remedy=remedy)
    return next(iter(found), None)


def exact(value: Decimal) -> int | float | None:
    """The number as JSON writes it; None where no float has exactly these digits."""
    if value == value.to_integral_value():
        return int(value) if abs(value) < 2**53 else None
    written = float(value)
    return written if Decimal(repr(written)) == value else None


def holdings(positions: tuple[Position, ...], account: str, currency: str | None) -> list[dict[str, Any]]:
    """The positions of the account as the contract has them, sorted; costs in another currency are unknown.

    Raises EvidenceError: a quantity has more digits than can be written down exactly.
    """
    found: list[dict[str, Any]] = []
    for one in positions:
        if one.account != account or one.quantity == 0:
            continue
        quantity = exact(one.quantity)
        if quantity is None:
            what = f"the quantity of {one.instrument.symbol[:32]!r} has too many digits"
            raise EvidenceError(what, remedy="report it")
        cost = exact(one.average_cost) if one.instrument.currency == currency else None
        found.append({"symbol": one.instrument.symbol[:32], "quantity": quantity, "avg_cost": cost})
    return sorted(found, key=lambda row: (row["symbol"], row["quantity"]))
