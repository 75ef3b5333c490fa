package gate.stage8

test_trust_anchored_holds if {
	checked := check_trust_anchored with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"name": "anchors", "op": "≥", "actual": 1, "expected": 1, "unit": "anchors", "holds": true}, {"name": "settings_of_the_change", "op": "∅", "actual": [], "expected": [], "unit": "list", "holds": true, "terms": []}]}
	denied := deny_trust_anchored with input as data.gate.ready.doc
	denied == set()
}

test_trust_anchored_self_judged if {
	doc := object.union(data.gate.ready.doc, {"trust": {"anchors": [], "settings": {"allowed_signers": "judged"}}})
	denied := deny_trust_anchored with input as doc
	denied == {
		{"code": "stage8.trust_anchored", "msg": "The change is judged by what it brings along itself", "operand": "anchors", "op": "≥", "expected": 1, "actual": 0, "unit": "anchors"},
		{"code": "stage8.trust_anchored", "msg": "The change is judged by what it brings along itself: allowed_signers (judged)", "operand": "settings_of_the_change", "op": "∅", "expected": [], "actual": "allowed_signers (judged)", "unit": "list", "term": "allowed_signers"},
	}
}

test_trust_anchored_setting_of_unknown_origin if {
	trust := {"anchors": ["operator"], "settings": object.remove(data.gate.ready.doc.trust.settings, ["roles"]), "alterations": []}
	doc := object.union(object.remove(data.gate.ready.doc, ["trust"]), {"trust": trust})
	denied := deny_trust_anchored with input as doc
	denied == {{"code": "stage8.trust_anchored", "msg": "The change is judged by what it brings along itself: roles (not known)", "operand": "settings_of_the_change", "op": "∅", "expected": [], "actual": "roles (not known)", "unit": "list", "term": "roles"}}
}
