package gate.release

# Who says by what is judged: never the judged change alone.

check_trust_anchored := data.gate.lib.check([
	data.gate.lib.at_least("anchors", count(input.trust.anchors), data.gate.params.release.trust_anchors_min),
	data.gate.lib.none_of(
		"settings_of_the_change",
		settings_of_the_change(data.gate.params.release.anchored_settings.value),
	),
])

# METADATA
# title: Policies and signers are out of the change's reach
# description: >-
#   An operator's file or a trust ref says by what is judged: policies, signers, roles and the like are not those that
#   the judged change brings along.
# custom:
#   short_name: trust_anchored
#   severity: CRITICAL
#   risk: A change loosens the rules that it is judged by.
#   solution: >-
#     Judge with --operator FILE, which the change cannot touch, or with --trust-ref naming the protected branch; see
#     `gate docs operator`.
#   owner: release_manager
#   controls: [NIST-800-53r5:CM-5]
#   facts: []
deny_trust_anchored contains result if some result in data.gate.lib.violations(
	"release.trust_anchored", check_trust_anchored,
	"The change is judged by what it brings along itself",
)

settings_of_the_change(names) := {{"term": name, "text": text} |
	some name in names
	origin := object.get(input.trust.settings, name, "not known")
	some other in data.gate.lib.others(origin, data.gate.params.release.anchored_sources.value)
	text := sprintf("%s (%s)", [name, other])
}

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
#   risk: A change that looks harmless takes a rule or a signer out of force.
#   solution: >-
#     Take the alteration out of the change, or have somebody entitled to it sign exactly this:
#     `gate signoff trust --role ROLE --trust-ref REF`.
#   owner: release_manager
#   controls: [NIST-800-53r5:CM-5]
#   facts: [signoffs.signoffs]
deny_trust_unaltered contains result if some result in data.gate.lib.violations(
	"release.trust_unaltered", check_trust_unaltered,
	"The change alters what it is judged by",
)

warn_trust_unaltered contains {"code": "release.trust_unaltered", "msg": msg} if {
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
