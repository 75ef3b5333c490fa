package gate.stage1

test_artifact_coverage_holds if {
	checked := check_artifact_coverage with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 857142, "expected": 800000, "holds": true, "name": "artifact_coverage", "op": "≥", "unit": "ppm"}]}
	denied := deny_artifact_coverage with input as data.gate.ready.doc
	denied == set()
}

test_artifact_coverage_artifact_coverage_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"found_ppm": 800000}}})
	checked := check_artifact_coverage with input as doc
	checked.holds == true
	denied := deny_artifact_coverage with input as doc
	denied == set()
}

test_artifact_coverage_artifact_coverage_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"found_ppm": 799999}}})
	checked := check_artifact_coverage with input as doc
	checked.holds == false
	denied := deny_artifact_coverage with input as doc
	denied == {{"code": "stage1.artifact_coverage", "msg": "Too few of the expected artifacts exist", "operand": "artifact_coverage", "op": "≥", "expected": 800000, "actual": 799999, "unit": "ppm"}}
}

test_artifact_coverage_artifact_coverage_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"found_ppm": null}}})
	checked := check_artifact_coverage with input as doc
	checked.holds == false
	denied := deny_artifact_coverage with input as doc
	denied == {{"code": "stage1.artifact_coverage", "msg": "Too few of the expected artifacts exist", "operand": "artifact_coverage", "op": "≥", "expected": 800000, "actual": null, "unit": "ppm"}}
}

test_artifact_coverage_lists_what_is_missing if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"artifacts": {"rows": [{"id": "checklist", "pattern": "PRE_LIVE_CHECKLIST.md", "kind": "markdown", "category": "documents", "found": true, "paths": ["PRE_LIVE_CHECKLIST.md"], "signed": "manifest", "signed_by": "amir@example.com", "valid": true, "problems": [], "coverage_ppm": 1000000, "status": "compliant"}, {"id": "interface_map", "pattern": "IBKR_INTERFACE_MAP.md", "kind": "markdown", "category": "documents", "found": false, "paths": [], "signed": "none", "signed_by": null, "valid": null, "problems": [], "coverage_ppm": 0, "status": "non_compliant"}]},
		},
	})
	checked := check_artifact_coverage with input as doc
	checked.holds == true
	denied := deny_artifact_coverage with input as doc
	denied == set()
	warned := warn_artifact_coverage with input as doc
	warned == {{"code": "stage1.artifact_coverage", "msg": "Artifact interface_map was not found (IBKR_INTERFACE_MAP.md)"}}
}

test_artifact_matrix_holds if {
	checked := check_artifact_matrix with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 14, "expected": 14, "holds": true, "name": "expected_artifacts", "op": "≥", "unit": "artifacts"}]}
	denied := deny_artifact_matrix with input as data.gate.ready.doc
	denied == set()
}

test_artifact_matrix_expected_artifacts_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"expected": 14}}})
	checked := check_artifact_matrix with input as doc
	checked.holds == true
	denied := deny_artifact_matrix with input as doc
	denied == set()
}

test_artifact_matrix_expected_artifacts_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"expected": 13}}})
	checked := check_artifact_matrix with input as doc
	checked.holds == false
	denied := deny_artifact_matrix with input as doc
	denied == {{"code": "stage1.artifact_matrix", "msg": "The artifact matrix expects fewer artifacts than the audit did", "operand": "expected_artifacts", "op": "≥", "expected": 14, "actual": 13, "unit": "artifacts"}}
}

test_artifact_matrix_expected_artifacts_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"expected": null}}})
	checked := check_artifact_matrix with input as doc
	checked.holds == false
	denied := deny_artifact_matrix with input as doc
	denied == {{"code": "stage1.artifact_matrix", "msg": "The artifact matrix expects fewer artifacts than the audit did", "operand": "expected_artifacts", "op": "≥", "expected": 14, "actual": null, "unit": "artifacts"}}
}

