# METADATA
# title: Account probe
# description: The account to be traded is the paper account it is taken for, with known limits and permissions.
# custom:
#   question: Is the paper account what we think it is?
package gate.stage6

check_metadata_retrieved := data.gate.lib.check([data.gate.lib.none(
	"metadata_missing",
	metadata_missing(data.gate.params.stage6.metadata.value),
)])

# METADATA
# title: The account's figures were retrieved
# description: The account's type, value, cash, buying power and margin are known.
# custom:
#   short_name: metadata_retrieved
#   severity: HIGH
#   risk: Limits are set for an account that nobody looked at.
#   solution: Probe the account again and record the figures named.
#   owner: devops_lead
#   controls: [gate:stage6]
#   facts:
#     - account.account_type
#     - account.nav_cents
#     - account.cash_cents
#     - account.buying_power_cents
#     - account.maintenance_margin_cents
#     - account.equity_with_loan_cents
#     - account.margin_cushion_ppm
deny_metadata_retrieved contains result if some result in data.gate.lib.violations(
	"stage6.metadata_retrieved", check_metadata_retrieved,
	"A figure of the account is not known",
)

metadata_missing(names) := {name |
	some name in names
	object.get(input.facts.account, name, null) == null
}

check_account_consistent := data.gate.lib.check([data.gate.lib.none_of(
	"contradictions",
	{{"term": one.place, "text": sprintf("%s %s", [one.place, one.text])} |
		some one in input.facts.account.contradictions
	},
)])

# METADATA
# title: The account's figures do not contradict each other
# description: >-
#   The net liquidation value is that of cash and positions where all are stated, margin is covered where buying power
#   is left, and nothing may be held that is not permitted.
# custom:
#   short_name: account_consistent
#   severity: HIGH
#   risk: The record was edited or invented.
#   solution: Probe the account again and record its figures as the broker states them.
#   owner: devops_lead
#   controls: [gate:stage6]
#   facts: [account.file, account.contradictions]
deny_account_consistent contains result if some result in data.gate.lib.violations(
	"stage6.account_consistent", check_account_consistent,
	"The account's record contradicts itself",
)

check_connected := data.gate.lib.check([
	data.gate.lib.is_true("connected", input.facts.account.connected),
	data.gate.lib.is_true("read_only", input.facts.account.read_only),
])

# METADATA
# title: The probe was connected and could not trade
# description: The figures come from a session that was connected to the broker, read-only.
# custom:
#   short_name: connected
#   severity: CRITICAL
#   risk: The figures are made up, or the probe itself can trade.
#   solution: Connect to the paper account with the read-only setting of the API and probe it again.
#   owner: devops_lead
#   controls: [gate:stage6]
#   facts: [account.connected, account.read_only]
deny_connected contains result if some result in data.gate.lib.violations(
	"stage6.connected", check_connected,
	"The probe was not a connected, read-only session",
)

check_account_is_paper := data.gate.lib.check([
	data.gate.lib.equals("account_type", input.facts.account.account_type, data.gate.params.stage6.account_type),
	data.gate.lib.one_of(
		"account_prefix_not_allowed",
		input.facts.account.prefix,
		data.gate.params.stage6.account_prefixes,
	),
	data.gate.lib.is_false("simulated", input.facts.account.simulated),
	data.gate.lib.is_true("pinned", input.facts.account.pinned),
])

# METADATA
# title: The account is the pinned paper account
# description: >-
#   The account reports that it is a paper account, its id has a paper prefix and equals the pinned one, and it is not
#   a simulator's.
# custom:
#   short_name: account_is_paper
#   severity: CRITICAL
#   risk: The paper session trades with real money.
#   solution: Stop trading; probe the right account and pin its id in the configuration.
#   owner: risk_officer
#   controls: [gate:stage6]
#   facts: [account.account_type, account.prefix, account.simulated, account.pinned]
deny_account_is_paper contains result if some result in data.gate.lib.violations(
	"stage6.account_is_paper", check_account_is_paper,
	"The account is not the pinned paper account",
)

check_paper_port := data.gate.lib.check([
	data.gate.lib.none_of("live_port", live_port(input.facts.account.port)),
	data.gate.lib.one_of("port_not_allowed", input.facts.account.port, data.gate.params.stage6.paper_ports),
])

