package gate.stage2

test_flow_stages_defined_holds if {
	checked := check_flow_stages_defined with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8"], "expected": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8"], "holds": true, "name": "stages_defined", "op": "⊇", "terms": [], "unit": "list"}]}
	denied := deny_flow_stages_defined with input as data.gate.ready.doc
	denied == set()
}

test_flow_stages_defined_stage_missing if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"integration_flow": {
				"stages": [
					{"stage": "stage1", "has_input": true, "has_output": true, "has_gate": true, "line": 10},
					{"stage": "stage2", "has_input": true, "has_output": true, "has_gate": true, "line": 20},
					{"stage": "stage3", "has_input": true, "has_output": true, "has_gate": true, "line": 30},
					{"stage": "stage4", "has_input": true, "has_output": true, "has_gate": true, "line": 40},
					{"stage": "stage5", "has_input": true, "has_output": true, "has_gate": true, "line": 50},
					{"stage": "stage6", "has_input": true, "has_output": true, "has_gate": true, "line": 60},
					{"stage": "stage7", "has_input": true, "has_output": true, "has_gate": true, "line": 70},
				],
			},
		},
	})
	checked := check_flow_stages_defined with input as doc
	checked.holds == false
	denied := deny_flow_stages_defined with input as doc
	denied == {{"code": "stage2.flow_stages_defined", "msg": "The integration flow does not define a stage: stage8", "operand": "stages_defined", "op": "⊇", "expected": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8"], "actual": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7"], "unit": "list", "term": "stage8"}}
}

test_flow_stages_defined_nothing_defined if {
	doc := object.union(data.gate.ready.doc, {"facts": {"integration_flow": {"stages": []}}})
	checked := check_flow_stages_defined with input as doc
	checked.holds == false
	denied := deny_flow_stages_defined with input as doc
	denied == {
		{"code": "stage2.flow_stages_defined", "msg": "The integration flow does not define a stage: stage1", "operand": "stages_defined", "op": "⊇", "expected": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8"], "actual": [], "unit": "list", "term": "stage1"},
		{"code": "stage2.flow_stages_defined", "msg": "The integration flow does not define a stage: stage2", "operand": "stages_defined", "op": "⊇", "expected": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8"], "actual": [], "unit": "list", "term": "stage2"},
		{"code": "stage2.flow_stages_defined", "msg": "The integration flow does not define a stage: stage3", "operand": "stages_defined", "op": "⊇", "expected": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8"], "actual": [], "unit": "list", "term": "stage3"},
		{"code": "stage2.flow_stages_defined", "msg": "The integration flow does not define a stage: stage4", "operand": "stages_defined", "op": "⊇", "expected": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8"], "actual": [], "unit": "list", "term": "stage4"},
		{"code": "stage2.flow_stages_defined", "msg": "The integration flow does not define a stage: stage5", "operand": "stages_defined", "op": "⊇", "expected": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8"], "actual": [], "unit": "list", "term": "stage5"},
		{"code": "stage2.flow_stages_defined", "msg": "The integration flow does not define a stage: stage6", "operand": "stages_defined", "op": "⊇", "expected": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8"], "actual": [], "unit": "list", "term": "stage6"},
		{"code": "stage2.flow_stages_defined", "msg": "The integration flow does not define a stage: stage7", "operand": "stages_defined", "op": "⊇", "expected": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8"], "actual": [], "unit": "list", "term": "stage7"},
		{"code": "stage2.flow_stages_defined", "msg": "The integration flow does not define a stage: stage8", "operand": "stages_defined", "op": "⊇", "expected": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8"], "actual": [], "unit": "list", "term": "stage8"},
	}
}

test_flow_stages_complete_holds if {
	checked := check_flow_stages_complete with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 8, "expected": 1, "holds": true, "name": "stages_described", "op": "≥", "unit": "stages"}, {"actual": [], "expected": [], "holds": true, "name": "incomplete_stages", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_flow_stages_complete with input as data.gate.ready.doc
	denied == set()
}

test_flow_stages_complete_gate_missing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"integration_flow": {"stages": [{"stage": "stage1", "has_input": true, "has_output": true, "has_gate": false, "line": 10}]}}})
	checked := check_flow_stages_complete with input as doc
	checked.holds == false
	denied := deny_flow_stages_complete with input as doc
	denied == {{"code": "stage2.flow_stages_complete", "msg": "A stage of the integration flow is incomplete: stage1 has no gate", "operand": "incomplete_stages", "op": "∅", "expected": [], "actual": "stage1 has no gate", "unit": "list", "term": "stage1"}}
}

test_flow_stages_complete_input_and_output_missing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"integration_flow": {"stages": [{"stage": "stage1", "has_input": false, "has_output": false, "has_gate": true, "line": 10}]}}})
	checked := check_flow_stages_complete with input as doc
	checked.holds == false
	denied := deny_flow_stages_complete with input as doc
	denied == {
		{"code": "stage2.flow_stages_complete", "msg": "A stage of the integration flow is incomplete: stage1 has no input", "operand": "incomplete_stages", "op": "∅", "expected": [], "actual": "stage1 has no input", "unit": "list", "term": "stage1"},
		{"code": "stage2.flow_stages_complete", "msg": "A stage of the integration flow is incomplete: stage1 has no output", "operand": "incomplete_stages", "op": "∅", "expected": [], "actual": "stage1 has no output", "unit": "list", "term": "stage1"},
	}
}

