package gate.stage7

test_latency_delta_holds if {
	checked := check_latency_delta with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 200000, "expected": 500000, "holds": true, "name": "latency_delta", "op": "<", "unit": "ppm"}, {"actual": [], "expected": [], "holds": true, "name": "not_of_the_mock", "op": "∅", "terms": [], "unit": "list"}, {"actual": 172800, "expected": 0, "holds": true, "name": "mock_age", "op": "≥", "unit": "s"}, {"actual": 172800, "expected": 31536000, "holds": true, "name": "mock_age", "op": "≤", "unit": "s"}]}
	denied := deny_latency_delta with input as data.gate.ready.doc
	denied == set()
}

test_latency_delta_latency_delta_inside_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"latency_delta_ppm": 499999}}})
	checked := check_latency_delta with input as doc
	checked.holds == true
	denied := deny_latency_delta with input as doc
	denied == set()
}

test_latency_delta_latency_delta_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"latency_delta_ppm": 500000}}})
	checked := check_latency_delta with input as doc
	checked.holds == false
	denied := deny_latency_delta with input as doc
	denied == {{"code": "stage7.latency_delta", "msg": "Paper trading is not known to be fast enough beside the mock", "operand": "latency_delta", "op": "<", "expected": 500000, "actual": 500000, "unit": "ppm"}}
}

test_latency_delta_latency_delta_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"latency_delta_ppm": null}}})
	checked := check_latency_delta with input as doc
	checked.holds == false
	denied := deny_latency_delta with input as doc
	denied == {{"code": "stage7.latency_delta", "msg": "Paper trading is not known to be fast enough beside the mock", "operand": "latency_delta", "op": "<", "expected": 500000, "actual": null, "unit": "ppm"}}
}

test_pacing_holds if {
	checked := check_pacing with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 0, "expected": 0, "holds": true, "name": "pacing_violations", "op": "=", "unit": "violations"}]}
	denied := deny_pacing with input as data.gate.ready.doc
	denied == set()
}

test_pacing_pacing_violations_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"pacing_violations": 0}}})
	checked := check_pacing with input as doc
	checked.holds == true
	denied := deny_pacing with input as doc
	denied == set()
}

test_pacing_pacing_violations_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"pacing_violations": 1}}})
	checked := check_pacing with input as doc
	checked.holds == false
	denied := deny_pacing with input as doc
	denied == {{"code": "stage7.pacing", "msg": "The session violated the pacing limits", "operand": "pacing_violations", "op": "=", "expected": 0, "actual": 1, "unit": "violations"}}
}

test_pacing_pacing_violations_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"pacing_violations": null}}})
	checked := check_pacing with input as doc
	checked.holds == false
	denied := deny_pacing with input as doc
	denied == {{"code": "stage7.pacing", "msg": "The session violated the pacing limits", "operand": "pacing_violations", "op": "=", "expected": 0, "actual": null, "unit": "violations"}}
}

test_fill_rate_holds if {
	checked := check_fill_rate with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 991666, "expected": 980000, "holds": true, "name": "fill_rate", "op": ">", "unit": "ppm"}]}
	denied := deny_fill_rate with input as data.gate.ready.doc
	denied == set()
}

test_fill_rate_fill_rate_inside_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"fill_rate_ppm": 980001}}})
	checked := check_fill_rate with input as doc
	checked.holds == true
	denied := deny_fill_rate with input as doc
	denied == set()
}

test_fill_rate_fill_rate_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"fill_rate_ppm": 980000}}})
	checked := check_fill_rate with input as doc
	checked.holds == false
	denied := deny_fill_rate with input as doc
	denied == {{"code": "stage7.fill_rate", "msg": "Too few orders were filled", "operand": "fill_rate", "op": ">", "expected": 980000, "actual": 980000, "unit": "ppm"}}
}

