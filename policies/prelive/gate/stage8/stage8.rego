# METADATA
# title: Go-live decision
# description: Everyone responsible approved going live, and the way back was rehearsed.
# custom:
#   question: May it go live?
package gate.stage8

check_governance_signed := data.gate.lib.check(data.gate.lib.governance(
	"stage8",
	data.gate.params.stage8.required_roles,
))

# METADATA
# title: Going live is signed by every required role
# description: >-
#   For each required role, someone who may act in it approved exactly this source and this evidence with a valid key.
#   Nobody signed in two roles or approved their own change, and nobody who may stop the stage rejected it.
# custom:
#   short_name: governance_signed
#   severity: CRITICAL
#   risk: Capital is put at risk without anybody answering for it.
#   solution: >-
#     Have the risk officer, the CTO and the lead trader review the evidence and sign (`gate signoff stage8 --role ROLE`);
#     sign again after every change.
#   owner: risk_officer
#   controls: [gate:stage8]
#   facts: [signoffs.signoffs]
deny_governance_signed contains result if some result in data.gate.lib.violations(
	"stage8.governance_signed", check_governance_signed,
	"Going live is not approved",
)

condition_governance_signed contains condition if {
	some condition in data.gate.lib.signoff_conditions(
		"stage8.governance_signed",
		"stage8",
		data.gate.params.stage8.required_roles,
	)
}

check_rollback_documented := data.gate.lib.check([
	data.gate.lib.none_of(
		"sections_not_filled",
		rollback_sections_not_filled(data.gate.params.stage8.rollback_sections.value),
	),
	data.gate.lib.contains_all("triggers", input.facts.rollback.triggers, data.gate.params.stage8.rollback_triggers),
	data.gate.lib.contains_all("steps", input.facts.rollback.steps, data.gate.params.stage8.rollback_steps),
	data.gate.lib.none_of(
		"order",
		data.gate.lib.out_of_order(
			input.facts.rollback.steps,
			data.gate.params.stage8.drill_steps.value,
		),
	),
])

# METADATA
# title: The rollback procedure is documented
# description: >-
#   The procedure says when to roll back, how, and how to confirm that it worked, with every trigger and every step.
# custom:
#   short_name: rollback_documented
#   severity: HIGH
#   risk: In an emergency nobody knows what to do first.
#   solution: Add the missing sections, triggers and steps to the rollback procedure.
#   owner: devops_lead
#   controls: [gate:stage8]
#   facts:
#     - rollback.file
#     - rollback.sections.triggers
#     - rollback.sections.steps
#     - rollback.sections.recovery
#     - rollback.triggers
#     - rollback.steps
deny_rollback_documented contains result if some result in data.gate.lib.violations(
	"stage8.rollback_documented", check_rollback_documented,
	"The rollback procedure is incomplete",
)

rollback_sections_not_filled(sections) := {{"term": section, "text": sprintf("%s: %v", [section, state])} |
	some section in sections
	state := object.get(input.facts.rollback, ["sections", section], null)
	state != data.gate.params.stage8.section_state.value
}

check_rollback_verified := data.gate.lib.check(array.concat(
	[
		data.gate.lib.below(
			"recovery",
			input.facts.rollback.drill.total_recovery_ms,
			data.gate.params.stage8.recovery_max,
		),
		data.gate.lib.below(
			"cancel_orders",
			input.facts.rollback.drill.cancel_orders_ms,
			data.gate.params.stage8.cancel_orders_max,
		),
		data.gate.lib.is_true("all_flat", input.facts.rollback.drill.all_flat),
		data.gate.lib.equals(
			"open_orders",
			input.facts.rollback.drill.open_orders,
			data.gate.params.stage8.open_orders,
		),
		data.gate.lib.is_true("logs_archived", input.facts.rollback.drill.logs_archived),
	],
	array.concat(
		data.gate.lib.between(
			"nav_delta",
			input.facts.rollback.drill.nav_delta_ppm,
			data.gate.params.stage8.nav_delta_min,
			data.gate.params.stage8.nav_delta_max,
		),
		data.gate.lib.between(
			"drill_age",
			data.gate.lib.age_s(input.facts.rollback.drill.performed_at_s),
			data.gate.params.stage8.drill_age_min,
			data.gate.params.stage8.drill_age_max,
		),
	),
))

# METADATA
# title: The rollback was rehearsed
# description: >-
#   A recent drill recovered in time: orders cancelled, all positions flat, the account's value kept and the logs
#   archived.
# custom:
#   short_name: rollback_verified
#   severity: CRITICAL
#   risk: In an emergency the rollback does not work, or takes too long.
#   solution: Run a rollback drill and record it; fix what took too long or was left open.
#   owner: devops_lead
#   controls: [gate:stage8]
#   facts:
#     - rollback.drill.performed_at_s
#     - rollback.drill.total_recovery_ms
#     - rollback.drill.cancel_orders_ms
#     - rollback.drill.all_flat
#     - rollback.drill.open_orders
#     - rollback.drill.nav_delta_ppm
#     - rollback.drill.logs_archived
deny_rollback_verified contains result if some result in data.gate.lib.violations(
	"stage8.rollback_verified", check_rollback_verified,
	"The rollback drill did not reach its targets",
)

