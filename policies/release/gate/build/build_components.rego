package gate.build

# What the service is made of, and what is known against it.

check_no_known_vulnerabilities := data.gate.lib.check([
	data.gate.lib.at_least(
		"audited_dependencies",
		input.facts.scans.pip_audit.audited,
		data.gate.params.build.audited_dependencies_min,
	),
	data.gate.lib.none_of("not_audited", not_audited(input.facts.scans.pip_audit)),
	data.gate.lib.none_of("components_not_audited", components_not_audited(
		object.get(input.facts, ["components", "pypi"], []),
		object.get(input.facts, ["components", "pypi_total"], 0),
		input.facts.scans.pip_audit,
	)),
	data.gate.lib.none_of("vulnerabilities", vulnerabilities(input.facts.scans.pip_audit)),
	data.gate.lib.none_of("stated_vulnerabilities", stated_vulnerabilities(
		input.facts.components,
		data.gate.params.build.refused_vulnerabilities.value,
	)),
])

# METADATA
# title: No dependency has a known vulnerability
# description: >-
#   pip-audit looked at every dependency, and at every component of PyPI in the version that is listed. It knows of no
#   vulnerability, whatever its severity, since it states none. Lists of components that state vulnerabilities state none
#   of a refused severity.
# custom:
#   short_name: no_known_vulnerabilities
#   severity: CRITICAL
#   risk: Whoever reads the advisory can attack the service.
#   solution: Upgrade the dependency to a version without the vulnerability, or have somebody waive it with a reason.
#   owner: security_lead
#   controls: [SSDF-1.1:PW.4.4, SSDF-1.1:RV.1.1, SCVS-1.0:5.4]
#   facts:
#     - scans.pip_audit.audited
#     - scans.pip_audit.packages
#     - scans.pip_audit.skipped
#     - scans.pip_audit.vulnerabilities
#   optional_facts: [components.pypi, components.pypi_total, components.vulnerable, components.by_severity]
deny_no_known_vulnerabilities contains result if some result in data.gate.lib.violations(
	"build.no_known_vulnerabilities", check_no_known_vulnerabilities,
	"The dependencies are not known to be free of vulnerabilities",
)

check_components_known := data.gate.lib.check([
	data.gate.lib.at_least("components", input.facts.components.components, data.gate.params.build.components_min),
	data.gate.lib.at_most(
		"without_version",
		input.facts.components.unversioned,
		data.gate.params.build.unversioned_components_max,
	),
	data.gate.lib.at_most(
		"without_licence",
		input.facts.components.unlicensed,
		data.gate.params.build.unlicensed_components_max,
	),
	data.gate.lib.at_most(
		"incomplete_lists",
		input.facts.components.incomplete,
		data.gate.params.build.incomplete_lists_max,
	),
])

# METADATA
# title: The components are known
# description: >-
#   A list of components (SBOM) is there, and each component has a version and a licence. No list says that something is
#   missing in it.
# custom:
#   short_name: components_known
#   severity: HIGH
#   risk: Nobody can say whether the next vulnerability concerns the service.
#   solution: >-
#     Make the list where the service is installed (`cyclonedx-py environment` sees versions and licences), or complete
#     the entries.
#   owner: security_lead
#   controls: [SSDF-1.1:PS.3.2, SCVS-1.0:1.1, SCVS-1.0:1.3, SCVS-1.0:2.14]
#   facts: [components.components, components.unversioned, components.unlicensed, components.incomplete]
deny_components_known contains result if some result in data.gate.lib.violations(
	"build.components_known", check_components_known,
	"It is not known what the service is made of",
)

check_licenses_accepted := data.gate.lib.check([
	data.gate.lib.at_least("components", input.facts.components.components, data.gate.params.build.components_min),
	data.gate.lib.none_of("licences", other_licences(
		input.facts.components,
		data.gate.params.build.accepted_licenses.value,
	)),
])

# METADATA
# title: Every licence is accepted
# description: >-
#   Each licence, id or expression that a component has is one of those accepted, spelled as the list of components
#   spells it.
# custom:
#   short_name: licenses_accepted
#   severity: MEDIUM
#   risk: The service is distributed on terms that nobody agreed to.
#   solution: Replace the component, or add the licence to the accepted ones once somebody has read it.
#   owner: release_manager
#   controls: [SCVS-1.0:5.12]
#   facts: [components.components, components.licenses, components.license_count]
deny_licenses_accepted contains result if some result in data.gate.lib.violations(
	"build.licenses_accepted", check_licenses_accepted,
	"A licence is not accepted",
)

not_audited(audit) := {{"term": skipped.name, "text": sprintf("%s: %s", [skipped.name, skipped.reason])} |
	some skipped in audit.skipped_because
} | data.gate.lib.not_listed(audit.skipped_because, audit.skipped)

# A package in another version than the listed one was not looked at; what was skipped is told by itself.
components_not_audited(listed, total, audit) := ({{"term": name, "text": name} |
	some name in ({one | some one in listed} - {one | some one in audit.packages})
	skipped := [one | some one in audit.skipped_because; startswith(name, sprintf("%s==", [one.name]))]
	skipped == []
} | data.gate.lib.not_listed(listed, total)) | data.gate.lib.not_listed(audit.packages, audit.audited)

vulnerabilities(audit) := {{"term": term, "text": text} |
	some found in audit.findings
	term := sprintf("%s %s", [found.name, found.id])
	text := sprintf("%s %s: %s, fixed in %s", [found.name, found.version, found.id, fixed_in(found)])
} | data.gate.lib.not_listed(audit.findings, audit.vulnerabilities)

fixed_in(found) := "no version" if {
	found.fixed_in == []
} else := concat(", ", found.fixed_in)

# As with findings, the heaviest come first.
stated_vulnerabilities(components, severities) := {{"term": term, "text": text, "path": found.document} |
	some found in heavy
	term := concat(" ", array.concat([found.id], found.affects))
	text := sprintf("%s (%s)", [term, found.severity])
} | data.gate.lib.not_listed(heavy, data.gate.build.of_severity(components.by_severity, severities)) if {
	heavy := [found |
		some found in components.vulnerable
		some severity in severities
		found.severity == severity
	]
}

other_licences(components, accepted) := {{"term": used.license, "text": text} |
	some used in components.licenses
	license_accepted(used.license, accepted) == false
	text := sprintf("%s, of %v components", [used.license, used.components])
} | data.gate.lib.not_listed(components.licenses, components.license_count)

# A licence, or an SPDX expression without inner brackets of which the accepted ones are enough.
default license_accepted(_, _) := false

license_accepted(stated, accepted) if {
	one_accepted(stated, accepted) == true
}

license_accepted(stated, accepted) if {
	plain := trim_suffix(trim_prefix(stated, "("), ")")
	contains(plain, "(") == false
	contains(plain, ")") == false
	some choice in split(plain, " OR ")
	every part in split(choice, " AND ") {
		one_accepted(part, accepted) == true
	}
}

# cyclonedx-py writes the classifier of PyPI where a package states nothing better.
default one_accepted(_, _) := false

one_accepted(stated, accepted) if {
	some name in accepted
	name == trim_prefix(stated, "License :: OSI Approved :: ")
}
