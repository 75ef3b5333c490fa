# METADATA
# title: Which sign-offs count
# description: Every sign-off with what keeps it from counting, for `gate signoff list`; no stage depends on it.
package gate.signoffs

status contains {"path": signoff.path, "reasons": reasons(signoff)} if {
	some signoff in input.facts.signoffs.signoffs
}

# A rejection that is heeded needs no reason.
reasons(signoff) := [] if {
	signoff.verdict == "reject"
	signoff in data.gate.lib.genuine(signoff.stage, signoff.role)
} else := data.gate.lib.refusals(signoff)