test_fill_rate_fill_rate_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"fill_rate_ppm": null}}})
	checked := check_fill_rate with input as doc
	checked.holds == false
	denied := deny_fill_rate with input as doc
	denied == {{"code": "stage7.fill_rate", "msg": "Too few orders were filled", "operand": "fill_rate", "op": ">", "expected": 980000, "actual": null, "unit": "ppm"}}
}

test_sharpe_ratio_holds if {
	checked := check_sharpe_ratio with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 800000, "expected": 500000, "holds": true, "name": "sharpe_ratio", "op": "≥", "unit": "ppm"}, {"actual": 352800, "expected": 0, "holds": true, "name": "backtest_age", "op": "≥", "unit": "s"}, {"actual": 352800, "expected": 31536000, "holds": true, "name": "backtest_age", "op": "≤", "unit": "s"}]}
	denied := deny_sharpe_ratio with input as data.gate.ready.doc
	denied == set()
}

test_sharpe_ratio_sharpe_ratio_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"sharpe_ratio_ppm": 500000}}})
	checked := check_sharpe_ratio with input as doc
	checked.holds == true
	denied := deny_sharpe_ratio with input as doc
	denied == set()
}

test_sharpe_ratio_sharpe_ratio_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"sharpe_ratio_ppm": 499999}}})
	checked := check_sharpe_ratio with input as doc
	checked.holds == false
	denied := deny_sharpe_ratio with input as doc
	denied == {{"code": "stage7.sharpe_ratio", "msg": "Paper is not known to keep enough of the backtest's Sharpe ratio", "operand": "sharpe_ratio", "op": "≥", "expected": 500000, "actual": 499999, "unit": "ppm"}}
}

test_sharpe_ratio_sharpe_ratio_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"sharpe_ratio_ppm": null}}})
	checked := check_sharpe_ratio with input as doc
	checked.holds == false
	denied := deny_sharpe_ratio with input as doc
	denied == {{"code": "stage7.sharpe_ratio", "msg": "Paper is not known to keep enough of the backtest's Sharpe ratio", "operand": "sharpe_ratio", "op": "≥", "expected": 500000, "actual": null, "unit": "ppm"}}
}

test_sharpe_ratio_negative if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"sharpe_ratio_ppm": -800000}}})
	checked := check_sharpe_ratio with input as doc
	checked.holds == false
	denied := deny_sharpe_ratio with input as doc
	denied == {{"code": "stage7.sharpe_ratio", "msg": "Paper is not known to keep enough of the backtest's Sharpe ratio", "operand": "sharpe_ratio", "op": "≥", "expected": 500000, "actual": -800000, "unit": "ppm"}}
}

test_sharpe_source_holds if {
	checked := check_sharpe_source with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "sharpe_source_not_accepted", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_sharpe_source with input as data.gate.ready.doc
	denied == set()
}

test_sharpe_source_claimed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"sharpe_source": "claimed"}}})
	checked := check_sharpe_source with input as doc
	checked.holds == false
	denied := deny_sharpe_source with input as doc
	denied == {{"code": "stage7.sharpe_source", "msg": "The Sharpe ratio is only claimed: claimed, accepted: recomputed", "operand": "sharpe_source_not_accepted", "op": "∅", "expected": [], "actual": "claimed, accepted: recomputed", "unit": "list", "term": "claimed"}}
}

test_sharpe_source_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"sharpe_source": null}}})
	checked := check_sharpe_source with input as doc
	checked.holds == false
	denied := deny_sharpe_source with input as doc
	denied == {{"code": "stage7.sharpe_source", "msg": "The Sharpe ratio is only claimed: null, accepted: recomputed", "operand": "sharpe_source_not_accepted", "op": "∅", "expected": [], "actual": "null, accepted: recomputed", "unit": "list", "term": "null"}}
}

test_trade_count_holds if {
	checked := check_trade_count with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 120, "expected": 50, "holds": true, "name": "trades", "op": "≥", "unit": "trades"}, {"actual": 120, "expected": 200, "holds": true, "name": "trades", "op": "≤", "unit": "trades"}]}
	denied := deny_trade_count with input as data.gate.ready.doc
	denied == set()
}

