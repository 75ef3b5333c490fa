package gate.stage5

check_stage_tests_run := data.gate.lib.check([operand |
	some stage in data.gate.params.stage5.stages.value
	operand := data.gate.lib.at_least(
		sprintf("%s_tests_run", [stage]),
		object.get(input.facts.tests, ["by_kind", stage, "total"], null),
		{"value": object.get(input.facts.stage_tests, ["stages", stage, "tests"], null), "unit": "tests"},
	)
])

# METADATA
# title: All tests of every broker stage were run
# description: For each stage that is run against the broker the test report holds at least as many tests as there are.
# custom:
#   short_name: stage_tests_run
#   severity: HIGH
#   risk: Tests that fail were left out of the run.
#   solution: Run all tests of the stages named together with the others, and record the run as JUnit XML again.
#   owner: qa_lead
#   controls: [gate:stage5]
#   facts: [tests.by_kind, stage_tests.stages]
deny_stage_tests_run contains result if some result in data.gate.lib.violations(
	"stage5.stage_tests_run", check_stage_tests_run,
	"The test report lacks tests of a stage",
)

warn_stage_tests_run contains {"code": "stage5.stage_tests_run", "msg": msg} if {
	some stage in data.gate.params.stage5.stages.value
	found := object.get(input.facts.stage_tests, ["stages", stage], {})
	found.collectable == true
	some problem in found.problems
	msg := sprintf("%s: %s %s", [stage, problem.path, problem.text])
}
