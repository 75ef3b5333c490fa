"""The paper session's figures are recomputed from its log; claims and contradictions are found."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.limits import Limits

LOG, CSV, MOCK, BACKTEST = (
    "PAPER_TRADING_LOG.json",
    "PAPER_TRADING_METRICS.csv",
    "MOCK_BASELINE.json",
    "BACKTEST_METRICS.json",
)
ACCOUNT = "ACCOUNT_CONFIG.json"
READY = Path(__file__).parents[3] / "examples" / "ready"
HEADER = "metric,value,unit,status\n"


def trade(number: int, **changes: Any) -> dict[str, Any]:
    parts = {"intent_to_submit": 1, "submit_to_ack": 40.5, "ack_to_fill": 8.5, "total": 50}
    return {
        "intent_id": f"i-{number}",
        "symbol": "SPY",
        "direction": "BUY",
        "quantity": 10,
        "order_type": "LMT",
        "limit_price": 500.5,
        "status": "FILLED",
        "submitted_at": f"2025-12-04T15:00:{number % 60:02d}Z",
        "latency_ms": {**parts, **changes.pop("latency", {})},
        "fill_price": 500.5,
        "commission": 1,
        **changes,
    }


def log(trades: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "session_id": "s-1",
        "start_time": "2025-12-04T14:30:00Z",
        "end_time": "2025-12-04T21:00:00.9Z",
        "events": [],
        "trades": [trade(1), trade(2)] if trades is None else trades,
        "equity": [
            {"time": "2025-12-04T14:30:00Z", "nav": 100},
            {"time": "2025-12-04T17:45:00Z", "nav": 110},
            {"time": "2025-12-04T21:00:00Z", "nav": 99},
        ],
        "equity_periods_per_year": 504,
        **changes,
    }


def event(time: str, kind: str) -> dict[str, str]:
    return {"time": f"2025-12-04T{time}Z", "type": kind}


def baseline(p50: float, p95: float = 60) -> dict[str, Any]:
    return {"timestamp": "2025-12-03T16:00:00Z", "orders": 20, "latency_ms": {"p50": p50, "p95": p95}}


def backtest(sharpe: float | None) -> dict[str, Any]:
    return {"timestamp": "2025-12-01T10:00:00Z", "strategy_id": "s", "sharpe": sharpe}


def test_the_ready_example_agrees_with_its_claims(watch: Any) -> None:
    evidence = watch(
        "paper", {name: (READY / name).read_bytes() for name in (LOG, CSV, MOCK, BACKTEST, ACCOUNT)}
    )
    facts = evidence.facts
    assert facts["disagreements"] == [] and {m.fact.partition(".")[0] for m in evidence.problems} == {"pnl"}
    assert facts["contradictions"] == [] and facts["same_account"] is True
    assert facts["claimed_statuses"][0] == {"metric": "duration", "status": "PASS"}
    assert {s.fact: s.looked_at for s in evidence.scopes}["contradictions"] == 120 + 3 + 79
    assert facts["metrics_file"] == CSV and "fill_rate" in facts["claimed_metrics"]
    assert (facts["trades"], facts["filled"], facts["fill_rate_ppm"]) == (120, 119, 991_666)
    assert facts["sharpe_source"] == "recomputed" and facts["labelled_sample"] is True
    assert facts["accounts_masked"] == ["DU*****67"]
    assert json.loads((READY / LOG).read_bytes())["account_id"] not in json.dumps(evidence.to_json())


def test_an_absent_metrics_file_is_missing_and_claims_nothing(watch: Any) -> None:
    """Without the CSV there is nothing to agree with, which must not look like agreement."""
    evidence = watch("paper", {LOG: (READY / LOG).read_bytes()})
    assert evidence.facts["metrics_file"] is None and evidence.facts["claimed_metrics"] == []
    assert "PAPER_TRADING_METRICS.csv does not exist" in {m.reason for m in evidence.problems}


def test_every_claim_that_the_log_contradicts_is_listed_with_both_figures(watch: Any) -> None:
    claims = HEADER + (
        "duration,6.51,h,PASS\ntotal_trades,3,,PASS\nfill_rate,99.1,%,PASS\np50_latency,51,ms,\n"
        "p95_latency,0.06,s,\np99_latency,50000,us,\npacing_violations,1,count,\ndisconnects,2,count,\n"
        "sharpe_paper,0.001,ratio,\nsharpe_backtest,1.5,ratio,\nsharpe_delta,-1.0,ratio,\n"
        "latency_delta_vs_mock,0.250,ratio,\n"
    )
    facts = watch("paper", {LOG: log(), CSV: claims, MOCK: baseline(40), BACKTEST: backtest(1)}).facts
    assert facts["disagreements"] == [
        {"metric": "duration", "claimed": "6.51 h", "recomputed": "6.50 h"},
        {"metric": "total_trades", "claimed": "3", "recomputed": "2"},
        {"metric": "fill_rate", "claimed": "99.1 %", "recomputed": "100.0 %"},
        {"metric": "p50_latency", "claimed": "51 ms", "recomputed": "50 ms"},
        {"metric": "p95_latency", "claimed": "0.06 s", "recomputed": "0.05 s"},
        {"metric": "pacing_violations", "claimed": "1 count", "recomputed": "0 count"},
        {"metric": "disconnects", "claimed": "2 count", "recomputed": "0 count"},
        {"metric": "sharpe_paper", "claimed": "0.001 ratio", "recomputed": "0.000 ratio"},
        {"metric": "sharpe_backtest", "claimed": "1.5 ratio", "recomputed": "1.0 ratio"},
    ]


def test_claims_agree_at_the_precision_they_state(watch: Any) -> None:
    trades = [trade(n, status="CANCELED" if n == 5 else "FILLED") for n in range(8)]
    for claim in ("0.88", "0.875", "0.87", "0.8750", "8.75e-1"):
        facts = watch("paper", {LOG: log(trades), CSV: f"{HEADER}fill_rate,{claim},ratio,\n"}).facts
        assert facts["disagreements"] == []
    for claim, recomputed in (("0.86", "0.88"), ("0.9", "0.88"), ("1", "0.9"), ("1.0", "0.9")):
        facts = watch("paper", {LOG: log(trades), CSV: f"{HEADER}Fill Rate,{claim},ratio,\n"}).facts
        told = {"metric": "fill_rate", "claimed": f"{claim} ratio", "recomputed": f"{recomputed} ratio"}
        assert facts["disagreements"] == [told]


def test_negative_figures_are_written_with_their_sign(watch: Any) -> None:
    files = {LOG: log(), CSV: HEADER + "latency_delta_vs_mock,0.50,ratio,\n", MOCK: baseline(60)}
    facts = watch("paper", files).facts
    assert facts["latency_delta_ppm"] == -166_666
    assert facts["disagreements"][0]["recomputed"] == "-0.17 ratio"


def test_percentiles_are_nearest_rank_and_rounded_up(watch: Any) -> None:
    trades = [trade(n, latency={"total": n + 50 - 0.0000001, "ack_to_fill": 8.5 + n}) for n in range(1, 11)]
    facts = watch("paper", {LOG: log(trades), MOCK: baseline(50.0005)}).facts
    assert facts["latency"] == {"p50_us": 55_000, "p95_us": 60_000, "p99_us": 60_000}
    mock = {"p50_us": 50_000, "p95_us": 60_000, "observed_at_s": 1764777600}
    assert facts["mock"] == {**mock, "programs_not_there": []}
    assert facts["latency_delta_ppm"] == 99_990


def test_a_total_that_was_not_measured_is_the_sum_of_its_parts(watch: Any) -> None:
    assert (
        watch("paper", {LOG: log([trade(1, latency={"total": None})])}).facts["latency"]["p50_us"] == 50_000
    )


def test_a_filled_order_without_latency_leaves_the_percentiles_unmeasured(watch: Any) -> None:
    slow = trade(2, latency={"total": None, "ack_to_fill": None})
    evidence = watch("paper", {LOG: log([trade(1), slow]), MOCK: baseline(40)})
    assert evidence.facts["latency"] == dict.fromkeys(("p50_us", "p95_us", "p99_us"))
    assert evidence.facts["latency_delta_ppm"] is None
    assert "1 filled orders have no total latency" in {m.fact: m.reason for m in evidence.problems}["latency"]


def test_a_log_without_trades_has_no_rate_and_no_latency(watch: Any) -> None:
    evidence = watch("paper", {LOG: log([])})
    assert (evidence.facts["trades"], evidence.facts["fill_rate_ppm"]) == (0, None)
    assert "no order has a latency" in {m.fact: m.reason for m in evidence.problems}["latency"]


def test_orders_symbols_rejects_and_connections_are_counted(watch: Any) -> None:
    no_fill = {"status": "REJECTED", "fill_price": None, "latency": {"ack_to_fill": None, "total": None}}
    rejected = trade(2, reject_reason="margin", symbol="QQQ", order_type="MARKET", **no_fill)
    events = [
        event("18:00:00", "disconnect"),
        event("17:00:00", "disconnect"),
        event("17:00:05", "reconnect"),
        event("17:30:00", "pacing_violation"),
        event("17:31:00", "info"),
    ]
    facts = watch("paper", {LOG: log([trade(1), rejected], events=events, account_id="DUSIM12345")}).facts
    assert (facts["rejects"], facts["symbols"], facts["order_types"]) == (1, 2, ["LMT", "MARKET"])
    assert [sample["nav_cents"] for sample in facts["equity"]] == [10_000, 11_000, 9_900]
    assert (facts["disconnects"], facts["unrecovered_disconnects"]) == (2, 1)
    assert (facts["pacing_violations"], facts["duration_s"]) == (1, 23_400)
    assert (facts["simulated"], facts["account_prefix"]) == (True, "DUSIM")
    assert facts["labelled_sample"] is False


def test_the_busiest_second_is_counted_even_when_nothing_was_reported(watch: Any) -> None:
    burst = [trade(n, submitted_at=f"2025-12-04T15:00:00.{n:03d}Z") for n in range(51)]
    facts = watch("paper", {LOG: log(burst)}).facts
    assert (facts["busiest_second"], facts["pacing_violations"]) == (51, 0)
    assert watch("paper", {LOG: log([])}).facts["busiest_second"] == 0


def samples(spacing_s: int, *navs: float, start: str = "2025-12-04T14:30:00Z") -> dict[str, Any]:
    """A log whose session its equity covers exactly."""
    first = datetime.fromisoformat(start)
    times = [first + timedelta(seconds=spacing_s * n) for n in range(len(navs))]
    equity = [
        {"time": time.isoformat().replace("+00:00", "Z"), "nav": nav}
        for time, nav in zip(times, navs, strict=True)
    ]
    return log([], start_time=equity[0]["time"], end_time=equity[-1]["time"], equity=equity)


def test_sharpe_comes_from_equity_or_is_only_claimed(watch: Any) -> None:
    rising = {**samples(23_400, 100, 101, 103, 104), "equity_periods_per_year": 252}
    facts = watch("paper", {LOG: rising, BACKTEST: backtest(10)}).facts
    # returns 1/100, 2/101, 1/103: mean 0.0131702…, sample deviation 0.0057440…, × √252
    assert facts["sharpe_paper_micro"] == 36_391_183
    assert (facts["sharpe_ratio_ppm"], facts["sharpe_source"]) == (3_639_118, "recomputed")
    files = {LOG: log(equity=[]), CSV: HEADER + "sharpe_paper,0.75,ratio,\n", BACKTEST: backtest(1.5)}
    facts = watch("paper", files).facts
    assert (facts["sharpe_paper_micro"], facts["sharpe_ratio_ppm"]) == (750_000, 500_000)
    assert facts["sharpe_source"] == "claimed" and facts["disagreements"] == []


def test_a_ratio_of_exactly_half_is_half(watch: Any) -> None:
    """Returns of 10 % and -5 %: (0.05 / 0.15) × √2592 / √2 = 12, which no float and no fixed digits give."""
    half = {**samples(2275, 100, 110, 104.5), "equity_periods_per_year": 2592}
    assert watch("paper", {LOG: half, BACKTEST: backtest(24)}).facts["sharpe_ratio_ppm"] == 500_000
    assert watch("paper", {LOG: half, BACKTEST: backtest(24.0001)}).facts["sharpe_ratio_ppm"] == 499_997


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"equity_periods_per_year": 508}, None),
        ({"equity_periods_per_year": 510}, "states 510 periods a year"),
        ({"equity_periods_per_year": 2695}, "states 2695 periods a year"),
        ({"equity_periods_per_year": 2695, "equity_year": "calendar"}, None),
        ({"equity_year": "calendar"}, "a calendar year has 2695"),
        ({"end_time": "2025-12-05T00:30:00Z"}, "do not reach the session's end"),
        ({"start_time": "2025-12-04T11:15:00Z"}, "do not begin with the session"),
        ({"start_time": "2025-12-04T14:20:00Z", "end_time": "2025-12-04T21:10:00Z"}, None),
        ({"middle": "17:46:56"}, None),
        ({"middle": "17:48:00"}, "not equally far apart"),
    ],
)
def test_samples_that_do_not_fit_their_year_or_session_give_no_sharpe_ratio(
    watch: Any, changes: dict[str, Any], reason: str | None
) -> None:
    made = {**log(), **changes}
    if "middle" in made:
        made["equity"][1]["time"] = f"2025-12-04T{made.pop('middle')}Z"
    evidence = watch("paper", {LOG: made, BACKTEST: backtest(1), CSV: HEADER + "sharpe_paper,9,ratio,PASS\n"})
    found = [p for p in evidence.problems if p.fact == "sharpe_ratio_ppm"]
    assert evidence.facts["sharpe_source"] == (None if reason else "recomputed")
    assert [p.kind.value for p in found] == (["unknown"] if reason else [])
    assert all(reason in p.reason and p.place and p.path == LOG for p in found if reason)


def test_the_account_is_that_of_the_accounts_record(watch: Any) -> None:
    record = json.loads((READY / ACCOUNT).read_bytes())
    files = {LOG: log(account_id=record["account_id"]), ACCOUNT: record}
    assert watch("paper", files).facts["same_account"] is True
    evidence = watch("paper", {LOG: log(account_id="DU1299967"), ACCOUNT: record})
    assert (evidence.facts["same_account"], evidence.facts["accounts_masked"]) == (False, ["DU*****67"])
    evidence = watch("paper", {ACCOUNT: b"{"})
    assert {(p.fact, p.path) for p in evidence.problems if p.kind == "rejected"} == {
        ("same_account", ACCOUNT)
    }
    assert (
        "does not name the account"
        in {p.fact: p.reason for p in watch("paper", {LOG: log()}).problems}["same_account"]
    )


@pytest.mark.parametrize(
    ("sharpe", "reason"),
    [(0, "not positive"), (-1.5, "not positive"), (None, "there is no Sharpe ratio of the back-test")],
)
def test_there_is_no_ratio_to_a_back_test_that_did_not_earn(watch: Any, sharpe: Any, reason: str) -> None:
    evidence = watch("paper", {LOG: log(), BACKTEST: backtest(sharpe)})
    assert evidence.facts["sharpe_ratio_ppm"] is None
    assert reason in {m.fact: m.reason for m in evidence.problems}["sharpe_ratio_ppm"]


def test_absent_files_are_missing_one_by_one(watch: Any) -> None:
    evidence = watch("paper")
    reasons = {m.fact: m.reason for m in evidence.problems}
    assert reasons[""] == "PAPER_TRADING_LOG.json does not exist"
    assert reasons["mock"] == "MOCK_BASELINE.json does not exist"
    assert reasons["sharpe_backtest_micro"] == "BACKTEST_METRICS.json does not exist"
    files = {
        MOCK: {**baseline(40), "sample": True},
        BACKTEST: backtest(1),
        CSV: HEADER + "sharpe_paper,1,ratio,\n",
    }
    facts = watch("paper", files).facts
    assert (facts["mock"]["p50_us"], facts["sharpe_backtest_micro"]) == (40_000, 1_000_000)
    assert facts["labelled_sample"] is None and facts["sharpe_source"] is None


def test_sample_data_anywhere_is_labelled(watch: Any) -> None:
    assert watch("paper", {LOG: log(sample=True)}).facts["labelled_sample"] is True
    assert (
        watch("paper", {LOG: log(), MOCK: {**baseline(4), "sample": True}}).facts["labelled_sample"] is True
    )
    assert (
        watch("paper", {LOG: log(), MOCK: baseline(4), BACKTEST: backtest(1)}).facts["labelled_sample"]
        is False
    )


def test_an_account_id_in_the_session_id_is_masked(watch: Any) -> None:
    facts = watch("paper", {LOG: log(account_id="DU7654321", session_id="DU7654321-a")}).facts
    assert facts["session_id"] == "DU*****21-a"


@pytest.mark.parametrize(
    ("content", "what", "place"),
    [
        (log(end_time="2025-12-04T14:29:59Z", trades=[], equity=[]), "ends before it starts", "/end_time"),
        (log([trade(1), trade(2), trade(1, submitted_at="2025-12-04T15:00:03Z")]),
         "the one of /trades/0", "/trades/2/intent_id"),
        (log([trade(1, submitted_at="2025-12-04T14:29:59Z")]), "outside", "/trades/0/submitted_at"),
        (log([trade(1, submitted_at="2025-12-04T21:00:01Z")]), "outside", "/trades/0/submitted_at"),
        (log([trade(2), trade(1)]), "not after the one before", "/trades/1/submitted_at"),
        (log([trade(1, latency={"total": 53})]), "not the sum of its parts", "/trades/0/latency_ms/total"),
        (log([trade(1, latency={"total": 49.7})]), "not the sum of its parts", "/trades/0/latency_ms/total"),
        (log([trade(1, latency={"ack_to_fill": None, "total": 5})]),
         "not the sum", "/trades/0/latency_ms/total"),
        (log([trade(1, filled_quantity=11)]), "more than was ordered", "/trades/0/filled_quantity"),
        (log([trade(1, filled_quantity=9)]), "less than was ordered", "/trades/0/filled_quantity"),
        (log([trade(1, fill_price=500.51)]), "beyond the limit price", "/trades/0/fill_price"),
        (log([trade(1, fill_price=500.49, direction="SELL")]), "beyond the limit", "/trades/0/fill_price"),
        (log([trade(1, fill_price=500.5, direction="SELL")]), None, None),
        (log([trade(1, fill_price=0)]), "not above zero", "/trades/0/fill_price"),
        (log([trade(1, fill_price=-1, limit_price=None, order_type="MKT")]),
         "not above zero", "/trades/0/fill_price"),
        (log([trade(1, limit_price=None)]), "not stated", "/trades/0/limit_price"),
        (log([trade(1, status="REJECTED", reject_reason="x")]), "has a fill", "/trades/0/status"),
        (log([trade(1, reject_code=201)]), "the order is FILLED", "/trades/0/reject_code"),
        (log([trade(1), trade(2), trade(3, fill_price=50050, limit_price=None, order_type="MKT")]),
         "far from the other prices of SPY", "/trades/2/fill_price"),
        (log([trade(1), trade(2), trade(3, fill_price=250, limit_price=None, order_type="MKT")]), None, None),
        (log(events=[{**event("20:00:00", "info"), "code": 1300}]), "not disconnect", "/events/0/type"),
        (log(events=[event("20:00:00", "disconnect"),
                     {**event("20:10:00", "reconnect"), "duration_ms": 900}]),
         "not the time since", "/events/1/duration_ms"),
        (log(events=[event("20:00:00", "disconnect"), event("20:00:05", "disconnect"),
                     {**event("20:00:06", "reconnect"), "duration_ms": 6900}]), None, None),
        (log(events=[event("21:00:01", "info")]), "outside", "/events/0/time"),
        (log(events=[event("17:00:01", "info"), event("17:00:00", "info")]), "not after", "/events/1/time"),
        (log(equity=[{"time": "2025-12-04T15:00:00Z", "nav": 1}] * 2), "not after", "/equity/1/time"),
        (log(equity=[{"time": "2025-12-04T14:29:00Z", "nav": 1}]), "outside", "/equity/0/time"),
    ],
)  # fmt: skip
def test_what_cannot_be_in_a_log_is_listed_with_its_place(
    watch: Any, content: Any, what: str | None, place: str | None
) -> None:
    facts = watch("paper", {LOG: content}).facts
    found = [one for one in facts["contradictions"] if one["place"] == place]
    assert len(found) == facts["contradictions_total"] == (1 if what else 0)
    assert all(what in one["text"] for one in found if what)


@pytest.mark.parametrize(
    ("content", "what", "place"),
    [
        (log(start_time="2025-12-32T14:29:59Z"), "is no time such as", "/start_time"),
        (log(start_time="2025-11-31T14:29:59Z"), "not a real time", "/start_time"),
        (log([trade(1, latency={"submit_to_ack": -1})]), "minimum", "/trades/0/latency_ms/submit_to_ack"),
        (log([trade(1, fill_price=None)]), 'is not of type "number"', "/trades/0/fill_price"),
        (log([trade(1, status="REJECTED")]), "reject_reason", "/trades/0"),
        (log([trade(1, latency={"submit_to_ack": 10**12, "total": 10**12 + 9.5})]),
         "too large", "/trades/0/latency_ms/total"),
        (log(events=[event("25:00:00", "info")]), "is no time such as", "/events/0/time"),
        (log(events=[event("23:59:60", "info")]), "not a real time", "/events/0/time"),
        (log(equity_periods_per_year=0), "minimum", "/equity_periods_per_year"),
        (log(account_id="du7654321"), "does not match", "/account_id"),
        ({"trades": []}, "required", "/"),
        (b'{"trades": [', "malformed JSON", "line 1, column 13"),
        (b"\xff", "not UTF-8", "line 1"),
        (b'{"a": -Infinity}', "Infinity", None),
    ],
)  # fmt: skip
def test_a_malformed_log_is_rejected_and_the_other_files_stand(
    watch: Any, content: Any, what: str, place: str | None
) -> None:
    evidence = watch("paper", {LOG: content, CSV: HEADER + "fill_rate,1,ratio,\n", MOCK: baseline(40)})
    (found,) = (p for p in evidence.problems if p.kind == "rejected")
    assert what in found.reason and "7654321" not in json.dumps(evidence.to_json())
    assert (found.path, found.fact) == (LOG, "") and found.remedy
    assert place in {None, found.place}
    assert (evidence.facts["claimed_metrics"], evidence.facts["mock"]["p50_us"]) == (["fill_rate"], 40_000)


@pytest.mark.parametrize(
    ("rows", "what", "line"),
    [
        ("disconnects,1,count,\n\ndisconnects,1,count,\n", "stands twice", 4),
        ("p50_latency,1,h,\n", "the unit 'h' of 'p50_latency' is unknown", 2),
        ("p50_latency,1,,\n", "the unit '' of 'p50_latency'", 2),
        ("fill_rate,n/a,ratio,\n", "the value 'n/a' of 'fill_rate'", 2),
        ("fill_rate,1e,ratio,\n", "not a decimal number", 2),
        ("fill_rate,٣,ratio,\n", "not a decimal number", 2),
        ("fill_rate,1\n", "2 columns", 2),
        ("fill_rate,=1+1,ratio,\n", "formula", 2),
        ('fill_rate,"1,ratio,\n', "malformed CSV", 2),
    ],
)
def test_a_malformed_claim_rejects_the_metrics_file_with_its_line(
    watch: Any, rows: str, what: str, line: int
) -> None:
    evidence = watch("paper", {LOG: log(), CSV: HEADER + rows})
    (found,) = (p for p in evidence.problems if p.kind == "rejected")
    assert what in found.reason and found.remedy
    assert (found.fact, found.path, found.place) == ("metrics_file", CSV, f"line {line}")
    assert evidence.facts["trades"] == 2 and evidence.facts["claimed_metrics"] == []


@pytest.mark.parametrize(
    ("name", "content", "facts", "what"),
    [
        (CSV, "metric,value\n", {"metrics_file"}, "the CSV header is"),
        (MOCK, baseline(0), {"mock", "latency_delta_ppm"}, "minimum"),
        (BACKTEST, {**backtest(1), "timestamp": "2025-02-30T00:00:00Z"},
         {"sharpe_backtest_micro", "backtest_at_s"}, "not a real time"),
        ("PNL_SERIES.csv", "time\n", {"pnl"}, "the CSV header is"),
    ],
)  # fmt: skip
def test_every_other_file_is_rejected_alone(
    watch: Any, name: str, content: Any, facts: set[str], what: str
) -> None:
    evidence = watch("paper", {LOG: log(), name: content})
    found = [p for p in evidence.problems if p.kind == "rejected"]
    assert {p.fact for p in found} == facts and {p.path for p in found} == {name}
    assert what in found[0].reason
    assert evidence.facts["trades"] == 2


def test_figures_that_nobody_can_recompute_reject_nothing(watch: Any) -> None:
    """They are claims, and their statuses count."""
    rows = "fill_rate,1,ratio,PASS\nwin_rate,a third,,FAIL\nduration,390.015,minutes,\n"
    evidence = watch("paper", {LOG: log(), CSV: HEADER + rows})
    facts = evidence.facts
    assert facts["claimed_metrics"] == ["duration", "fill_rate", "win_rate"]
    assert {"metric": "win_rate", "status": "FAIL"} in facts["claimed_statuses"]
    assert facts["disagreements"] == []
    [scope] = [one for one in evidence.scopes if one.fact == "disagreements"]
    assert (scope.looked_at, scope.understood) == (3, 2)


def test_a_symbol_is_one_however_it_is_written(watch: Any) -> None:
    assert watch("paper", {LOG: log([trade(1), trade(2, symbol="spy ")])}).facts["symbols"] == 1


def test_a_link_and_a_huge_file_are_rejected(watch: Any, tmp_path: Path) -> None:
    assert (
        "larger than 9 bytes" in watch("paper", {LOG: log()}, limits=Limits(file_bytes=9)).problems[0].reason
    )
    (tmp_path / "link.json").symlink_to(LOG)
    assert "symbolic link" in watch("paper", log="link.json").problems[0].reason


def test_a_long_series_of_equity_is_thinned_out(watch: Any) -> None:
    """At most 400 samples become facts, with the first and the last."""
    begin = datetime.fromisoformat("2025-12-04T14:30:00Z")
    equity = [{"time": (begin + timedelta(seconds=10 * n)).isoformat(), "nav": 1000 + n} for n in range(2000)]
    shown = watch("paper", {LOG: log(equity=equity)}).facts["equity"]
    navs = [sample["nav_cents"] for sample in shown]
    assert (len(shown), navs[0], navs[-1]) == (400, 100_000, 299_900)
    assert navs == sorted(set(navs))
    assert watch("paper", {LOG: log(equity=equity[:1])}).facts["equity"] == []
    huge = [{**sample, "nav": 10**20 + n} for n, sample in enumerate(equity)]
    facts = watch("paper", {LOG: log(equity=huge)}).facts
    assert (facts["equity"], facts["trades"]) == ([], 2)
