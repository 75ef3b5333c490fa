# METADATA
# title: Artifact validation
# description: Everything the go-live path builds on exists, is valid, and is signed and measured.
# custom:
#   question: Are the expected artifacts there, valid, signed and measured?
package gate.stage1

check_artifact_coverage := data.gate.lib.check([data.gate.lib.at_least(
	"artifact_coverage",
	input.facts.artifacts.found_ppm,
	data.gate.params.stage1.artifact_coverage_min,
)])

# METADATA
# title: Enough of the expected artifacts exist
# description: >-
#   The share of artifact-matrix rows that were found, compliant or not, reaches the target. Each row that was not
#   found is also a warning.
# custom:
#   short_name: artifact_coverage
#   severity: CRITICAL
#   risk: "What is not there cannot be reviewed: the system goes live on assumptions."
#   solution: Write the missing artifacts where the artifact matrix expects them; `gate init --templates` makes skeletons.
#   owner: qa_lead
#   controls: [gate:stage1]
#   facts: [artifacts.found_ppm]
deny_artifact_coverage contains result if some result in data.gate.lib.violations(
	"stage1.artifact_coverage", check_artifact_coverage,
	"Too few of the expected artifacts exist",
)

warn_artifact_coverage contains {"code": "stage1.artifact_coverage", "msg": msg} if {
	some row in input.facts.artifacts.rows
	row.found == false
	msg := sprintf("Artifact %s was not found (%s)", [row.id, row.pattern])
}

check_artifact_matrix := data.gate.lib.check([data.gate.lib.at_least(
	"expected_artifacts",
	input.facts.artifacts.expected,
	data.gate.params.stage1.expected_artifacts_min,
)])

# METADATA
# title: The artifact matrix is complete
# description: The artifact matrix expects at least as many artifacts as the audit did.
# custom:
#   short_name: artifact_matrix
#   severity: HIGH
#   risk: A shortened matrix calls an incomplete project complete.
#   solution: Restore the rows removed from the artifact matrix, or change the policy parameter and say why.
#   owner: qa_lead
#   controls: [gate:stage1]
#   facts: [artifacts.expected]
deny_artifact_matrix contains result if some result in data.gate.lib.violations(
	"stage1.artifact_matrix", check_artifact_matrix,
	"The artifact matrix expects fewer artifacts than the audit did",
)

check_test_coverage := data.gate.lib.check([
	data.gate.lib.at_least(
		"test_coverage",
		input.facts.coverage.line_ppm,
		data.gate.params.stage1.test_coverage_min,
	),
	data.gate.lib.at_least(
		"statements",
		input.facts.coverage.statements,
		data.gate.params.stage1.statements_min,
	),
	data.gate.lib.none_of("other_text", other_text(input.facts.coverage)),
	data.gate.lib.none_of("coverage_age", coverage_age(data.gate.lib.age_s(input.facts.coverage.observed_at_s))),
])

# METADATA
# title: The production code is tested
# description: >-
#   Line coverage of the production sources reaches the target; code that no test imports counts as uncovered. Few of
#   the lines that were measured hold no statement, and a report that states its time is as recent as test results have
#   to be.
# custom:
#   short_name: test_coverage
#   severity: CRITICAL
#   risk: Faults in untested code show first with real money.
#   solution: Run the tests under coverage over all production sources, and add tests for the lines that are missed.
#   owner: qa_lead
#   controls: [gate:stage1]
#   facts: [coverage.line_ppm, coverage.statements]
#   optional_facts: [coverage.foreign_lines, coverage.observed_at_s]
deny_test_coverage contains result if some result in data.gate.lib.violations(
	"stage1.test_coverage", check_test_coverage,
	"The production code is not known to be tested enough",
)

# A measurement of lines that the sources do not have was made from other sources.
other_text(coverage) := {{"term": "lines", "text": text} |
	is_number(coverage.foreign_lines)
	is_number(coverage.statements)
	scale := data.gate.params.stage1.foreign_lines_scale.value
	data.gate.lib.greater(
		coverage.foreign_lines * scale,
		coverage.statements * data.gate.params.stage1.foreign_lines_max.value,
	) == true
	text := sprintf("the measurement has %v lines that hold no statement of the sources, which have %v statements", [
		coverage.foreign_lines,
		coverage.statements,
	])
}

# What is wrong with the age of a report that states one: coverage and results are of runs of the same tests.
coverage_age(age_s) := {{"term": "age", "text": text} |
	is_number(age_s)
	bounds := data.gate.lib.between(
		"",
		age_s,
		data.gate.params.stage4.tests_age_min,
		data.gate.params.stage4.tests_age_max,
	)
	data.gate.lib.check(bounds).holds == false
	text := sprintf("the report is %v s old; it may be %v to %v s old", [
		age_s,
		data.gate.params.stage4.tests_age_min.value,
		data.gate.params.stage4.tests_age_max.value,
	])
}

