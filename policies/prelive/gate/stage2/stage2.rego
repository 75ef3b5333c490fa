# METADATA
# title: Hierarchical breakdown
# description: The integration is broken down into the eight stages, and the architecture is approved.
# custom:
#   question: Is the integration broken down into stages?
package gate.stage2

check_flow_stages_defined := data.gate.lib.check([data.gate.lib.contains_all(
	"stages_defined",
	[stage.stage | some stage in input.facts.integration_flow.stages],
	data.gate.params.stage2.stages,
)])

# METADATA
# title: The integration flow defines every stage
# description: The integration-flow document describes each of the eight stages.
# custom:
#   short_name: flow_stages_defined
#   severity: HIGH
#   risk: A step of the integration is left out, and nobody notices.
#   solution: Describe the missing stages in the integration-flow document.
#   owner: cto
#   controls: [gate:stage2]
#   facts: [integration_flow.file, integration_flow.stages]
deny_flow_stages_defined contains result if some result in data.gate.lib.violations(
	"stage2.flow_stages_defined", check_flow_stages_defined,
	"The integration flow does not define a stage",
)

check_flow_stages_complete := data.gate.lib.check([
	data.gate.lib.at_least(
		"stages_described",
		input.facts.integration_flow.stages_defined,
		data.gate.params.stage2.stages_described_min,
	),
	data.gate.lib.none_of("incomplete_stages", incomplete_stages(input.facts.integration_flow.stages)),
])

# METADATA
# title: Every stage has input, output and gate
# description: Each stage of the integration flow states its input, its output and what must hold to go on.
# custom:
#   short_name: flow_stages_complete
#   severity: HIGH
#   risk: Teams hand over at different points, and gaps stay open.
#   solution: State the missing input, output or gate condition of the stages named.
#   owner: cto
#   controls: [gate:stage2]
#   facts: [integration_flow.stages_defined, integration_flow.stages]
deny_flow_stages_complete contains result if some result in data.gate.lib.violations(
	"stage2.flow_stages_complete", check_flow_stages_complete,
	"A stage of the integration flow is incomplete",
)

incomplete_stages(stages) := {{"term": stage.stage, "text": sprintf("%s has no %s", [stage.stage, part])} |
	some stage in stages
	some part, present in {"input": stage.has_input, "output": stage.has_output, "gate": stage.has_gate}
	present != true
}

check_architecture_approved := data.gate.lib.check(data.gate.lib.governance(
	"stage2",
	data.gate.params.stage2.architecture_roles,
))

# METADATA
# title: The architecture is approved
# description: >-
#   The required roles approved exactly this source and this evidence with valid keys. Nobody approved their own
#   change, and nobody who may stop the stage rejected it.
# custom:
#   short_name: architecture_approved
#   severity: CRITICAL
#   risk: A design that nobody approved is built.
#   solution: >-
#     Have the required roles review the integration flow and sign it (`gate signoff stage2 --role ROLE`); sign again
#     after every change.
#   owner: cto
#   controls: [gate:stage2]
#   facts: [signoffs.signoffs]
deny_architecture_approved contains result if some result in data.gate.lib.violations(
	"stage2.architecture_approved", check_architecture_approved,
	"The architecture is not approved",
)

condition_architecture_approved contains condition if {
	some condition in data.gate.lib.signoff_conditions(
		"stage2.architecture_approved",
		"stage2",
		data.gate.params.stage2.architecture_roles,
	)
}
