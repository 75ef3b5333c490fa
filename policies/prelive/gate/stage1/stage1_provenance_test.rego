package gate.stage1

test_evidence_current_holds if {
	checked := check_evidence_current with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "evidence_too_old", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "evidence_of_other_sources", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_evidence_current with input as data.gate.ready.doc
	denied == set()
}

test_evidence_current_no_limit_and_nothing_stated if {
	about := {"age_s": null, "max_age_s": null, "fresh": null, "sources": "unstated", "statements": 0, "commits": []}
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"coverage": about}}})
	checked := check_evidence_current with input as doc
	checked.holds == true
	denied := deny_evidence_current with input as doc
	denied == set()
}

test_evidence_current_coverage_too_old if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"coverage": {"age_s": 604801, "fresh": false}}}})
	checked := check_evidence_current with input as doc
	checked.holds == false
	denied := deny_evidence_current with input as doc
	denied == {{"code": "stage1.evidence_current", "msg": "The coverage figure is not current: age of coverage: 604801 s old; it may be 0 to 604800 s old", "operand": "evidence_too_old", "op": "∅", "expected": [], "actual": "age of coverage: 604801 s old; it may be 0 to 604800 s old", "unit": "list", "term": "age of coverage"}}
}

test_evidence_current_coverage_undated if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"coverage": {"observed_at_s": null, "age_s": null, "fresh": false}}}})
	checked := check_evidence_current with input as doc
	checked.holds == false
	denied := deny_evidence_current with input as doc
	denied == {{"code": "stage1.evidence_current", "msg": "The coverage figure is not current: age of coverage: states no time; it may be at most 604800 s old", "operand": "evidence_too_old", "op": "∅", "expected": [], "actual": "age of coverage: states no time; it may be at most 604800 s old", "unit": "list", "term": "age of coverage"}}
}

test_evidence_current_coverage_of_other_sources if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"coverage": {"sources": "other"}}}})
	checked := check_evidence_current with input as doc
	checked.holds == false
	denied := deny_evidence_current with input as doc
	denied == {{"code": "stage1.evidence_current", "msg": "The coverage figure is not current: sources of coverage: other (made from other sources), accepted: same, same_commit, unstated", "operand": "evidence_of_other_sources", "op": "∅", "expected": [], "actual": "sources of coverage: other (made from other sources), accepted: same, same_commit, unstated", "unit": "list", "term": "sources of coverage"}}
}

test_evidence_current_coverage_of_a_dirty_tree if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"coverage": {"sources": "dirty"}}}})
	checked := check_evidence_current with input as doc
	checked.holds == false
	denied := deny_evidence_current with input as doc
	denied == {{"code": "stage1.evidence_current", "msg": "The coverage figure is not current: sources of coverage: dirty (made from this commit with changes then or now), accepted: same, same_commit, unstated", "operand": "evidence_of_other_sources", "op": "∅", "expected": [], "actual": "sources of coverage: dirty (made from this commit with changes then or now), accepted: same, same_commit, unstated", "unit": "list", "term": "sources of coverage"}}
}
