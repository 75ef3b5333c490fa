package gate.stage7

# The session: recent, of what is judged, and on a paper account of the broker.

check_paper_fresh := data.gate.lib.check(data.gate.lib.between(
	"paper_age",
	data.gate.lib.age_s(input.facts.paper.observed_at_s),
	data.gate.params.stage7.paper_age_min,
	data.gate.params.stage7.paper_age_max,
))

# METADATA
# title: The session is recent
# description: The session ended no longer ago than allowed, and not in the future.
# custom:
#   short_name: paper_fresh
#   severity: HIGH
#   risk: The session is of an older system or market.
#   solution: Run a new session.
#   owner: lead_trader
#   controls: [gate:stage7]
#   facts: [paper.observed_at_s]
deny_paper_fresh contains result if some result in data.gate.lib.violations(
	"stage7.paper_fresh", check_paper_fresh,
	"The session is not recent",
)

check_evidence_current := data.gate.lib.check(data.gate.lib.current({"paper": input.facts.provenance.paper}))

# METADATA
# title: The session is not known to be stale or from other sources
# description: >-
#   The session is as recent as the operator asks for, and not known to come from other sources. If it does not state
#   its sources, nothing is known about them.
# custom:
#   short_name: evidence_current
#   severity: HIGH
#   risk: The session may be of another system.
#   solution: Run the session again with the sources that are judged, then run `gate provenance` right away.
#   owner: lead_trader
#   controls: [gate:stage7]
#   facts: [provenance.paper.sources]
deny_evidence_current contains result if some result in data.gate.lib.violations(
	"stage7.evidence_current", check_evidence_current,
	"The session is not current",
)

check_account_not_simulated := data.gate.lib.check([
	data.gate.lib.is_false("simulated", input.facts.account.simulated),
	data.gate.lib.none("session_account", session_account(input.facts.paper)),
])

# METADATA
# title: The session ran on a paper account of the broker
# description: >-
#   The probed account is not simulated. If the log names its account, that one is not simulated either and has a paper
#   prefix. A log that says it holds sample data is a warning.
# custom:
#   short_name: account_not_simulated
#   severity: CRITICAL
#   risk: A simulator fills orders as no market does.
#   solution: Run the session on the paper account of the broker.
#   owner: risk_officer
#   controls: [gate:stage7]
#   facts: [account.simulated]
deny_account_not_simulated contains result if some result in data.gate.lib.violations(
	"stage7.account_not_simulated", check_account_not_simulated,
	"The session did not run on a paper account of the broker",
)

# What is wrong with the account that the log names; nothing where it names none.
session_account(paper) := {"simulated" | paper.simulated == true} | {paper.account_prefix |
	is_string(paper.account_prefix)
	count(data.gate.lib.others(paper.account_prefix, data.gate.params.stage6.account_prefixes.value)) > 0
}

warn_account_not_simulated contains {
	"code": "stage7.account_not_simulated",
	"msg": "The paper log says that it holds sample data, not a session that was traded",
} if {
	input.facts.paper.labelled_sample == true
}
