package gate.stage8

test_governance_signed_holds if {
	checked := check_governance_signed with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 3, "expected": 1, "holds": true, "name": "required_roles", "op": "≥", "unit": "roles"}, {"actual": [], "expected": [], "holds": true, "name": "roles_not_signed", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "rejections", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "people_in_two_roles", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_governance_signed with input as data.gate.ready.doc
	denied == set()
}

test_governance_signed_nobody_signed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": []}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {
		{"code": "stage8.governance_signed", "msg": "Going live is not approved: risk_officer: no sign-off for stage8", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: no sign-off for stage8", "unit": "list", "term": "risk_officer"},
		{"code": "stage8.governance_signed", "msg": "Going live is not approved: cto: no sign-off for stage8", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "cto: no sign-off for stage8", "unit": "list", "term": "cto"},
		{"code": "stage8.governance_signed", "msg": "Going live is not approved: lead_trader: no sign-off for stage8", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "lead_trader: no sign-off for stage8", "unit": "list", "term": "lead_trader"},
	}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_conditional if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage8", "risk_officer", {}), data.gate.ready.signoff("stage8", "cto", {"verdict": "conditional", "conditions": [{"text": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}]}), data.gate.ready.signoff("stage8", "lead_trader", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == true
	denied := deny_governance_signed with input as doc
	denied == set()
	conditions := condition_governance_signed with input as doc
	conditions == {{"code": "stage8.governance_signed", "msg": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}}
}

test_governance_signed_rejected_by_risk_officer if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage8", "cto", {}), data.gate.ready.signoff("stage8", "lead_trader", {}), data.gate.ready.signoff("stage8", "risk_officer", {"verdict": "reject"})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {
		{"code": "stage8.governance_signed", "msg": "Going live is not approved: risk_officer rejected in signoffs/stage8-risk_officer.json", "operand": "rejections", "op": "∅", "expected": [], "actual": "risk_officer rejected in signoffs/stage8-risk_officer.json", "unit": "list", "term": "risk_officer", "path": "signoffs/stage8-risk_officer.json"},
		{"code": "stage8.governance_signed", "msg": "Going live is not approved: risk_officer: signoffs/stage8-risk_officer.json: the verdict is reject", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage8-risk_officer.json: the verdict is reject", "unit": "list", "term": "risk_officer"},
	}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_rollback_documented_holds if {
	checked := check_rollback_documented with input as data.gate.ready.doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": [], "expected": [], "holds": true, "name": "sections_not_filled", "op": "∅", "terms": [], "unit": "list"},
			{"actual": ["connection", "drawdown", "latency", "pacing", "pnl", "psr", "rejections"], "expected": ["pnl", "drawdown", "psr", "pacing", "connection", "rejections", "latency"], "holds": true, "name": "triggers", "op": "⊇", "terms": [], "unit": "list"},
			{"actual": ["halt", "cancel_orders", "disconnect", "flatten", "verify", "root_cause", "report"], "expected": ["halt", "cancel_orders", "disconnect", "flatten", "verify", "root_cause", "report"], "holds": true, "name": "steps", "op": "⊇", "terms": [], "unit": "list"},
			{"actual": [], "expected": [], "holds": true, "name": "order", "op": "∅", "terms": [], "unit": "list"},
		],
	}
	denied := deny_rollback_documented with input as data.gate.ready.doc
	denied == set()
}

test_rollback_documented_triggers_unfilled if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"sections": {"triggers": "unfilled"}}}})
	checked := check_rollback_documented with input as doc
	checked.holds == false
	denied := deny_rollback_documented with input as doc
	denied == {{"code": "stage8.rollback_documented", "msg": "The rollback procedure is incomplete: triggers: unfilled", "operand": "sections_not_filled", "op": "∅", "expected": [], "actual": "triggers: unfilled", "unit": "list", "term": "triggers"}}
}

test_rollback_documented_steps_unfilled if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"sections": {"steps": "unfilled"}}}})
	checked := check_rollback_documented with input as doc
	checked.holds == false
	denied := deny_rollback_documented with input as doc
	denied == {{"code": "stage8.rollback_documented", "msg": "The rollback procedure is incomplete: steps: unfilled", "operand": "sections_not_filled", "op": "∅", "expected": [], "actual": "steps: unfilled", "unit": "list", "term": "steps"}}
}

