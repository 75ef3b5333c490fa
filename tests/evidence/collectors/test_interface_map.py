"""The interface map's tables, lists and headings become operations, latencies, codes and limits."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import Limits
from gate.evidence.collectors.shared.documents import word_pattern
from gate.evidence.collectors.shared.quantities import count_near, latency_us

PATH = "IBKR_INTERFACE_MAP.md"
READY = Path(__file__).parents[3] / "examples" / "ready" / PATH
IDS = [
    "connect", "disconnect", "account_info", "positions", "place_order", "cancel_order", "order_status",
    "market_data",
]  # fmt: skip


def latencies(evidence: Any) -> dict[str, int | None]:
    return {row["id"]: row["latency_sla_us"] for row in evidence.facts["operations"]}


def test_the_ready_example_is_complete(watch: Any) -> None:
    facts = watch("interface_map", {PATH: READY.read_bytes()}).facts
    assert set(facts["sections"].values()) == {"filled"}
    assert [row["id"] for row in facts["operations"]] == IDS
    assert facts["operations"][4] == {"id": "place_order", "latency_sla_us": 200_000, "line": 14}
    codes = {row["code"]: row["action"] for row in facts["error_codes"]}
    assert set(codes) >= {100, 103, 200, 201, 202, 321, 399, 434, 504, 1100, 2104, 2106}
    assert codes[100] == "back off for 1 s"
    assert facts["pacing"] == {
        "messages_per_second": 40,
        "market_data_subscriptions": 100,
        "historical_requests": 60,
    }


def test_a_code_that_stands_twice_has_both_actions(watch: Any) -> None:
    """A second row cannot hide behind the first; the same again changes nothing."""
    rows = "| 504 | lost | reconnect |\n| 504 | lost | reject, no retry |\n"
    rows += "| 100 | fast | back off |\n" * 2
    text = f"# M\n## Error codes\n\n| Code | Meaning | Action |\n|---|---|---|\n{rows}"
    codes = {row["code"]: row for row in watch("interface_map", {PATH: text}).facts["error_codes"]}
    assert codes[504]["action"] == "reconnect | reject, no retry"
    assert codes[504]["classes"] == ["reconnect", "reject"]
    assert codes[100]["action"] == "back off"


def test_lists_headings_and_hebrew_are_understood_too(watch: Any) -> None:
    text = """# מפת ממשק
## 1. מיפוי פעולות
- `connect()`: p95 < 1 s, gives up after 10 s
- **place-order** (placeOrder) - SLA 200 ms
- שליחת מצב | no operation

| קריאה | ספק | p95 (ms) |
|---|---|---|
| מצב | reqAccountSummary | 500 |
| 3 | ביטול פקודה | < 100 |
### Order status
Latency: p95 ≤ 50 ms, p99 ≤ 90 ms.
It polls every 5 s.
### Market data
Nothing promised.
## קודי שגיאה
- 100 (rate limit): back off 1 s
- **504, 1100** → reconnect
- 321
- 1000 ms is no code
- 12 neither
- 200: TBD
## מגבלות קצב
Up to 50 הודעות בשנייה; 100 simultaneous market-data lines; historical: 60 in 10 min
"""
    evidence = watch("interface_map", {PATH: text})
    assert latencies(evidence) == {
        "connect": 1_000_000,
        "place_order": 200_000,
        "account_info": 500_000,
        "cancel_order": 100_000,
        "order_status": 50_000,
        "market_data": None,
    }
    assert [(row["code"], row["action"]) for row in evidence.facts["error_codes"]] == [
        (100, "(rate limit): back off 1 s"),
        (200, ""),
        (321, ""),
        (504, "reconnect"),
        (1100, "reconnect"),
    ]
    assert evidence.facts["pacing"] == {
        "messages_per_second": 50,
        "market_data_subscriptions": 100,
        "historical_requests": 60,
    }
    assert evidence.facts["sections"]["data_types"] == "absent"


def test_the_largest_of_several_promises_counts_and_the_first_line(watch: Any) -> None:
    text = "## Endpoints\n| Op | Call |\n|---|---|\n| place_order | x |\n\n"
    text += "## Latency\n- place order: 200 ms\n- placeOrder: 300 ms\n"
    assert watch("interface_map", {PATH: text}).facts["operations"] == [
        {"id": "place_order", "latency_sla_us": 300_000, "line": 4}
    ]


def test_without_such_sections_the_whole_document_is_searched_for_operations(watch: Any) -> None:
    text = "## Calls\n- disconnect: 20 ms\n- reconnect: 5 ms\n"
    assert latencies(watch("interface_map", {PATH: text})) == {"disconnect": 20_000}


def test_error_codes_take_the_action_column_or_the_rest_of_the_row(watch: Any) -> None:
    text = """## Errors
| Code | Meaning | Action | Source |
|---|---|---|---|
| 2104/2106 | farm ok | log | TWS |
| 100 | rate | | TWS |
| 99 | too short | none | |

