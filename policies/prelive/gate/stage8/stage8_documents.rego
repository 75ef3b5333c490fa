package gate.stage8

# What documents and records say in detail: rollback limits, the drill's steps and account, the checklist, earlier decisions.

check_rollback_limits := data.gate.lib.check([
	data.gate.lib.none_of("limits", limits_refused(input.facts.rollback.limits)),
	data.gate.lib.contains_all("checks", input.facts.rollback.checks, data.gate.params.stage8.recovery_checks),
])

# METADATA
# title: The rollback procedure says at what it begins and when it has worked
# description: >-
#   Each trigger states a number that is no looser than the agreed one, and the recovery is checked as agreed.
# custom:
#   short_name: rollback_limits
#   severity: HIGH
#   risk: Trading goes on where the agreed limits say stop.
#   solution: State the agreed limits and recovery checks in the rollback procedure, as numbers.
#   owner: risk_officer
#   controls: [gate:stage8]
#   facts: [rollback.file, rollback.limits, rollback.checks]
deny_rollback_limits contains result if some result in data.gate.lib.violations(
	"stage8.rollback_limits", check_rollback_limits,
	"A limit or a check of the rollback is not the agreed one",
)

limits_refused(limits) := (too_high | too_low) | unstated if {
	highest := data.gate.params.stage8.rollback_limits_at_most.value
	lowest := data.gate.params.stage8.rollback_limits_at_least.value
	too_high := {{"term": one.trigger, "text": limit_text(one, "at most", most)} |
		some one in limits
		some name, most in highest
		one.trigger == name
		data.gate.lib.greater(one.micro, most) == true
	}
	too_low := {{"term": one.trigger, "text": limit_text(one, "at least", least)} |
		some one in limits
		some name, least in lowest
		one.trigger == name
		data.gate.lib.greater(least, one.micro) == true
	}
	unstated := {{"term": name, "text": sprintf("%s states no number, or one on the wrong side of it", [name])} |
		some name, _ in object.union(highest, lowest)
		stated := [one | some one in limits; one.trigger == name; is_number(one.micro)]
		stated == []
	}
}

limit_text(one, word, limit) := sprintf("%s is %v at line %v, %s %v is agreed (millionths)", [
	one.trigger,
	one.micro,
	one.line,
	word,
	limit,
])

check_drill_steps := data.gate.lib.check([
	data.gate.lib.contains_all(
		"steps",
		[one.step | some one in input.facts.rollback.drill.steps],
		data.gate.params.stage8.drill_steps,
	),
	data.gate.lib.none_of(
		"order",
		data.gate.lib.out_of_order(
			[one.step | some one in input.facts.rollback.drill.steps],
			data.gate.params.stage8.drill_steps.value,
		),
	),
	data.gate.lib.none_of("contradictions", drill_contradictions(input.facts.rollback.drill.contradictions)),
])

# METADATA
# title: The drill went through every step in order
# description: >-
#   The record of the drill has the required steps in their order, its figures are those of the steps, and it states who
#   ran the drill and for which trigger.
# custom:
#   short_name: drill_steps
#   severity: CRITICAL
#   risk: A step fails in the emergency because nobody tried it.
#   solution: Run the whole procedure in a drill, and record each step as it is finished.
#   owner: devops_lead
#   controls: [gate:stage8]
#   facts: [rollback.drill_file, rollback.drill.steps, rollback.drill.contradictions]
deny_drill_steps contains result if some result in data.gate.lib.violations(
	"stage8.drill_steps", check_drill_steps,
	"The drill does not show the whole rollback",
)

drill_contradictions(found) := {{"term": one.place, "text": sprintf("%s: %s", [one.place, one.text])} |
	some one in found
}

check_drill_not_simulated := data.gate.lib.check([data.gate.lib.none(
	"drill_account",
	drill_account(input.facts.rollback.drill),
)])

# METADATA
# title: The drill ran on a paper account of the broker
# description: >-
#   If the record names the account of the drill, that one is not simulated, has a paper prefix, and is the account that
#   was probed.
# custom:
#   short_name: drill_not_simulated
#   severity: CRITICAL
#   risk: A simulator cancels and fills orders as no broker does, so the way back is not tried.
#   solution: Run the drill on the paper account of the broker.
#   owner: devops_lead
#   controls: [gate:stage8]
#   facts: [rollback.drill_file]
#   optional_facts: [rollback.drill.simulated, rollback.drill.account_prefix, rollback.drill.same_account]
deny_drill_not_simulated contains result if some result in data.gate.lib.violations(
	"stage8.drill_not_simulated", check_drill_not_simulated,
	"The drill did not run on a paper account of the broker",
)

# What is wrong with the account that the record names; nothing where it names none.
drill_account(drill) := ({"simulated" | drill.simulated == true} | {"another account" | drill.same_account == false}) | {drill.account_prefix |
	is_string(drill.account_prefix)
	count(data.gate.lib.others(drill.account_prefix, data.gate.params.stage6.account_prefixes.value)) > 0
}

check_checklist_agreed := data.gate.lib.check([data.gate.lib.none_of(
	"categories",
	categories_refused(input.facts.checklist.categories),
)])

# METADATA
# title: The checklist is the agreed one
# description: Each agreed category is there with its points and at least its number of items, and there is no other.
# custom:
#   short_name: checklist_agreed
#   severity: HIGH
#   risk: A shortened checklist calls an unfinished system ready.
#   solution: Give the categories of the pre-live checklist the agreed points and items.
#   owner: qa_lead
#   controls: [gate:stage8]
#   facts: [checklist.points_sum, checklist.categories]
deny_checklist_agreed contains result if some result in data.gate.lib.violations(
	"stage8.checklist_agreed", check_checklist_agreed,
	"The checklist is not the agreed one",
)

