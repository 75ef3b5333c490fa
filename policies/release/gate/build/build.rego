# METADATA
# title: Build
# description: The service is tested and scanned, and it is known what it is made of.
# custom:
#   question: Is the build tested, scanned and accounted for?
package gate.build

check_test_coverage := data.gate.lib.check([
	data.gate.lib.at_least("test_coverage", input.facts.coverage.line_ppm, data.gate.params.build.test_coverage_min),
	data.gate.lib.at_least("statements", input.facts.coverage.statements, data.gate.params.build.statements_min),
	data.gate.lib.at_most(
		"excluded_share",
		input.facts.coverage.excluded_ppm,
		data.gate.params.build.excluded_share_max,
	),
])

# METADATA
# title: The code is tested
# description: >-
#   Line coverage of the sources reaches the target, and only a small share of the statements is excluded from that
#   figure. Code that no test imports counts as uncovered.
# custom:
#   short_name: test_coverage
#   severity: HIGH
#   risk: Faults in untested code are first met by users.
#   solution: Run the tests under coverage over all sources, and add tests for the lines that are missed.
#   owner: qa_lead
#   controls: [SSDF-1.1:PW.8.2]
#   facts: [coverage.line_ppm, coverage.statements, coverage.excluded_ppm]
deny_test_coverage contains result if some result in data.gate.lib.violations(
	"build.test_coverage", check_test_coverage,
	"Too little of the code is tested",
)

check_tests_pass := data.gate.lib.check([
	data.gate.lib.at_least("tests", input.facts.tests.total, data.gate.params.build.tests_min),
	data.gate.lib.at_most("tests_failed", input.facts.tests.failed, data.gate.params.build.tests_failed_max),
	data.gate.lib.at_most("test_errors", input.facts.tests.errors, data.gate.params.build.tests_failed_max),
	data.gate.lib.at_most(
		"tests_skipped_share",
		input.facts.tests.skipped_ppm,
		data.gate.params.build.tests_skipped_share_max,
	),
])

# METADATA
# title: All tests pass
# description: >-
#   No test failed or ended in an error, and only a small share was skipped or failed as expected.
# custom:
#   short_name: tests_pass
#   severity: CRITICAL
#   risk: A fault that is known already is released.
#   solution: Fix the failed tests or the code, run what was skipped, and record the run as JUnit XML again.
#   owner: qa_lead
#   controls: [SSDF-1.1:PW.8.2]
#   facts: [tests.total, tests.failed, tests.errors, tests.skipped_ppm]
deny_tests_pass contains result if some result in data.gate.lib.violations(
	"build.tests_pass", check_tests_pass,
	"Not all tests pass",
)

check_all_tests_run := data.gate.lib.check([
	data.gate.lib.at_least(
		"test_functions_run",
		input.facts.tests.functions,
		{"value": input.facts.stage_tests.tests_defined, "unit": "tests"},
	),
	data.gate.lib.none_of(
		"tests_not_run",
		tests_not_run(input.facts.stage_tests.test_names, input.facts.tests.function_names),
	),
])

# METADATA
# title: The report covers all tests
# description: >-
#   The test report has at least as many test functions as the test files of the workspace define. Where pytest wrote
#   it, it has all of their names.
# custom:
#   short_name: all_tests_run
#   severity: HIGH
#   risk: Tests that fail were left out of the report.
#   solution: >-
#     Run all tests and record the run as JUnit XML again; if test files belong to no run, name those that do in
#     evidence.stage_tests.tests.
#   owner: qa_lead
#   controls: [SSDF-1.1:PW.8.2]
#   facts: [tests.functions, tests.function_names, stage_tests.tests_defined, stage_tests.test_names]
deny_all_tests_run contains result if some result in data.gate.lib.violations(
	"build.all_tests_run", check_all_tests_run,
	"The test report lacks tests that the workspace defines",
)

# Names that the report lacks, of many the first; nothing where it has no names to compare.
tests_not_run(defined, run) := [] if {
	run == []
} else := listed | data.gate.lib.not_listed(listed, count(missing)) if {
	missing := {name | some name in defined} - {name | some name in run}
	most := data.gate.params.build.tests_not_run_listed.value
	listed := {{"term": name, "text": name} | some name in array.slice(sort(missing), 0, most)}
}

check_no_flaky_tests := data.gate.lib.check([data.gate.lib.at_most(
	"flaky_tests",
	input.facts.tests.flaky,
	data.gate.params.build.flaky_tests_max,
)])

# METADATA
# title: No test is flaky
# description: No test both failed and passed, in retries of one run or across reports. Such tests are listed as warnings.
# custom:
#   short_name: no_flaky_tests
#   severity: MEDIUM
#   risk: A test that fails now and then is ignored, also when it finds a fault.
#   solution: Find out why the tests named fail intermittently, fix the code or the test, and run all tests again.
#   owner: qa_lead
#   controls: [SSDF-1.1:PW.8.2]
#   facts: [tests.flaky]
deny_no_flaky_tests contains result if some result in data.gate.lib.violations(
	"build.no_flaky_tests", check_no_flaky_tests,
	"Tests both failed and passed",
)

warn_no_flaky_tests contains {"code": "build.no_flaky_tests", "msg": msg} if {
	some name in input.facts.tests.flaky_tests
	msg := sprintf("The test %s both failed and passed", [name])
}
