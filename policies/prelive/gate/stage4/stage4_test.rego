package gate.stage4

test_operations_implemented_holds if {
	checked := check_operations_implemented with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "operations_not_implemented", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_operations_implemented with input as data.gate.ready.doc
	denied == set()
}

test_operations_implemented_stub if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"broker_conformance": {"sources": "unstated"}}, "source": {"operations": {"place_order": "stub"}}}})
	checked := check_operations_implemented with input as doc
	checked.holds == false
	denied := deny_operations_implemented with input as doc
	denied == {{"code": "stage4.operations_implemented", "msg": "A broker operation is not implemented: place_order: stub", "operand": "operations_not_implemented", "op": "∅", "expected": [], "actual": "place_order: stub", "unit": "list", "term": "place_order"}}
}

test_operations_implemented_absent if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"broker_conformance": {"sources": "unstated"}}, "source": {"operations": {"place_order": "absent"}}}})
	checked := check_operations_implemented with input as doc
	checked.holds == false
	denied := deny_operations_implemented with input as doc
	denied == {{"code": "stage4.operations_implemented", "msg": "A broker operation is not implemented: place_order: absent", "operand": "operations_not_implemented", "op": "∅", "expected": [], "actual": "place_order: absent", "unit": "list", "term": "place_order"}}
}

test_operations_implemented_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"broker_conformance": {"sources": "unstated"}}, "source": {"operations": {"place_order": null}}}})
	checked := check_operations_implemented with input as doc
	checked.holds == false
	denied := deny_operations_implemented with input as doc
	denied == {{"code": "stage4.operations_implemented", "msg": "A broker operation is not implemented: place_order: null", "operand": "operations_not_implemented", "op": "∅", "expected": [], "actual": "place_order: null", "unit": "list", "term": "place_order"}}
}

test_no_stubs_holds if {
	checked := check_no_stubs with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 20, "expected": 1, "holds": true, "name": "source_files", "op": "≥", "unit": "files"}, {"actual": [], "expected": [], "holds": true, "name": "stubs", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_no_stubs with input as data.gate.ready.doc
	denied == set()
}

test_no_stubs_found if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"stubs": [{"path": "a.py", "line": 4, "name": "health", "reason": "returns a constant"}]}}})
	checked := check_no_stubs with input as doc
	checked.holds == false
	denied := deny_no_stubs with input as doc
	denied == {{"code": "stage4.no_stubs", "msg": "The sources have a stub: a.py:4: health returns a constant", "operand": "stubs", "op": "∅", "expected": [], "actual": "a.py:4: health returns a constant", "unit": "list", "term": "a.py:health", "path": "a.py", "line": 4}}
}

test_no_stubs_one_file_inspected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"inspected": 1}}})
	checked := check_no_stubs with input as doc
	checked.holds == true
	denied := deny_no_stubs with input as doc
	denied == set()
}

test_no_stubs_no_file_inspected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"inspected": 0}}})
	checked := check_no_stubs with input as doc
	checked.holds == false
	denied := deny_no_stubs with input as doc
	denied == {{"code": "stage4.no_stubs", "msg": "The sources have a stub", "operand": "source_files", "op": "≥", "expected": 1, "actual": 0, "unit": "files"}}
}

test_sources_parse_holds if {
	checked := check_sources_parse with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 2, "expected": 1, "holds": true, "name": "source_files", "op": "≥", "unit": "files"}, {"actual": [], "expected": [], "holds": true, "name": "parse_errors", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_sources_parse with input as data.gate.ready.doc
	denied == set()
}

test_sources_parse_found if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"parse_errors": [{"path": "a.py", "line": 2, "text": "invalid syntax"}]}}})
	checked := check_sources_parse with input as doc
	checked.holds == false
	denied := deny_sources_parse with input as doc
	denied == {{"code": "stage4.sources_parse", "msg": "A source file does not parse: a.py:2: invalid syntax", "operand": "parse_errors", "op": "∅", "expected": [], "actual": "a.py:2: invalid syntax", "unit": "list", "term": "a.py", "path": "a.py", "line": 2}}
}

test_sources_parse_one_file_inspected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"files": 1}}})
	checked := check_sources_parse with input as doc
	checked.holds == true
	denied := deny_sources_parse with input as doc
	denied == set()
}

