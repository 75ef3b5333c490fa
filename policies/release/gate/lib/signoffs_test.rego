package gate.lib

# When a sign-off counts, whichever stage it is for.

roles_of_tests := {"value": ["release_manager", "security_lead"], "unit": "list"}

approval(changes) := data.gate.ready.signoff("release", "release_manager", changes)

by_security(changes) := data.gate.ready.signoff("release", "security_lead", changes)

with_signoffs(signoffs) := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": signoffs}}})

why_not_counted(changes) := reasons if {
	reasons := refusals(approval(changes)) with input as with_signoffs([])
}

terms_of(signoffs) := {one.name: one.terms |
	compared := governance("release", roles_of_tests) with input as with_signoffs(signoffs)
	some one in compared
	object.get(one, "terms", []) != []
}

test_both_roles_have_approved if {
	terms_of([approval({}), by_security({})]) == {}
	both := accepted("release", roles_of_tests) with input as with_signoffs([approval({}), by_security({})])
	both == true
	one := accepted("release", roles_of_tests) with input as with_signoffs([approval({})])
	one == false
}

test_each_reason_not_to_count if {
	why_not_counted({}) == []
	why_not_counted({"signature": "invalid"}) == ["the signature is invalid"]
	why_not_counted({"signature": "revoked"}) == ["the key is revoked"]
	why_not_counted({"signature": "revoked", "principal": null, "role_authorised": false}) == ["the key is revoked"]
	why_not_counted({"principal": null, "key": null}) == ["the signer is not known", "the key is not known"]
	why_not_counted({"role_authorised": false}) == ["the signer may not sign as release_manager"]
	why_not_counted({"subject": "eeee"}) == ["it was given for other sources"]
	why_not_counted({"evidence": "eeee"}) == ["it was given for other evidence"]
	why_not_counted({"policy": {"version": "0.9.0", "digest": "eeeeeeeeee"}}) == ["it was signed under policy 0.9.0 (eeeeeeee…), now 1.0.0 (bbbbbbbb…)"]
	why_not_counted({"principal": "AUTHOR@example.com"}) == ["its signer is the author of the change"]
}

# The bounds of a key are inclusive, and one that is absent does not limit.
test_times if {
	why_not_counted({"signed_at_s": 1772452800}) == []
	why_not_counted({"signed_at_s": 1772452801}) == ["it is dated in the future"]
	why_not_counted({"key_valid_from_s": 1772449200, "key_valid_until_s": 1772452800}) == []
	why_not_counted({"key_valid_from_s": null, "key_valid_until_s": null}) == []
	why_not_counted({"key_valid_from_s": 1772449201}) == ["the key was not valid when it signed"]
	why_not_counted({"key_valid_until_s": 1772452799}) == ["the key is no longer valid, or not yet"]
	why_not_counted({"signed_at_s": 1772441999}) == ["it is older than the evidence it names"]
}

# What another person approved before is no matter for an author of earlier commits.
test_authors if {
	mine := approval({"principal": "dana@example.com"})
	history := [
		{"since": null, "emails": ["Dana@example.com", "dev@example.com"]},
		{"since": "1111", "emails": ["dev@example.com"]},
	]
	old := by_security({"role": "release_manager", "path": "signoffs/old.json", "subject": "eeee", "commit": "1111"})
	said := {name: why |
		some name, row in {
			"wrote it": [[mine], history],
			"cleared": [[mine, old], history],
			"not cleared by a rejection": [[mine, object.union(old, {"verdict": "reject"})], history],
			"unknown": [[mine], [{"since": null, "emails": null}]],
		}
		doc := object.union(with_signoffs(row[0]), {"subject": {"authors": row[1]}})
		why := refusals(mine) with input as doc
	}
	said == {
		"wrote it": ["its signer is the author of the change"],
		"cleared": [],
		"not cleared by a rejection": ["its signer is the author of the change"],
		"unknown": ["who wrote the change cannot be told (shallow clone, or a commit without an author)"],
	}
}

# One that nobody signed has no principal to compare.
test_an_unsigned_one_beside_one_from_outside_of_git if {
	unsigned := approval({"principal": null, "key": null, "signature": "missing"})
	other := by_security({"role": "release_manager", "path": "signoffs/old.json", "subject": "eeee", "commit": null})
	doc := object.union(with_signoffs([unsigned, other]), {"subject": {"authors": [{"since": null, "emails": ["dev@example.com"]}]}})
	reasons := refusals(unsigned) with input as doc
	count(reasons) > 0
}

test_outside_of_git_nobody_wrote_anything if {
	doc := object.union(data.gate.ready.doc, {"subject": {"author": null, "authors": null}})
	reasons := refusals(approval({})) with input as doc
	reasons == []
}

test_one_person_or_key_in_two_roles if {
	mira := approval({}).principal
	terms_of([approval({}), by_security({"principal": mira})]) == {"people_in_two_roles": [mira]}
	terms_of([approval({}), by_security({"key": approval({}).key})]) == {"people_in_two_roles": [approval({}).key]}
}

test_rejections if {
	terms_of([approval({}), by_security({"verdict": "reject"})]) == {
		"roles_not_signed": ["security_lead"],
		"rejections": ["security_lead"],
	}
	compared := not_rejected("release") with input as with_signoffs([by_security({"verdict": "reject"})])
	[one.terms | some one in compared] == [["security_lead"]]
}

test_conditions_until_a_later_approval if {
	asked := approval({"path": "signoffs/first.json", "verdict": "conditional", "signed_at_s": 1772449000})
	stated := {"code": "x", "msg": "release_manager approved with conditions but stated none (signoffs/first.json)", "owner": "release_manager", "due": null, "id": "signoffs/first.json", "closed_by": "signoff"}
	roles := {"value": ["release_manager"]}
	left := signoff_conditions("x", "release", roles) with input as with_signoffs([asked])
	left == {stated}
	ended := signoff_conditions("x", "release", roles) with input as with_signoffs([asked, approval({})])
	ended == set()
}
