package gate.stage3

test_sections_present_holds if {
	checked := check_sections_present with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "sections_not_filled", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_sections_present with input as data.gate.ready.doc
	denied == set()
}

test_sections_present_endpoint_mapping_unfilled if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"sections": {"endpoint_mapping": "unfilled"}}}})
	checked := check_sections_present with input as doc
	checked.holds == false
	denied := deny_sections_present with input as doc
	denied == {{"code": "stage3.sections_present", "msg": "A section of the interface map is not filled: endpoint_mapping: unfilled", "operand": "sections_not_filled", "op": "∅", "expected": [], "actual": "endpoint_mapping: unfilled", "unit": "list", "term": "endpoint_mapping"}}
}

test_sections_present_message_flows_unfilled if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"sections": {"message_flows": "unfilled"}}}})
	checked := check_sections_present with input as doc
	checked.holds == false
	denied := deny_sections_present with input as doc
	denied == {{"code": "stage3.sections_present", "msg": "A section of the interface map is not filled: message_flows: unfilled", "operand": "sections_not_filled", "op": "∅", "expected": [], "actual": "message_flows: unfilled", "unit": "list", "term": "message_flows"}}
}

test_sections_present_error_codes_unfilled if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"sections": {"error_codes": "unfilled"}}}})
	checked := check_sections_present with input as doc
	checked.holds == false
	denied := deny_sections_present with input as doc
	denied == {{"code": "stage3.sections_present", "msg": "A section of the interface map is not filled: error_codes: unfilled", "operand": "sections_not_filled", "op": "∅", "expected": [], "actual": "error_codes: unfilled", "unit": "list", "term": "error_codes"}}
}

test_sections_present_latency_sla_unfilled if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"sections": {"latency_sla": "unfilled"}}}})
	checked := check_sections_present with input as doc
	checked.holds == false
	denied := deny_sections_present with input as doc
	denied == {{"code": "stage3.sections_present", "msg": "A section of the interface map is not filled: latency_sla: unfilled", "operand": "sections_not_filled", "op": "∅", "expected": [], "actual": "latency_sla: unfilled", "unit": "list", "term": "latency_sla"}}
}

test_sections_present_pacing_limits_unfilled if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"sections": {"pacing_limits": "unfilled"}}}})
	checked := check_sections_present with input as doc
	checked.holds == false
	denied := deny_sections_present with input as doc
	denied == {{"code": "stage3.sections_present", "msg": "A section of the interface map is not filled: pacing_limits: unfilled", "operand": "sections_not_filled", "op": "∅", "expected": [], "actual": "pacing_limits: unfilled", "unit": "list", "term": "pacing_limits"}}
}

test_sections_present_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"sections": {"latency_sla": null}}}})
	checked := check_sections_present with input as doc
	checked.holds == false
	denied := deny_sections_present with input as doc
	denied == {{"code": "stage3.sections_present", "msg": "A section of the interface map is not filled: latency_sla: null", "operand": "sections_not_filled", "op": "∅", "expected": [], "actual": "latency_sla: null", "unit": "list", "term": "latency_sla"}}
}

test_operations_mapped_holds if {
	checked := check_operations_mapped with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": ["connect", "disconnect", "account_info", "positions", "place_order", "cancel_order", "order_status", "market_data"], "expected": ["connect", "disconnect", "account_info", "positions", "place_order", "cancel_order", "order_status", "market_data"], "holds": true, "name": "operations_mapped", "op": "⊇", "terms": [], "unit": "list"}]}
	denied := deny_operations_mapped with input as data.gate.ready.doc
	denied == set()
}

test_operations_mapped_operation_missing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}]}}})
	checked := check_operations_mapped with input as doc
	checked.holds == false
	denied := deny_operations_mapped with input as doc
	denied == {{"code": "stage3.operations_mapped", "msg": "A broker operation is not mapped: market_data", "operand": "operations_mapped", "op": "⊇", "expected": ["connect", "disconnect", "account_info", "positions", "place_order", "cancel_order", "order_status", "market_data"], "actual": ["connect", "disconnect", "account_info", "positions", "place_order", "cancel_order", "order_status"], "unit": "list", "term": "market_data"}}
}