test_test_coverage_holds if {
	checked := check_test_coverage with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 850000, "expected": 800000, "holds": true, "name": "test_coverage", "op": "≥", "unit": "ppm"}, {"actual": 1000, "expected": 1, "holds": true, "name": "statements", "op": "≥", "unit": "statements"}, {"actual": [], "expected": [], "holds": true, "name": "other_text", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "coverage_age", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_test_coverage with input as data.gate.ready.doc
	denied == set()
}

test_test_coverage_test_coverage_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"coverage": {"line_ppm": 800000}}})
	checked := check_test_coverage with input as doc
	checked.holds == true
	denied := deny_test_coverage with input as doc
	denied == set()
}

test_test_coverage_test_coverage_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"coverage": {"line_ppm": 799999}}})
	checked := check_test_coverage with input as doc
	checked.holds == false
	denied := deny_test_coverage with input as doc
	denied == {{"code": "stage1.test_coverage", "msg": "The production code is not known to be tested enough", "operand": "test_coverage", "op": "≥", "expected": 800000, "actual": 799999, "unit": "ppm"}}
}

test_test_coverage_test_coverage_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"coverage": {"line_ppm": null}}})
	checked := check_test_coverage with input as doc
	checked.holds == false
	denied := deny_test_coverage with input as doc
	denied == {{"code": "stage1.test_coverage", "msg": "The production code is not known to be tested enough", "operand": "test_coverage", "op": "≥", "expected": 800000, "actual": null, "unit": "ppm"}}
}

test_test_coverage_statements_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"coverage": {"statements": 1}}})
	checked := check_test_coverage with input as doc
	checked.holds == true
	denied := deny_test_coverage with input as doc
	denied == set()
}

test_test_coverage_statements_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"coverage": {"statements": 0}}})
	checked := check_test_coverage with input as doc
	checked.holds == false
	denied := deny_test_coverage with input as doc
	denied == {{"code": "stage1.test_coverage", "msg": "The production code is not known to be tested enough", "operand": "statements", "op": "≥", "expected": 1, "actual": 0, "unit": "statements"}}
}

test_test_coverage_statements_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"coverage": {"statements": null}}})
	checked := check_test_coverage with input as doc
	checked.holds == false
	denied := deny_test_coverage with input as doc
	denied == {{"code": "stage1.test_coverage", "msg": "The production code is not known to be tested enough", "operand": "statements", "op": "≥", "expected": 1, "actual": null, "unit": "statements"}}
}

test_fixtures_valid_holds if {
	checked := check_fixtures_valid with input as data.gate.ready.doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": 42, "expected": 42, "holds": true, "name": "seed_global", "op": "=", "unit": "seed"},
			{"actual": 100, "expected": 100, "holds": true, "name": "seed_property", "op": "=", "unit": "seed"},
			{"actual": 200, "expected": 200, "holds": true, "name": "seed_metamorphic", "op": "=", "unit": "seed"},
			{"actual": 300, "expected": 300, "holds": true, "name": "seed_chaos", "op": "=", "unit": "seed"},
			{"actual": 400, "expected": 400, "holds": true, "name": "seed_integration", "op": "=", "unit": "seed"},
			{"actual": 1, "expected": 1, "holds": true, "name": "signed_fixtures", "op": "≥", "unit": "files"},
			{"actual": [], "expected": [], "holds": true, "name": "invalid_fixtures", "op": "∅", "terms": [], "unit": "list"},
			{"actual": [], "expected": [], "holds": true, "name": "fixtures_of_the_future", "op": "∅", "terms": [], "unit": "list"},
			{"actual": [], "expected": [], "holds": true, "name": "runs_that_differ", "op": "∅", "terms": [], "unit": "list"},
		],
	}
	denied := deny_fixtures_valid with input as data.gate.ready.doc
	denied == set()
}

test_fixtures_valid_of_the_future if {
	now := data.gate.ready.doc.now_s
	file := object.union(data.gate.ready.doc.facts.fixtures.files[0], {"created_at_s": now + 1})
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"files": [file]}}})
	denied := deny_fixtures_valid with input as doc
	{violation.actual | some violation in denied} == {"fixtures/bars.json: was created in the future"}
	just := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"files": [object.union(file, {"created_at_s": now})]}}})
	checked := check_fixtures_valid with input as just
	checked.holds == true
}

