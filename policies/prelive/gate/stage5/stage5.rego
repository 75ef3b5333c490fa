# METADATA
# title: Test infrastructure
# description: The tests of the broker stages exist, can be collected, and can be repeated.
# custom:
#   question: Do the stage tests exist, and can they be collected?
package gate.stage5

check_stage_tests_exist := data.gate.lib.check([operand |
	some stage in data.gate.params.stage5.stages.value
	operand := data.gate.lib.at_least(
		sprintf("%s_tests", [stage]),
		object.get(input.facts.stage_tests, ["stages", stage, "tests"], null),
		data.gate.params.stage5.stage_tests_min,
	)
])

# METADATA
# title: Every broker stage has tests
# description: Each stage that runs against the broker has at least one test.
# custom:
#   short_name: stage_tests_exist
#   severity: HIGH
#   risk: Nothing shows again that the broker stages work.
#   solution: Write tests for the stages named, in files that the configured patterns match.
#   owner: qa_lead
#   controls: [gate:stage5]
#   facts: [stage_tests.stages]
deny_stage_tests_exist contains result if some result in data.gate.lib.violations(
	"stage5.stage_tests_exist", check_stage_tests_exist,
	"A stage has no tests",
)

check_stage_tests_collectable := data.gate.lib.check([data.gate.lib.none_of(
	"stages_not_collectable",
	stages_not_collectable(data.gate.params.stage5.stages.value),
)])

# METADATA
# title: The stage tests can be collected
# description: The test files of each broker stage parse and contain tests that a runner finds.
# custom:
#   short_name: stage_tests_collectable
#   severity: HIGH
#   risk: Tests that cannot be collected never run.
#   solution: Fix the test files at the places named until the runner collects them.
#   owner: qa_lead
#   controls: [gate:stage5]
#   facts: [stage_tests.stages]
deny_stage_tests_collectable contains result if some result in data.gate.lib.violations(
	"stage5.stage_tests_collectable", check_stage_tests_collectable,
	"The tests of a stage cannot be collected",
)

stages_not_collectable(stages) := {{"term": stage, "text": sprintf("%s: %s", [stage, problem])} |
	some stage in stages
	object.get(input.facts.stage_tests, ["stages", stage, "collectable"], null) != true
	some problem in collection_problems(object.get(input.facts.stage_tests, ["stages", stage, "problems"], []))
}

collection_problems(problems) := {"nothing to collect"} if {
	problems == []
} else := {sprintf("%s %s", [problem.path, problem.text]) | some problem in problems}

check_stage_tests_passed := data.gate.lib.check([operand |
	some stage in data.gate.params.stage5.stages.value
	operand := data.gate.lib.at_least(
		sprintf("%s_tests_passed", [stage]),
		object.get(input.facts.tests, ["stage_passed", stage], null),
		data.gate.params.stage5.stage_tests_passed_min,
	)
])

# METADATA
# title: Tests of every broker stage ran and passed
# description: For each stage that runs against the broker, the test report has at least one test that passed.
# custom:
#   short_name: stage_tests_passed
#   severity: HIGH
#   risk: A broker stage is known not to work, or nobody tried.
#   solution: Run the tests of the stages named together with the others, and record the run as JUnit XML again.
#   owner: qa_lead
#   controls: [gate:stage5]
#   facts:
#     - tests.stage_passed.stage6
#     - tests.stage_passed.stage7
#     - tests.stage_passed.stage8
deny_stage_tests_passed contains result if some result in data.gate.lib.violations(
	"stage5.stage_tests_passed", check_stage_tests_passed,
	"No test of a stage passed",
)

check_fixtures_configured := data.gate.lib.check([data.gate.lib.at_least(
	"fixtures",
	input.facts.stage_tests.fixtures,
	data.gate.params.stage5.fixtures_min,
)])

# METADATA
# title: Test fixtures are configured
# description: The stage tests share their setup through fixtures in a conftest file.
# custom:
#   short_name: fixtures_configured
#   severity: HIGH
#   risk: The tests check themselves rather than the system.
#   solution: Define the broker session, account and clock of the stage tests as fixtures in a conftest file.
#   owner: qa_lead
#   controls: [gate:stage5]
#   facts: [stage_tests.fixtures]
deny_fixtures_configured contains result if some result in data.gate.lib.violations(
	"stage5.fixtures_configured", check_fixtures_configured,
	"The stage tests have no fixtures",
)

check_seeds_present := data.gate.lib.check([data.gate.lib.contains_all(
	"seeds",
	[name | some name, seed in input.facts.fixtures.seeds; seed != null],
	data.gate.params.stage5.seeds,
)])

# METADATA
# title: Every kind of random test has a seed
# description: The seeds file records one seed for each kind of random test.
# custom:
#   short_name: seeds_present
#   severity: MEDIUM
#   risk: A failure cannot be repeated and understood.
#   solution: Add the missing seeds to fixtures/seeds.yaml.
#   owner: qa_lead
#   controls: [gate:stage5]
#   facts:
#     - fixtures.seeds.global
#     - fixtures.seeds.property
#     - fixtures.seeds.metamorphic
#     - fixtures.seeds.chaos
#     - fixtures.seeds.integration
deny_seeds_present contains result if some result in data.gate.lib.violations(
	"stage5.seeds_present", check_seeds_present,
	"A kind of random test has no seed",
)

check_not_rejected := data.gate.lib.check(data.gate.lib.not_rejected("stage5"))

# METADATA
# title: Nobody who may stop the stage rejected it
# description: >-
#   No role that may stop a stage signed a rejection of exactly this source and this evidence. What such a role asks
#   for in an approval becomes a condition.
# custom:
#   short_name: not_rejected
#   severity: CRITICAL
#   risk: The stage goes on against the decision of somebody who may stop it.
#   solution: Fix what the rejection names, then judge the stage again with the new evidence.
#   owner: risk_officer
#   controls: [gate:stage5]
#   facts: [signoffs.signoffs]
deny_not_rejected contains result if some result in data.gate.lib.violations(
	"stage5.not_rejected", check_not_rejected,
	"The stage was rejected",
)

condition_not_rejected contains condition if {
	some condition in data.gate.lib.signoff_conditions(
		"stage5.not_rejected",
		"stage5",
		data.gate.params.common.rejecting_roles,
	)
}
