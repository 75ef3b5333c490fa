package gate.stage4

# The rows of a list of the ready document, with changes by the value that names a row.
changed(list, key, changes) := [object.union(row, object.get(changes, row[key], {})) |
	some row in data.gate.ready.doc.facts.broker_conformance[list]
]

test_conformance_run_holds if {
	checked := check_conformance_run with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_conformance_run with input as data.gate.ready.doc
	denied == set()
	warned := warn_conformance_run with input as data.gate.ready.doc
	warned == set()
}

test_conformance_run_a_case_not_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"cases": changed("cases", "name", {"burst": {"ended": null, "exit_code": null, "log": "not run"}})}}})
	checked := check_conformance_run with input as doc
	checked.holds == false
	denied := deny_conformance_run with input as doc
	denied == {{"actual": "burst", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: burst", "op": "∅", "operand": "cases_not_run", "term": "burst", "unit": "list"}}
	warned := warn_conformance_run with input as doc
	warned == set()
}

test_conformance_run_nothing_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"cases": []}}})
	checked := check_conformance_run with input as doc
	checked.holds == false
	denied := deny_conformance_run with input as doc
	denied == {{"actual": "account", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: account", "op": "∅", "operand": "cases_not_run", "term": "account", "unit": "list"}, {"actual": "burst", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: burst", "op": "∅", "operand": "cases_not_run", "term": "burst", "unit": "list"}, {"actual": "disconnect", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: disconnect", "op": "∅", "operand": "cases_not_run", "term": "disconnect", "unit": "list"}, {"actual": "gone", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: gone", "op": "∅", "operand": "cases_not_run", "term": "gone", "unit": "list"}, {"actual": "live", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: live", "op": "∅", "operand": "cases_not_run", "term": "live", "unit": "list"}, {"actual": "orders", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: orders", "op": "∅", "operand": "cases_not_run", "term": "orders", "unit": "list"}, {"actual": "outage", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: outage", "op": "∅", "operand": "cases_not_run", "term": "outage", "unit": "list"}, {"actual": "reject", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: reject", "op": "∅", "operand": "cases_not_run", "term": "reject", "unit": "list"}, {"actual": "shutdown", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: shutdown", "op": "∅", "operand": "cases_not_run", "term": "shutdown", "unit": "list"}}
	warned := warn_conformance_run with input as doc
	warned == set()
}

test_conformance_run_an_error if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"cases": changed("cases", "name", {"orders": {"exit_code": 1}})}}})
	checked := check_conformance_run with input as doc
	checked.holds == false
	denied := deny_conformance_run with input as doc
	denied == {{"actual": "orders: exit code 1", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: orders: exit code 1", "op": "∅", "operand": "runs_failed", "term": "orders", "unit": "list"}}
	warned := warn_conformance_run with input as doc
	warned == set()
}

test_conformance_run_a_signal if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"cases": changed("cases", "name", {"shutdown": {"exit_code": -9}})}}})
	checked := check_conformance_run with input as doc
	checked.holds == false
	denied := deny_conformance_run with input as doc
	denied == {{"actual": "shutdown: exit code -9", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: shutdown: exit code -9", "op": "∅", "operand": "runs_failed", "term": "shutdown", "unit": "list"}}
	warned := warn_conformance_run with input as doc
	warned == set()
}

test_conformance_run_ended_for_its_time if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"cases": changed("cases", "name", {"gone": {"ended": "time", "exit_code": null}})}}})
	checked := check_conformance_run with input as doc
	checked.holds == false
	denied := deny_conformance_run with input as doc
	denied == {{"actual": "gone: had to be ended: its time was over", "code": "stage4.conformance_run", "expected": [], "msg": "The conformance suite was not passed through: gone: had to be ended: its time was over", "op": "∅", "operand": "runs_failed", "term": "gone", "unit": "list"}}
	warned := warn_conformance_run with input as doc
	warned == set()
}

test_conformance_run_an_error_where_it_may if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"cases": changed("cases", "name", {"live": {"exit_code": 3}})}}})
	checked := check_conformance_run with input as doc
	checked.holds == true
	denied := deny_conformance_run with input as doc
	denied == set()
	warned := warn_conformance_run with input as doc
	warned == set()
}

