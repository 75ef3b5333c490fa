package gate.release

with_facts(changes) := object.union(data.gate.ready.doc, {"facts": changes})

signed(signoffs) := with_facts({"signoffs": {"signoffs": signoffs}})

wrong(operand, term, text) := {
	"code": "release.version_final", "msg": sprintf("The version cannot be released: %s", [text]),
	"operand": operand, "op": "∅", "expected": [], "actual": text, "unit": "list", "term": term,
}

unequal(operand, expected, actual, unit) := {
	"code": "release.version_final", "msg": "The version cannot be released",
	"operand": operand, "op": "=", "expected": expected, "actual": actual, "unit": unit,
}

versions(stated, listed) := with_facts({"values": {"version": {"text": stated}, "listed_version": {"text": listed}}})

test_version_final_holds if {
	checked := check_version_final with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [
		{"name": "version_stated", "op": "=", "actual": true, "expected": true, "unit": "boolean", "holds": true},
		{"name": "unfinished", "op": "∅", "actual": [], "expected": [], "unit": "list", "holds": true, "terms": []},
		{"name": "listed_version", "op": "=", "actual": "1.4.0", "expected": "1.4.0", "unit": "text", "holds": true},
	]}
	denied := deny_version_final with input as versions("1!2.0.post1", "1!2.0.post1")
	denied == set()
}

test_version_final_unfinished if {
	every version in ["1.4.0a1", "1.4.0B2", "1.4.0rc1", "1.4.0.dev3", "1.4.0-preview1", "1.4.0+local"] {
		checked := check_version_final with input as versions(version, version)
		checked.holds == false
	}
	denied := deny_version_final with input as versions("1.4.0rc1", "1.4.0rc1")
	denied == {wrong("unfinished", "1.4.0rc1", "1.4.0rc1 has c")}
}

test_version_final_components_of_another_version if {
	denied := deny_version_final with input as versions("1.4.0", "1.3.9")
	denied == {unequal("listed_version", "1.4.0", "1.3.9", "text")}
}

test_version_final_null if {
	denied := deny_version_final with input as versions(null, null)
	denied == {unequal("version_stated", true, false, "boolean"), unequal("listed_version", null, null, "text")}
	empty := check_version_final with input as versions("", "")
	empty.holds == false
	facts := object.union(object.remove(data.gate.ready.doc.facts, ["values"]), {"values": {}})
	doc := object.union(object.remove(data.gate.ready.doc, ["facts"]), {"facts": facts})
	nowhere := check_version_final with input as doc
	nowhere.holds == false
}

test_evidence_current_holds if {
	denied := deny_evidence_current with input as data.gate.ready.doc
	denied == set()
}

test_evidence_current_of_other_sources if {
	every collector in ["components", "coverage", "scans", "tests"] {
		doc := with_facts({"provenance": {collector: {"sources": "other"}}})
		denied := deny_evidence_current with input as doc
		{result.term | some result in denied} == {sprintf("sources of %s", [collector])}
	}
}

test_evidence_current_null if {
	about := {"age_s": null, "max_age_s": null, "fresh": null, "sources": "unstated", "statements": 0, "commits": []}
	checked := check_evidence_current with input as with_facts({"provenance": {"tests": about}})
	checked.holds == true
}

test_governance_signed_holds if {
	checked := check_governance_signed with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [
		{"name": "required_roles", "op": "≥", "actual": 1, "expected": 1, "unit": "roles", "holds": true},
		{"name": "roles_not_signed", "op": "∅", "actual": [], "expected": [], "unit": "list", "holds": true, "terms": []},
		{"name": "rejections", "op": "∅", "actual": [], "expected": [], "unit": "list", "holds": true, "terms": []},
		{"name": "people_in_two_roles", "op": "∅", "actual": [], "expected": [], "unit": "list", "holds": true, "terms": []},
	]}
	conditions := condition_governance_signed with input as data.gate.ready.doc
	conditions == set()
}

unsigned(operand, term, text) := object.union(wrong(operand, term, text), {
	"code": "release.governance_signed",
	"msg": sprintf("The release is not approved: %s", [text]),
})

test_governance_signed_nobody_signed if {
	denied := deny_governance_signed with input as signed([])
	denied == {unsigned("roles_not_signed", "release_manager", "release_manager: no sign-off for release")}
}

test_governance_signed_the_build_only if {
	denied := deny_governance_signed with input as signed([data.gate.ready.signoff("build", "release_manager", {})])
	denied == {unsigned("roles_not_signed", "release_manager", "release_manager: no sign-off for release")}
}

test_governance_signed_does_not_count if {
	approval := data.gate.ready.signoff("release", "release_manager", {"evidence": "eeee"})
	denied := deny_governance_signed with input as signed([approval])
	text := "release_manager: signoffs/release-release_manager.json: it was given for other evidence"
	denied == {unsigned("roles_not_signed", "release_manager", text)}
}

test_governance_signed_rejected if {
	rejection := data.gate.ready.signoff("release", "security_lead", {"verdict": "reject"})
	denied := deny_governance_signed with input as signed([data.gate.ready.signoff("release", "release_manager", {}), rejection])
	path := "signoffs/release-security_lead.json"
	denied == {object.union(unsigned("rejections", "security_lead", sprintf("security_lead rejected in %s", [path])), {"path": path})}
}

test_governance_signed_with_a_condition if {
	stated := {"text": "Tell support", "owner": "support", "due": "2026-03-09", "id": "C-1", "closed_by": "signoff"}
	conditions := condition_governance_signed with input as signed([data.gate.ready.signoff("release", "release_manager", {"verdict": "conditional", "conditions": [stated]})])
	conditions == {{"code": "release.governance_signed", "msg": "Tell support", "owner": "support", "due": "2026-03-09", "id": "C-1", "closed_by": "signoff"}}
}