test_latency_slas_holds if {
	checked := check_latency_slas with input as data.gate.ready.doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": [], "expected": [], "holds": true, "name": "operations_without_sla", "op": "∅", "terms": [], "unit": "list"},
			{"actual": 500000, "expected": 500000, "holds": true, "name": "account_info_latency_sla", "op": "≤", "unit": "us"},
			{"actual": 100000, "expected": 100000, "holds": true, "name": "cancel_order_latency_sla", "op": "≤", "unit": "us"},
			{"actual": 1000000, "expected": 1000000, "holds": true, "name": "connect_latency_sla", "op": "≤", "unit": "us"},
			{"actual": 50000, "expected": 50000, "holds": true, "name": "order_status_latency_sla", "op": "≤", "unit": "us"},
			{"actual": 200000, "expected": 200000, "holds": true, "name": "place_order_latency_sla", "op": "≤", "unit": "us"},
			{"actual": 300000, "expected": 300000, "holds": true, "name": "positions_latency_sla", "op": "≤", "unit": "us"},
		],
	}
	denied := deny_latency_slas with input as data.gate.ready.doc
	denied == set()
}

test_latency_slas_connect_without_sla if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": null, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: connect", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "connect", "unit": "list", "term": "connect"}}
}

test_latency_slas_connect_one_above if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000001, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling", "operand": "connect_latency_sla", "op": "≤", "expected": 1000000, "actual": 1000001, "unit": "us"}}
}

test_latency_slas_disconnect_without_sla if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": null, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: disconnect", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "disconnect", "unit": "list", "term": "disconnect"}}
}

test_latency_slas_account_info_without_sla if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": null, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: account_info", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "account_info", "unit": "list", "term": "account_info"}}
}

test_latency_slas_account_info_one_above if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500001, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling", "operand": "account_info_latency_sla", "op": "≤", "expected": 500000, "actual": 500001, "unit": "us"}}
}

test_latency_slas_positions_without_sla if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": null, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: positions", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "positions", "unit": "list", "term": "positions"}}
}

test_latency_slas_positions_one_above if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300001, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling", "operand": "positions_latency_sla", "op": "≤", "expected": 300000, "actual": 300001, "unit": "us"}}
}

test_latency_slas_place_order_without_sla if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": null, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: place_order", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "place_order", "unit": "list", "term": "place_order"}}
}

test_latency_slas_place_order_one_above if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200001, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling", "operand": "place_order_latency_sla", "op": "≤", "expected": 200000, "actual": 200001, "unit": "us"}}
}

test_latency_slas_cancel_order_without_sla if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": null, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: cancel_order", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "cancel_order", "unit": "list", "term": "cancel_order"}}
}

test_latency_slas_cancel_order_one_above if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100001, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling", "operand": "cancel_order_latency_sla", "op": "≤", "expected": 100000, "actual": 100001, "unit": "us"}}
}

test_latency_slas_order_status_without_sla if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": null, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: order_status", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "order_status", "unit": "list", "term": "order_status"}}
}

test_latency_slas_order_status_one_above if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50001, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling", "operand": "order_status_latency_sla", "op": "≤", "expected": 50000, "actual": 50001, "unit": "us"}}
}

test_latency_slas_market_data_without_sla if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": null, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: market_data", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "market_data", "unit": "list", "term": "market_data"}}
}

test_latency_slas_no_ceiling if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 60000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == true
	denied := deny_latency_slas with input as doc
	denied == set()
}

test_latency_slas_zero_is_no_sla if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 0, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}]}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: connect", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "connect", "unit": "list", "term": "connect"}}
}

test_latency_slas_slowest_statement_counts if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"interface_map": {"operations": [{"id": "connect", "latency_sla_us": 1000000, "line": 10}, {"id": "disconnect", "latency_sla_us": 1000000, "line": 11}, {"id": "account_info", "latency_sla_us": 500000, "line": 12}, {"id": "positions", "latency_sla_us": 300000, "line": 13}, {"id": "place_order", "latency_sla_us": 200000, "line": 14}, {"id": "cancel_order", "latency_sla_us": 100000, "line": 15}, {"id": "order_status", "latency_sla_us": 50000, "line": 16}, {"id": "market_data", "latency_sla_us": 1000000, "line": 17}, {"id": "connect", "latency_sla_us": 1000001, "line": 90}]},
		},
	})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling", "operand": "connect_latency_sla", "op": "≤", "expected": 1000000, "actual": 1000001, "unit": "us"}}
}