test_conformance_run_connected_to_a_live_port if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"cases": changed("cases", "name", {"orders": {"elsewhere": ["192.0.2.1:7496"]}})}}})
	denied := deny_conformance_run with input as doc
	{violation.actual | some violation in denied} == {"orders: was connected to 192.0.2.1:7496"}
}

test_conformance_run_connected_elsewhere if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"cases": changed("cases", "name", {"orders": {"elsewhere": ["192.0.2.1:443"]}})}}})
	checked := check_conformance_run with input as doc
	checked.holds == true
	denied := deny_conformance_run with input as doc
	denied == set()
	warned := warn_conformance_run with input as doc
	warned == {{"code": "stage4.conformance_run", "msg": "In the case orders the program was connected to 192.0.2.1:443, too"}}
}

test_conformance_proven_holds if {
	checked := check_conformance_proven with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_conformance_proven with input as data.gate.ready.doc
	denied == set()
}

test_conformance_proven_claimed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"figures_from": "claims", "cases": changed("cases", "name", {"orders": {"log": "missing"}})}}})
	checked := check_conformance_proven with input as doc
	checked.holds == false
	denied := deny_conformance_proven with input as doc
	denied == {{"actual": "claims, accepted: logs", "code": "stage4.conformance_proven", "expected": [], "msg": "What the client did is not proven: claims, accepted: logs", "op": "∅", "operand": "figures_from", "term": "claims", "unit": "list"}, {"actual": "log of orders: missing", "code": "stage4.conformance_proven", "expected": [], "msg": "What the client did is not proven: log of orders: missing", "op": "∅", "operand": "logs_not_proof", "term": "orders", "unit": "list"}}
}

test_conformance_proven_another_log if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"cases": changed("cases", "name", {"orders": {"log": "other"}})}}})
	checked := check_conformance_proven with input as doc
	checked.holds == false
	denied := deny_conformance_proven with input as doc
	denied == {{"actual": "log of orders: not the one that was recorded", "code": "stage4.conformance_proven", "expected": [], "msg": "What the client did is not proven: log of orders: not the one that was recorded", "op": "∅", "operand": "logs_not_proof", "term": "orders", "unit": "list"}}
}

test_conformance_proven_a_claim_that_disagrees if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"disagreements": [{"figure": "/live/orders_sent", "claimed": "0", "computed": "2"}]}}})
	checked := check_conformance_proven with input as doc
	checked.holds == false
	denied := deny_conformance_proven with input as doc
	denied == {{"actual": "/live/orders_sent: claimed 0, the logs give 2", "code": "stage4.conformance_proven", "expected": [], "msg": "What the client did is not proven: /live/orders_sent: claimed 0, the logs give 2", "op": "∅", "operand": "claims_disagree", "term": "/live/orders_sent", "unit": "list"}}
}

test_conformance_proven_no_file if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"file": null, "figures_from": null, "cases": []}}})
	checked := check_conformance_proven with input as doc
	checked.holds == false
	denied := deny_conformance_proven with input as doc
	denied == {{"actual": "null, accepted: logs", "code": "stage4.conformance_proven", "expected": [], "msg": "What the client did is not proven: null, accepted: logs", "op": "∅", "operand": "figures_from", "term": "null", "unit": "list"}}
}

test_operations_on_wire_holds if {
	checked := check_operations_on_wire with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_operations_on_wire with input as data.gate.ready.doc
	denied == set()
}

test_operations_on_wire_one_never if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"operations": {"place_order": {"count": 0}}}}})
	checked := check_operations_on_wire with input as doc
	checked.holds == false
	denied := deny_operations_on_wire with input as doc
	denied == {{"actual": "place_order: 0 of 1", "code": "stage4.operations_on_wire", "expected": [], "msg": "A broker operation never reached the gateway: place_order: 0 of 1", "op": "∅", "operand": "operations_not_seen", "term": "place_order", "unit": "list"}}
}

