package gate.stage6

test_metadata_retrieved_holds if {
	checked := check_metadata_retrieved with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "metadata_missing", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_metadata_retrieved with input as data.gate.ready.doc
	denied == set()
}

test_metadata_retrieved_account_type_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"account_type": null}}})
	checked := check_metadata_retrieved with input as doc
	checked.holds == false
	denied := deny_metadata_retrieved with input as doc
	denied == {{"code": "stage6.metadata_retrieved", "msg": "A figure of the account is not known: account_type", "operand": "metadata_missing", "op": "∅", "expected": [], "actual": "account_type", "unit": "list", "term": "account_type"}}
}

test_metadata_retrieved_nav_cents_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"nav_cents": null}}})
	checked := check_metadata_retrieved with input as doc
	checked.holds == false
	denied := deny_metadata_retrieved with input as doc
	denied == {{"code": "stage6.metadata_retrieved", "msg": "A figure of the account is not known: nav_cents", "operand": "metadata_missing", "op": "∅", "expected": [], "actual": "nav_cents", "unit": "list", "term": "nav_cents"}}
}

test_metadata_retrieved_cash_cents_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"cash_cents": null}}})
	checked := check_metadata_retrieved with input as doc
	checked.holds == false
	denied := deny_metadata_retrieved with input as doc
	denied == {{"code": "stage6.metadata_retrieved", "msg": "A figure of the account is not known: cash_cents", "operand": "metadata_missing", "op": "∅", "expected": [], "actual": "cash_cents", "unit": "list", "term": "cash_cents"}}
}

test_metadata_retrieved_buying_power_cents_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"buying_power_cents": null}}})
	checked := check_metadata_retrieved with input as doc
	checked.holds == false
	denied := deny_metadata_retrieved with input as doc
	denied == {{"code": "stage6.metadata_retrieved", "msg": "A figure of the account is not known: buying_power_cents", "operand": "metadata_missing", "op": "∅", "expected": [], "actual": "buying_power_cents", "unit": "list", "term": "buying_power_cents"}}
}

test_metadata_retrieved_maintenance_margin_cents_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"maintenance_margin_cents": null}}})
	checked := check_metadata_retrieved with input as doc
	checked.holds == false
	denied := deny_metadata_retrieved with input as doc
	denied == {{"code": "stage6.metadata_retrieved", "msg": "A figure of the account is not known: maintenance_margin_cents", "operand": "metadata_missing", "op": "∅", "expected": [], "actual": "maintenance_margin_cents", "unit": "list", "term": "maintenance_margin_cents"}}
}

test_metadata_retrieved_equity_with_loan_cents_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"equity_with_loan_cents": null}}})
	checked := check_metadata_retrieved with input as doc
	checked.holds == false
	denied := deny_metadata_retrieved with input as doc
	denied == {{"code": "stage6.metadata_retrieved", "msg": "A figure of the account is not known: equity_with_loan_cents", "operand": "metadata_missing", "op": "∅", "expected": [], "actual": "equity_with_loan_cents", "unit": "list", "term": "equity_with_loan_cents"}}
}

test_metadata_retrieved_margin_cushion_ppm_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"margin_cushion_ppm": null}}})
	checked := check_metadata_retrieved with input as doc
	checked.holds == false
	denied := deny_metadata_retrieved with input as doc
	denied == {{"code": "stage6.metadata_retrieved", "msg": "A figure of the account is not known: margin_cushion_ppm", "operand": "metadata_missing", "op": "∅", "expected": [], "actual": "margin_cushion_ppm", "unit": "list", "term": "margin_cushion_ppm"}}
}

test_connected_holds if {
	checked := check_connected with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": true, "expected": true, "holds": true, "name": "connected", "op": "=", "unit": "boolean"}, {"actual": true, "expected": true, "holds": true, "name": "read_only", "op": "=", "unit": "boolean"}]}
	denied := deny_connected with input as data.gate.ready.doc
	denied == set()
}

