package gate.stage5

test_stage_tests_exist_holds if {
	checked := check_stage_tests_exist with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 1, "expected": 1, "holds": true, "name": "stage6_tests", "op": "≥", "unit": "tests"}, {"actual": 1, "expected": 1, "holds": true, "name": "stage7_tests", "op": "≥", "unit": "tests"}, {"actual": 1, "expected": 1, "holds": true, "name": "stage8_tests", "op": "≥", "unit": "tests"}]}
	denied := deny_stage_tests_exist with input as data.gate.ready.doc
	denied == set()
}

test_stage_tests_exist_stage6_none if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"stages": {"stage6": {"tests": 0}}}}})
	checked := check_stage_tests_exist with input as doc
	checked.holds == false
	denied := deny_stage_tests_exist with input as doc
	denied == {{"code": "stage5.stage_tests_exist", "msg": "A stage has no tests", "operand": "stage6_tests", "op": "≥", "expected": 1, "actual": 0, "unit": "tests"}}
}

test_stage_tests_exist_stage7_none if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"stages": {"stage7": {"tests": 0}}}}})
	checked := check_stage_tests_exist with input as doc
	checked.holds == false
	denied := deny_stage_tests_exist with input as doc
	denied == {{"code": "stage5.stage_tests_exist", "msg": "A stage has no tests", "operand": "stage7_tests", "op": "≥", "expected": 1, "actual": 0, "unit": "tests"}}
}

test_stage_tests_exist_stage8_none if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"stages": {"stage8": {"tests": 0}}}}})
	checked := check_stage_tests_exist with input as doc
	checked.holds == false
	denied := deny_stage_tests_exist with input as doc
	denied == {{"code": "stage5.stage_tests_exist", "msg": "A stage has no tests", "operand": "stage8_tests", "op": "≥", "expected": 1, "actual": 0, "unit": "tests"}}
}

test_stage_tests_collectable_holds if {
	checked := check_stage_tests_collectable with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "stages_not_collectable", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_stage_tests_collectable with input as data.gate.ready.doc
	denied == set()
}

test_stage_tests_collectable_stage6_broken if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"stages": {"stage6": {"collectable": false, "problems": [{"path": "t.py", "line": 1, "text": "does not parse"}]}}}}})
	checked := check_stage_tests_collectable with input as doc
	checked.holds == false
	denied := deny_stage_tests_collectable with input as doc
	denied == {{"code": "stage5.stage_tests_collectable", "msg": "The tests of a stage cannot be collected: stage6: t.py does not parse", "operand": "stages_not_collectable", "op": "∅", "expected": [], "actual": "stage6: t.py does not parse", "unit": "list", "term": "stage6"}}
}

test_stage_tests_collectable_stage7_broken if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"stages": {"stage7": {"collectable": false, "problems": [{"path": "t.py", "line": 1, "text": "does not parse"}]}}}}})
	checked := check_stage_tests_collectable with input as doc
	checked.holds == false
	denied := deny_stage_tests_collectable with input as doc
	denied == {{"code": "stage5.stage_tests_collectable", "msg": "The tests of a stage cannot be collected: stage7: t.py does not parse", "operand": "stages_not_collectable", "op": "∅", "expected": [], "actual": "stage7: t.py does not parse", "unit": "list", "term": "stage7"}}
}

test_stage_tests_collectable_stage8_broken if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"stages": {"stage8": {"collectable": false, "problems": [{"path": "t.py", "line": 1, "text": "does not parse"}]}}}}})
	checked := check_stage_tests_collectable with input as doc
	checked.holds == false
	denied := deny_stage_tests_collectable with input as doc
	denied == {{"code": "stage5.stage_tests_collectable", "msg": "The tests of a stage cannot be collected: stage8: t.py does not parse", "operand": "stages_not_collectable", "op": "∅", "expected": [], "actual": "stage8: t.py does not parse", "unit": "list", "term": "stage8"}}
}

test_stage_tests_collectable_nothing_there if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"stages": {"stage6": {"collectable": false, "files": [], "tests": 0}}}}})
	checked := check_stage_tests_collectable with input as doc
	checked.holds == false
	denied := deny_stage_tests_collectable with input as doc
	denied == {{"code": "stage5.stage_tests_collectable", "msg": "The tests of a stage cannot be collected: stage6: nothing to collect", "operand": "stages_not_collectable", "op": "∅", "expected": [], "actual": "stage6: nothing to collect", "unit": "list", "term": "stage6"}}
}