test_rollback_documented_recovery_unfilled if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"sections": {"recovery": "unfilled"}}}})
	checked := check_rollback_documented with input as doc
	checked.holds == false
	denied := deny_rollback_documented with input as doc
	denied == {{"code": "stage8.rollback_documented", "msg": "The rollback procedure is incomplete: recovery: unfilled", "operand": "sections_not_filled", "op": "∅", "expected": [], "actual": "recovery: unfilled", "unit": "list", "term": "recovery"}}
}

test_rollback_documented_section_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"sections": {"recovery": null}}}})
	checked := check_rollback_documented with input as doc
	checked.holds == false
	denied := deny_rollback_documented with input as doc
	denied == {{"code": "stage8.rollback_documented", "msg": "The rollback procedure is incomplete: recovery: null", "operand": "sections_not_filled", "op": "∅", "expected": [], "actual": "recovery: null", "unit": "list", "term": "recovery"}}
}

test_rollback_documented_trigger_missing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"triggers": ["drawdown", "latency", "pacing", "pnl", "psr", "rejections"]}}})
	checked := check_rollback_documented with input as doc
	checked.holds == false
	denied := deny_rollback_documented with input as doc
	denied == {{"code": "stage8.rollback_documented", "msg": "The rollback procedure is incomplete: connection", "operand": "triggers", "op": "⊇", "expected": ["pnl", "drawdown", "psr", "pacing", "connection", "rejections", "latency"], "actual": ["drawdown", "latency", "pacing", "pnl", "psr", "rejections"], "unit": "list", "term": "connection"}}
}

test_rollback_documented_steps_in_another_order if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"steps": ["flatten", "halt", "cancel_orders", "disconnect", "verify", "root_cause", "report"]}}})
	denied := deny_rollback_documented with input as doc
	{violation.actual | some violation in denied} == {"flatten, halt, cancel_orders, disconnect, verify"}
}

test_rollback_documented_step_missing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"steps": ["halt", "disconnect", "flatten", "verify", "root_cause", "report"]}}})
	checked := check_rollback_documented with input as doc
	checked.holds == false
	denied := deny_rollback_documented with input as doc
	denied == {{"code": "stage8.rollback_documented", "msg": "The rollback procedure is incomplete: cancel_orders", "operand": "steps", "op": "⊇", "expected": ["halt", "cancel_orders", "disconnect", "flatten", "verify", "root_cause", "report"], "actual": ["halt", "disconnect", "flatten", "verify", "root_cause", "report"], "unit": "list", "term": "cancel_orders"}}
}

test_rollback_verified_holds if {
	checked := check_rollback_verified with input as data.gate.ready.doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": 90000, "expected": 120000, "holds": true, "name": "recovery", "op": "<", "unit": "ms"},
			{"actual": 4000, "expected": 10000, "holds": true, "name": "cancel_orders", "op": "<", "unit": "ms"},
			{"actual": true, "expected": true, "holds": true, "name": "all_flat", "op": "=", "unit": "boolean"},
			{"actual": 0, "expected": 0, "holds": true, "name": "open_orders", "op": "=", "unit": "orders"},
			{"actual": true, "expected": true, "holds": true, "name": "logs_archived", "op": "=", "unit": "boolean"},
			{"actual": 2000, "expected": -10000, "holds": true, "name": "nav_delta", "op": "≥", "unit": "ppm"},
			{"actual": 2000, "expected": 10000, "holds": true, "name": "nav_delta", "op": "≤", "unit": "ppm"},
			{"actual": 864000, "expected": 0, "holds": true, "name": "drill_age", "op": "≥", "unit": "s"},
			{"actual": 864000, "expected": 7776000, "holds": true, "name": "drill_age", "op": "≤", "unit": "s"},
		],
	}
	denied := deny_rollback_verified with input as data.gate.ready.doc
	denied == set()
}

test_rollback_verified_recovery_inside_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"total_recovery_ms": 119999}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == true
	denied := deny_rollback_verified with input as doc
	denied == set()
}

