package gate.stage1

test_governance_signed_holds if {
	checked := check_governance_signed with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 2, "expected": 1, "holds": true, "name": "required_roles", "op": "≥", "unit": "roles"}, {"actual": [], "expected": [], "holds": true, "name": "roles_not_signed", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "rejections", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "people_in_two_roles", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_governance_signed with input as data.gate.ready.doc
	denied == set()
}

test_governance_signed_nobody_signed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": []}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {
		{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: no sign-off for stage1", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: no sign-off for stage1", "unit": "list", "term": "risk_officer"},
		{"code": "stage1.governance_signed", "msg": "The stage is not approved: cto: no sign-off for stage1", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "cto: no sign-off for stage1", "unit": "list", "term": "cto"},
	}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_other_stage_signed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage2", "risk_officer", {}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: no sign-off for stage1", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: no sign-off for stage1", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_signature_invalid if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"signature": "invalid"}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: the signature is invalid", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: the signature is invalid", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_signature_absent if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"principal": null, "key": null, "signature": "unsigned"}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: it is not signed", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: it is not signed", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_role_not_authorised if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"role_authorised": false}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: the signer may not sign as risk_officer", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: the signer may not sign as risk_officer", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_other_source if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"subject": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: it was given for other sources", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: it was given for other sources", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_other_evidence if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"evidence": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: it was given for other evidence", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: it was given for other evidence", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_other_policy if {
	old := {"version": "1.1.0", "digest": "1dca2e4f1dca2e4f1dca2e4f1dca2e4f1dca2e4f1dca2e4f1dca2e4f1dca2e4f"}
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"policy": old}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: it was signed under policy 1.1.0 (1dca2e4f…), now 1.2.0 (bbbbbbbb…)", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: it was signed under policy 1.1.0 (1dca2e4f…), now 1.2.0 (bbbbbbbb…)", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

# A change of policy voids no objection.
test_governance_signed_rejected_under_another_policy if {
	old := {"version": "1.1.0", "digest": "1dca2e4f1dca2e4f1dca2e4f1dca2e4f1dca2e4f1dca2e4f1dca2e4f1dca2e4f"}
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {}), data.gate.ready.signoff("stage1", "cto", {}), data.gate.ready.signoff("stage1", "risk_officer", {"path": "signoffs/b.json", "verdict": "reject", "policy": old})]}}})
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer rejected in signoffs/b.json", "operand": "rejections", "op": "∅", "expected": [], "actual": "risk_officer rejected in signoffs/b.json", "unit": "list", "term": "risk_officer", "path": "signoffs/b.json"}}
}

test_governance_signed_by_the_author if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"principal": "Author@Example.com"}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: its signer is the author of the change", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: its signer is the author of the change", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

# What is said about a sign-off of the risk officer beside older ones, when these wrote the change.
said_about(principal, older, authors) := reasons if {
	mine := data.gate.ready.signoff("stage1", "risk_officer", {"principal": principal})
	doc := object.union(data.gate.ready.doc, {"subject": {"authors": authors}, "facts": {"signoffs": {"signoffs": array.concat(older, [mine])}}})
	reasons := data.gate.lib.refusals(mine) with input as doc
}

earlier(changes) := data.gate.ready.signoff("stage1", "risk_officer", object.union({"path": "signoffs/old.json", "principal": "omer@example.com", "key": "SHA256:OOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOO", "subject": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "commit": "1111111111111111111111111111111111111111"}, changes))

history := [
	{"since": null, "emails": ["Dana@example.com", "dev@example.com"]},
	{"since": "1111111111111111111111111111111111111111", "emails": ["dev@example.com"]},
]

test_a_revoked_key if {
	revoked := data.gate.ready.signoff("stage1", "cto", {"signature": "revoked"})
	data.gate.lib.refusals(revoked) == ["the key is revoked"] with input as data.gate.ready.doc
}

test_an_author_of_any_commit_is_refused if {
	said_about("dana@example.com", [], history) == ["its signer is the author of the change"]
	said_about("yael@example.com", [], history) == []
}

test_what_somebody_else_approved_clears_an_author if {
	said_about("dana@example.com", [earlier({})], history) == []
	said_about("dev@example.com", [earlier({})], history) == ["its signer is the author of the change"]
}

test_what_clears_nobody if {
	refused := {changes |
		some changes in [
			{"principal": "DANA@example.com"},
			{"key": data.gate.ready.signoff("stage1", "risk_officer", {}).key},
			{"verdict": "reject"},
			{"signature": "invalid"},
			{"role_authorised": false},
			{"stage": "stage2"},
			{"role": "cto"},
			{"commit": "2222222222222222222222222222222222222222"},
			{"subject": data.gate.ready.doc.subject.digest},
			{"key_valid_until_s": 1},
			{"signed_at_s": 1764936001},
		]
		said_about("dana@example.com", [earlier(changes)], history) == ["its signer is the author of the change"]
	}
	count(refused) == 11
}

# One that nobody signed has no principal to compare; the embedded engine stops at `lower(null)`.
test_an_unsigned_one_beside_one_from_outside_of_git if {
	told := said_about(null, [earlier({"commit": null})], history)
	not "its signer is the author of the change" in told
	said_about(null, [earlier({})], history) == told
}

test_authors_that_cannot_be_told if {
	unknown := ["who wrote the change cannot be told (shallow clone, or a commit without an author)"]
	said_about("dana@example.com", [], [{"since": null, "emails": null}]) == unknown
	said_about("dana@example.com", [earlier({})], [{"since": null, "emails": null}, history[1]]) == []
}

