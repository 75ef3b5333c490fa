package gate.stage4

test_safeguards_holds if {
	checked := check_safeguards with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 2, "expected": 1, "holds": true, "name": "source_files", "op": "≥", "unit": "files"}, {"actual": [], "expected": [], "holds": true, "name": "safeguards_missing", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "error_codes_not_handled", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "too_many_reconnection_tries", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_safeguards with input as data.gate.ready.doc
	denied == set()
	warned := warn_safeguards with input as data.gate.ready.doc
	warned == set()
}

tries(number) := object.union(data.gate.ready.doc, {"facts": {"source": {"safeguards": {"reconnection": {"evidence": [{"path": "a.py", "line": 9, "what": "x", "tries": number}]}}}}})

test_safeguards_tries_at_the_limit if {
	checked := check_safeguards with input as tries(3)
	checked.holds == true
}

test_safeguards_too_many_tries if {
	denied := deny_safeguards with input as tries(4)
	denied == {{"code": "stage4.safeguards", "msg": "The broker client lacks a safeguard: a.py:9: tries 4 times, at most 3 are agreed", "operand": "too_many_reconnection_tries", "op": "∅", "expected": [], "actual": "a.py:9: tries 4 times, at most 3 are agreed", "unit": "list", "term": "a.py:4", "path": "a.py", "line": 9}}
}

test_safeguards_no_limiter if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"broker_conformance": {"sources": "unstated"}}, "source": {"safeguards": {"pacing_limiter": {"state": "absent", "evidence": [], "evidence_total": 0}}}}})
	checked := check_safeguards with input as doc
	checked.holds == false
	denied := deny_safeguards with input as doc
	denied == {{"code": "stage4.safeguards", "msg": "The broker client lacks a safeguard: pacing_limiter: absent", "operand": "safeguards_missing", "op": "∅", "expected": [], "actual": "pacing_limiter: absent", "unit": "list", "term": "pacing_limiter"}}
}

test_safeguards_limiter_unused if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"broker_conformance": {"sources": "unstated"}}, "source": {"safeguards": {"pacing_limiter": {"state": "unused"}}}}})
	checked := check_safeguards with input as doc
	checked.holds == false
	denied := deny_safeguards with input as doc
	denied == {{"code": "stage4.safeguards", "msg": "The broker client lacks a safeguard: pacing_limiter: unused", "operand": "safeguards_missing", "op": "∅", "expected": [], "actual": "pacing_limiter: unused", "unit": "list", "term": "pacing_limiter"}}
}

test_safeguards_no_reconnection if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"broker_conformance": {"sources": "unstated"}}, "source": {"safeguards": {"reconnection": {"state": "absent"}}}}})
	checked := check_safeguards with input as doc
	checked.holds == false
	denied := deny_safeguards with input as doc
	denied == {{"code": "stage4.safeguards", "msg": "The broker client lacks a safeguard: reconnection: absent", "operand": "safeguards_missing", "op": "∅", "expected": [], "actual": "reconnection: absent", "unit": "list", "term": "reconnection"}}
}

test_safeguards_reconnection_unused if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"broker_conformance": {"sources": "unstated"}}, "source": {"safeguards": {"reconnection": {"state": "unused"}}}}})
	checked := check_safeguards with input as doc
	checked.holds == false
	denied := deny_safeguards with input as doc
	denied == {{"code": "stage4.safeguards", "msg": "The broker client lacks a safeguard: reconnection: unused", "operand": "safeguards_missing", "op": "∅", "expected": [], "actual": "reconnection: unused", "unit": "list", "term": "reconnection"}}
}

test_safeguards_no_error_handling if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"safeguards": {"error_handling": {"state": "absent", "codes_handled": []}}}}})
	checked := check_safeguards with input as doc
	checked.holds == false
	denied := deny_safeguards with input as doc
	denied == {{"code": "stage4.safeguards", "msg": "The broker client lacks a safeguard: error_handling: absent", "operand": "safeguards_missing", "op": "∅", "expected": [], "actual": "error_handling: absent", "unit": "list", "term": "error_handling"}}
}

test_safeguards_codes_not_known if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"safeguards": {"error_handling": {"codes_handled": []}}}}})
	checked := check_safeguards with input as doc
	checked.holds == true
	denied := deny_safeguards with input as doc
	denied == set()
}

test_safeguards_code_not_handled if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"safeguards": {"error_handling": {"codes_handled": [100, 103, 200, 201, 202, 321, 399, 434, 504, 2104, 2106]}}}}})
	checked := check_safeguards with input as doc
	checked.holds == false
	denied := deny_safeguards with input as doc
	denied == {{"code": "stage4.safeguards", "msg": "The broker client lacks a safeguard: 1100", "operand": "error_codes_not_handled", "op": "∅", "expected": [], "actual": "1100", "unit": "list", "term": "1100"}}
}

test_safeguards_error_swallowed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"safeguards": {"error_handling": {"swallowed": [{"path": "a.py", "line": 4}], "swallowed_total": 1}}}}})
	checked := check_safeguards with input as doc
	checked.holds == true
	denied := deny_safeguards with input as doc
	denied == set()
	warned := warn_safeguards with input as doc
	warned == {{"code": "stage4.safeguards", "msg": "Every error is silently dropped in a.py:4"}}
}

test_safeguards_nothing_inspected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"broker_conformance": {"sources": "unstated"}}, "source": {"files": 0, "safeguards": {"pacing_limiter": null, "reconnection": null, "error_handling": null}}}})
	checked := check_safeguards with input as doc
	checked.holds == false
	denied := deny_safeguards with input as doc
	denied == {{"code": "stage4.safeguards", "msg": "The broker client lacks a safeguard", "operand": "source_files", "op": "≥", "expected": 1, "actual": 0, "unit": "files"}, {"code": "stage4.safeguards", "msg": "The broker client lacks a safeguard: error_handling: null", "operand": "safeguards_missing", "op": "∅", "expected": [], "actual": "error_handling: null", "unit": "list", "term": "error_handling"}, {"code": "stage4.safeguards", "msg": "The broker client lacks a safeguard: pacing_limiter: null", "operand": "safeguards_missing", "op": "∅", "expected": [], "actual": "pacing_limiter: null", "unit": "list", "term": "pacing_limiter"}, {"code": "stage4.safeguards", "msg": "The broker client lacks a safeguard: reconnection: null", "operand": "safeguards_missing", "op": "∅", "expected": [], "actual": "reconnection: null", "unit": "list", "term": "reconnection"}}
	warned := warn_safeguards with input as doc
	warned == set()
}
