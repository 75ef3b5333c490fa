package gate.stage4

# What the broker client does against a gateway that watches it, and whether that agrees with its source.

check_conformance_run := data.gate.lib.check([
	data.gate.lib.none_of("cases_not_run", cases_not_run(data.gate.params.stage4.conformance_cases.value)),
	data.gate.lib.none_of("runs_failed", runs_failed(input.facts.broker_conformance.cases)),
])

# METADATA
# title: The client went through the conformance suite
# description: >-
#   The client program ran in every case of `gate ibkr conformance`, and each run ended by itself, without an error where
#   the task can be done. A connection of the program to another address is a warning, and one to a live port a failure.
# custom:
#   short_name: conformance_run
#   severity: HIGH
#   risk: The client may fail in live trading in a way that nobody has seen.
#   solution: Run gate ibkr conformance with the client program, and fix what ends it in the cases named.
#   owner: lead_quant
#   controls: [gate:stage4]
#   facts: [broker_conformance.cases]
deny_conformance_run contains result if some result in data.gate.lib.violations(
	"stage4.conformance_run", check_conformance_run,
	"The conformance suite was not passed through",
)

warn_conformance_run contains {"code": "stage4.conformance_run", "msg": msg} if {
	some row in input.facts.broker_conformance.cases
	some address in row.elsewhere
	msg := sprintf("In the case %s the program was connected to %s, too", [row.name, address])
}

cases_not_run(names) := {{"term": name, "text": name} |
	some name in names
	count({row | some row in input.facts.broker_conformance.cases; row.name == name; row.ended != null}) == 0
}

runs_failed(cases) := {{"term": row.name, "text": sprintf("%s: %s", [row.name, text])} |
	some row in cases
	text := run_problem(row)
}

run_problem(row) := sprintf("had to be ended: %s", [ended_text(row.ended)]) if {
	row.ended != null
	count(data.gate.lib.others(row.ended, data.gate.params.stage4.conformance_ends.value)) > 0
} else := sprintf("was connected to %s", [address]) if {
	some address in row.elsewhere
	some port, _ in data.gate.params.stage6.live_ports.value
	endswith(address, sprintf(":%s", [port]))
} else := sprintf("exit code %v", [row.exit_code]) if {
	row.ended != null
	row.exit_code != 0
	count(data.gate.lib.others(row.name, data.gate.params.stage4.conformance_may_fail.value)) > 0
}

ended_text(ended) := object.get(
	{
		"elsewhere": "it connected to another address",
		"messages": "it sent too many messages",
		"output": "it printed too much",
		"time": "its time was over",
		"tries": "it tried to connect too often",
	},
	ended,
	ended,
)

check_conformance_proven := data.gate.lib.check([
	data.gate.lib.one_of(
		"figures_from",
		input.facts.broker_conformance.figures_from,
		data.gate.params.stage4.conformance_figures,
	),
	data.gate.lib.none_of("logs_not_proof", logs_not_proof(input.facts.broker_conformance.cases)),
	data.gate.lib.none_of("claims_disagree", claims_disagree(input.facts.broker_conformance.disagreements)),
])

# METADATA
# title: The observation logs prove what the client did
# description: >-
#   The observation log of every case is there and is the one that the file names, and every figure of the file is what
#   the logs give.
# custom:
#   short_name: conformance_proven
#   severity: CRITICAL
#   risk: A client that does not work passes on somebody's word.
#   solution: Run gate ibkr conformance again, and keep its file and logs as they were written.
#   owner: qa_lead
#   controls: [gate:stage4]
#   facts: [broker_conformance.figures_from, broker_conformance.cases, broker_conformance.disagreements]
deny_conformance_proven contains result if some result in data.gate.lib.violations(
	"stage4.conformance_proven", check_conformance_proven,
	"What the client did is not proven",
)

logs_not_proof(cases) := {{"term": row.name, "text": sprintf("log of %s: %v", [row.name, text])} |
	some row in cases
	row.ended != null
	row.log != "agrees"
	count(data.gate.lib.others("claims", data.gate.params.stage4.conformance_figures.value)) > 0
	text := object.get({"other": "not the one that was recorded"}, row.log, row.log)
}

claims_disagree(found) := {{"term": one.figure, "text": text} |
	some one in found
	text := sprintf("%s: claimed %s, the logs give %s", [one.figure, one.claimed, one.computed])
}

check_operations_on_wire := data.gate.lib.check([data.gate.lib.none_of(
	"operations_not_seen",
	operations_not_seen(data.gate.params.stage4.operations_on_wire.value),
)])

