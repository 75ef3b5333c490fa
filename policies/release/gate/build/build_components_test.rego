package gate.build

vulnerable(operand, term, text) := named("build.no_known_vulnerabilities", "The dependencies are not known to be free of vulnerabilities", operand, term, text)

flaw(changes) := object.union(
	{"name": "mdurl", "version": "0.1.2", "id": "PYSEC-2026-1", "aliases": [], "fixed_in": ["0.1.3", "0.2.0"]},
	changes,
)

test_no_known_vulnerabilities_holds if {
	denied := deny_no_known_vulnerabilities with input as data.gate.ready.doc
	denied == set()
}

test_no_known_vulnerabilities_some if {
	found := [flaw({}), flaw({"id": "PYSEC-2026-2", "fixed_in": []})]
	doc := with_facts({"scans": {"pip_audit": {"vulnerabilities": 3, "findings": found}}})
	denied := deny_no_known_vulnerabilities with input as doc
	denied == {
		vulnerable("vulnerabilities", "mdurl PYSEC-2026-1", "mdurl 0.1.2: PYSEC-2026-1, fixed in 0.1.3, 0.2.0"),
		vulnerable("vulnerabilities", "mdurl PYSEC-2026-2", "mdurl 0.1.2: PYSEC-2026-2, fixed in no version"),
		vulnerable("vulnerabilities", "not listed", "1 more, which are not listed"),
	}
}

test_no_known_vulnerabilities_not_audited if {
	skipped := [{"name": "mdurl", "version": "0.1.2", "reason": "not found on PyPI"}]
	doc := with_facts({"scans": {"pip_audit": {"audited": 0, "skipped": 2, "skipped_because": skipped}}})
	denied := deny_no_known_vulnerabilities with input as doc
	denied == {
		below(
			"build.no_known_vulnerabilities", "The dependencies are not known to be free of vulnerabilities",
			"audited_dependencies", "≥", 1, 0, "dependencies",
		),
		vulnerable("not_audited", "mdurl", "mdurl: not found on PyPI"),
		vulnerable("not_audited", "not listed", "1 more, which are not listed"),
	}
}

# A component counts as looked at in its own version only; what was skipped is told once.
test_no_known_vulnerabilities_of_other_packages if {
	skipped := [{"name": "idna", "version": null, "reason": "not found on PyPI"}]
	audit := {
		"packages": ["markdown-it-py==4.2.0", "mdurl==0.1.2"], "audited": 3, "skipped": 1, "skipped_because": skipped,
	}
	listed := ["idna==3.1", "markdown-it-py==4.3.0", "mdurl==0.1.2"]
	doc := with_facts({"scans": {"pip_audit": audit}, "components": {"pypi": listed, "pypi_total": 5}})
	denied := deny_no_known_vulnerabilities with input as doc
	denied == {
		vulnerable("not_audited", "idna", "idna: not found on PyPI"),
		vulnerable("components_not_audited", "markdown-it-py==4.3.0", "markdown-it-py==4.3.0"),
		vulnerable("components_not_audited", "not listed", "1 more, which are not listed"),
		vulnerable("components_not_audited", "not listed", "2 more, which are not listed"),
	}
}

# What a list of components states counts from a severity on, and need not be stated.
test_no_known_vulnerabilities_stated if {
	stated := [
		{"id": "CVE-2026-7", "severity": "critical", "document": "bom.json", "affects": ["mdurl"]},
		{"id": "CVE-2026-8", "severity": "low", "document": "bom.json", "affects": ["mdurl"]},
		{"id": "CVE-2026-9", "severity": "unrated", "document": "bom.json", "affects": ["mdurl"]},
	]
	doc := with_facts({"components": {"vulnerable": stated, "by_severity": {"critical": 1, "high": 1, "low": 1, "unrated": 1}}})
	denied := deny_no_known_vulnerabilities with input as doc
	denied == {
		object.union(vulnerable("stated_vulnerabilities", "CVE-2026-7 mdurl", "CVE-2026-7 mdurl (critical)"), {"path": "bom.json"}),
		object.union(vulnerable("stated_vulnerabilities", "CVE-2026-9 mdurl", "CVE-2026-9 mdurl (unrated)"), {"path": "bom.json"}),
		vulnerable("stated_vulnerabilities", "not listed", "1 more, which are not listed"),
	}
}

test_no_known_vulnerabilities_null if {
	audit := {"audited": null, "skipped": null, "vulnerabilities": null}
	checked := check_no_known_vulnerabilities with input as with_facts({"scans": {"pip_audit": audit}})
	checked.holds == false
}

unknown(operand, op, expected, actual) := below("build.components_known", "It is not known what the service is made of", operand, op, expected, actual, "components")

test_components_known_holds if {
	checked := check_components_known with input as with_facts({"components": {"components": 1}})
	checked.holds == true
	denied := deny_components_known with input as data.gate.ready.doc
	denied == set()
}

test_components_known_does_not_hold if {
	doc := with_facts({"components": {"components": 0, "unversioned": 1, "unlicensed": 1, "incomplete": 1}})
	denied := deny_components_known with input as doc
	denied == {
		unknown("components", "≥", 1, 0),
		unknown("without_version", "≤", 0, 1),
		unknown("without_licence", "≤", 0, 1),
		below("build.components_known", "It is not known what the service is made of", "incomplete_lists", "≤", 0, 1, "documents"),
	}
}

test_components_known_null if {
	doc := with_facts({"components": {"components": null, "unversioned": null, "unlicensed": null, "incomplete": null}})
	denied := deny_components_known with input as doc
	count(denied) == 4
}

test_licenses_accepted_holds if {
	denied := deny_licenses_accepted with input as data.gate.ready.doc
	denied == set()
}

# An expression is accepted as a whole or not at all.
test_licenses_accepted_another if {
	used := [{"license": "MIT", "components": 2}, {"license": "MIT AND GPL-3.0-only", "components": 1}]
	doc := with_facts({"components": {"licenses": used, "license_count": 3}})
	denied := deny_licenses_accepted with input as doc
	denied == {
		named("build.licenses_accepted", "A licence is not accepted", "licences", "MIT AND GPL-3.0-only", "MIT AND GPL-3.0-only, of 1 components"),
		named("build.licenses_accepted", "A licence is not accepted", "licences", "not listed", "1 more, which are not listed"),
	}
}

test_licenses_accepted_null if {
	doc := with_facts({"components": {"components": null, "licenses": [], "license_count": null}})
	checked := check_licenses_accepted with input as doc
	checked.holds == false
}

test_license_accepted_expressions if {
	accepted := ["MIT", "Apache-2.0", "BSD License"]
	good := ["MIT", "MIT OR GPL-3.0-only", "(MIT OR Apache-2.0)", "MIT AND Apache-2.0", "License :: OSI Approved :: BSD License"]
	every stated in good { license_accepted(stated, accepted) }
	bad := ["GPL-3.0-only", "MIT AND GPL-3.0-only", "MIT WITH Odd-exception", "(MIT OR Apache-2.0) AND GPL-3.0-only", "", "mit-like"]
	every stated in bad { license_accepted(stated, accepted) == false }
}