test_fixtures_valid_seed_global_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"global": 42}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == true
	denied := deny_fixtures_valid with input as doc
	denied == set()
}

test_fixtures_valid_seed_global_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"global": 43}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "seed_global", "op": "=", "expected": 42, "actual": 43, "unit": "seed"}}
}

test_fixtures_valid_seed_global_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"global": null}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "seed_global", "op": "=", "expected": 42, "actual": null, "unit": "seed"}}
}

test_fixtures_valid_seed_property_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"property": 100}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == true
	denied := deny_fixtures_valid with input as doc
	denied == set()
}

test_fixtures_valid_seed_property_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"property": 101}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "seed_property", "op": "=", "expected": 100, "actual": 101, "unit": "seed"}}
}

test_fixtures_valid_seed_property_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"property": null}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "seed_property", "op": "=", "expected": 100, "actual": null, "unit": "seed"}}
}

test_fixtures_valid_seed_metamorphic_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"metamorphic": 200}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == true
	denied := deny_fixtures_valid with input as doc
	denied == set()
}

test_fixtures_valid_seed_metamorphic_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"metamorphic": 201}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "seed_metamorphic", "op": "=", "expected": 200, "actual": 201, "unit": "seed"}}
}

test_fixtures_valid_seed_metamorphic_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"metamorphic": null}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "seed_metamorphic", "op": "=", "expected": 200, "actual": null, "unit": "seed"}}
}

test_fixtures_valid_seed_chaos_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"chaos": 300}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == true
	denied := deny_fixtures_valid with input as doc
	denied == set()
}

test_fixtures_valid_seed_chaos_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"chaos": 301}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "seed_chaos", "op": "=", "expected": 300, "actual": 301, "unit": "seed"}}
}

test_fixtures_valid_seed_chaos_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"chaos": null}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "seed_chaos", "op": "=", "expected": 300, "actual": null, "unit": "seed"}}
}

test_fixtures_valid_seed_integration_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"integration": 400}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == true
	denied := deny_fixtures_valid with input as doc
	denied == set()
}

test_fixtures_valid_seed_integration_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"integration": 401}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "seed_integration", "op": "=", "expected": 400, "actual": 401, "unit": "seed"}}
}

test_fixtures_valid_seed_integration_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"integration": null}}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "seed_integration", "op": "=", "expected": 400, "actual": null, "unit": "seed"}}
}

test_fixtures_valid_signed_fixtures_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"signed_files": 1}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == true
	denied := deny_fixtures_valid with input as doc
	denied == set()
}

test_fixtures_valid_signed_fixtures_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"signed_files": 0}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "signed_fixtures", "op": "≥", "expected": 1, "actual": 0, "unit": "files"}}
}

test_fixtures_valid_signed_fixtures_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"signed_files": null}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one", "operand": "signed_fixtures", "op": "≥", "expected": 1, "actual": null, "unit": "files"}}
}

test_fixtures_valid_fixture_invalid if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"files": [{"path": "fixtures/a.json", "valid": false, "version": null, "algorithm": null, "problem": "digest differs"}]}}})
	checked := check_fixtures_valid with input as doc
	checked.holds == false
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one: fixtures/a.json: digest differs", "operand": "invalid_fixtures", "op": "∅", "expected": [], "actual": "fixtures/a.json: digest differs", "unit": "list", "term": "fixtures/a.json", "path": "fixtures/a.json"}}
}

test_fixtures_valid_runs_differ if {
	pairs := [
		{"first": "a.json", "second": "b.json", "equal_content": false},
		{"first": "c.json", "second": "d.json", "equal_content": true},
	]
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"reproducibility": pairs}}})
	denied := deny_fixtures_valid with input as doc
	denied == {{"code": "stage1.fixtures_valid", "msg": "A seed or a fixture is not the agreed one: a.json and b.json", "operand": "runs_that_differ", "op": "∅", "expected": [], "actual": "a.json and b.json", "unit": "list", "term": "a.json and b.json"}}
}

