package gate.stage1

# The ready document has a break in a contract whose major version was raised.
test_contracts_compatible_holds if {
	checked := check_contracts_compatible with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "approved_version_missing", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "contracts_compared", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "breaking_changes", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_contracts_compatible with input as data.gate.ready.doc
	denied == set()
}

test_contracts_compatible_nothing_to_compare_with if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": null}}})
	checked := check_contracts_compatible with input as doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "approved_version_missing", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "contracts_compared", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "breaking_changes", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_contracts_compatible with input as doc
	denied == set()
}

test_contracts_compatible_approved_version_asked_for if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": null}}})
	checked := check_contracts_compatible with input as doc with data.gate.params.common.approved_baseline_required.value as true
	checked.holds == false
	denied := deny_contracts_compatible with input as doc with data.gate.params.common.approved_baseline_required.value as true
	denied == {{"code": "stage1.contracts_compatible", "msg": "The contracts are not shown to be compatible: no approved version is named to compare with", "operand": "approved_version_missing", "op": "∅", "expected": [], "actual": "no approved version is named to compare with", "unit": "list", "term": "approved version"}}
}

test_contracts_compatible_breaks_producers if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": {"files": [{"path": "contracts/orders.schema.json", "version_before": "1.0", "version_after": "1.0", "major_changed": false, "breaks_producers": 1, "breaks_consumers": 0, "undecided": 0, "breaks": [{"pointer": "/required", "schema": "new", "kind": "required", "breaks": "producers", "text": "the field 'x' is now required"}]}]}}}})
	checked := check_contracts_compatible with input as doc
	checked.holds == false
	denied := deny_contracts_compatible with input as doc
	denied == {{"code": "stage1.contracts_compatible", "msg": "The contracts are not shown to be compatible: contracts/orders.schema.json: breaks_producers: 1; /required the field 'x' is now required", "operand": "breaking_changes", "op": "∅", "expected": [], "actual": "contracts/orders.schema.json: breaks_producers: 1; /required the field 'x' is now required", "unit": "list", "term": "contracts/orders.schema.json", "path": "contracts/orders.schema.json"}}
}

test_contracts_compatible_breaks_consumers if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": {"files": [{"path": "contracts/orders.schema.json", "version_before": "1.0", "version_after": "1.0", "major_changed": false, "breaks_producers": 0, "breaks_consumers": 1, "undecided": 0, "breaks": [{"pointer": "/properties/side/enum", "schema": "new", "kind": "enum", "breaks": "consumers", "text": "the value 'SHORT' is new"}]}]}}}})
	checked := check_contracts_compatible with input as doc
	checked.holds == false
	denied := deny_contracts_compatible with input as doc
	denied == {{"code": "stage1.contracts_compatible", "msg": "The contracts are not shown to be compatible: contracts/orders.schema.json: breaks_consumers: 1; /properties/side/enum the value 'SHORT' is new", "operand": "breaking_changes", "op": "∅", "expected": [], "actual": "contracts/orders.schema.json: breaks_consumers: 1; /properties/side/enum the value 'SHORT' is new", "unit": "list", "term": "contracts/orders.schema.json", "path": "contracts/orders.schema.json"}}
}

test_contracts_compatible_breaks_both if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": {"files": [{"path": "contracts/orders.schema.json", "version_before": "1.0", "version_after": "1.0", "major_changed": false, "breaks_producers": 1, "breaks_consumers": 1, "undecided": 0, "breaks": [{"pointer": "/properties/price", "schema": "new", "kind": "removed", "breaks": "both", "text": "the field is gone"}]}]}}}})
	checked := check_contracts_compatible with input as doc
	checked.holds == false
	denied := deny_contracts_compatible with input as doc
	denied == {{"code": "stage1.contracts_compatible", "msg": "The contracts are not shown to be compatible: contracts/orders.schema.json: breaks_consumers: 1; breaks_producers: 1; /properties/price the field is gone", "operand": "breaking_changes", "op": "∅", "expected": [], "actual": "contracts/orders.schema.json: breaks_consumers: 1; breaks_producers: 1; /properties/price the field is gone", "unit": "list", "term": "contracts/orders.schema.json", "path": "contracts/orders.schema.json"}}
}

