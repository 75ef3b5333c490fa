package gate.stage8

# Two places that disagree with each other: limits of the code, the procedure and the plan.

coded(name, value, micro) := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"parameters": array.concat(
	[one | some one in data.gate.ready.doc.facts.risk_parameters.parameters; one.name != name],
	[{"name": name, "path": "config.py", "line": 7, "value": value, "micro": micro, "text": value}],
)}}})

# What is found where the record of the switches has the code's threshold, too.
late(name, value, micro) := {result.actual | some result in denied} if {
	switches := [object.union(switch, own) |
		some switch in data.gate.ready.doc.facts.kill_switch.switches
		own := object.get({name: {"threshold": value}}, switch.name, {})
	]
	doc := object.union(coded(name, value, micro), {"facts": {"kill_switch": {"switches": switches}}})
	denied := deny_evidence_agrees with input as doc
}

test_switches_later_than_the_procedure if {
	late("KILL_PNL", "-0.5", -500000) == {"KILL_PNL is -0.5 in the code (config.py:7), and ROLLBACK_PROCEDURE.md:10 rolls back at 50000 millionths"}
	late("MAX_DD_KILL_SWITCH", "0.3", 300000) == {"MAX_DD_KILL_SWITCH is 0.3 in the code (config.py:7), and ROLLBACK_PROCEDURE.md:11 rolls back at 150000 millionths"}
	late("PSR_KILL_SWITCH", "0.1", 100000) == {"PSR_KILL_SWITCH is 0.1 in the code (config.py:7), and ROLLBACK_PROCEDURE.md:12 rolls back at 200000 millionths"}
}

test_switches_as_early_as_the_procedure_or_earlier if {
	late("KILL_PNL", "-0.05", -50000) == set()
	late("KILL_PNL", "-0.02", -20000) == set()
	late("MAX_DD_KILL_SWITCH", "0.1", 100000) == set()
	late("PSR_KILL_SWITCH", "0.3", 300000) == set()
}

test_a_limit_above_the_one_that_contains_it if {
	gross := [
		{"name": "GROSS_LIM", "path": "config.py", "line": 8, "value": "1.5", "micro": 1500000, "text": "1.5"},
		{"name": "NET_LIM", "path": "config.py", "line": 9, "value": "2", "micro": 2000000, "text": "2"},
		{"name": "BOX_LIM", "path": "config.py", "line": 10, "value": "1.5", "micro": 1500000, "text": "1.5"},
	]
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"parameters": gross}}})
	denied := deny_risk_parameters_approved with input as doc
	{result.actual | some result in denied} == {"NET_LIM is 2 (config.py:9), above GROSS_LIM, which is 1.5 (config.py:8)"}
}

test_a_cap_above_the_codes_limit if {
	doc := coded("BOX_LIM", "0.049", 49000)
	denied := deny_scale_up_plan with input as doc
	{result.term | some result in denied} == {"cap of weeks 1 to 1: 100000 ppm", "cap of weeks 2 to 3: 300000 ppm", "cap of weeks 4 to end: 1000000 ppm"}
	"SCALE_UP_PLAN.md:5 caps a position at 50000 ppm of the capital, BOX_LIM is 0.049 in the code (config.py:7)" in {result.actual | some result in denied}
	enough := coded("BOX_LIM", "0.05", 50000)
	held := check_scale_up_plan with input as enough
	held.holds == true
}

drilled_at(facts) := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": facts}}})

test_a_drill_during_the_session if {
	during := drilled_at({"same_account": true, "performed_at_s": 1764750000})
	denied := deny_evidence_agrees with input as during
	{result.actual | some result in denied} == {"ROLLBACK_DRILL.json was performed 10200 s after the session of PAPER_TRADING_LOG.json began, on its account, and the session went on"}
	elsewhere := drilled_at({"same_account": null, "performed_at_s": 1764750000})
	held := check_evidence_agrees with input as elsewhere
	held.holds == true
	afterwards := drilled_at({"same_account": true, "performed_at_s": 1764763200})
	later := check_evidence_agrees with input as afterwards
	later.holds == true
	alone := object.union(during, {"facts": {"paper": {"observed_at_s": null, "duration_s": null}}})
	untold := check_evidence_agrees with input as alone
	untold.holds == true
}