# METADATA
# title: Every broker operation reaches the gateway
# description: >-
#   The gateway saw the client do each required operation when its task asked for it. What a client prints, logs or
#   simulates never reaches the gateway.
# custom:
#   short_name: operations_on_wire
#   severity: CRITICAL
#   risk: Orders or cancels never reach the broker, while the system believes they did.
#   solution: Let the client send what is missing, and the driver of the conformance suite call the client.
#   owner: lead_quant
#   controls: [gate:stage4]
#   facts: [broker_conformance.cases]
#   optional_facts:
#     - broker_conformance.operations
deny_operations_on_wire contains result if some result in data.gate.lib.violations(
	"stage4.operations_on_wire", check_operations_on_wire,
	"A broker operation never reached the gateway",
)

operations_not_seen(wanted) := {{"term": name, "text": sprintf("%s: %v of %v", [name, seen, least])} |
	some name, least in wanted
	seen := requests_seen(name)
	data.gate.lib.greater(least, seen) == true
}

# How often the gateway saw an operation; zero where no case shows it, which is reported as missing, too.
requests_seen(name) := object.get(input.facts, ["broker_conformance", "operations", name, "count"], 0)

check_orders_on_wire := data.gate.lib.check([
	data.gate.lib.at_least(
		"orders_seen",
		count(input.facts.broker_conformance.orders),
		data.gate.params.stage4.orders_seen_min,
	),
	data.gate.lib.none_of("order_types_sent", order_types_sent(input.facts.broker_conformance.order_types)),
	data.gate.lib.none_of("orders_not_as_asked", orders_not_as_asked(input.facts.broker_conformance.orders)),
])

# METADATA
# title: Orders arrive as they were asked for
# description: >-
#   Every order that reached the gateway has an order type of the broker's, and the symbol, side, quantity, limit and
#   account that the task asks for.
# custom:
#   short_name: orders_on_wire
#   severity: CRITICAL
#   risk: The broker rejects the orders, or the system trades something other than it decided.
#   solution: Send MKT, LMT, STP or STP LMT, and the order that was asked for.
#   owner: lead_quant
#   controls: [gate:stage4]
#   facts: [broker_conformance.orders, broker_conformance.order_types]
deny_orders_on_wire contains result if some result in data.gate.lib.violations(
	"stage4.orders_on_wire", check_orders_on_wire,
	"An order is not what was asked for",
)

order_types_sent(sent) := {{"term": refused, "text": sprintf("order type %s", [refused])} |
	some kind in sent
	some refused in data.gate.lib.others(kind, data.gate.params.stage7.broker_order_types.value)
}

orders_not_as_asked(orders) := {{"term": text, "text": text} |
	some order in orders
	order.as_asked == false
	what := sprintf("%s %s %s %s", [order.action, order.quantity, order.symbol, order.order_type])
	text := sprintf("%s: %s, account: %s", [order.task, what, order.account])
}

check_wire_agrees := data.gate.lib.check([
	data.gate.lib.none_of("contradictions", contradictions(data.gate.params.stage4.operations_on_wire.value)),
	data.gate.lib.none_of("programs_not_there", programs_not_there(input.facts.broker_conformance)),
])

# METADATA
# title: Source and behaviour agree
# description: >-
#   What the source seems to implement reached the gateway, and what reached the gateway is in the source that is
#   judged. Otherwise the source is not what runs, or reading it misleads. The program that ran is a file of the
#   workspace, if its command names one.
# custom:
#   short_name: wire_agrees
#   severity: HIGH
#   risk: The source that was reviewed is not the code that trades.
#   solution: Run the suite with the client whose source is judged; delete code that looks like a client and is none.
#   owner: lead_quant
#   controls: [gate:stage4]
#   facts: [broker_conformance.cases, broker_conformance.programs_not_there, broker_conformance.file, source.files]
#   optional_facts:
#     - source.operations
#     - source.safeguards
#     - broker_conformance.operations
#     - broker_conformance.reconnection
#     - broker_conformance.pacing
deny_wire_agrees contains result if some result in data.gate.lib.violations(
	"stage4.wire_agrees", check_wire_agrees,
	"Source and behaviour contradict each other",
)

programs_not_there(record) := {{"term": program, "text": text, "path": record.file} |
	some program in record.programs_not_there
	text := sprintf("%s ran %s, which no file of the workspace is", [record.file, program])
}