test_trade_count_trades_lowest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"trades": 50}}})
	checked := check_trade_count with input as doc
	checked.holds == true
	denied := deny_trade_count with input as doc
	denied == set()
}

test_trade_count_trades_highest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"trades": 200}}})
	checked := check_trade_count with input as doc
	checked.holds == true
	denied := deny_trade_count with input as doc
	denied == set()
}

test_trade_count_trades_too_low if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"trades": 49}}})
	checked := check_trade_count with input as doc
	checked.holds == false
	denied := deny_trade_count with input as doc
	denied == {{"code": "stage7.trade_count", "msg": "The number of trades is outside the planned range", "operand": "trades", "op": "≥", "expected": 50, "actual": 49, "unit": "trades"}}
}

test_trade_count_trades_too_high if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"trades": 201}}})
	checked := check_trade_count with input as doc
	checked.holds == false
	denied := deny_trade_count with input as doc
	denied == {{"code": "stage7.trade_count", "msg": "The number of trades is outside the planned range", "operand": "trades", "op": "≤", "expected": 200, "actual": 201, "unit": "trades"}}
}

test_trade_count_trades_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"trades": null}}})
	checked := check_trade_count with input as doc
	checked.holds == false
	denied := deny_trade_count with input as doc
	denied == {
		{"code": "stage7.trade_count", "msg": "The number of trades is outside the planned range", "operand": "trades", "op": "≥", "expected": 50, "actual": null, "unit": "trades"},
		{"code": "stage7.trade_count", "msg": "The number of trades is outside the planned range", "operand": "trades", "op": "≤", "expected": 200, "actual": null, "unit": "trades"},
	}
}

test_session_length_holds if {
	checked := check_session_length with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 23400, "expected": 21600, "holds": true, "name": "session_length", "op": "≥", "unit": "s"}]}
	denied := deny_session_length with input as data.gate.ready.doc
	denied == set()
}

test_session_length_session_length_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"duration_s": 21600}}})
	checked := check_session_length with input as doc
	checked.holds == true
	denied := deny_session_length with input as doc
	denied == set()
}

test_session_length_session_length_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"duration_s": 21599}}})
	checked := check_session_length with input as doc
	checked.holds == false
	denied := deny_session_length with input as doc
	denied == {{"code": "stage7.session_length", "msg": "The session was too short", "operand": "session_length", "op": "≥", "expected": 21600, "actual": 21599, "unit": "s"}}
}

test_session_length_session_length_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"duration_s": null}}})
	checked := check_session_length with input as doc
	checked.holds == false
	denied := deny_session_length with input as doc
	denied == {{"code": "stage7.session_length", "msg": "The session was too short", "operand": "session_length", "op": "≥", "expected": 21600, "actual": null, "unit": "s"}}
}

test_p95_latency_holds if {
	checked := check_p95_latency with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 150000, "expected": 200000, "holds": true, "name": "p95_latency", "op": "<", "unit": "us"}]}
	denied := deny_p95_latency with input as data.gate.ready.doc
	denied == set()
}

test_p95_latency_p95_latency_inside_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"latency": {"p95_us": 199999}}}})
	checked := check_p95_latency with input as doc
	checked.holds == true
	denied := deny_p95_latency with input as doc
	denied == set()
}

test_p95_latency_p95_latency_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"latency": {"p95_us": 200000}}}})
	checked := check_p95_latency with input as doc
	checked.holds == false
	denied := deny_p95_latency with input as doc
	denied == {{"code": "stage7.p95_latency", "msg": "The p95 latency is not below its ceiling", "operand": "p95_latency", "op": "<", "expected": 200000, "actual": 200000, "unit": "us"}}
}

