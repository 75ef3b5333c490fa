"""Bad clients against the conformance suite: each is caught by the rule that is made for it.

They are ``tests/evidence/broker/wire_client.py`` with a flaw, which speaks the protocol through a socket.
What one does in a case takes the place of that case in the record of ``examples/ready``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gate.engine.decision.document import Verdict
from gate.evidence.broker.conformance.figures import measure
from gate.evidence.broker.conformance.log import CaseLog
from gate.evidence.broker.conformance.runner import Run, run_case
from gate.evidence.broker.conformance.suite import CASES
from gate.evidence.broker.simulator.session import line_of

CLIENT = Path(__file__).resolve().parents[1] / "evidence" / "broker" / "wire_client.py"
READY = Path(__file__).resolve().parents[2] / "examples" / "ready"
NAME = "BROKER_CONFORMANCE.json"

BAD = [
    ("never reconnects", "disconnect", "stage7.wire_reconnection", "did not come back, 0 tries"),
    ("reconnects for ever", "gone", "stage7.wire_reconnection", "tries, at most 3 are agreed"),
    ("reconnects at once", "gone", "stage7.wire_reconnection", "gone, try 1 after"),
    ("ignores 201", "reject", "stage7.wire_errors", "201: acted on"),
    ("retries", "reject", "stage7.wire_retries", "201: retried 1 times"),
    ("bursts", "burst", "stage7.wire_pacing", "does not pace itself"),
    ("no pause", "burst", "stage7.wire_pacing", "does not pace itself"),
    ("duplicates", "disconnect", "stage7.wire_orders", "QQQ: sent 2 times, 20 of 10 filled"),
    ("sends MARKET", "orders", "stage4.orders_on_wire", "order type MARKET"),
    ("ten times as much", "orders", "stage4.orders_on_wire", "BUY 100 SPY MKT"),
    ("leaves orders open", "shutdown", "stage7.wire_shutdown", "shutdown: 2 open"),
    ("prints", "orders", "stage4.operations_on_wire", "place_order: 0 of 1"),
    ("trades live", "live", "stage7.wire_live", "looks live"),
]
ALSO = {
    "never reconnects": {"stage4.conformance_run", "stage7.wire_orders", "stage4.wire_agrees"},
    "reconnects for ever": {"stage4.conformance_run"},
    "bursts": {"stage4.wire_agrees"},
    "sends MARKET": {"stage4.operations_on_wire", "stage4.wire_agrees", "stage7.wire_errors"},
    "prints": {"stage4.wire_agrees", "stage7.wire_errors"},
}
"""What the same behaviour breaks besides."""
SLOW = {"reconnects at once", "no pause", "ten times as much", "trades live"}


def run(name: str, flaw: str = "") -> Run:
    """The run of a case by the client with a flaw."""
    case = next(case for case in CASES if case.name == name)
    return asyncio.run(
        run_case(
            case,
            [sys.executable, "-S", str(CLIENT), flaw],
            cwd=CLIENT.parent,
            environment=os.environ,
            host="127.0.0.1",
            port=0,
            seconds=60,
            warn=lambda text: pytest.fail(text),
        )
    )


@contextmanager
def recorded(root: Path, runs: list[Run]) -> Iterator[dict[str, Any]]:
    """The workspace with these runs in its record, in place of those of the same cases."""
    before = {root / NAME: (root / NAME).read_bytes()}
    document = json.loads(before[root / NAME])
    # however long the runs take
    document |= {"started_at": "2025-12-04T12:50:00Z", "finished_at": "2025-12-04T13:10:00Z"}
    for case in document["cases"]:
        for one in (one for one in runs if one.case.name == case["name"]):
            path = root / case["log"]
            before[path] = path.read_bytes()
            moved = json.loads(before[path].splitlines()[0])["at_us"] - one.records[0]["at_us"]
            records = [{**record, "at_us": record["at_us"] + moved} for record in one.records]
            data = b"".join(map(line_of, records))
            path.write_bytes(data)
            case |= {"log_sha256": hashlib.sha256(data).hexdigest(), "exit_code": one.exit_code}
            case |= {"ended": one.ended, "elsewhere": one.elsewhere, "duration_us": one.duration_us}
    logs = {
        case["name"]: CaseLog(map(json.loads, (root / case["log"]).read_text().splitlines()))
        for case in document["cases"]
    }
    document["figures"] = measure(CASES, logs)
    (root / NAME).write_text(json.dumps(document))
    try:
        yield document
    finally:
        for path, data in before.items():
            path.write_bytes(data)


@pytest.mark.parametrize(
    ("flaw", "case", "rule", "text"),
    [pytest.param(*row, id=row[0], marks=[pytest.mark.soak] if row[0] in SLOW else []) for row in BAD],
)
def test_a_bad_client_is_caught_by_the_right_rule(
    lab: Any, flaw: str, case: str, rule: str, text: str
) -> None:
    """It breaks its rule, with a message that names what it did; what holds without the flaw still holds."""
    with recorded(lab.root, [run(case, flaw)]):
        decision = lab.judge()
    messages = [one.msg for one in decision.violations if one.code == rule]
    assert any(text in message for message in messages), (messages, lab.named(decision))
    assert lab.named(decision) - lab.signed <= {rule} | ALSO.get(flaw, set())
    assert decision.verdict is Verdict.FAIL


@pytest.mark.soak
def test_a_good_client_breaks_no_rule(lab: Any) -> None:
    """The same client without a flaw, in every case."""
    with recorded(lab.root, [run(case.name) for case in CASES]):
        decision = lab.judge()
    assert lab.named(decision) - lab.signed == set()


def test_a_claim_that_its_log_does_not_give_is_found(lab: Any) -> None:
    """The figures that count are those of the logs; without the logs nothing is proven."""
    with recorded(lab.root, []) as document:
        document["figures"]["live"]["orders_sent"] = 3
        document["figures"]["pacing"]["busiest_second"] = 12
        (lab.root / NAME).write_text(json.dumps(document))
        decision = lab.judge()
    found = [one.msg for one in decision.violations if one.code == "stage4.conformance_proven"]
    assert len(found) == 2
    assert "/live/orders_sent: claimed 3, the logs give 0" in found[0]
    assert lab.named(decision) - lab.signed == {"stage4.conformance_proven"}


@pytest.mark.parametrize("instead", [False, True])
def test_a_what_if_is_a_question_and_no_order(instead: bool) -> None:
    """Asked before each order it changes no figure but the pace; asked in its place, nothing was ordered."""
    logs, asked = {}, {}
    for path in sorted((READY / "broker_conformance").glob("*.jsonl")):
        records = list(map(json.loads, path.read_text().splitlines()))
        logs[path.stem] = CaseLog(records)
        more = []
        for one in records:
            if one["message"] == "placeOrder":
                fields = {**one["fields"], "whatIf": "1", "orderId": "9" + one["fields"]["orderId"]}
                more.append({**one, "fields": fields})
            more += [] if one["message"] == "placeOrder" and instead else [one]
        asked[path.stem] = CaseLog({**one, "n": number} for number, one in enumerate(more, 1))
    plain, found = measure(CASES, logs), measure(CASES, asked)
    if instead:
        assert found["operations"]["place_order"]["count"] == found["pacing"]["asked_orders"] == 0
        assert found["orders"] == found["order_types"] == []
    else:
        plain["pacing"]["busiest_second"] = found["pacing"]["busiest_second"]
        assert found == {**plain, "live": found["live"]}
