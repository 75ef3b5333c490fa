package gate.build

# What the service promises to others, and whether messages keep to it.

check_contracts_valid := data.gate.lib.check([
	data.gate.lib.at_least("contracts", input.facts.contracts.total, data.gate.params.build.contracts_min),
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
#   risk: Consumers rely on a contract that says nothing, or cannot be checked.
#   solution: Fix the schemas at the places named; if there are no contracts, write them first.
#   owner: lead_developer
#   controls: [ASVS-4.0.3:13.2.2]
#   facts: [contracts.total, contracts.files]
deny_contracts_valid contains result if some result in data.gate.lib.violations(
	"build.contracts_valid", check_contracts_valid,
	"A contract is missing or is not valid",
)

check_messages_valid := data.gate.lib.check([
	data.gate.lib.at_least(
		"message_sets",
		count(input.facts.messages.sets),
		data.gate.params.build.message_sets_min,
	),
	data.gate.lib.none_of("empty_sets", empty_sets(
		input.facts.messages.sets,
		data.gate.params.build.messages_min.value,
	)),
	data.gate.lib.none_of("invalid_messages", invalid_messages(input.facts.messages.sets)),
])

# METADATA
# title: Messages keep to their contracts
# description: >-
#   Each set of recorded or sample messages that the settings name has some, and every one of them is valid against its
#   contract.
# custom:
#   short_name: messages_valid
#   severity: HIGH
#   risk: A consumer misreads or drops messages after the release.
#   solution: >-
#     Correct the service, or the contract that describes it, at the messages named; record messages of each set that
#     evidence.messages.sets names.
#   owner: lead_developer
#   controls: [ASVS-4.0.3:13.2.2]
#   facts: [messages.sets]
deny_messages_valid contains result if some result in data.gate.lib.violations(
	"build.messages_valid", check_messages_valid,
	"Messages break their contract, or there are none",
)

invalid_contracts(files) := {{"term": file.path, "text": sprintf("%s: %s", [file.path, problems]), "path": file.path} |
	some file in files
	file.valid != true
	problems := concat("; ", [sprintf("%s %s", [problem.pointer, problem.text]) | some problem in file.problems])
}

empty_sets(sets, least) := {{"term": name, "text": sprintf("%s: %v messages", [name, stated]), "path": kind.contract} |
	some name, kind in sets
	data.gate.lib.not_less(kind.records, least) == false
	stated := records_of(kind)
}

records_of(kind) := kind.records if {
	is_number(kind.records)
} else := "no"

invalid_messages(sets) := listed | cut if {
	listed := {{"term": term, "text": text, "path": found.file, "line": found.line} |
		some name, kind in sets
		some found in kind.offenders
		term := sprintf("%s %s:%v", [name, found.file, found.line])
		text := sprintf("%s:%v: %s %s", [found.file, found.line, found.pointer, found.message])
	}
	cut := {{"term": term, "text": text} |
		some name, kind in sets
		some more in data.gate.lib.not_listed(kind.offenders, kind.invalid)
		term := sprintf("%s %s", [name, more.term])
		text := sprintf("%s: %s", [name, more.text])
	}
}
