package gate.stage8

test_document_rules_hold if {
	limits := check_rollback_limits with input as data.gate.ready.doc
	limits == {"holds": true, "operands": [
		{"actual": [], "expected": [], "holds": true, "name": "limits", "op": "∅", "terms": [], "unit": "list"},
		{"actual": ["flat", "logs_archived", "nav", "open_orders"], "expected": ["flat", "open_orders", "nav", "logs_archived"], "holds": true, "name": "checks", "op": "⊇", "terms": [], "unit": "list"},
	]}
	drill := check_drill_steps with input as data.gate.ready.doc
	drill.holds == true
	checklist := check_checklist_agreed with input as data.gate.ready.doc
	checklist == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "categories", "op": "∅", "terms": [], "unit": "list"}]}
	decisions := check_decisions_agree with input as data.gate.ready.doc
	decisions.holds == true
	committed := check_evidence_committed with input as data.gate.ready.doc
	committed.holds == true
	denied := (((deny_rollback_limits | deny_drill_steps) | deny_checklist_agreed) | deny_decisions_agree) | deny_evidence_committed with input as data.gate.ready.doc
	denied == set()
}

test_rollback_limits_tighter if {
	doc := limited([
		{"trigger": "pnl", "micro": 40000, "line": 1},
		{"trigger": "drawdown", "micro": 100000, "line": 2},
		{"trigger": "psr", "micro": 300000, "line": 3},
		{"trigger": "pacing", "micro": 1000000, "line": 4},
		{"trigger": "connection", "micro": 1000000, "line": 5},
		{"trigger": "rejections", "micro": 100000, "line": 6},
		{"trigger": "latency", "micro": 1500000, "line": 7},
		{"trigger": "nav", "micro": 5000, "line": 8},
	])
	checked := check_rollback_limits with input as doc
	checked.holds == true
}

test_rollback_limits_looser_and_unstated if {
	doc := limited([
		{"trigger": "pnl", "micro": 50001, "line": 1},
		{"trigger": "drawdown", "micro": null, "line": 2},
		{"trigger": "psr", "micro": 199999, "line": 3},
		{"trigger": "pacing", "micro": 1000000, "line": 4},
		{"trigger": "connection", "micro": 1000000, "line": 5},
		{"trigger": "rejections", "micro": 100000, "line": 6},
		{"trigger": "nav", "micro": 100000, "line": 8},
	])
	denied := deny_rollback_limits with input as doc
	{violation.actual | some violation in denied} == {
		"pnl is 50001 at line 1, at most 50000 is agreed (millionths)",
		"psr is 199999 at line 3, at least 200000 is agreed (millionths)",
		"drawdown states no number, or one on the wrong side of it",
		"latency states no number, or one on the wrong side of it",
		"nav is 100000 at line 8, at most 10000 is agreed (millionths)",
	}
}

test_recovery_check_missing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"checks": ["flat", "nav", "open_orders"]}}})
	denied := deny_rollback_limits with input as doc
	denied == {{"code": "stage8.rollback_limits", "msg": "A limit or a check of the rollback is not the agreed one: logs_archived", "operand": "checks", "op": "⊇", "expected": ["flat", "open_orders", "nav", "logs_archived"], "actual": ["flat", "nav", "open_orders"], "unit": "list", "term": "logs_archived"}}
}

test_drill_without_a_step if {
	doc := drilled(["halt", "cancel_orders", "disconnect", "verify"], [])
	denied := deny_drill_steps with input as doc
	denied == {{"code": "stage8.drill_steps", "msg": "The drill does not show the whole rollback: flatten", "operand": "steps", "op": "⊇", "expected": ["halt", "cancel_orders", "disconnect", "flatten", "verify"], "actual": ["halt", "cancel_orders", "disconnect", "verify"], "unit": "list", "term": "flatten"}}
}

test_drill_out_of_order if {
	doc := drilled(["halt", "disconnect", "cancel_orders", "flatten", "verify", "report"], [])
	denied := deny_drill_steps with input as doc
	denied == {{"code": "stage8.drill_steps", "msg": "The drill does not show the whole rollback: halt, disconnect, cancel_orders, flatten, verify", "operand": "order", "op": "∅", "expected": [], "actual": "halt, disconnect, cancel_orders, flatten, verify", "unit": "list", "term": "order"}}
}

test_drill_that_contradicts_itself if {
	doc := drilled(["halt", "cancel_orders", "disconnect", "flatten", "verify"], [{"place": "/steps/4", "text": "too late"}])
	denied := deny_drill_steps with input as doc
	denied == {{"code": "stage8.drill_steps", "msg": "The drill does not show the whole rollback: /steps/4: too late", "operand": "contradictions", "op": "∅", "expected": [], "actual": "/steps/4: too late", "unit": "list", "term": "/steps/4"}}
}

test_checklist_of_other_categories if {
	ready := [category |
		some one in data.gate.ready.doc.facts.checklist.categories
		category := object.union(one, object.get(changed, one.id, {}))
		category.id != "documentation"
	]
	doc := object.union(data.gate.ready.doc, {"facts": {"checklist": {"categories": array.concat(ready, [{"id": null, "name": "Luck", "line": 1, "points": 50, "items": 9, "ticked": 9}])}}})
	denied := deny_checklist_agreed with input as doc
	{violation.actual | some violation in denied} == {
		"documentation is not there",
		"Luck is no agreed category",
		"code_quality has 90 points, agreed are 80",
		"security has 2 items, at least 3 are agreed",
	}
}

