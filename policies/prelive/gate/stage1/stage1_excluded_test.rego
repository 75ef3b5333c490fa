package gate.stage1

test_excluded_code_holds if {
	checked := check_excluded_code with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 0, "expected": 20000, "holds": true, "name": "excluded_share", "op": "≤", "unit": "ppm"}]}
	denied := deny_excluded_code with input as data.gate.ready.doc
	denied == set()
	warned := warn_excluded_code with input as data.gate.ready.doc
	warned == set()
}

test_excluded_code_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"coverage": {"excluded_ppm": 20000, "excluded": [{"path": "a.py", "statements": 20}]}}})
	checked := check_excluded_code with input as doc
	checked.holds == true
	denied := deny_excluded_code with input as doc
	denied == set()
	warned := warn_excluded_code with input as doc
	warned == {{"code": "stage1.excluded_code", "msg": "a.py excludes statements from the coverage figure: 20"}}
}

test_excluded_code_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"coverage": {"excluded_ppm": 20001}}})
	checked := check_excluded_code with input as doc
	checked.holds == false
	denied := deny_excluded_code with input as doc
	denied == {{"code": "stage1.excluded_code", "msg": "Too much code is excluded from the coverage figure", "operand": "excluded_share", "op": "≤", "expected": 20000, "actual": 20001, "unit": "ppm"}}
}

test_excluded_code_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"coverage": {"excluded_ppm": null}}})
	checked := check_excluded_code with input as doc
	checked.holds == false
	denied := deny_excluded_code with input as doc
	denied == {{"code": "stage1.excluded_code", "msg": "Too much code is excluded from the coverage figure", "operand": "excluded_share", "op": "≤", "expected": 20000, "actual": null, "unit": "ppm"}}
}
