package gate.stage1

test_checklist_weights_hold_where_none_are_stated if {
	checked := check_checklist_weights with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "weights", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_checklist_weights with input as data.gate.ready.doc
	denied == set()
}

test_checklist_weights_hold_where_they_add_up if {
	doc := weighted([{"name": "Code", "ppm": 600000}, {"name": "Risk", "ppm": 400000}])
	checked := check_checklist_weights with input as doc
	checked.holds == true
	denied := deny_checklist_weights with input as doc
	denied == set()
}

test_checklist_weights_off if {
	doc := weighted([{"name": "Code", "ppm": 750000}, {"name": "Risk", "ppm": 400000}])
	checked := check_checklist_weights with input as doc
	checked.holds == false
	denied := deny_checklist_weights with input as doc
	denied == {{"code": "stage1.checklist_weights", "msg": "The checklist's weights do not add up: the weights of 2 categories add up to 1150000 ppm of 1000000", "operand": "weights", "op": "∅", "expected": [], "actual": "the weights of 2 categories add up to 1150000 ppm of 1000000", "unit": "list", "term": "weights"}}
}

weighted(weights) := object.union(data.gate.ready.doc, {"facts": {"checklist": {"weights": weights}}})

# A sign-off counts only where it is not older than evidence that states when it was made.
test_a_signoff_older_than_its_evidence_does_not_count if {
	observed := {"coverage": {"observed_at_s": 1764932401}}
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": observed}})
	denied := deny_governance_signed with input as doc
	count(denied) == 2
	every violation in denied {
		contains(violation.msg, "it is older than the evidence it names")
	}
	later := {"coverage": {"observed_at_s": 1764932400}, "paper": {"observed_at_s": 1764932401}}
	held := check_governance_signed with input as object.union(data.gate.ready.doc, {"facts": {"provenance": later}})
	held.holds == true
}