test_artifacts_valid_holds if {
	checked := check_artifacts_valid with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "invalid_artifacts", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "artifacts_out_of_date", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_artifacts_valid with input as data.gate.ready.doc
	denied == set()
}

test_artifacts_valid_out_of_date if {
	now := data.gate.ready.doc.now_s
	dates := [
		{"path": "A.md", "line": 3, "kind": "expires", "at_s": now - 1},
		{"path": "A.md", "line": 4, "kind": "expires", "at_s": now},
		{"path": "A.md", "line": 5, "kind": "approved", "at_s": now + 86401},
		{"path": "A.md", "line": 6, "kind": "approved", "at_s": now + 86400},
	]
	row := object.union(data.gate.ready.doc.facts.artifacts.rows[0], {"id": "a", "dates": dates})
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"rows": [row]}}})
	denied := deny_artifacts_valid with input as doc
	{violation.actual | some violation in denied} == {
		"a: A.md line 3 says that it has expired",
		"a: A.md line 5 says that it was approved in the future",
	}
}

test_artifacts_valid_row_invalid if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"rows": [{"id": "checklist", "pattern": "PRE_LIVE_CHECKLIST.md", "kind": "markdown", "category": "documents", "found": true, "paths": ["PRE_LIVE_CHECKLIST.md"], "signed": "manifest", "signed_by": "amir@example.com", "valid": false, "problems": [{"path": "A.md", "line": 3, "text": "unfilled"}], "coverage_ppm": 1000000, "status": "compliant"}]}}})
	checked := check_artifacts_valid with input as doc
	checked.holds == false
	denied := deny_artifacts_valid with input as doc
	denied == {{"code": "stage1.artifacts_valid", "msg": "An artifact is not valid: checklist: A.md unfilled", "operand": "invalid_artifacts", "op": "∅", "expected": [], "actual": "checklist: A.md unfilled", "unit": "list", "term": "checklist"}}
}

test_artifacts_valid_row_says_each_thing_once if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"rows": [{"id": "checklist", "pattern": "PRE_LIVE_CHECKLIST.md", "kind": "markdown", "category": "documents", "found": true, "paths": ["PRE_LIVE_CHECKLIST.md"], "signed": "manifest", "signed_by": "amir@example.com", "valid": false, "problems": [{"path": "A.md", "text": "unfilled"}, {"path": "A.md", "text": "a mark"}, {"path": "A.md", "text": "unfilled"}, {"path": "B.md", "text": "unfilled"}], "coverage_ppm": 1000000, "status": "compliant"}]}}})
	checked := check_artifacts_valid with input as doc
	checked.holds == false
	denied := deny_artifacts_valid with input as doc
	denied == {{"code": "stage1.artifacts_valid", "msg": "An artifact is not valid: checklist: A.md a mark; unfilled; B.md unfilled", "operand": "invalid_artifacts", "op": "∅", "expected": [], "actual": "checklist: A.md a mark; unfilled; B.md unfilled", "unit": "list", "term": "checklist"}}
}

test_artifacts_valid_row_not_found if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"artifacts": {"rows": [{"id": "checklist", "pattern": "PRE_LIVE_CHECKLIST.md", "kind": "markdown", "category": "documents", "found": true, "paths": ["PRE_LIVE_CHECKLIST.md"], "signed": "manifest", "signed_by": "amir@example.com", "valid": true, "problems": [], "coverage_ppm": 1000000, "status": "compliant"}, {"id": "interface_map", "pattern": "IBKR_INTERFACE_MAP.md", "kind": "markdown", "category": "documents", "found": false, "paths": [], "signed": "none", "signed_by": null, "valid": null, "problems": [], "coverage_ppm": 0, "status": "non_compliant"}]},
		},
	})
	checked := check_artifacts_valid with input as doc
	checked.holds == true
	denied := deny_artifacts_valid with input as doc
	denied == set()
}