# METADATA
# title: The connection goes to a paper port
# description: The port is one of the paper ports. A live port is refused even if it is listed as a paper port.
# custom:
#   short_name: paper_port
#   severity: CRITICAL
#   risk: The paper session trades with real money.
#   solution: Stop trading; connect to the paper port of TWS or of the Gateway and probe again.
#   owner: risk_officer
#   controls: [gate:stage6]
#   facts: [account.port]
deny_paper_port contains result if some result in data.gate.lib.violations(
	"stage6.paper_port", check_paper_port,
	"The port is not a paper port",
)

live_port(port) := {{"term": term, "text": sprintf("%s (%s)", [term, kind])} |
	some term, kind in data.gate.params.stage6.live_ports.value
	term == sprintf("%v", [port])
}

check_permissions_match := data.gate.lib.check([
	data.gate.lib.at_least(
		"expected_permissions",
		count(data.gate.params.stage6.permissions.value),
		data.gate.params.stage6.permissions_min,
	),
	data.gate.lib.none_of(
		"permission_mismatches",
		unless_accepted(permission_mismatches(input.facts.account.permissions)),
	),
])

# METADATA
# title: The account's permissions are the expected ones
# description: >-
#   Each expected permission is as expected, and nothing else is granted. An unknown permission is a mismatch. If the
#   risk officer signs this stage, a mismatch becomes a condition.
# custom:
#   short_name: permissions_match
#   severity: CRITICAL
#   risk: The account may trade what it must not, or not what it must.
#   solution: >-
#     Have the broker correct the permissions, or have the risk officer review the mismatch and sign this stage
#     (`gate signoff stage6 --role risk_officer`).
#   owner: risk_officer
#   controls: [gate:stage6]
#   facts: [account.file, account.permissions, signoffs.signoffs]
deny_permissions_match contains result if some result in data.gate.lib.violations(
	"stage6.permissions_match", check_permissions_match,
	"A permission of the account is not the expected one",
)

condition_permissions_match contains condition if {
	data.gate.lib.accepted("stage6", data.gate.params.stage6.halt_roles) == true
	some mismatch in permission_mismatches(input.facts.account.permissions)
	condition := {
		"code": "stage6.permissions_match",
		"msg": sprintf("Permission mismatch accepted by sign-off, to be corrected: %s", [mismatch.text]),
		"owner": "risk_officer",
		"due": null,
	}
}

permission_mismatches(found) := {{"term": name, "text": text} |
	expected := data.gate.params.stage6.permissions.value
	some name in (object.keys(expected) | object.keys(found))
	wanted := object.get(expected, name, data.gate.params.stage6.permission_absent.value)
	state := object.get(found, name, data.gate.params.stage6.permission_unknown.value)
	state != wanted
	text := sprintf("%s: %v, expected %s", [name, state, wanted])
}

# Findings that nobody has accepted by a signature.
unless_accepted(findings) := [] if {
	data.gate.lib.accepted("stage6", data.gate.params.stage6.halt_roles) == true
} else := findings

check_buying_power := data.gate.lib.check([buying_power(input.facts.account.buying_power_cents)])

# METADATA
# title: The account has buying power
# description: >-
#   Buying power is above zero. If the risk officer signs this stage, zero becomes a condition; a negative value is
#   never accepted.
# custom:
#   short_name: buying_power
#   severity: CRITICAL
#   risk: Every order is rejected.
#   solution: >-
#     Fund or reset the paper account, or have the risk officer review the figure and sign this stage
#     (`gate signoff stage6 --role risk_officer`).
#   owner: risk_officer
#   controls: [gate:stage6]
#   facts: [account.buying_power_cents, signoffs.signoffs]
deny_buying_power contains result if some result in data.gate.lib.violations(
	"stage6.buying_power", check_buying_power,
	"The account has no buying power",
)

condition_buying_power contains condition if {
	data.gate.lib.accepted("stage6", data.gate.params.stage6.halt_roles) == true
	input.facts.account.buying_power_cents == data.gate.params.stage6.buying_power_min.value
	condition := {
		"code": "stage6.buying_power",
		"msg": "Zero buying power accepted by sign-off, to be restored",
		"owner": "risk_officer",
		"due": null,
	}
}