test_latency_slas_nothing_mapped if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"operations": []}}})
	checked := check_latency_slas with input as doc
	checked.holds == false
	denied := deny_latency_slas with input as doc
	denied == {
		{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: connect", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "connect", "unit": "list", "term": "connect"},
		{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: disconnect", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "disconnect", "unit": "list", "term": "disconnect"},
		{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: account_info", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "account_info", "unit": "list", "term": "account_info"},
		{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: positions", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "positions", "unit": "list", "term": "positions"},
		{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: place_order", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "place_order", "unit": "list", "term": "place_order"},
		{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: cancel_order", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "cancel_order", "unit": "list", "term": "cancel_order"},
		{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: order_status", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "order_status", "unit": "list", "term": "order_status"},
		{"code": "stage3.latency_slas", "msg": "A latency SLA is missing or above its ceiling: market_data", "operand": "operations_without_sla", "op": "∅", "expected": [], "actual": "market_data", "unit": "list", "term": "market_data"},
	}
}

test_error_codes_holds if {
	checked := check_error_codes with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "error_codes_without_action", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_error_codes with input as data.gate.ready.doc
	denied == set()
}

test_error_codes_code_missing if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"interface_map": {
				"error_codes": [
					{"code": 103, "action": "use a new order id", "line": 31},
					{"code": 200, "action": "reject, no retry", "line": 32},
					{"code": 201, "action": "reject, no retry", "line": 33},
					{"code": 202, "action": "mark as cancelled", "line": 34},
					{"code": 321, "action": "reject, no retry", "line": 35},
					{"code": 399, "action": "log a warning", "line": 36},
					{"code": 434, "action": "reject, no retry", "line": 37},
					{"code": 504, "action": "reconnect", "line": 38},
					{"code": 1100, "action": "reconnect", "line": 39},
					{"code": 2104, "action": "log", "line": 40},
					{"code": 2106, "action": "log", "line": 41},
				],
			},
		},
	})
	checked := check_error_codes with input as doc
	checked.holds == false
	denied := deny_error_codes with input as doc
	denied == {{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 100: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "100: not documented", "unit": "list", "term": "100"}}
}

test_error_codes_action_empty if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"interface_map": {
				"error_codes": [
					{"code": 100, "action": "  ", "line": 30},
					{"code": 103, "action": "use a new order id", "line": 31},
					{"code": 200, "action": "reject, no retry", "line": 32},
					{"code": 201, "action": "reject, no retry", "line": 33},
					{"code": 202, "action": "mark as cancelled", "line": 34},
					{"code": 321, "action": "reject, no retry", "line": 35},
					{"code": 399, "action": "log a warning", "line": 36},
					{"code": 434, "action": "reject, no retry", "line": 37},
					{"code": 504, "action": "reconnect", "line": 38},
					{"code": 1100, "action": "reconnect", "line": 39},
					{"code": 2104, "action": "log", "line": 40},
					{"code": 2106, "action": "log", "line": 41},
				],
			},
		},
	})
	checked := check_error_codes with input as doc
	checked.holds == false
	denied := deny_error_codes with input as doc
	denied == {{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 100: no action stated", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "100: no action stated", "unit": "list", "term": "100"}}
}

test_error_codes_nothing_documented if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"error_codes": []}}})
	checked := check_error_codes with input as doc
	checked.holds == false
	denied := deny_error_codes with input as doc
	denied == {
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 100: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "100: not documented", "unit": "list", "term": "100"},
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 103: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "103: not documented", "unit": "list", "term": "103"},
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 200: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "200: not documented", "unit": "list", "term": "200"},
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 201: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "201: not documented", "unit": "list", "term": "201"},
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 202: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "202: not documented", "unit": "list", "term": "202"},
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 321: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "321: not documented", "unit": "list", "term": "321"},
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 399: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "399: not documented", "unit": "list", "term": "399"},
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 434: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "434: not documented", "unit": "list", "term": "434"},
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 504: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "504: not documented", "unit": "list", "term": "504"},
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 1100: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "1100: not documented", "unit": "list", "term": "1100"},
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 2104: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "2104: not documented", "unit": "list", "term": "2104"},
		{"code": "stage3.error_codes", "msg": "A broker code is not documented with an action: 2106: not documented", "operand": "error_codes_without_action", "op": "∅", "expected": [], "actual": "2106: not documented", "unit": "list", "term": "2106"},
	}
}

