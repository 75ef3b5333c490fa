package gate.stage7

# The rows of a list of the ready document, with changes by the value that names a row.
changed(list, key, changes) := [object.union(row, object.get(changes, row[key], {})) |
	some row in data.gate.ready.doc.facts.broker_conformance[list]
]

test_wire_pacing_holds if {
	checked := check_wire_pacing with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_wire_pacing with input as data.gate.ready.doc
	denied == set()
}

test_wire_pacing_one_below_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"pacing": {"busiest_second": 49}}}})
	checked := check_wire_pacing with input as doc
	checked.holds == true
	denied := deny_wire_pacing with input as doc
	denied == set()
}

test_wire_pacing_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"pacing": {"busiest_second": 50}}}})
	checked := check_wire_pacing with input as doc
	checked.holds == false
	denied := deny_wire_pacing with input as doc
	denied == {{"actual": 50, "code": "stage7.wire_pacing", "expected": 50, "msg": "The client does not pace itself", "op": "<", "operand": "busiest_second", "unit": "messages/s"}}
}

test_wire_pacing_too_few_orders if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"pacing": {"asked_orders": 59}}}})
	checked := check_wire_pacing with input as doc
	checked.holds == false
	denied := deny_wire_pacing with input as doc
	denied == {{"actual": 59, "code": "stage7.wire_pacing", "expected": 60, "msg": "The client does not pace itself", "op": "≥", "operand": "burst_orders", "unit": "orders"}}
}

test_wire_pacing_pause_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"pacing": {"pause_us": 500000}}}})
	checked := check_wire_pacing with input as doc
	checked.holds == true
	denied := deny_wire_pacing with input as doc
	denied == set()
}

test_wire_pacing_pause_too_short if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"pacing": {"pause_us": 499999}}}})
	checked := check_wire_pacing with input as doc
	checked.holds == false
	denied := deny_wire_pacing with input as doc
	denied == {{"actual": 499999, "code": "stage7.wire_pacing", "expected": 500000, "msg": "The client does not pace itself", "op": "≥", "operand": "pause_after_100", "unit": "us"}}
}

test_wire_pacing_nothing_sent if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"pacing": {"busiest_second": null, "case": null, "asked_orders": 0, "told_100": false, "pause_us": null}}}})
	checked := check_wire_pacing with input as doc
	checked.holds == false
	denied := deny_wire_pacing with input as doc
	denied == {{"actual": null, "code": "stage7.wire_pacing", "expected": 50, "msg": "The client does not pace itself", "op": "<", "operand": "busiest_second", "unit": "messages/s"}, {"actual": null, "code": "stage7.wire_pacing", "expected": 500000, "msg": "The client does not pace itself", "op": "≥", "operand": "pause_after_100", "unit": "us"}, {"actual": 0, "code": "stage7.wire_pacing", "expected": 60, "msg": "The client does not pace itself", "op": "≥", "operand": "burst_orders", "unit": "orders"}}
}

test_wire_pacing_not_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"pacing": null}}})
	checked := check_wire_pacing with input as doc
	checked.holds == false
	denied := deny_wire_pacing with input as doc
	denied == {{"actual": null, "code": "stage7.wire_pacing", "expected": 50, "msg": "The client does not pace itself", "op": "<", "operand": "busiest_second", "unit": "messages/s"}, {"actual": null, "code": "stage7.wire_pacing", "expected": 60, "msg": "The client does not pace itself", "op": "≥", "operand": "burst_orders", "unit": "orders"}, {"actual": null, "code": "stage7.wire_pacing", "expected": 500000, "msg": "The client does not pace itself", "op": "≥", "operand": "pause_after_100", "unit": "us"}}
}

test_wire_retries_holds if {
	checked := check_wire_retries with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_wire_retries with input as data.gate.ready.doc
	denied == set()
}

test_wire_retries_a_refused_order if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reactions": changed("reactions", "code", {201: {"reaction": "retried", "count": 3}})}}})
	checked := check_wire_retries with input as doc
	checked.holds == false
	denied := deny_wire_retries with input as doc
	denied == {{"actual": "201: retried 3 times", "code": "stage7.wire_retries", "expected": [], "msg": "A refused order is sent again: 201: retried 3 times", "op": "∅", "operand": "refused_orders_sent_again", "term": "201", "unit": "list"}}
}