check_kill_switch_verified := data.gate.lib.check(array.concat(
	[data.gate.lib.none_of(
		"switches_not_verified",
		switches_not_verified(data.gate.params.stage8.kill_switches.value),
	)],
	array.concat(
		[operand |
			some name in switch_names(data.gate.params.stage8.kill_switches.value)
			reactions(name) != []
			operand := data.gate.lib.at_most(
				sprintf("%s_reaction", [name]),
				max(reactions(name)),
				data.gate.params.stage8.kill_switch_reaction_max,
			)
		],
		data.gate.lib.between(
			"verification_age",
			data.gate.lib.age_s(input.facts.kill_switch.verified_at_s),
			data.gate.params.stage8.kill_switch_age_min,
			data.gate.params.stage8.kill_switch_age_max,
		),
	),
))

# METADATA
# title: The kill switches were exercised
# description: >-
#   Each required switch was triggered recently and on purpose, just beyond the threshold that the code has, and halted
#   trading in time; just short of the threshold it did not fire. Every other switch that is recorded halted trading in
#   time, too. The record states who exercised them.
# custom:
#   short_name: kill_switch_verified
#   severity: CRITICAL
#   risk: Losses run on after the limit at which trading must stop.
#   solution: >-
#     Exercise the switches named, just short of their threshold and just beyond it, and record both results; fix a switch that
#     did not halt.
#   owner: risk_officer
#   controls: [gate:stage8]
#   facts:
#     - kill_switch.file
#     - kill_switch.switches
#     - kill_switch.contradictions
#     - kill_switch.verified_at_s
#     - risk_parameters.parameters
deny_kill_switch_verified contains result if some result in data.gate.lib.violations(
	"stage8.kill_switch_verified", check_kill_switch_verified,
	"A kill switch is not verified",
)

switches_not_verified(names) := ({{"term": name, "text": sprintf("%s: %s", [name, problem])} |
	some name in names
	some problem in switch_problems(name)
} | {{"term": switch.name, "text": sprintf("%s: %s", [switch.name, problem])} |
	some switch in input.facts.kill_switch.switches
	some problem in unshown(switch)
}) | {{"term": one.place, "text": sprintf("%s %s", [one.place, one.text])} |
	some one in input.facts.kill_switch.contradictions
}

# The required switches and all others that are recorded.
switch_names(names) := sort({name | some name in names} | {switch.name | some switch in input.facts.kill_switch.switches})

# What any recorded switch has to show, required or not.
unshown(switch) := {text |
	some text, done in {"did not trigger": switch.triggered, "did not halt": switch.halted}
	done != true
}

switch_problems(name) := {"not exercised"} if {
	reactions(name) == []
} else := {problem |
	some switch in input.facts.kill_switch.switches
	switch.name == name
	some problem in array.concat(threshold_problems(switch), rehearsal_problems(switch))
}

threshold_problems(switch) := ["its threshold is not stated"] if {
	switch.threshold == null
} else := [text |
	some text in {sprintf("its threshold is %s, the code has %s", [switch.threshold, value]) |
		some value in code_values(switch.name)
		value != switch.threshold
	}
]

# What the code has as the threshold; more than one value where it is defined more than once.
code_values(name) := {"none"} if {
	defined(name) == []
} else := {told(parameter.value) | some parameter in defined(name)}

defined(name) := [parameter |
	some parameter in input.facts.risk_parameters.parameters
	parameter.name == name
]

told(value) := "a value that cannot be told" if {
	value == null
} else := value

# What the two tests, just beyond the threshold and just short of it, do not show.
rehearsal_problems(switch) := [text |
	side := object.get(data.gate.params.stage8.kill_switch_breach_side.value, switch.name, null)
	farthest := data.gate.params.stage8.kill_switch_distance_max.value
	some text, shown in {
		"the value that triggered it does not breach the threshold": switch.observed_side == side,
		"the value that triggered it is far beyond the threshold": near(switch.observed_distance_ppm, farthest),
		"no test just short of the threshold is recorded": switch.just_below_triggered != null,
		"it fired just short of the threshold": switch.just_below_triggered != true,
		"the test just short of the threshold breaches it": switch.just_below_side != side,
		"the test just short of the threshold is far from it": near(switch.just_below_distance_ppm, farthest),
	}
	shown == false
]

# Whether a distance is small enough; one that is not known is not named here, as another finding says so.
near(distance, farthest) := false if {
	distance != null
	distance > farthest
} else := true

reactions(name) := [switch.reaction_ms |
	some switch in input.facts.kill_switch.switches
	switch.name == name
]

check_evidence_current := data.gate.lib.check(data.gate.lib.current({
	"rollback": input.facts.provenance.rollback,
	"kill_switch": input.facts.provenance.kill_switch,
}))