test_error_code_meanings_holds if {
	checked := check_error_code_meanings with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 12, "expected": 1, "holds": true, "name": "documented_codes", "op": "≥", "unit": "codes"}, {"actual": [], "expected": [], "holds": true, "name": "contradicted_codes", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "meanings_of_other_codes", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "actions_of_another_class", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_error_code_meanings with input as data.gate.ready.doc
	denied == set()
}

test_error_code_meanings_103_as_rate_limit if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"interface_map": {
				"error_codes": [
					{"code": 100, "action": "back off", "line": 30},
					{"code": 103, "action": "Rate Limit: wait", "line": 31},
					{"code": 200, "action": "reject, no retry", "line": 32},
					{"code": 201, "action": "reject, no retry", "line": 33},
					{"code": 202, "action": "mark as cancelled", "line": 34},
					{"code": 321, "action": "reject, no retry", "line": 35},
					{"code": 399, "action": "log a warning", "line": 36},
					{"code": 434, "action": "reject, no retry", "line": 37},
					{"code": 504, "action": "reconnect", "line": 38},
					{"code": 1100, "action": "reconnect", "line": 39},
					{"code": 2104, "action": "log", "line": 40},
					{"code": 2106, "action": "log", "line": 41},
				],
			},
		},
	})
	checked := check_error_code_meanings with input as doc
	checked.holds == false
	denied := deny_error_code_meanings with input as doc
	denied == {{"code": "stage3.error_code_meanings", "msg": "A broker code is documented with another code's meaning: 103: \"rate limit\"", "operand": "contradicted_codes", "op": "∅", "expected": [], "actual": "103: \"rate limit\"", "unit": "list", "term": "103"}}
}

test_error_code_meanings_100_as_duplicate if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"error_codes": [{"code": 100, "action": "duplicate order id", "line": 30}]}}})
	checked := check_error_code_meanings with input as doc
	checked.holds == false
	denied := deny_error_code_meanings with input as doc
	denied == {{"code": "stage3.error_code_meanings", "msg": "A broker code is documented with another code's meaning: 100: \"duplicate\"", "operand": "contradicted_codes", "op": "∅", "expected": [], "actual": "100: \"duplicate\"", "unit": "list", "term": "100"}}
}

test_error_code_meanings_nothing_documented if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"error_codes": []}}})
	checked := check_error_code_meanings with input as doc
	checked.holds == false
	denied := deny_error_code_meanings with input as doc
	denied == {{"code": "stage3.error_code_meanings", "msg": "A broker code is documented with another code's meaning", "operand": "documented_codes", "op": "≥", "expected": 1, "actual": 0, "unit": "codes"}}
}

# What is found where a code has another action, of these classes.
misclassified_as(code, action, classes) := {result.actual | some result in denied} if {
	codes := [{"code": code, "action": action, "line": 30, "classes": classes}]
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"error_codes": codes}}})
	denied := deny_error_code_meanings with input as doc
}

test_error_code_meanings_another_class if {
	misclassified_as(201, "retry at once", ["retry"]) == {"201, line 30: \"retry at once\", which is not reject"}
	misclassified_as(201, "reject, then retry", ["reject", "retry"]) == {"201, line 30: \"reject, then retry\", which is not reject"}
	misclassified_as(201, "reject and log", ["info", "reject"]) == set()
	misclassified_as(504, "log it", ["info"]) == {"504, line 30: \"log it\", which is not reconnect"}
	misclassified_as(504, "reconnect after a back-off", ["back_off", "reconnect"]) == set()
	misclassified_as(201, "ask the desk", []) == set()
	misclassified_as(999, "retry", ["retry"]) == set()
}