test_a_drill_on_an_account_of_another_value if {
	doc := drilled_at({"same_account": true, "nav_before_cents": 900000000})
	denied := deny_evidence_agrees with input as doc
	{result.actual | some result in denied} == {"ROLLBACK_DRILL.json begins with 900000000 cents, ACCOUNT_CONFIG.json has 100000000"}
	elsewhere := drilled_at({"same_account": null, "nav_before_cents": 900000000})
	held := check_evidence_agrees with input as elsewhere
	held.holds == true
}

earlier(facts) := {result.actual | some result in denied} if {
	one := object.union(data.gate.ready.doc.facts.artifacts.decisions[0], facts)
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"decisions": [one]}}})
	denied := deny_decisions_current with input as doc
}

stated_as(name, text, micro, slack) := earlier({"figures": [{"name": name, "text": text, "micro": micro, "slack": slack}]})

test_an_earlier_decision_of_other_figures if {
	stated_as("stage4.tests", "300", 300000000, 1000000) == {"PRELIVE_VERIFICATION_LOG.json: stage4.tests is 300, the evidence gives 20 (count)"}
	stated_as("stage7.fill_rate", "0.999", 999000, 1000) == {"PRELIVE_VERIFICATION_LOG.json: stage7.fill_rate is 0.999, the evidence gives 991666 (ppm)"}
	stated_as("stage7.fill_rate", "100 %", 1000000, 10000) == {"PRELIVE_VERIFICATION_LOG.json: stage7.fill_rate is 100 %, the evidence gives 991666 (ppm)"}
	stated_as("stage8.recovery", "5 s", 5000000000, 1000000000) == {"PRELIVE_VERIFICATION_LOG.json: stage8.recovery is 5 s, the evidence gives 90000 (ms)"}
	stated_as("stage6.account", "DU****21", null, null) == {"PRELIVE_VERIFICATION_LOG.json: stage6.account is DU****21, the evidence gives DU*****67 (text)"}
}

test_an_earlier_decision_of_the_same_figures if {
	stated_as("stage7.fill_rate", "0.991666", 991666, 1) == set()
	stated_as("stage7.fill_rate", "99 %", 990000, 10000) == set()
	stated_as("stage7.fill_rate", "99.2", 99200000, 100000) == set()
	stated_as("stage7.p95_latency", "150 ms", 150000000, 1000000) == set()
	stated_as("stage6.buying_power", "4,000,000.00", 4000000000000, 10000) == set()
	stated_as("stage6.account", "DU****67", null, null) == set()
	stated_as("stage6.account", "7", 7000000, 1000000) == set()
	stated_as("stage7.win_rate", "0.5", 500000, 100000) == set()
	stated_as("stage7.sharpe_ratio", "0.8", 800000, 100000) == set()
	stated_as("stage7.sharpe_ratio", "1.5", 1500000, 100000) != set()
}

test_an_earlier_decision_at_another_time_about_other_sources if {
	earlier({"stated_at_s": 1764936000}) == set()
	"PRELIVE_VERIFICATION_LOG.json: was decided 1 s before the evidence of tests was made" in earlier({"stated_at_s": 1764928799})
	earlier({"stated_at_s": null}) == set()
	earlier({"sources": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}) == {"PRELIVE_VERIFICATION_LOG.json: was decided about the sources eeeeeeeeeeee…, judged are dddddddddddd…"}
	earlier({"sources": data.gate.ready.doc.subject.digest}) == set()
}

beyond(facts) := {result.actual | some result in denied} if {
	doc := object.union(data.gate.ready.doc, {"facts": {"paper": facts}})
	denied := deny_evidence_agrees with input as doc
}