test_sources_parse_no_file_inspected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"files": 0}}})
	checked := check_sources_parse with input as doc
	checked.holds == false
	denied := deny_sources_parse with input as doc
	denied == {{"code": "stage4.sources_parse", "msg": "A source file does not parse", "operand": "source_files", "op": "≥", "expected": 1, "actual": 0, "unit": "files"}}
}

test_order_types_holds if {
	checked := check_order_types with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 2, "expected": 1, "holds": true, "name": "source_files", "op": "≥", "unit": "files"}, {"actual": [], "expected": [], "holds": true, "name": "forbidden_order_types", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "order_types_of_contracts", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_order_types with input as data.gate.ready.doc
	denied == set()
}

test_order_types_found if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"order_types": [{"path": "a.py", "line": 9, "value": "Market"}]}}})
	checked := check_order_types with input as doc
	checked.holds == false
	denied := deny_order_types with input as doc
	denied == {{"code": "stage4.order_types", "msg": "An order type is not the broker's: a.py:9: Market", "operand": "forbidden_order_types", "op": "∅", "expected": [], "actual": "a.py:9: Market", "unit": "list", "term": "a.py:Market", "path": "a.py", "line": 9}}
}

test_order_types_permitted_by_a_contract if {
	entries := [{"path": "contracts/a.json", "pointer": "/properties/order_type", "values": ["LMT", "Limit", "MKT"]}]
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"order_types": entries}}})
	denied := deny_order_types with input as doc
	denied == {{"code": "stage4.order_types", "msg": "An order type is not the broker's: contracts/a.json /properties/order_type permits Limit", "operand": "order_types_of_contracts", "op": "∅", "expected": [], "actual": "contracts/a.json /properties/order_type permits Limit", "unit": "list", "term": "contracts/a.json:Limit", "path": "contracts/a.json"}}
}

test_order_types_one_file_inspected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"files": 1}}})
	checked := check_order_types with input as doc
	checked.holds == true
	denied := deny_order_types with input as doc
	denied == set()
}

test_order_types_no_file_inspected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"files": 0}}})
	checked := check_order_types with input as doc
	checked.holds == false
	denied := deny_order_types with input as doc
	denied == {{"code": "stage4.order_types", "msg": "An order type is not the broker's", "operand": "source_files", "op": "≥", "expected": 1, "actual": 0, "unit": "files"}}
}

test_unit_tests_pass_holds if {
	checked := check_unit_tests_pass with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 20, "expected": 1, "holds": true, "name": "tests", "op": "≥", "unit": "tests"}, {"actual": 19, "expected": 1, "holds": true, "name": "tests_passed", "op": "≥", "unit": "tests"}, {"actual": 0, "expected": 0, "holds": true, "name": "tests_failed", "op": "=", "unit": "tests"}, {"actual": 0, "expected": 0, "holds": true, "name": "tests_errors", "op": "=", "unit": "tests"}]}
	denied := deny_unit_tests_pass with input as data.gate.ready.doc
	denied == set()
}

test_unit_tests_pass_tests_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"total": 1}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == true
	denied := deny_unit_tests_pass with input as doc
	denied == set()
}

test_unit_tests_pass_tests_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"total": 0}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == false
	denied := deny_unit_tests_pass with input as doc
	denied == {{"code": "stage4.unit_tests_pass", "msg": "The unit tests do not pass", "operand": "tests", "op": "≥", "expected": 1, "actual": 0, "unit": "tests"}}
}

test_unit_tests_pass_tests_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"total": null}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == false
	denied := deny_unit_tests_pass with input as doc
	denied == {{"code": "stage4.unit_tests_pass", "msg": "The unit tests do not pass", "operand": "tests", "op": "≥", "expected": 1, "actual": null, "unit": "tests"}}
}

test_unit_tests_pass_tests_passed_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"passed": 1}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == true
	denied := deny_unit_tests_pass with input as doc
	denied == set()
}

test_unit_tests_pass_tests_passed_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"passed": 0}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == false
	denied := deny_unit_tests_pass with input as doc
	denied == {{"code": "stage4.unit_tests_pass", "msg": "The unit tests do not pass", "operand": "tests_passed", "op": "≥", "expected": 1, "actual": 0, "unit": "tests"}}
}