changed := {"code_quality": {"points": 90}, "security": {"items": 2}}

test_decisions_that_do_not_agree if {
	decisions := [
		{"path": "LOG.json", "decision": "FAIL", "contradictions": ["the decision is FAIL, and PASS is the status of stage1"]},
		{"path": "GATE.md", "decision": null, "contradictions": []},
		{"path": "OTHER.md", "decision": "CONDITIONAL", "contradictions": []},
	]
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"decisions": decisions}}})
	denied := deny_decisions_agree with input as doc
	{violation.actual | some violation in denied} == {
		"LOG.json: says FAIL",
		"GATE.md: states no decision",
		"LOG.json: the decision is FAIL, and PASS is the status of stage1",
	}
}

test_edited_evidence if {
	edited := {"rollback": data.gate.ready.evidence({"uncommitted": ["ROLLBACK_DRILL.json"]})}
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": edited}})
	denied := deny_evidence_committed with input as doc
	denied == {{"code": "stage8.evidence_committed", "msg": "Evidence differs from the commit: ROLLBACK_DRILL.json", "operand": "uncommitted_evidence", "op": "∅", "expected": [], "actual": "ROLLBACK_DRILL.json", "unit": "list", "term": "ROLLBACK_DRILL.json"}}
}

limited(limits) := object.union(data.gate.ready.doc, {"facts": {"rollback": {"limits": limits}}})

drilled(names, contradictions) := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {
	"steps": [{"step": name, "completed_ms": 1} | some name in names],
	"contradictions": contradictions,
}}}})

test_drill_not_simulated_holds_without_an_account if {
	checked := check_drill_not_simulated with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "drill_account", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_drill_not_simulated with input as data.gate.ready.doc
	denied == set()
}

test_drill_not_simulated_holds_on_paper if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"simulated": false, "account_prefix": "DU"}}}})
	checked := check_drill_not_simulated with input as doc
	checked.holds == true
	denied := deny_drill_not_simulated with input as doc
	denied == set()
}

test_drill_not_simulated_simulated if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"simulated": true, "account_prefix": "DU"}}}})
	checked := check_drill_not_simulated with input as doc
	checked.holds == false
	denied := deny_drill_not_simulated with input as doc
	denied == {{"code": "stage8.drill_not_simulated", "msg": "The drill did not run on a paper account of the broker: simulated", "operand": "drill_account", "op": "∅", "expected": [], "actual": "simulated", "unit": "list", "term": "simulated"}}
}

test_drill_not_simulated_live if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"simulated": false, "account_prefix": "U"}}}})
	checked := check_drill_not_simulated with input as doc
	checked.holds == false
	denied := deny_drill_not_simulated with input as doc
	denied == {{"code": "stage8.drill_not_simulated", "msg": "The drill did not run on a paper account of the broker: U", "operand": "drill_account", "op": "∅", "expected": [], "actual": "U", "unit": "list", "term": "U"}}
}

test_a_required_signer_is_left_out_of_the_document if {
	decisions := [{"path": "GO.md", "decision": "PASS", "contradictions": [], "signers": ["cto", "risk_officer"]}]
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"decisions": decisions}}})
	denied := deny_decisions_agree with input as doc
	{each.term | some each in denied} == {"GO.md leaves out lead_trader"}
}

test_drill_not_simulated_another_account if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"simulated": false, "account_prefix": "DU", "same_account": false}}}})
	checked := check_drill_not_simulated with input as doc
	checked.holds == false
	denied := deny_drill_not_simulated with input as doc
	denied == {{"code": "stage8.drill_not_simulated", "msg": "The drill did not run on a paper account of the broker: another account", "operand": "drill_account", "op": "∅", "expected": [], "actual": "another account", "unit": "list", "term": "another account"}}
}

test_decisions_of_one_person_of_the_future_or_too_old if {
	now := data.gate.ready.doc.now_s
	people := [["cto", "risk_officer"], ["lead_quant", "lead_trader"]]
	changes := {"path": "GO.md", "same_person": people, "stated_at_s": now - 2592001, "latest_at_s": now + 1}
	decision := object.union(data.gate.ready.doc.facts.artifacts.decisions[0], changes)
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"decisions": [decision]}}})
	denied := deny_decisions_agree with input as doc
	{violation.actual | some violation in denied; violation.operand != "other_evidence"} == {
		"GO.md: one person or key signed as cto and risk_officer",
		"GO.md: states a time in the future",
		"GO.md: was decided 2592001 s ago, at most 2592000 s are accepted",
	}
}

test_decisions_just_recent_enough if {
	now := data.gate.ready.doc.now_s
	decision := object.union(data.gate.ready.doc.facts.artifacts.decisions[0], {"stated_at_s": now - 2592000, "latest_at_s": now})
	found := decision_times([decision], data.gate.params.stage8) with input as data.gate.ready.doc
	found == set()
}