test_connected_connected_wrong if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"connected": false}}})
	checked := check_connected with input as doc
	checked.holds == false
	denied := deny_connected with input as doc
	denied == {{"code": "stage6.connected", "msg": "The probe was not a connected, read-only session", "operand": "connected", "op": "=", "expected": true, "actual": false, "unit": "boolean"}}
}

test_connected_connected_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"connected": null}}})
	checked := check_connected with input as doc
	checked.holds == false
	denied := deny_connected with input as doc
	denied == {{"code": "stage6.connected", "msg": "The probe was not a connected, read-only session", "operand": "connected", "op": "=", "expected": true, "actual": null, "unit": "boolean"}}
}

test_connected_may_trade if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"read_only": false}}})
	denied := deny_connected with input as doc
	denied == {{"code": "stage6.connected", "msg": "The probe was not a connected, read-only session", "operand": "read_only", "op": "=", "expected": true, "actual": false, "unit": "boolean"}}
}

test_account_is_paper_holds if {
	checked := check_account_is_paper with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": "PAPER", "expected": "PAPER", "holds": true, "name": "account_type", "op": "=", "unit": "type"}, {"actual": [], "expected": [], "holds": true, "name": "account_prefix_not_allowed", "op": "∅", "terms": [], "unit": "list"}, {"actual": false, "expected": false, "holds": true, "name": "simulated", "op": "=", "unit": "boolean"}, {"actual": true, "expected": true, "holds": true, "name": "pinned", "op": "=", "unit": "boolean"}]}
	denied := deny_account_is_paper with input as data.gate.ready.doc
	denied == set()
}

test_account_is_paper_live_account if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"account_type": "LIVE"}}})
	checked := check_account_is_paper with input as doc
	checked.holds == false
	denied := deny_account_is_paper with input as doc
	denied == {{"code": "stage6.account_is_paper", "msg": "The account is not the pinned paper account", "operand": "account_type", "op": "=", "expected": "PAPER", "actual": "LIVE", "unit": "type"}}
}

test_account_is_paper_type_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"account_type": null}}})
	checked := check_account_is_paper with input as doc
	checked.holds == false
	denied := deny_account_is_paper with input as doc
	denied == {{"code": "stage6.account_is_paper", "msg": "The account is not the pinned paper account", "operand": "account_type", "op": "=", "expected": "PAPER", "actual": null, "unit": "type"}}
}

test_account_is_paper_live_prefix if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"prefix": "U"}}})
	checked := check_account_is_paper with input as doc
	checked.holds == false
	denied := deny_account_is_paper with input as doc
	denied == {{"code": "stage6.account_is_paper", "msg": "The account is not the pinned paper account: U, accepted: DU", "operand": "account_prefix_not_allowed", "op": "∅", "expected": [], "actual": "U, accepted: DU", "unit": "list", "term": "U"}}
}

test_account_is_paper_other_paper_prefix if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"prefix": "DF"}}})
	checked := check_account_is_paper with input as doc
	checked.holds == false
	denied := deny_account_is_paper with input as doc
	denied == {{"code": "stage6.account_is_paper", "msg": "The account is not the pinned paper account: DF, accepted: DU", "operand": "account_prefix_not_allowed", "op": "∅", "expected": [], "actual": "DF, accepted: DU", "unit": "list", "term": "DF"}}
}

test_account_is_paper_prefix_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"prefix": null}}})
	checked := check_account_is_paper with input as doc
	checked.holds == false
	denied := deny_account_is_paper with input as doc
	denied == {{"code": "stage6.account_is_paper", "msg": "The account is not the pinned paper account: null, accepted: DU", "operand": "account_prefix_not_allowed", "op": "∅", "expected": [], "actual": "null, accepted: DU", "unit": "list", "term": "null"}}
}

