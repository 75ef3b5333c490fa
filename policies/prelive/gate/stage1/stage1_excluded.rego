package gate.stage1

check_excluded_code := data.gate.lib.check([data.gate.lib.at_most(
	"excluded_share",
	input.facts.coverage.excluded_ppm,
	data.gate.params.stage1.excluded_share_max,
)])

# METADATA
# title: Little code is excluded from coverage
# description: >-
#   Only a small share of the statements is excluded from the coverage figure by comments (pragma no cover) or by patterns in
#   gate.yaml. The files are listed as warnings.
# custom:
#   short_name: excluded_code
#   severity: HIGH
#   risk: Coverage looks better than it is.
#   solution: Test the excluded code and take the comments and patterns away that exclude it.
#   owner: qa_lead
#   controls: [gate:stage1]
#   facts: [coverage.excluded_ppm]
deny_excluded_code contains result if some result in data.gate.lib.violations(
	"stage1.excluded_code", check_excluded_code,
	"Too much code is excluded from the coverage figure",
)

warn_excluded_code contains {"code": "stage1.excluded_code", "msg": msg} if {
	some file in input.facts.coverage.excluded
	msg := sprintf("%s excludes statements from the coverage figure: %v", [file.path, file.statements])
}