test_p95_latency_p95_latency_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"latency": {"p95_us": null}}}})
	checked := check_p95_latency with input as doc
	checked.holds == false
	denied := deny_p95_latency with input as doc
	denied == {{"code": "stage7.p95_latency", "msg": "The p95 latency is not below its ceiling", "operand": "p95_latency", "op": "<", "expected": 200000, "actual": null, "unit": "us"}}
}

test_disconnects_recovered_holds if {
	checked := check_disconnects_recovered with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 0, "expected": 0, "holds": true, "name": "unrecovered_disconnects", "op": "=", "unit": "disconnects"}]}
	denied := deny_disconnects_recovered with input as data.gate.ready.doc
	denied == set()
}

test_disconnects_recovered_unrecovered_disconnects_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"unrecovered_disconnects": 0}}})
	checked := check_disconnects_recovered with input as doc
	checked.holds == true
	denied := deny_disconnects_recovered with input as doc
	denied == set()
}

test_disconnects_recovered_unrecovered_disconnects_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"unrecovered_disconnects": 1}}})
	checked := check_disconnects_recovered with input as doc
	checked.holds == false
	denied := deny_disconnects_recovered with input as doc
	denied == {{"code": "stage7.disconnects_recovered", "msg": "A disconnect was not recovered", "operand": "unrecovered_disconnects", "op": "=", "expected": 0, "actual": 1, "unit": "disconnects"}}
}

test_disconnects_recovered_unrecovered_disconnects_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"unrecovered_disconnects": null}}})
	checked := check_disconnects_recovered with input as doc
	checked.holds == false
	denied := deny_disconnects_recovered with input as doc
	denied == {{"code": "stage7.disconnects_recovered", "msg": "A disconnect was not recovered", "operand": "unrecovered_disconnects", "op": "=", "expected": 0, "actual": null, "unit": "disconnects"}}
}

test_metrics_agree_holds if {
	checked := check_metrics_agree with input as data.gate.ready.doc
	required := data.gate.params.stage7.claimed_metrics.value
	checked == {"holds": true, "operands": [
		{"actual": required, "expected": required, "holds": true, "name": "claimed_metrics", "op": "⊇", "terms": [], "unit": "list"},
		{"actual": [], "expected": [], "holds": true, "name": "disagreements", "op": "∅", "terms": [], "unit": "list"},
	]}
	denied := deny_metrics_agree with input as data.gate.ready.doc
	denied == set()
}

test_metrics_agree_disagree if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"disagreements": [{"metric": "fill_rate", "claimed": "0.99", "recomputed": "0.97"}, {"metric": "duration", "claimed": "8", "recomputed": "6"}]}}})
	checked := check_metrics_agree with input as doc
	checked.holds == false
	denied := deny_metrics_agree with input as doc
	denied == {
		{"code": "stage7.metrics_agree", "msg": "A metric is not claimed, or differs from the log: fill_rate: claimed 0.99, recomputed 0.97", "operand": "disagreements", "op": "∅", "expected": [], "actual": "fill_rate: claimed 0.99, recomputed 0.97", "unit": "list", "term": "fill_rate"},
		{"code": "stage7.metrics_agree", "msg": "A metric is not claimed, or differs from the log: duration: claimed 8, recomputed 6", "operand": "disagreements", "op": "∅", "expected": [], "actual": "duration: claimed 8, recomputed 6", "unit": "list", "term": "duration"},
	}
}

test_metrics_agree_left_out if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"metrics_file": null, "claimed_metrics": []}}})
	checked := check_metrics_agree with input as doc
	checked.holds == false
	denied := deny_metrics_agree with input as doc
	{violation.term | some violation in denied} == {name | some name in data.gate.params.stage7.claimed_metrics.value}
}

test_symbols_holds if {
	checked := check_symbols with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 6, "expected": 5, "holds": true, "name": "symbols", "op": "≥", "unit": "symbols"}, {"actual": 6, "expected": 10, "holds": true, "name": "symbols", "op": "≤", "unit": "symbols"}]}
	denied := deny_symbols with input as data.gate.ready.doc
	denied == set()
}

