# METADATA
# title: Implementation
# description: The broker client does what the interface map specifies, is tested and reviewed.
# custom:
#   question: Is the broker client complete?
package gate.stage4

check_operations_implemented := data.gate.lib.check([data.gate.lib.none_of(
	"operations_not_implemented",
	operations_not_implemented(data.gate.params.stage4.operations.value),
)])

# METADATA
# title: Every broker operation is implemented
# description: >-
#   Each required operation has a body that does the work; a stub is not an implementation. What the logs of a
#   conformance run of the same sources prove outranks the source.
# custom:
#   short_name: operations_implemented
#   severity: CRITICAL
#   risk: The system cannot place, cancel or follow its orders.
#   solution: Implement the operations named in the handler or the execution client, or name the methods that do in evidence.source.names.
#   owner: lead_quant
#   controls: [gate:stage4]
#   facts:
#     - source.operations.connect
#     - source.operations.disconnect
#     - source.operations.account_info
#     - source.operations.positions
#     - source.operations.place_order
#     - source.operations.cancel_order
#     - source.operations.order_status
#     - source.operations.market_data
deny_operations_implemented contains result if some result in data.gate.lib.violations(
	"stage4.operations_implemented", check_operations_implemented,
	"A broker operation is not implemented",
)

operations_not_implemented(operations) := {{"term": operation, "text": sprintf("%s: %v", [operation, state])} |
	some operation in operations
	state := object.get(input.facts.source, ["operations", operation], null)
	state != data.gate.params.stage4.operation_state.value
	data.gate.stage4.operation_proven(operation) == false
}

check_no_stubs := data.gate.lib.check([
	data.gate.lib.at_least("source_files", input.facts.source.inspected, data.gate.params.stage4.source_files_min),
	data.gate.lib.none_of("stubs", stubs(input.facts.source)),
])

# METADATA
# title: The sources have no stubs
# description: >-
#   No function of the judged sources is a placeholder, no check always says yes, and no health check returns a
#   constant.
# custom:
#   short_name: no_stubs
#   severity: HIGH
#   risk: A call does nothing and reports success.
#   solution: Implement or delete the methods named; let health() report the state of the connection.
#   owner: lead_quant
#   controls: [gate:stage4]
#   facts: [source.inspected, source.stubs, source.stubs_total]
deny_no_stubs contains result if some result in data.gate.lib.violations(
	"stage4.no_stubs", check_no_stubs,
	"The sources have a stub",
)

stubs(source) := {{"term": term, "text": text, "path": stub.path, "line": stub.line} |
	some stub in source.stubs
	term := sprintf("%s:%s", [stub.path, stub.name])
	text := sprintf("%s:%v: %s %s", [stub.path, stub.line, stub.name, stub.reason])
} | data.gate.lib.not_listed(source.stubs, source.stubs_total)

check_sources_parse := data.gate.lib.check([
	data.gate.lib.at_least("source_files", input.facts.source.files, data.gate.params.stage4.source_files_min),
	data.gate.lib.none_of("parse_errors", parse_errors(input.facts.source.parse_errors)),
])

# METADATA
# title: The sources parse
# description: Every inspected source file is valid Python; a file that does not parse cannot be inspected.
# custom:
#   short_name: sources_parse
#   severity: HIGH
#   risk: Code that cannot be read cannot be judged, or run.
#   solution: Fix the syntax at the places named; run gate with the version of Python that the code is written for.
#   owner: lead_quant
#   controls: [gate:stage4]
#   facts: [source.files, source.parse_errors]
deny_sources_parse contains result if some result in data.gate.lib.violations(
	"stage4.sources_parse", check_sources_parse,
	"A source file does not parse",
)

parse_errors(found) := {{"term": error.path, "text": text, "path": error.path, "line": error.line} |
	some error in found
	text := sprintf("%s:%v: %s", [error.path, error.line, error.text])
}

check_order_types := data.gate.lib.check([
	data.gate.lib.at_least("source_files", input.facts.source.files, data.gate.params.stage4.source_files_min),
	data.gate.lib.none_of("forbidden_order_types", forbidden_order_types(input.facts.source.order_types)),
	data.gate.lib.none_of("order_types_of_contracts", order_types_of_contracts(input.facts.contracts.order_types)),
])

# METADATA
# title: Orders use the broker's order types
# description: >-
#   No source gives an order a type that the broker rejects or takes for another one, and no contract permits a message
#   to ask for one.
# custom:
#   short_name: order_types
#   severity: HIGH
#   risk: The broker rejects the orders, or executes them as others.
#   solution: Send MKT, LMT, STP or STP LMT; request the Adaptive algorithm with algoStrategy.
#   owner: lead_quant
#   controls: [gate:stage4]
#   facts: [source.files, source.order_types, contracts.order_types]
deny_order_types contains result if some result in data.gate.lib.violations(
	"stage4.order_types", check_order_types,
	"An order type is not the broker's",
)

forbidden_order_types(literals) := {{"term": term, "text": text, "path": literal.path, "line": literal.line} |
	some literal in literals
	data.gate.lib.upper_case(literal.value) in data.gate.params.stage4.forbidden_order_types.value
	term := sprintf("%s:%s", [literal.path, literal.value])
	text := sprintf("%s:%v: %s", [literal.path, literal.line, literal.value])
}