test_rollback_verified_recovery_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"total_recovery_ms": 120000}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "recovery", "op": "<", "expected": 120000, "actual": 120000, "unit": "ms"}}
}

test_rollback_verified_recovery_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"total_recovery_ms": null}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "recovery", "op": "<", "expected": 120000, "actual": null, "unit": "ms"}}
}

test_rollback_verified_cancel_orders_inside_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"cancel_orders_ms": 9999}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == true
	denied := deny_rollback_verified with input as doc
	denied == set()
}

test_rollback_verified_cancel_orders_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"cancel_orders_ms": 10000}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "cancel_orders", "op": "<", "expected": 10000, "actual": 10000, "unit": "ms"}}
}

test_rollback_verified_cancel_orders_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"cancel_orders_ms": null}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "cancel_orders", "op": "<", "expected": 10000, "actual": null, "unit": "ms"}}
}

test_rollback_verified_all_flat_wrong if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"all_flat": false}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "all_flat", "op": "=", "expected": true, "actual": false, "unit": "boolean"}}
}

test_rollback_verified_all_flat_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"all_flat": null}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "all_flat", "op": "=", "expected": true, "actual": null, "unit": "boolean"}}
}

test_rollback_verified_logs_archived_wrong if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"logs_archived": false}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "logs_archived", "op": "=", "expected": true, "actual": false, "unit": "boolean"}}
}

test_rollback_verified_logs_archived_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"logs_archived": null}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "logs_archived", "op": "=", "expected": true, "actual": null, "unit": "boolean"}}
}

test_rollback_verified_open_orders_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"open_orders": 0}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == true
	denied := deny_rollback_verified with input as doc
	denied == set()
}

test_rollback_verified_open_orders_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"open_orders": 1}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "open_orders", "op": "=", "expected": 0, "actual": 1, "unit": "orders"}}
}

test_rollback_verified_open_orders_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"open_orders": null}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "open_orders", "op": "=", "expected": 0, "actual": null, "unit": "orders"}}
}

test_rollback_verified_nav_delta_lowest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"nav_delta_ppm": -10000}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == true
	denied := deny_rollback_verified with input as doc
	denied == set()
}

test_rollback_verified_nav_delta_highest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"nav_delta_ppm": 10000}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == true
	denied := deny_rollback_verified with input as doc
	denied == set()
}

test_rollback_verified_nav_delta_too_low if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"nav_delta_ppm": -10001}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "nav_delta", "op": "≥", "expected": -10000, "actual": -10001, "unit": "ppm"}}
}

test_rollback_verified_nav_delta_too_high if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"nav_delta_ppm": 10001}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "nav_delta", "op": "≤", "expected": 10000, "actual": 10001, "unit": "ppm"}}
}

test_rollback_verified_nav_delta_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"nav_delta_ppm": null}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {
		{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "nav_delta", "op": "≥", "expected": -10000, "actual": null, "unit": "ppm"},
		{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "nav_delta", "op": "≤", "expected": 10000, "actual": null, "unit": "ppm"},
	}
}

test_rollback_verified_drill_age_now if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"performed_at_s": 1764936000}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == true
	denied := deny_rollback_verified with input as doc
	denied == set()
}

test_rollback_verified_drill_age_oldest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"performed_at_s": 1757160000}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == true
	denied := deny_rollback_verified with input as doc
	denied == set()
}

test_rollback_verified_drill_age_future if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"performed_at_s": 1764936001}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "drill_age", "op": "≥", "expected": 0, "actual": -1, "unit": "s"}}
}

test_rollback_verified_drill_age_too_old if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"performed_at_s": 1757159999}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "drill_age", "op": "≤", "expected": 7776000, "actual": 7776001, "unit": "s"}}
}

test_rollback_verified_drill_age_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"rollback": {"drill": {"performed_at_s": null}}}})
	checked := check_rollback_verified with input as doc
	checked.holds == false
	denied := deny_rollback_verified with input as doc
	denied == {
		{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "drill_age", "op": "≥", "expected": 0, "actual": null, "unit": "s"},
		{"code": "stage8.rollback_verified", "msg": "The rollback drill did not reach its targets", "operand": "drill_age", "op": "≤", "expected": 7776000, "actual": null, "unit": "s"},
	}
}