test_governance_signed_signed_in_the_future if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"signed_at_s": 1764936001}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: it is dated in the future", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: it is dated in the future", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_key_expired if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"key_valid_until_s": 1764935999}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: the key is no longer valid, or not yet", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: the key is no longer valid, or not yet", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_key_not_yet_valid_at_signing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"key_valid_from_s": 1764932401}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: the key was not valid when it signed", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: the key was not valid when it signed", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_rejected_other_evidence if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"verdict": "reject", "evidence": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: the verdict is reject", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: the verdict is reject", "unit": "list", "term": "risk_officer"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_signed_now if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"signed_at_s": 1764936000}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == true
	denied := deny_governance_signed with input as doc
	denied == set()
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_key_bounds_inclusive if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"key_valid_from_s": 1764932400, "key_valid_until_s": 1764936000}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == true
	denied := deny_governance_signed with input as doc
	denied == set()
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_key_without_bounds if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"key_valid_from_s": null, "key_valid_until_s": null}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == true
	denied := deny_governance_signed with input as doc
	denied == set()
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_author_unknown if {
	doc := object.union(data.gate.ready.doc, {"subject": {"author": null, "authors": null}})
	checked := check_governance_signed with input as doc
	checked.holds == true
	denied := deny_governance_signed with input as doc
	denied == set()
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_one_good_sign_off_suffices if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"path": "signoffs/old.json", "evidence": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}), data.gate.ready.signoff("stage1", "risk_officer", {}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == true
	denied := deny_governance_signed with input as doc
	denied == set()
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_rejected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {"verdict": "reject"}), data.gate.ready.signoff("stage1", "cto", {})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {
		{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer: signoffs/stage1-risk_officer.json: the verdict is reject", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "risk_officer: signoffs/stage1-risk_officer.json: the verdict is reject", "unit": "list", "term": "risk_officer"},
		{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer rejected in signoffs/stage1-risk_officer.json", "operand": "rejections", "op": "∅", "expected": [], "actual": "risk_officer rejected in signoffs/stage1-risk_officer.json", "unit": "list", "term": "risk_officer", "path": "signoffs/stage1-risk_officer.json"},
	}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_approved_and_rejected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {}), data.gate.ready.signoff("stage1", "cto", {}), data.gate.ready.signoff("stage1", "risk_officer", {"path": "signoffs/b.json", "name": "Omer", "principal": "omer@example.com", "key": "SHA256:OOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOO", "verdict": "reject", "key_valid_until_s": 1764935999})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: risk_officer rejected in signoffs/b.json", "operand": "rejections", "op": "∅", "expected": [], "actual": "risk_officer rejected in signoffs/b.json", "unit": "list", "term": "risk_officer", "path": "signoffs/b.json"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_rejected_by_another_role if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {}), data.gate.ready.signoff("stage1", "cto", {}), data.gate.ready.signoff("stage1", "lead_trader", {"verdict": "reject"})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: lead_trader rejected in signoffs/stage1-lead_trader.json", "operand": "rejections", "op": "∅", "expected": [], "actual": "lead_trader rejected in signoffs/stage1-lead_trader.json", "unit": "list", "term": "lead_trader", "path": "signoffs/stage1-lead_trader.json"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_forged_rejection if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {}), data.gate.ready.signoff("stage1", "cto", {}), data.gate.ready.signoff("stage1", "lead_trader", {"verdict": "reject", "signature": "invalid"})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == true
	denied := deny_governance_signed with input as doc
	denied == set()
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_one_person_in_two_roles if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {}), data.gate.ready.signoff("stage1", "cto", {"principal": "DANA@example.com"})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: DANA@example.com signed as cto and as risk_officer", "operand": "people_in_two_roles", "op": "∅", "expected": [], "actual": "DANA@example.com signed as cto and as risk_officer", "unit": "list", "term": "DANA@example.com"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_one_key_in_two_roles if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {}), data.gate.ready.signoff("stage1", "cto", {"key": "SHA256:RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR"})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == false
	denied := deny_governance_signed with input as doc
	denied == {{"code": "stage1.governance_signed", "msg": "The stage is not approved: one key signed as cto (amir@example.com) and as risk_officer (dana@example.com)", "operand": "people_in_two_roles", "op": "∅", "expected": [], "actual": "one key signed as cto (amir@example.com) and as risk_officer (dana@example.com)", "unit": "list", "term": "SHA256:RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR"}}
	conditions := condition_governance_signed with input as doc
	conditions == set()
}

test_governance_signed_conditional if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {}), data.gate.ready.signoff("stage1", "cto", {"verdict": "conditional", "conditions": [{"text": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}]})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == true
	denied := deny_governance_signed with input as doc
	denied == set()
	conditions := condition_governance_signed with input as doc
	conditions == {{"code": "stage1.governance_signed", "msg": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}}
}

test_governance_signed_conditional_without_conditions if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {}), data.gate.ready.signoff("stage1", "cto", {"verdict": "conditional"})]}}})
	checked := check_governance_signed with input as doc
	checked.holds == true
	denied := deny_governance_signed with input as doc
	denied == set()
	conditions := condition_governance_signed with input as doc
	conditions == {{"code": "stage1.governance_signed", "msg": "cto approved with conditions but stated none (signoffs/stage1-cto.json)", "owner": "cto", "due": null, "id": "signoffs/stage1-cto.json", "closed_by": "signoff"}}
}
