"""The conformance record is held against its observation logs, and what is odd about either is said."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import EvidenceError

NAME = "BROKER_CONFORMANCE.json"
READY = Path(__file__).parents[3] / "examples" / "ready"
RECORD: dict[str, Any] = json.loads((READY / NAME).read_text())
LOGS = {case["log"]: (READY / case["log"]).read_bytes() for case in RECORD["cases"]}


def record(**cases: Any) -> dict[str, Any]:
    """The ready example's record with changes of cases by name."""
    changed = copy.deepcopy(RECORD)
    for case in changed["cases"]:
        case.update(cases.get(case["name"], {}))
    return changed


def logs_of(evidence: Any) -> dict[str, str]:
    return {case["name"]: case["log"] for case in evidence.facts["cases"]}


def test_figures_are_computed_from_the_logs(watch: Any) -> None:
    """What the file claims does not count where the logs say something else, and the difference is named."""
    claimed = record()
    claimed["figures"]["pacing"]["busiest_second"] = 5
    claimed["figures"]["orders"] = []
    evidence = watch("broker_conformance", {NAME: claimed, **LOGS})
    assert evidence.facts["figures_from"] == "logs"
    assert set(logs_of(evidence).values()) == {"agrees"}
    assert evidence.facts["pacing"] == RECORD["figures"]["pacing"]
    found = {one["figure"]: one["claimed"] for one in evidence.facts["disagreements"]}
    assert found == {"/pacing/busiest_second": "5", "/orders": "[]"}
    assert evidence.problems == ()


def test_nothing_was_run(watch: Any) -> None:
    """Without the file everything is missing; a suite of one case shows only that case."""
    (problem,) = watch("broker_conformance", {"a.txt": ""}).problems
    assert (problem.fact, "gate ibkr conformance" in problem.remedy) == ("", True)
    one = record()
    one["cases"] = one["cases"][:1]
    evidence = watch("broker_conformance", {NAME: one, **LOGS})
    missing = {problem.fact for problem in evidence.problems}
    assert {"operations.place_order", "outage", "shutdown", "live", "pacing.pause_us"} <= missing
    assert "operations.connect" not in missing
    assert logs_of(evidence)["orders"] == "not run"


def test_logs_that_prove_nothing(watch: Any) -> None:
    """One is missing, edited, of another case or another scenario: the figures are claims then."""
    files = {NAME: record(gone={"scenario_sha256": "0" * 64}, burst={"task": "account"}), **LOGS}
    files["broker_conformance/orders.jsonl"] = LOGS["broker_conformance/live.jsonl"]
    files["broker_conformance/live.jsonl"] += b"\n"
    del files["broker_conformance/reject.jsonl"]
    evidence = watch("broker_conformance", files)
    expected = {
        "orders": "other",
        "live": "malformed",
        "reject": "missing",
        "gone": "other",
        "burst": "other",
    }
    assert {name: log for name, log in logs_of(evidence).items() if log != "agrees"} == expected
    assert evidence.facts["figures_from"] == "claims"
    assert evidence.facts["disagreements"] == []
    (problem,) = evidence.problems
    assert (problem.path, problem.place[:5]) == ("broker_conformance/live.jsonl", "line ")


def test_a_log_of_another_gateway_proves_nothing(watch: Any) -> None:
    """A log whose digest is stated, but whose session is not this case's, is another one."""
    data = LOGS["broker_conformance/live.jsonl"].replace(b'"account":"U0000042"', b'"account":"DUSIM0000042"')
    stated = record(live={"log_sha256": hashlib.sha256(data).hexdigest()})
    evidence = watch("broker_conformance", {NAME: stated, **LOGS, "broker_conformance/live.jsonl": data})
    assert logs_of(evidence)["live"] == "other"


LINE = LOGS["broker_conformance/live.jsonl"].splitlines()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]\n",
        b"\xff\xfe\n",
        b"\n".join([*LINE[:-1], b""]),
        b"\n".join([*LINE[1:], b""]),
        b"\n".join([LINE[0], LINE[2], LINE[-1], b""]),
        LINE[0].replace(b'"fields"', b'"field"') + b"\n",
        b'{"n":1,"n":2}\n',
        b"[" * 100_000 + b"\n",
    ],
    ids=["empty", "a list", "no text", "cut", "headless", "gaps", "a wrong name", "a key twice", "deep"],
)
def test_malformed_logs(watch: Any, data: bytes) -> None:
    """Each is rejected by itself; the rest is read."""
    evidence = watch("broker_conformance", {NAME: record(), **LOGS, "broker_conformance/live.jsonl": data})
    assert logs_of(evidence)["live"] == "malformed"
    assert logs_of(evidence)["orders"] == "agrees"
    assert [problem.path for problem in evidence.problems] == ["broker_conformance/live.jsonl"]


def edited(name: str, edit: Any) -> dict[str, Any]:
    """The ready example with one log edited, and the record that names it."""
    lines = [json.loads(line) for line in LOGS[f"broker_conformance/{name}.jsonl"].splitlines()]
    edit(lines)
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    stated = record(**{name: {"log_sha256": hashlib.sha256(data).hexdigest()}})
    return {NAME: stated, **LOGS, f"broker_conformance/{name}.jsonl": data}