test_kill_switch_verified_holds if {
	checked := check_kill_switch_verified with input as data.gate.ready.doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": [], "expected": [], "holds": true, "name": "switches_not_verified", "op": "∅", "terms": [], "unit": "list"},
			{"actual": 12, "expected": 10000, "holds": true, "name": "KILL_PNL_reaction", "op": "≤", "unit": "ms"},
			{"actual": 12, "expected": 10000, "holds": true, "name": "MAX_DD_KILL_SWITCH_reaction", "op": "≤", "unit": "ms"},
			{"actual": 12, "expected": 10000, "holds": true, "name": "PSR_KILL_SWITCH_reaction", "op": "≤", "unit": "ms"},
			{"actual": 864000, "expected": 0, "holds": true, "name": "verification_age", "op": "≥", "unit": "s"},
			{"actual": 864000, "expected": 7776000, "holds": true, "name": "verification_age", "op": "≤", "unit": "s"},
		],
	}
	denied := deny_kill_switch_verified with input as data.gate.ready.doc
	denied == set()
}

test_kill_switch_verified_absent if {
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"switches": [{"name": "MAX_DD_KILL_SWITCH", "threshold": "0.15", "observed_side": 1, "observed_distance_ppm": 20000, "just_below_side": -1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}, {"name": "PSR_KILL_SWITCH", "threshold": "0.2", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}]}}})
	checked := check_kill_switch_verified with input as doc
	checked.holds == false
	denied := deny_kill_switch_verified with input as doc
	denied == {{"code": "stage8.kill_switch_verified", "msg": "A kill switch is not verified: KILL_PNL: not exercised", "operand": "switches_not_verified", "op": "∅", "expected": [], "actual": "KILL_PNL: not exercised", "unit": "list", "term": "KILL_PNL"}}
}

test_kill_switch_verified_not_triggered if {
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"switches": [{"name": "KILL_PNL", "threshold": "-0.05", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": false, "halted": true, "reaction_ms": 12}, {"name": "MAX_DD_KILL_SWITCH", "threshold": "0.15", "observed_side": 1, "observed_distance_ppm": 20000, "just_below_side": -1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}, {"name": "PSR_KILL_SWITCH", "threshold": "0.2", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}]}}})
	checked := check_kill_switch_verified with input as doc
	checked.holds == false
	denied := deny_kill_switch_verified with input as doc
	denied == {{"code": "stage8.kill_switch_verified", "msg": "A kill switch is not verified: KILL_PNL: did not trigger", "operand": "switches_not_verified", "op": "∅", "expected": [], "actual": "KILL_PNL: did not trigger", "unit": "list", "term": "KILL_PNL"}}
}

test_kill_switch_verified_not_halted if {
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"switches": [{"name": "KILL_PNL", "threshold": "-0.05", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": false, "reaction_ms": 12}, {"name": "MAX_DD_KILL_SWITCH", "threshold": "0.15", "observed_side": 1, "observed_distance_ppm": 20000, "just_below_side": -1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}, {"name": "PSR_KILL_SWITCH", "threshold": "0.2", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}]}}})
	checked := check_kill_switch_verified with input as doc
	checked.holds == false
	denied := deny_kill_switch_verified with input as doc
	denied == {{"code": "stage8.kill_switch_verified", "msg": "A kill switch is not verified: KILL_PNL: did not halt", "operand": "switches_not_verified", "op": "∅", "expected": [], "actual": "KILL_PNL: did not halt", "unit": "list", "term": "KILL_PNL"}}
}

test_kill_switch_verified_reaction_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"switches": [{"name": "KILL_PNL", "threshold": "-0.05", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 10000}, {"name": "MAX_DD_KILL_SWITCH", "threshold": "0.15", "observed_side": 1, "observed_distance_ppm": 20000, "just_below_side": -1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}, {"name": "PSR_KILL_SWITCH", "threshold": "0.2", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}]}}})
	checked := check_kill_switch_verified with input as doc
	checked.holds == true
	denied := deny_kill_switch_verified with input as doc
	denied == set()
}

