"""What the broker says, in our words: error codes to actions, order statuses to states."""

from __future__ import annotations

import enum


class Action(enum.Enum):
    """What to do about an error code."""

    BACK_OFF = "back off"
    REJECT = "reject, no retry"
    CANCELED = "order was cancelled"
    WARN = "warn, go on"
    RECONNECT = "reconnect"
    RESTORED = "connection restored"
    INFO = "log only"
    ESCALATE = "stop and tell a person"


ERROR_ACTIONS: dict[int, Action] = {
    100: Action.BACK_OFF,  # more than 50 messages in a second
    103: Action.REJECT,  # duplicate order id
    200: Action.REJECT,  # no security definition
    201: Action.REJECT,  # order rejected
    202: Action.CANCELED,
    321: Action.REJECT,  # the API is read-only or the request is invalid
    399: Action.WARN,  # order message, for example "will be held until the market opens"
    434: Action.REJECT,  # size is zero
    504: Action.RECONNECT,  # not connected
    1100: Action.RECONNECT,  # connectivity lost
    1101: Action.RESTORED,  # restored, subscriptions lost
    1102: Action.RESTORED,  # restored, subscriptions kept
    2104: Action.INFO,  # market data farm is fine
    2106: Action.INFO,  # historical data farm is fine
}


def action_for(code: int) -> Action:
    """Action for an error code. Unknown warnings (2100-2199) are logged; anything else unknown stops for a person."""
    if code in ERROR_ACTIONS:
        return ERROR_ACTIONS[code]
    return Action.INFO if 2100 <= code < 2200 else Action.ESCALATE


class OrderState(enum.Enum):
    """States of an order in this system."""

    SUBMITTED = "SUBMITTED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    PARTIAL_FILL = "PARTIAL_FILL"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    TIMEOUT = "TIMEOUT"
    ERROR = "ERROR"

    @property
    def final(self) -> bool:
        """Whether nothing more can happen to the order."""
        return self.value in ("FILLED", "CANCELED", "REJECTED", "ERROR")


_STATUSES = {
    "PendingSubmit": OrderState.SUBMITTED,
    "ApiPending": OrderState.SUBMITTED,
    "PreSubmitted": OrderState.SUBMITTED,
    "Submitted": OrderState.ACKNOWLEDGED,
    "PendingCancel": OrderState.ACKNOWLEDGED,
    "Filled": OrderState.FILLED,
    "Cancelled": OrderState.CANCELED,
    "ApiCancelled": OrderState.CANCELED,
    "Inactive": OrderState.REJECTED,
}


def state_of(status: str, filled: float, quantity: float, error: int | None = None) -> OrderState:
    """State from the broker's status, the sum of the fills and the last error code of the order.

    Status alone is not enough: a rejection passes through Cancelled, and a warning can turn the status of a live order into
    ValidationError. Fills win over everything, because shares that were bought are bought.
    """
    if quantity > 0 and filled >= quantity:
        return OrderState.FILLED
    action = action_for(error) if error is not None else None
    if action is Action.REJECT:
        return OrderState.REJECTED
    if action is Action.CANCELED:
        return OrderState.CANCELED
    if status == "ValidationError":
        state = OrderState.ACKNOWLEDGED if action in (Action.WARN, Action.INFO) else OrderState.ERROR
    else:
        state = _STATUSES.get(status, OrderState.ERROR)
    if state is OrderState.FILLED:  # the status is early: the executions are still on their way
        return OrderState.PARTIAL_FILL if filled > 0 else OrderState.ACKNOWLEDGED
    if filled > 0 and not state.final:
        return OrderState.PARTIAL_FILL
    return state
