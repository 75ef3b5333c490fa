package gate.build

check_no_hardcoded_secrets := data.gate.lib.check([
	data.gate.lib.at_least("scanned_files", input.facts.source.scanned, data.gate.params.build.scanned_files_min),
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
#   risk: Whoever can read the sources can use the secret.
#   solution: >-
#     Split a file that is too large to scan. Read a secret from the environment or a vault, and revoke the one that
#     was found, since it is in the history too.
#   owner: security_lead
#   controls: [CWE:798, SSDF-1.1:PW.5.1]
#   facts: [source.scanned, source.secrets, source.secrets_total, source.unscanned, source.unscanned_total]
deny_no_hardcoded_secrets contains result if some result in data.gate.lib.violations(
	"build.no_hardcoded_secrets", check_no_hardcoded_secrets,
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