test_account_is_paper_simulated_wrong if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"simulated": true}}})
	checked := check_account_is_paper with input as doc
	checked.holds == false
	denied := deny_account_is_paper with input as doc
	denied == {{"code": "stage6.account_is_paper", "msg": "The account is not the pinned paper account", "operand": "simulated", "op": "=", "expected": false, "actual": true, "unit": "boolean"}}
}

test_account_is_paper_simulated_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"simulated": null}}})
	checked := check_account_is_paper with input as doc
	checked.holds == false
	denied := deny_account_is_paper with input as doc
	denied == {{"code": "stage6.account_is_paper", "msg": "The account is not the pinned paper account", "operand": "simulated", "op": "=", "expected": false, "actual": null, "unit": "boolean"}}
}

test_account_is_paper_pinned_wrong if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"pinned": false}}})
	checked := check_account_is_paper with input as doc
	checked.holds == false
	denied := deny_account_is_paper with input as doc
	denied == {{"code": "stage6.account_is_paper", "msg": "The account is not the pinned paper account", "operand": "pinned", "op": "=", "expected": true, "actual": false, "unit": "boolean"}}
}

test_account_is_paper_pinned_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"pinned": null}}})
	checked := check_account_is_paper with input as doc
	checked.holds == false
	denied := deny_account_is_paper with input as doc
	denied == {{"code": "stage6.account_is_paper", "msg": "The account is not the pinned paper account", "operand": "pinned", "op": "=", "expected": true, "actual": null, "unit": "boolean"}}
}

test_paper_port_holds if {
	checked := check_paper_port with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "live_port", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "port_not_allowed", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_paper_port with input as data.gate.ready.doc
	denied == set()
}

test_paper_port_gateway if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"port": 4002}}})
	checked := check_paper_port with input as doc
	checked.holds == true
	denied := deny_paper_port with input as doc
	denied == set()
}

test_paper_port_live_tws if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"port": 7496}}})
	checked := check_paper_port with input as doc
	checked.holds == false
	denied := deny_paper_port with input as doc
	denied == {
		{"code": "stage6.paper_port", "msg": "The port is not a paper port: 7496 (live TWS)", "operand": "live_port", "op": "∅", "expected": [], "actual": "7496 (live TWS)", "unit": "list", "term": "7496"},
		{"code": "stage6.paper_port", "msg": "The port is not a paper port: 7496, accepted: 7497, 4002", "operand": "port_not_allowed", "op": "∅", "expected": [], "actual": "7496, accepted: 7497, 4002", "unit": "list", "term": "7496"},
	}
}

test_paper_port_live_gateway if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"port": 4001}}})
	checked := check_paper_port with input as doc
	checked.holds == false
	denied := deny_paper_port with input as doc
	denied == {
		{"code": "stage6.paper_port", "msg": "The port is not a paper port: 4001 (live Gateway)", "operand": "live_port", "op": "∅", "expected": [], "actual": "4001 (live Gateway)", "unit": "list", "term": "4001"},
		{"code": "stage6.paper_port", "msg": "The port is not a paper port: 4001, accepted: 7497, 4002", "operand": "port_not_allowed", "op": "∅", "expected": [], "actual": "4001, accepted: 7497, 4002", "unit": "list", "term": "4001"},
	}
}

test_paper_port_unlisted if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"port": 7498}}})
	checked := check_paper_port with input as doc
	checked.holds == false
	denied := deny_paper_port with input as doc
	denied == {{"code": "stage6.paper_port", "msg": "The port is not a paper port: 7498, accepted: 7497, 4002", "operand": "port_not_allowed", "op": "∅", "expected": [], "actual": "7498, accepted: 7497, 4002", "unit": "list", "term": "7498"}}
}

test_paper_port_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"port": null}}})
	checked := check_paper_port with input as doc
	checked.holds == false
	denied := deny_paper_port with input as doc
	denied == {{"code": "stage6.paper_port", "msg": "The port is not a paper port: null, accepted: 7497, 4002", "operand": "port_not_allowed", "op": "∅", "expected": [], "actual": "null, accepted: 7497, 4002", "unit": "list", "term": "null"}}
}