test_wire_retries_not_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reactions": []}}})
	checked := check_wire_retries with input as doc
	checked.holds == false
	denied := deny_wire_retries with input as doc
	denied == {{"actual": 0, "code": "stage7.wire_retries", "expected": 1, "msg": "A refused order is sent again", "op": "≥", "operand": "codes_told", "unit": "codes"}}
}

test_wire_errors_holds if {
	checked := check_wire_errors with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_wire_errors with input as data.gate.ready.doc
	denied == set()
}

test_wire_errors_builds_on_a_refused_order if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reactions": changed("reactions", "code", {201: {"reaction": "acted on", "count": 1}})}}})
	checked := check_wire_errors with input as doc
	checked.holds == false
	denied := deny_wire_errors with input as doc
	denied == {{"actual": "201: acted on", "code": "stage7.wire_errors", "expected": [], "msg": "The client does not heed an error code: 201: acted on", "op": "∅", "operand": "error_codes_not_heeded", "term": "201", "unit": "list"}}
}

test_wire_errors_a_retry_has_its_own_rule if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reactions": changed("reactions", "code", {201: {"reaction": "retried", "count": 1}})}}})
	checked := check_wire_errors with input as doc
	checked.holds == true
	denied := deny_wire_errors with input as doc
	denied == set()
}

test_wire_errors_reconnects_after_a_notice if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reactions": changed("reactions", "code", {2104: {"reaction": "reconnected", "count": 1}})}}})
	checked := check_wire_errors with input as doc
	checked.holds == false
	denied := deny_wire_errors with input as doc
	denied == {{"actual": "2104: reconnected", "code": "stage7.wire_errors", "expected": [], "msg": "The client does not heed an error code: 2104: reconnected", "op": "∅", "operand": "error_codes_not_heeded", "term": "2104", "unit": "list"}}
}

test_wire_errors_reconnects_in_an_outage if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reactions": changed("reactions", "code", {1100: {"reaction": "reconnected", "count": 1}})}}})
	checked := check_wire_errors with input as doc
	checked.holds == true
	denied := deny_wire_errors with input as doc
	denied == set()
}

test_wire_errors_gives_up_in_an_outage if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reactions": changed("reactions", "code", {1100: {"reaction": "gave up"}})}}})
	checked := check_wire_errors with input as doc
	checked.holds == false
	denied := deny_wire_errors with input as doc
	denied == {{"actual": "1100: gave up", "code": "stage7.wire_errors", "expected": [], "msg": "The client does not heed an error code: 1100: gave up", "op": "∅", "operand": "error_codes_not_heeded", "term": "1100", "unit": "list"}}
}

test_wire_errors_an_order_in_an_outage if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"outage": {"orders_during": 1}}}})
	checked := check_wire_errors with input as doc
	checked.holds == false
	denied := deny_wire_errors with input as doc
	denied == {{"actual": 1, "code": "stage7.wire_errors", "expected": 0, "msg": "The client does not heed an error code", "op": "≤", "operand": "orders_in_an_outage", "unit": "orders"}}
}

test_wire_errors_no_outage if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"outage": null}}})
	checked := check_wire_errors with input as doc
	checked.holds == false
	denied := deny_wire_errors with input as doc
	denied == {{"actual": null, "code": "stage7.wire_errors", "expected": 0, "msg": "The client does not heed an error code", "op": "≤", "operand": "orders_in_an_outage", "unit": "orders"}}
}

test_wire_errors_a_code_not_told if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reactions": changed("reactions", "code", {399: {"reaction": "not told"}})}}})
	checked := check_wire_errors with input as doc
	checked.holds == false
	denied := deny_wire_errors with input as doc
	denied == {{"actual": "399: not told", "code": "stage7.wire_errors", "expected": [], "msg": "The client does not heed an error code: 399: not told", "op": "∅", "operand": "error_codes_not_heeded", "term": "399", "unit": "list"}}
}

test_wire_errors_a_code_not_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reactions": [row | some row in data.gate.ready.doc.facts.broker_conformance.reactions; row.code != 434]}}})
	checked := check_wire_errors with input as doc
	checked.holds == false
	denied := deny_wire_errors with input as doc
	denied == {{"actual": "434: not run", "code": "stage7.wire_errors", "expected": [], "msg": "The client does not heed an error code: 434: not run", "op": "∅", "operand": "error_codes_not_heeded", "term": "434", "unit": "list"}}
}

