package gate.stage1

test_contracts_valid_holds if {
	checked := check_contracts_valid with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 2, "expected": 1, "holds": true, "name": "contracts", "op": "≥", "unit": "files"}, {"actual": [], "expected": [], "holds": true, "name": "invalid_contracts", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_contracts_valid with input as data.gate.ready.doc
	denied == set()
}

test_contracts_valid_contracts_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"total": 1}}})
	checked := check_contracts_valid with input as doc
	checked.holds == true
	denied := deny_contracts_valid with input as doc
	denied == set()
}

test_contracts_valid_contracts_one_off if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"total": 0}}})
	checked := check_contracts_valid with input as doc
	checked.holds == false
	denied := deny_contracts_valid with input as doc
	denied == {{"code": "stage1.contracts_valid", "msg": "A contract is missing or is not valid", "operand": "contracts", "op": "≥", "expected": 1, "actual": 0, "unit": "files"}}
}

test_contracts_valid_contracts_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"total": null}}})
	checked := check_contracts_valid with input as doc
	checked.holds == false
	denied := deny_contracts_valid with input as doc
	denied == {{"code": "stage1.contracts_valid", "msg": "A contract is missing or is not valid", "operand": "contracts", "op": "≥", "expected": 1, "actual": null, "unit": "files"}}
}

test_contracts_valid_contract_invalid if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"contracts": {
				"files": [
					{
						"path": "contracts/order_intent.schema.json",
						"id": "order_intent",
						"draft": "draft-07",
						"valid": false,
						"fields": 20,
						"required": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"],
						"properties": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id", "within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"],
						"enums": {},
						"examples": 1,
						"problems": [{"pointer": "/a", "text": "no type"}, {"pointer": "/b", "text": "bad $ref"}],
					},
				],
			},
		},
	})
	checked := check_contracts_valid with input as doc
	checked.holds == false
	denied := deny_contracts_valid with input as doc
	denied == {{"code": "stage1.contracts_valid", "msg": "A contract is missing or is not valid: contracts/order_intent.schema.json: /a no type; /b bad $ref", "operand": "invalid_contracts", "op": "∅", "expected": [], "actual": "contracts/order_intent.schema.json: /a no type; /b bad $ref", "unit": "list", "term": "contracts/order_intent.schema.json", "path": "contracts/order_intent.schema.json"}}
}

