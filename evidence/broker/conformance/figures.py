"""What a client program did, computed from the observation logs of the suite's cases.

Pure: the same logs give the same figures. The program that runs the suite states them, and whoever reads the
statement computes them again. A part whose case has no log is null or an empty list, never zero.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ...base.numbers import percentile_nearest_rank
from . import reactions
from .log import DONE, ORDERING, CaseLog, asks_what_if
from .suite import ACCOUNT, IN_TURN, TASKS, Case

SECOND_US = 1_000_000
_MOST_LISTED = 50
_LONGEST = 200
"""Characters of a field that are shown. A log may be made by anybody."""
_DIGITS = 12
_PARAMETERS = {
    "startApi": ("clientId",),
    "reqAccountUpdates": ("subscribe", "account"),
    "reqAccountUpdatesMulti": ("account", "modelCode", "ledgerAndNLV"),
    "reqAccountSummary": ("group", "tags"),
    "placeOrder": (
        *("symbol", "secType", "exchange", "currency", "action", "totalQuantity", "orderType"),
        *("lmtPrice", "tif", "account"),
    ),
    "reqMktData": ("symbol", "secType", "exchange", "currency", "genericTicks", "snapshot"),
}
"""What is shown of a message; nothing of those that are not here."""
_REQUESTS = {
    "connect": ("account", ("startApi",)),
    "account_info": ("account", ("reqAccountUpdates", "reqAccountUpdatesMulti", "reqAccountSummary")),
    "positions": ("account", ("reqPositions",)),
    "market_data": ("account", ("reqMktData",)),
    "place_order": ("orders", ("placeOrder",)),
    "cancel_order": ("orders", ("cancelOrder", "reqGlobalCancel")),
}
"""The operations that are messages, and the case whose task asks for each."""
_ANSWERS = {
    "reqAccountUpdates": "accountDownloadEnd",
    "reqAccountUpdatesMulti": "accountUpdateMultiEnd",
    "reqAccountSummary": "accountSummaryEnd",
    "reqPositions": "positionEnd",
}


def measure(cases: Iterable[Case], logs: Mapping[str, CaseLog]) -> dict[str, Any]:
    """The figures, as ``figures`` of ``contracts/files/broker_conformance.schema.json``."""
    known = [case for case in cases if case.name in logs]
    return {
        "operations": operations(logs),
        "orders": _orders(known, logs),
        "order_types": _order_types(logs),
        "reactions": reactions.reactions(logs),
        "pacing": reactions.pacing(logs, busiest(known, logs)),
        "reconnection": [
            reactions.reconnection(name, logs[name]) for name in ("disconnect", "gone") if name in logs
        ],
        "outage": reactions.outage(logs.get("outage")),
        "over_a_disconnect": _over_a_disconnect(logs.get("disconnect")),
        "shutdown": _shutdown(known, logs),
        "live": _live(logs.get("live")),
        "latencies": _latencies(known, logs),
    }


# --- operations ------------------------------------------------------------------------------------------


def operations(logs: Mapping[str, CaseLog]) -> dict[str, Any]:
    """For each operation how often it reached the wire, by which messages, with which parameters."""
    found: dict[str, Any] = {}
    for name, (case, messages) in _REQUESTS.items():
        found[name] = None if case not in logs else _requested(logs[case], messages)
    account, orders = logs.get("account"), logs.get("orders")
    found["disconnect"] = None if account is None else _disconnected(account)
    found["order_status"] = None if orders is None else _waited(orders)
    return dict(sorted(found.items()))


def _operation(count: int, messages: Iterable[str] = (), parameters: Iterable[str] = ()) -> dict[str, Any]:
    return {
        "count": count,
        "messages": sorted(set(messages)),
        "parameters": [text[: 10 * _LONGEST] for text in sorted(set(parameters))[:_MOST_LISTED]],
    }


def _requested(log: CaseLog, names: tuple[str, ...]) -> dict[str, Any]:
    sent = [one for one in log.sent(*names) if not asks_what_if(one)]
    parameters = [
        " ".join(f"{key}={one['fields'][key]}" for key in keys if key in one["fields"])
        for one in sent
        if (keys := _PARAMETERS.get(one["message"]))
    ]
    return _operation(len(sent), [one["message"] for one in sent], parameters)


def _disconnected(log: CaseLog) -> dict[str, Any]:
    closed = [
        one for one in log.connections.values() if one.reason == "closed by the client" and one.ready_us
    ]
    return _operation(len(closed))


def _waited(log: CaseLog) -> dict[str, Any]:
    """How often the program waited for what it was told of an order: three times in this task."""
    steps = {
        "the next order after the fill": (log.told_at("SPY", ("Filled",)), _first(log, "placeOrder", "QQQ")),
        "the cancel after the order works": (
            log.told_at("QQQ", ("Submitted", "PreSubmitted")),
            _first(log, "cancelOrder", None),
        ),
        "the end after the cancel": (log.told_at("QQQ", ("Cancelled", "ApiCancelled")), _end(log)),
    }
    waited = [name for name, (told, done) in steps.items() if told and done and told < done]
    return _operation(len(waited), ["orderStatus"] if waited else [], waited)


def _first(log: CaseLog, message: str, symbol: str | None) -> int | None:
    sent = (one for one in log.sent(message) if not asks_what_if(one))
    found = (one["n"] for one in sent if symbol in (None, one["fields"].get("symbol")))
    return next(found, None)


def _end(log: CaseLog) -> int | None:
    return max((one["n"] for one in log.events("disconnected")), default=None)


# --- orders ----------------------------------------------------------------------------------------------


def _orders(cases: Iterable[Case], logs: Mapping[str, CaseLog]) -> list[dict[str, Any]]:
    """Each kind of order as it was sent, and whether the task asks for it."""
    found: Counter[tuple[str, ...]] = Counter()
    for case in cases:
        for one in logs[case.name].placed() if case.name != "live" else ():
            fields = one["fields"]
            stated = fields.get("account", "")
            account = "none" if not stated else "own" if stated == ACCOUNT else "other"
            kind = fields.get("orderType", "")
            limit = fields.get("lmtPrice", "") if kind not in ("MKT", "MARKET") else ""
            shown = (fields.get(name, "") for name in ("symbol", "action", "totalQuantity"))
            found[(case.task, *shown, kind, limit, account)] += 1
    listed = sorted(found.items())[:_MOST_LISTED]
    return [
        {
            "task": task,
            "symbol": symbol[:_LONGEST],
            "action": action[:_LONGEST],
            "quantity": quantity[:_LONGEST],
            "order_type": kind[:_LONGEST],
            "limit_price": limit[:_LONGEST] or None,
            "account": account,
            "as_asked": account != "other" and _asked(task, symbol, action, quantity, limit),
            "count": count,
        }
        for (task, symbol, action, quantity, kind, limit, account), count in listed
    ]


def _order_types(logs: Mapping[str, CaseLog]) -> list[str]:
    """Every order type that was sent."""
    sent = {one["fields"].get("orderType", "") for log in logs.values() for one in log.placed()}
    return [text[:_LONGEST] for text in sorted(sent)[:_MOST_LISTED]]


def _asked(task: str, symbol: str, action: str, quantity: str, limit: str) -> bool:
    return any(
        (symbol, action) == (one.symbol, one.action)
        and _decimal(quantity) == one.quantity
        and (one.limit is None or _decimal(limit) == one.limit)
        for one in TASKS[task]
    )


def _decimal(text: str) -> Decimal | None:
    """The number, None where it is none that an order can have."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and value >= 0 and abs(value.adjusted()) <= _DIGITS else None


