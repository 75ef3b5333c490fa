package gate.conditions

# What a person asks for in a sign-off counts in every stage, whatever the verdict is called.

stated := {"text": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}

expected(code) := {{"code": code, "msg": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}}

signed(stage, role, changes) := object.union(
	data.gate.ready.doc,
	{"facts": {"signoffs": {"signoffs": array.concat(
		[other |
			some other in data.gate.ready.doc.facts.signoffs.signoffs
			others_place := {"stage": other.stage, "role": other.role}
			others_place != {"stage": stage, "role": role}
		],
		[data.gate.ready.signoff(stage, role, changes)],
	)}}},
)

test_approval_with_conditions if {
	doc := signed("stage1", "cto", {"verdict": "approve", "conditions": [stated]})
	checked := data.gate.stage1.check_governance_signed with input as doc
	checked.holds == true
	conditions := data.gate.stage1.condition_governance_signed with input as doc
	conditions == expected("stage1.governance_signed")
}

test_rejection_with_conditions if {
	doc := signed("stage1", "cto", {"verdict": "reject", "conditions": [stated]})
	checked := data.gate.stage1.check_governance_signed with input as doc
	checked.holds == false
	conditions := data.gate.stage1.condition_governance_signed with input as doc
	conditions == set()
}

test_conditions_of_a_role_that_may_stop_the_stage if {
	doc := signed("stage2", "lead_trader", {"verdict": "conditional", "conditions": [stated]})
	conditions := data.gate.stage2.condition_architecture_approved with input as doc
	conditions == expected("stage2.architecture_approved")
}

test_conditions_of_a_role_without_a_say if {
	doc := signed("stage2", "lead_trader", {"role": "qa_lead", "verdict": "conditional", "conditions": [stated]})
	conditions := data.gate.stage2.condition_architecture_approved with input as doc
	conditions == set()
}

# A reference with a variable (data.gate[stage]) makes the embedded engine evaluate everything below data.gate.
of_nobody_needed(stage) := signed(stage, "risk_officer", {"verdict": "conditional", "conditions": [stated]})

test_conditions_of_stage3_that_nobody_has_to_sign if {
	doc := of_nobody_needed("stage3")
	conditions := data.gate.stage3.condition_not_rejected with input as doc
	conditions == expected("stage3.not_rejected")
	none := data.gate.stage3.condition_not_rejected with input as data.gate.ready.doc
	none == set()
}

test_conditions_of_stage5_that_nobody_has_to_sign if {
	doc := of_nobody_needed("stage5")
	conditions := data.gate.stage5.condition_not_rejected with input as doc
	conditions == expected("stage5.not_rejected")
	none := data.gate.stage5.condition_not_rejected with input as data.gate.ready.doc
	none == set()
}

test_conditions_of_stage6_that_nobody_has_to_sign if {
	doc := of_nobody_needed("stage6")
	conditions := data.gate.stage6.condition_not_rejected with input as doc
	conditions == expected("stage6.not_rejected")
	none := data.gate.stage6.condition_not_rejected with input as data.gate.ready.doc
	none == set()
}

test_conditions_of_stage7_that_nobody_has_to_sign if {
	doc := of_nobody_needed("stage7")
	conditions := data.gate.stage7.condition_not_rejected with input as doc
	conditions == expected("stage7.not_rejected")
	none := data.gate.stage7.condition_not_rejected with input as data.gate.ready.doc
	none == set()
}

test_a_later_approval_by_the_same_person_ends_a_condition if {
	asked := data.gate.ready.signoff("stage1", "cto", {"path": "signoffs/a.json", "conditions": [stated], "signed_at_s": 1764932300})
	others := [other | some other in data.gate.ready.doc.facts.signoffs.signoffs]
	ended := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": array.concat(others, [asked])}}})
	conditions := data.gate.stage1.condition_governance_signed with input as ended
	conditions == set()
	another := object.union(asked, {"principal": "omer@example.com"})
	kept := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": array.concat(others, [another])}}})
	left := data.gate.stage1.condition_governance_signed with input as kept
	left == expected("stage1.governance_signed")
}