test_stage_tests_passed_holds if {
	checked := check_stage_tests_passed with input as data.gate.ready.doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": 4, "expected": 1, "holds": true, "name": "stage6_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage7_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage8_tests_passed", "op": "≥", "unit": "tests"},
		],
	}
	denied := deny_stage_tests_passed with input as data.gate.ready.doc
	denied == set()
}

test_stage_tests_passed_one_each if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"stage_passed": {"stage6": 1, "stage7": 1, "stage8": 1}}}})
	checked := check_stage_tests_passed with input as doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": 1, "expected": 1, "holds": true, "name": "stage6_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 1, "expected": 1, "holds": true, "name": "stage7_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 1, "expected": 1, "holds": true, "name": "stage8_tests_passed", "op": "≥", "unit": "tests"},
		],
	}
	denied := deny_stage_tests_passed with input as doc
	denied == set()
}

test_stage_tests_passed_stage6_none if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"stage_passed": {"stage6": 0}}}})
	checked := check_stage_tests_passed with input as doc
	checked == {
		"holds": false,
		"operands": [
			{"actual": 0, "expected": 1, "holds": false, "name": "stage6_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage7_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage8_tests_passed", "op": "≥", "unit": "tests"},
		],
	}
	denied := deny_stage_tests_passed with input as doc
	denied == {{"code": "stage5.stage_tests_passed", "msg": "No test of a stage passed", "operand": "stage6_tests_passed", "op": "≥", "expected": 1, "actual": 0, "unit": "tests"}}
}

test_stage_tests_passed_stage6_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"stage_passed": {"stage6": null}}}})
	checked := check_stage_tests_passed with input as doc
	checked == {
		"holds": false,
		"operands": [
			{"actual": null, "expected": 1, "holds": false, "name": "stage6_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage7_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage8_tests_passed", "op": "≥", "unit": "tests"},
		],
	}
	denied := deny_stage_tests_passed with input as doc
	denied == {{"code": "stage5.stage_tests_passed", "msg": "No test of a stage passed", "operand": "stage6_tests_passed", "op": "≥", "expected": 1, "actual": null, "unit": "tests"}}
}

test_stage_tests_passed_stage7_none if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"stage_passed": {"stage7": 0}}}})
	checked := check_stage_tests_passed with input as doc
	checked == {
		"holds": false,
		"operands": [
			{"actual": 4, "expected": 1, "holds": true, "name": "stage6_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 0, "expected": 1, "holds": false, "name": "stage7_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage8_tests_passed", "op": "≥", "unit": "tests"},
		],
	}
	denied := deny_stage_tests_passed with input as doc
	denied == {{"code": "stage5.stage_tests_passed", "msg": "No test of a stage passed", "operand": "stage7_tests_passed", "op": "≥", "expected": 1, "actual": 0, "unit": "tests"}}
}

test_stage_tests_passed_stage7_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"stage_passed": {"stage7": null}}}})
	checked := check_stage_tests_passed with input as doc
	checked == {
		"holds": false,
		"operands": [
			{"actual": 4, "expected": 1, "holds": true, "name": "stage6_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": null, "expected": 1, "holds": false, "name": "stage7_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage8_tests_passed", "op": "≥", "unit": "tests"},
		],
	}
	denied := deny_stage_tests_passed with input as doc
	denied == {{"code": "stage5.stage_tests_passed", "msg": "No test of a stage passed", "operand": "stage7_tests_passed", "op": "≥", "expected": 1, "actual": null, "unit": "tests"}}
}

test_stage_tests_passed_stage8_none if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"stage_passed": {"stage8": 0}}}})
	checked := check_stage_tests_passed with input as doc
	checked == {
		"holds": false,
		"operands": [
			{"actual": 4, "expected": 1, "holds": true, "name": "stage6_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage7_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 0, "expected": 1, "holds": false, "name": "stage8_tests_passed", "op": "≥", "unit": "tests"},
		],
	}
	denied := deny_stage_tests_passed with input as doc
	denied == {{"code": "stage5.stage_tests_passed", "msg": "No test of a stage passed", "operand": "stage8_tests_passed", "op": "≥", "expected": 1, "actual": 0, "unit": "tests"}}
}

test_stage_tests_passed_stage8_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"stage_passed": {"stage8": null}}}})
	checked := check_stage_tests_passed with input as doc
	checked == {
		"holds": false,
		"operands": [
			{"actual": 4, "expected": 1, "holds": true, "name": "stage6_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": 5, "expected": 1, "holds": true, "name": "stage7_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": null, "expected": 1, "holds": false, "name": "stage8_tests_passed", "op": "≥", "unit": "tests"},
		],
	}
	denied := deny_stage_tests_passed with input as doc
	denied == {{"code": "stage5.stage_tests_passed", "msg": "No test of a stage passed", "operand": "stage8_tests_passed", "op": "≥", "expected": 1, "actual": null, "unit": "tests"}}
}