test_evidence_agrees_holds_and_at_the_limits if {
	checked := check_evidence_agrees with input as data.gate.ready.doc
	checked.holds == true
	{operand.name | some operand in checked.operands} == {"orders_beyond_limits", "triggers_reached", "switches_too_late", "accounts_differ", "slower_than_mapped", "drill_values", "drill_beyond_procedure", "during_the_session"}
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

test_evidence_agrees_beyond if {
	beyond({"largest_order": {"place": "/trades/8", "quantity": 1001}}) == {"/trades/8 of PAPER_TRADING_LOG.json is of 1001 shares, ACCOUNT_CONFIG.json permits 1000"}
	beyond({"largest_value": {"place": "/trades/9", "cents": 20000001}}) == {"/trades/9 of PAPER_TRADING_LOG.json is of 20000001 cents, ACCOUNT_CONFIG.json permits 20000000"}
	beyond({"loss_ppm": 50001}) == {"loss in ppm: 50001 of 1000000 in PAPER_TRADING_LOG.json, ROLLBACK_PROCEDURE.md:10 begins at 50000 millionths"}
	beyond({"drawdown_ppm": 150001}) == {"drawdown in ppm: 150001 of 1000000 in PAPER_TRADING_LOG.json, ROLLBACK_PROCEDURE.md:11 begins at 150000 millionths"}
	beyond({"disconnects_per_hour": 4}) == {"disconnections in an hour: 4 of 1 in PAPER_TRADING_LOG.json, ROLLBACK_PROCEDURE.md:14 begins at 3000000 millionths"}
	beyond({"latency": {"p95_us": 180001}}) == {"p95 latency in us: 180001 of 90000 in PAPER_TRADING_LOG.json, ROLLBACK_PROCEDURE.md:16 begins at 2000000 millionths"}
	beyond({"rejects": 25}) == {"rejected orders: 25 of 120 in PAPER_TRADING_LOG.json, ROLLBACK_PROCEDURE.md:15 begins at 200000 millionths"}
}

test_evidence_agrees_unmeasured if {
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
	denied := deny_evidence_agrees with input as doc
	denied == set()
}

account_findings(facts) := {result.actual | some result in denied} if {
	doc := object.union(data.gate.ready.doc, {"facts": facts})
	denied := deny_evidence_agrees with input as doc
}

test_evidence_agrees_by_its_name_and_value if {
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
	warned := warn_evidence_agrees with input as doc
}

test_evidence_agrees_and_the_sources if {
	named_in_sources(["DU*****21"], "DU*****67") == {"app/settings.py:3 names the paper account DU*****21, ACCOUNT_CONFIG.json names DU*****67"}
	named_in_sources(["DU*****21", "DU*****67"], "DU*****67") == set()
	named_in_sources([], "DU*****67") == set()
	named_in_sources(["DU*****21"], null) == set()
}

test_a_drill_that_lost_more_than_the_procedure_permits if {
	lost := drilled_at({"nav_delta_ppm": 10001})
	denied := deny_evidence_agrees with input as lost
	{result.actual | some result in denied} == {"the value in ROLLBACK_DRILL.json changed by 10001 ppm, ROLLBACK_PROCEDURE.md:32 permits 10000"}
	kept := drilled_at({"nav_delta_ppm": 10000})
	held := check_evidence_agrees with input as kept
	held.holds == true
}

probed(samples, p95_us) := {result.actual | some result in denied} if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"latencies": [{"operation": "positions", "samples": samples, "p95_us": p95_us}]}}})
	denied := deny_evidence_agrees with input as doc
}

test_a_probe_that_was_slower_than_the_map if {
	probed(20, 300001) == {"ACCOUNT_CONFIG.json measured a p95 latency of 300001 us for positions, IBKR_INTERFACE_MAP.md:13 promises 300000"}
	probed(19, 300001) == set()
	probed(20, 300000) == set()
}