test_unit_tests_pass_tests_passed_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"passed": null}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == false
	denied := deny_unit_tests_pass with input as doc
	denied == {{"code": "stage4.unit_tests_pass", "msg": "The unit tests do not pass", "operand": "tests_passed", "op": "≥", "expected": 1, "actual": null, "unit": "tests"}}
}

test_unit_tests_pass_tests_failed_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"failed": 0}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == true
	denied := deny_unit_tests_pass with input as doc
	denied == set()
}

test_unit_tests_pass_tests_failed_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"failed": 1}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == false
	denied := deny_unit_tests_pass with input as doc
	denied == {{"code": "stage4.unit_tests_pass", "msg": "The unit tests do not pass", "operand": "tests_failed", "op": "=", "expected": 0, "actual": 1, "unit": "tests"}}
}

test_unit_tests_pass_tests_failed_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"failed": null}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == false
	denied := deny_unit_tests_pass with input as doc
	denied == {{"code": "stage4.unit_tests_pass", "msg": "The unit tests do not pass", "operand": "tests_failed", "op": "=", "expected": 0, "actual": null, "unit": "tests"}}
}

test_unit_tests_pass_tests_errors_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"errors": 0}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == true
	denied := deny_unit_tests_pass with input as doc
	denied == set()
}

test_unit_tests_pass_tests_errors_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"errors": 1}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == false
	denied := deny_unit_tests_pass with input as doc
	denied == {{"code": "stage4.unit_tests_pass", "msg": "The unit tests do not pass", "operand": "tests_errors", "op": "=", "expected": 0, "actual": 1, "unit": "tests"}}
}

test_unit_tests_pass_tests_errors_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"errors": null}}})
	checked := check_unit_tests_pass with input as doc
	checked.holds == false
	denied := deny_unit_tests_pass with input as doc
	denied == {{"code": "stage4.unit_tests_pass", "msg": "The unit tests do not pass", "operand": "tests_errors", "op": "=", "expected": 0, "actual": null, "unit": "tests"}}
}

test_tests_fresh_holds if {
	checked := check_tests_fresh with input as data.gate.ready.doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": 7200, "expected": 0, "holds": true, "name": "tests_age", "op": "≥", "unit": "s"},
			{"actual": 7200, "expected": 2592000, "holds": true, "name": "tests_age", "op": "≤", "unit": "s"},
		],
	}
	denied := deny_tests_fresh with input as data.gate.ready.doc
	denied == set()
}

test_tests_fresh_now if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"observed_at_s": 1764936000, "latest_s": 1764936000}}})
	checked := check_tests_fresh with input as doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": 0, "expected": 0, "holds": true, "name": "tests_age", "op": "≥", "unit": "s"},
			{"actual": 0, "expected": 2592000, "holds": true, "name": "tests_age", "op": "≤", "unit": "s"},
		],
	}
	denied := deny_tests_fresh with input as doc
	denied == set()
}

test_tests_fresh_oldest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"observed_at_s": 1762344000, "latest_s": 1762344000}}})
	checked := check_tests_fresh with input as doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": 2592000, "expected": 0, "holds": true, "name": "tests_age", "op": "≥", "unit": "s"},
			{"actual": 2592000, "expected": 2592000, "holds": true, "name": "tests_age", "op": "≤", "unit": "s"},
		],
	}
	denied := deny_tests_fresh with input as doc
	denied == set()
}

test_tests_fresh_too_old if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"observed_at_s": 1762343999, "latest_s": 1762343999}}})
	checked := check_tests_fresh with input as doc
	checked == {
		"holds": false,
		"operands": [
			{"actual": 2592001, "expected": 0, "holds": true, "name": "tests_age", "op": "≥", "unit": "s"},
			{"actual": 2592001, "expected": 2592000, "holds": false, "name": "tests_age", "op": "≤", "unit": "s"},
		],
	}
	denied := deny_tests_fresh with input as doc
	denied == {{"code": "stage4.tests_fresh", "msg": "The tests were not run recently", "operand": "tests_age", "op": "≤", "expected": 2592000, "actual": 2592001, "unit": "s"}}
}