test_symbols_symbols_lowest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"symbols": 5}}})
	checked := check_symbols with input as doc
	checked.holds == true
	denied := deny_symbols with input as doc
	denied == set()
}

test_symbols_symbols_highest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"symbols": 10}}})
	checked := check_symbols with input as doc
	checked.holds == true
	denied := deny_symbols with input as doc
	denied == set()
}

test_symbols_symbols_too_low if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"symbols": 4}}})
	checked := check_symbols with input as doc
	checked.holds == false
	denied := deny_symbols with input as doc
	denied == {{"code": "stage7.symbols", "msg": "The number of symbols is outside the planned range", "operand": "symbols", "op": "≥", "expected": 5, "actual": 4, "unit": "symbols"}}
}

test_symbols_symbols_too_high if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"symbols": 11}}})
	checked := check_symbols with input as doc
	checked.holds == false
	denied := deny_symbols with input as doc
	denied == {{"code": "stage7.symbols", "msg": "The number of symbols is outside the planned range", "operand": "symbols", "op": "≤", "expected": 10, "actual": 11, "unit": "symbols"}}
}

test_symbols_symbols_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"symbols": null}}})
	checked := check_symbols with input as doc
	checked.holds == false
	denied := deny_symbols with input as doc
	denied == {
		{"code": "stage7.symbols", "msg": "The number of symbols is outside the planned range", "operand": "symbols", "op": "≥", "expected": 5, "actual": null, "unit": "symbols"},
		{"code": "stage7.symbols", "msg": "The number of symbols is outside the planned range", "operand": "symbols", "op": "≤", "expected": 10, "actual": null, "unit": "symbols"},
	}
}

test_order_types_holds if {
	checked := check_order_types with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "order_types_missing", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "order_types_unknown", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_order_types with input as data.gate.ready.doc
	denied == set()
}

test_order_types_broker_names if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"order_types": ["LMT", "MKT", "LIMIT", "mkt"]}}})
	checked := check_order_types with input as doc
	checked.holds == false
	denied := deny_order_types with input as doc
	{violation.term | some violation in denied} == {"LIMIT", "mkt"}
}

test_order_types_no_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"order_types": ["MKT", "STP"]}}})
	checked := check_order_types with input as doc
	checked.holds == false
	denied := deny_order_types with input as doc
	denied == {{"code": "stage7.order_types", "msg": "A kind of order was not used, or has no name of the broker's: limit", "operand": "order_types_missing", "op": "∅", "expected": [], "actual": "limit", "unit": "list", "term": "limit"}}
}

test_order_types_none if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"order_types": []}}})
	checked := check_order_types with input as doc
	checked.holds == false
	denied := deny_order_types with input as doc
	denied == {
		{"code": "stage7.order_types", "msg": "A kind of order was not used, or has no name of the broker's: limit", "operand": "order_types_missing", "op": "∅", "expected": [], "actual": "limit", "unit": "list", "term": "limit"},
		{"code": "stage7.order_types", "msg": "A kind of order was not used, or has no name of the broker's: market", "operand": "order_types_missing", "op": "∅", "expected": [], "actual": "market", "unit": "list", "term": "market"},
	}
}

test_paper_fresh_holds if {
	checked := check_paper_fresh with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 172800, "expected": 0, "holds": true, "name": "paper_age", "op": "≥", "unit": "s"}, {"actual": 172800, "expected": 2592000, "holds": true, "name": "paper_age", "op": "≤", "unit": "s"}]}
	denied := deny_paper_fresh with input as data.gate.ready.doc
	denied == set()
}

test_paper_fresh_paper_age_now if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"observed_at_s": 1764936000}}})
	checked := check_paper_fresh with input as doc
	checked.holds == true
	denied := deny_paper_fresh with input as doc
	denied == set()
}

test_paper_fresh_paper_age_oldest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"observed_at_s": 1762344000}}})
	checked := check_paper_fresh with input as doc
	checked.holds == true
	denied := deny_paper_fresh with input as doc
	denied == set()
}

