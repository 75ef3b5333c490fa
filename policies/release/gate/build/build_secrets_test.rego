package gate.build

leak(operand, term, text) := named("build.no_hardcoded_secrets", "The sources may contain a secret", operand, term, text)

test_no_hardcoded_secrets_holds if {
	checked := check_no_hardcoded_secrets with input as with_facts({"source": {"scanned": 1}})
	checked.holds == true
	denied := deny_no_hardcoded_secrets with input as data.gate.ready.doc
	denied == set()
}

test_no_hardcoded_secrets_found if {
	found := [
		{"path": "notes/app.py", "line": 3, "kind": "named", "name": "API_KEY", "length": 20},
		{"path": "notes/app.py", "line": 9, "kind": "jwt", "name": null, "length": 90},
	]
	unread := [{"path": "notes/data.py", "reason": "is too large"}]
	doc := with_facts({"source": {"secrets": found, "secrets_total": 3, "unscanned": unread, "unscanned_total": 1}})
	denied := deny_no_hardcoded_secrets with input as doc
	denied == {
		object.union(leak("secrets", "notes/app.py:API_KEY", "notes/app.py:3: API_KEY (by its name)"), {"path": "notes/app.py", "line": 3}),
		object.union(leak("secrets", "notes/app.py:jwt", "notes/app.py:9: jwt"), {"path": "notes/app.py", "line": 9}),
		leak("secrets", "not listed", "1 more, which are not listed"),
		object.union(leak("files_not_scanned", "notes/data.py", "notes/data.py is too large"), {"path": "notes/data.py"}),
	}
}

test_no_hardcoded_secrets_nothing_scanned if {
	denied := deny_no_hardcoded_secrets with input as with_facts({"source": {"scanned": 0}})
	denied == {below("build.no_hardcoded_secrets", "The sources may contain a secret", "scanned_files", "≥", 1, 0, "files")}
}

test_no_hardcoded_secrets_null if {
	checked := check_no_hardcoded_secrets with input as with_facts({"source": {"scanned": null}})
	checked.holds == false
}
