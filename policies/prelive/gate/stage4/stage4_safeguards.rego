package gate.stage4

# The protections that a broker client has to have, as far as its source shows them.

check_safeguards := data.gate.lib.check([
	data.gate.lib.at_least("source_files", input.facts.source.files, data.gate.params.stage4.source_files_min),
	data.gate.lib.none_of(
		"safeguards_missing",
		safeguards_missing(data.gate.params.stage4.safeguards.value),
	),
	data.gate.lib.none_of(
		"error_codes_not_handled",
		codes_not_handled(object.get(input.facts.source, ["safeguards", "error_handling", "codes_handled"], [])),
	),
	data.gate.lib.none_of(
		"too_many_reconnection_tries",
		too_many_tries(data.gate.params.stage4.reconnection_tries_max),
	),
])

# METADATA
# title: The broker client paces, reconnects and handles errors
# description: >-
#   The client limits its message rate and reconnects after losing the connection, both in code that is in use, and
#   branches on every error code it must handle. It tries to reconnect at most so often. A rate that a
#   package's limiter states is below the broker's limit; rates of others are measured on the wire. If no error code can be read from it,
#   that cannot be told; an error that is silently dropped is a warning. What the logs of a conformance run of the same
#   sources prove outranks the source.
# custom:
#   short_name: safeguards
#   severity: HIGH
#   risk: A lost connection or a burst of messages leaves orders without control.
#   solution: Add the safeguards and error codes named to the broker client, with tests.
#   owner: lead_quant
#   controls: [gate:stage4]
#   facts:
#     - source.files
#     - source.safeguards.pacing_limiter
#     - source.safeguards.reconnection
#     - source.safeguards.error_handling
deny_safeguards contains result if some result in data.gate.lib.violations(
	"stage4.safeguards", check_safeguards,
	"The broker client lacks a safeguard",
)

warn_safeguards contains {"code": "stage4.safeguards", "msg": msg} if {
	some place in object.get(input.facts.source, ["safeguards", "error_handling", "swallowed"], [])
	msg := sprintf("Every error is silently dropped in %s:%v", [place.path, place.line])
}

too_many_tries(most) := {{"term": term, "text": text, "path": place.path, "line": place.line} |
	some place in object.get(input.facts.source, ["safeguards", "reconnection", "evidence"], [])
	tries := object.get(place, "tries", null)
	data.gate.lib.greater(tries, most.value) == true
	term := sprintf("%s:%v", [place.path, tries])
	text := sprintf("%s:%v: tries %v times, at most %v are agreed", [place.path, place.line, tries, most.value])
}

safeguards_missing(names) := {{"term": name, "text": sprintf("%s: %v", [name, state])} |
	some name in names
	state := object.get(input.facts.source, ["safeguards", name, "state"], null)
	state != data.gate.params.stage4.safeguard_state.value
	data.gate.stage4.safeguard_proven(name) == false
}

# Nothing where no code is known: then there is no handler, which is found above, or it cannot be told.
codes_not_handled(codes) := {{"term": term, "text": term} |
	count(codes) > 0
	handled := {code | some code in codes}
	some wanted in data.gate.params.stage4.handled_error_codes.value
	some missing in data.gate.lib.others(wanted, handled)
	term := sprintf("%v", [missing])
}

check_paper_only := data.gate.lib.check([
	data.gate.lib.at_least("source_files", input.facts.source.files, data.gate.params.stage4.source_files_min),
	data.gate.lib.none_of("checks_missing", safeguards_missing(data.gate.params.stage4.paper_checks.value)),
])

# METADATA
# title: Connecting refuses live trading
# description: On the way of connecting, the client refuses an account and a port that are not for paper trading.
# custom:
#   short_name: paper_only
#   severity: CRITICAL
#   risk: A test run trades with real money.
#   solution: >-
#     Refuse every managed account whose id does not begin with DU, and every port but 7497 and 4002, where the client
#     connects.
#   owner: risk_officer
#   controls: [gate:stage4]
#   facts: [source.files, source.safeguards.account_check, source.safeguards.port_check]
deny_paper_only contains result if some result in data.gate.lib.violations(
	"stage4.paper_only", check_paper_only,
	"Live trading is not refused",
)