test_operations_on_wire_one_wait_too_few if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"operations": {"order_status": {"count": 2}}}}})
	checked := check_operations_on_wire with input as doc
	checked.holds == false
	denied := deny_operations_on_wire with input as doc
	denied == {{"actual": "order_status: 2 of 3", "code": "stage4.operations_on_wire", "expected": [], "msg": "A broker operation never reached the gateway: order_status: 2 of 3", "op": "∅", "operand": "operations_not_seen", "term": "order_status", "unit": "list"}}
}

test_operations_on_wire_one_not_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"operations": {"market_data": null}}}})
	checked := check_operations_on_wire with input as doc
	checked.holds == false
	denied := deny_operations_on_wire with input as doc
	denied == {{"actual": "market_data: 0 of 1", "code": "stage4.operations_on_wire", "expected": [], "msg": "A broker operation never reached the gateway: market_data: 0 of 1", "op": "∅", "operand": "operations_not_seen", "term": "market_data", "unit": "list"}}
}

test_operations_on_wire_nothing_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"operations": null}}})
	checked := check_operations_on_wire with input as doc
	checked.holds == false
	denied := deny_operations_on_wire with input as doc
	denied == {{"actual": "account_info: 0 of 1", "code": "stage4.operations_on_wire", "expected": [], "msg": "A broker operation never reached the gateway: account_info: 0 of 1", "op": "∅", "operand": "operations_not_seen", "term": "account_info", "unit": "list"}, {"actual": "cancel_order: 0 of 1", "code": "stage4.operations_on_wire", "expected": [], "msg": "A broker operation never reached the gateway: cancel_order: 0 of 1", "op": "∅", "operand": "operations_not_seen", "term": "cancel_order", "unit": "list"}, {"actual": "connect: 0 of 1", "code": "stage4.operations_on_wire", "expected": [], "msg": "A broker operation never reached the gateway: connect: 0 of 1", "op": "∅", "operand": "operations_not_seen", "term": "connect", "unit": "list"}, {"actual": "disconnect: 0 of 1", "code": "stage4.operations_on_wire", "expected": [], "msg": "A broker operation never reached the gateway: disconnect: 0 of 1", "op": "∅", "operand": "operations_not_seen", "term": "disconnect", "unit": "list"}, {"actual": "market_data: 0 of 1", "code": "stage4.operations_on_wire", "expected": [], "msg": "A broker operation never reached the gateway: market_data: 0 of 1", "op": "∅", "operand": "operations_not_seen", "term": "market_data", "unit": "list"}, {"actual": "order_status: 0 of 3", "code": "stage4.operations_on_wire", "expected": [], "msg": "A broker operation never reached the gateway: order_status: 0 of 3", "op": "∅", "operand": "operations_not_seen", "term": "order_status", "unit": "list"}, {"actual": "place_order: 0 of 1", "code": "stage4.operations_on_wire", "expected": [], "msg": "A broker operation never reached the gateway: place_order: 0 of 1", "op": "∅", "operand": "operations_not_seen", "term": "place_order", "unit": "list"}, {"actual": "positions: 0 of 1", "code": "stage4.operations_on_wire", "expected": [], "msg": "A broker operation never reached the gateway: positions: 0 of 1", "op": "∅", "operand": "operations_not_seen", "term": "positions", "unit": "list"}}
}

test_orders_on_wire_holds if {
	checked := check_orders_on_wire with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_orders_on_wire with input as data.gate.ready.doc
	denied == set()
}

test_orders_on_wire_a_type_that_the_broker_does_not_know if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"order_types": ["LMT", "MARKET"]}}})
	checked := check_orders_on_wire with input as doc
	checked.holds == false
	denied := deny_orders_on_wire with input as doc
	denied == {{"actual": "order type MARKET", "code": "stage4.orders_on_wire", "expected": [], "msg": "An order is not what was asked for: order type MARKET", "op": "∅", "operand": "order_types_sent", "term": "MARKET", "unit": "list"}}
}