test_wire_reconnection_holds if {
	checked := check_wire_reconnection with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_wire_reconnection with input as data.gate.ready.doc
	denied == set()
}

test_wire_reconnection_never_tries if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reconnection": changed("reconnection", "case", {"disconnect": {"tries": 0, "delays_us": [], "recovered": false}, "gone": {"tries": 0, "delays_us": []}})}}})
	checked := check_wire_reconnection with input as doc
	checked.holds == false
	denied := deny_wire_reconnection with input as doc
	denied == {{"actual": "disconnect: did not come back, 0 tries", "code": "stage7.wire_reconnection", "expected": [], "msg": "The client does not reconnect as agreed: disconnect: did not come back, 0 tries", "op": "∅", "operand": "not_reconnected", "term": "disconnect", "unit": "list"}}
}

test_wire_reconnection_never_dropped if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reconnection": changed("reconnection", "case", {"disconnect": {"dropped": false, "tries": 0, "delays_us": [], "recovered": false}})}}})
	checked := check_wire_reconnection with input as doc
	checked.holds == false
	denied := deny_wire_reconnection with input as doc
	denied == {{"actual": "disconnect: the program placed no order during which the connection could drop", "code": "stage7.wire_reconnection", "expected": [], "msg": "The client does not reconnect as agreed: disconnect: the program placed no order during which the connection could drop", "op": "∅", "operand": "not_reconnected", "term": "disconnect", "unit": "list"}}
}

test_wire_reconnection_not_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reconnection": []}}})
	checked := check_wire_reconnection with input as doc
	checked.holds == false
	denied := deny_wire_reconnection with input as doc
	denied == {{"actual": "disconnect: not run", "code": "stage7.wire_reconnection", "expected": [], "msg": "The client does not reconnect as agreed: disconnect: not run", "op": "∅", "operand": "not_reconnected", "term": "disconnect", "unit": "list"}}
}

test_wire_reconnection_one_try_too_many if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reconnection": changed("reconnection", "case", {"gone": {"tries": 4, "delays_us": [1000000, 2000000, 4000000, 8000000]}})}}})
	checked := check_wire_reconnection with input as doc
	checked.holds == false
	denied := deny_wire_reconnection with input as doc
	denied == {{"actual": "gone: 4 tries, at most 3 are agreed", "code": "stage7.wire_reconnection", "expected": [], "msg": "The client does not reconnect as agreed: gone: 4 tries, at most 3 are agreed", "op": "∅", "operand": "tries", "term": "gone", "unit": "list"}}
}

test_wire_reconnection_delays_at_the_limit if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reconnection": changed("reconnection", "case", {"gone": {"delays_us": [900000, 1800000, 3600000]}})}}})
	checked := check_wire_reconnection with input as doc
	checked.holds == true
	denied := deny_wire_reconnection with input as doc
	denied == set()
}

test_wire_reconnection_delays_too_short if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"reconnection": changed("reconnection", "case", {"gone": {"delays_us": [899999, 1800000, 3599999]}})}}})
	checked := check_wire_reconnection with input as doc
	checked.holds == false
	denied := deny_wire_reconnection with input as doc
	denied == {{"actual": "gone, try 1 after 899999 us, at least 900000 us are agreed", "code": "stage7.wire_reconnection", "expected": [], "msg": "The client does not reconnect as agreed: gone, try 1 after 899999 us, at least 900000 us are agreed", "op": "∅", "operand": "delays", "term": "gone, try 1", "unit": "list"}, {"actual": "gone, try 3 after 3599999 us, at least 3600000 us are agreed", "code": "stage7.wire_reconnection", "expected": [], "msg": "The client does not reconnect as agreed: gone, try 3 after 3599999 us, at least 3600000 us are agreed", "op": "∅", "operand": "delays", "term": "gone, try 3", "unit": "list"}}
}

test_wire_orders_holds if {
	checked := check_wire_orders with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_wire_orders with input as data.gate.ready.doc
	denied == set()
}

test_wire_orders_one_twice if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"over_a_disconnect": changed("over_a_disconnect", "symbol", {"QQQ": {"sent": 2, "filled": 20, "duplicated": true}})}}})
	checked := check_wire_orders with input as doc
	checked.holds == false
	denied := deny_wire_orders with input as doc
	denied == {{"actual": "QQQ: sent 2 times, 20 of 10 filled", "code": "stage7.wire_orders", "expected": [], "msg": "An order was duplicated or lost: QQQ: sent 2 times, 20 of 10 filled", "op": "∅", "operand": "orders_duplicated", "term": "QQQ", "unit": "list"}}
}

