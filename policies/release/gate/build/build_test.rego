package gate.build

# What the tests of this stage share.
with_facts(changes) := object.union(data.gate.ready.doc, {"facts": changes})

below(code, msg, operand, op, expected, actual, unit) := {
	"code": code, "msg": msg, "operand": operand, "op": op,
	"expected": expected, "actual": actual, "unit": unit,
}

named(code, msg, operand, term, text) := {
	"code": code, "msg": sprintf("%s: %s", [msg, text]), "operand": operand, "op": "∅",
	"expected": [], "actual": text, "unit": "list", "term": term,
}

little(operand, op, expected, actual, unit) := below("build.test_coverage", "Too little of the code is tested", operand, op, expected, actual, unit)

test_test_coverage_holds if {
	checked := check_test_coverage with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [
		{"name": "test_coverage", "op": "≥", "actual": 1000000, "expected": 800000, "unit": "ppm", "holds": true},
		{"name": "statements", "op": "≥", "actual": 34, "expected": 1, "unit": "statements", "holds": true},
		{"name": "excluded_share", "op": "≤", "actual": 0, "expected": 50000, "unit": "ppm", "holds": true},
	]}
	denied := deny_test_coverage with input as data.gate.ready.doc
	denied == set()
}

test_test_coverage_at_the_limits if {
	doc := with_facts({"coverage": {"line_ppm": 800000, "statements": 1, "excluded_ppm": 50000}})
	denied := deny_test_coverage with input as doc
	denied == set()
}

test_test_coverage_beyond if {
	doc := with_facts({"coverage": {"line_ppm": 799999, "statements": 0, "excluded_ppm": 50001}})
	denied := deny_test_coverage with input as doc
	denied == {
		little("test_coverage", "≥", 800000, 799999, "ppm"),
		little("statements", "≥", 1, 0, "statements"),
		little("excluded_share", "≤", 50000, 50001, "ppm"),
	}
}

test_test_coverage_null if {
	doc := with_facts({"coverage": {"line_ppm": null, "statements": null, "excluded_ppm": null}})
	denied := deny_test_coverage with input as doc
	count(denied) == 3
}

failing(operand, op, expected, actual, unit) := below("build.tests_pass", "Not all tests pass", operand, op, expected, actual, unit)

test_tests_pass_holds if {
	doc := with_facts({"tests": {"total": 1, "skipped_ppm": 50000}})
	checked := check_tests_pass with input as doc
	checked.holds == true
	denied := deny_tests_pass with input as doc
	denied == set()
}

test_tests_pass_does_not_hold if {
	doc := with_facts({"tests": {"total": 0, "failed": 1, "errors": 1, "skipped_ppm": 50001}})
	denied := deny_tests_pass with input as doc
	denied == {
		failing("tests", "≥", 1, 0, "tests"),
		failing("tests_failed", "≤", 0, 1, "tests"),
		failing("test_errors", "≤", 0, 1, "tests"),
		failing("tests_skipped_share", "≤", 50000, 50001, "ppm"),
	}
}

test_tests_pass_null if {
	doc := with_facts({"tests": {"total": null, "failed": null, "errors": null, "skipped_ppm": null}})
	checked := check_tests_pass with input as doc
	checked.holds == false
	denied := deny_tests_pass with input as doc
	count(denied) == 4
}

test_no_flaky_tests_holds if {
	denied := deny_no_flaky_tests with input as data.gate.ready.doc
	denied == set()
	warned := warn_no_flaky_tests with input as data.gate.ready.doc
	warned == set()
}

test_no_flaky_tests_one if {
	doc := with_facts({"tests": {"flaky": 1, "flaky_tests": ["tests.test_app.test_retry"]}})
	denied := deny_no_flaky_tests with input as doc
	denied == {below("build.no_flaky_tests", "Tests both failed and passed", "flaky_tests", "≤", 0, 1, "tests")}
	warned := warn_no_flaky_tests with input as doc
	warned == {{"code": "build.no_flaky_tests", "msg": "The test tests.test_app.test_retry both failed and passed"}}
}

test_no_flaky_tests_null if {
	checked := check_no_flaky_tests with input as with_facts({"tests": {"flaky": null}})
	checked.holds == false
}

lacking(term) := named("build.all_tests_run", "The test report lacks tests that the workspace defines", "tests_not_run", term, term)

test_all_tests_run_holds if {
	checked := check_all_tests_run with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_all_tests_run with input as data.gate.ready.doc
	denied == set()
}

# A report of another tool than pytest has no names to compare.
test_all_tests_run_without_names if {
	doc := with_facts({"tests": {"functions": 6, "function_names": []}})
	denied := deny_all_tests_run with input as doc
	denied == set()
}

test_all_tests_run_lacks_some if {
	doc := with_facts({"tests": {"functions": 2, "function_names": ["test_b"]}, "stage_tests": {"tests_defined": 3, "test_names": ["test_a", "test_b"]}})
	denied := deny_all_tests_run with input as doc
	denied == {
		lacking("test_a"),
		below(
			"build.all_tests_run", "The test report lacks tests that the workspace defines",
			"test_functions_run", "≥", 3, 2, "tests",
		),
	}
}

test_all_tests_run_null if {
	doc := with_facts({"tests": {"functions": null}})
	denied := deny_all_tests_run with input as doc
	count(denied) == 1
}
