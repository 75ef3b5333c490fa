package gate.release

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
		{"code": "release.trust_anchored", "msg": "The change is judged by what it brings along itself", "operand": "anchors", "op": "≥", "expected": 1, "actual": 0, "unit": "anchors"},
		{"code": "release.trust_anchored", "msg": "The change is judged by what it brings along itself: allowed_signers (judged)", "operand": "settings_of_the_change", "op": "∅", "expected": [], "actual": "allowed_signers (judged)", "unit": "list", "term": "allowed_signers"},
	}
}

test_trust_anchored_setting_of_unknown_origin if {
	trust := {"anchors": ["operator"], "settings": object.remove(data.gate.ready.doc.trust.settings, ["roles"]), "alterations": []}
	doc := object.union(object.remove(data.gate.ready.doc, ["trust"]), {"trust": trust})
	denied := deny_trust_anchored with input as doc
	denied == {{"code": "release.trust_anchored", "msg": "The change is judged by what it brings along itself: roles (not known)", "operand": "settings_of_the_change", "op": "∅", "expected": [], "actual": "roles (not known)", "unit": "list", "term": "roles"}}
}

altered := {"trust": {"alterations": [{"name": "gate.yaml roles.cto", "text": "changed setting roles.cto from a to b"}]}}

altered_and_signed(role, change) := object.union(data.gate.ready.doc, object.union(altered, {"facts": {"signoffs": {"signoffs": [object.union(
	data.gate.ready.signoff("trust", role, {}),
	change,
)]}}}))

test_trust_unaltered_holds if {
	checked := check_trust_unaltered with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"name": "alterations_not_signed", "op": "∅", "actual": [], "expected": [], "unit": "list", "holds": true, "terms": []}, {"name": "rejections", "op": "∅", "actual": [], "expected": [], "unit": "list", "holds": true, "terms": []}]}
	denied := deny_trust_unaltered with input as data.gate.ready.doc
	denied == set()
	warned := warn_trust_unaltered with input as data.gate.ready.doc
	warned == set()
}

test_trust_unaltered_altered if {
	doc := object.union(data.gate.ready.doc, altered)
	denied := deny_trust_unaltered with input as doc
	denied == {{"code": "release.trust_unaltered", "msg": "The change alters what it is judged by: changed setting roles.cto from a to b", "operand": "alterations_not_signed", "op": "∅", "expected": [], "actual": "changed setting roles.cto from a to b", "unit": "list", "term": "gate.yaml roles.cto"}}
}

test_trust_unaltered_signed if {
	doc := altered_and_signed("release_manager", {})
	checked := check_trust_unaltered with input as doc
	checked.holds == true
	warned := warn_trust_unaltered with input as doc
	warned == {{"code": "release.trust_unaltered", "msg": "Accepted by sign-off: changed setting roles.cto from a to b"}}
}

test_trust_unaltered_signed_by_a_role_that_is_not_entitled if {
	checked := check_trust_unaltered with input as altered_and_signed("qa_lead", {})
	checked.holds == false
}

test_trust_unaltered_other_alterations_signed if {
	checked := check_trust_unaltered with input as altered_and_signed("release_manager", {"evidence": "bbbb"})
	checked.holds == false
}

test_trust_unaltered_rejected if {
	denied := deny_trust_unaltered with input as altered_and_signed("release_manager", {"verdict": "reject"})
	{result.operand | some result in denied} == {"alterations_not_signed", "rejections"}
}