test_contract_fields_holds if {
	checked := check_contract_fields with input as data.gate.ready.doc
	checked == {
		"holds": true,
		"operands": [
			{"actual": 1, "expected": 1, "holds": true, "name": "order_intent_files", "op": "=", "unit": "files"},
			{"actual": 20, "expected": 20, "holds": true, "name": "order_intent_fields", "op": "≥", "unit": "fields"},
			{"actual": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "expected": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "holds": true, "name": "order_intent_required", "op": "⊇", "terms": [], "unit": "list"},
			{"actual": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id", "within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "expected": ["within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "holds": true, "name": "order_intent_properties", "op": "⊇", "terms": [], "unit": "list"},
			{"actual": [], "expected": [], "holds": true, "name": "order_intent_open", "op": "∅", "terms": [], "unit": "list"},
			{"actual": 1, "expected": 1, "holds": true, "name": "execution_report_files", "op": "=", "unit": "files"},
			{"actual": 25, "expected": 25, "holds": true, "name": "execution_report_fields", "op": "≥", "unit": "fields"},
			{"actual": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "expected": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "holds": true, "name": "execution_report_states", "op": "⊇", "terms": [], "unit": "list"},
			{"actual": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "expected": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "holds": true, "name": "execution_report_properties", "op": "⊇", "terms": [], "unit": "list"},
			{"actual": [], "expected": [], "holds": true, "name": "execution_report_open", "op": "∅", "terms": [], "unit": "list"},
		],
	}
	denied := deny_contract_fields with input as data.gate.ready.doc
	denied == set()
}

test_contract_fields_intent_19_fields if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"contracts": {
				"files": [
					{"path": "contracts/order_intent.schema.json", "id": "order_intent", "draft": "draft-07", "valid": true, "fields": 19, "required": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "properties": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id", "within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "enums": {}, "examples": 1, "problems": []},
					{"path": "contracts/execution_report.schema.json", "id": "execution_report", "draft": "draft-07", "valid": true, "fields": 25, "required": ["intent_id"], "properties": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "enums": {"status": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"]}, "examples": 1, "problems": []},
				],
			},
		},
	})
	checked := check_contract_fields with input as doc
	checked.holds == false
	denied := deny_contract_fields with input as doc
	denied == {{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs", "operand": "order_intent_fields", "op": "≥", "expected": 20, "actual": 19, "unit": "fields"}}
}

test_contract_fields_report_24_fields if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"contracts": {
				"files": [
					{"path": "contracts/order_intent.schema.json", "id": "order_intent", "draft": "draft-07", "valid": true, "fields": 20, "required": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "properties": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id", "within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "enums": {}, "examples": 1, "problems": []},
					{"path": "contracts/execution_report.schema.json", "id": "execution_report", "draft": "draft-07", "valid": true, "fields": 24, "required": ["intent_id"], "properties": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "enums": {"status": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"]}, "examples": 1, "problems": []},
				],
			},
		},
	})
	checked := check_contract_fields with input as doc
	checked.holds == false
	denied := deny_contract_fields with input as doc
	denied == {{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs", "operand": "execution_report_fields", "op": "≥", "expected": 25, "actual": 24, "unit": "fields"}}
}

test_contract_fields_intent_required_missing if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"contracts": {
				"files": [
					{"path": "contracts/order_intent.schema.json", "id": "order_intent", "draft": "draft-07", "valid": true, "fields": 20, "required": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp"], "properties": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id", "within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "enums": {}, "examples": 1, "problems": []},
					{"path": "contracts/execution_report.schema.json", "id": "execution_report", "draft": "draft-07", "valid": true, "fields": 25, "required": ["intent_id"], "properties": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "enums": {"status": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"]}, "examples": 1, "problems": []},
				],
			},
		},
	})
	checked := check_contract_fields with input as doc
	checked.holds == false
	denied := deny_contract_fields with input as doc
	denied == {{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: strategy_id", "operand": "order_intent_required", "op": "⊇", "expected": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "actual": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp"], "unit": "list", "term": "strategy_id"}}
}

test_contract_fields_intent_property_missing if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"contracts": {
				"files": [
					{"path": "contracts/order_intent.schema.json", "id": "order_intent", "draft": "draft-07", "valid": true, "fields": 20, "required": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "properties": ["within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "enums": {}, "examples": 1, "problems": []},
					{"path": "contracts/execution_report.schema.json", "id": "execution_report", "draft": "draft-07", "valid": true, "fields": 25, "required": ["intent_id"], "properties": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "enums": {"status": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"]}, "examples": 1, "problems": []},
				],
			},
		},
	})
	checked := check_contract_fields with input as doc
	checked.holds == false
	denied := deny_contract_fields with input as doc
	denied == {{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: within_box_limit", "operand": "order_intent_properties", "op": "⊇", "expected": ["within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "actual": ["within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "unit": "list", "term": "within_box_limit"}}
}

test_contract_fields_report_state_missing if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"contracts": {
				"files": [
					{"path": "contracts/order_intent.schema.json", "id": "order_intent", "draft": "draft-07", "valid": true, "fields": 20, "required": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "properties": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id", "within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "enums": {}, "examples": 1, "problems": []},
					{"path": "contracts/execution_report.schema.json", "id": "execution_report", "draft": "draft-07", "valid": true, "fields": 25, "required": ["intent_id"], "properties": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "enums": {"status": ["ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"]}, "examples": 1, "problems": []},
				],
			},
		},
	})
	checked := check_contract_fields with input as doc
	checked.holds == false
	denied := deny_contract_fields with input as doc
	denied == {{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: SUBMITTED", "operand": "execution_report_states", "op": "⊇", "expected": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "actual": ["ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "unit": "list", "term": "SUBMITTED"}}
}

