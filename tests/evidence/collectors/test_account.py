"""The account's figures are exact, and its id is never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import Limits
from gate.evidence.broker.account_id import mask, prefix

PATH = "ACCOUNT_CONFIG.json"
READY = Path(__file__).parents[3] / "examples" / "ready" / PATH
ID = "DU7654321"
RECORD: dict[str, Any] = {
    "timestamp": "2025-12-05T08:30:00+02:00",
    "account_id": ID,
    "account_type": "PAPER",
    "nav": 1000000.019,
    "cash": -0.001,
    "buying_power": 0,
    "margin_cushion": 0.9712345678,
    "maintenance_margin": 10000,
    "equity_with_loan": 1000000.5,
    "permissions": {"stocks": True, "options": False, "futures": None},
    "assets": ["STK"],
    "limits": {"max_order_size": 500, "max_position_value": 50000.5},
    "positions": [{"symbol": "SPY", "quantity": 20}],
    "connection": {"connected": True, "port": 7497, "read_only": True},
}


def shown(evidence: Any) -> str:
    return json.dumps(evidence.to_json())


def test_figures_are_scaled_exactly_and_rounded_down(watch: Any) -> None:
    evidence = watch("account", {PATH: RECORD}, pinned_account=ID)
    assert evidence.facts == {
        "file": PATH,
        "account": "DU*****21",
        "prefix": "DU",
        "simulated": False,
        "pinned": True,
        "account_type": "PAPER",
        "connected": True,
        "port": 7497,
        "read_only": True,
        "nav_cents": 100000001,
        "cash_cents": -1,
        "buying_power_cents": 0,
        "maintenance_margin_cents": 1000000,
        "equity_with_loan_cents": 100000050,
        "margin_cushion_ppm": 971234,
        "permissions": {"futures": "unknown", "options": "denied", "stocks": "granted"},
        "limits": {"max_order_size": 500, "max_position_value_cents": 5000050},
        "positions": 1,
        "largest_position": None,
        "latencies": [],
        "contradictions": [],
        "observed_at": "2025-12-05T06:30:00Z",
        "observed_at_s": 1764916200,
    }
    assert evidence.observed_at == "2025-12-05T06:30:00Z"
    assert ID not in shown(evidence)


def test_the_ready_example_shows_no_account_id(watch: Any) -> None:
    evidence = watch("account", {PATH: READY.read_bytes()}, pinned_account="DU9999999")
    assert evidence.facts["pinned"] is False
    assert json.loads(READY.read_bytes())["account_id"] not in shown(evidence)


@pytest.mark.parametrize(
    ("positions", "largest"),
    [
        ([], {"place": "/positions", "cents": 0}),
        ([{"market_value": 10}, {"market_value": -20.001}], {"place": "/positions/1", "cents": 2001}),
        ([{"market_value": 5}, {}], {"place": "/positions/0", "cents": 500}),
        ([{"market_value": None}], None),
        (None, None),
    ],
)
def test_the_largest_position_is_named(watch: Any, positions: Any, largest: Any) -> None:
    whole = {"symbol": "SPY", "quantity": 1}
    record = {**RECORD, "positions": positions and [{**whole, **one} for one in positions]}
    evidence = watch("account", {PATH: record})
    assert evidence.facts["largest_position"] == largest
    assert ("largest_position" in {one.fact for one in evidence.problems}) == (largest is None)


def test_the_simulator_and_live_accounts_are_told_apart(watch: Any) -> None:
    facts = watch("account", {PATH: {**RECORD, "account_id": "DUSIM00001"}}).facts
    assert (facts["prefix"], facts["simulated"]) == ("DUSIM", True)
    facts = watch("account", {PATH: {**RECORD, "account_id": "U1234567"}}).facts
    assert (facts["prefix"], facts["simulated"]) == ("U", False)


def test_what_the_record_does_not_say_is_missing(watch: Any) -> None:
    record = {name: value for name, value in RECORD.items() if name != "connection"}
    record |= {
        "nav": None,
        "margin_cushion": None,
        "limits": {"max_order_size": None, "max_position_value": None},
    }
    evidence = watch("account", {PATH: record})
    reasons = {m.fact: (m.reason, m.remedy) for m in evidence.problems}
    assert set(reasons) == {
        "pinned", "connected", "port", "read_only", "nav_cents", "margin_cushion_ppm",
        "limits.max_order_size", "limits.max_position_value_cents", "largest_position",
    }  # fmt: skip
    assert reasons["pinned"] == ("no account is pinned", "set evidence.account.pinned_account in gate.yaml")
    assert reasons["port"][0] == "ACCOUNT_CONFIG.json has no `connection`"
    assert reasons["nav_cents"][0] == "ACCOUNT_CONFIG.json has null for it"


def test_an_absent_record_is_missing_everywhere(watch: Any) -> None:
    evidence = watch("account", pinned_account=ID)
    assert {m.reason for m in evidence.problems} == {"ACCOUNT_CONFIG.json does not exist"}
    assert evidence.facts["permissions"] == {} and ID not in shown(evidence)


def test_an_id_inside_other_text_is_masked(watch: Any) -> None:
    evidence = watch("account", {PATH: {**RECORD, "account_type": f"PAPER of {ID}"}})
    assert evidence.facts["account_type"] == "PAPER of DU*****21"


@pytest.mark.parametrize(
    ("content", "what", "place"),
    [
        ({**RECORD, "account_id": ID.lower()}, "does not match", "/account_id"),
        ({**RECORD, "account_id": [ID]}, 'is not of type "string"', "/account_id"),
        ({**RECORD, "account_id": int("7654321" * 2)}, 'is not of type "string"', "/account_id"),
        ({**RECORD, ID: 1}, "are not allowed", "/"),
        ({**RECORD, "permissions": {ID: True}}, "permissions", "/permissions"),
        ({**RECORD, "positions": [{"symbol": ID}]}, "quantity", "/positions/0"),
        ([RECORD], 'is not of type "object"', "/"),
        ({**RECORD, "nav": "1000"}, 'is not of types "null", "number"', "/nav"),
        ({**RECORD, "timestamp": "2025-13-01T00:00:00Z"}, "is no time such as", "/timestamp"),
        ({**RECORD, "timestamp": "2025-02-29T00:00:00Z"}, "not a real time", "/timestamp"),
        ({**RECORD, "nav": 10**17}, "too large to be exact", "/nav"),
        (f'{{"{ID}": 1, "{ID}": 2}}'.encode(), "twice", None),
        (f'{{"account_id": "{ID}",}}'.encode(), "malformed JSON", None),
        (f'{{"account_id": {"7654321" * 6}}}'.encode(), "digits", None),
        (b'{"nav": Infinity}', "Infinity", None),
        (b'{"nav": 1e999}', "outside the supported range", None),
        (f'"{ID}'.encode("utf-16"), "UTF-16", None),
        (f'["{ID}", "\xe9"]'.encode("latin-1"), "not UTF-8", "line 1"),
        (b'{"nav": ' + b"[" * 70 + b"]" * 70 + b"}", "deeper", None),
    ],
)
def test_errors_name_the_place_but_never_the_id(
    watch: Any, content: Any, what: str, place: str | None
) -> None:
    if isinstance(content, dict) and ID in content:
        content = {**content, "extra": True}
    with pytest.raises(EvidenceError) as caught:
        watch("account", {PATH: content}, pinned_account=ID)
    text = caught.value.diagnostics()
    assert what in text and PATH in text and caught.value.remedy
    assert place in {None, caught.value.place}
    assert ID.lower() not in text.lower() and "7654321" not in text
    assert caught.value.__suppress_context__ or ID not in str(caught.value.__context__)


def test_links_and_huge_records_are_refused(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="larger than 100000 bytes"):
        watch("account", {PATH: b" " * 100_001}, limits=Limits(file_bytes=100_000))
    (tmp_path / "link.json").symlink_to(PATH)
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("account", path="link.json")


@given(st.from_regex(r"[A-Z][A-Z0-9]{1,31}", fullmatch=True))
def test_a_mask_hides_more_than_it_shows(account_id: str) -> None:
    masked = mask(account_id)
    assert len(masked) == len(account_id) and masked != account_id
    kept = sum(char != "*" for char in masked)
    assert kept <= 4 and masked.count("*") >= min(kept - 1, 3)
    assert account_id.startswith(prefix(account_id)) and 1 <= len(prefix(account_id)) <= 5
