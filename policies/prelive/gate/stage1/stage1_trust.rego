package gate.stage1

# What the judged change alters of what it is judged by.

check_trust_unaltered := data.gate.lib.check([
	data.gate.lib.none_of(
		"alterations_not_signed",
		alterations_not_signed(data.gate.params.common.alteration_roles.value),
	),
	data.gate.lib.none_of("rejections", data.gate.lib.rejections("trust", data.gate.params.common.alteration_roles.value)),
])

# METADATA
# title: Alterations of what judges are signed
# description: >-
#   Where the gate compares with a trust ref, whatever the change alters in settings, signers, roles, policies or
#   approved copies is named, and somebody entitled to it has signed exactly these alterations.
# custom:
#   short_name: trust_unaltered
#   severity: CRITICAL
#   risk: A change loosens the rules that it is judged by.
#   solution: >-
#     Take the alteration out of the change, or have somebody entitled to it sign exactly this:
#     `gate signoff trust --role ROLE --trust-ref REF`.
#   owner: risk_officer
#   controls: [gate:stage1]
#   facts: [signoffs.signoffs]
deny_trust_unaltered contains result if some result in data.gate.lib.violations(
	"stage1.trust_unaltered", check_trust_unaltered,
	"The change alters what it is judged by",
)

warn_trust_unaltered contains {"code": "stage1.trust_unaltered", "msg": msg} if {
	alterations_signed(data.gate.params.common.alteration_roles.value) == true
	some alteration in input.trust.alterations
	msg := sprintf("Accepted by sign-off: %s", [alteration.text])
}

alterations_not_signed(roles) := [] if {
	alterations_signed(roles) == true
} else := {{"term": alteration.name, "text": alteration.text} | some alteration in input.trust.alterations}

default alterations_signed(_) := false

alterations_signed(roles) if {
	some role in roles
	count(data.gate.lib.approvals("trust", role)) > 0
}
