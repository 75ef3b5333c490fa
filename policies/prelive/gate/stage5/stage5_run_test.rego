package gate.stage5

test_stage_tests_run_holds if {
	checked := check_stage_tests_run with input as data.gate.ready.doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": 4, "expected": 1, "holds": true, "name": "stage6_tests_run", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage7_tests_run", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage8_tests_run", "op": "≥", "unit": "tests"},
		],
	}
	denied := deny_stage_tests_run with input as data.gate.ready.doc
	denied == set()
	warned := warn_stage_tests_run with input as data.gate.ready.doc
	warned == set()
}

test_stage_tests_run_all_of_them if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"stages": {"stage7": {"tests": 5}}}}})
	checked := check_stage_tests_run with input as doc
	checked.holds == true
}

test_stage_tests_run_one_missing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"stages": {"stage7": {"tests": 6}}}}})
	checked := check_stage_tests_run with input as doc
	checked.holds == false
	denied := deny_stage_tests_run with input as doc
	denied == {{"code": "stage5.stage_tests_run", "msg": "The test report lacks tests of a stage", "operand": "stage7_tests_run", "op": "≥", "expected": 6, "actual": 5, "unit": "tests"}}
}

test_stage_tests_run_no_report if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"by_kind": {"stage6": null}}}})
	checked := check_stage_tests_run with input as doc
	checked.holds == false
	denied := deny_stage_tests_run with input as doc
	denied == {{"code": "stage5.stage_tests_run", "msg": "The test report lacks tests of a stage", "operand": "stage6_tests_run", "op": "≥", "expected": 1, "actual": null, "unit": "tests"}}
}

test_stage_tests_that_prove_nothing_are_warned_of if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"stages": {"stage6": {"problems": [{"path": "t.py", "line": 1, "text": "test_a proves nothing"}]}}}}})
	warned := warn_stage_tests_run with input as doc
	warned == {{"code": "stage5.stage_tests_run", "msg": "stage6: t.py test_a proves nothing"}}
}
