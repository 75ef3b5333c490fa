package gate.stage4

# Each file of the broker client by itself, and code that nobody judges.

check_client_operations := data.gate.lib.check([
	data.gate.lib.at_least("source_files", input.facts.source.files, data.gate.params.stage4.source_files_min),
	data.gate.lib.none_of("operations_missing_in_a_file", client_operations_missing(input.facts.source.clients)),
])

# METADATA
# title: Every order client has every order operation
# description: >-
#   A file of the broker client that implements most of the operations of an order's life implements all of them; what
#   another file implements does not make up for it.
# custom:
#   short_name: client_operations
#   severity: CRITICAL
#   risk: An order client sends what it cannot cancel.
#   solution: Implement the operation named in the file named.
#   owner: lead_quant
#   controls: [gate:stage4]
#   facts: [source.files, source.clients]
deny_client_operations contains result if some result in data.gate.lib.violations(
	"stage4.client_operations", check_client_operations,
	"An order client lacks an operation",
)

client_operations_missing(clients) := {{"term": term, "text": text, "path": client.path, "line": line} |
	some client in clients
	count(operations_present(client)) >= data.gate.params.stage4.client_operations_min.value
	some name in data.gate.params.stage4.client_operations.value
	client.operations[name] != data.gate.params.stage4.operation_state.value
	term := sprintf("%s:%s", [client.path, name])
	line := operation_line(client, name)
	text := sprintf("%s %s: %s", [place_of(client.path, line), name, client.operations[name]])
}

# 0 where the operation is absent.
operation_line(client, name) := line if {
	line := client.lines[name]
	line != null
} else := 0

place_of(path, line) := sprintf("%s:%v", [path, line]) if {
	line > 0
} else := path

operations_present(client) := {name |
	some name in data.gate.params.stage4.client_operations.value
	client.operations[name] != "absent"
}

check_sources_listed := data.gate.lib.check([
	data.gate.lib.none_of("python_files_not_listed", python_files_not_listed(input.facts.source)),
	data.gate.lib.at_most(
		"python_files_left_out",
		input.facts.source.left_out_total,
		data.gate.params.stage4.python_files_left_out_max,
	),
])

# METADATA
# title: All code is judged, or left out by name
# description: Each Python file of the workspace is judged, is a test, or is in a list of what is left out.
# custom:
#   short_name: sources_listed
#   severity: HIGH
#   risk: Code goes live that nobody judged.
#   solution: Add the files to subject.sources, or name them in subject.exclude or evidence.source.left_out.
#   owner: lead_quant
#   controls: [gate:stage4]
#   facts: [source.unlisted, source.unlisted_total, source.left_out_total]
deny_sources_listed contains result if some result in data.gate.lib.violations(
	"stage4.sources_listed", check_sources_listed,
	"Code is not judged",
)

python_files_not_listed(source) := {{"term": path, "text": path, "path": path} |
	some path in source.unlisted
} | data.gate.lib.not_listed(source.unlisted, source.unlisted_total)
