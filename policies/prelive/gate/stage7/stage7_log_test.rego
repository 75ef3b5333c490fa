package gate.stage7

test_log_rules_hold if {
	consistent := check_log_consistent with input as data.gate.ready.doc
	consistent == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "contradictions", "op": "∅", "terms": [], "unit": "list"}]}
	rate := check_message_rate with input as data.gate.ready.doc
	rate == {"holds": true, "operands": [{"actual": 3, "expected": 50, "holds": true, "name": "busiest_second", "op": "<", "unit": "messages/s"}]}
	account := check_same_account with input as data.gate.ready.doc
	account == {"holds": true, "operands": [{"actual": true, "expected": true, "holds": true, "name": "same_account", "op": "=", "unit": "boolean"}]}
	statuses := check_claimed_statuses with input as data.gate.ready.doc
	statuses == {"holds": true, "operands": [{"actual": [], "expected": [], "holds": true, "name": "statuses", "op": "∅", "terms": [], "unit": "list"}]}
	denied := ((deny_log_consistent | deny_message_rate) | deny_same_account) | deny_claimed_statuses with input as data.gate.ready.doc
	denied == set()
}

test_log_consistent_contradiction if {
	doc := with_paper({"contradictions": [{"place": "/trades/3/fill_price", "text": "is not above zero"}], "contradictions_total": 2})
	denied := deny_log_consistent with input as doc
	denied == {
		{"code": "stage7.log_consistent", "msg": "The log contradicts itself: /trades/3/fill_price is not above zero", "operand": "contradictions", "op": "∅", "expected": [], "actual": "/trades/3/fill_price is not above zero", "unit": "list", "term": "/trades/3/fill_price"},
		{"code": "stage7.log_consistent", "msg": "The log contradicts itself: 1 more, which are not listed", "operand": "contradictions", "op": "∅", "expected": [], "actual": "1 more, which are not listed", "unit": "list", "term": "not listed"},
	}
}

test_message_rate_last_good if {
	checked := check_message_rate with input as with_paper({"busiest_second": 49})
	checked.holds == true
}

test_message_rate_one_off if {
	denied := deny_message_rate with input as with_paper({"busiest_second": 50})
	denied == {{"code": "stage7.message_rate", "msg": "Too many orders were submitted in one second", "operand": "busiest_second", "op": "<", "expected": 50, "actual": 50, "unit": "messages/s"}}
}

test_message_rate_null if {
	denied := deny_message_rate with input as with_paper({"busiest_second": null})
	denied == {{"code": "stage7.message_rate", "msg": "Too many orders were submitted in one second", "operand": "busiest_second", "op": "<", "expected": 50, "actual": null, "unit": "messages/s"}}
}

test_same_account_other if {
	denied := deny_same_account with input as with_paper({"same_account": false})
	denied == {{"code": "stage7.same_account", "msg": "The session ran on another account", "operand": "same_account", "op": "=", "expected": true, "actual": false, "unit": "boolean"}}
}

test_claimed_statuses_accepted if {
	stated := [{"metric": "fill_rate", "status": ""}, {"metric": "duration", "status": "ok"}]
	checked := check_claimed_statuses with input as with_paper({"claimed_statuses": stated})
	checked.holds == true
}

test_claimed_statuses_fail if {
	denied := deny_claimed_statuses with input as with_paper({"claimed_statuses": [{"metric": "fill_rate", "status": "fail"}]})
	denied == {{"code": "stage7.claimed_statuses", "msg": "The metrics file states a status that is not accepted: fill_rate: FAIL", "operand": "statuses", "op": "∅", "expected": [], "actual": "fill_rate: FAIL", "unit": "list", "term": "fill_rate"}}
}

with_paper(changes) := object.union(data.gate.ready.doc, {"facts": {"paper": changes}})
