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
	denied := deny_kill_switch_verified with input as doc
}

test_switches_later_than_the_procedure if {
	late("KILL_PNL", "-0.5", -500000) == {"KILL_PNL: the code has -0.5 (config.py:7), and ROLLBACK_PROCEDURE.md:10 rolls back at 50000 millionths"}
	late("MAX_DD_KILL_SWITCH", "0.3", 300000) == {"MAX_DD_KILL_SWITCH: the code has 0.3 (config.py:7), and ROLLBACK_PROCEDURE.md:11 rolls back at 150000 millionths"}
	late("PSR_KILL_SWITCH", "0.1", 100000) == {"PSR_KILL_SWITCH: the code has 0.1 (config.py:7), and ROLLBACK_PROCEDURE.md:12 rolls back at 200000 millionths"}
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
	denied := deny_drill_steps with input as during
	{result.actual | some result in denied} == {"ROLLBACK_DRILL.json was performed 10200 s after the session of PAPER_TRADING_LOG.json began, on its account, and the session went on"}
	elsewhere := drilled_at({"same_account": null, "performed_at_s": 1764750000})
	held := check_drill_steps with input as elsewhere
	held.holds == true
	afterwards := drilled_at({"same_account": true, "performed_at_s": 1764763200})
	later := check_drill_steps with input as afterwards
	later.holds == true
	alone := object.union(during, {"facts": {"paper": {"observed_at_s": null, "duration_s": null}}})
	untold := check_drill_steps with input as alone
	untold.holds == true
}

test_a_drill_on_an_account_of_another_value if {
	doc := drilled_at({"same_account": true, "nav_before_cents": 900000000})
	denied := deny_drill_not_simulated with input as doc
	{result.actual | some result in denied} == {"ROLLBACK_DRILL.json begins with 900000000 cents, ACCOUNT_CONFIG.json has 100000000"}
	elsewhere := drilled_at({"same_account": null, "nav_before_cents": 900000000})
	held := check_drill_not_simulated with input as elsewhere
	held.holds == true
}

earlier(facts) := {result.actual | some result in denied} if {
	one := object.union(data.gate.ready.doc.facts.artifacts.decisions[0], facts)
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"decisions": [one]}}})
	denied := deny_decisions_agree with input as doc
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

test_an_earlier_decision_signed_by_others if {
	known := [signoff | some signoff in data.gate.ready.doc.facts.signoffs.signoffs; signoff.stage == "stage8"; signoff.role == "cto"]
	earlier({"keys": [{"role": "cto", "key": known[0].key}]}) == set()
	earlier({"keys": [{"role": "cto", "key": known[0].principal}]}) == set()
	count(earlier({"keys": [{"role": "cto", "key": "mallory@example.com"}]})) == 1
	earlier({"keys": [{"role": "nobody", "key": "mallory@example.com"}]}) == set()
}