@pytest.mark.parametrize(
    ("field", "number"),
    [
        ("totalQuantity", "sNaN"),
        ("lmtPrice", "sNaN"),
        ("filled", "sNaN"),
        ("filled", "Infinity"),
        ("filled", "1e999999999"),
        ("filled", "-5"),
    ],
)
def test_numbers_that_no_order_has(watch: Any, number: str, field: str) -> None:
    """They are as good as none: such an order is not as asked, and nothing of it was filled."""

    def edit(lines: list[dict[str, Any]]) -> None:
        for line in lines:
            if field in line["fields"]:
                line["fields"][field] = number

    case = "disconnect" if field == "filled" else "orders"
    evidence = watch("broker_conformance", edited(case, edit))
    assert logs_of(evidence)[case] == "agrees"
    if field == "filled":
        assert {one["filled"] for one in evidence.facts["over_a_disconnect"]} == {0}
    else:
        asked = [one["as_asked"] for one in evidence.facts["orders"] if one["task"] == "orders"]
        assert False in asked


def test_connections_that_cannot_be(watch: Any) -> None:
    """A message of no connection is malformed; counts and times that would be below zero are zero."""

    def orphan(lines: list[dict[str, Any]]) -> None:
        next(line for line in lines if line["fields"].get("code") == "1100")["connection"] = None

    def unready(lines: list[dict[str, Any]]) -> None:
        for line in lines:
            if line["message"] == "nextValidId":
                line["message"] = "error"

    assert logs_of(watch("broker_conformance", edited("outage", orphan)))["outage"] == "malformed"
    reactions = watch("broker_conformance", edited("account", unready)).facts["reactions"]
    assert {one["count"] for one in reactions if one["case"] == "account"} == {0}


def test_malformed_records(watch: Any) -> None:
    """Another version of the suite, a case twice, paths elsewhere: the file is rejected."""
    twice = record()
    twice["cases"].append(twice["cases"][0])
    for changed, what in (
        ({**RECORD, "suite": "0"}, "version '0' of the suite"),
        (twice, "the case account is there twice"),
        (record(live={"log": "../secret.jsonl"}), "log"),
        (record(live={"log": "broker_conformance/../x.jsonl"}), "log"),
        ({**RECORD, "finished_at": "2025-02-30T00:00:00Z"}, "finished_at"),
        ({**RECORD, "extra": 1}, "extra"),
    ):
        with pytest.raises(EvidenceError) as caught:
            watch("broker_conformance", {NAME: changed, **LOGS})
        assert what in caught.value.diagnostics()


def test_account_numbers_are_hidden(watch: Any) -> None:
    """In whatever the file claims."""
    claimed = record(orders={"elsewhere": ["U7654321:1"]})
    claimed["figures"]["order_types"] = ["U7654321"]
    evidence = watch("broker_conformance", {NAME: claimed, **LOGS})
    assert "U7654321" not in json.dumps(evidence.to_json())
    assert "U****21" in json.dumps(evidence.to_json())


def rewritten(name: str, change: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The record and a log whose records went through ``change``, with its digest."""
    records = [json.loads(line) for line in LOGS[f"broker_conformance/{name}.jsonl"].splitlines()]
    changed = [{**one, "n": number} for number, one in enumerate(change(records), 1)]
    data = b"".join(json.dumps(one).encode() + b"\n" for one in changed)
    stated = record(**{name: {"log_sha256": hashlib.sha256(data).hexdigest()}})
    return stated, {**LOGS, f"broker_conformance/{name}.jsonl": data}


def with_fields(message: str, **fields: str) -> Any:
    """A change of the fields of every such record."""

    def change(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**one, "fields": {**one["fields"], **fields}} if one["message"] == message else one
            for one in records
        ]

    return change


def many_connections(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    opened = next(one for one in records if one["message"] == "connected")
    last = records[-1]
    more = [{**opened, "at_us": last["at_us"], "connection": 100 + number} for number in range(20_000)]
    return [*records[:-1], *more, last]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("orders", with_fields("placeOrder", orderType="X" * 9000, symbol="Y" * 9000, totalQuantity="sNaN")),
        ("orders", with_fields("placeOrder", totalQuantity="1e999999", lmtPrice="-Infinity")),
        ("disconnect", with_fields("order", filled="NaN")),
        ("disconnect", with_fields("order", filled="1e4000")),
        ("gone", many_connections),
        (
            "disconnect",
            lambda records: [{**one, "fields": {}} if one["message"] == "order" else one for one in records],
        ),
    ],
)
def test_logs_that_nobody_would_write(watch: Any, name: str, change: Any) -> None:
    """Their figures keep the contract, whatever the log says."""
    stated, logs = rewritten(name, change)
    evidence = watch("broker_conformance", {NAME: stated, **logs})
    assert evidence.facts["figures_from"] == "logs"
    assert evidence.facts["disagreements"]


@pytest.mark.parametrize("direction", ["in", "out"])
def test_messages_of_no_connection_prove_nothing(watch: Any, direction: str) -> None:
    """The log is named, and the figures are then mere claims."""
    stated, logs = rewritten(
        "outage",
        lambda records: [
            {**one, "connection": None} if one["direction"] == direction else one for one in records
        ],
    )
    facts = watch("broker_conformance", {NAME: stated, **logs}).facts
    assert facts["figures_from"] == "claims"
    assert {one["name"]: one["log"] for one in facts["cases"] if one["log"] != "agrees"} == {
        "outage": "malformed"
    }