test_kill_switch_verified_reaction_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"switches": [{"name": "KILL_PNL", "threshold": "-0.05", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 10001}, {"name": "MAX_DD_KILL_SWITCH", "threshold": "0.15", "observed_side": 1, "observed_distance_ppm": 20000, "just_below_side": -1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}, {"name": "PSR_KILL_SWITCH", "threshold": "0.2", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}]}}})
	checked := check_kill_switch_verified with input as doc
	checked.holds == false
	denied := deny_kill_switch_verified with input as doc
	denied == {{"code": "stage8.kill_switch_verified", "msg": "A kill switch is not verified", "operand": "KILL_PNL_reaction", "op": "≤", "expected": 10000, "actual": 10001, "unit": "ms"}}
}

test_kill_switch_verified_second_entry_not_halted if {
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"switches": [{"name": "KILL_PNL", "threshold": "-0.05", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}, {"name": "MAX_DD_KILL_SWITCH", "threshold": "0.15", "observed_side": 1, "observed_distance_ppm": 20000, "just_below_side": -1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}, {"name": "PSR_KILL_SWITCH", "threshold": "0.2", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": true, "reaction_ms": 12}, {"name": "KILL_PNL", "threshold": "-0.05", "observed_side": -1, "observed_distance_ppm": 20000, "just_below_side": 1, "just_below_distance_ppm": 20000, "just_below_triggered": false, "triggered": true, "halted": false, "reaction_ms": 12}]}}})
	checked := check_kill_switch_verified with input as doc
	checked.holds == false
	denied := deny_kill_switch_verified with input as doc
	denied == {{"code": "stage8.kill_switch_verified", "msg": "A kill switch is not verified: KILL_PNL: did not halt", "operand": "switches_not_verified", "op": "∅", "expected": [], "actual": "KILL_PNL: did not halt", "unit": "list", "term": "KILL_PNL"}}
}

# The document with the switch KILL_PNL changed.
kill_pnl(changes) := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"switches": [object.union(switch, own) |
	some switch in data.gate.ready.doc.facts.kill_switch.switches
	own := object.get({"KILL_PNL": changes}, switch.name, {})
]}}})

kill_pnl_findings(changes) := {result.actual | some result in denied} if {
	doc := kill_pnl(changes)
	denied := deny_kill_switch_verified with input as doc
}

test_kill_switch_verified_tests_and_threshold if {
	kill_pnl_findings({"observed_distance_ppm": 100000, "just_below_distance_ppm": 100000}) == set()
	kill_pnl_findings({"observed_distance_ppm": 100001}) == {"KILL_PNL: the value that triggered it is far beyond the threshold"}
	kill_pnl_findings({"observed_side": 1}) == {"KILL_PNL: the value that triggered it does not breach the threshold"}
	kill_pnl_findings({"observed_side": 0}) == {"KILL_PNL: the value that triggered it does not breach the threshold"}
	kill_pnl_findings({"observed_side": null, "observed_distance_ppm": null}) == {"KILL_PNL: the value that triggered it does not breach the threshold"}
	kill_pnl_findings({"just_below_triggered": true}) == {"KILL_PNL: it fired just short of the threshold"}
	kill_pnl_findings({"just_below_triggered": null, "just_below_side": null, "just_below_distance_ppm": null}) == {"KILL_PNL: no test just short of the threshold is recorded"}
	kill_pnl_findings({"just_below_side": -1}) == {"KILL_PNL: the test just short of the threshold breaches it"}
	kill_pnl_findings({"just_below_distance_ppm": 100001}) == {"KILL_PNL: the test just short of the threshold is far from it"}
	kill_pnl_findings({"threshold": "-0.06"}) == {"KILL_PNL: its threshold is -0.06, the code has -0.05"}
	kill_pnl_findings({"threshold": null}) == {"KILL_PNL: its threshold is not stated"}
}