test_permissions_match_holds if {
	checked := check_permissions_match with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 3, "expected": 1, "holds": true, "name": "expected_permissions", "op": "≥", "unit": "permissions"}, {"actual": [], "expected": [], "holds": true, "name": "permission_mismatches", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_permissions_match with input as data.gate.ready.doc
	denied == set()
}

test_permissions_match_granted_too_much if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"permissions": {"options": "granted"}}, "signoffs": {"signoffs": []}}})
	checked := check_permissions_match with input as doc
	checked.holds == false
	denied := deny_permissions_match with input as doc
	denied == {{"code": "stage6.permissions_match", "msg": "A permission of the account is not the expected one: options: granted, expected denied", "operand": "permission_mismatches", "op": "∅", "expected": [], "actual": "options: granted, expected denied", "unit": "list", "term": "options"}}
	conditions := condition_permissions_match with input as doc
	conditions == set()
}

test_permissions_match_not_granted if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"permissions": {"stocks": "denied"}}, "signoffs": {"signoffs": []}}})
	checked := check_permissions_match with input as doc
	checked.holds == false
	denied := deny_permissions_match with input as doc
	denied == {{"code": "stage6.permissions_match", "msg": "A permission of the account is not the expected one: stocks: denied, expected granted", "operand": "permission_mismatches", "op": "∅", "expected": [], "actual": "stocks: denied, expected granted", "unit": "list", "term": "stocks"}}
	conditions := condition_permissions_match with input as doc
	conditions == set()
}

test_permissions_match_unknown if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"permissions": {"futures": "unknown"}}, "signoffs": {"signoffs": []}}})
	checked := check_permissions_match with input as doc
	checked.holds == false
	denied := deny_permissions_match with input as doc
	denied == {{"code": "stage6.permissions_match", "msg": "A permission of the account is not the expected one: futures: unknown, expected denied", "operand": "permission_mismatches", "op": "∅", "expected": [], "actual": "futures: unknown, expected denied", "unit": "list", "term": "futures"}}
	conditions := condition_permissions_match with input as doc
	conditions == set()
}

test_permissions_match_unexpected_granted if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"permissions": {"crypto": "granted"}}, "signoffs": {"signoffs": []}}})
	checked := check_permissions_match with input as doc
	checked.holds == false
	denied := deny_permissions_match with input as doc
	denied == {{"code": "stage6.permissions_match", "msg": "A permission of the account is not the expected one: crypto: granted, expected denied", "operand": "permission_mismatches", "op": "∅", "expected": [], "actual": "crypto: granted, expected denied", "unit": "list", "term": "crypto"}}
	conditions := condition_permissions_match with input as doc
	conditions == set()
}

test_permissions_match_unexpected_unknown if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"permissions": {"crypto": "unknown"}}, "signoffs": {"signoffs": []}}})
	checked := check_permissions_match with input as doc
	checked.holds == false
	denied := deny_permissions_match with input as doc
	denied == {{"code": "stage6.permissions_match", "msg": "A permission of the account is not the expected one: crypto: unknown, expected denied", "operand": "permission_mismatches", "op": "∅", "expected": [], "actual": "crypto: unknown, expected denied", "unit": "list", "term": "crypto"}}
	conditions := condition_permissions_match with input as doc
	conditions == set()
}

test_permissions_match_unexpected_denied if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"permissions": {"crypto": "denied"}}, "signoffs": {"signoffs": []}}})
	checked := check_permissions_match with input as doc
	checked.holds == true
	denied := deny_permissions_match with input as doc
	denied == set()
	conditions := condition_permissions_match with input as doc
	conditions == set()
}