test_contract_fields_report_property_missing if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"contracts": {
				"files": [
					{"path": "contracts/order_intent.schema.json", "id": "order_intent", "draft": "draft-07", "valid": true, "fields": 20, "required": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "properties": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id", "within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "enums": {}, "examples": 1, "problems": []},
					{"path": "contracts/execution_report.schema.json", "id": "execution_report", "draft": "draft-07", "valid": true, "fields": 25, "required": ["intent_id"], "properties": ["submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "enums": {"status": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"]}, "examples": 1, "problems": []},
				],
			},
		},
	})
	checked := check_contract_fields with input as doc
	checked.holds == false
	denied := deny_contract_fields with input as doc
	denied == {{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: intent_to_submit_ms", "operand": "execution_report_properties", "op": "⊇", "expected": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "actual": ["submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "unit": "list", "term": "intent_to_submit_ms"}}
}

test_contract_fields_report_absent if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {"contracts": {"files": [{"path": "contracts/order_intent.schema.json", "id": "order_intent", "draft": "draft-07", "valid": true, "fields": 20, "required": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "properties": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id", "within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "enums": {}, "examples": 1, "problems": []}]}},
	})
	checked := check_contract_fields with input as doc
	checked.holds == false
	denied := deny_contract_fields with input as doc
	denied == {
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs", "operand": "execution_report_files", "op": "=", "expected": 1, "actual": 0, "unit": "files"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs", "operand": "execution_report_fields", "op": "≥", "expected": 25, "actual": null, "unit": "fields"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: SUBMITTED", "operand": "execution_report_states", "op": "⊇", "expected": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "actual": [], "unit": "list", "term": "SUBMITTED"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: ACKNOWLEDGED", "operand": "execution_report_states", "op": "⊇", "expected": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "actual": [], "unit": "list", "term": "ACKNOWLEDGED"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: PARTIAL_FILL", "operand": "execution_report_states", "op": "⊇", "expected": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "actual": [], "unit": "list", "term": "PARTIAL_FILL"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: FILLED", "operand": "execution_report_states", "op": "⊇", "expected": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "actual": [], "unit": "list", "term": "FILLED"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: CANCELED", "operand": "execution_report_states", "op": "⊇", "expected": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "actual": [], "unit": "list", "term": "CANCELED"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: REJECTED", "operand": "execution_report_states", "op": "⊇", "expected": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "actual": [], "unit": "list", "term": "REJECTED"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: TIMEOUT", "operand": "execution_report_states", "op": "⊇", "expected": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "actual": [], "unit": "list", "term": "TIMEOUT"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: ERROR", "operand": "execution_report_states", "op": "⊇", "expected": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"], "actual": [], "unit": "list", "term": "ERROR"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: intent_to_submit_ms", "operand": "execution_report_properties", "op": "⊇", "expected": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "actual": [], "unit": "list", "term": "intent_to_submit_ms"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: submit_to_ack_ms", "operand": "execution_report_properties", "op": "⊇", "expected": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "actual": [], "unit": "list", "term": "submit_to_ack_ms"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: ack_to_fill_ms", "operand": "execution_report_properties", "op": "⊇", "expected": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "actual": [], "unit": "list", "term": "ack_to_fill_ms"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: total_latency_ms", "operand": "execution_report_properties", "op": "⊇", "expected": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "actual": [], "unit": "list", "term": "total_latency_ms"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: commission", "operand": "execution_report_properties", "op": "⊇", "expected": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "actual": [], "unit": "list", "term": "commission"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: slippage", "operand": "execution_report_properties", "op": "⊇", "expected": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "actual": [], "unit": "list", "term": "slippage"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: market_impact", "operand": "execution_report_properties", "op": "⊇", "expected": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "actual": [], "unit": "list", "term": "market_impact"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: total_cost_bps", "operand": "execution_report_properties", "op": "⊇", "expected": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "actual": [], "unit": "list", "term": "total_cost_bps"},
	}
}