test_flow_stages_complete_no_stage_described if {
	doc := object.union(data.gate.ready.doc, {"facts": {"integration_flow": {"stages": [], "stages_defined": 0}}})
	checked := check_flow_stages_complete with input as doc
	checked.holds == false
	denied := deny_flow_stages_complete with input as doc
	denied == {{"code": "stage2.flow_stages_complete", "msg": "A stage of the integration flow is incomplete", "operand": "stages_described", "op": "≥", "expected": 1, "actual": 0, "unit": "stages"}}
}

test_flow_stages_complete_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"integration_flow": {"stages": [], "stages_defined": null}}})
	checked := check_flow_stages_complete with input as doc
	checked.holds == false
	denied := deny_flow_stages_complete with input as doc
	denied == {{"code": "stage2.flow_stages_complete", "msg": "A stage of the integration flow is incomplete", "operand": "stages_described", "op": "≥", "expected": 1, "actual": null, "unit": "stages"}}
}

test_architecture_approved_holds if {
	checked := check_architecture_approved with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 1, "expected": 1, "holds": true, "name": "required_roles", "op": "≥", "unit": "roles"}, {"actual": [], "expected": [], "holds": true, "name": "roles_not_signed", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "rejections", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "people_in_two_roles", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_architecture_approved with input as data.gate.ready.doc
	denied == set()
}

test_architecture_approved_nobody_signed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": []}}})
	checked := check_architecture_approved with input as doc
	checked.holds == false
	denied := deny_architecture_approved with input as doc
	denied == {{"code": "stage2.architecture_approved", "msg": "The architecture is not approved: cto: no sign-off for stage2", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "cto: no sign-off for stage2", "unit": "list", "term": "cto"}}
	conditions := condition_architecture_approved with input as doc
	conditions == set()
}

test_architecture_approved_conditional if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage2", "cto", {"verdict": "conditional", "conditions": [{"text": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}]})]}}})
	checked := check_architecture_approved with input as doc
	checked.holds == true
	denied := deny_architecture_approved with input as doc
	denied == set()
	conditions := condition_architecture_approved with input as doc
	conditions == {{"code": "stage2.architecture_approved", "msg": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}}
}

test_architecture_approved_rejected_by_risk_officer if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage2", "cto", {}), data.gate.ready.signoff("stage2", "risk_officer", {"verdict": "reject"})]}}})
	checked := check_architecture_approved with input as doc
	checked.holds == false
	denied := deny_architecture_approved with input as doc
	denied == {{"code": "stage2.architecture_approved", "msg": "The architecture is not approved: risk_officer rejected in signoffs/stage2-risk_officer.json", "operand": "rejections", "op": "∅", "expected": [], "actual": "risk_officer rejected in signoffs/stage2-risk_officer.json", "unit": "list", "term": "risk_officer", "path": "signoffs/stage2-risk_officer.json"}}
	conditions := condition_architecture_approved with input as doc
	conditions == set()
}