test_pacing_limits_holds if {
	checked := check_pacing_limits with input as data.gate.ready.doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": 40, "expected": 1, "holds": true, "name": "messages_per_second", "op": "≥", "unit": "count"},
			{"actual": 40, "expected": 50, "holds": true, "name": "messages_per_second", "op": "<", "unit": "messages/s"},
			{"actual": 100, "expected": 1, "holds": true, "name": "market_data_subscriptions", "op": "≥", "unit": "count"},
			{"actual": 100, "expected": 100, "holds": true, "name": "market_data_subscriptions", "op": "≤", "unit": "subscriptions"},
			{"actual": 60, "expected": 1, "holds": true, "name": "historical_requests", "op": "≥", "unit": "count"},
			{"actual": 60, "expected": 60, "holds": true, "name": "historical_requests", "op": "≤", "unit": "requests/10min"},
		],
	}
	denied := deny_pacing_limits with input as data.gate.ready.doc
	denied == set()
}

test_pacing_limits_messages_per_second_lowest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"messages_per_second": 1}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == true
	denied := deny_pacing_limits with input as doc
	denied == set()
}

test_pacing_limits_messages_per_second_highest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"messages_per_second": 49}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == true
	denied := deny_pacing_limits with input as doc
	denied == set()
}

test_pacing_limits_messages_per_second_too_low if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"messages_per_second": 0}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == false
	denied := deny_pacing_limits with input as doc
	denied == {{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "messages_per_second", "op": "≥", "expected": 1, "actual": 0, "unit": "count"}}
}

test_pacing_limits_messages_per_second_too_high if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"messages_per_second": 50}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == false
	denied := deny_pacing_limits with input as doc
	denied == {{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "messages_per_second", "op": "<", "expected": 50, "actual": 50, "unit": "messages/s"}}
}

test_pacing_limits_messages_per_second_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"messages_per_second": null}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == false
	denied := deny_pacing_limits with input as doc
	denied == {
		{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "messages_per_second", "op": "≥", "expected": 1, "actual": null, "unit": "count"},
		{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "messages_per_second", "op": "<", "expected": 50, "actual": null, "unit": "messages/s"},
	}
}

test_pacing_limits_market_data_subscriptions_lowest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"market_data_subscriptions": 1}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == true
	denied := deny_pacing_limits with input as doc
	denied == set()
}

test_pacing_limits_market_data_subscriptions_highest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"market_data_subscriptions": 100}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == true
	denied := deny_pacing_limits with input as doc
	denied == set()
}

test_pacing_limits_market_data_subscriptions_too_low if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"market_data_subscriptions": 0}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == false
	denied := deny_pacing_limits with input as doc
	denied == {{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "market_data_subscriptions", "op": "≥", "expected": 1, "actual": 0, "unit": "count"}}
}

test_pacing_limits_market_data_subscriptions_too_high if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"market_data_subscriptions": 101}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == false
	denied := deny_pacing_limits with input as doc
	denied == {{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "market_data_subscriptions", "op": "≤", "expected": 100, "actual": 101, "unit": "subscriptions"}}
}

test_pacing_limits_market_data_subscriptions_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"market_data_subscriptions": null}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == false
	denied := deny_pacing_limits with input as doc
	denied == {
		{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "market_data_subscriptions", "op": "≥", "expected": 1, "actual": null, "unit": "count"},
		{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "market_data_subscriptions", "op": "≤", "expected": 100, "actual": null, "unit": "subscriptions"},
	}
}

test_pacing_limits_historical_requests_lowest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"historical_requests": 1}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == true
	denied := deny_pacing_limits with input as doc
	denied == set()
}

test_pacing_limits_historical_requests_highest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"historical_requests": 60}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == true
	denied := deny_pacing_limits with input as doc
	denied == set()
}

test_pacing_limits_historical_requests_too_low if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"historical_requests": 0}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == false
	denied := deny_pacing_limits with input as doc
	denied == {{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "historical_requests", "op": "≥", "expected": 1, "actual": 0, "unit": "count"}}
}