test_kill_switch_verified_threshold_of_the_code_not_told if {
	parameters := [object.union(parameter, {"value": null}) | some parameter in data.gate.ready.doc.facts.risk_parameters.parameters]
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"parameters": parameters}}})
	denied := deny_kill_switch_verified with input as doc
	{result.term | some result in denied} == {"KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH"}
	{result.actual | some result in denied; result.term == "KILL_PNL"} == {"KILL_PNL: its threshold is -0.05, the code has a value that cannot be told"}
	none := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"parameters": []}}})
	denied_none := deny_kill_switch_verified with input as none
	{result.actual | some result in denied_none; result.term == "KILL_PNL"} == {"KILL_PNL: its threshold is -0.05, the code has none"}
}

test_kill_switch_verified_verification_age_now if {
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"verified_at_s": 1764936000}}})
	checked := check_kill_switch_verified with input as doc
	checked.holds == true
	denied := deny_kill_switch_verified with input as doc
	denied == set()
}

test_kill_switch_verified_verification_age_oldest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"verified_at_s": 1757160000}}})
	checked := check_kill_switch_verified with input as doc
	checked.holds == true
	denied := deny_kill_switch_verified with input as doc
	denied == set()
}

test_kill_switch_verified_verification_age_future if {
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"verified_at_s": 1764936001}}})
	checked := check_kill_switch_verified with input as doc
	checked.holds == false
	denied := deny_kill_switch_verified with input as doc
	denied == {{"code": "stage8.kill_switch_verified", "msg": "A kill switch is not verified", "operand": "verification_age", "op": "≥", "expected": 0, "actual": -1, "unit": "s"}}
}

test_kill_switch_verified_verification_age_too_old if {
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"verified_at_s": 1757159999}}})
	checked := check_kill_switch_verified with input as doc
	checked.holds == false
	denied := deny_kill_switch_verified with input as doc
	denied == {{"code": "stage8.kill_switch_verified", "msg": "A kill switch is not verified", "operand": "verification_age", "op": "≤", "expected": 7776000, "actual": 7776001, "unit": "s"}}
}

test_kill_switch_verified_verification_age_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {"verified_at_s": null}}})
	checked := check_kill_switch_verified with input as doc
	checked.holds == false
	denied := deny_kill_switch_verified with input as doc
	denied == {
		{"code": "stage8.kill_switch_verified", "msg": "A kill switch is not verified", "operand": "verification_age", "op": "≥", "expected": 0, "actual": null, "unit": "s"},
		{"code": "stage8.kill_switch_verified", "msg": "A kill switch is not verified", "operand": "verification_age", "op": "≤", "expected": 7776000, "actual": null, "unit": "s"},
	}
}

test_checklist_score_holds if {
	checked := check_checklist_score with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 970000, "expected": 950000, "holds": true, "name": "checklist_score", "op": "≥", "unit": "ppm"}]}
	denied := deny_checklist_score with input as data.gate.ready.doc
	denied == set()
}

test_checklist_score_checklist_score_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"checklist": {"score_ppm": 950000}}})
	checked := check_checklist_score with input as doc
	checked.holds == true
	denied := deny_checklist_score with input as doc
	denied == set()
}

test_checklist_score_checklist_score_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"checklist": {"score_ppm": 949999}}})
	checked := check_checklist_score with input as doc
	checked.holds == false
	denied := deny_checklist_score with input as doc
	denied == {{"code": "stage8.checklist_score", "msg": "Too much of the pre-live checklist is open", "operand": "checklist_score", "op": "≥", "expected": 950000, "actual": 949999, "unit": "ppm"}}
}

test_checklist_score_checklist_score_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"checklist": {"score_ppm": null}}})
	checked := check_checklist_score with input as doc
	checked.holds == false
	denied := deny_checklist_score with input as doc
	denied == {{"code": "stage8.checklist_score", "msg": "Too much of the pre-live checklist is open", "operand": "checklist_score", "op": "≥", "expected": 950000, "actual": null, "unit": "ppm"}}
}

test_scale_up_plan_holds if {
	checked := check_scale_up_plan with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "steps_missing", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "steps_unguarded", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "steps_too_large", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "caps_beyond_code", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_scale_up_plan with input as data.gate.ready.doc
	denied == set()
}

