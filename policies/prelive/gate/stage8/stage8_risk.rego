package gate.stage8

# Risk parameters under change control.

check_risk_parameters_approved := data.gate.lib.check([
	data.gate.lib.contains_all(
		"risk_parameters",
		input.facts.risk_parameters.found,
		data.gate.params.stage8.required_risk_parameters,
	),
	data.gate.lib.none_of("cannot_be_told", values_not_told(input.facts.risk_parameters)),
	data.gate.lib.none("conflicting_parameters", input.facts.risk_parameters.conflicting),
	data.gate.lib.none_of("limits_without_effect", limits_without_effect(input.facts.risk_parameters.parameters)),
	data.gate.lib.none_of(
		"approved_version_missing",
		data.gate.lib.baseline_missing(input.facts.risk_parameters.baseline),
	),
	data.gate.lib.none_of("changes_not_approved", changes_not_approved(input.facts.risk_parameters)),
])

# METADATA
# title: The risk parameters are the approved ones
# description: >-
#   Each risk parameter is a number at a declared place and the same everywhere, and no limit is above one that contains
#   it. None changed since the approved
#   version unless the risk officer signed this stage. A value that cannot be told is never approved. Without an
#   approved version nothing is compared, and a warning says so.
# custom:
#   short_name: risk_parameters_approved
#   severity: HIGH
#   risk: Limits on losses were loosened without approval.
#   solution: >-
#     Undo the change, or have the risk officer review it and sign this stage. Where a value cannot be told, write it
#     as a plain number in one place and import it from there.
#   owner: risk_officer
#   controls: [gate:stage8]
#   facts:
#     - risk_parameters.found
#     - risk_parameters.unknown
#     - risk_parameters.unknown_total
#     - risk_parameters.parameters
#     - risk_parameters.conflicting
#     - signoffs.signoffs
#   optional_facts: [risk_parameters.baseline, risk_parameters.changes, risk_parameters.changed]
deny_risk_parameters_approved contains result if some result in data.gate.lib.violations(
	"stage8.risk_parameters_approved", check_risk_parameters_approved,
	"A risk parameter is not the approved one",
)

warn_risk_parameters_approved contains remark if {
	some remark in data.gate.lib.baseline_remarks(
		"stage8.risk_parameters_approved",
		input.facts.risk_parameters.baseline,
		"No approved version of the risk parameters is named: they were not compared with any",
	)
}

warn_risk_parameters_approved contains {"code": "stage8.risk_parameters_approved", "msg": msg} if {
	data.gate.lib.accepted("stage8", data.gate.params.stage8.risk_parameter_roles) == true
	some change in parameter_changes(input.facts.risk_parameters)
	msg := sprintf("Accepted by sign-off: %s", [change.text])
}

values_not_told(facts) := listed | data.gate.lib.not_listed(facts.unknown, facts.unknown_total) if {
	listed := {{"term": place.name, "text": text, "path": place.path, "line": place.line} |
		some place in facts.unknown
		text := sprintf("%s cannot be told at %s: %s", [place.name, place_of(place), place.text])
	}
}

place_of(place) := place.path if {
	place.line == null
} else := sprintf("%s:%v", [place.path, place.line])

changes_not_approved(facts) := [] if {
	data.gate.lib.accepted("stage8", data.gate.params.stage8.risk_parameter_roles) == true
} else := parameter_changes(facts)

parameter_changes(facts) := [] if {
	facts.changes == null
} else := listed | data.gate.lib.not_listed(facts.changes, facts.changed) if {
	listed := {{"term": change.name, "text": change_text(change), "path": change.path} | some change in facts.changes}
}

change_text(change) := sprintf("%s added with %v in %s", [change.name, change.after, change.path]) if {
	change.change == "added"
} else := sprintf("%s removed from %s, was %v", [change.name, change.path, change.before]) if {
	change.change == "removed"
} else := sprintf("%s changed from %v to %v in %s", [change.name, change.before, change.after, change.path])

# --- what limits that stand in several places say of one another ---------------------------------------------------------

limits_without_effect(parameters) := {{"term": inner.name, "text": text, "path": inner.path} |
	some name, around in data.gate.params.stage8.risk_parameters_within.value
	some inner in parameters
	inner.name == name
	some outer in parameters
	outer.name == around
	data.gate.lib.greater(inner.micro, outer.micro) == true
	text := sprintf("%s is %s (%s), above %s, which is %s (%s)", [
		name,
		inner.value,
		place_of(inner),
		around,
		outer.value,
		place_of(outer),
	])
}

caps_beyond_code(plan) := {{"term": term, "text": text, "path": plan.file, "line": step.line} |
	some step in plan.steps
	some parameter in data.gate.stage8.defined(data.gate.params.stage8.cap_parameter.value)
	data.gate.lib.greater(step.cap_ppm, parameter.micro) == true
	term := sprintf("cap of %s", [data.gate.stage8.step_name(step)])
	text := sprintf("%s:%v caps a position at %v ppm of the capital, %s is %s in the code (%s)", [
		plan.file,
		step.line,
		step.cap_ppm,
		parameter.name,
		parameter.value,
		place_of(parameter),
	])
}