test_orders_on_wire_no_type if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"order_types": [""]}}})
	checked := check_orders_on_wire with input as doc
	checked.holds == false
	denied := deny_orders_on_wire with input as doc
	denied == {{"actual": "order type ", "code": "stage4.orders_on_wire", "expected": [], "msg": "An order is not what was asked for: order type ", "op": "∅", "operand": "order_types_sent", "term": "", "unit": "list"}}
}

test_orders_on_wire_another_quantity if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"orders": changed("orders", "symbol", {"SPY": {"quantity": "100", "as_asked": false}})}}})
	checked := check_orders_on_wire with input as doc
	checked.holds == false
	denied := deny_orders_on_wire with input as doc
	denied == {{"actual": "orders: BUY 100 SPY MKT, account: own", "code": "stage4.orders_on_wire", "expected": [], "msg": "An order is not what was asked for: orders: BUY 100 SPY MKT, account: own", "op": "∅", "operand": "orders_not_as_asked", "term": "orders: BUY 100 SPY MKT, account: own", "unit": "list"}}
}

test_orders_on_wire_no_order if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"orders": [], "order_types": []}}})
	checked := check_orders_on_wire with input as doc
	checked.holds == false
	denied := deny_orders_on_wire with input as doc
	denied == {{"actual": 0, "code": "stage4.orders_on_wire", "expected": 1, "msg": "An order is not what was asked for", "op": "≥", "operand": "orders_seen", "unit": "kinds of orders"}}
}

test_wire_agrees_holds if {
	checked := check_wire_agrees with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_wire_agrees with input as data.gate.ready.doc
	denied == set()
}

test_wire_agrees_in_the_source_only if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"operations": {"place_order": {"count": 0}}}}})
	checked := check_wire_agrees with input as doc
	checked.holds == false
	denied := deny_wire_agrees with input as doc
	denied == {{"actual": "place_order: in the source, never at the gateway", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: place_order: in the source, never at the gateway", "op": "∅", "operand": "contradictions", "term": "place_order", "unit": "list"}}
}

test_wire_agrees_on_the_wire_only if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"operations": {"market_data": "absent"}}}})
	checked := check_wire_agrees with input as doc
	checked.holds == false
	denied := deny_wire_agrees with input as doc
	denied == {{"actual": "market_data: at the gateway, absent in the source", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: market_data: at the gateway, absent in the source", "op": "∅", "operand": "contradictions", "term": "market_data", "unit": "list"}}
}

test_wire_agrees_sent_by_the_library if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"operations": {"positions": "absent"}}}})
	checked := check_wire_agrees with input as doc
	checked.holds == true
	denied := deny_wire_agrees with input as doc
	denied == set()
}

test_wire_agrees_nothing_known_of_the_source if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"operations": null, "safeguards": null}}})
	checked := check_wire_agrees with input as doc
	checked.holds == true
	denied := deny_wire_agrees with input as doc
	denied == set()
}

test_wire_agrees_nothing_known_of_the_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"operations": null, "reconnection": [], "pacing": null, "figures_from": null}}})
	checked := check_wire_agrees with input as doc
	checked.holds == false
	denied := deny_wire_agrees with input as doc
	denied == {{"actual": "account_info: in the source, never at the gateway", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: account_info: in the source, never at the gateway", "op": "∅", "operand": "contradictions", "term": "account_info", "unit": "list"}, {"actual": "cancel_order: in the source, never at the gateway", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: cancel_order: in the source, never at the gateway", "op": "∅", "operand": "contradictions", "term": "cancel_order", "unit": "list"}, {"actual": "connect: in the source, never at the gateway", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: connect: in the source, never at the gateway", "op": "∅", "operand": "contradictions", "term": "connect", "unit": "list"}, {"actual": "disconnect: in the source, never at the gateway", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: disconnect: in the source, never at the gateway", "op": "∅", "operand": "contradictions", "term": "disconnect", "unit": "list"}, {"actual": "market_data: in the source, never at the gateway", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: market_data: in the source, never at the gateway", "op": "∅", "operand": "contradictions", "term": "market_data", "unit": "list"}, {"actual": "order_status: in the source, never at the gateway", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: order_status: in the source, never at the gateway", "op": "∅", "operand": "contradictions", "term": "order_status", "unit": "list"}, {"actual": "place_order: in the source, never at the gateway", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: place_order: in the source, never at the gateway", "op": "∅", "operand": "contradictions", "term": "place_order", "unit": "list"}, {"actual": "positions: in the source, never at the gateway", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: positions: in the source, never at the gateway", "op": "∅", "operand": "contradictions", "term": "positions", "unit": "list"}}
}

