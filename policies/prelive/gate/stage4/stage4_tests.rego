package gate.stage4

check_few_tests_skipped := data.gate.lib.check([
	data.gate.lib.at_most(
		"tests_skipped_share",
		input.facts.tests.skipped_ppm,
		data.gate.params.stage4.tests_skipped_share_max,
	),
	data.gate.lib.at_most("tests_skipped", input.facts.tests.skipped, data.gate.params.stage4.tests_skipped_max),
])

# METADATA
# title: Few tests are skipped
# description: >-
#   Only a small share, and a small number, of the tests were skipped or failed as expected; a test that did not run shows
#   nothing.
# custom:
#   short_name: few_tests_skipped
#   severity: HIGH
#   risk: What is skipped is not tested, and looks as if it were.
#   solution: Run the skipped tests, fix those that are expected to fail, or delete what no longer applies.
#   owner: qa_lead
#   controls: [gate:stage4]
#   facts: [tests.skipped_ppm, tests.skipped]
deny_few_tests_skipped contains result if some result in data.gate.lib.violations(
	"stage4.few_tests_skipped", check_few_tests_skipped,
	"Too many tests were skipped",
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
	data.gate.lib.none_of("modules_not_there", modules_not_there(input.facts.tests)),
])

# METADATA
# title: The report covers all tests
# description: >-
#   The test report has at least as many test functions as the test files of the workspace define. Where pytest wrote
#   it, it has all of their names, and no tests of files that are not there.
# custom:
#   short_name: all_tests_run
#   severity: HIGH
#   risk: Tests that fail were left out of the report.
#   solution: >-
#     Run all tests and record the run as JUnit XML again; if test files belong to no run, name those that do in
#     evidence.stage_tests.tests.
#   owner: qa_lead
#   controls: [gate:stage4]
#   facts:
#     - tests.functions
#     - tests.function_names
#     - tests.modules_not_there
#     - tests.file
#     - stage_tests.tests_defined
#     - stage_tests.test_names
deny_all_tests_run contains result if some result in data.gate.lib.violations(
	"stage4.all_tests_run", check_all_tests_run,
	"The test report is not that of the workspace's tests",
)

# Names that the report lacks, of many the first; nothing where it has no names to compare.
tests_not_run(defined, run) := [] if {
	run == []
} else := listed | data.gate.lib.not_listed(listed, count(missing)) if {
	missing := {name | some name in defined} - {name | some name in run}
	most := data.gate.params.stage4.tests_not_run_listed.value
	listed := {{"term": name, "text": name} | some name in array.slice(sort(missing), 0, most)}
}

modules_not_there(tests) := {{"term": module, "text": text} |
	some module in tests.modules_not_there
	text := sprintf("%s has tests of %s, which no file of the workspace is", [tests.file, module])
}
