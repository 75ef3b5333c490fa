package gate.stage4

test_no_flaky_tests_holds if {
	checked := check_no_flaky_tests with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 0, "expected": 0, "holds": true, "name": "flaky_tests", "op": "≤", "unit": "tests"}]}
	denied := deny_no_flaky_tests with input as data.gate.ready.doc
	denied == set()
	warned := warn_no_flaky_tests with input as data.gate.ready.doc
	warned == set()
}

test_no_flaky_tests_one if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"flaky": 1, "flaky_tests": ["tests.e2e.test_client.test_reconnect"]}}})
	checked := check_no_flaky_tests with input as doc
	checked.holds == false
	denied := deny_no_flaky_tests with input as doc
	denied == {{"code": "stage4.no_flaky_tests", "msg": "Tests both failed and passed", "operand": "flaky_tests", "op": "≤", "expected": 0, "actual": 1, "unit": "tests"}}
	warned := warn_no_flaky_tests with input as doc
	warned == {{"code": "stage4.no_flaky_tests", "msg": "The test tests.e2e.test_client.test_reconnect both failed and passed"}}
}

test_no_flaky_tests_no_report if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"flaky": null, "flaky_tests": []}}})
	checked := check_no_flaky_tests with input as doc
	checked.holds == false
	denied := deny_no_flaky_tests with input as doc
	denied == {{"code": "stage4.no_flaky_tests", "msg": "Tests both failed and passed", "operand": "flaky_tests", "op": "≤", "expected": 0, "actual": null, "unit": "tests"}}
}