test_wire_agrees_never_came_back if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reconnection": changed("reconnection", "case", {"disconnect": {"recovered": false}})}}})
	checked := check_wire_agrees with input as doc
	checked.holds == false
	denied := deny_wire_agrees with input as doc
	denied == {{"actual": "reconnection: in the source, the program never came back", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: reconnection: in the source, the program never came back", "op": "∅", "operand": "contradictions", "term": "reconnection", "unit": "list"}}
}

test_wire_agrees_came_back_by_other_means if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"safeguards": {"reconnection": {"state": "absent"}}}}})
	checked := check_wire_agrees with input as doc
	checked.holds == false
	denied := deny_wire_agrees with input as doc
	denied == {{"actual": "reconnection: the program came back, absent in the source", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: reconnection: the program came back, absent in the source", "op": "∅", "operand": "contradictions", "term": "reconnection", "unit": "list"}}
}

test_wire_agrees_never_dropped if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reconnection": changed("reconnection", "case", {"disconnect": {"dropped": false, "recovered": false}})}}})
	checked := check_wire_agrees with input as doc
	checked.holds == true
	denied := deny_wire_agrees with input as doc
	denied == set()
}

test_wire_agrees_a_limiter_that_does_not_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"pacing": {"busiest_second": 50}}}})
	checked := check_wire_agrees with input as doc
	checked.holds == false
	denied := deny_wire_agrees with input as doc
	denied == {{"actual": "pacing_limiter: in the source, 50 messages in a second at the gateway", "code": "stage4.wire_agrees", "expected": [], "msg": "Source and behaviour contradict each other: pacing_limiter: in the source, 50 messages in a second at the gateway", "op": "∅", "operand": "contradictions", "term": "pacing_limiter", "unit": "list"}}
}

test_conformance_fresh_holds if {
	checked := check_conformance_fresh with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_conformance_fresh with input as data.gate.ready.doc
	denied == set()
}

test_conformance_fresh_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"verified_at_s": 1762344000}}})
	checked := check_conformance_fresh with input as doc
	checked.holds == true
	denied := deny_conformance_fresh with input as doc
	denied == set()
}

test_conformance_fresh_too_old if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"verified_at_s": 1762343999}}})
	checked := check_conformance_fresh with input as doc
	checked.holds == false
	denied := deny_conformance_fresh with input as doc
	denied == {{"actual": 2592001, "code": "stage4.conformance_fresh", "expected": 2592000, "msg": "The conformance suite was not run recently", "op": "≤", "operand": "conformance_age", "unit": "s"}}
}

test_conformance_fresh_in_the_future if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"verified_at_s": 1764936001}}})
	checked := check_conformance_fresh with input as doc
	checked.holds == false
	denied := deny_conformance_fresh with input as doc
	denied == {{"actual": -1, "code": "stage4.conformance_fresh", "expected": 0, "msg": "The conformance suite was not run recently", "op": "≥", "operand": "conformance_age", "unit": "s"}}
}

test_conformance_fresh_no_time if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"verified_at_s": null}}})
	checked := check_conformance_fresh with input as doc
	checked.holds == false
	denied := deny_conformance_fresh with input as doc
	denied == {{"actual": null, "code": "stage4.conformance_fresh", "expected": 0, "msg": "The conformance suite was not run recently", "op": "≥", "operand": "conformance_age", "unit": "s"}, {"actual": null, "code": "stage4.conformance_fresh", "expected": 2592000, "msg": "The conformance suite was not run recently", "op": "≤", "operand": "conformance_age", "unit": "s"}}
}

