package gate.lib

# Sign-offs: who approved this stage, and whether that approval counts. It counts when the signature is valid, the
# signer may act in the role, the key was valid both at signing and now, the sign-off is not from the future, it names
# exactly this subject, this evidence and this policy, and it was not made by the author of the change. The policy is the
# one that the run was set up with: what another bundle says about a recorded input stays comparable.

# The operands of a rule "every required role has approved".
governance(stage, roles) := [
	data.gate.lib.at_least(
		"required_roles",
		count({role | some role in roles.value}),
		data.gate.params.common.required_roles_min,
	),
	data.gate.lib.none_of("roles_not_signed", roles_not_signed(stage, roles.value)),
	data.gate.lib.none_of("rejections", rejections(stage, roles.value)),
	data.gate.lib.none_of("people_in_two_roles", people_in_two_roles(stage, roles.value)),
]

# Whether these roles have approved the stage; for rules that a signature turns from a halt into a condition.
default accepted(_, _) := false

accepted(stage, roles) if data.gate.lib.check(governance(stage, roles)).holds == true

# The operands of a rule "nobody who may stop a stage has rejected this one".
not_rejected(stage) := [data.gate.lib.none_of("rejections", rejections(stage, []))]

# Approvals by a role that count, as a set of sign-offs.
approvals(stage, role) := {signoff |
	some signoff in input.facts.signoffs.signoffs
	signoff.stage == stage
	signoff.role == role
	signoff.verdict in ["approve", "conditional"]
	refusals(signoff) == []
}

# What these roles, and those who may stop a stage, still ask for: {"code", "msg", "owner", "due", "id", "closed_by"}. A
# condition counts where a rejection would: neither an expired key nor authorship of the change makes it void. A later
# approval without conditions by the same person, which counts, ends it.
signoff_conditions(code, stage, roles) := {condition |
	some role in array.concat(roles.value, data.gate.params.common.rejecting_roles.value)
	some signoff in genuine(stage, role)
	signoff.verdict in ["approve", "conditional"]
	superseding(signoff) == []
	some condition in stated_conditions(code, signoff)
}

# --- inside --------------------------------------------------------------------------------------------------------

# Conditions count whatever the verdict is called: an approval that states some is conditional. A conditional approval
# that states none is conditional all the same: its role must say what is missing.
stated_conditions(code, signoff) := [{
	"code": code,
	"msg": sprintf("%s approved with conditions but stated none (%s)", [signoff.role, signoff.path]),
	"owner": signoff.role,
	"due": null,
	"id": signoff.path,
	"closed_by": "signoff",
}] if {
	signoff.verdict == "conditional"
	signoff.conditions == []
} else := [condition |
	some stated in signoff.conditions
	condition := {
		"code": code,
		"msg": stated.text,
		"owner": stated.owner,
		"due": stated.due,
		"id": stated.id,
		"closed_by": stated.closed_by,
	}
]

superseding(signoff) := [later.path |
	some later in approvals(signoff.stage, signoff.role)
	later.conditions == []
	later.verdict == "approve"
	is_string(signoff.principal)
	data.gate.lib.lower_case(later.principal) == data.gate.lib.lower_case(signoff.principal)
	data.gate.lib.greater(later.signed_at_s, signoff.signed_at_s) == true
]

roles_not_signed(stage, roles) := {{"term": role, "text": sprintf("%s: %s", [role, why_not(stage, role)])} |
	some role in roles
	count(approvals(stage, role)) == 0
}

why_not(stage, role) := sprintf("no sign-off for %s", [stage]) if {
	refused_signoffs(stage, role) == []
} else := concat("; ", refused_signoffs(stage, role))

refused_signoffs(stage, role) := sort({text |
	some signoff in input.facts.signoffs.signoffs
	signoff.stage == stage
	signoff.role == role
	text := sprintf("%s: %s", [signoff.path, concat(", ", why_refused(signoff))])
})

why_refused(signoff) := ["the verdict is reject"] if {
	signoff.verdict == "reject"
} else := refusals(signoff)

# A rejection is heeded when it is genuine and about this very decision. Neither an expired key nor authorship of the
# change makes it void: whoever may stop a stage stays able to.
rejections(stage, roles) := {{"term": role, "text": sprintf("%s rejected in %s", [role, signoff.path]), "path": signoff.path} |
	some role in array.concat(roles, data.gate.params.common.rejecting_roles.value)
	some signoff in genuine(stage, role)
	signoff.verdict == "reject"
}

# Sign-offs by somebody who may act in the role, about this very subject and evidence. A change of policy voids no
# objection.
genuine(stage, role) := {signoff |
	some signoff in input.facts.signoffs.signoffs
	signoff.stage == stage
	signoff.role == role
	signoff.signature == "valid"
	signoff.role_authorised == true
	data.gate.lib.same(signoff.subject, input.subject.digest)
	data.gate.lib.same(signoff.evidence, object.get(input.evidence_digest, stage, null))
}

people_in_two_roles(stage, roles) := same_principal | same_key if {
	accepted := {signoff | some role in roles; some signoff in approvals(stage, role)}
	same_principal := {{"term": first.principal, "text": text} |
		some first in accepted
		some second in accepted
		first.role < second.role
		data.gate.lib.lower_case(first.principal) == data.gate.lib.lower_case(second.principal)
		text := sprintf("%s signed as %s and as %s", [first.principal, first.role, second.role])
	}
	same_key := {{"term": first.key, "text": text} |
		some first in accepted
		some second in accepted
		first.role < second.role
		first.key == second.key
		data.gate.lib.lower_case(first.principal) != data.gate.lib.lower_case(second.principal)
		text := sprintf("one key signed as %s (%s) and as %s (%s)", [
			first.role,
			first.principal,
			second.role,
			second.principal,
		])
	}
}