test_permissions_match_accepted_by_risk_officer if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"permissions": {"options": "granted"}}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "risk_officer", {})]}}})
	checked := check_permissions_match with input as doc
	checked.holds == true
	denied := deny_permissions_match with input as doc
	denied == set()
	conditions := condition_permissions_match with input as doc
	conditions == {{"code": "stage6.permissions_match", "msg": "Permission mismatch accepted by sign-off, to be corrected: options: granted, expected denied", "owner": "risk_officer", "due": null}}
}

test_permissions_match_accepted_with_conditions if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"permissions": {"options": "granted"}}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "risk_officer", {"verdict": "conditional", "conditions": [{"text": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}]})]}}})
	checked := check_permissions_match with input as doc
	checked.holds == true
	denied := deny_permissions_match with input as doc
	denied == set()
	conditions := condition_permissions_match with input as doc
	conditions == {{"code": "stage6.permissions_match", "msg": "Permission mismatch accepted by sign-off, to be corrected: options: granted, expected denied", "owner": "risk_officer", "due": null}}
	stated := condition_not_rejected with input as doc
	stated == {{"code": "stage6.not_rejected", "msg": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}}
}

test_permissions_match_sign_off_for_other_evidence if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"permissions": {"options": "granted"}}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "risk_officer", {"evidence": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"})]}}})
	checked := check_permissions_match with input as doc
	checked.holds == false
	denied := deny_permissions_match with input as doc
	denied == {{"code": "stage6.permissions_match", "msg": "A permission of the account is not the expected one: options: granted, expected denied", "operand": "permission_mismatches", "op": "∅", "expected": [], "actual": "options: granted, expected denied", "unit": "list", "term": "options"}}
	conditions := condition_permissions_match with input as doc
	conditions == set()
}

test_permissions_match_sign_off_by_another_role if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"permissions": {"options": "granted"}}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "cto", {})]}}})
	checked := check_permissions_match with input as doc
	checked.holds == false
	denied := deny_permissions_match with input as doc
	denied == {{"code": "stage6.permissions_match", "msg": "A permission of the account is not the expected one: options: granted, expected denied", "operand": "permission_mismatches", "op": "∅", "expected": [], "actual": "options: granted, expected denied", "unit": "list", "term": "options"}}
	conditions := condition_permissions_match with input as doc
	conditions == set()
}

test_permissions_match_signed_without_need if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"permissions": {}}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "risk_officer", {})]}}})
	checked := check_permissions_match with input as doc
	checked.holds == true
	denied := deny_permissions_match with input as doc
	denied == set()
	conditions := condition_permissions_match with input as doc
	conditions == set()
}

test_buying_power_holds if {
	checked := check_buying_power with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 400000000, "expected": 0, "holds": true, "name": "buying_power", "op": ">", "unit": "cents"}]}
	denied := deny_buying_power with input as data.gate.ready.doc
	denied == set()
}

test_buying_power_one_cent if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"buying_power_cents": 1}, "signoffs": {"signoffs": []}}})
	checked := check_buying_power with input as doc
	checked.holds == true
	denied := deny_buying_power with input as doc
	denied == set()
	conditions := condition_buying_power with input as doc
	conditions == set()
}

test_buying_power_zero if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"buying_power_cents": 0}, "signoffs": {"signoffs": []}}})
	checked := check_buying_power with input as doc
	checked.holds == false
	denied := deny_buying_power with input as doc
	denied == {{"code": "stage6.buying_power", "msg": "The account has no buying power", "operand": "buying_power", "op": ">", "expected": 0, "actual": 0, "unit": "cents"}}
	conditions := condition_buying_power with input as doc
	conditions == set()
}

test_buying_power_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"buying_power_cents": null}, "signoffs": {"signoffs": []}}})
	checked := check_buying_power with input as doc
	checked.holds == false
	denied := deny_buying_power with input as doc
	denied == {{"code": "stage6.buying_power", "msg": "The account has no buying power", "operand": "buying_power", "op": ">", "expected": 0, "actual": null, "unit": "cents"}}
	conditions := condition_buying_power with input as doc
	conditions == set()
}