test_paper_fresh_paper_age_future if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"observed_at_s": 1764936001}}})
	checked := check_paper_fresh with input as doc
	checked.holds == false
	denied := deny_paper_fresh with input as doc
	denied == {{"code": "stage7.paper_fresh", "msg": "The session is not recent", "operand": "paper_age", "op": "≥", "expected": 0, "actual": -1, "unit": "s"}}
}

test_paper_fresh_paper_age_too_old if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"observed_at_s": 1762343999}}})
	checked := check_paper_fresh with input as doc
	checked.holds == false
	denied := deny_paper_fresh with input as doc
	denied == {{"code": "stage7.paper_fresh", "msg": "The session is not recent", "operand": "paper_age", "op": "≤", "expected": 2592000, "actual": 2592001, "unit": "s"}}
}

test_paper_fresh_paper_age_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"observed_at_s": null}}})
	checked := check_paper_fresh with input as doc
	checked.holds == false
	denied := deny_paper_fresh with input as doc
	denied == {
		{"code": "stage7.paper_fresh", "msg": "The session is not recent", "operand": "paper_age", "op": "≥", "expected": 0, "actual": null, "unit": "s"},
		{"code": "stage7.paper_fresh", "msg": "The session is not recent", "operand": "paper_age", "op": "≤", "expected": 2592000, "actual": null, "unit": "s"},
	}
}

test_account_not_simulated_holds if {
	checked := check_account_not_simulated with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": false, "expected": false, "holds": true, "name": "simulated", "op": "=", "unit": "boolean"}, {"actual": [], "expected": [], "holds": true, "name": "session_account", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_account_not_simulated with input as data.gate.ready.doc
	denied == set()
}

test_account_not_simulated_simulated_wrong if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"simulated": true}}})
	checked := check_account_not_simulated with input as doc
	checked.holds == false
	denied := deny_account_not_simulated with input as doc
	denied == {{"code": "stage7.account_not_simulated", "msg": "The session did not run on a paper account of the broker", "operand": "simulated", "op": "=", "expected": false, "actual": true, "unit": "boolean"}}
}

test_account_not_simulated_simulated_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"simulated": null}}})
	checked := check_account_not_simulated with input as doc
	checked.holds == false
	denied := deny_account_not_simulated with input as doc
	denied == {{"code": "stage7.account_not_simulated", "msg": "The session did not run on a paper account of the broker", "operand": "simulated", "op": "=", "expected": false, "actual": null, "unit": "boolean"}}
}

test_account_not_simulated_session_simulated if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"simulated": true}}})
	checked := check_account_not_simulated with input as doc
	checked.holds == false
	denied := deny_account_not_simulated with input as doc
	denied == {{"code": "stage7.account_not_simulated", "msg": "The session did not run on a paper account of the broker: simulated", "operand": "session_account", "op": "∅", "expected": [], "actual": "simulated", "unit": "list", "term": "simulated"}}
}

test_account_not_simulated_session_live if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"account_prefix": "U"}}})
	checked := check_account_not_simulated with input as doc
	checked.holds == false
	denied := deny_account_not_simulated with input as doc
	denied == {{"code": "stage7.account_not_simulated", "msg": "The session did not run on a paper account of the broker: U", "operand": "session_account", "op": "∅", "expected": [], "actual": "U", "unit": "list", "term": "U"}}
}

test_account_not_simulated_session_account_unnamed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"simulated": null, "account_prefix": null}}})
	checked := check_account_not_simulated with input as doc
	checked.holds == true
	denied := deny_account_not_simulated with input as doc
	denied == set()
}

test_account_not_simulated_sample_is_a_warning if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": {"labelled_sample": true}}})
	checked := check_account_not_simulated with input as doc
	checked.holds == true
	denied := deny_account_not_simulated with input as doc
	denied == set()
	warned := warn_account_not_simulated with input as doc
	warned == {{"code": "stage7.account_not_simulated", "msg": "The paper log says that it holds sample data, not a session that was traded"}}
}