test_contracts_compatible_undecided if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": {"files": [{"path": "contracts/orders.schema.json", "version_before": "1.0", "version_after": "1.0", "major_changed": false, "breaks_producers": 0, "breaks_consumers": 0, "undecided": 1, "breaks": [{"pointer": "/pattern", "schema": "new", "kind": "undecided", "breaks": "both", "text": "the pattern changed"}]}]}}}})
	checked := check_contracts_compatible with input as doc
	checked.holds == false
	denied := deny_contracts_compatible with input as doc
	denied == {{"code": "stage1.contracts_compatible", "msg": "The contracts are not shown to be compatible: contracts/orders.schema.json: undecided: 1; /pattern the pattern changed (review it, then raise the major version or waive this rule)", "operand": "breaking_changes", "op": "∅", "expected": [], "actual": "contracts/orders.schema.json: undecided: 1; /pattern the pattern changed (review it, then raise the major version or waive this rule)", "unit": "list", "term": "contracts/orders.schema.json", "path": "contracts/orders.schema.json"}}
}

test_contracts_compatible_undecided_as_a_whole if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": {"files": [{"path": "contracts/orders.schema.json", "version_before": "1.0", "version_after": "1.0", "major_changed": false, "breaks_producers": 0, "breaks_consumers": 0, "undecided": 1, "breaks": [{"pointer": "", "schema": "new", "kind": "undecided", "breaks": "both", "text": "the pattern changed"}]}]}}}})
	checked := check_contracts_compatible with input as doc
	checked.holds == false
	denied := deny_contracts_compatible with input as doc
	denied == {{"code": "stage1.contracts_compatible", "msg": "The contracts are not shown to be compatible: contracts/orders.schema.json: undecided: 1; the pattern changed (review it, then raise the major version or waive this rule)", "operand": "breaking_changes", "op": "∅", "expected": [], "actual": "contracts/orders.schema.json: undecided: 1; the pattern changed (review it, then raise the major version or waive this rule)", "unit": "list", "term": "contracts/orders.schema.json", "path": "contracts/orders.schema.json"}}
}

test_contracts_compatible_consumers_not_counted if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": {"files": [{"path": "contracts/orders.schema.json", "version_before": "1.0", "version_after": "1.0", "major_changed": false, "breaks_producers": 0, "breaks_consumers": 1, "undecided": 0, "breaks": [{"pointer": "/properties/side/enum", "schema": "new", "kind": "enum", "breaks": "consumers", "text": "the value 'SHORT' is new"}]}]}}}})
	checked := check_contracts_compatible with input as doc with data.gate.params.stage1.breaking_directions.value as ["producers"]
	checked.holds == true
	denied := deny_contracts_compatible with input as doc with data.gate.params.stage1.breaking_directions.value as ["producers"]
	denied == set()
}

test_contracts_compatible_only_what_counts_is_named if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": {"files": [{"path": "contracts/orders.schema.json", "version_before": "1.0", "version_after": "1.0", "major_changed": false, "breaks_producers": 1, "breaks_consumers": 1, "undecided": 0, "breaks": [{"pointer": "/required", "schema": "new", "kind": "required", "breaks": "producers", "text": "the field 'x' is now required"}, {"pointer": "/properties/side/enum", "schema": "new", "kind": "enum", "breaks": "consumers", "text": "the value 'SHORT' is new"}]}]}}}})
	checked := check_contracts_compatible with input as doc with data.gate.params.stage1.breaking_directions.value as ["producers"]
	checked.holds == false
	denied := deny_contracts_compatible with input as doc with data.gate.params.stage1.breaking_directions.value as ["producers"]
	denied == {{"code": "stage1.contracts_compatible", "msg": "The contracts are not shown to be compatible: contracts/orders.schema.json: breaks_producers: 1; /required the field 'x' is now required", "operand": "breaking_changes", "op": "∅", "expected": [], "actual": "contracts/orders.schema.json: breaks_producers: 1; /required the field 'x' is now required", "unit": "list", "term": "contracts/orders.schema.json", "path": "contracts/orders.schema.json"}}
}

