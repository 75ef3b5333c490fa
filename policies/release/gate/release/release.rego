# METADATA
# title: Release
# description: The build has a final version, its evidence is current, and the release manager has signed it.
# custom:
#   question: May this build be released?
package gate.release

check_version_final := data.gate.lib.check([
	data.gate.lib.is_true("version_stated", stated(value_text("version"))),
	data.gate.lib.none_of("unfinished", unfinished(
		value_text("version"),
		data.gate.params.release.unfinished_version_marks.value,
	)),
	data.gate.lib.equals(
		"listed_version",
		value_text("listed_version"),
		{"value": value_text("version"), "unit": "text"},
	),
])

# METADATA
# title: The version is final, and the components are those of it
# description: >-
#   The version (`evidence.values.read.version`) is no alpha, beta, candidate, development or local one, and the list of
#   components states the same one (`listed_version`).
# custom:
#   short_name: version_final
#   severity: HIGH
#   risk: Nobody can tell which code runs, and the list of components describes another one.
#   solution: Set the version that is to be released, then make the list of components again.
#   owner: release_manager
#   controls: [SCVS-1.0:2.11]
#   facts: [values.version.text, values.listed_version.text]
deny_version_final contains result if some result in data.gate.lib.violations(
	"release.version_final", check_version_final,
	"The version cannot be released",
)

check_evidence_current := data.gate.lib.check(data.gate.lib.current({
	"components": input.facts.provenance.components,
	"coverage": input.facts.provenance.coverage,
	"scans": input.facts.provenance.scans,
	"tests": input.facts.provenance.tests,
}))

# METADATA
# title: The evidence is not known to be stale or from other sources
# description: >-
#   Coverage, tests, scans and components are as recent as the operator asks for, and not known to come from other
#   sources. Of evidence that does not state its sources, nothing is known about them.
# custom:
#   short_name: evidence_current
#   severity: HIGH
#   risk: The reports are about other code than the code that is released.
#   solution: Make the evidence again on the sources that are judged, then run `gate provenance` right away.
#   owner: release_manager
#   controls: [SSDF-1.1:PO.4.2]
#   facts:
#     - provenance.components.sources
#     - provenance.coverage.sources
#     - provenance.scans.sources
#     - provenance.tests.sources
deny_evidence_current contains result if some result in data.gate.lib.violations(
	"release.evidence_current", check_evidence_current,
	"The evidence is not current",
)

check_governance_signed := data.gate.lib.check(data.gate.lib.governance(
	"release",
	data.gate.params.release.required_roles,
))

# METADATA
# title: The release is signed by every required role
# description: >-
#   For each required role, someone who may act in it approved exactly this source and this evidence with a valid key.
#   Nobody signed in two roles or approved their own change, and nobody who may stop the release rejected it.
# custom:
#   short_name: governance_signed
#   severity: CRITICAL
#   risk: Nobody answers for the release, and one person alone can make it.
#   solution: >-
#     Have the release manager review the evidence and sign (`gate signoff release --role release_manager`); sign again
#     after every change of source or evidence.
#   owner: release_manager
#   controls: [NIST-800-53r5:CM-3, NIST-800-53r5:AC-5]
#   facts: [signoffs.signoffs]
deny_governance_signed contains result if some result in data.gate.lib.violations(
	"release.governance_signed", check_governance_signed,
	"The release is not approved",
)

condition_governance_signed contains condition if {
	some condition in data.gate.lib.signoff_conditions(
		"release.governance_signed",
		"release",
		data.gate.params.release.required_roles,
	)
}

# A value of the settings as text; null where it is not configured or was not measured.
value_text(name) := object.get(input.facts.values, [name, "text"], null)

default stated(_) := false

stated(text) if {
	is_string(text)
	text != ""
}

unfinished(version, marks) := {{"term": version, "text": sprintf("%s has %s", [version, mark])} |
	is_string(version)
	some mark in marks
	contains(data.gate.lib.lower_case(version), mark)
}