test_wire_orders_one_lost if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"over_a_disconnect": changed("over_a_disconnect", "symbol", {"AAPL": {"sent": 0, "filled": 0, "lost": true}})}}})
	checked := check_wire_orders with input as doc
	checked.holds == false
	denied := deny_wire_orders with input as doc
	denied == {{"actual": "AAPL: 0 of 10 filled, sent 0 times", "code": "stage7.wire_orders", "expected": [], "msg": "An order was duplicated or lost: AAPL: 0 of 10 filled, sent 0 times", "op": "∅", "operand": "orders_lost", "term": "lost AAPL", "unit": "list"}}
}

test_wire_orders_not_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"over_a_disconnect": []}}})
	checked := check_wire_orders with input as doc
	checked.holds == false
	denied := deny_wire_orders with input as doc
	denied == {{"actual": 0, "code": "stage7.wire_orders", "expected": 3, "msg": "An order was duplicated or lost", "op": "≥", "operand": "orders", "unit": "orders"}}
}

test_wire_shutdown_holds if {
	checked := check_wire_shutdown with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_wire_shutdown with input as data.gate.ready.doc
	denied == set()
}

test_wire_shutdown_one_left_open if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"shutdown": {"left_open": [{"case": "shutdown", "orders": 1}]}}}})
	checked := check_wire_shutdown with input as doc
	checked.holds == false
	denied := deny_wire_shutdown with input as doc
	denied == {{"actual": "shutdown: 1 open", "code": "stage7.wire_shutdown", "expected": [], "msg": "The client leaves orders open: shutdown: 1 open", "op": "∅", "operand": "orders_left_open", "term": "shutdown", "unit": "list"}}
}

test_wire_shutdown_too_few_orders if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"shutdown": {"placed": 1}}}})
	checked := check_wire_shutdown with input as doc
	checked.holds == false
	denied := deny_wire_shutdown with input as doc
	denied == {{"actual": 1, "code": "stage7.wire_shutdown", "expected": 2, "msg": "The client leaves orders open", "op": "≥", "operand": "resting_orders", "unit": "orders"}}
}

test_wire_shutdown_not_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"shutdown": null}}})
	checked := check_wire_shutdown with input as doc
	checked.holds == false
	denied := deny_wire_shutdown with input as doc
	denied == {{"actual": null, "code": "stage7.wire_shutdown", "expected": 2, "msg": "The client leaves orders open", "op": "≥", "operand": "resting_orders", "unit": "orders"}}
}

test_wire_live_holds if {
	checked := check_wire_live with input as data.gate.ready.doc
	checked.holds == true
	denied := deny_wire_live with input as data.gate.ready.doc
	denied == set()
}

test_wire_live_one_order if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"live": {"orders_sent": 1, "messages": ["placeOrder"]}}}})
	checked := check_wire_live with input as doc
	checked.holds == false
	denied := deny_wire_live with input as doc
	denied == {{"actual": 1, "code": "stage7.wire_live", "expected": 0, "msg": "The client trades on an account that looks live", "op": "=", "operand": "orders_sent", "unit": "messages"}}
}

test_wire_live_never_connected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"live": {"connected": false}}}})
	checked := check_wire_live with input as doc
	checked.holds == false
	denied := deny_wire_live with input as doc
	denied == {{"actual": false, "code": "stage7.wire_live", "expected": true, "msg": "The client trades on an account that looks live", "op": "=", "operand": "connected", "unit": "boolean"}}
}

test_wire_live_not_run if {
	doc := object.union(data.gate.ready.doc, {"facts": {"broker_conformance": {"live": null}}})
	checked := check_wire_live with input as doc
	checked.holds == false
	denied := deny_wire_live with input as doc
	denied == {{"actual": null, "code": "stage7.wire_live", "expected": true, "msg": "The client trades on an account that looks live", "op": "=", "operand": "connected", "unit": "boolean"}, {"actual": null, "code": "stage7.wire_live", "expected": 0, "msg": "The client trades on an account that looks live", "op": "=", "operand": "orders_sent", "unit": "messages"}}
}
