"""What an order intent must be, and numbers out of a broker's texts and floats."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from ...base.errors import UsageError

if TYPE_CHECKING:
    from .model import OrderIntent

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_UNSET = Decimal("1e300")
"""The protocol has the largest float for what is not set."""


def number(value: object) -> Decimal | None:
    """A number as the broker gives it; None where it is none, not finite, or stands for unset."""
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() and found.copy_abs() < _UNSET else None


def check_intent(intent: OrderIntent) -> None:
    """Raise UsageError where ``OrderIntent`` says so."""
    if _ID.fullmatch(intent.intent_id) is None:
        remedy = "use 1 to 40 letters, digits or any of - _ . :"
        raise UsageError(f"{intent.intent_id[:60]!r} is no id of an order", remedy=remedy)
    limit = intent.limit_price
    for what, value in (("quantity", intent.quantity), ("limit price", limit)):
        if value is not None and not (value.is_finite() and value > 0):
            remedy = "give a finite number above zero"
            raise UsageError(f"order {intent.intent_id}: the {what} is {value}", remedy=remedy)
    if (limit is None) == (intent.order_type == "LMT"):
        remedy = "a limit order has a limit price, a market order has none"
        raise UsageError(
            f"order {intent.intent_id}: {intent.order_type} with limit price {limit}", remedy=remedy
        )


def check_pace(messages_per_s: float | None) -> None:
    """Raise UsageError: no messages could ever be sent."""
    if messages_per_s is not None and not messages_per_s > 0:
        remedy = "give a number above zero; the broker's limit is 50"
        raise UsageError(f"{messages_per_s} messages per second", remedy=remedy)