test_contract_fields_intent_twice if {
	doc := object.union(data.gate.ready.doc, {
		"facts": {
			"contracts": {
				"files": [
					{"path": "contracts/order_intent.schema.json", "id": "order_intent", "draft": "draft-07", "valid": true, "fields": 20, "required": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "properties": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id", "within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "enums": {}, "examples": 1, "problems": []},
					{"path": "contracts/order_intent.json", "id": "order_intent", "draft": "draft-07", "valid": true, "fields": 20, "required": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "properties": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id", "within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "enums": {}, "examples": 1, "problems": []},
					{"path": "contracts/execution_report.schema.json", "id": "execution_report", "draft": "draft-07", "valid": true, "fields": 25, "required": ["intent_id"], "properties": ["intent_to_submit_ms", "submit_to_ack_ms", "ack_to_fill_ms", "total_latency_ms", "commission", "slippage", "market_impact", "total_cost_bps"], "enums": {"status": ["SUBMITTED", "ACKNOWLEDGED", "PARTIAL_FILL", "FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"]}, "examples": 1, "problems": []},
				],
			},
		},
	})
	checked := check_contract_fields with input as doc
	checked.holds == false
	denied := deny_contract_fields with input as doc
	denied == {
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs", "operand": "order_intent_files", "op": "=", "expected": 1, "actual": 2, "unit": "files"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs", "operand": "order_intent_fields", "op": "≥", "expected": 20, "actual": null, "unit": "fields"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: event_type", "operand": "order_intent_required", "op": "⊇", "expected": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "actual": [], "unit": "list", "term": "event_type"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: intent_id", "operand": "order_intent_required", "op": "⊇", "expected": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "actual": [], "unit": "list", "term": "intent_id"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: symbol", "operand": "order_intent_required", "op": "⊇", "expected": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "actual": [], "unit": "list", "term": "symbol"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: direction", "operand": "order_intent_required", "op": "⊇", "expected": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "actual": [], "unit": "list", "term": "direction"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: quantity", "operand": "order_intent_required", "op": "⊇", "expected": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "actual": [], "unit": "list", "term": "quantity"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: order_type", "operand": "order_intent_required", "op": "⊇", "expected": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "actual": [], "unit": "list", "term": "order_type"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: timestamp", "operand": "order_intent_required", "op": "⊇", "expected": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "actual": [], "unit": "list", "term": "timestamp"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: strategy_id", "operand": "order_intent_required", "op": "⊇", "expected": ["event_type", "intent_id", "symbol", "direction", "quantity", "order_type", "timestamp", "strategy_id"], "actual": [], "unit": "list", "term": "strategy_id"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: within_box_limit", "operand": "order_intent_properties", "op": "⊇", "expected": ["within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "actual": [], "unit": "list", "term": "within_box_limit"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: within_gross_limit", "operand": "order_intent_properties", "op": "⊇", "expected": ["within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "actual": [], "unit": "list", "term": "within_gross_limit"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: pnl_kill_switch", "operand": "order_intent_properties", "op": "⊇", "expected": ["within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "actual": [], "unit": "list", "term": "pnl_kill_switch"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: drawdown_kill_switch", "operand": "order_intent_properties", "op": "⊇", "expected": ["within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "actual": [], "unit": "list", "term": "drawdown_kill_switch"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: pov_cap", "operand": "order_intent_properties", "op": "⊇", "expected": ["within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "actual": [], "unit": "list", "term": "pov_cap"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: adv_cap", "operand": "order_intent_properties", "op": "⊇", "expected": ["within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "actual": [], "unit": "list", "term": "adv_cap"},
		{"code": "stage1.contract_fields", "msg": "An order contract lacks what trading needs: max_slippage_bps", "operand": "order_intent_properties", "op": "⊇", "expected": ["within_box_limit", "within_gross_limit", "pnl_kill_switch", "drawdown_kill_switch", "pov_cap", "adv_cap", "max_slippage_bps"], "actual": [], "unit": "list", "term": "max_slippage_bps"},
	}
}

test_contract_fields_that_can_be_anything if {
	files := [object.union(file, {"open": ["quantity", "note"]}) | some file in data.gate.ready.doc.facts.contracts.files]
	doc := object.union(data.gate.ready.doc, {"facts": {"contracts": {"files": files}}})
	denied := deny_contract_fields with input as doc
	{violation.actual | some violation in denied} == {"quantity can be anything"}
}
