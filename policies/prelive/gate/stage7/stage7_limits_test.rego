package gate.stage7

# The session beside the account, the procedure and the mock.

changed_paper(facts) := object.union(data.gate.ready.doc, {"facts": {"paper": facts}})

beyond(facts) := {result.actual | some result in denied} if {
	doc := changed_paper(facts)
	denied := deny_limits_kept with input as doc
}

test_limits_kept_holds_and_at_the_limits if {
	checked := check_limits_kept with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [
		{"actual": [], "expected": [], "holds": true, "name": "orders_beyond_limits", "op": "∅", "terms": [], "unit": "list"},
		{"actual": [], "expected": [], "holds": true, "name": "triggers_reached", "op": "∅", "terms": [], "unit": "list"},
	]}
	beyond({
		"largest_order": {"place": "/trades/8", "quantity": 1000},
		"largest_value": {"place": "/trades/8", "cents": 20000000},
		"loss_ppm": 50000,
		"drawdown_ppm": 150000,
		"disconnects_per_hour": 3,
		"latency": {"p95_us": 180000},
		"rejects": 24,
	}) == set()
}

test_limits_kept_beyond if {
	beyond({"largest_order": {"place": "/trades/8", "quantity": 1001}}) == {"/trades/8 of PAPER_TRADING_LOG.json is of 1001 shares, ACCOUNT_CONFIG.json permits 1000"}
	beyond({"largest_value": {"place": "/trades/9", "cents": 20000001}}) == {"/trades/9 of PAPER_TRADING_LOG.json is of 20000001 cents, ACCOUNT_CONFIG.json permits 20000000"}
	beyond({"loss_ppm": 50001}) == {"loss in ppm: 50001 of 1000000 in PAPER_TRADING_LOG.json, ROLLBACK_PROCEDURE.md:10 begins at 50000 millionths"}
	beyond({"drawdown_ppm": 150001}) == {"drawdown in ppm: 150001 of 1000000 in PAPER_TRADING_LOG.json, ROLLBACK_PROCEDURE.md:11 begins at 150000 millionths"}
	beyond({"disconnects_per_hour": 4}) == {"disconnections in an hour: 4 of 1 in PAPER_TRADING_LOG.json, ROLLBACK_PROCEDURE.md:14 begins at 3000000 millionths"}
	beyond({"latency": {"p95_us": 180001}}) == {"p95 latency in us: 180001 of 90000 in PAPER_TRADING_LOG.json, ROLLBACK_PROCEDURE.md:16 begins at 2000000 millionths"}
	beyond({"rejects": 25}) == {"rejected orders: 25 of 120 in PAPER_TRADING_LOG.json, ROLLBACK_PROCEDURE.md:15 begins at 200000 millionths"}
}

test_limits_kept_unmeasured if {
	beyond({
		"largest_order": null,
		"largest_value": null,
		"loss_ppm": null,
		"drawdown_ppm": null,
		"disconnects_per_hour": null,
		"latency": {"p95_us": null},
		"rejects": null,
	}) == set()
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"limits": {"max_order_size": null, "max_position_value_cents": null}}}})
	denied := deny_limits_kept with input as doc
	denied == set()
}

account_findings(facts) := {result.actual | some result in denied} if {
	doc := object.union(data.gate.ready.doc, {"facts": facts})
	denied := deny_same_account with input as doc
}

test_same_account_by_its_name_and_value if {
	account_findings({"paper": {"accounts_masked": ["DU*****21"]}}) == {"PAPER_TRADING_LOG.json names DU*****21, ACCOUNT_CONFIG.json names DU*****67"}
	account_findings({"account": {"nav_cents": 200000001}}) == {"the equity in PAPER_TRADING_LOG.json ends at 100000000 cents, ACCOUNT_CONFIG.json has 200000001"}
	account_findings({"account": {"nav_cents": 49999999}}) == {"the equity in PAPER_TRADING_LOG.json ends at 100000000 cents, ACCOUNT_CONFIG.json has 49999999"}
	account_findings({"account": {"nav_cents": 200000000}}) == set()
	account_findings({"account": {"nav_cents": 50000000}}) == set()
	account_findings({"account": {"nav_cents": null}}) == set()
	account_findings({"paper": {"equity": []}}) == set()
}

named_in_sources(accounts, recorded) := {result.msg | some result in warned} if {
	ids := [{"path": "app/settings.py", "line": 3, "account": account, "paper": true} | some account in accounts]
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"account_ids": ids}, "account": {"account": recorded}}})
	warned := warn_same_account with input as doc
}

test_same_account_and_the_sources if {
	named_in_sources(["DU*****21"], "DU*****67") == {"app/settings.py:3 names the paper account DU*****21, ACCOUNT_CONFIG.json names DU*****67"}
	named_in_sources(["DU*****21", "DU*****67"], "DU*****67") == set()
	named_in_sources([], "DU*****67") == set()
	named_in_sources(["DU*****21"], null) == set()
}

test_latency_delta_of_copied_percentiles if {
	doc := changed_paper({"latency": {"p50_us": 50000, "p95_us": 90000}, "latency_delta_ppm": 0})
	denied := deny_latency_delta with input as doc
	{result.term | some result in denied} == {"the mock has the p50 and p95 latency of the session"}
	other := changed_paper({"latency": {"p50_us": 50000, "p95_us": 90001}, "latency_delta_ppm": 0})
	held := check_latency_delta with input as other
	held.holds == true
	unmeasured := changed_paper({"latency": {"p50_us": null, "p95_us": null}, "mock": {"p50_us": null, "p95_us": null}})
	nothing := deny_latency_delta with input as unmeasured
	nothing == set()
}