check_evidence_current := data.gate.lib.check(data.gate.lib.current({"coverage": input.facts.provenance.coverage}))

# METADATA
# title: The coverage figure is not known to be stale or from other sources
# description: >-
#   The coverage figure is as recent as the operator asks for, not from the future, and not known to come from other sources. If it does not
#   state its sources, nothing is known about them.
# custom:
#   short_name: evidence_current
#   severity: HIGH
#   risk: The figure may describe other code than the code that goes live.
#   solution: Measure coverage again on the sources that are judged, then run `gate provenance` right away.
#   owner: qa_lead
#   controls: [gate:stage1]
#   facts: [provenance.coverage.sources]
#   optional_facts: [provenance.coverage.age_s]
deny_evidence_current contains result if some result in data.gate.lib.violations(
	"stage1.evidence_current", check_evidence_current,
	"The coverage figure is not current",
)

check_governance_signed := data.gate.lib.check(data.gate.lib.governance(
	"stage1",
	data.gate.params.stage1.required_roles,
))

# METADATA
# title: The audit is signed by every required role
# description: >-
#   For each required role, someone who may act in it approved exactly this source and this evidence with a valid key.
#   Nobody signed in two roles or approved their own change, and nobody who may stop the stage rejected it.
# custom:
#   short_name: governance_signed
#   severity: CRITICAL
#   risk: Nobody answers for the audit, and nobody is asked before it counts.
#   solution: >-
#     Have each required role review the evidence and sign it (`gate signoff stage1 --role ROLE`); sign again after every
#     change of source or evidence.
#   owner: risk_officer
#   controls: [gate:stage1]
#   facts: [signoffs.signoffs]
deny_governance_signed contains result if some result in data.gate.lib.violations(
	"stage1.governance_signed", check_governance_signed,
	"The stage is not approved",
)

condition_governance_signed contains condition if {
	some condition in data.gate.lib.signoff_conditions(
		"stage1.governance_signed",
		"stage1",
		data.gate.params.stage1.required_roles,
	)
}

check_fixtures_valid := data.gate.lib.check([
	data.gate.lib.equals("seed_global", input.facts.fixtures.seeds.global, data.gate.params.stage1.seed_global),
	data.gate.lib.equals("seed_property", input.facts.fixtures.seeds.property, data.gate.params.stage1.seed_property),
	data.gate.lib.equals(
		"seed_metamorphic",
		input.facts.fixtures.seeds.metamorphic,
		data.gate.params.stage1.seed_metamorphic,
	),
	data.gate.lib.equals("seed_chaos", input.facts.fixtures.seeds.chaos, data.gate.params.stage1.seed_chaos),
	data.gate.lib.equals(
		"seed_integration",
		input.facts.fixtures.seeds.integration,
		data.gate.params.stage1.seed_integration,
	),
	data.gate.lib.at_least(
		"signed_fixtures",
		input.facts.fixtures.signed_files,
		data.gate.params.stage1.signed_fixtures_min,
	),
	data.gate.lib.none_of("invalid_fixtures", invalid_fixtures(input.facts.fixtures.files)),
	data.gate.lib.none_of("fixtures_of_the_future", {{"term": one.path, "text": text, "path": one.path} |
		some one in input.facts.fixtures.files
		data.gate.lib.greater(0, data.gate.lib.age_s(one.created_at_s)) == true
		text := sprintf("%s: was created in the future", [one.path])
	}),
	data.gate.lib.none_of("runs_that_differ", runs_that_differ(input.facts.fixtures.reproducibility)),
])

# METADATA
# title: Seeds and signed fixtures are the agreed ones
# description: >-
#   The recorded seeds equal the agreed ones, every signed fixture file still has the data it was signed with, and the
#   result files of repeated runs, where such are named, say the same.
# custom:
#   short_name: fixtures_valid
#   severity: HIGH
#   risk: Test results cannot be reproduced, so a failure can be a matter of luck.
#   solution: >-
#     Restore the agreed seeds; where they stand under other names, map these in evidence.fixtures.seed_keys. Regenerate and
#     sign the fixtures whose signature does not match.
#   owner: qa_lead
#   controls: [gate:stage1]
#   facts:
#     - fixtures.seeds.global
#     - fixtures.seeds.property
#     - fixtures.seeds.metamorphic
#     - fixtures.seeds.chaos
#     - fixtures.seeds.integration
#     - fixtures.signed_files
#     - fixtures.files
#   optional_facts: [fixtures.reproducibility]
deny_fixtures_valid contains result if some result in data.gate.lib.violations(
	"stage1.fixtures_valid", check_fixtures_valid,
	"A seed or a fixture is not the agreed one",
)

