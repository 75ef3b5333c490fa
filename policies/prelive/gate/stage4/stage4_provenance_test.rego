package gate.stage4

test_evidence_current_holds if {
	checked := check_evidence_current with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "evidence_too_old", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "evidence_of_other_sources", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_evidence_current with input as data.gate.ready.doc
	denied == set()
}

test_evidence_current_no_limit_and_nothing_stated if {
	about := {"age_s": null, "max_age_s": null, "fresh": null, "sources": "unstated", "statements": 0, "commits": []}
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"tests": about}}})
	checked := check_evidence_current with input as doc
	checked.holds == true
	denied := deny_evidence_current with input as doc
	denied == set()
}

test_evidence_current_tests_too_old if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"tests": {"age_s": 604801, "fresh": false}}}})
	checked := check_evidence_current with input as doc
	checked.holds == false
	denied := deny_evidence_current with input as doc
	denied == {{"code": "stage4.evidence_current", "msg": "Evidence is not current: age of tests: 604801 s old; it may be 0 to 604800 s old", "operand": "evidence_too_old", "op": "∅", "expected": [], "actual": "age of tests: 604801 s old; it may be 0 to 604800 s old", "unit": "list", "term": "age of tests"}}
}

test_evidence_current_tests_undated if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"tests": {"observed_at_s": null, "age_s": null, "fresh": false}}}})
	checked := check_evidence_current with input as doc
	checked.holds == false
	denied := deny_evidence_current with input as doc
	denied == {{"code": "stage4.evidence_current", "msg": "Evidence is not current: age of tests: states no time; it may be at most 604800 s old", "operand": "evidence_too_old", "op": "∅", "expected": [], "actual": "age of tests: states no time; it may be at most 604800 s old", "unit": "list", "term": "age of tests"}}
}

test_evidence_current_tests_of_other_sources if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"tests": {"sources": "other"}}}})
	checked := check_evidence_current with input as doc
	checked.holds == false
	denied := deny_evidence_current with input as doc
	denied == {{"code": "stage4.evidence_current", "msg": "Evidence is not current: sources of tests: other (made from other sources), accepted: same, same_commit, unstated", "operand": "evidence_of_other_sources", "op": "∅", "expected": [], "actual": "sources of tests: other (made from other sources), accepted: same, same_commit, unstated", "unit": "list", "term": "sources of tests"}}
}

test_evidence_current_tests_of_a_dirty_tree if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"tests": {"sources": "dirty"}}}})
	checked := check_evidence_current with input as doc
	checked.holds == false
	denied := deny_evidence_current with input as doc
	denied == {{"code": "stage4.evidence_current", "msg": "Evidence is not current: sources of tests: dirty (made from this commit with changes then or now), accepted: same, same_commit, unstated", "operand": "evidence_of_other_sources", "op": "∅", "expected": [], "actual": "sources of tests: dirty (made from this commit with changes then or now), accepted: same, same_commit, unstated", "unit": "list", "term": "sources of tests"}}
}