test_scale_up_plan_step_missing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"scale_up": {"steps": [{"from_week": 2, "to_week": 3, "capital_ppm": 300000, "position_cap": true, "review": true, "line": 6}, {"from_week": 4, "to_week": null, "capital_ppm": 1000000, "position_cap": true, "review": true, "line": 7}]}}})
	checked := check_scale_up_plan with input as doc
	checked.holds == false
	denied := deny_scale_up_plan with input as doc
	denied == {{"code": "stage8.scale_up_plan", "msg": "The scale-up plan is not the required one: weeks 1 to 1: 100000 ppm", "operand": "steps_missing", "op": "∅", "expected": [], "actual": "weeks 1 to 1: 100000 ppm", "unit": "list", "term": "weeks 1 to 1: 100000 ppm"}}
}

test_scale_up_plan_no_plan if {
	doc := object.union(data.gate.ready.doc, {"facts": {"scale_up": {"steps": []}}})
	checked := check_scale_up_plan with input as doc
	checked.holds == false
	denied := deny_scale_up_plan with input as doc
	denied == {
		{"code": "stage8.scale_up_plan", "msg": "The scale-up plan is not the required one: weeks 1 to 1: 100000 ppm", "operand": "steps_missing", "op": "∅", "expected": [], "actual": "weeks 1 to 1: 100000 ppm", "unit": "list", "term": "weeks 1 to 1: 100000 ppm"},
		{"code": "stage8.scale_up_plan", "msg": "The scale-up plan is not the required one: weeks 2 to 3: 300000 ppm", "operand": "steps_missing", "op": "∅", "expected": [], "actual": "weeks 2 to 3: 300000 ppm", "unit": "list", "term": "weeks 2 to 3: 300000 ppm"},
		{"code": "stage8.scale_up_plan", "msg": "The scale-up plan is not the required one: weeks 4 to end: 1000000 ppm", "operand": "steps_missing", "op": "∅", "expected": [], "actual": "weeks 4 to end: 1000000 ppm", "unit": "list", "term": "weeks 4 to end: 1000000 ppm"},
	}
}

test_scale_up_plan_no_cap if {
	doc := object.union(data.gate.ready.doc, {"facts": {"scale_up": {"steps": [{"from_week": 1, "to_week": 1, "capital_ppm": 100000, "position_cap": false, "review": true, "line": 5}, {"from_week": 2, "to_week": 3, "capital_ppm": 300000, "position_cap": true, "review": true, "line": 6}, {"from_week": 4, "to_week": null, "capital_ppm": 1000000, "position_cap": true, "review": true, "line": 7}]}}})
	checked := check_scale_up_plan with input as doc
	checked.holds == false
	denied := deny_scale_up_plan with input as doc
	denied == {{"code": "stage8.scale_up_plan", "msg": "The scale-up plan is not the required one: weeks 1 to 1: 100000 ppm has no position cap", "operand": "steps_unguarded", "op": "∅", "expected": [], "actual": "weeks 1 to 1: 100000 ppm has no position cap", "unit": "list", "term": "weeks 1 to 1: 100000 ppm"}}
}

test_scale_up_plan_no_review if {
	doc := object.union(data.gate.ready.doc, {"facts": {"scale_up": {"steps": [{"from_week": 1, "to_week": 1, "capital_ppm": 100000, "position_cap": true, "review": false, "line": 5}, {"from_week": 2, "to_week": 3, "capital_ppm": 300000, "position_cap": true, "review": true, "line": 6}, {"from_week": 4, "to_week": null, "capital_ppm": 1000000, "position_cap": true, "review": true, "line": 7}]}}})
	checked := check_scale_up_plan with input as doc
	checked.holds == false
	denied := deny_scale_up_plan with input as doc
	denied == {{"code": "stage8.scale_up_plan", "msg": "The scale-up plan is not the required one: weeks 1 to 1: 100000 ppm has no review schedule", "operand": "steps_unguarded", "op": "∅", "expected": [], "actual": "weeks 1 to 1: 100000 ppm has no review schedule", "unit": "list", "term": "weeks 1 to 1: 100000 ppm"}}
}