buying_power(cents) := data.gate.lib.at_least("buying_power", cents, data.gate.params.stage6.buying_power_min) if {
	data.gate.lib.accepted("stage6", data.gate.params.stage6.halt_roles) == true
} else := data.gate.lib.above("buying_power", cents, data.gate.params.stage6.buying_power_min)

check_limits_within_caps := data.gate.lib.check(array.concat(
	array.concat([data.gate.lib.none_of("positions_beyond", positions_beyond(input.facts.account))], data.gate.lib.between(
		"max_order_size",
		input.facts.account.limits.max_order_size,
		data.gate.params.stage6.order_size_min,
		data.gate.params.stage6.order_size_max,
	)),
	data.gate.lib.between(
		"max_position_value",
		input.facts.account.limits.max_position_value_cents,
		data.gate.params.stage6.position_value_min,
		data.gate.params.stage6.position_value_max,
	),
))

# METADATA
# title: The account's limits are within the caps
# description: >-
#   The account's largest order and largest position are limited, each within its cap, and no position that it has is
#   above its own limit.
# custom:
#   short_name: limits_within_caps
#   severity: HIGH
#   risk: One order can lose more than was agreed.
#   solution: Set the account's limits to the caps or below; a limit of zero is no limit.
#   owner: risk_officer
#   controls: [gate:stage6]
#   facts: [account.limits.max_order_size, account.limits.max_position_value_cents]
#   optional_facts: [account.file, account.largest_position]
deny_limits_within_caps contains result if some result in data.gate.lib.violations(
	"stage6.limits_within_caps", check_limits_within_caps,
	"A limit of the account is outside its cap",
)

positions_beyond(account) := {{"term": account.largest_position.place, "text": text, "path": account.file} |
	data.gate.lib.greater(account.largest_position.cents, account.limits.max_position_value_cents) == true
	text := sprintf("%s of %s is worth %v cents, the account's limit is %v", [
		account.largest_position.place,
		account.file,
		account.largest_position.cents,
		account.limits.max_position_value_cents,
	])
}

check_account_fresh := data.gate.lib.check(data.gate.lib.between(
	"account_age",
	data.gate.lib.age_s(input.facts.account.observed_at_s),
	data.gate.params.stage6.account_age_min,
	data.gate.params.stage6.account_age_max,
))

# METADATA
# title: The account was probed recently
# description: The probe is not older than allowed and not in the future.
# custom:
#   short_name: account_fresh
#   severity: HIGH
#   risk: The account is no longer what the probe saw.
#   solution: Probe the account again.
#   owner: devops_lead
#   controls: [gate:stage6]
#   facts: [account.observed_at_s]
deny_account_fresh contains result if some result in data.gate.lib.violations(
	"stage6.account_fresh", check_account_fresh,
	"The account was not probed recently",
)

check_evidence_current := data.gate.lib.check(data.gate.lib.current({"account": input.facts.provenance.account}))

# METADATA
# title: The probe is not known to be stale or from other sources
# description: >-
#   The probe of the account is as recent as the operator asks for, and not known to come from other sources. If it
#   does not state its sources, nothing is known about them.
# custom:
#   short_name: evidence_current
#   severity: HIGH
#   risk: The probe may be of another system or account.
#   solution: Probe the account again, then run `gate provenance` right away.
#   owner: devops_lead
#   controls: [gate:stage6]
#   facts: [provenance.account.sources]
deny_evidence_current contains result if some result in data.gate.lib.violations(
	"stage6.evidence_current", check_evidence_current,
	"The probe of the account is not current",
)

check_not_rejected := data.gate.lib.check(data.gate.lib.not_rejected("stage6"))

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
#   controls: [gate:stage6]
#   facts: [signoffs.signoffs]
deny_not_rejected contains result if some result in data.gate.lib.violations(
	"stage6.not_rejected", check_not_rejected,
	"The stage was rejected",
)

condition_not_rejected contains condition if {
	some condition in data.gate.lib.signoff_conditions(
		"stage6.not_rejected",
		"stage6",
		data.gate.params.stage6.halt_roles,
	)
}
