package gate.stage4

test_few_tests_skipped_holds if {
	checked := check_few_tests_skipped with input as data.gate.ready.doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": 50000, "expected": 50000, "holds": true, "name": "tests_skipped_share", "op": "≤", "unit": "ppm"},
			{"actual": 1, "expected": 50, "holds": true, "name": "tests_skipped", "op": "≤", "unit": "tests"},
		],
	}
	denied := deny_few_tests_skipped with input as data.gate.ready.doc
	denied == set()
}

test_few_tests_skipped_share_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"skipped_ppm": 50001}}})
	checked := check_few_tests_skipped with input as doc
	checked.holds == false
	denied := deny_few_tests_skipped with input as doc
	denied == {{"code": "stage4.few_tests_skipped", "msg": "Too many tests were skipped", "operand": "tests_skipped_share", "op": "≤", "expected": 50000, "actual": 50001, "unit": "ppm"}}
}

test_few_tests_skipped_number_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"skipped": 51}}})
	checked := check_few_tests_skipped with input as doc
	checked.holds == false
	denied := deny_few_tests_skipped with input as doc
	denied == {{"code": "stage4.few_tests_skipped", "msg": "Too many tests were skipped", "operand": "tests_skipped", "op": "≤", "expected": 50, "actual": 51, "unit": "tests"}}
}

test_few_tests_skipped_no_report if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"skipped": null, "skipped_ppm": null}}})
	checked := check_few_tests_skipped with input as doc
	checked.holds == false
	denied := deny_few_tests_skipped with input as doc
	denied == {
		{"code": "stage4.few_tests_skipped", "msg": "Too many tests were skipped", "operand": "tests_skipped_share", "op": "≤", "expected": 50000, "actual": null, "unit": "ppm"},
		{"code": "stage4.few_tests_skipped", "msg": "Too many tests were skipped", "operand": "tests_skipped", "op": "≤", "expected": 50, "actual": null, "unit": "tests"},
	}
}

test_all_tests_run_holds if {
	checked := check_all_tests_run with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 20, "expected": 20, "holds": true, "name": "test_functions_run", "op": "≥", "unit": "tests"}, {"actual": [], "expected": [], "holds": true, "name": "tests_not_run", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "modules_not_there", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_all_tests_run with input as data.gate.ready.doc
	denied == set()
}

test_all_tests_run_one_missing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"functions": 19}}})
	checked := check_all_tests_run with input as doc
	checked.holds == false
	denied := deny_all_tests_run with input as doc
	denied == {{"code": "stage4.all_tests_run", "msg": "The test report is not that of the workspace's tests", "operand": "test_functions_run", "op": "≥", "expected": 20, "actual": 19, "unit": "tests"}}
}

test_all_tests_run_no_report if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"functions": null}}})
	checked := check_all_tests_run with input as doc
	checked.holds == false
	denied := deny_all_tests_run with input as doc
	denied == {{"code": "stage4.all_tests_run", "msg": "The test report is not that of the workspace's tests", "operand": "test_functions_run", "op": "≥", "expected": 20, "actual": null, "unit": "tests"}}
}

test_all_tests_run_renamed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"function_names": ["test_a", "test_c"]}}})
	checked := check_all_tests_run with input as doc
	checked.holds == false
	denied := deny_all_tests_run with input as doc
	denied == {{"code": "stage4.all_tests_run", "msg": "The test report is not that of the workspace's tests: test_b", "operand": "tests_not_run", "op": "∅", "expected": [], "actual": "test_b", "unit": "list", "term": "test_b"}}
}

test_all_tests_run_many_renamed if {
	names := [sprintf("test_%v", [number]) | some number in numbers.range(100, 129)]
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"function_names": ["test_z"]}, "stage_tests": {"test_names": names}}})
	denied := deny_all_tests_run with input as doc
	count(denied) == 21
	"10 more, which are not listed" in {violation.actual | some violation in denied}
}

test_all_tests_run_no_names if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"function_names": []}}})
	denied := deny_all_tests_run with input as doc
	denied == set()
}

test_all_tests_run_of_another_project if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"modules_not_there": ["billing.test_invoice"]}}})
	denied := deny_all_tests_run with input as doc
	{result.actual | some result in denied} == {"junit.xml has tests of billing.test_invoice, which no file of the workspace is"}
}