contradictions(wanted) := ({{"term": name, "text": text} |
	some name, least in wanted
	stated := object.get(input.facts, ["source", "operations", name], null)
	text := operation_contradiction(name, stated, least)
} | reconnection_contradictions(true)) | pacing_contradictions(true)

operation_contradiction(name, stated, least) := sprintf("%s: in the source, never at the gateway", [name]) if {
	stated == data.gate.params.stage4.operation_state.value
	data.gate.lib.greater(least, requests_seen(name)) == true
} else := sprintf("%s: at the gateway, %s in the source", [name, stated]) if {
	stated != null
	stated != data.gate.params.stage4.operation_state.value
	shown_on_wire(name) == true
}

reconnection_contradictions(_) := {{"term": "reconnection", "text": text} |
	stated := object.get(input.facts, ["source", "safeguards", "reconnection", "state"], null)
	some row in object.get(input.facts, ["broker_conformance", "reconnection"], [])
	row.case == "disconnect"
	row.dropped == true
	text := reconnection_contradiction(stated, row.recovered)
}

reconnection_contradiction(stated, recovered) := "reconnection: in the source, the program never came back" if {
	stated == data.gate.params.stage4.safeguard_state.value
	recovered == false
} else := sprintf("reconnection: the program came back, %s in the source", [stated]) if {
	stated != null
	stated != data.gate.params.stage4.safeguard_state.value
	recovered == true
}

pacing_contradictions(_) := {{"term": "pacing_limiter", "text": text} |
	object.get(input.facts, ["source", "safeguards", "pacing_limiter", "state"], null) == data.gate.params.stage4.safeguard_state.value
	most := object.get(input.facts, ["broker_conformance", "pacing", "busiest_second"], null)
	data.gate.lib.not_less(most, data.gate.params.stage7.messages_per_second.value) == true
	text := sprintf("pacing_limiter: in the source, %v messages in a second at the gateway", [most])
}

# Whether the logs prove that the system's own code does the operation.
default shown_on_wire(_) := false

shown_on_wire(name) if {
	object.get(input.facts, ["broker_conformance", "figures_from"], null) == "logs"
	some own in data.gate.params.stage4.operations_of_the_client.value
	own == name
	data.gate.lib.not_less(requests_seen(name), data.gate.params.stage4.operations_on_wire.value[name]) == true
}

# --- where behaviour outranks the source ----------------------------------------------------------------------------

# Only a run that states that it is of the judged sources can say more about them than they themselves.
default of_these_sources(_) := false

of_these_sources(_) if {
	some accepted in data.gate.params.stage4.conformance_outranks.value
	accepted == object.get(input.facts, ["provenance", "broker_conformance", "sources"], null)
	object.get(input.facts, ["broker_conformance", "figures_from"], null) == "logs"
}

default operation_proven(_) := false

operation_proven(name) if {
	of_these_sources(true) == true
	shown_on_wire(name) == true
}

# A connection that was opened again, a burst that was paced.
default safeguard_proven(_) := false

safeguard_proven(name) if {
	name == "reconnection"
	of_these_sources(true) == true
	some row in object.get(input.facts, ["broker_conformance", "reconnection"], [])
	row.case == "disconnect"
	row.recovered == true
}

safeguard_proven(name) if {
	name == "pacing_limiter"
	of_these_sources(true) == true
	orders := object.get(input.facts, ["broker_conformance", "pacing", "asked_orders"], null)
	data.gate.lib.not_less(orders, data.gate.params.stage7.burst_orders_min.value) == true
	most := object.get(input.facts, ["broker_conformance", "pacing", "busiest_second"], null)
	data.gate.lib.greater(data.gate.params.stage7.messages_per_second.value, most) == true
}

check_conformance_fresh := data.gate.lib.check(data.gate.lib.between(
	"conformance_age",
	data.gate.lib.age_s(input.facts.broker_conformance.verified_at_s),
	data.gate.params.stage4.conformance_age_min,
	data.gate.params.stage4.conformance_age_max,
))

# METADATA
# title: The conformance suite was run recently
# description: The run is not older than allowed and not in the future.
# custom:
#   short_name: conformance_fresh
#   severity: HIGH
#   risk: The result may be of an older client.
#   solution: Run gate ibkr conformance again.
#   owner: qa_lead
#   controls: [gate:stage4]
#   facts: [broker_conformance.verified_at_s]
deny_conformance_fresh contains result if some result in data.gate.lib.violations(
	"stage4.conformance_fresh", check_conformance_fresh,
	"The conformance suite was not run recently",
)
