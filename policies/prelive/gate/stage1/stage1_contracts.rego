package gate.stage1

# The contracts: each valid, the order contracts complete, none changed in a way that breaks those who use it.

check_contracts_valid := data.gate.lib.check([
	data.gate.lib.at_least("contracts", input.facts.contracts.total, data.gate.params.stage1.contracts_min),
	data.gate.lib.none_of("invalid_contracts", invalid_contracts(input.facts.contracts.files)),
])

# METADATA
# title: Every contract is a valid JSON Schema
# description: >-
#   Each contract is valid for its declared draft, its references resolve, it constrains something, and its own
#   examples match it.
# custom:
#   short_name: contracts_valid
#   severity: HIGH
#   risk: Messages that nobody can process are accepted.
#   solution: Fix the schemas at the places named; if there are no contracts, write them first.
#   owner: qa_lead
#   controls: [gate:stage1]
#   facts: [contracts.total, contracts.files]
deny_contracts_valid contains result if some result in data.gate.lib.violations(
	"stage1.contracts_valid", check_contracts_valid,
	"A contract is missing or is not valid",
)

invalid_contracts(files) := {{"term": file.path, "text": sprintf("%s: %s", [file.path, problems]), "path": file.path} |
	some file in files
	file.valid != true
	problems := concat("; ", [sprintf("%s %s", [problem.pointer, problem.text]) | some problem in file.problems])
}

check_contract_fields := data.gate.lib.check([
	data.gate.lib.equals(
		"order_intent_files",
		count(contract_files("order_intent")),
		data.gate.params.stage1.contract_files_per_id,
	),
	data.gate.lib.at_least(
		"order_intent_fields",
		contract("order_intent").fields,
		data.gate.params.stage1.order_intent_fields_min,
	),
	data.gate.lib.contains_all(
		"order_intent_required",
		contract("order_intent").required,
		data.gate.params.stage1.order_intent_required,
	),
	data.gate.lib.contains_all(
		"order_intent_properties",
		contract("order_intent").properties,
		data.gate.params.stage1.order_intent_properties,
	),
	data.gate.lib.none_of("order_intent_open", open_fields(
		object.get(contract("order_intent"), "open", []),
		array.concat(
			data.gate.params.stage1.order_intent_required.value,
			data.gate.params.stage1.order_intent_properties.value,
		),
	)),
	data.gate.lib.equals(
		"execution_report_files",
		count(contract_files("execution_report")),
		data.gate.params.stage1.contract_files_per_id,
	),
	data.gate.lib.at_least(
		"execution_report_fields",
		contract("execution_report").fields,
		data.gate.params.stage1.execution_report_fields_min,
	),
	data.gate.lib.contains_all(
		"execution_report_states",
		object.get(contract("execution_report").enums, data.gate.params.stage1.execution_report_state_property.value, []),
		data.gate.params.stage1.execution_report_states,
	),
	data.gate.lib.contains_all(
		"execution_report_properties",
		contract("execution_report").properties,
		data.gate.params.stage1.execution_report_properties,
	),
	data.gate.lib.none_of("execution_report_open", open_fields(
		object.get(contract("execution_report"), "open", []),
		data.gate.params.stage1.execution_report_properties.value,
	)),
])

# METADATA
# title: The order contracts carry what trading needs
# description: >-
#   The order intent has its identity, risk checks and execution limits; the execution report has the eight order
#   states and the latency and cost breakdown, and says what each of these may be. Each of the two contracts exists exactly once.
# custom:
#   short_name: contract_fields
#   severity: HIGH
#   risk: Orders are sent without the limits that hold them back.
#   solution: Add the missing fields, states or names to contracts/order_intent and contracts/execution_report.
#   owner: lead_quant
#   controls: [gate:stage1]
#   facts: [contracts.files]
deny_contract_fields contains result if some result in data.gate.lib.violations(
	"stage1.contract_fields", check_contract_fields,
	"An order contract lacks what trading needs",
)

