"""From target weights to order intents that follow `contracts/order_intent.schema.json`."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from algo_trade.core.config import BOX_LIM, GROSS_LIM


@dataclass(frozen=True, slots=True)
class ExecutionLimits:
    """Caps of one order: participation of volume, share of average daily volume, slippage in basis points."""

    pov_cap: float = 0.05
    adv_cap: float = 0.01
    max_slippage_bps: float = 15.0
    max_order_size: int = 500


@dataclass(frozen=True, slots=True)
class Market:
    """What sizing needs to know of one symbol: last price (currency) and average daily volume (shares)."""

    price: float
    adv: int


def size_order(weight: float, held: int, nav: float, market: Market, limits: ExecutionLimits) -> int:
    """Signed number of shares to trade so that the position approaches `weight` × `nav`.

    The target is rounded towards zero, and the trade is capped by `max_order_size` and `adv_cap`.
    """
    target = math.trunc(weight * nav / market.price)
    wanted = target - held
    cap = min(limits.max_order_size, math.floor(limits.adv_cap * market.adv))
    return max(-cap, min(cap, wanted))


def build_intents(
    weights: Mapping[str, float],
    held: Mapping[str, int],
    nav: float,
    markets: Mapping[str, Market],
    timestamp: str,
    strategy_id: str,
    limits: ExecutionLimits | None = None,
    halted: bool = False,
    limit_orders: bool = True,
) -> list[dict[str, Any]]:
    """One intent per symbol that needs a trade, sorted by symbol; none at all while `halted`.

    `nav` is in currency, `held` in shares, `timestamp` RFC 3339. Intent ids are digests of what they ask for, so
    building the same intents twice gives the same ids and the broker side can drop duplicates.

    Raises ValueError when `nav` is not positive or a symbol has no market data.
    """
    if nav <= 0:
        raise ValueError(f"net asset value must be positive, got {nav}")
    if halted:
        return []
    limits = limits or ExecutionLimits()
    gross = math.fsum(abs(w) for w in weights.values())
    intents: list[dict[str, Any]] = []
    for symbol in sorted(weights):
        if symbol not in markets:
            raise ValueError(f"no market data for {symbol}")
        market = markets[symbol]
        shares = size_order(weights[symbol], held.get(symbol, 0), nav, market, limits)
        if shares == 0:
            continue
        direction = "BUY" if shares > 0 else "SELL"
        offset = limits.max_slippage_bps / 10_000.0 * (1 if shares > 0 else -1)
        identity = f"{strategy_id}|{timestamp}|{symbol}|{shares}"
        intents.append(
            {
                "event_type": "order_intent",
                "intent_id": hashlib.sha256(identity.encode()).hexdigest()[:16],
                "symbol": symbol,
                "direction": direction,
                "quantity": abs(shares),
                "order_type": "LMT" if limit_orders else "MKT",
                "limit_price": round(market.price * (1 + offset), 2) if limit_orders else None,
                "time_in_force": "DAY",
                "timestamp": timestamp,
                "strategy_id": strategy_id,
                "target_weight": weights[symbol],
                "reference_price": market.price,
                "risk_checks": {
                    "within_box_limit": abs(weights[symbol]) <= BOX_LIM,
                    "within_gross_limit": gross <= GROSS_LIM,
                    "pnl_kill_switch": False,
                    "drawdown_kill_switch": False,
                },
                "execution": {
                    "pov_cap": limits.pov_cap,
                    "adv_cap": limits.adv_cap,
                    "max_slippage_bps": limits.max_slippage_bps,
                },
            }
        )
    return intents
