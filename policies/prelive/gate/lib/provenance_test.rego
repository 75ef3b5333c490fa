package gate.lib

test_current_holds_without_a_limit_and_for_each_accepted_relation if {
	every relation in ["same", "same_commit", "unstated"] {
		about := {"tests": data.gate.ready.evidence({"age_s": null, "max_age_s": null, "fresh": null, "sources": relation})}
		current(about) == [
			{"name": "evidence_too_old", "op": "∅", "actual": [], "expected": [], "unit": "list", "holds": true, "terms": []},
			{"name": "evidence_of_other_sources", "op": "∅", "actual": [], "expected": [], "unit": "list", "holds": true, "terms": []},
		]
	}
}

test_current_names_each_piece_of_evidence_and_what_is_wrong if {
	about := {
		"coverage": data.gate.ready.evidence({"observed_at_s": null, "age_s": null, "fresh": false, "sources": "other"}),
		"paper": data.gate.ready.evidence({"age_s": -1, "fresh": false, "sources": "dirty"}),
		"tests": data.gate.ready.evidence({"age_s": 604801, "fresh": false}),
	}
	current(about) == [
		{
			"name": "evidence_too_old",
			"op": "∅",
			"actual": [
				"age of coverage: states no time; it may be at most 604800 s old",
				"age of paper: -1 s old; it may be 0 to 604800 s old",
				"age of tests: 604801 s old; it may be 0 to 604800 s old",
			],
			"expected": [],
			"unit": "list",
			"holds": false,
			"terms": ["age of coverage", "age of paper", "age of tests"],
		},
		{
			"name": "evidence_of_other_sources",
			"op": "∅",
			"actual": ["sources of coverage: other (made from other sources), accepted: same, same_commit, unstated", "sources of paper: dirty (made from this commit with changes then or now), accepted: same, same_commit, unstated"],
			"expected": [],
			"unit": "list",
			"holds": false,
			"terms": ["sources of coverage", "sources of paper"],
		},
	]
}

# An auditor may refuse evidence that does not say what it was made from.
test_relations_have_words if {
	relation_text("unstated") == "unstated (does not state what it was made from)"
	relation_text("same") == "same (made from what is judged)"
	relation_text("new") == "new (which is not known here)"
	relation_text("same_commit") == "same_commit (made from this commit, does not state whether there were changes)"
}