| Code | Meaning | Remark |
|---|---|---|
| `434` | size is zero | reject |
| 100 | rate | back off |
"""
    facts = watch("interface_map", {PATH: text}).facts
    assert [(r["code"], r["action"], r["line"]) for r in facts["error_codes"]] == [
        (100, "rate | back off", 5),
        (434, "size is zero | reject", 10),
        (2104, "log", 4),
        (2106, "log", 4),
    ]


def test_pacing_that_is_not_stated_is_missing(watch: Any) -> None:
    text = "## Pacing\nHistorical requests: 6 per minute\nmessages/s: TBD\nMarket data: none\n"
    evidence = watch("interface_map", {PATH: text})
    assert evidence.facts["pacing"] == dict.fromkeys(evidence.facts["pacing"])
    assert "40 messages/s" in evidence.problems[0].remedy


def test_further_names_and_headings_can_be_configured(watch: Any) -> None:
    text = "## Endpoints\n- submit: 10 ms\n## Wire\nx\n"
    evidence = watch(
        "interface_map",
        {PATH: text},
        aliases={"place_order": ["submit"]},
        sections={"message_flows": ["^wire$"]},
    )
    assert latencies(evidence) == {"place_order": 10_000}
    assert evidence.facts["sections"]["message_flows"] == "filled"
    with pytest.raises(ValidationError, match="is not a regular expression"):
        watch("interface_map", sections={"message_flows": ["("]})


def test_an_absent_document_is_missing_in_every_figure(watch: Any) -> None:
    evidence = watch("interface_map")
    assert evidence.facts["operations"] == [] and evidence.facts["sections"]["latency_sla"] is None
    assert "gate docs collectors/interface_map" in evidence.problems[0].remedy


def test_bad_documents_are_errors(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="not UTF-8"):
        watch("interface_map", {PATH: b"\xff"})
    with pytest.raises(EvidenceError, match="larger than 2 bytes"):
        watch("interface_map", {PATH: "# Map"}, limits=Limits(text_bytes=2))
    with pytest.raises(EvidenceError, match="too large to be exact") as caught:
        watch("interface_map", {PATH: "## SLA\n- connect: 999999999999 min\n"})
    assert (caught.value.path, caught.value.place) == (PATH, "line 2")
    (tmp_path / "link.md").symlink_to(PATH)
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("interface_map", path="link.md")


@pytest.mark.parametrize(
    ("text", "header", "expected"),
    [
        ("200 ms", "", 200_000),
        ("1000ms", "", 1_000_000),
        ("1 s", "", 1_000_000),
        ("p95 < 200 ms, p99 < 1 s", "", 200_000),
        ("P 95: 0.5ms", "", 500),
        ("50 ms then 150 ms", "", 150_000),
        ("1,500 ms", "", 1_500_000),
        ("1 500 ms", "", 1_500_000),
        ("no more than 500 ms", "", 500_000),
        ("more than 500 ms", "", None),
        ("0.0001 ms", "", 1),
        ("12 µs", "", 12),
        ("2 minutes", "", 120_000_000),
        ("200", "SLA (ms)", 200_000),
        ("< 0.2", "latency, s", 200_000),
        ("200", "SLA", None),
        ("about 200", "SLA (ms)", None),
        ("v1.2.3 ms", "", None),
        ("200 msgs", "", None),
        ("none", "SLA (ms)", None),
    ],
)
def test_latencies_are_read_with_their_unit(text: str, header: str, expected: int | None) -> None:
    assert latency_us(text, header) == expected


@given(st.fractions(0, 10**6, max_denominator=1000).filter(lambda f: 1000 % f.denominator == 0))
def test_any_latency_is_exact_and_never_rounded_down(value: Fraction) -> None:
    text = f"{value.numerator * 1000 // value.denominator // 1000}.{int(value * 1000) % 1000:03d} ms"
    assert latency_us(text) == int(value * 1000)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("100 market-data subscriptions", 100),
        ("Market data | 1,000 | per user", 1000),
        ("At most 60 requests, market data included", 60),
        ("market data: within 10 min 60", 60),
        ("7 lines for 100 market data", 100),
        ("market data 5%", None),
        ("market data | 1 100", 1100),
        ("market data: 40–60", 60),
        ("market data: at least 40", None),
        ("nothing here 50", None),
    ],
)
def test_counts_are_the_ones_next_to_their_label(line: str, expected: int | None) -> None:
    assert count_near(line, re.compile("market[- ]data", re.IGNORECASE)) == expected


@given(st.lists(st.sampled_from(["order", "place", "info", "data"]), min_size=1, max_size=3))
def test_a_name_is_found_in_every_spelling_but_not_inside_a_word(words: list[str]) -> None:
    pattern = word_pattern(" ".join(words))
    for spelled in (" ".join(words), "_".join(words), "-".join(words), "".join(w.title() for w in words)):
        assert pattern.fullmatch(spelled) and pattern.search(f"({spelled})")
        assert not pattern.search(f"x{spelled}") and not pattern.search(f"{spelled}x")