test_pacing_limits_historical_requests_too_high if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"historical_requests": 61}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == false
	denied := deny_pacing_limits with input as doc
	denied == {{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "historical_requests", "op": "≤", "expected": 60, "actual": 61, "unit": "requests/10min"}}
}

test_pacing_limits_historical_requests_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"pacing": {"historical_requests": null}}}})
	checked := check_pacing_limits with input as doc
	checked.holds == false
	denied := deny_pacing_limits with input as doc
	denied == {
		{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "historical_requests", "op": "≥", "expected": 1, "actual": null, "unit": "count"},
		{"code": "stage3.pacing_limits", "msg": "A pacing limit is outside what the broker allows", "operand": "historical_requests", "op": "≤", "expected": 60, "actual": null, "unit": "requests/10min"},
	}
}

test_data_types_holds if {
	checked := check_data_types with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": "filled", "expected": "filled", "holds": true, "name": "data_types", "op": "=", "unit": "state"}, {"actual": [], "expected": [], "holds": true, "name": "order_states", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_data_types with input as data.gate.ready.doc
	denied == set()
}

test_data_types_another_state if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"other_states": [{"line": 52, "text": "Inactive → FILLED"}]}}})
	denied := deny_data_types with input as doc
	denied == {{"code": "stage3.data_types", "msg": "The data-type conversions are missing or wrong: line 52: Inactive → FILLED", "operand": "order_states", "op": "∅", "expected": [], "actual": "line 52: Inactive → FILLED", "unit": "list", "term": "Inactive → FILLED"}}
}

test_error_code_meanings_of_another_code if {
	codes := [{"code": 103, "action": "reject, no retry", "meaning": "Message rate exceeded", "classes": ["reject"], "line": 31}]
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"error_codes": codes}}})
	denied := deny_error_code_meanings with input as doc
	denied == {{"code": "stage3.error_code_meanings", "msg": "A broker code is documented with another code's meaning: 103: \"message rate\"", "operand": "meanings_of_other_codes", "op": "∅", "expected": [], "actual": "103: \"message rate\"", "unit": "list", "term": "103"}}
}

test_data_types_unfilled if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"sections": {"data_types": "unfilled"}}}})
	checked := check_data_types with input as doc
	checked.holds == false
	denied := deny_data_types with input as doc
	denied == {{"code": "stage3.data_types", "msg": "The data-type conversions are missing or wrong", "operand": "data_types", "op": "=", "expected": "filled", "actual": "unfilled", "unit": "state"}}
}

test_data_types_absent if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"sections": {"data_types": "absent"}}}})
	checked := check_data_types with input as doc
	checked.holds == false
	denied := deny_data_types with input as doc
	denied == {{"code": "stage3.data_types", "msg": "The data-type conversions are missing or wrong", "operand": "data_types", "op": "=", "expected": "filled", "actual": "absent", "unit": "state"}}
}

test_data_types_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"interface_map": {"sections": {"data_types": null}}}})
	checked := check_data_types with input as doc
	checked.holds == false
	denied := deny_data_types with input as doc
	denied == {{"code": "stage3.data_types", "msg": "The data-type conversions are missing or wrong", "operand": "data_types", "op": "=", "expected": "filled", "actual": null, "unit": "state"}}
}

test_not_rejected_holds if {
	checked := check_not_rejected with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "rejections", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_not_rejected with input as data.gate.ready.doc
	denied == set()
}

test_not_rejected_rejected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage3", "risk_officer", {"verdict": "reject"})]}}})
	checked := check_not_rejected with input as doc
	checked.holds == false
	denied := deny_not_rejected with input as doc
	denied == {{"code": "stage3.not_rejected", "msg": "The stage was rejected: risk_officer rejected in signoffs/stage3-risk_officer.json", "operand": "rejections", "op": "∅", "expected": [], "actual": "risk_officer rejected in signoffs/stage3-risk_officer.json", "unit": "list", "term": "risk_officer", "path": "signoffs/stage3-risk_officer.json"}}
}

test_not_rejected_rejected_other_evidence if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage3", "risk_officer", {"verdict": "reject", "evidence": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"})]}}})
	checked := check_not_rejected with input as doc
	checked.holds == true
	denied := deny_not_rejected with input as doc
	denied == set()
}