test_artifacts_valid_row_validity_unknown if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"rows": [{"id": "checklist", "pattern": "PRE_LIVE_CHECKLIST.md", "kind": "markdown", "category": "documents", "found": true, "paths": ["PRE_LIVE_CHECKLIST.md"], "signed": "manifest", "signed_by": "amir@example.com", "valid": null, "problems": [], "coverage_ppm": 1000000, "status": "compliant"}]}}})
	checked := check_artifacts_valid with input as doc
	checked.holds == false
	denied := deny_artifacts_valid with input as doc
	denied == {{"code": "stage1.artifacts_valid", "msg": "An artifact is not valid: checklist: ", "operand": "invalid_artifacts", "op": "∅", "expected": [], "actual": "checklist: ", "unit": "list", "term": "checklist"}}
}

test_artifacts_signed_holds if {
	checked := check_artifacts_signed with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "unsigned_artifacts", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_artifacts_signed with input as data.gate.ready.doc
	denied == set()
}

test_artifacts_signed_row_detached if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"rows": [{"id": "checklist", "pattern": "PRE_LIVE_CHECKLIST.md", "kind": "markdown", "category": "documents", "found": true, "paths": ["PRE_LIVE_CHECKLIST.md"], "signed": "detached", "signed_by": "amir@example.com", "valid": true, "problems": [], "coverage_ppm": 1000000, "status": "compliant"}]}}})
	checked := check_artifacts_signed with input as doc
	checked.holds == true
	denied := deny_artifacts_signed with input as doc
	denied == set()
}

test_artifacts_signed_row_manifest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"rows": [{"id": "checklist", "pattern": "PRE_LIVE_CHECKLIST.md", "kind": "markdown", "category": "documents", "found": true, "paths": ["PRE_LIVE_CHECKLIST.md"], "signed": "manifest", "signed_by": "amir@example.com", "valid": true, "problems": [], "coverage_ppm": 1000000, "status": "compliant"}]}}})
	checked := check_artifacts_signed with input as doc
	checked.holds == true
	denied := deny_artifacts_signed with input as doc
	denied == set()
}

test_artifacts_signed_row_signed_commit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"rows": [{"id": "checklist", "pattern": "PRE_LIVE_CHECKLIST.md", "kind": "markdown", "category": "documents", "found": true, "paths": ["PRE_LIVE_CHECKLIST.md"], "signed": "signed_commit", "signed_by": "amir@example.com", "valid": true, "problems": [], "coverage_ppm": 1000000, "status": "compliant"}]}}})
	checked := check_artifacts_signed with input as doc
	checked.holds == true
	denied := deny_artifacts_signed with input as doc
	denied == set()
}

test_artifacts_signed_row_signed_tag if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"rows": [{"id": "checklist", "pattern": "PRE_LIVE_CHECKLIST.md", "kind": "markdown", "category": "documents", "found": true, "paths": ["PRE_LIVE_CHECKLIST.md"], "signed": "signed_tag", "signed_by": "amir@example.com", "valid": true, "problems": [], "coverage_ppm": 1000000, "status": "compliant"}]}}})
	checked := check_artifacts_signed with input as doc
	checked.holds == true
	denied := deny_artifacts_signed with input as doc
	denied == set()
}

test_artifacts_signed_row_commit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"rows": [{"id": "checklist", "pattern": "PRE_LIVE_CHECKLIST.md", "kind": "markdown", "category": "documents", "found": true, "paths": ["PRE_LIVE_CHECKLIST.md"], "signed": "commit", "signed_by": "amir@example.com", "valid": true, "problems": [], "coverage_ppm": 1000000, "status": "compliant"}]}}})
	checked := check_artifacts_signed with input as doc
	checked.holds == false
	denied := deny_artifacts_signed with input as doc
	denied == {{"code": "stage1.artifacts_signed", "msg": "An artifact has no signature that counts: checklist: its commit is not signed", "operand": "unsigned_artifacts", "op": "∅", "expected": [], "actual": "checklist: its commit is not signed", "unit": "list", "term": "checklist"}}
}