def _over_a_disconnect(log: CaseLog | None) -> list[dict[str, Any]]:
    """For each order of the task how often it was sent, and how much of it was filled in the end."""
    if log is None:
        return []
    rows = []
    for asked in IN_TURN:
        ids = log.order_ids(asked.symbol)
        sent = sum(one["fields"].get("symbol") == asked.symbol for one in log.placed())
        ours = [one.get("filled", "0") for one in log.orders() if one.get("orderId") in ids]
        filled = sum((_decimal(text) or Decimal(0) for text in ours), Decimal(0))
        rows.append(
            {
                "symbol": asked.symbol,
                "asked": int(asked.quantity),
                "sent": sent,
                "filled": int(filled),
                "duplicated": sent > 1 or filled > asked.quantity,
                "lost": filled < asked.quantity,
            }
        )
    return rows


def _shutdown(cases: Iterable[Case], logs: Mapping[str, CaseLog]) -> dict[str, Any] | None:
    """Orders that the program left open, in which cases, and what it cancelled when it was told to stop."""
    if "shutdown" not in logs:
        return None
    log = logs["shutdown"]
    left = {}
    for case in cases:
        # a program that gave up, or lost its connection for good, can cancel nothing
        if case.name != "gone":
            left[case.name] = sum(one.get("status") not in DONE for one in logs[case.name].orders())
    return {
        "placed": len(log.orders()),
        "cancelled": sum(one.get("status") in ("Cancelled", "ApiCancelled") for one in log.orders()),
        "cancels_sent": sum(1 for _ in log.sent("cancelOrder", "reqGlobalCancel")),
        "left_open": [{"case": name, "orders": count} for name, count in left.items() if count],
    }