order_types_of_contracts(entries) := {{"term": term, "text": text, "path": entry.path} |
	some entry in entries
	some value in entry.values
	data.gate.lib.upper_case(value) in data.gate.params.stage4.forbidden_order_types.value
	term := sprintf("%s:%s", [entry.path, value])
	text := sprintf("%s %s permits %s", [entry.path, entry.pointer, value])
}

check_unit_tests_pass := data.gate.lib.check([
	data.gate.lib.at_least("tests", input.facts.tests.total, data.gate.params.stage4.tests_min),
	data.gate.lib.at_least("tests_passed", input.facts.tests.passed, data.gate.params.stage4.tests_passed_min),
	data.gate.lib.equals("tests_failed", input.facts.tests.failed, data.gate.params.stage4.tests_failed),
	data.gate.lib.equals("tests_errors", input.facts.tests.errors, data.gate.params.stage4.tests_errors),
])

# METADATA
# title: The unit tests pass
# description: >-
#   The run has tests, at least one passed, and none failed or ended in an error; a run that skipped everything shows
#   nothing.
# custom:
#   short_name: unit_tests_pass
#   severity: CRITICAL
#   risk: Known faults go live.
#   solution: Fix the failing tests or the code under test, then record the run as JUnit XML again.
#   owner: qa_lead
#   controls: [gate:stage4]
#   facts: [tests.total, tests.passed, tests.failed, tests.errors]
deny_unit_tests_pass contains result if some result in data.gate.lib.violations(
	"stage4.unit_tests_pass", check_unit_tests_pass,
	"The unit tests do not pass",
)

check_tests_fresh := data.gate.lib.check([
	data.gate.lib.at_least(
		"tests_age",
		data.gate.lib.age_s(input.facts.tests.latest_s),
		data.gate.params.stage4.tests_age_min,
	),
	data.gate.lib.at_most(
		"tests_age",
		data.gate.lib.age_s(input.facts.tests.observed_at_s),
		data.gate.params.stage4.tests_age_max,
	),
])

# METADATA
# title: The tests were run recently
# description: The test run is not older than allowed and not in the future.
# custom:
#   short_name: tests_fresh
#   severity: HIGH
#   risk: The results are of an older system than the one that goes live.
#   solution: Run the tests again and record the run as JUnit XML with its time and time zone.
#   owner: qa_lead
#   controls: [gate:stage4]
#   facts: [tests.observed_at_s, tests.latest_s]
deny_tests_fresh contains result if some result in data.gate.lib.violations(
	"stage4.tests_fresh", check_tests_fresh,
	"The tests were not run recently",
)

check_no_flaky_tests := data.gate.lib.check([data.gate.lib.at_most(
	"flaky_tests",
	input.facts.tests.flaky,
	data.gate.params.stage4.flaky_tests_max,
)])

# METADATA
# title: No test is flaky
# description: >-
#   No test both failed and passed, in retries of one run or across reports. Such tests are listed as warnings.
# custom:
#   short_name: no_flaky_tests
#   severity: MEDIUM
#   risk: A real failure is taken for a flaky one.
#   solution: Find out why the tests named fail intermittently, fix the code or the test, and run all tests again.
#   owner: qa_lead
#   controls: [gate:stage4]
#   facts: [tests.flaky]
deny_no_flaky_tests contains result if some result in data.gate.lib.violations(
	"stage4.no_flaky_tests", check_no_flaky_tests,
	"Tests both failed and passed",
)

warn_no_flaky_tests contains {"code": "stage4.no_flaky_tests", "msg": msg} if {
	some name in input.facts.tests.flaky_tests
	msg := sprintf("The test %s both failed and passed", [name])
}

check_evidence_current := data.gate.lib.check(data.gate.lib.current({
	"tests": input.facts.provenance.tests,
	"broker_conformance": input.facts.provenance.broker_conformance,
}))

# METADATA
# title: Test results and conformance run are not known to be stale or from other sources
# description: >-
#   The test results and the conformance run are as recent as the operator asks for, and not known to come from other
#   sources. If they do not state their sources, nothing is known about them.
# custom:
#   short_name: evidence_current
#   severity: HIGH
#   risk: The results may be of other code than the code that goes live.
#   solution: Run them again on the sources that are judged; after the tests, run `gate provenance` right away.
#   owner: qa_lead
#   controls: [gate:stage4]
#   facts: [provenance.tests.sources, provenance.broker_conformance.sources]
deny_evidence_current contains result if some result in data.gate.lib.violations(
	"stage4.evidence_current", check_evidence_current,
	"Evidence is not current",
)

check_review_approved := data.gate.lib.check(data.gate.lib.governance("stage4", data.gate.params.stage4.review_roles))

# METADATA
# title: The code review is approved
# description: >-
#   The required roles approved exactly this source and this evidence with valid keys. Nobody approved their own
#   change, and nobody who may stop the stage rejected it.
# custom:
#   short_name: review_approved
#   severity: HIGH
#   risk: Faults that a second person would see stay in.
#   solution: >-
#     Have the required roles review the broker client and sign (`gate signoff stage4 --role ROLE`); sign again after
#     every change.
#   owner: cto
#   controls: [gate:stage4]
#   facts: [signoffs.signoffs]
deny_review_approved contains result if some result in data.gate.lib.violations(
	"stage4.review_approved", check_review_approved,
	"The code review is not approved",
)

condition_review_approved contains condition if {
	some condition in data.gate.lib.signoff_conditions(
		"stage4.review_approved",
		"stage4",
		data.gate.params.stage4.review_roles,
	)
}
