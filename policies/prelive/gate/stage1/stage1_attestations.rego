package gate.stage1

# What others have to attest: whose word counts, and what is required, is in the file that the setting `attesters` names.

check_attestations_required := data.gate.lib.check([
	data.gate.lib.at_least(
		"attestations_required",
		number_of(input.facts.attestations.required),
		data.gate.params.stage1.attestations_required_min,
	),
	data.gate.lib.none_of("not_attested", not_attested(input.facts.attestations.required)),
])

# METADATA
# title: Every required attestation is there
# description: >-
#   For each attestation that the settings require, there is one of that predicate type, validly signed by somebody who
#   may attest it, about the commit checked out or a file with exactly these bytes. Where settings require none, there
#   is nothing to demand, and the figure says so.
# custom:
#   short_name: attestations_required
#   severity: HIGH
#   risk: Nothing ties the build to its sources and its pipeline.
#   solution: >-
#     Have the attester named attest exactly this commit or file, and put the attestation where evidence.attestations
#     looks; see `gate docs collectors/attestations`.
#   owner: devops_lead
#   controls: [gate:stage1]
#   facts: [attestations.required]
deny_attestations_required contains result if some result in data.gate.lib.violations(
	"stage1.attestations_required", check_attestations_required,
	"A required attestation is not there",
)

# Null where the settings that require attestations cannot be read: then the figure does not hold.
default number_of(_) := null

number_of(required) := count(required) if {
	is_array(required)
}

# A row that cannot be told is none that is missing: the collector reports it as unknown.
default not_attested(_) := []

not_attested(required) := {{"term": term, "text": sprintf("%s: %s", [term, row.why_not])} |
	some row in required
	row.attested_by == []
	row.cannot_tell == null
	term := sprintf("%s of %s", [row.predicate_type, attested_name(row)])
} if {
	is_array(required)
}

attested_name(row) := row.subject if {
	row.target == null
} else := row.target
