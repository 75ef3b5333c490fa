"""Execution client for Interactive Brokers: order intents in, execution reports out.

Intents follow `contracts/order_intent.schema.json`, reports `contracts/execution_report.schema.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from algo_trade.core.execution.broker_codes import Action, OrderState, action_for
from algo_trade.core.execution.IBKR_handler import BrokerError, IBKRHandler, OrderRecord


class IntentRefusedError(BrokerError):
    """The intent fails a risk check, so it never leaves."""


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


class IBKRExecClient:
    """Places intents through a handler and reports what became of them. An intent is placed once, however often asked."""

    def __init__(self, handler: IBKRHandler, now: Callable[[], datetime] = utc_now) -> None:
        self._handler = handler
        self._now = now
        self._intents: dict[int, Mapping[str, Any]] = {}
        self._reported: dict[int, tuple[OrderState, float]] = {}
        self._serial = 0

    async def connect(self) -> str:
        """Open the session and return the paper account's id; errors as in `IBKRHandler.connect`."""
        return await self._handler.connect()

    async def disconnect(self) -> None:
        """Close the session."""
        await self._handler.disconnect()

    async def place(self, intent: Mapping[str, Any]) -> int:
        """Send `intent` and return the broker's order id; the same intent again gives the same id.

        Raises IntentRefusedError when a risk check of the intent does not hold or its order type is unknown.
        """
        for order_id, known in self._intents.items():
            if known["intent_id"] == intent["intent_id"]:
                return order_id
        self._check(intent)
        limit = intent["limit_price"] if intent["order_type"] == "LMT" else None
        record = await self._handler.place_order(
            intent["symbol"], intent["direction"], intent["quantity"], limit, intent["intent_id"]
        )
        self._intents[record.order_id] = intent
        return record.order_id

    async def cancel(self, order_id: int) -> OrderState:
        """Ask for cancellation and return the state right afterwards; KeyError for an unknown order."""
        return await self._handler.cancel_order(order_id)

    async def poll_reports(self) -> list[dict[str, Any]]:
        """Reports of every order whose state or filled quantity changed since the last call, by order id.

        A session that was lost is taken up again first; NotConnectedError when that fails.
        """
        if not self._handler.connected:
            await self._handler.reconnect()
        reports: list[dict[str, Any]] = []
        for order_id in sorted(self._intents):
            record = self._handler.orders[order_id]
            state = await self._handler.get_order_status(order_id)
            if self._reported.get(order_id) == (state, record.filled):
                continue
            self._reported[order_id] = (state, record.filled)
            reports.append(self._report(self._intents[order_id], record, state))
        return reports

    def health(self) -> dict[str, Any]:
        """Whether the session is up, how many orders are open, and the errors that need a person."""
        states = [self._handler.orders[order_id].state for order_id in self._intents]
        return {
            "connected": self._handler.connected,
            "session": "exec",
            "open_orders": sum(not state.final for state in states),
            "escalations": [code for _, code, _, action in self._handler.messages if action is Action.ESCALATE],
        }

    @staticmethod
    def _check(intent: Mapping[str, Any]) -> None:
        if intent["order_type"] not in ("MKT", "LMT"):
            raise IntentRefusedError(f"order type {intent['order_type']!r} is not one that the broker knows")
        checks = intent.get("risk_checks", {})
        for name in ("within_box_limit", "within_gross_limit"):
            if checks.get(name) is not True:
                raise IntentRefusedError(f"{name} does not hold for intent {intent['intent_id']}")
        for name in ("pnl_kill_switch", "drawdown_kill_switch"):
            if checks.get(name) is not False:
                raise IntentRefusedError(f"{name} has tripped for intent {intent['intent_id']}")

    def _report(self, intent: Mapping[str, Any], record: OrderRecord, state: OrderState) -> dict[str, Any]:
        self._serial += 1
        fills = list(record.trade.fills)
        shares = sum(fill.execution.shares for fill in fills)
        price = sum(f.execution.shares * f.execution.price for f in fills) / shares if shares else None
        rejected = record.error_code is not None and action_for(record.error_code) is Action.REJECT
        return {
            "event_type": "execution_report",
            "report_id": f"r-{self._serial:06d}",
            "intent_id": intent["intent_id"],
            "order_id": record.order_id,
            "account_id": self._handler.config.pinned_account,
            "symbol": record.symbol,
            "direction": intent["direction"],
            "order_type": intent["order_type"],
            "quantity": intent["quantity"],
            "filled_quantity": int(record.filled),
            "remaining_quantity": int(record.quantity - record.filled),
            "status": state.value,
            "broker_status": record.trade.orderStatus.status,
            "average_fill_price": price,
            "last_fill_price": fills[-1].execution.price if fills else None,
            "reject_code": record.error_code if rejected else None,
            "reject_reason": record.error_text if rejected else None,
            "timestamp": self._now().isoformat().replace("+00:00", "Z"),
            "strategy_id": intent["strategy_id"],
            "latency": self._latency(record),
            "costs": {"commission": self._commission(fills, record)},
            "fills": [
                {"exec_id": f.execution.execId, "quantity": int(f.execution.shares), "price": f.execution.price}
                for f in fills
            ],
        }

    @staticmethod
    def _commission(fills: list[Any], record: OrderRecord) -> float | None:
        """Sum of the commissions, or None until one has been reported for every share that was filled."""
        known = [f for f in fills if f.commissionReport is not None and f.commissionReport.execId]
        if not fills or len(known) < len(fills) or sum(f.execution.shares for f in fills) < record.filled:
            return None
        return float(sum(f.commissionReport.commission for f in known))

    @staticmethod
    def _latency(record: OrderRecord) -> dict[str, float | None]:
        def ms(start: float | None, end: float | None) -> float | None:
            return None if start is None or end is None else round((end - start) * 1000.0, 3)

        return {
            "intent_to_submit_ms": ms(record.intended_at, record.submitted_at),
            "submit_to_ack_ms": ms(record.submitted_at, record.acknowledged_at),
            "ack_to_fill_ms": ms(record.acknowledged_at, record.filled_at),
            "total_latency_ms": ms(record.intended_at, record.filled_at),
        }
