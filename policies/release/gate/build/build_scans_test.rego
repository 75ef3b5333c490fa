package gate.build

unclean(operand, op, expected, actual, unit) := below("build.scans_clean", "The code is not known to be free of severe findings", operand, op, expected, actual, unit)

severe(changes) := object.union(
	{
		"report": "bandit.sarif", "tool": "Bandit", "rule": "B602", "severity": "high", "level": "error",
		"path": "notes/app.py", "line": 7, "message": "subprocess call with shell=True",
	},
	changes,
)

unclean_term(term, text) := named("build.scans_clean", "The code is not known to be free of severe findings", "findings", term, text)

test_scans_clean_holds if {
	denied := deny_scans_clean with input as data.gate.ready.doc
	denied == set()
	warned := warn_scans_clean with input as data.gate.ready.doc
	warned == set()
}

test_scans_clean_lower_severities_do_not_count if {
	doc := with_facts({"scans": {"by_severity": {"medium": 3, "low": 1}, "findings": [severe({"severity": "medium"})], "undecided": 2}})
	denied := deny_scans_clean with input as doc
	denied == set()
	warned := warn_scans_clean with input as doc
	warned == {{"code": "build.scans_clean", "msg": "Scanners left 2 results for a person to decide"}}
}

test_scans_clean_findings if {
	placeless := severe({"severity": "critical", "path": null, "line": null, "rule": ""})
	doc := with_facts({"scans": {"by_severity": {"critical": 1, "high": 3}, "findings": [placeless, severe({})]}})
	denied := deny_scans_clean with input as doc
	denied == {
		object.union(unclean_term("Bandit B602 notes/app.py", "notes/app.py:7: subprocess call with shell=True (Bandit B602, high)"), {"path": "notes/app.py", "line": 7}),
		unclean_term("Bandit", "subprocess call with shell=True (Bandit, critical)"),
		unclean_term("not listed", "2 more, which are not listed"),
	}
}

test_scans_clean_incomplete if {
	denied := deny_scans_clean with input as with_facts({"scans": {"runs": 0, "incomplete": 1}})
	denied == {
		unclean("scan_runs", "≥", 1, 0, "runs"),
		unclean("incomplete_scans", "≤", 0, 1, "runs"),
	}
}

test_scans_clean_null if {
	none := {"critical": null, "high": null}
	doc := with_facts({"scans": {"runs": null, "incomplete": null, "undecided": null, "by_severity": none}})
	denied := deny_scans_clean with input as doc
	denied == {
		unclean("scan_runs", "≥", 1, null, "runs"),
		unclean("incomplete_scans", "≤", 0, null, "runs"),
	}
	warned := warn_scans_clean with input as doc
	warned == set()
}

test_findings_not_hidden_holds if {
	doc := with_facts({"scans": {"suppressed_by_severity": {"medium": 4}}})
	checked := check_findings_not_hidden with input as doc
	checked == {"holds": true, "operands": [
		{"name": "hidden_findings", "op": "≤", "actual": 0, "expected": 0, "unit": "results", "holds": true},
		{"name": "hidden_and_not_listed", "op": "≤", "actual": 0, "expected": 0, "unit": "results", "holds": true},
	]}
	denied := deny_findings_not_hidden with input as doc
	denied == set()
}

test_findings_not_hidden_does_not_hold if {
	denied := deny_findings_not_hidden with input as with_facts({"scans": {"suppressed_by_severity": {"critical": 1, "high": 2}}})
	denied == {below("build.findings_not_hidden", "Severe findings are suppressed", "hidden_findings", "≤", 0, 3, "results")}
}

test_findings_not_hidden_not_listed if {
	denied := deny_findings_not_hidden with input as with_facts({"scans": {"suppressed_unlisted": 2}})
	denied == {below("build.findings_not_hidden", "Severe findings are suppressed", "hidden_and_not_listed", "≤", 0, 2, "results")}
}

# Without a report there is no count, and the judge calls that missing evidence.
test_findings_not_hidden_null if {
	doc := with_facts({"scans": {"suppressed_by_severity": {"critical": null, "high": null}}})
	checked := check_findings_not_hidden with input as doc
	checked.holds == false
	denied := deny_findings_not_hidden with input as doc
	denied == {below("build.findings_not_hidden", "Severe findings are suppressed", "hidden_findings", "≤", 0, null, "results")}
}