test_operations_implemented_a_run_outranks_the_source if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"operations": {"place_order": "stub"}}}})
	checked := check_operations_implemented with input as doc
	checked.holds == true
	denied := deny_operations_implemented with input as doc
	denied == set()
}

test_operations_implemented_what_libraries_send_outranks_nothing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"operations": {"positions": "absent"}}}})
	checked := check_operations_implemented with input as doc
	checked.holds == false
	denied := deny_operations_implemented with input as doc
	denied == {{"actual": "positions: absent", "code": "stage4.operations_implemented", "expected": [], "msg": "A broker operation is not implemented: positions: absent", "op": "∅", "operand": "operations_not_implemented", "term": "positions", "unit": "list"}}
}

test_operations_implemented_a_run_of_other_sources_outranks_nothing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"operations": {"place_order": "stub"}}, "provenance": {"broker_conformance": {"sources": "other"}}}})
	checked := check_operations_implemented with input as doc
	checked.holds == false
	denied := deny_operations_implemented with input as doc
	denied == {{"actual": "place_order: stub", "code": "stage4.operations_implemented", "expected": [], "msg": "A broker operation is not implemented: place_order: stub", "op": "∅", "operand": "operations_not_implemented", "term": "place_order", "unit": "list"}}
}

test_operations_implemented_claims_outrank_nothing if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"operations": {"place_order": "stub"}}, "broker_conformance": {"figures_from": "claims"}}})
	checked := check_operations_implemented with input as doc
	checked.holds == false
	denied := deny_operations_implemented with input as doc
	denied == {{"actual": "place_order: stub", "code": "stage4.operations_implemented", "expected": [], "msg": "A broker operation is not implemented: place_order: stub", "op": "∅", "operand": "operations_not_implemented", "term": "place_order", "unit": "list"}}
}

test_safeguards_a_run_outranks_the_source if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"safeguards": {"reconnection": {"state": "absent"}, "pacing_limiter": {"state": "absent"}}}}})
	checked := check_safeguards with input as doc
	checked.holds == true
	denied := deny_safeguards with input as doc
	denied == set()
}

test_safeguards_a_run_that_did_not_show_it if {
	doc := object.union(data.gate.ready.doc, {"facts": {"source": {"safeguards": {"reconnection": {"state": "absent"}, "pacing_limiter": {"state": "absent"}}}, "broker_conformance": {"reconnection": [], "pacing": {"asked_orders": 59}}}})
	checked := check_safeguards with input as doc
	checked.holds == false
	denied := deny_safeguards with input as doc
	denied == {{"actual": "pacing_limiter: absent", "code": "stage4.safeguards", "expected": [], "msg": "The broker client lacks a safeguard: pacing_limiter: absent", "op": "∅", "operand": "safeguards_missing", "term": "pacing_limiter", "unit": "list"}, {"actual": "reconnection: absent", "code": "stage4.safeguards", "expected": [], "msg": "The broker client lacks a safeguard: reconnection: absent", "op": "∅", "operand": "safeguards_missing", "term": "reconnection", "unit": "list"}}
}

test_evidence_current_a_conformance_run_of_other_sources if {
	doc := object.union(data.gate.ready.doc, {"facts": {"provenance": {"broker_conformance": {"sources": "other"}}}})
	checked := check_evidence_current with input as doc
	checked.holds == false
	denied := deny_evidence_current with input as doc
	denied == {{"actual": "sources of broker_conformance: other (made from other sources), accepted: same, same_commit, unstated", "code": "stage4.evidence_current", "expected": [], "msg": "Evidence is not current: sources of broker_conformance: other (made from other sources), accepted: same, same_commit, unstated", "op": "∅", "operand": "evidence_of_other_sources", "term": "sources of broker_conformance", "unit": "list"}}
}

test_wire_agrees_another_program if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"programs_not_there": ["other.driver"]}}})
	checked := check_wire_agrees with input as doc
	checked.holds == false
	denied := deny_wire_agrees with input as doc
	{result.actual | some result in denied} == {"BROKER_CONFORMANCE.json ran other.driver, which no file of the workspace is"}
}
