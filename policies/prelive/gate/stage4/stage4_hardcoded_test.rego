package gate.stage4

test_no_hardcoded_secrets_holds if {
	checked := check_no_hardcoded_secrets with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 20, "expected": 1, "holds": true, "name": "scanned_files", "op": "≥", "unit": "files"}, {"actual": [], "expected": [], "holds": true, "name": "secrets", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "files_not_scanned", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_no_hardcoded_secrets with input as data.gate.ready.doc
	denied == set()
}

test_no_hardcoded_secrets_named if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"secrets": [{"path": "a.py", "line": 3, "kind": "named", "name": "api_key", "length": 32}], "secrets_total": 1}}})
	checked := check_no_hardcoded_secrets with input as doc
	checked.holds == false
	denied := deny_no_hardcoded_secrets with input as doc
	denied == {{"code": "stage4.no_hardcoded_secrets", "msg": "The sources may contain a secret: a.py:3: api_key (by its name)", "operand": "secrets", "op": "∅", "expected": [], "actual": "a.py:3: api_key (by its name)", "unit": "list", "term": "a.py:api_key", "path": "a.py", "line": 3}}
}

test_no_hardcoded_secrets_token_without_a_name if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"secrets": [{"path": "a.py", "line": 3, "kind": "jwt", "name": null, "length": 90}], "secrets_total": 1}}})
	checked := check_no_hardcoded_secrets with input as doc
	checked.holds == false
	denied := deny_no_hardcoded_secrets with input as doc
	denied == {{"code": "stage4.no_hardcoded_secrets", "msg": "The sources may contain a secret: a.py:3: jwt", "operand": "secrets", "op": "∅", "expected": [], "actual": "a.py:3: jwt", "unit": "list", "term": "a.py:jwt", "path": "a.py", "line": 3}}
}

test_no_hardcoded_secrets_more_than_listed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"secrets": [{"path": "a.py", "line": 3, "kind": "jwt", "name": null, "length": 90}], "secrets_total": 3}}})
	checked := check_no_hardcoded_secrets with input as doc
	checked.holds == false
	denied := deny_no_hardcoded_secrets with input as doc
	denied == {{"code": "stage4.no_hardcoded_secrets", "msg": "The sources may contain a secret: a.py:3: jwt", "operand": "secrets", "op": "∅", "expected": [], "actual": "a.py:3: jwt", "unit": "list", "term": "a.py:jwt", "path": "a.py", "line": 3}, {"code": "stage4.no_hardcoded_secrets", "msg": "The sources may contain a secret: 2 more, which are not listed", "operand": "secrets", "op": "∅", "expected": [], "actual": "2 more, which are not listed", "unit": "list", "term": "not listed"}}
}

test_no_hardcoded_secrets_file_not_scanned if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"unscanned": [{"path": "big.py", "reason": "is larger than 5 bytes"}], "unscanned_total": 1}}})
	checked := check_no_hardcoded_secrets with input as doc
	checked.holds == false
	denied := deny_no_hardcoded_secrets with input as doc
	denied == {{"code": "stage4.no_hardcoded_secrets", "msg": "The sources may contain a secret: big.py is larger than 5 bytes", "operand": "files_not_scanned", "op": "∅", "expected": [], "actual": "big.py is larger than 5 bytes", "unit": "list", "term": "big.py", "path": "big.py"}}
}

test_no_hardcoded_secrets_nothing_scanned if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"scanned": 0, "secrets_total": null, "unscanned_total": null, "account_ids": [], "account_ids_total": null, "live_account_ids_total": null, "live_ports_total": null}}})
	checked := check_no_hardcoded_secrets with input as doc
	checked.holds == false
	denied := deny_no_hardcoded_secrets with input as doc
	denied == {{"code": "stage4.no_hardcoded_secrets", "msg": "The sources may contain a secret", "operand": "scanned_files", "op": "≥", "expected": 1, "actual": 0, "unit": "files"}}
}

test_no_hardcoded_accounts_holds if {
	checked := check_no_hardcoded_accounts with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 20, "expected": 1, "holds": true, "name": "scanned_files", "op": "≥", "unit": "files"}, {"actual": [], "expected": [], "holds": true, "name": "account_ids", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_no_hardcoded_accounts with input as data.gate.ready.doc
	denied == set()
}

test_no_hardcoded_accounts_live if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"account_ids": [{"path": "a.py", "line": 5, "account": "U*****67", "paper": false}], "account_ids_total": 1, "live_account_ids_total": 1}}})
	checked := check_no_hardcoded_accounts with input as doc
	checked.holds == false
	denied := deny_no_hardcoded_accounts with input as doc
	denied == {{"code": "stage4.no_hardcoded_accounts", "msg": "The sources contain an account id: a.py:5: U*****67", "operand": "account_ids", "op": "∅", "expected": [], "actual": "a.py:5: U*****67", "unit": "list", "term": "a.py:U*****67", "path": "a.py", "line": 5}}
}