# METADATA
# title: The rehearsals are not known to be stale or from other sources
# description: >-
#   The rollback drill and the kill-switch verification are as recent as the operator asks for, and not known to come
#   from other sources. If they do not state their sources, nothing is known about them.
# custom:
#   short_name: evidence_current
#   severity: HIGH
#   risk: The rehearsals may be of another system.
#   solution: >-
#     Repeat the drill or the verification with the sources that are judged, then run `gate provenance` right away.
#   owner: devops_lead
#   controls: [gate:stage8]
#   facts: [provenance.rollback.sources, provenance.kill_switch.sources]
deny_evidence_current contains result if some result in data.gate.lib.violations(
	"stage8.evidence_current", check_evidence_current,
	"A rehearsal is not current",
)

check_checklist_score := data.gate.lib.check([data.gate.lib.at_least(
	"checklist_score",
	input.facts.checklist.score_ppm,
	data.gate.params.stage8.checklist_score_min,
)])

# METADATA
# title: The pre-live checklist is done
# description: The weighted share of ticked items of the pre-live checklist reaches the threshold.
# custom:
#   short_name: checklist_score
#   severity: HIGH
#   risk: Open points are found by the market.
#   solution: Complete and tick the open items of the pre-live checklist.
#   owner: qa_lead
#   controls: [gate:stage8]
#   facts: [checklist.score_ppm]
deny_checklist_score contains result if some result in data.gate.lib.violations(
	"stage8.checklist_score", check_checklist_score,
	"Too much of the pre-live checklist is open",
)

check_scale_up_plan := data.gate.lib.check([
	data.gate.lib.none("steps_missing", steps_missing(input.facts.scale_up.steps)),
	data.gate.lib.none_of("steps_unguarded", steps_unguarded(input.facts.scale_up.steps)),
	data.gate.lib.none_of("steps_too_large", steps_too_large(input.facts.scale_up.steps)),
	data.gate.lib.none_of("caps_beyond_code", data.gate.stage8.caps_beyond_code(input.facts.scale_up)),
])

# METADATA
# title: Capital is scaled up step by step
# description: >-
#   The plan has the required steps, each with a position cap and a review schedule, and no step uses more capital than
#   its weeks allow. No cap is above the code's own limit on a position.
# custom:
#   short_name: scale_up_plan
#   severity: MEDIUM
#   risk: A fault meets the whole capital on the first day.
#   solution: Align the scale-up plan with the required steps, each with a position cap and a review schedule.
#   owner: risk_officer
#   controls: [gate:stage8]
#   facts: [scale_up.file, scale_up.steps, risk_parameters.parameters]
deny_scale_up_plan contains result if some result in data.gate.lib.violations(
	"stage8.scale_up_plan", check_scale_up_plan,
	"The scale-up plan is not the required one",
)

steps_missing(steps) := {step_name(wanted) |
	some wanted in data.gate.params.stage8.scale_up_steps.value
	same := [step |
		some step in steps
		step.from_week == wanted.from_week
		step.to_week == wanted.to_week
		step.capital_ppm == wanted.capital_ppm
	]
	same == []
}

steps_unguarded(steps) := {{"term": step_name(step), "text": sprintf("%s has no %s", [step_name(step), part])} |
	some step in steps
	some part, present in {"position cap": step.position_cap, "review schedule": step.review}
	present != true
}

# A step is too large when it uses more capital than the required plan has reached by its first week.
steps_too_large(steps) := {{"term": step_name(step), "text": text} |
	some step in steps
	begun := [wanted.capital_ppm |
		some wanted in data.gate.params.stage8.scale_up_steps.value
		wanted.from_week <= step.from_week
	]
	some allowed in largest(begun)
	step.capital_ppm > allowed
	text := sprintf("%s is above %v ppm", [step_name(step), allowed])
}

# The most capital that any step begun so far allows; nothing before the first one begins.
largest(allowed) := {max(allowed)} if {
	allowed != []
} else := {data.gate.params.stage8.capital_before_plan.value}

step_name(step) := sprintf("weeks %v to %v: %v ppm", [step.from_week, last_week(step.to_week), step.capital_ppm])

last_week(week) := "end" if {
	week == null
} else := week

check_tree_clean := data.gate.lib.check([data.gate.lib.none(
	"uncommitted_changes",
	uncommitted_changes(input.subject.dirty),
)])

# METADATA
# title: Nothing is uncommitted
# description: >-
#   The working tree has no uncommitted changes. Without git, or before the first commit, this cannot be told.
# custom:
#   short_name: tree_clean
#   severity: MEDIUM
#   risk: What goes live is not what was committed and reviewed.
#   solution: Commit or discard the changes, then judge again.
#   owner: devops_lead
#   controls: [gate:stage8]
#   facts: [artifacts.commit]
deny_tree_clean contains result if some result in data.gate.lib.violations(
	"stage8.tree_clean", check_tree_clean,
	"The working tree has uncommitted changes",
)

uncommitted_changes(dirty) := {"working tree" | dirty == true}
