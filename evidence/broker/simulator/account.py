"""The simulated account: its cash, its positions, and what one may buy with it."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from . import replies
from .replies import Reply, Value, text_of
from .scenario import Instrument, Scenario

INITIAL, MAINTENANCE = Decimal("0.50"), Decimal("0.25")
"""Margin as a part of what is held (Regulation T for shares)."""

_PER_SHARE, _LEAST = Decimal("0.005"), Decimal("1.00")
"""Commission per share and at least per order, in the instrument's currency."""

_CENT = Decimal("0.01")


class Position(Struct):
    """What is held of an instrument: quantity (negative when short), average cost, realized profit."""

    instrument: Instrument
    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    realized: Decimal = Decimal(0)


class Account:
    """Cash, positions and prices; decides nothing about orders."""

    def __init__(self, scenario: Scenario) -> None:
        self.id = scenario.account
        self.cash = scenario.cash
        self.instruments = {one.symbol: one for one in scenario.instruments}
        self.prices = {one.symbol: one.price for one in scenario.instruments}
        self.positions = {
            one.symbol: Position(self.instruments[one.symbol], one.quantity, one.average_cost)
            for one in scenario.holdings
        }

    def quote(self, instrument: Instrument) -> tuple[Decimal, Decimal]:
        """Bid and ask: a tick below and above the price."""
        price = self.prices[instrument.symbol]
        return price - instrument.tick, price + instrument.tick

    def commission(self, quantity: Decimal, *, first: bool) -> Decimal:
        """What a fill costs; the least amount counts once per order."""
        cost = quantity * _PER_SHARE
        return max(cost, _LEAST) if first else cost

    def trade(
        self, instrument: Instrument, signed: Decimal, price: Decimal, commission: Decimal
    ) -> Decimal | None:
        """Book a fill (quantity negative for a sale); the profit that it realizes, None where it opens."""
        held = self.positions.setdefault(instrument.symbol, Position(instrument))
        self.cash -= signed * price * instrument.multiplier + commission
        before = held.quantity
        held.quantity += signed
        if before == 0 or (before > 0) == (signed > 0):
            held.cost = ((before * held.cost + signed * price) / held.quantity).quantize(
                Decimal("0.00000001")
            )
            return None
        closed = min(abs(signed), abs(before)) * (1 if before > 0 else -1)
        realized = closed * (price - held.cost) * instrument.multiplier - commission
        held.realized += realized
        if held.quantity == 0:
            held.cost = Decimal(0)
        elif (held.quantity > 0) != (before > 0):
            held.cost = price
        return realized

    def _value(self, held: Position) -> Decimal:
        return held.quantity * self.prices[held.instrument.symbol] * held.instrument.multiplier

    def values(self) -> dict[str, Decimal]:
        """The account's figures in its currency, by the tags of the account summary."""
        held = [self._value(one) for one in self.positions.values()]
        gross, worth = sum(map(abs, held), Decimal(0)), self.cash + sum(held)
        initial, maintenance = gross * INITIAL, gross * MAINTENANCE
        free = worth - initial
        found = {
            "NetLiquidation": worth,
            "TotalCashValue": self.cash,
            "SettledCash": self.cash,
            "BuyingPower": max(free / INITIAL, Decimal(0)),
            "EquityWithLoanValue": worth,
            "GrossPositionValue": gross,
            "InitMarginReq": initial,
            "MaintMarginReq": maintenance,
            "FullInitMarginReq": initial,
            "FullMaintMarginReq": maintenance,
            "AvailableFunds": free,
            "ExcessLiquidity": worth - maintenance,
            "RealizedPnL": sum((one.realized for one in self.positions.values()), Decimal(0)),
        }
        return {name: value.quantize(_CENT) for name, value in found.items()}

    def rows(self) -> list[tuple[str, str, str]]:
        """Every account value as (tag, value, currency)."""
        rows = [("AccountType", "SIMULATED", ""), ("AccountCode", self.id, "")]
        values = self.values()
        rows += [(name, text_of(value), "USD") for name, value in values.items()]
        if values["NetLiquidation"] > 0:
            cushion = (values["ExcessLiquidity"] / values["NetLiquidation"]).quantize(Decimal("0.000001"))
            rows.append(("Cushion", text_of(cushion), ""))
        return rows

    def affords(self, instrument: Instrument, signed: Decimal) -> bool:
        """Whether the free funds cover what an order would add to the position; closing one needs none."""
        held = self.positions.get(instrument.symbol)
        before = held.quantity if held else Decimal(0)
        added = max(abs(before + signed) - abs(before), Decimal(0))
        value = added * self.prices[instrument.symbol] * instrument.multiplier
        return not added or value * INITIAL <= self.values()["AvailableFunds"]

    def what_if(self, instrument: Instrument, quantity: Decimal) -> dict[str, Value]:
        """What an order would change, as the fields of the answer to a what-if order."""
        values = self.values()
        notional = quantity * self.prices[instrument.symbol] * instrument.multiplier
        fields: dict[str, Value] = {}
        for name, tag, part in (
            ("initMargin", "InitMarginReq", INITIAL),
            ("maintMargin", "MaintMarginReq", MAINTENANCE),
            ("equityWithLoan", "EquityWithLoanValue", Decimal(0)),
        ):
            change = (notional * part).quantize(_CENT)
            fields |= {f"{name}Before": values[tag], f"{name}Change": change}
            fields[f"{name}After"] = values[tag] + change
        commission = self.commission(quantity, first=True)
        return fields | {"commission": commission, "commissionCurrency": instrument.currency}

    def position(self, held: Position) -> Reply:
        """A position, as a message."""
        named = replies.contract(held.instrument)
        fields = {"account": self.id, **named, "position": held.quantity, "avgCost": held.cost}
        return replies.plain(61, "position", "3", **fields)

    def portfolio(self, held: Position) -> Reply:
        """A position with its value and profit, as a message of the account updates."""
        named = replies.contract(held.instrument, exchange=held.instrument.primary_exchange)
        value = self._value(held)
        figures: dict[str, Value] = {
            "position": held.quantity,
            "marketPrice": self.prices[held.instrument.symbol],
            "marketValue": value,
            "averageCost": held.cost,
            "unrealizedPNL": value - held.quantity * held.cost * held.instrument.multiplier,
            "realizedPNL": held.realized,
            "account": self.id,
        }
        return replies.plain(7, "updatePortfolio", "8", **named | figures)
