package gate.stage7

# What the broker client does when the gateway refuses, fails, hurries it or goes away; see stage4_conformance.rego.

check_wire_pacing := data.gate.lib.check([
	data.gate.lib.below(
		"busiest_second",
		object.get(input.facts, ["broker_conformance", "pacing", "busiest_second"], null),
		data.gate.params.stage7.messages_per_second,
	),
	data.gate.lib.at_least(
		"burst_orders",
		object.get(input.facts, ["broker_conformance", "pacing", "asked_orders"], null),
		data.gate.params.stage7.burst_orders_min,
	),
	data.gate.lib.at_least(
		"pause_after_100",
		object.get(input.facts, ["broker_conformance", "pacing", "pause_us"], null),
		data.gate.params.stage7.pause_after_100_min,
	),
])

# METADATA
# title: A burst of orders is paced
# description: >-
#   With more orders to place than the broker takes in a second, the client stays below the limit in every second, and
#   pauses when it is told that it sends too fast (100).
# custom:
#   short_name: wire_pacing
#   severity: CRITICAL
#   risk: The broker ignores messages or ends the connection in the middle of trading.
#   solution: Let every message wait for its turn in one queue, and stop that queue on error 100.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [broker_conformance.cases]
#   optional_facts:
#     - broker_conformance.pacing
deny_wire_pacing contains result if some result in data.gate.lib.violations(
	"stage7.wire_pacing", check_wire_pacing,
	"The client does not pace itself",
)

check_wire_retries := data.gate.lib.check([
	data.gate.lib.at_least(
		"codes_told",
		count([row | some row in input.facts.broker_conformance.reactions; row.reaction != "not told"]),
		data.gate.params.stage7.codes_told_min,
	),
	data.gate.lib.none_of(
		"refused_orders_sent_again",
		refused_orders_sent_again(input.facts.broker_conformance.reactions),
	),
])

# METADATA
# title: No refused order is sent again
# description: The client sends no order again that was refused (103, 200, 201, 321, 434), cancelled (202) or warned about.
# custom:
#   short_name: wire_retries
#   severity: CRITICAL
#   risk: A rejected order is sent again and again, or in the end fills unexpectedly.
#   solution: Treat a refusal as final; a new order needs a new decision.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [broker_conformance.reactions]
deny_wire_retries contains result if some result in data.gate.lib.violations(
	"stage7.wire_retries", check_wire_retries,
	"A refused order is sent again",
)

refused_orders_sent_again(rows) := {{"term": code, "text": text} |
	some row in rows
	row.reaction in data.gate.params.stage7.unsafe_reactions.value
	code := sprintf("%v", [row.code])
	text := sprintf("%s: %s %v times", [code, row.reaction, row.count])
}

check_wire_errors := data.gate.lib.check([
	data.gate.lib.none_of("error_codes_not_heeded", error_codes_not_heeded(data.gate.params.stage7.error_reactions.value)),
	data.gate.lib.at_most(
		"orders_in_an_outage",
		object.get(input.facts, ["broker_conformance", "outage", "orders_during"], null),
		data.gate.params.stage7.outage_orders_max,
	),
])

# METADATA
# title: The client heeds what the gateway says
# description: >-
#   After each error code the client does what is agreed for it: it builds nothing on a refused or cancelled order, goes
#   on after a warning or a notice, and waits or reconnects when the line to the broker is lost (1100), without an order
#   meanwhile.
# custom:
#   short_name: wire_errors
#   severity: HIGH
#   risk: The broker's warnings and refusals are taken for success.
#   solution: Handle the codes named in the client as the interface map says.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [broker_conformance.reactions]
#   optional_facts:
#     - broker_conformance.outage
deny_wire_errors contains result if some result in data.gate.lib.violations(
	"stage7.wire_errors", check_wire_errors,
	"The client does not heed an error code",
)

# A retry has a rule of its own.
error_codes_not_heeded(agreed) := {{"term": code, "text": sprintf("%s: %s", [code, done])} |
	some code, accepted in agreed
	done := reaction_to(code)
	count(data.gate.lib.others(done, accepted)) > 0
	count(data.gate.lib.others(done, data.gate.params.stage7.unsafe_reactions.value)) > 0
}

reaction_to(code) := done if {
	found := [row.reaction | some row in input.facts.broker_conformance.reactions; sprintf("%v", [row.code]) == code]
	count(found) > 0
	done := concat(", ", found)
} else := "not run"

check_wire_reconnection := data.gate.lib.check([
	data.gate.lib.none_of("not_reconnected", not_reconnected(data.gate.params.stage7.reconnection_cases.value)),
	data.gate.lib.none_of("tries", too_many_tries(input.facts.broker_conformance.reconnection)),
	data.gate.lib.none_of("delays", too_short_delays(input.facts.broker_conformance.reconnection)),
])

# METADATA
# title: The client reconnects, patiently, and gives up
# description: >-
#   After the gateway dropped the connection, the client comes back when the gateway does, tries at most so often, waits
#   long enough before each try, and stops trying if the gateway stays away.
# custom:
#   short_name: wire_reconnection
#   severity: HIGH
#   risk: Positions are left unwatched after a lost connection, or the broker locks the client out.
#   solution: Try to reconnect three times, after 1 s, 2 s and 4 s, then stop and call a person.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [broker_conformance.reconnection]
deny_wire_reconnection contains result if some result in data.gate.lib.violations(
	"stage7.wire_reconnection", check_wire_reconnection,
	"The client does not reconnect as agreed",
)