test_tests_fresh_future if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"observed_at_s": 1764936001, "latest_s": 1764936001}}})
	checked := check_tests_fresh with input as doc
	checked == {
		"holds": false,
		"operands": [
			{"actual": -1, "expected": 0, "holds": false, "name": "tests_age", "op": "≥", "unit": "s"},
			{"actual": -1, "expected": 2592000, "holds": true, "name": "tests_age", "op": "≤", "unit": "s"},
		],
	}
	denied := deny_tests_fresh with input as doc
	denied == {{"code": "stage4.tests_fresh", "msg": "The tests were not run recently", "operand": "tests_age", "op": "≥", "expected": 0, "actual": -1, "unit": "s"}}
}

test_tests_fresh_of_2020 if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"observed_at_s": 1577836800, "latest_s": 1577836800}}})
	checked := check_tests_fresh with input as doc
	checked == {
		"holds": false,
		"operands": [
			{"actual": 187099200, "expected": 0, "holds": true, "name": "tests_age", "op": "≥", "unit": "s"},
			{"actual": 187099200, "expected": 2592000, "holds": false, "name": "tests_age", "op": "≤", "unit": "s"},
		],
	}
	denied := deny_tests_fresh with input as doc
	denied == {{"code": "stage4.tests_fresh", "msg": "The tests were not run recently", "operand": "tests_age", "op": "≤", "expected": 2592000, "actual": 187099200, "unit": "s"}}
}

test_tests_fresh_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"observed_at_s": null, "latest_s": null}}})
	checked := check_tests_fresh with input as doc
	checked == {
		"holds": false,
		"operands": [
			{"actual": null, "expected": 0, "holds": false, "name": "tests_age", "op": "≥", "unit": "s"},
			{"actual": null, "expected": 2592000, "holds": false, "name": "tests_age", "op": "≤", "unit": "s"},
		],
	}
	denied := deny_tests_fresh with input as doc
	denied == {
		{"code": "stage4.tests_fresh", "msg": "The tests were not run recently", "operand": "tests_age", "op": "≥", "expected": 0, "actual": null, "unit": "s"},
		{"code": "stage4.tests_fresh", "msg": "The tests were not run recently", "operand": "tests_age", "op": "≤", "expected": 2592000, "actual": null, "unit": "s"},
	}
}

test_tests_fresh_one_of_the_future if {
	doc := object.union(data.gate.ready.doc, {"facts": {"tests": {"latest_s": 1764936001}}})
	denied := deny_tests_fresh with input as doc
	denied == {{"code": "stage4.tests_fresh", "msg": "The tests were not run recently", "operand": "tests_age", "op": "≥", "expected": 0, "actual": -1, "unit": "s"}}
}

test_review_approved_holds if {
	checked := check_review_approved with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 1, "expected": 1, "holds": true, "name": "required_roles", "op": "≥", "unit": "roles"}, {"actual": [], "expected": [], "holds": true, "name": "roles_not_signed", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "rejections", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "people_in_two_roles", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_review_approved with input as data.gate.ready.doc
	denied == set()
}

test_review_approved_nobody_signed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": []}}})
	checked := check_review_approved with input as doc
	checked.holds == false
	denied := deny_review_approved with input as doc
	denied == {{"code": "stage4.review_approved", "msg": "The code review is not approved: cto: no sign-off for stage4", "operand": "roles_not_signed", "op": "∅", "expected": [], "actual": "cto: no sign-off for stage4", "unit": "list", "term": "cto"}}
	conditions := condition_review_approved with input as doc
	conditions == set()
}

test_review_approved_conditional if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage4", "cto", {"verdict": "conditional", "conditions": [{"text": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}]})]}}})
	checked := check_review_approved with input as doc
	checked.holds == true
	denied := deny_review_approved with input as doc
	denied == set()
	conditions := condition_review_approved with input as doc
	conditions == {{"code": "stage4.review_approved", "msg": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}}
}

test_review_approved_rejected_by_risk_officer if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage4", "cto", {}), data.gate.ready.signoff("stage4", "risk_officer", {"verdict": "reject"})]}}})
	checked := check_review_approved with input as doc
	checked.holds == false
	denied := deny_review_approved with input as doc
	denied == {{"code": "stage4.review_approved", "msg": "The code review is not approved: risk_officer rejected in signoffs/stage4-risk_officer.json", "operand": "rejections", "op": "∅", "expected": [], "actual": "risk_officer rejected in signoffs/stage4-risk_officer.json", "unit": "list", "term": "risk_officer", "path": "signoffs/stage4-risk_officer.json"}}
	conditions := condition_review_approved with input as doc
	conditions == set()
}