def _live(log: CaseLog | None) -> dict[str, Any] | None:
    """What the program sent after the gateway had named an account that looks live."""
    if log is None:
        return None
    sent = Counter(one["message"] for one in log.sent() if one["message"] in ORDERING)
    return {
        "connected": any(one.ready_us for one in log.connections.values()),
        "orders_sent": sum(sent.values()),
        "messages": sorted(sent),
    }


# --- time ------------------------------------------------------------------------------------------------


def busiest(cases: Iterable[Case], logs: Mapping[str, CaseLog]) -> tuple[int, str | None]:
    """The most messages of one connection in any window of one second, and the case that has it."""
    most: tuple[int, str | None] = (0, None)
    for case in cases:
        windows: dict[int, deque[int]] = {}
        for one in logs[case.name].sent():
            window = windows.setdefault(one["connection"], deque())
            window.append(one["at_us"])
            while one["at_us"] - window[0] >= SECOND_US:
                window.popleft()
            if len(window) > most[0]:
                most = len(window), case.name
    return most


def _latencies(cases: Iterable[Case], logs: Mapping[str, CaseLog]) -> list[dict[str, Any]]:
    """From a request's arrival at the gateway to the answer that completes it, in microseconds."""
    taken: dict[str, list[int]] = {}
    for case in cases:
        log = logs[case.name]
        for connection in log.connections.values():
            if connection.ready_us is not None:
                taken.setdefault("connect", []).append(connection.ready_us - connection.opened_us)
        waiting: dict[tuple[str, Any], int] = {}
        for one in log.records:
            fields = one["fields"]
            if one["direction"] == "in":
                _asks(waiting, one, fields)
            elif one["direction"] == "out":
                for name, key in _answered(one, fields):
                    if (since := waiting.pop(key, None)) is not None:
                        taken.setdefault(name, []).append(one["at_us"] - since)
    return [
        {
            "operation": name,
            "count": len(values),
            **{f"p{p}_us": percentile_nearest_rank(values, p) for p in (50, 95)},
        }
        for name, values in sorted(taken.items())
    ]


def _asks(waiting: dict[tuple[str, Any], int], one: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    name = one["message"]
    if name in ("placeOrder", "cancelOrder") and not asks_what_if(one):
        waiting.setdefault((name, fields.get("orderId")), one["at_us"])
    elif name == "reqMktData":
        waiting[name, fields.get("reqId")] = one["at_us"]
    elif name in _ANSWERS:
        waiting[_ANSWERS[name], None] = one["at_us"]


def _answered(one: Mapping[str, Any], fields: Mapping[str, str]) -> Iterable[tuple[str, tuple[str, Any]]]:
    name, order = one["message"], fields.get("orderId")
    if name == "orderStatus":
        yield "place_order", ("placeOrder", order)
        if fields.get("status") in ("Cancelled", "ApiCancelled"):
            yield "cancel_order", ("cancelOrder", order)
    elif name == "tickPrice":
        yield "market_data", ("reqMktData", fields.get("requestId") or fields.get("reqId"))
    elif name in _ANSWERS.values():
        yield ("positions" if name == "positionEnd" else "account_info"), (name, None)
