package gate.stage4

test_client_operations_holds if {
	checked := check_client_operations with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 2, "expected": 1, "holds": true, "name": "source_files", "op": "≥", "unit": "files"}, {"actual": [], "expected": [], "holds": true, "name": "operations_missing_in_a_file", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_client_operations with input as data.gate.ready.doc
	denied == set()
}

client_with(changes) := {"path": "a.py", "lines": {"place_order": 7, "cancel_order": null}, "operations": object.union(
	{
		"connect": "implemented",
		"disconnect": "implemented",
		"account_info": "absent",
		"positions": "absent",
		"place_order": "implemented",
		"cancel_order": "implemented",
		"order_status": "implemented",
		"market_data": "absent",
	},
	changes,
)}

test_client_operations_one_absent if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"clients": [client_with({"cancel_order": "absent"})]}}})
	denied := deny_client_operations with input as doc
	denied == {{"code": "stage4.client_operations", "msg": "An order client lacks an operation: a.py cancel_order: absent", "operand": "operations_missing_in_a_file", "op": "∅", "expected": [], "actual": "a.py cancel_order: absent", "unit": "list", "term": "a.py:cancel_order", "path": "a.py"}}
}

test_client_operations_one_stub if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"clients": [client_with({"place_order": "stub"})]}}})
	denied := deny_client_operations with input as doc
	denied == {{"code": "stage4.client_operations", "msg": "An order client lacks an operation: a.py:7 place_order: stub", "operand": "operations_missing_in_a_file", "op": "∅", "expected": [], "actual": "a.py:7 place_order: stub", "unit": "list", "term": "a.py:place_order", "path": "a.py", "line": 7}}
}

test_client_operations_another_kind_of_file if {
	feed := client_with({"place_order": "absent", "cancel_order": "absent", "order_status": "absent", "market_data": "implemented"})
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"clients": [feed]}}})
	denied := deny_client_operations with input as doc
	denied == set()
}

test_paper_only_holds if {
	checked := check_paper_only with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 2, "expected": 1, "holds": true, "name": "source_files", "op": "≥", "unit": "files"}, {"actual": [], "expected": [], "holds": true, "name": "checks_missing", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_paper_only with input as data.gate.ready.doc
	denied == set()
}

test_paper_only_absent if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"safeguards": {"account_check": {"state": "absent"}}}}})
	denied := deny_paper_only with input as doc
	denied == {{"code": "stage4.paper_only", "msg": "Live trading is not refused: account_check: absent", "operand": "checks_missing", "op": "∅", "expected": [], "actual": "account_check: absent", "unit": "list", "term": "account_check"}}
}

test_sources_listed_holds if {
	checked := check_sources_listed with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "python_files_not_listed", "op": "∅", "terms": [], "unit": "list"}, {"actual": 0, "expected": 100, "holds": true, "name": "python_files_left_out", "op": "≤", "unit": "files"}]}
	denied := deny_sources_listed with input as data.gate.ready.doc
	denied == set()
}

test_sources_listed_hidden_code if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"unlisted": ["x/a.py"], "unlisted_total": 2, "left_out_total": 2}}})
	denied := deny_sources_listed with input as doc
	denied == {
		{"code": "stage4.sources_listed", "msg": "Code is not judged: x/a.py", "operand": "python_files_not_listed", "op": "∅", "expected": [], "actual": "x/a.py", "unit": "list", "term": "x/a.py", "path": "x/a.py"},
		{"code": "stage4.sources_listed", "msg": "Code is not judged: 1 more, which are not listed", "operand": "python_files_not_listed", "op": "∅", "expected": [], "actual": "1 more, which are not listed", "unit": "list", "term": "not listed"},
	}
}

test_sources_listed_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"left_out_total": 100}}})
	denied := deny_sources_listed with input as doc
	denied == set()
}

test_sources_listed_too_many if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"left_out_total": 101}}})
	denied := deny_sources_listed with input as doc
	denied == {{"code": "stage4.sources_listed", "msg": "Code is not judged", "operand": "python_files_left_out", "op": "≤", "expected": 100, "actual": 101, "unit": "files"}}
}