invalid_fixtures(files) := {{"term": file.path, "text": sprintf("%s: %v", [file.path, file.problem]), "path": file.path} |
	some file in files
	file.valid != true
}

default runs_that_differ(_) := []

runs_that_differ(pairs) := {{"term": term, "text": term} |
	some pair in pairs
	pair.equal_content != true
	term := sprintf("%s and %s", [pair.first, pair.second])
} if {
	pairs != null
}

check_artifacts_valid := data.gate.lib.check([
	data.gate.lib.none_of("invalid_artifacts", invalid_artifacts(input.facts.artifacts.rows)),
	data.gate.lib.none_of("artifacts_out_of_date", artifacts_out_of_date(input.facts.artifacts.rows)),
])

# METADATA
# title: The artifacts that exist are valid
# description: >-
#   Every artifact that was found is filled in, parses and matches its contract. No document says that it has expired,
#   or that it was approved in the future.
# custom:
#   short_name: artifacts_valid
#   severity: MEDIUM
#   risk: A document or program that is there in name only is relied on.
#   solution: Fill in or fix the artifacts at the places named.
#   owner: qa_lead
#   controls: [gate:stage1]
#   facts: [artifacts.rows]
deny_artifacts_valid contains result if some result in data.gate.lib.violations(
	"stage1.artifacts_valid", check_artifacts_valid,
	"An artifact is not valid",
)

invalid_artifacts(rows) := {{"term": row.id, "text": sprintf("%s: %s", [row.id, problems])} |
	some row in rows
	row.found == true
	row.valid != true
	problems := concat("; ", [sprintf("%s %s", [path, concat("; ", sort(texts_about(row, path)))]) |
		some path in sort({problem.path | some problem in row.problems})
	])
}

texts_about(row, path) := {problem.text | some problem in row.problems; problem.path == path}

artifacts_out_of_date(rows) := {{"term": term, "text": text, "path": date.path, "line": date.line} |
	some row in rows
	some date in object.get(row, "dates", [])
	what := date_problem(date)
	term := sprintf("%s: %s", [row.id, date.kind])
	text := sprintf("%s: %s line %v %s", [row.id, date.path, date.line, what])
}

# A day is one somewhere on earth: until a day from now none is in the future.
date_problem(date) := "says that it has expired" if {
	date.kind == "expires"
	data.gate.lib.greater(data.gate.lib.age_s(date.at_s), 0) == true
} else := "says that it was approved in the future" if {
	date.kind == "approved"
	data.gate.lib.greater(-86400, data.gate.lib.age_s(date.at_s)) == true
}

check_artifacts_signed := data.gate.lib.check([data.gate.lib.none_of(
	"unsigned_artifacts",
	unsigned_artifacts(input.facts.artifacts.rows, data.gate.params.stage1.accepted_signatures.value),
)])

# METADATA
# title: The artifacts that exist are signed
# description: Every artifact that was found has a signature of an accepted kind.
# custom:
#   short_name: artifacts_signed
#   severity: MEDIUM
#   risk: Anybody may have changed the artifact after its review.
#   solution: >-
#     Sign the artifact (a detached signature beside it), list it in a signed manifest, or sign the commit or a tag.
#   owner: devops_lead
#   controls: [gate:stage1]
#   facts: [artifacts.rows]
deny_artifacts_signed contains result if some result in data.gate.lib.violations(
	"stage1.artifacts_signed", check_artifacts_signed,
	"An artifact has no signature that counts",
)

unsigned_artifacts(rows, accepted) := {{"term": row.id, "text": sprintf("%s: %v", [row.id, text])} |
	some row in rows
	row.found == true
	some refused in data.gate.lib.others(row.signed, accepted)
	text := object.get({"commit": "its commit is not signed", "none": "no signature"}, refused, refused)
}

check_checklist_total := data.gate.lib.check([stated_total(
	input.facts.checklist.stated_total,
	input.facts.checklist.points_sum,
)])

# METADATA
# title: The checklist's total adds up
# description: The total that the pre-live checklist states equals the sum of the points of its categories.
# custom:
#   short_name: checklist_total
#   severity: MEDIUM
#   risk: The score is a share of a wrong total.
#   solution: Correct the stated total or the points of the categories in the pre-live checklist.
#   owner: qa_lead
#   controls: [gate:stage1]
#   facts: [checklist.points_sum]
#   optional_facts: [checklist.stated_total]
deny_checklist_total contains result if some result in data.gate.lib.violations(
	"stage1.checklist_total", check_checklist_total,
	"The checklist states a total that is not the sum of its categories",
)

# A total that is not stated contradicts nothing.
stated_total(stated, total) := data.gate.lib.none("stated_total", []) if {
	stated == null
	is_number(total)
} else := data.gate.lib.equals("stated_total", stated, {"value": total, "unit": "points"})