test_scale_up_plan_too_large if {
	doc := object.union(data.gate.ready.doc, {"facts": {"scale_up": {"steps": [{"from_week": 1, "to_week": 1, "capital_ppm": 100000, "position_cap": true, "review": true, "line": 5}, {"from_week": 2, "to_week": 3, "capital_ppm": 300000, "position_cap": true, "review": true, "line": 6}, {"from_week": 4, "to_week": null, "capital_ppm": 1000000, "position_cap": true, "review": true, "line": 7}, {"from_week": 3, "to_week": 3, "capital_ppm": 300001, "position_cap": true, "review": true, "line": 5}]}}})
	checked := check_scale_up_plan with input as doc
	checked.holds == false
	denied := deny_scale_up_plan with input as doc
	denied == {{"code": "stage8.scale_up_plan", "msg": "The scale-up plan is not the required one: weeks 3 to 3: 300001 ppm is above 300000 ppm", "operand": "steps_too_large", "op": "∅", "expected": [], "actual": "weeks 3 to 3: 300001 ppm is above 300000 ppm", "unit": "list", "term": "weeks 3 to 3: 300001 ppm"}}
}

test_scale_up_plan_before_the_plan if {
	doc := object.union(data.gate.ready.doc, {"facts": {"scale_up": {"steps": [{"from_week": 1, "to_week": 1, "capital_ppm": 100000, "position_cap": true, "review": true, "line": 5}, {"from_week": 2, "to_week": 3, "capital_ppm": 300000, "position_cap": true, "review": true, "line": 6}, {"from_week": 4, "to_week": null, "capital_ppm": 1000000, "position_cap": true, "review": true, "line": 7}, {"from_week": 0, "to_week": 0, "capital_ppm": 1, "position_cap": true, "review": true, "line": 5}]}}})
	checked := check_scale_up_plan with input as doc
	checked.holds == false
	denied := deny_scale_up_plan with input as doc
	denied == {{"code": "stage8.scale_up_plan", "msg": "The scale-up plan is not the required one: weeks 0 to 0: 1 ppm is above 0 ppm", "operand": "steps_too_large", "op": "∅", "expected": [], "actual": "weeks 0 to 0: 1 ppm is above 0 ppm", "unit": "list", "term": "weeks 0 to 0: 1 ppm"}}
}

test_tree_clean_holds if {
	checked := check_tree_clean with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "uncommitted_changes", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_tree_clean with input as data.gate.ready.doc
	denied == set()
}

test_tree_clean_dirty if {
	doc := object.union(data.gate.ready.doc, {"subject": {"dirty": true}})
	checked := check_tree_clean with input as doc
	checked.holds == false
	denied := deny_tree_clean with input as doc
	denied == {{"code": "stage8.tree_clean", "msg": "The working tree has uncommitted changes: working tree", "operand": "uncommitted_changes", "op": "∅", "expected": [], "actual": "working tree", "unit": "list", "term": "working tree"}}
}

test_tree_clean_no_git if {
	doc := object.union(data.gate.ready.doc, {"subject": {"dirty": null}})
	checked := check_tree_clean with input as doc
	checked.holds == true
	denied := deny_tree_clean with input as doc
	denied == set()
}

test_kill_switch_verified_other_switch_and_record if {
	extra := {"name": "VOL", "threshold": null, "observed_side": null, "observed_distance_ppm": null, "just_below_side": null, "just_below_distance_ppm": null, "just_below_triggered": null, "triggered": false, "halted": true, "reaction_ms": 12}
	doc := object.union(data.gate.ready.doc, {"facts": {"kill_switch": {
		"switches": array.concat(data.gate.ready.doc.facts.kill_switch.switches, [extra]),
		"contradictions": [{"place": "/verified_by", "text": "is not stated"}],
	}}})
	checked := check_kill_switch_verified with input as doc
	[operand.name | some operand in checked.operands; operand.unit == "ms"] == ["KILL_PNL_reaction", "MAX_DD_KILL_SWITCH_reaction", "PSR_KILL_SWITCH_reaction", "VOL_reaction"]
	denied := deny_kill_switch_verified with input as doc
	{violation.actual | some violation in denied} == {"VOL: did not trigger", "/verified_by is not stated"}
}
