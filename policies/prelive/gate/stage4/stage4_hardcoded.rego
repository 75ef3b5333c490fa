package gate.stage4

# What must not stand in the sources: secrets, accounts of real money, ports of real money.

check_no_hardcoded_secrets := data.gate.lib.check([
	data.gate.lib.at_least("scanned_files", input.facts.source.scanned, data.gate.params.stage4.source_files_min),
	data.gate.lib.none_of("secrets", secrets(input.facts.source)),
	data.gate.lib.none_of("files_not_scanned", files_not_scanned(input.facts.source)),
])

# METADATA
# title: The sources contain no secret
# description: >-
#   No source file holds a token, key or password, and no file was left out of the search. Secrets that were found are
#   not quoted.
# custom:
#   short_name: no_hardcoded_secrets
#   severity: CRITICAL
#   risk: Whoever reads the sources can trade on the account.
#   solution: >-
#     Split a file that is too large to scan. Read a secret from the environment or a vault, and revoke the one that
#     was found, since it is in the history too.
#   owner: devops_lead
#   controls: [gate:stage4]
#   facts: [source.scanned, source.secrets, source.secrets_total, source.unscanned, source.unscanned_total]
deny_no_hardcoded_secrets contains result if some result in data.gate.lib.violations(
	"stage4.no_hardcoded_secrets", check_no_hardcoded_secrets,
	"The sources may contain a secret",
)

secrets(source) := {{"term": term, "text": text, "path": secret.path, "line": secret.line} |
	some secret in source.secrets
	names := secret_names(secret)
	term := sprintf("%s:%s", [secret.path, names.term])
	text := sprintf("%s:%v: %s", [secret.path, secret.line, names.text])
} | data.gate.lib.not_listed(source.secrets, source.secrets_total)

# What a secret is called; a token without a name is called after its kind.
secret_names(secret) := {"term": secret.name, "text": sprintf("%s (%s)", [secret.name, kind_text(secret)])} if {
	is_string(secret.name)
} else := {"term": secret.kind, "text": kind_text(secret)}

kind_text(secret) := object.get(
	{"high_entropy": "looks random", "named": "by its name"},
	secret.kind,
	replace(sprintf("%v", [secret.kind]), "_", " "),
)

files_not_scanned(source) := {{"term": file.path, "text": sprintf("%s %s", [file.path, file.reason]), "path": file.path} |
	some file in source.unscanned
} | data.gate.lib.not_listed(source.unscanned, source.unscanned_total)

check_no_hardcoded_accounts := data.gate.lib.check([
	data.gate.lib.at_least("scanned_files", input.facts.source.scanned, data.gate.params.stage4.source_files_min),
	data.gate.lib.none_of("account_ids", account_ids(input.facts.source)),
])

# METADATA
# title: The sources contain no live account
# description: >-
#   No source file holds the id of an account with real money. The policy data say whether paper ids are accepted.
# custom:
#   short_name: no_hardcoded_accounts
#   severity: HIGH
#   risk: Orders reach a live account by mistake.
#   solution: Read the account id from the configuration of the environment.
#   owner: devops_lead
#   controls: [gate:stage4]
#   facts: [source.scanned, source.account_ids, source.account_ids_total, source.live_account_ids_total]
deny_no_hardcoded_accounts contains result if some result in data.gate.lib.violations(
	"stage4.no_hardcoded_accounts", check_no_hardcoded_accounts,
	"The sources contain an account id",
)

account_ids(source) := {{"term": term, "text": text, "path": found.path, "line": found.line} |
	some found in refused
	term := sprintf("%s:%s", [found.path, found.account])
	text := sprintf("%s:%v: %s", [found.path, found.line, found.account])
} | data.gate.lib.not_listed(refused, refused_total(source)) if {
	refused := [found |
		some found in source.account_ids
		account_refused(found.paper) == true
	]
}

default account_refused(_) := true

account_refused(paper) := false if {
	paper == true
	data.gate.params.stage4.paper_account_ids_allowed.value == true
}

refused_total(source) := source.live_account_ids_total if {
	data.gate.params.stage4.paper_account_ids_allowed.value == true
} else := source.account_ids_total

check_no_live_port := data.gate.lib.check([
	data.gate.lib.at_least("scanned_files", input.facts.source.scanned, data.gate.params.stage4.source_files_min),
	data.gate.lib.none_of("live_ports", live_ports(input.facts.source)),
])

# METADATA
# title: The sources contain no live port
# description: No source file names a port on which orders trade real money.
# custom:
#   short_name: no_live_port
#   severity: CRITICAL
#   risk: The system connects to live trading by mistake.
#   solution: Remove the port from the sources; set it where the system is started.
#   owner: risk_officer
#   controls: [gate:stage4]
#   facts: [source.scanned, source.live_ports, source.live_ports_total]
deny_no_live_port contains result if some result in data.gate.lib.violations(
	"stage4.no_live_port", check_no_live_port,
	"The sources contain a live port",
)

live_ports(source) := {{"term": term, "text": text, "path": found.path, "line": found.line} |
	some found in source.live_ports
	term := sprintf("%s:%v", [found.path, found.port])
	text := sprintf("%s:%v: %v", [found.path, found.line, found.port])
} | data.gate.lib.not_listed(source.live_ports, source.live_ports_total)