categories_refused(categories) := ((absent | others) | moved) | thin if {
	agreed := data.gate.params.stage8.checklist_points.value
	items := data.gate.params.stage8.checklist_items_min.value
	absent := {{"term": name, "text": sprintf("%s is not there", [name])} |
		some name, _ in agreed
		same := [one | some one in categories; one.id == name]
		same == []
	}
	others := {{"term": one.name, "text": sprintf("%s is no agreed category", [one.name])} |
		some one in categories
		object.get(agreed, one.id, null) == null
	}
	moved := {{"term": one.id, "text": text} |
		some one in categories
		some name, points in agreed
		one.id == name
		one.points != points
		text := sprintf("%s has %v points, agreed are %v", [name, one.points, points])
	}
	thin := {{"term": one.id, "text": text} |
		some one in categories
		some name, least in items
		one.id == name
		data.gate.lib.greater(least, one.items) == true
		text := sprintf("%s has %v items, at least %v are agreed", [name, one.items, least])
	}
}

check_decisions_agree := data.gate.lib.check([
	data.gate.lib.none_of(
		"decisions",
		decisions_refused(input.facts.artifacts.decisions, data.gate.params.stage8.accepted_decisions.value),
	),
	data.gate.lib.none_of("contradictions", decision_contradictions(input.facts.artifacts.decisions)),
	data.gate.lib.none_of(
		"signers",
		signers_left_out(input.facts.artifacts.decisions, data.gate.params.stage8.required_roles.value),
	),
	data.gate.lib.none_of(
		"people",
		one_for_all(input.facts.artifacts.decisions, data.gate.params.stage8.required_roles.value),
	),
	data.gate.lib.none_of("times", decision_times(input.facts.artifacts.decisions, data.gate.params.stage8)),
])

# METADATA
# title: The recorded decisions agree
# description: >-
#   The verification log and the decision document state an accepted decision, which follows from their stages,
#   and they do not contradict each other or their own figures. Every required role has signed by the log and by the
#   document's table, each by another person. They are of the last month, and none is from the future.
# custom:
#   short_name: decisions_agree
#   severity: HIGH
#   risk: Documents in use say something else than what was decided.
#   solution: Delete the documents that are out of date, judge again, and let gate write them anew.
#   owner: risk_officer
#   controls: [gate:stage8]
#   facts: [artifacts.decisions]
deny_decisions_agree contains result if some result in data.gate.lib.violations(
	"stage8.decisions_agree", check_decisions_agree,
	"A recorded decision does not agree",
)

decisions_refused(decisions, accepted) := {{"term": one.path, "text": sprintf("%s: %s", [one.path, text]), "path": one.path} |
	some one in decisions
	some refused in data.gate.lib.others(one.decision, accepted)
	text := decision_text(refused)
}

decision_text(decision) := "states no decision" if {
	decision == null
} else := sprintf("says %s", [decision])

decision_contradictions(decisions) := {{"term": sprintf("%s contradicts", [one.path]), "text": text, "path": one.path} |
	some one in decisions
	some contradiction in one.contradictions
	text := sprintf("%s: %s", [one.path, contradiction])
}

signers_left_out(decisions, roles) := {{"term": term, "text": text, "path": one.path} |
	some one in decisions
	signers := object.get(one, "signers", null)
	is_array(signers)
	some role in roles
	same := [signer | some signer in signers; signer == role]
	same == []
	term := sprintf("%s leaves out %s", [one.path, role])
	text := sprintf("%s: does not say that %s signed", [one.path, role])
}

# Required roles that one person or one key fills.
one_for_all(decisions, required) := {{"term": term, "text": text, "path": one.path} |
	some one in decisions
	some roles in one.same_person
	filled := [role |
		some role in roles
		some wanted in required
		role == wanted
	]
	count(filled) > 1
	term := sprintf("%s: one person", [one.path])
	text := sprintf("%s: one person or key signed as %s", [one.path, concat(" and ", filled)])
}

decision_times(decisions, params) := {{"term": term, "text": text, "path": one.path} |
	some one in decisions
	some what in time_problems(one, params)
	term := sprintf("%s: time", [one.path])
	text := sprintf("%s: %s", [one.path, what])
}

time_problems(one, params) := {"states a time in the future" |
	data.gate.lib.greater(params.decision_age_min.value, data.gate.lib.age_s(one.latest_at_s)) == true
} | {sprintf("was decided %v s ago, at most %v s are accepted", [age, params.decision_age_max.value]) |
	age := data.gate.lib.age_s(one.stated_at_s)
	data.gate.lib.greater(age, params.decision_age_max.value) == true
}

check_evidence_committed := data.gate.lib.check([data.gate.lib.none(
	"uncommitted_evidence",
	uncommitted_evidence(input.facts.provenance),
)])

# METADATA
# title: No evidence is edited and uncommitted
# description: >-
#   Every file of evidence that the commit has is there with exactly its bytes. Without git, or before the first
#   commit, this cannot be told.
# custom:
#   short_name: evidence_committed
#   severity: MEDIUM
#   risk: Evidence was changed after it was made.
#   solution: Commit the changed evidence or restore it, then judge again.
#   owner: devops_lead
#   controls: [gate:stage8]
#   facts: [artifacts.commit]
deny_evidence_committed contains result if some result in data.gate.lib.violations(
	"stage8.evidence_committed", check_evidence_committed,
	"Evidence differs from the commit",
)

uncommitted_evidence(provenance) := {path |
	some about in provenance
	some path in object.get(about, "uncommitted", [])
}
