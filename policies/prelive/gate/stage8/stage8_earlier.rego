package gate.stage8

# What earlier decisions state, beside the evidence that is judged now.

check_decisions_current := data.gate.lib.check([data.gate.lib.none_of(
	"other_evidence",
	of_other_evidence(input.facts.artifacts.decisions),
)])

# METADATA
# title: The recorded decisions are about this evidence
# description: >-
#   The verification log and the decision document were written after the evidence was made, of the judged sources,
#   and every figure of a stage that they state is that of the evidence. Figures of the artifacts, of which they are
#   two, are not compared.
# custom:
#   short_name: decisions_current
#   severity: HIGH
#   risk: Documents in use say something else than the evidence.
#   solution: Delete the documents that are out of date, judge again, and let gate write them anew.
#   owner: risk_officer
#   controls: [gate:stage8]
#   facts:
#     - artifacts.decisions
#     - coverage.line_ppm
#     - contracts.valid
#     - checklist.points_sum
#     - integration_flow.stages_defined
#     - interface_map.file
#     - tests.total
#     - source.stubs_total
#     - stage_tests.fixtures
#     - account.account
#     - paper.file
#     - rollback.drill_file
#     - kill_switch.file
#   optional_facts:
#     - checklist.score_ppm
#     - interface_map.operations
#     - interface_map.error_codes
#     - tests.passed
#     - stage_tests.stages.stage6.tests
#     - stage_tests.stages.stage7.tests
#     - stage_tests.stages.stage8.tests
#     - account.buying_power_cents
#     - account.margin_cushion_ppm
#     - paper.latency_delta_ppm
#     - paper.fill_rate_ppm
#     - paper.sharpe_ratio_ppm
#     - paper.latency.p95_us
#     - paper.trades
#     - rollback.drill.total_recovery_ms
#     - kill_switch.switches
deny_decisions_current contains result if some result in data.gate.lib.violations(
	"stage8.decisions_current", check_decisions_current,
	"A recorded decision is not about this evidence",
)

of_other_evidence(decisions) := {{"term": said, "text": said, "path": one.path} |
	some one in decisions
	some text in ((figures_differ(one.figures) | times_differ(one.stated_at_s)) | sources_differ(one.sources))
	said := sprintf("%s: %s", [one.path, text])
}

# The figures of the stages as the evidence gives them, but for those of the artifacts, of which the document is one.
figures_now(_) := {
	"stage1.test_coverage": {"value": input.facts.coverage.line_ppm, "unit": "ppm"},
	"stage1.contracts": {"value": input.facts.contracts.valid, "unit": "count"},
	"stage1.checklist_points": {"value": input.facts.checklist.points_sum, "unit": "count"},
	"stage2.stages_defined": {"value": input.facts.integration_flow.stages_defined, "unit": "count"},
	"stage3.operations": {"value": count(input.facts.interface_map.operations), "unit": "count"},
	"stage3.error_codes": {"value": count(input.facts.interface_map.error_codes), "unit": "count"},
	"stage4.tests": {"value": input.facts.tests.total, "unit": "count"},
	"stage4.tests_passed": {"value": input.facts.tests.passed, "unit": "count"},
	"stage4.stubs": {"value": input.facts.source.stubs_total, "unit": "count"},
	"stage5.fixtures": {"value": input.facts.stage_tests.fixtures, "unit": "count"},
	"stage5.stage6_tests": {"value": input.facts.stage_tests.stages.stage6.tests, "unit": "count"},
	"stage5.stage7_tests": {"value": input.facts.stage_tests.stages.stage7.tests, "unit": "count"},
	"stage5.stage8_tests": {"value": input.facts.stage_tests.stages.stage8.tests, "unit": "count"},
	"stage6.account": {"value": input.facts.account.account, "unit": "text"},
	"stage6.buying_power": {"value": input.facts.account.buying_power_cents, "unit": "cents"},
	"stage6.margin_cushion": {"value": input.facts.account.margin_cushion_ppm, "unit": "ppm"},
	"stage7.latency_delta": {"value": input.facts.paper.latency_delta_ppm, "unit": "ppm"},
	"stage7.fill_rate": {"value": input.facts.paper.fill_rate_ppm, "unit": "ppm"},
	"stage7.sharpe_ratio": {"value": input.facts.paper.sharpe_ratio_ppm, "unit": "ppm"},
	"stage7.p95_latency": {"value": input.facts.paper.latency.p95_us, "unit": "us"},
	"stage7.trades": {"value": input.facts.paper.trades, "unit": "count"},
	"stage8.checklist_score": {"value": input.facts.checklist.score_ppm, "unit": "ppm"},
	"stage8.recovery": {"value": input.facts.rollback.drill.total_recovery_ms, "unit": "ms"},
	"stage8.kill_switches": {"value": count(input.facts.kill_switch.switches), "unit": "count"},
}

figures_differ(figures) := {text |
	current := figures_now(true)
	some figure in figures
	some name, now in current
	figure.name == name
	differs(figure, now) == true
	text := sprintf("%s is %s, the evidence gives %v (%s)", [name, figure.text, now.value, now.unit])
}

# A figure may be cut off or rounded at its last decimal, but a count may not; a ratio may be stated as a percentage.
default differs(_, _) := false

differs(figure, now) if {
	is_number(figure.micro)
	is_number(now.value)
	scaled := now.value * data.gate.params.stage8.figure_scales.value[now.unit]
	slack := object.get({"count": 0, "ppm": min([figure.slack, coarsest(figure)])}, now.unit, figure.slack)
	is_apart(figure.micro, scaled, slack) == true
	is_apart(figure.micro, scaled * data.gate.params.stage8.percent.value, slack) == true
}

# Ids of accounts are compared as far as both show them.
differs(figure, now) if {
	figure.micro == null
	now.unit == "text"
	is_string(now.value)
	ends(figure.text) != ends(now.value)
}

ends(id) := [substring(id, 0, 2), substring(id, count(id) - 2, 2)]

# A share of the whole is rounded by a percent at most.
coarsest(figure) := data.gate.params.stage8.ratio_slack.value if {
	figure.micro <= data.gate.params.stage8.figure_scales.value.count
} else := figure.slack

default is_apart(_, _, _) := false

is_apart(stated, actual, slack) if actual - stated > slack

is_apart(stated, actual, slack) if (stated - actual) * 2 > slack

times_differ(at_s) := {sprintf("was decided %v s before the evidence of %s was made", [observed - at_s, collector]) |
	is_number(at_s)
	some collector in data.gate.params.common.signoff_evidence.value.stage8
	observed := object.get(input.facts, ["provenance", collector, "observed_at_s"], null)
	data.gate.lib.greater(observed, at_s) == true
}

sources_differ(digest) := {text |
	is_string(digest)
	digest != input.subject.digest
	text := sprintf("was decided about the sources %s…, judged are %s…", [
		substring(digest, 0, 12),
		substring(input.subject.digest, 0, 12),
	])
}