# Why a sign-off does not count; empty when it does. Who signed, and as what, follows from a signature that holds.
refusals(signoff) := [reason.text |
	some reason in [
		{"ok": is_string(signoff.principal), "text": "the signer is not known"},
		{"ok": is_string(signoff.key), "text": "the key is not known"},
		{
			"ok": data.gate.lib.same(signoff.role_authorised, true),
			"text": sprintf("the signer may not sign as %s", [signoff.role]),
		},
		{"ok": key_valid_at(signoff, signoff.signed_at_s), "text": "the key was not valid when it signed"},
		{"ok": key_valid_at(signoff, input.now_s), "text": "the key is no longer valid, or not yet"},
		{"ok": data.gate.lib.not_less(input.now_s, signoff.signed_at_s), "text": "it is dated in the future"},
		{"ok": not_older(signoff), "text": "it is older than the evidence it names"},
		{
			"ok": data.gate.lib.same(signoff.subject, input.subject.digest),
			"text": "it was given for other sources",
		},
		{
			"ok": data.gate.lib.same(signoff.evidence, object.get(input.evidence_digest, signoff.stage, null)),
			"text": "it was given for other evidence",
		},
		{"ok": data.gate.lib.same(signoff.policy.digest, input.policy.digest), "text": other_policy(signoff)},
		{"ok": not_the_author(signoff), "text": "its signer is the author of the change"},
		{
			"ok": authors_known(signoff),
			"text": "who wrote the change cannot be told (shallow clone, or a commit without an author)",
		},
	]
	reason.ok == false
] if {
	data.gate.lib.same(signoff.signature, "valid") == true
} else := [signature_text(signoff)]

signature_text(signoff) := object.get(
	{
		"revoked": "the key is revoked",
		"unknown_key": "allowed_signers does not list its key for sign-offs",
		"unsigned": "it is not signed",
	},
	object.get(signoff, "signature", "absent"),
	"the signature is invalid",
)

other_policy(signoff) := sprintf("it was signed under policy %s (%s…), now %s (%s…)", [
	signoff.policy.version,
	substring(signoff.policy.digest, 0, 8),
	input.policy.version,
	substring(input.policy.digest, 0, 8),
])

# The bounds are inclusive, as in OpenSSH; an absent bound (null) does not limit.
default key_valid_at(_, _) := false

key_valid_at(signoff, at_s) if {
	is_number(at_s)
	begun(signoff.key_valid_from_s, at_s)
	not_ended(signoff.key_valid_until_s, at_s)
}

default begun(_, _) := false

begun(from_s, _) if from_s == null

begun(from_s, at_s) if data.gate.lib.not_less(at_s, from_s)

default not_ended(_, _) := false

not_ended(until_s, _) if until_s == null

not_ended(until_s, at_s) if data.gate.lib.not_less(until_s, at_s)

# Nobody approves what they wrote: not the last commit, nor any commit since the last state of the sources that somebody
# else approved for the stage in the same role (all commits where there is none). Outside of git nobody wrote anything.
default not_the_author(_) := true

not_the_author(signoff) := false if {
	wrote(signoff.principal, [input.subject.author]) == true
} else := false if {
	known := [emails | some emails in changes(signoff); is_array(emails)]
	known != []
	count([emails | some emails in known; wrote(signoff.principal, emails) == true]) == count(known)
}

default authors_known(_) := true

authors_known(signoff) := false if {
	is_array(input.subject.authors)
	[emails | some emails in changes(signoff); is_array(emails)] == []
}

default wrote(_, _) := false

wrote(principal, emails) if {
	is_string(principal)
	some email in emails
	is_string(email)
	data.gate.lib.lower_case(email) == data.gate.lib.lower_case(principal)
}

default authors := []

authors := input.subject.authors if is_array(input.subject.authors)

# The authors since each state that clears the signer.
changes(signoff) := [entry.emails |
	some entry in authors
	clears(signoff, entry.since) == true
]

# Whether what was written up to the commit is no matter for the signer: somebody else has approved that.
default clears(_, _) := false

clears(_, commit) if commit == null

clears(signoff, commit) if {
	commit != null
	is_string(signoff.principal)
	some other in input.facts.signoffs.signoffs
	other.commit == commit
	other.stage == signoff.stage
	other.role == signoff.role
	other.verdict in ["approve", "conditional"]
	other.signature == "valid"
	other.role_authorised == true
	other.key != signoff.key
	data.gate.lib.lower_case(other.principal) != data.gate.lib.lower_case(signoff.principal)
	other.subject != input.subject.digest
	key_valid_at(other, other.signed_at_s)
	data.gate.lib.not_less(input.now_s, other.signed_at_s)
}

# Evidence that states no time cannot be younger than a sign-off.
default not_older(_) := true

not_older(signoff) := false if {
	named := object.get(data.gate.params.common.signoff_evidence.value, signoff.stage, [])
	some collector in named
	observed := object.get(input.facts, ["provenance", collector, "observed_at_s"], null)
	data.gate.lib.greater(observed, signoff.signed_at_s) == true
}
