package gate.stage8

# Who says by what is judged: never the judged change alone.

check_trust_anchored := data.gate.lib.check([
	data.gate.lib.at_least("anchors", count(input.trust.anchors), data.gate.params.stage8.trust_anchors_min),
	data.gate.lib.none_of(
		"settings_of_the_change",
		settings_of_the_change(data.gate.params.stage8.anchored_settings.value),
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
#   risk: Whoever writes the change also writes the rules that judge it.
#   solution: >-
#     Judge with --operator FILE, which the change cannot touch, or with --trust-ref naming the protected branch; see
#     `gate docs operator`.
#   owner: risk_officer
#   controls: [gate:stage8]
#   facts: []
deny_trust_anchored contains result if some result in data.gate.lib.violations(
	"stage8.trust_anchored", check_trust_anchored,
	"The change is judged by what it brings along itself",
)

settings_of_the_change(names) := {{"term": name, "text": text} |
	some name in names
	origin := object.get(input.trust.settings, name, "not known")
	some other in data.gate.lib.others(origin, data.gate.params.stage8.anchored_sources.value)
	text := sprintf("%s (%s)", [name, other])
}