test_buying_power_zero_accepted if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"buying_power_cents": 0}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "risk_officer", {})]}}})
	checked := check_buying_power with input as doc
	checked.holds == true
	denied := deny_buying_power with input as doc
	denied == set()
	conditions := condition_buying_power with input as doc
	conditions == {{"code": "stage6.buying_power", "msg": "Zero buying power accepted by sign-off, to be restored", "owner": "risk_officer", "due": null}}
}

test_buying_power_zero_accepted_with_conditions if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"buying_power_cents": 0}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "risk_officer", {"verdict": "conditional", "conditions": [{"text": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}]})]}}})
	checked := check_buying_power with input as doc
	checked.holds == true
	denied := deny_buying_power with input as doc
	denied == set()
	conditions := condition_buying_power with input as doc
	conditions == {{"code": "stage6.buying_power", "msg": "Zero buying power accepted by sign-off, to be restored", "owner": "risk_officer", "due": null}}
	stated := condition_not_rejected with input as doc
	stated == {{"code": "stage6.not_rejected", "msg": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12", "id": "C-1", "closed_by": "signoff"}}
}

test_buying_power_negative_never_accepted if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"buying_power_cents": -1}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "risk_officer", {})]}}})
	checked := check_buying_power with input as doc
	checked.holds == false
	denied := deny_buying_power with input as doc
	denied == {{"code": "stage6.buying_power", "msg": "The account has no buying power", "operand": "buying_power", "op": "≥", "expected": 0, "actual": -1, "unit": "cents"}}
	conditions := condition_buying_power with input as doc
	conditions == set()
}

test_buying_power_null_never_accepted if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"buying_power_cents": null}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "risk_officer", {})]}}})
	checked := check_buying_power with input as doc
	checked.holds == false
	denied := deny_buying_power with input as doc
	denied == {{"code": "stage6.buying_power", "msg": "The account has no buying power", "operand": "buying_power", "op": "≥", "expected": 0, "actual": null, "unit": "cents"}}
	conditions := condition_buying_power with input as doc
	conditions == set()
}

test_buying_power_acceptance_refused_by_rejection if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"buying_power_cents": 0}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "risk_officer", {}), data.gate.ready.signoff("stage6", "cto", {"verdict": "reject"})]}}})
	checked := check_buying_power with input as doc
	checked.holds == false
	denied := deny_buying_power with input as doc
	denied == {{"code": "stage6.buying_power", "msg": "The account has no buying power", "operand": "buying_power", "op": ">", "expected": 0, "actual": 0, "unit": "cents"}}
	conditions := condition_buying_power with input as doc
	conditions == set()
}

test_limits_within_caps_holds if {
	checked := check_limits_within_caps with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "positions_beyond", "op": "∅", "terms": [], "unit": "list"}, {"actual": 1000, "expected": 1, "holds": true, "name": "max_order_size", "op": "≥", "unit": "shares"}, {"actual": 1000, "expected": 1000, "holds": true, "name": "max_order_size", "op": "≤", "unit": "shares"}, {"actual": 10000000, "expected": 1, "holds": true, "name": "max_position_value", "op": "≥", "unit": "cents"}, {"actual": 10000000, "expected": 10000000, "holds": true, "name": "max_position_value", "op": "≤", "unit": "cents"}]}
	denied := deny_limits_within_caps with input as data.gate.ready.doc
	denied == set()
}

test_limits_within_caps_max_order_size_lowest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"limits": {"max_order_size": 1}}}})
	checked := check_limits_within_caps with input as doc
	checked.holds == true
	denied := deny_limits_within_caps with input as doc
	denied == set()
}

test_limits_within_caps_max_order_size_highest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"limits": {"max_order_size": 1000}}}})
	checked := check_limits_within_caps with input as doc
	checked.holds == true
	denied := deny_limits_within_caps with input as doc
	denied == set()
}