test_not_rejected_holds if {
	checked := check_not_rejected with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "rejections", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_not_rejected with input as data.gate.ready.doc
	denied == set()
}

test_not_rejected_rejected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage7", "risk_officer", {"verdict": "reject"})]}}})
	checked := check_not_rejected with input as doc
	checked.holds == false
	denied := deny_not_rejected with input as doc
	denied == {{"code": "stage7.not_rejected", "msg": "The stage was rejected: risk_officer rejected in signoffs/stage7-risk_officer.json", "operand": "rejections", "op": "∅", "expected": [], "actual": "risk_officer rejected in signoffs/stage7-risk_officer.json", "unit": "list", "term": "risk_officer", "path": "signoffs/stage7-risk_officer.json"}}
}

test_not_rejected_rejected_other_evidence if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage7", "risk_officer", {"verdict": "reject", "evidence": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"})]}}})
	checked := check_not_rejected with input as doc
	checked.holds == true
	denied := deny_not_rejected with input as doc
	denied == set()
}

test_latency_delta_of_a_baseline_that_says_nothing if {
	future := deny_latency_delta with input as object.union(data.gate.ready.doc, {"facts": {"paper": {"mock": {"observed_at_s": 1764936001}}}})
	future == {{"code": "stage7.latency_delta", "msg": "Paper trading is not known to be fast enough beside the mock", "operand": "mock_age", "op": "≥", "expected": 0, "actual": -1, "unit": "s"}}
	stale := deny_latency_delta with input as object.union(data.gate.ready.doc, {"facts": {"paper": {"mock": {"observed_at_s": 1733399999}}}})
	stale == {{"code": "stage7.latency_delta", "msg": "Paper trading is not known to be fast enough beside the mock", "operand": "mock_age", "op": "≤", "expected": 31536000, "actual": 31536001, "unit": "s"}}
}

test_sharpe_ratio_of_a_backtest_from_another_time if {
	future := deny_sharpe_ratio with input as object.union(data.gate.ready.doc, {"facts": {"paper": {"backtest_at_s": 1764936001}}})
	future == {{"code": "stage7.sharpe_ratio", "msg": "Paper is not known to keep enough of the backtest's Sharpe ratio", "operand": "backtest_age", "op": "≥", "expected": 0, "actual": -1, "unit": "s"}}
	stale := deny_sharpe_ratio with input as object.union(data.gate.ready.doc, {"facts": {"paper": {"backtest_at_s": 1733399999}}})
	stale == {{"code": "stage7.sharpe_ratio", "msg": "Paper is not known to keep enough of the backtest's Sharpe ratio", "operand": "backtest_age", "op": "≤", "expected": 31536000, "actual": 31536001, "unit": "s"}}
}

# The document with other facts of the session.
changed_paper(facts) := object.union(data.gate.ready.doc, {"facts": {"paper": facts}})

test_latency_delta_of_copied_percentiles if {
	doc := changed_paper({"latency": {"p50_us": 50000, "p95_us": 90000}, "latency_delta_ppm": 0})
	denied := deny_latency_delta with input as doc
	{result.term | some result in denied} == {"the baseline has the p50 and p95 latency of the session"}
	other := changed_paper({"latency": {"p50_us": 50000, "p95_us": 90001}, "latency_delta_ppm": 0})
	held := check_latency_delta with input as other
	held.holds == true
	unmeasured := changed_paper({"latency": {"p50_us": null, "p95_us": null}, "mock": {"p50_us": null, "p95_us": null}})
	nothing := deny_latency_delta with input as unmeasured
	nothing == set()
}

test_latency_delta_of_another_program if {
	doc := changed_paper({"mock": {"programs_not_there": ["other/mock.py"]}})
	denied := deny_latency_delta with input as doc
	{result.term | some result in denied} == {"the baseline is of other/mock.py, which no file of the workspace is"}
}
