package gate.signoffs

test_status_of_every_sign_off if {
	unsigned := data.gate.ready.signoff("stage1", "cto", {"path": "a.json", "signature": "unsigned"})
	rejected := data.gate.ready.signoff("stage1", "cto", {"path": "b.json", "verdict": "reject", "key_valid_until_s": 1764935999})
	void := data.gate.ready.signoff("stage1", "cto", {"path": "c.json", "verdict": "reject", "signature": "invalid"})
	good := data.gate.ready.signoff("stage1", "cto", {"path": "d.json"})
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [unsigned, rejected, void, good]}}})
	found := status with input as doc
	found == {
		{"path": "a.json", "reasons": ["it is not signed"]},
		{"path": "b.json", "reasons": []},
		{"path": "c.json", "reasons": ["the signature is invalid"]},
		{"path": "d.json", "reasons": []},
	}
}