test_no_hardcoded_accounts_more_live_than_listed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"account_ids": [{"path": "a.py", "line": 5, "account": "U*****67", "paper": false}], "account_ids_total": 9, "live_account_ids_total": 2}}})
	checked := check_no_hardcoded_accounts with input as doc
	checked.holds == false
	denied := deny_no_hardcoded_accounts with input as doc
	denied == {{"code": "stage4.no_hardcoded_accounts", "msg": "The sources contain an account id: a.py:5: U*****67", "operand": "account_ids", "op": "∅", "expected": [], "actual": "a.py:5: U*****67", "unit": "list", "term": "a.py:U*****67", "path": "a.py", "line": 5}, {"code": "stage4.no_hardcoded_accounts", "msg": "The sources contain an account id: 1 more, which are not listed", "operand": "account_ids", "op": "∅", "expected": [], "actual": "1 more, which are not listed", "unit": "list", "term": "not listed"}}
}

test_no_hardcoded_accounts_paper_refused if {
	doc := object.union(data.gate.ready.doc, {"facts": {}})
	checked := check_no_hardcoded_accounts with input as doc with data.gate.params.stage4.paper_account_ids_allowed.value as false
	checked.holds == false
	denied := deny_no_hardcoded_accounts with input as doc with data.gate.params.stage4.paper_account_ids_allowed.value as false
	denied == {{"code": "stage4.no_hardcoded_accounts", "msg": "The sources contain an account id: tests/conftest.py:8: DU*****67", "operand": "account_ids", "op": "∅", "expected": [], "actual": "tests/conftest.py:8: DU*****67", "unit": "list", "term": "tests/conftest.py:DU*****67", "path": "tests/conftest.py", "line": 8}}
}

test_no_hardcoded_accounts_more_paper_than_listed_refused if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"account_ids_total": 2}}})
	checked := check_no_hardcoded_accounts with input as doc with data.gate.params.stage4.paper_account_ids_allowed.value as false
	checked.holds == false
	denied := deny_no_hardcoded_accounts with input as doc with data.gate.params.stage4.paper_account_ids_allowed.value as false
	denied == {{"code": "stage4.no_hardcoded_accounts", "msg": "The sources contain an account id: tests/conftest.py:8: DU*****67", "operand": "account_ids", "op": "∅", "expected": [], "actual": "tests/conftest.py:8: DU*****67", "unit": "list", "term": "tests/conftest.py:DU*****67", "path": "tests/conftest.py", "line": 8}, {"code": "stage4.no_hardcoded_accounts", "msg": "The sources contain an account id: 1 more, which are not listed", "operand": "account_ids", "op": "∅", "expected": [], "actual": "1 more, which are not listed", "unit": "list", "term": "not listed"}}
}

test_no_hardcoded_accounts_nothing_scanned if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"scanned": 0, "secrets_total": null, "unscanned_total": null, "account_ids": [], "account_ids_total": null, "live_account_ids_total": null, "live_ports_total": null}}})
	checked := check_no_hardcoded_accounts with input as doc
	checked.holds == false
	denied := deny_no_hardcoded_accounts with input as doc
	denied == {{"code": "stage4.no_hardcoded_accounts", "msg": "The sources contain an account id", "operand": "scanned_files", "op": "≥", "expected": 1, "actual": 0, "unit": "files"}}
}

test_no_live_port_holds if {
	checked := check_no_live_port with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 20, "expected": 1, "holds": true, "name": "scanned_files", "op": "≥", "unit": "files"}, {"actual": [], "expected": [], "holds": true, "name": "live_ports", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_no_live_port with input as data.gate.ready.doc
	denied == set()
}

test_no_live_port_found if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"live_ports": [{"path": "a.py", "line": 7, "port": 7496}, {"path": "b.py", "line": 1, "port": 4001}], "live_ports_total": 2}}})
	checked := check_no_live_port with input as doc
	checked.holds == false
	denied := deny_no_live_port with input as doc
	denied == {{"code": "stage4.no_live_port", "msg": "The sources contain a live port: a.py:7: 7496", "operand": "live_ports", "op": "∅", "expected": [], "actual": "a.py:7: 7496", "unit": "list", "term": "a.py:7496", "path": "a.py", "line": 7}, {"code": "stage4.no_live_port", "msg": "The sources contain a live port: b.py:1: 4001", "operand": "live_ports", "op": "∅", "expected": [], "actual": "b.py:1: 4001", "unit": "list", "term": "b.py:4001", "path": "b.py", "line": 1}}
}

test_no_live_port_more_than_listed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"live_ports_total": 1}}})
	checked := check_no_live_port with input as doc
	checked.holds == false
	denied := deny_no_live_port with input as doc
	denied == {{"code": "stage4.no_live_port", "msg": "The sources contain a live port: 1 more, which are not listed", "operand": "live_ports", "op": "∅", "expected": [], "actual": "1 more, which are not listed", "unit": "list", "term": "not listed"}}
}

test_no_live_port_nothing_scanned if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"scanned": 0, "secrets_total": null, "unscanned_total": null, "account_ids": [], "account_ids_total": null, "live_account_ids_total": null, "live_ports_total": null}}})
	checked := check_no_live_port with input as doc
	checked.holds == false
	denied := deny_no_live_port with input as doc
	denied == {{"code": "stage4.no_live_port", "msg": "The sources contain a live port", "operand": "scanned_files", "op": "≥", "expected": 1, "actual": 0, "unit": "files"}}
}