test_limits_within_caps_max_order_size_too_low if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"limits": {"max_order_size": 0}}}})
	checked := check_limits_within_caps with input as doc
	checked.holds == false
	denied := deny_limits_within_caps with input as doc
	denied == {{"code": "stage6.limits_within_caps", "msg": "A limit of the account is outside its cap", "operand": "max_order_size", "op": "≥", "expected": 1, "actual": 0, "unit": "shares"}}
}

test_limits_within_caps_max_order_size_too_high if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"limits": {"max_order_size": 1001}}}})
	checked := check_limits_within_caps with input as doc
	checked.holds == false
	denied := deny_limits_within_caps with input as doc
	denied == {{"code": "stage6.limits_within_caps", "msg": "A limit of the account is outside its cap", "operand": "max_order_size", "op": "≤", "expected": 1000, "actual": 1001, "unit": "shares"}}
}

test_limits_within_caps_max_order_size_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"limits": {"max_order_size": null}}}})
	checked := check_limits_within_caps with input as doc
	checked.holds == false
	denied := deny_limits_within_caps with input as doc
	denied == {
		{"code": "stage6.limits_within_caps", "msg": "A limit of the account is outside its cap", "operand": "max_order_size", "op": "≥", "expected": 1, "actual": null, "unit": "shares"},
		{"code": "stage6.limits_within_caps", "msg": "A limit of the account is outside its cap", "operand": "max_order_size", "op": "≤", "expected": 1000, "actual": null, "unit": "shares"},
	}
}

test_limits_within_caps_max_position_value_lowest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"limits": {"max_position_value_cents": 1}}}})
	checked := check_limits_within_caps with input as doc
	checked.holds == true
	denied := deny_limits_within_caps with input as doc
	denied == set()
}

test_limits_within_caps_max_position_value_highest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"limits": {"max_position_value_cents": 10000000}}}})
	checked := check_limits_within_caps with input as doc
	checked.holds == true
	denied := deny_limits_within_caps with input as doc
	denied == set()
}

test_limits_within_caps_max_position_value_too_low if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"limits": {"max_position_value_cents": 0}}}})
	checked := check_limits_within_caps with input as doc
	checked.holds == false
	denied := deny_limits_within_caps with input as doc
	denied == {{"code": "stage6.limits_within_caps", "msg": "A limit of the account is outside its cap", "operand": "max_position_value", "op": "≥", "expected": 1, "actual": 0, "unit": "cents"}}
}

test_limits_within_caps_max_position_value_too_high if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"limits": {"max_position_value_cents": 10000001}}}})
	checked := check_limits_within_caps with input as doc
	checked.holds == false
	denied := deny_limits_within_caps with input as doc
	denied == {{"code": "stage6.limits_within_caps", "msg": "A limit of the account is outside its cap", "operand": "max_position_value", "op": "≤", "expected": 10000000, "actual": 10000001, "unit": "cents"}}
}

test_limits_within_caps_max_position_value_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"limits": {"max_position_value_cents": null}}}})
	checked := check_limits_within_caps with input as doc
	checked.holds == false
	denied := deny_limits_within_caps with input as doc
	denied == {
		{"code": "stage6.limits_within_caps", "msg": "A limit of the account is outside its cap", "operand": "max_position_value", "op": "≥", "expected": 1, "actual": null, "unit": "cents"},
		{"code": "stage6.limits_within_caps", "msg": "A limit of the account is outside its cap", "operand": "max_position_value", "op": "≤", "expected": 10000000, "actual": null, "unit": "cents"},
	}
}

test_account_fresh_holds if {
	checked := check_account_fresh with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": 86400, "expected": 0, "holds": true, "name": "account_age", "op": "≥", "unit": "s"}, {"actual": 86400, "expected": 604800, "holds": true, "name": "account_age", "op": "≤", "unit": "s"}]}
	denied := deny_account_fresh with input as data.gate.ready.doc
	denied == set()
}

test_account_fresh_account_age_now if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"observed_at_s": 1764936000}}})
	checked := check_account_fresh with input as doc
	checked.holds == true
	denied := deny_account_fresh with input as doc
	denied == set()
}

