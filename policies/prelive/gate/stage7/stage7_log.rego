package gate.stage7

# The log of the session: possible in itself, of the right account, paced, and not called a failure by its own figures.

check_log_consistent := data.gate.lib.check([data.gate.lib.none_of(
	"contradictions",
	contradictions(input.facts.paper.contradictions, input.facts.paper.contradictions_total),
)])

# METADATA
# title: The log describes a session that can have happened
# description: >-
#   Times run forwards inside the session, prices are positive and keep to their limits, orders are filled as
#   ordered, and rejected orders have no fill.
# custom:
#   short_name: log_consistent
#   severity: CRITICAL
#   risk: The session was edited or invented.
#   solution: Correct the program that writes the log, and run the session again.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [paper.contradictions, paper.contradictions_total]
deny_log_consistent contains result if some result in data.gate.lib.violations(
	"stage7.log_consistent", check_log_consistent,
	"The log contradicts itself",
)

contradictions(found, total) := listed | more if {
	listed := {{"term": one.place, "text": sprintf("%s %s", [one.place, one.text])} | some one in found}
	more := data.gate.lib.not_listed(found, total)
}

check_message_rate := data.gate.lib.check([data.gate.lib.below(
	"busiest_second",
	input.facts.paper.busiest_second,
	data.gate.params.stage7.messages_per_second,
)])

# METADATA
# title: The session stayed below the broker's message rate
# description: In no second were as many orders submitted as the broker takes for too many.
# custom:
#   short_name: message_rate
#   severity: CRITICAL
#   risk: The broker throttles or cuts the connection while orders are open.
#   solution: Space the messages evenly below the limit, and run the session again.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [paper.busiest_second]
deny_message_rate contains result if some result in data.gate.lib.violations(
	"stage7.message_rate", check_message_rate,
	"Too many orders were submitted in one second",
)

check_same_account := data.gate.lib.check([data.gate.lib.is_true(
	"same_account",
	input.facts.paper.same_account,
)])

# METADATA
# title: The session ran on the account that was probed
# description: The log names the account of the account's record.
# custom:
#   short_name: same_account
#   severity: CRITICAL
#   risk: The session says nothing about the account that was probed.
#   solution: Run the session on the paper account that is recorded and pinned.
#   owner: risk_officer
#   controls: [gate:stage7]
#   facts: [paper.same_account]
deny_same_account contains result if some result in data.gate.lib.violations(
	"stage7.same_account", check_same_account,
	"The session ran on another account",
)

check_claimed_statuses := data.gate.lib.check([data.gate.lib.none_of(
	"statuses",
	statuses_refused(input.facts.paper.claimed_statuses, data.gate.params.stage7.claimed_statuses.value),
)])

# METADATA
# title: The metrics file calls nothing a failure
# description: Every status that the metrics file states beside a figure is an accepted one.
# custom:
#   short_name: claimed_statuses
#   severity: HIGH
#   risk: A failure that the session itself states is passed over.
#   solution: Find out why the metrics file states another status, and write it from the log again.
#   owner: lead_trader
#   controls: [gate:stage7]
#   facts: [paper.metrics_file, paper.claimed_statuses]
deny_claimed_statuses contains result if some result in data.gate.lib.violations(
	"stage7.claimed_statuses", check_claimed_statuses,
	"The metrics file states a status that is not accepted",
)

statuses_refused(stated, accepted) := {{"term": one.metric, "text": sprintf("%s: %s", [one.metric, refused])} |
	some one in stated
	some refused in data.gate.lib.others(data.gate.lib.upper_case(one.status), accepted)
}
