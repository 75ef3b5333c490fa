package gate.build

test_contracts_valid_holds if {
	denied := deny_contracts_valid with input as data.gate.ready.doc
	denied == set()
}

test_contracts_valid_one_is_not if {
	bad := {"path": "contracts/note.schema.json", "valid": false, "problems": [{"pointer": "/type", "text": "is no type"}, {"pointer": "", "text": "constrains nothing"}]}
	denied := deny_contracts_valid with input as with_facts({"contracts": {"files": [bad]}})
	denied == {object.union(
		named("build.contracts_valid", "A contract is missing or is not valid", "invalid_contracts", "contracts/note.schema.json", "contracts/note.schema.json: /type is no type;  constrains nothing"),
		{"path": "contracts/note.schema.json"},
	)}
}

test_contracts_valid_none if {
	denied := deny_contracts_valid with input as with_facts({"contracts": {"total": 0, "files": []}})
	denied == {below("build.contracts_valid", "A contract is missing or is not valid", "contracts", "≥", 1, 0, "files")}
}

test_contracts_valid_null if {
	checked := check_contracts_valid with input as with_facts({"contracts": {"total": null}})
	checked.holds == false
}

broken(operand, term, text) := named("build.messages_valid", "Messages break their contract, or there are none", operand, term, text)

test_messages_valid_holds if {
	denied := deny_messages_valid with input as data.gate.ready.doc
	denied == set()
}

test_messages_valid_offenders if {
	offender := {"file": "messages/notes.jsonl", "line": 2, "pointer": "/id", "rule": "/properties/id/pattern", "message": "does not match", "violations": 1}
	doc := with_facts({"messages": {"sets": {"notes": {"invalid": 3, "offenders": [offender]}}}})
	denied := deny_messages_valid with input as doc
	denied == {
		object.union(
			broken("invalid_messages", "notes messages/notes.jsonl:2", "messages/notes.jsonl:2: /id does not match"),
			{"path": "messages/notes.jsonl", "line": 2},
		),
		broken("invalid_messages", "notes not listed", "notes: 2 more, which are not listed"),
	}
}

test_messages_valid_empty_and_null if {
	kind := {"contract": "contracts/x.schema.json", "records": null, "invalid": null, "offenders": []}
	doc := with_facts({"messages": {"sets": {"notes": {"records": 0}, "others": kind}}})
	denied := deny_messages_valid with input as doc
	denied == {
		object.union(broken("empty_sets", "notes", "notes: 0 messages"), {"path": "contracts/note.schema.json"}),
		object.union(broken("empty_sets", "others", "others: no messages"), {"path": "contracts/x.schema.json"}),
	}
}

test_messages_valid_no_set if {
	facts := object.union(object.remove(data.gate.ready.doc.facts, ["messages"]), {"messages": {"sets": {}}})
	doc := object.union(object.remove(data.gate.ready.doc, ["facts"]), {"facts": facts})
	denied := deny_messages_valid with input as doc
	denied == {below("build.messages_valid", "Messages break their contract, or there are none", "message_sets", "≥", 1, 0, "sets")}
}
