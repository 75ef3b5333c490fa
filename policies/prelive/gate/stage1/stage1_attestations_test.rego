package gate.stage1

attested(rows) := object.union(data.gate.ready.doc, {"facts": {"attestations": {"configured": true, "required": rows}}})

attested_row := {
	"predicate_type": "https://slsa.dev/provenance/v1",
	"subject": "dist/*",
	"target": "dist/a.whl",
	"attesters": ["build"],
	"attested_by": ["attestations/a.jsonl:1"],
	"cannot_tell": null,
	"why_not": null,
}

test_attestations_required_none if {
	checked := check_attestations_required with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [
		{"name": "attestations_required", "op": "≥", "actual": 0, "expected": 0, "unit": "attestations", "holds": true},
		{"name": "not_attested", "op": "∅", "actual": [], "expected": [], "unit": "list", "holds": true, "terms": []},
	]}
	denied := deny_attestations_required with input as data.gate.ready.doc
	denied == set()
}

test_attestations_required_there if {
	checked := check_attestations_required with input as attested([attested_row])
	checked.holds == true
	checked.operands[0].actual == 1
}

test_attestations_required_missing if {
	missing := object.union(attested_row, {"attested_by": [], "why_not": "there is no attestation of this predicate type"})
	denied := deny_attestations_required with input as attested([attested_row, missing])
	denied == {{
		"code": "stage1.attestations_required",
		"msg": "A required attestation is not there: https://slsa.dev/provenance/v1 of dist/a.whl: there is no attestation of this predicate type",
		"operand": "not_attested",
		"op": "∅",
		"expected": [],
		"actual": "https://slsa.dev/provenance/v1 of dist/a.whl: there is no attestation of this predicate type",
		"unit": "list",
		"term": "https://slsa.dev/provenance/v1 of dist/a.whl",
	}}
}

test_attestations_required_no_such_file if {
	absent := object.union(attested_row, {"target": null, "attested_by": [], "why_not": "no file of that name is there"})
	denied := deny_attestations_required with input as attested([absent])
	{result.term | some result in denied} == {"https://slsa.dev/provenance/v1 of dist/*"}
}

test_attestations_required_cannot_be_told if {
	unsure := object.union(attested_row, {"attested_by": [], "cannot_tell": "nobody trusted tells when it was signed"})
	denied := deny_attestations_required with input as attested([unsure])
	denied == set()
}

test_attestations_required_at_least_one if {
	denied := deny_attestations_required with input as data.gate.ready.doc with data.gate.params.stage1.attestations_required_min as {"value": 1, "unit": "attestations", "rationale": "x"}
	{result.operand | some result in denied} == {"attestations_required"}
}

test_attestations_required_not_readable if {
	checked := check_attestations_required with input as attested(null)
	checked.holds == false
	checked.operands[0].actual == null
}
