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
