package gate.lib

# Facts about the evidence itself, by collector: whether it is as recent as the operator asks for, and whether it was
# made from what is judged.

# The operands of a rule "the evidence of the stage is current".
current(about) := [
	data.gate.lib.none_of("evidence_too_old", too_old(about)),
	data.gate.lib.none_of("evidence_of_other_sources", of_other_sources(about)),
]

# --- inside --------------------------------------------------------------------------------------------------------

# The terms of the two operands differ, so that a waiver of one is none of the other.

# Without a limit of the operator's (null) nothing is too old here; what the policies demand are rules of their own.
too_old(about) := {{"term": term, "text": sprintf("%s: %s", [term, age_text(evidence)])} |
	some collector, evidence in about
	evidence.fresh == false
	term := sprintf("age of %s", [collector])
}

age_text(evidence) := sprintf("states no time; it may be at most %v s old", [evidence.max_age_s]) if {
	evidence.age_s == null
} else := sprintf("%v s old; it may be 0 to %v s old", [evidence.age_s, evidence.max_age_s])

of_other_sources(about) := {{"term": term, "text": text} |
	some collector, evidence in about
	accepted := data.gate.params.common.accepted_sources.value
	some refused in data.gate.lib.others(evidence.sources, accepted)
	term := sprintf("sources of %s", [collector])
	text := sprintf("%s: %s", [term, data.gate.lib.not_among(relation_text(refused), accepted)])
}

# A relation without words here is still reported.
relation_text(relation) := sprintf("%s (%s)", [relation, words]) if {
	words := object.get(
		{
			"same": "made from what is judged",
			"same_commit": "made from this commit, does not state whether there were changes",
			"unstated": "does not state what it was made from",
			"dirty": "made from this commit with changes then or now",
			"other": "made from other sources",
		},
		relation,
		"which is not known here",
	)
}