not_reconnected(cases) := {{"term": name, "text": sprintf("%s: %s", [name, text])} |
	some name in cases
	found := [row | some row in input.facts.broker_conformance.reconnection; row.case == name]
	text := reconnection_problem(found)
}

reconnection_problem(found) := "not run" if {
	count(found) == 0
} else := "the program placed no order during which the connection could drop" if {
	found[0].dropped == false
} else := sprintf("did not come back, %v tries", [found[0].tries]) if {
	found[0].recovered == false
}

too_many_tries(rows) := {{"term": row.case, "text": text} |
	some row in rows
	most := data.gate.params.stage4.reconnection_tries_max.value
	data.gate.lib.greater(row.tries, most) == true
	text := sprintf("%s: %v tries, at most %v are agreed", [row.case, row.tries, most])
}

too_short_delays(rows) := {{"term": term, "text": text} |
	some row in rows
	some index, least in data.gate.params.stage7.reconnection_delays_min.value
	delay := row.delays_us[index]
	data.gate.lib.greater(least, delay) == true
	term := sprintf("%s, try %v", [row.case, index + 1])
	text := sprintf("%s after %v us, at least %v us are agreed", [term, delay, least])
}

check_wire_orders := data.gate.lib.check([
	data.gate.lib.at_least(
		"orders",
		count(input.facts.broker_conformance.over_a_disconnect),
		data.gate.params.stage7.orders_over_a_disconnect_min,
	),
	data.gate.lib.none_of("orders_duplicated", orders_duplicated(input.facts.broker_conformance.over_a_disconnect)),
	data.gate.lib.none_of("orders_lost", orders_lost(input.facts.broker_conformance.over_a_disconnect)),
])

# METADATA
# title: A lost connection neither duplicates nor loses an order
# description: Of three orders in turn, during the second of which the connection drops, each is filled exactly once.
# custom:
#   short_name: wire_orders
#   severity: CRITICAL
#   risk: An order is lost or filled twice, so the position is not the one that was decided.
#   solution: After reconnecting, ask for open orders and executions, and match them by orderRef before sending anything.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [broker_conformance.over_a_disconnect]
deny_wire_orders contains result if some result in data.gate.lib.violations(
	"stage7.wire_orders", check_wire_orders,
	"An order was duplicated or lost",
)

orders_duplicated(rows) := {{"term": row.symbol, "text": text} |
	some row in rows
	row.duplicated == true
	text := sprintf("%s: sent %v times, %v of %v filled", [row.symbol, row.sent, row.filled, row.asked])
}

orders_lost(rows) := {{"term": term, "text": text} |
	some row in rows
	row.lost == true
	term := sprintf("lost %s", [row.symbol])
	text := sprintf("%s: %v of %v filled, sent %v times", [row.symbol, row.filled, row.asked, row.sent])
}

check_wire_shutdown := data.gate.lib.check([
	data.gate.lib.at_least(
		"resting_orders",
		object.get(input.facts, ["broker_conformance", "shutdown", "placed"], null),
		data.gate.params.stage7.resting_orders_min,
	),
	data.gate.lib.none_of("orders_left_open", orders_left_open(true)),
])

# METADATA
# title: The client leaves no order open
# description: When it is told to stop (SIGTERM), and at the end of every task, the client has cancelled what was open.
# custom:
#   short_name: wire_shutdown
#   severity: CRITICAL
#   risk: Orders fill when nobody watches them any more.
#   solution: Cancel all open orders on SIGTERM and at exit, and wait until each is cancelled or filled.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [broker_conformance.cases]
#   optional_facts:
#     - broker_conformance.shutdown
deny_wire_shutdown contains result if some result in data.gate.lib.violations(
	"stage7.wire_shutdown", check_wire_shutdown,
	"The client leaves orders open",
)

orders_left_open(_) := {{"term": row.case, "text": sprintf("%s: %v open", [row.case, row.orders])} |
	some row in object.get(input.facts, ["broker_conformance", "shutdown", "left_open"], [])
}

check_wire_live := data.gate.lib.check([
	data.gate.lib.is_true("connected", object.get(input.facts, ["broker_conformance", "live", "connected"], null)),
	data.gate.lib.equals(
		"orders_sent",
		object.get(input.facts, ["broker_conformance", "live", "orders_sent"], null),
		data.gate.params.stage7.live_orders,
	),
])

# METADATA
# title: Nothing is sent to an account that looks live
# description: When the gateway names an account with real money, the client places and cancels nothing.
# custom:
#   short_name: wire_live
#   severity: CRITICAL
#   risk: Orders reach an account with real money before anybody approved that.
#   solution: After connecting, compare the managed accounts with the pinned paper account, and disconnect if they differ.
#   owner: risk_officer
#   controls: [gate:stage7]
#   facts: [broker_conformance.cases]
#   optional_facts:
#     - broker_conformance.live
deny_wire_live contains result if some result in data.gate.lib.violations(
	"stage7.wire_live", check_wire_live,
	"The client trades on an account that looks live",
)