test_account_fresh_account_age_oldest if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"observed_at_s": 1764331200}}})
	checked := check_account_fresh with input as doc
	checked.holds == true
	denied := deny_account_fresh with input as doc
	denied == set()
}

test_account_fresh_account_age_future if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"observed_at_s": 1764936001}}})
	checked := check_account_fresh with input as doc
	checked.holds == false
	denied := deny_account_fresh with input as doc
	denied == {{"code": "stage6.account_fresh", "msg": "The account was not probed recently", "operand": "account_age", "op": "≥", "expected": 0, "actual": -1, "unit": "s"}}
}

test_account_fresh_account_age_too_old if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"observed_at_s": 1764331199}}})
	checked := check_account_fresh with input as doc
	checked.holds == false
	denied := deny_account_fresh with input as doc
	denied == {{"code": "stage6.account_fresh", "msg": "The account was not probed recently", "operand": "account_age", "op": "≤", "expected": 604800, "actual": 604801, "unit": "s"}}
}

test_account_fresh_account_age_null if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"observed_at_s": null}}})
	checked := check_account_fresh with input as doc
	checked.holds == false
	denied := deny_account_fresh with input as doc
	denied == {
		{"code": "stage6.account_fresh", "msg": "The account was not probed recently", "operand": "account_age", "op": "≥", "expected": 0, "actual": null, "unit": "s"},
		{"code": "stage6.account_fresh", "msg": "The account was not probed recently", "operand": "account_age", "op": "≤", "expected": 604800, "actual": null, "unit": "s"},
	}
}

test_not_rejected_holds if {
	checked := check_not_rejected with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "rejections", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_not_rejected with input as data.gate.ready.doc
	denied == set()
}

test_not_rejected_rejected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "risk_officer", {"verdict": "reject"})]}}})
	checked := check_not_rejected with input as doc
	checked.holds == false
	denied := deny_not_rejected with input as doc
	denied == {{"code": "stage6.not_rejected", "msg": "The stage was rejected: risk_officer rejected in signoffs/stage6-risk_officer.json", "operand": "rejections", "op": "∅", "expected": [], "actual": "risk_officer rejected in signoffs/stage6-risk_officer.json", "unit": "list", "term": "risk_officer", "path": "signoffs/stage6-risk_officer.json"}}
}

test_not_rejected_rejected_other_evidence if {
	doc := object.union(data.gate.ready.doc, {"facts": {"signoffs": {"signoffs": [data.gate.ready.signoff("stage6", "risk_officer", {"verdict": "reject", "evidence": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"})]}}})
	checked := check_not_rejected with input as doc
	checked.holds == true
	denied := deny_not_rejected with input as doc
	denied == set()
}

test_account_consistent_holds if {
	checked := check_account_consistent with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "contradictions", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_account_consistent with input as data.gate.ready.doc
	denied == set()
}

test_account_consistent_contradiction if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"contradictions": [{"place": "/nav", "text": "is odd"}]}}})
	checked := check_account_consistent with input as doc
	checked.holds == false
	denied := deny_account_consistent with input as doc
	denied == {{"code": "stage6.account_consistent", "msg": "The account's record contradicts itself: /nav is odd", "operand": "contradictions", "op": "∅", "expected": [], "actual": "/nav is odd", "unit": "list", "term": "/nav"}}
}

test_limits_within_caps_a_position_beyond_its_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"account": {"largest_position": {"place": "/positions/4", "cents": 10000001}}}})
	denied := deny_limits_within_caps with input as doc
	{result.actual | some result in denied} == {"/positions/4 of ACCOUNT_CONFIG.json is worth 10000001 cents, the account's limit is 10000000"}
	untold := object.union(data.gate.ready.doc, {"facts": {"account": {"largest_position": null}}})
	held := check_limits_within_caps with input as untold
	held.holds == true
}
