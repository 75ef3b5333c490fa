package gate.stage1

altered := {"trust": {"alterations": [{"name": "gate.yaml roles.cto", "text": "changed setting roles.cto from a to b"}]}}

signed(role, change) := object.union(data.gate.ready.doc, object.union(altered, {"facts": {"signoffs": {"signoffs": [object.union(
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
	denied == {{"code": "stage1.trust_unaltered", "msg": "The change alters what it is judged by: changed setting roles.cto from a to b", "operand": "alterations_not_signed", "op": "∅", "expected": [], "actual": "changed setting roles.cto from a to b", "unit": "list", "term": "gate.yaml roles.cto"}}
}

test_trust_unaltered_signed if {
	doc := signed("risk_officer", {})
	checked := check_trust_unaltered with input as doc
	checked.holds == true
	warned := warn_trust_unaltered with input as doc
	warned == {{"code": "stage1.trust_unaltered", "msg": "Accepted by sign-off: changed setting roles.cto from a to b"}}
}

test_trust_unaltered_signed_by_a_role_that_is_not_entitled if {
	checked := check_trust_unaltered with input as signed("lead_trader", {})
	checked.holds == false
}

test_trust_unaltered_other_alterations_signed if {
	checked := check_trust_unaltered with input as signed("risk_officer", {"evidence": "bbbb"})
	checked.holds == false
}

test_trust_unaltered_rejected if {
	denied := deny_trust_unaltered with input as signed("risk_officer", {"verdict": "reject"})
	{result.operand | some result in denied} == {"alterations_not_signed", "rejections"}
}