# A direction that nobody knows is no permission.
test_contracts_compatible_unknown_direction if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": {"files": [{"path": "contracts/orders.schema.json", "version_before": "1.0", "version_after": "1.0", "major_changed": false, "breaks_producers": 0, "breaks_consumers": 0, "undecided": 0, "breaks": []}]}}}})
	checked := check_contracts_compatible with input as doc with data.gate.params.stage1.breaking_directions.value as ["readers"]
	checked.holds == false
	denied := deny_contracts_compatible with input as doc with data.gate.params.stage1.breaking_directions.value as ["readers"]
	denied == {{"code": "stage1.contracts_compatible", "msg": "The contracts are not shown to be compatible: contracts/orders.schema.json: breaks_readers: null", "operand": "breaking_changes", "op": "∅", "expected": [], "actual": "contracts/orders.schema.json: breaks_readers: null", "unit": "list", "term": "contracts/orders.schema.json", "path": "contracts/orders.schema.json"}}
}

test_contracts_compatible_new_major_version if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": {"files": [{"path": "contracts/orders.schema.json", "version_before": "1.0", "version_after": "1.0", "major_changed": true, "breaks_producers": 1, "breaks_consumers": 1, "undecided": 1, "breaks": [{"pointer": "/properties/price", "schema": "new", "kind": "removed", "breaks": "both", "text": "the field is gone"}]}]}}}})
	checked := check_contracts_compatible with input as doc
	checked.holds == true
	denied := deny_contracts_compatible with input as doc
	denied == set()
}

test_contracts_compatible_each_file_is_named if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"compatibility": {"files": [{"path": "contracts/orders.schema.json", "version_before": "1.0", "version_after": "1.0", "major_changed": false, "breaks_producers": 1, "breaks_consumers": 0, "undecided": 0, "breaks": [{"pointer": "/required", "schema": "new", "kind": "required", "breaks": "producers", "text": "the field 'x' is now required"}]}, {"path": "contracts/bars.schema.json", "version_before": "1.0", "version_after": "1.0", "major_changed": false, "breaks_producers": 0, "breaks_consumers": 1, "undecided": 0, "breaks": []}]}}}})
	checked := check_contracts_compatible with input as doc
	checked.holds == false
	denied := deny_contracts_compatible with input as doc
	denied == {{"code": "stage1.contracts_compatible", "msg": "The contracts are not shown to be compatible: contracts/orders.schema.json: breaks_producers: 1; /required the field 'x' is now required", "operand": "breaking_changes", "op": "∅", "expected": [], "actual": "contracts/orders.schema.json: breaks_producers: 1; /required the field 'x' is now required", "unit": "list", "term": "contracts/orders.schema.json", "path": "contracts/orders.schema.json"}, {"code": "stage1.contracts_compatible", "msg": "The contracts are not shown to be compatible: contracts/bars.schema.json: breaks_consumers: 1", "operand": "breaking_changes", "op": "∅", "expected": [], "actual": "contracts/bars.schema.json: breaks_consumers: 1", "unit": "list", "term": "contracts/bars.schema.json", "path": "contracts/bars.schema.json"}}
}

test_contracts_compatible_approved_version_has_no_contract if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"total": 3, "compatibility": {"compared": 0, "files": []}}}})
	checked := check_contracts_compatible with input as doc
	checked.holds == false
	denied := deny_contracts_compatible with input as doc
	denied == {{"code": "stage1.contracts_compatible", "msg": "The contracts are not shown to be compatible: 0 of 3 contracts were compared with the approved version, at least 1 must be", "operand": "contracts_compared", "op": "∅", "expected": [], "actual": "0 of 3 contracts were compared with the approved version, at least 1 must be", "unit": "list", "term": "approved version"}}
}

test_contracts_compatible_number_compared_is_a_parameter if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"total": 3, "compatibility": {"compared": 2, "files": []}}}})
	checked := check_contracts_compatible with input as doc with data.gate.params.stage1.contracts_compared_min.value as 3
	checked.holds == false
	fewer := check_contracts_compatible with input as doc with data.gate.params.stage1.contracts_compared_min.value as 2
	fewer.holds == true
}

# That is what contracts_valid finds.
test_contracts_compatible_no_contract_at_all if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"total": 0, "compatibility": {"compared": 0, "files": []}}}})
	checked := check_contracts_compatible with input as doc
	checked.holds == true
}

# A number that is not there is never taken for enough.
test_contracts_compatible_number_compared_unknown if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"total": 3, "compatibility": {"compared": null, "files": []}}}})
	checked := check_contracts_compatible with input as doc
	checked.holds == false
}