test_stage_tests_passed_no_report if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"stage_passed": {"stage6": null, "stage7": null, "stage8": null}}}})
	checked := check_stage_tests_passed with input as doc
	checked == {
		"holds": false,
		"operands": [
			{"actual": null, "expected": 1, "holds": false, "name": "stage6_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": null, "expected": 1, "holds": false, "name": "stage7_tests_passed", "op": "≥", "unit": "tests"},
			{"actual": null, "expected": 1, "holds": false, "name": "stage8_tests_passed", "op": "≥", "unit": "tests"},
		],
	}
	denied := deny_stage_tests_passed with input as doc
	denied == {
		{"code": "stage5.stage_tests_passed", "msg": "No test of a stage passed", "operand": "stage6_tests_passed", "op": "≥", "expected": 1, "actual": null, "unit": "tests"},
		{"code": "stage5.stage_tests_passed", "msg": "No test of a stage passed", "operand": "stage7_tests_passed", "op": "≥", "expected": 1, "actual": null, "unit": "tests"},
		{"code": "stage5.stage_tests_passed", "msg": "No test of a stage passed", "operand": "stage8_tests_passed", "op": "≥", "expected": 1, "actual": null, "unit": "tests"},
	}
}

test_fixtures_configured_holds if {
	checked := check_fixtures_configured with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 3, "expected": 1, "holds": true, "name": "fixtures", "op": "≥", "unit": "fixtures"}]}
	denied := deny_fixtures_configured with input as data.gate.ready.doc
	denied == set()
}

test_fixtures_configured_one if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"fixtures": 1}}})
	checked := check_fixtures_configured with input as doc
	checked.holds == true
	denied := deny_fixtures_configured with input as doc
	denied == set()
}

test_fixtures_configured_none if {
	doc := object.union(data.gate.ready.doc, {"facts": {"stage_tests": {"fixtures": 0}}})
	checked := check_fixtures_configured with input as doc
	checked.holds == false
	denied := deny_fixtures_configured with input as doc
	denied == {{"code": "stage5.fixtures_configured", "msg": "The stage tests have no fixtures", "operand": "fixtures", "op": "≥", "expected": 1, "actual": 0, "unit": "fixtures"}}
}

test_seeds_present_holds if {
	checked := check_seeds_present with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": ["chaos", "global", "integration", "metamorphic", "property"], "expected": ["global", "property", "metamorphic", "chaos", "integration"], "holds": true, "name": "seeds", "op": "⊇", "terms": [], "unit": "list"}]}
	denied := deny_seeds_present with input as data.gate.ready.doc
	denied == set()
}

test_seeds_present_zero_is_a_seed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"global": 0}}}})
	checked := check_seeds_present with input as doc
	checked.holds == true
	denied := deny_seeds_present with input as doc
	denied == set()
}

test_seeds_present_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"fixtures": {"seeds": {"chaos": null}}}})
	checked := check_seeds_present with input as doc
	checked.holds == false
	denied := deny_seeds_present with input as doc
	denied == {{"code": "stage5.seeds_present", "msg": "A kind of random test has no seed: chaos", "operand": "seeds", "op": "⊇", "expected": ["global", "property", "metamorphic", "chaos", "integration"], "actual": ["global", "integration", "metamorphic", "property"], "unit": "list", "term": "chaos"}}
}

test_not_rejected_holds if {
	checked := check_not_rejected with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "rejections", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_not_rejected with input as data.gate.ready.doc
	denied == set()
}

test_not_rejected_rejected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage5", "risk_officer", {"verdict": "reject"})]}}})
	checked := check_not_rejected with input as doc
	checked.holds == false
	denied := deny_not_rejected with input as doc
	denied == {{"code": "stage5.not_rejected", "msg": "The stage was rejected: risk_officer rejected in signoffs/stage5-risk_officer.json", "operand": "rejections", "op": "∅", "expected": [], "actual": "risk_officer rejected in signoffs/stage5-risk_officer.json", "unit": "list", "term": "risk_officer", "path": "signoffs/stage5-risk_officer.json"}}
}

test_not_rejected_rejected_other_evidence if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage5", "risk_officer", {"verdict": "reject", "evidence": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"})]}}})
	checked := check_not_rejected with input as doc
	checked.holds == true
	denied := deny_not_rejected with input as doc
	denied == set()
}
