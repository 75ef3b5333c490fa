# METADATA
# title: Interface mapping
# description: Every broker operation, error code, limit and conversion is specified before it is written.
# custom:
#   question: Is every broker operation specified?
package gate.stage3

check_sections_present := data.gate.lib.check([data.gate.lib.none_of(
	"sections_not_filled",
	sections_not_filled(data.gate.params.stage3.sections.value),
)])

# METADATA
# title: The interface map has all its sections
# description: Each required section of the interface map exists and is filled in.
# custom:
#   short_name: sections_present
#   severity: HIGH
#   risk: The broker is used by guess where the map is silent.
#   solution: Write the sections named; an unfilled template does not count.
#   owner: lead_quant
#   controls: [gate:stage3]
#   facts:
#     - interface_map.sections.endpoint_mapping
#     - interface_map.sections.message_flows
#     - interface_map.sections.error_codes
#     - interface_map.sections.latency_sla
#     - interface_map.sections.pacing_limits
deny_sections_present contains result if some result in data.gate.lib.violations(
	"stage3.sections_present", check_sections_present,
	"A section of the interface map is not filled",
)

sections_not_filled(sections) := {{"term": section, "text": sprintf("%s: %v", [section, state])} |
	some section in sections
	state := object.get(input.facts.interface_map, ["sections", section], null)
	state != data.gate.params.stage3.section_state.value
}

check_operations_mapped := data.gate.lib.check([data.gate.lib.contains_all(
	"operations_mapped",
	[operation.id | some operation in input.facts.interface_map.operations],
	data.gate.params.stage3.operations,
)])

# METADATA
# title: Every broker operation is mapped
# description: The interface map maps each operation of the system to the broker's interface.
# custom:
#   short_name: operations_mapped
#   severity: HIGH
#   risk: An operation behaves otherwise than the system expects.
#   solution: Add the missing operations to the endpoint mapping.
#   owner: lead_quant
#   controls: [gate:stage3]
#   facts: [interface_map.file, interface_map.operations]
deny_operations_mapped contains result if some result in data.gate.lib.violations(
	"stage3.operations_mapped", check_operations_mapped,
	"A broker operation is not mapped",
)

check_latency_slas := data.gate.lib.check(array.concat(
	[data.gate.lib.none("operations_without_sla", operations_without_sla(data.gate.params.stage3.operations.value))],
	[operand |
		some operation in sort(object.keys(data.gate.params.stage3.latency_sla_max.value))
		stated_sla(operation) != null
		operand := data.gate.lib.at_most(sprintf("%s_latency_sla", [operation]), stated_sla(operation), {
			"value": data.gate.params.stage3.latency_sla_max.value[operation],
			"unit": data.gate.params.stage3.latency_sla_min.unit,
		})
	],
))

# METADATA
# title: Every operation has a latency SLA within its ceiling
# description: >-
#   Each required operation states a p95 latency, no higher than its ceiling where the trading desk set one. An
#   operation that is mapped more than once is judged by its slowest entry.
# custom:
#   short_name: latency_slas
#   severity: HIGH
#   risk: Nothing says when an order is too slow.
#   solution: State the missing latency SLAs, and lower those above their ceiling.
#   owner: lead_trader
#   controls: [gate:stage3]
#   facts: [interface_map.file, interface_map.operations]
deny_latency_slas contains result if some result in data.gate.lib.violations(
	"stage3.latency_slas", check_latency_slas,
	"A latency SLA is missing or above its ceiling",
)

# The slowest SLA stated for an operation; null where it is not mapped or one of its mappings states none.
default stated_sla(_) := null

stated_sla(id) := max(stated) if {
	stated := [operation.latency_sla_us |
		some operation in input.facts.interface_map.operations
		operation.id == id
	]
	stated != []
	every sla in stated {
		is_number(sla)
		sla > data.gate.params.stage3.latency_sla_min.value
	}
}

operations_without_sla(operations) := {operation |
	some operation in operations
	stated_sla(operation) == null
}

check_error_codes := data.gate.lib.check([data.gate.lib.none_of(
	"error_codes_without_action",
	error_codes_without_action(data.gate.params.stage3.error_codes.value),
)])

# METADATA
# title: Every required error code is documented with an action
# description: The interface map says what to do about each broker code that the system can meet.
# custom:
#   short_name: error_codes
#   severity: HIGH
#   risk: An error of the broker meets no reaction, or a wrong one.
#   solution: Document the codes named, each with what the system does when it arrives.
#   owner: lead_quant
#   controls: [gate:stage3]
#   facts: [interface_map.file, interface_map.error_codes]
deny_error_codes contains result if some result in data.gate.lib.violations(
	"stage3.error_codes", check_error_codes,
	"A broker code is not documented with an action",
)

error_codes_without_action(codes) := {{"term": term, "text": sprintf("%s: %s", [term, problem])} |
	some code in codes
	term := sprintf("%v", [code])
	some problem in code_problems(code)
}

code_problems(code) := {"not documented"} if {
	count(actions(code)) == 0
} else := {"no action stated" |
	some action in actions(code)
	action == ""
}

actions(code) := {trim_space(entry.action) |
	some entry in input.facts.interface_map.error_codes
	entry.code == code
}

check_error_code_meanings := data.gate.lib.check([
	data.gate.lib.at_least(
		"documented_codes",
		count(input.facts.interface_map.error_codes),
		data.gate.params.stage3.error_code_entries_min,
	),
	data.gate.lib.none_of(
		"contradicted_codes",
		contradicted_codes("action", data.gate.params.stage3.error_code_contradictions.value),
	),
	data.gate.lib.none_of(
		"meanings_of_other_codes",
		contradicted_codes("meaning", data.gate.params.stage3.error_code_other_meanings.value),
	),
	data.gate.lib.none_of("actions_of_another_class", misclassified(data.gate.params.stage3.error_code_classes.value)),
])