test_artifacts_signed_row_none if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"rows": [{"id": "checklist", "pattern": "PRE_LIVE_CHECKLIST.md", "kind": "markdown", "category": "documents", "found": true, "paths": ["PRE_LIVE_CHECKLIST.md"], "signed": "none", "signed_by": "amir@example.com", "valid": true, "problems": [], "coverage_ppm": 1000000, "status": "compliant"}]}}})
	checked := check_artifacts_signed with input as doc
	checked.holds == false
	denied := deny_artifacts_signed with input as doc
	denied == {{"code": "stage1.artifacts_signed", "msg": "An artifact has no signature that counts: checklist: no signature", "operand": "unsigned_artifacts", "op": "∅", "expected": [], "actual": "checklist: no signature", "unit": "list", "term": "checklist"}}
}

test_artifacts_signed_row_not_found if {
	doc := object.union(data.gate.ready.doc, {"facts": {"artifacts": {"rows": [{"id": "interface_map", "pattern": "IBKR_INTERFACE_MAP.md", "kind": "markdown", "category": "documents", "found": false, "paths": [], "signed": "none", "signed_by": null, "valid": null, "problems": [], "coverage_ppm": 0, "status": "non_compliant"}]}}})
	checked := check_artifacts_signed with input as doc
	checked.holds == true
	denied := deny_artifacts_signed with input as doc
	denied == set()
}

test_checklist_total_holds if {
	checked := check_checklist_total with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 760, "expected": 760, "holds": true, "name": "stated_total", "op": "=", "unit": "points"}]}
	denied := deny_checklist_total with input as data.gate.ready.doc
	denied == set()
}

test_checklist_total_audit_states_660 if {
	doc := object.union(data.gate.ready.doc, {"facts": {"checklist": {"stated_total": 660}}})
	checked := check_checklist_total with input as doc
	checked.holds == false
	denied := deny_checklist_total with input as doc
	denied == {{"code": "stage1.checklist_total", "msg": "The checklist states a total that is not the sum of its categories", "operand": "stated_total", "op": "=", "expected": 760, "actual": 660, "unit": "points"}}
}

test_checklist_total_stated_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"checklist": {"stated_total": null}}})
	checked := check_checklist_total with input as doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "stated_total", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_checklist_total with input as doc
	denied == set()
}

test_checklist_total_both_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"checklist": {"stated_total": null, "points_sum": null}}})
	checked := check_checklist_total with input as doc
	checked.holds == false
	denied := deny_checklist_total with input as doc
	denied == {{"code": "stage1.checklist_total", "msg": "The checklist states a total that is not the sum of its categories", "operand": "stated_total", "op": "=", "expected": null, "actual": null, "unit": "points"}}
}

test_test_coverage_of_another_time if {
	aged(2592000) == set()
	aged(2592001) == {"the report is 2592001 s old; it may be 0 to 2592000 s old"}
	aged(-1) == {"the report is -1 s old; it may be 0 to 2592000 s old"}
	untold := object.union(data.gate.ready.doc, {"facts": {"coverage": {"observed_at_s": null}}})
	denied := deny_test_coverage with input as untold
	denied == set()
}

aged(seconds) := {result.actual | some result in denied} if {
	doc := object.union(data.gate.ready.doc, {"facts": {"coverage": {"observed_at_s": data.gate.ready.doc.now_s - seconds}}})
	denied := deny_test_coverage with input as doc
}

test_test_coverage_of_another_text if {
	foreign(500) == set()
	foreign(501) == {"the measurement has 501 lines that hold no statement of the sources, which have 1000 statements"}
	foreign(null) == set()
}

foreign(lines) := {result.actual | some result in denied} if {
	doc := object.union(data.gate.ready.doc, {"facts": {"coverage": {"foreign_lines": lines}}})
	denied := deny_test_coverage with input as doc
}
