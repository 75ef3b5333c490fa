package gate.build

# What scanners found in the code.

check_scans_clean := data.gate.lib.check([
	data.gate.lib.at_least("scan_runs", input.facts.scans.runs, data.gate.params.build.scan_runs_min),
	data.gate.lib.at_most(
		"incomplete_scans",
		input.facts.scans.incomplete,
		data.gate.params.build.incomplete_scans_max,
	),
	data.gate.lib.none_of(
		"findings",
		heavy_findings(input.facts.scans, data.gate.params.build.refused_severities.value),
	),
])

# METADATA
# title: Scanners find nothing severe
# description: >-
#   At least one scanner ran, every run was whole, and none found anything of a refused severity. What a scanner left
#   undecided is a warning.
# custom:
#   short_name: scans_clean
#   severity: CRITICAL
#   risk: A weakness that a scanner can find is found by an attacker, too.
#   solution: Fix what the scanner names and scan again; where it is wrong, have somebody else waive the finding.
#   owner: security_lead
#   controls: [SSDF-1.1:PW.7.2]
#   facts: [scans.runs, scans.incomplete, scans.by_severity, scans.findings]
deny_scans_clean contains result if some result in data.gate.lib.violations(
	"build.scans_clean", check_scans_clean,
	"The code is not known to be free of severe findings",
)

warn_scans_clean contains {"code": "build.scans_clean", "msg": msg} if {
	data.gate.lib.greater(input.facts.scans.undecided, 0) == true
	msg := sprintf("Scanners left %v results for a person to decide", [input.facts.scans.undecided])
}

check_findings_not_hidden := data.gate.lib.check([
	data.gate.lib.at_most(
		"hidden_findings",
		of_severity(input.facts.scans.suppressed_by_severity, data.gate.params.build.refused_severities.value),
		data.gate.params.build.hidden_findings_max,
	),
	data.gate.lib.at_most(
		"hidden_and_not_listed",
		input.facts.scans.suppressed_unlisted,
		data.gate.params.build.hidden_findings_max,
	),
])

# METADATA
# title: No severe finding is hidden
# description: >-
#   No result of a refused severity is suppressed, be it by a comment in the code or by a file beside it, and no comment
#   hides one that the report does not list, whatever its severity.
# custom:
#   short_name: findings_not_hidden
#   severity: MEDIUM
#   risk: A weakness stays in the code unseen, since nobody is shown it again.
#   solution: >-
#     Take the suppression away and fix what it hides, or have somebody else waive the finding. `bandit --ignore-nosec`
#     lists what comments hide.
#   owner: security_lead
#   controls: [SSDF-1.1:PW.7.2]
#   facts: [scans.suppressed_by_severity, scans.suppressed_unlisted]
deny_findings_not_hidden contains result if some result in data.gate.lib.violations(
	"build.findings_not_hidden", check_findings_not_hidden,
	"Severe findings are suppressed",
)

# The heaviest come first in the facts, so what is cut off is counted. A term stays when lines move.
heavy_findings(scans, severities) := {{"term": term, "text": text, "path": path, "line": line} |
	some finding in heavy
	path := text_of(finding.path)
	line := line_of(finding)
	term := concat(" ", [part | some part in array.concat(rule_of(finding), [path]); part != ""])
	said := sprintf("%s (%s, %s)", [finding.message, concat(" ", rule_of(finding)), finding.severity])
	text := placed(path, line, said)
} | data.gate.lib.not_listed(heavy, of_severity(scans.by_severity, severities)) if {
	heavy := [finding |
		some finding in scans.findings
		some severity in severities
		finding.severity == severity
	]
}

# How many there are of these severities; null where one of them was not counted.
default of_severity(_, _) := null

of_severity(counts, severities) := sum(known) if {
	known := [known_count |
		some severity in severities
		known_count := object.get(counts, severity, null)
		is_number(known_count)
	]
	count(known) == count(severities)
}

# Where a finding is, before what is said about it.
placed("", _, said) := said

placed(path, line, said) := sprintf("%s:%v: %s", [path, line, said]) if path != ""

default text_of(_) := ""

text_of(value) := value if is_string(value)

# A line without a file is no place.
default line_of(_) := 0

line_of(finding) := finding.line if {
	is_string(finding.path)
	is_number(finding.line)
}

# The scanner and its rule, which may have no id.
rule_of(finding) := [part | some part in [finding.tool, finding.rule]; part != ""]