open_fields(names, needed) := {{"term": name, "text": sprintf("%s can be anything", [name])} |
	some name in needed
	some open in names
	open == name
}

contract_files(id) := [file |
	some file in input.facts.contracts.files
	file.id == id
]

# The one contract with this id; one with no fields where there is none or more than one.
contract(id) := file if {
	files := contract_files(id)
	count(files) == data.gate.params.stage1.contract_files_per_id.value
	some file in files
} else := {"fields": null, "required": [], "properties": [], "open": [], "enums": {}}

check_contracts_compatible := data.gate.lib.check([
	data.gate.lib.none_of(
		"approved_version_missing",
		data.gate.lib.baseline_missing(input.facts.contracts.compatibility),
	),
	data.gate.lib.none_of("contracts_compared", too_few_compared(input.facts.contracts)),
	data.gate.lib.none_of("breaking_changes", breaking_changes(input.facts.contracts.compatibility)),
])

# METADATA
# title: No contract change breaks its users
# description: >-
#   Since the approved version, no contract changed in a way that breaks producers or consumers of the data, or whose
#   effect cannot be told, unless its major version was raised; and the approved version has contracts to compare with.
#   Without an approved version this cannot be told.
# custom:
#   short_name: contracts_compatible
#   severity: HIGH
#   risk: A consumer misreads or drops messages after the release.
#   solution: >-
#     Undo the change, raise the major version that the contract states, or get a waiver for the break. Review a change
#     whose effect cannot be told first. If too few contracts were compared, name an approved version that has them at
#     the same paths.
#   owner: lead_quant
#   controls: [gate:stage1]
#   facts: [contracts.files, contracts.total]
#   optional_facts: [contracts.compatibility]
deny_contracts_compatible contains result if some result in data.gate.lib.violations(
	"stage1.contracts_compatible", check_contracts_compatible,
	"The contracts are not shown to be compatible",
)

# An approved version that has none of the contracts, as one that is too old or lies elsewhere, proves nothing.
too_few_compared(contracts) := {{"term": "approved version", "text": text} |
	contracts.compatibility != null
	contracts.total != 0
	least := data.gate.params.stage1.contracts_compared_min.value
	data.gate.lib.at_least("compared", contracts.compatibility.compared, {"value": least, "unit": "files"}).holds == false
	text := sprintf(
		"%v of %v contracts were compared with the approved version, at least %v must be",
		[contracts.compatibility.compared, contracts.total, least],
	)
}

breaking_changes(compatibility) := [] if {
	compatibility == null
} else := {{"term": file.path, "text": text, "path": file.path} |
	some file in compatibility.files
	file.major_changed != true
	counted := counted_breaks(data.gate.params.stage1)
	found := break_figures(file, counted)
	count(found) > 0
	text := sprintf("%s: %s", [file.path, concat("; ", array.concat(found, break_texts(file.breaks, counted)))])
}

# The kinds of break that count. One of which nobody can tell whether it breaks anything always does.
counted_breaks(params) := {sprintf("breaks_%s", [direction]) | some direction in params.breaking_directions.value} | {"undecided"}

# How many of each kind a file has; a kind that the facts do not know is never taken for none.
break_figures(file, counted) := sort({sprintf("%s: %v", [kind, amount]) |
	some kind in counted
	amount := object.get(file, kind, null)
	amount != 0
})

break_texts(changes, counted) := [trim_space(sprintf("%s %s%s", [change.pointer, change.text, advice(change)])) |
	some change in changes
	kinds := break_kinds(change)
	count(kinds & counted) > 0
]

advice(change) := " (review it, then raise the major version or waive this rule)" if {
	change.kind == "undecided"
} else := ""

break_kinds(change) := {"undecided"} if {
	change.kind == "undecided"
} else := {"breaks_producers", "breaks_consumers"} if {
	change.breaks == "both"
} else := {sprintf("breaks_%s", [change.breaks])}