# METADATA
# title: No error code is documented with another code's meaning
# description: >-
#   The action stated for a broker code is that of its class (back off, reject, cancelled, warning, reconnect,
#   information) and does not belong to another code, such as backing off on 103, a duplicate order id.
# custom:
#   short_name: error_code_meanings
#   severity: HIGH
#   risk: The system reacts wrongly to an error, for example by sending an order again.
#   solution: Correct the actions of the codes named; the broker's documentation says what they mean.
#   owner: lead_quant
#   controls: [gate:stage3]
#   facts: [interface_map.file, interface_map.error_codes]
deny_error_code_meanings contains result if some result in data.gate.lib.violations(
	"stage3.error_code_meanings", check_error_code_meanings,
	"A broker code is documented with another code's meaning",
)

contradicted_codes(column, contradictions) := {{"term": term, "text": sprintf("%s: \"%s\"", [term, phrase])} |
	some entry in input.facts.interface_map.error_codes
	term := sprintf("%v", [entry.code])
	some phrase in object.get(contradictions, term, [])
	contains(data.gate.lib.lower_case(entry[column]), phrase)
}

# Codes whose action says something else than what their class asks for. One whose action says nothing that the
# collector understands is not among them: that cannot be told.
misclassified(classes) := {{"term": term, "text": text} |
	some entry in input.facts.interface_map.error_codes
	term := sprintf("%v", [entry.code])
	expected := object.get(classes, term, null)
	expected != null
	count(entry.classes) > 0
	said := {class | some class in entry.classes}
	permitted := {class | some class in data.gate.params.stage3.error_code_permitted.value[expected]}
	of_its_class(said, expected, permitted) == false
	text := sprintf("%s, line %v: \"%s\", which is not %s", [term, entry.line, entry.action, expected])
}

default of_its_class(_, _, _) := false

of_its_class(said, expected, permitted) if {
	expected in said
	count(said - permitted) == 0
}

check_pacing_limits := data.gate.lib.check(array.concat(
	[
		data.gate.lib.at_least(
			"messages_per_second",
			input.facts.interface_map.pacing.messages_per_second,
			data.gate.params.stage3.pacing_min,
		),
		data.gate.lib.below(
			"messages_per_second",
			input.facts.interface_map.pacing.messages_per_second,
			data.gate.params.stage3.messages_per_second_limit,
		),
	],
	array.concat(
		data.gate.lib.between(
			"market_data_subscriptions",
			input.facts.interface_map.pacing.market_data_subscriptions,
			data.gate.params.stage3.pacing_min,
			data.gate.params.stage3.market_data_subscriptions_max,
		),
		data.gate.lib.between(
			"historical_requests",
			input.facts.interface_map.pacing.historical_requests,
			data.gate.params.stage3.pacing_min,
			data.gate.params.stage3.historical_requests_max,
		),
	),
))

# METADATA
# title: The pacing limits are stated and within the broker's
# description: >-
#   Messages per second, market-data subscriptions and historical requests are limited, each within what the broker
#   allows.
# custom:
#   short_name: pacing_limits
#   severity: HIGH
#   risk: The broker throttles or cuts the connection while orders are open.
#   solution: State the three pacing limits in the interface map, none above the broker's.
#   owner: lead_quant
#   controls: [gate:stage3]
#   facts:
#     - interface_map.pacing.messages_per_second
#     - interface_map.pacing.market_data_subscriptions
#     - interface_map.pacing.historical_requests
deny_pacing_limits contains result if some result in data.gate.lib.violations(
	"stage3.pacing_limits", check_pacing_limits,
	"A pacing limit is outside what the broker allows",
)

check_data_types := data.gate.lib.check([
	data.gate.lib.equals(
		"data_types",
		input.facts.interface_map.sections.data_types,
		data.gate.params.stage3.section_state,
	),
	data.gate.lib.none_of("order_states", {{"term": one.text, "text": text} |
		some one in input.facts.interface_map.other_states
		text := sprintf("line %v: %s", [one.line, one.text])
	}),
])

# METADATA
# title: The data-type conversions are stated
# description: >-
#   The interface map says how prices, quantities, times and states are converted between the broker and the system,
#   and gives no state of an order another meaning.
# custom:
#   short_name: data_types
#   severity: MEDIUM
#   risk: Prices and quantities are rounded or misread on the way.
#   solution: Write the section on data-type conversions, and correct the states that are named.
#   owner: lead_quant
#   controls: [gate:stage3]
#   facts: [interface_map.sections.data_types, interface_map.other_states]
deny_data_types contains result if some result in data.gate.lib.violations(
	"stage3.data_types", check_data_types,
	"The data-type conversions are missing or wrong",
)

check_not_rejected := data.gate.lib.check(data.gate.lib.not_rejected("stage3"))

# METADATA
# title: Nobody who may stop the stage rejected it
# description: >-
#   No role that may stop a stage signed a rejection of exactly this source and this evidence. What such a role asks
#   for in an approval becomes a condition.
# custom:
#   short_name: not_rejected
#   severity: CRITICAL
#   risk: The stage goes on against the decision of somebody who may stop it.
#   solution: Fix what the rejection names, then judge the stage again with the new evidence.
#   owner: risk_officer
#   controls: [gate:stage3]
#   facts: [signoffs.signoffs]
deny_not_rejected contains result if some result in data.gate.lib.violations(
	"stage3.not_rejected", check_not_rejected,
	"The stage was rejected",
)

condition_not_rejected contains condition if {
	some condition in data.gate.lib.signoff_conditions(
		"stage3.not_rejected",
		"stage3",
		data.gate.params.common.rejecting_roles,
	)
}
