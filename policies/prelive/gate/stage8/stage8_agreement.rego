package gate.stage8

# Pieces of evidence beside each other: what one of them limits or excludes, another must not show.

check_evidence_agrees := data.gate.lib.check([
	data.gate.lib.none_of("orders_beyond_limits", orders_beyond_limits(input.facts.paper, input.facts.account)),
	data.gate.lib.none_of("triggers_reached", triggers_reached(input.facts.paper, input.facts.rollback)),
	data.gate.lib.none_of(
		"switches_too_late",
		switches_too_late(input.facts.risk_parameters.parameters, input.facts.rollback),
	),
	data.gate.lib.none_of("accounts_differ", accounts_differ(input.facts.paper, input.facts.account)),
	data.gate.lib.none_of("slower_than_mapped", slower_than_mapped(input.facts.account, input.facts.interface_map)),
	data.gate.lib.none_of("drill_values", drill_values(input.facts.rollback, input.facts.account)),
	data.gate.lib.none_of("drill_beyond_procedure", drill_beyond_procedure(input.facts.rollback)),
	data.gate.lib.none_of("during_the_session", during_the_session(input.facts.rollback, input.facts.paper)),
])

# METADATA
# title: Pieces of evidence do not contradict each other
# description: >-
#   No order that the broker took was above the account's largest order, nor of more than twice its largest position. The
#   session reached no trigger of the rollback procedure, and no kill switch of the code fires later than the procedure
#   begins. Session, drill and probe are of one account: its value did not halve or double between them, and no drill
#   flattened it while the session traded on. The drill kept as much of it as the procedure asks for,
#   and the probe's requests took no longer than the interface map promises. Paper accounts in the sources, of which none is the probed one, are a
#   warning.
# custom:
#   short_name: evidence_agrees
#   severity: CRITICAL
#   risk: Each piece of evidence looks right, and they are of different things.
#   solution: Find out which of the two places is wrong, and make that evidence again with what is judged.
#   owner: risk_officer
#   controls: [gate:stage8]
#   facts:
#     - paper.file
#     - account.file
#     - account.account
#     - rollback.file
#     - risk_parameters.parameters
#     - interface_map.file
#     - source.account_ids
#   optional_facts:
#     - paper.largest_order
#     - paper.largest_value
#     - paper.loss_ppm
#     - paper.drawdown_ppm
#     - paper.disconnects_per_hour
#     - paper.latency.p95_us
#     - paper.mock.p95_us
#     - paper.rejects
#     - paper.trades
#     - paper.equity
#     - paper.accounts_masked
#     - paper.same_account
#     - paper.observed_at_s
#     - paper.duration_s
#     - account.limits.max_order_size
#     - account.limits.max_position_value_cents
#     - account.nav_cents
#     - account.latencies
#     - interface_map.operations
#     - rollback.limits
#     - rollback.drill_file
#     - rollback.drill.same_account
#     - rollback.drill.performed_at_s
#     - rollback.drill.nav_before_cents
#     - rollback.drill.nav_delta_ppm
deny_evidence_agrees contains result if some result in data.gate.lib.violations(
	"stage8.evidence_agrees", check_evidence_agrees,
	"Pieces of evidence contradict each other",
)

warn_evidence_agrees contains {"code": "stage8.evidence_agrees", "msg": msg} if {
	some found in other_accounts(input.facts.source.account_ids, input.facts.account.account)
	msg := sprintf("%s:%v names the paper account %s, %s names %s", [
		found.path,
		found.line,
		found.account,
		input.facts.account.file,
		input.facts.account.account,
	])
}

# The paper accounts in the sources, where the probed one is not among them.
other_accounts(found, probed) := [] if {
	probed == null
} else := [] if {
	[one | some one in found; one.account == probed] != []
} else := [one | some one in found; one.paper == true]

orders_beyond_limits(paper, account) := {{"term": term, "text": text, "path": paper.file} |
	some term, one in {
		"shares": {"order": paper.largest_order, "member": "quantity", "most": account.limits.max_order_size},
		"cents": {"order": paper.largest_value, "member": "cents", "most": turned(account.limits.max_position_value_cents)},
	}
	data.gate.lib.greater(one.order[one.member], one.most) == true
	text := sprintf("%s of %s is of %v %s, %s permits %v", [
		one.order.place,
		paper.file,
		one.order[one.member],
		term,
		account.file,
		one.most,
	])
}

# An order may turn a position at its limit into one at its limit on the other side.
turned(cents) := cents * data.gate.params.stage8.order_value_factor.value if {
	is_number(cents)
} else := null

# Limits are in millionths of what the figure is compared with: of the whole, of an hour, of the mock's latency.
triggers_reached(paper, rollback) := {{"term": limit.trigger, "text": text, "path": rollback.file, "line": limit.line} |
	scale := data.gate.params.stage8.trigger_scale.value
	some limit in rollback.limits
	some trigger, one in {
		"connection": {"what": "disconnections in an hour", "value": paper.disconnects_per_hour, "of": data.gate.params.stage8.trigger_hours.value},
		"drawdown": {"what": "drawdown in ppm", "value": paper.drawdown_ppm, "of": scale},
		"latency": {"what": "p95 latency in us", "value": paper.latency.p95_us, "of": paper.mock.p95_us},
		"pnl": {"what": "loss in ppm", "value": paper.loss_ppm, "of": scale},
		"rejections": {"what": "rejected orders", "value": paper.rejects, "of": paper.trades},
	}
	trigger == limit.trigger
	is_beyond(one, limit.micro, scale) == true
	text := sprintf("%s: %v of %v in %s, %s:%v begins at %v millionths", [
		one.what,
		one.value,
		one.of,
		paper.file,
		rollback.file,
		limit.line,
		limit.micro,
	])
}

# Whether value ÷ of is above the limit, without a fraction.
default is_beyond(_, _, _) := false

is_beyond(one, micro, scale) if {
	is_number(one.value)
	is_number(one.of)
	is_number(micro)
	one.value * scale > one.of * micro
}

# Whether two values of one account are too far apart for it.
default far_apart(_, _) := false

far_apart(first, second) if {
	is_number(second)
	data.gate.lib.greater(first, second * data.gate.params.stage8.account_value_factor.value) == true
}

far_apart(first, second) if {
	is_number(first)
	data.gate.lib.greater(second, first * data.gate.params.stage8.account_value_factor.value) == true
}

# What the session and the probe say of the account otherwise; that the log names another one has a rule of its own, which
# rests on the record that the settings name for it.
accounts_differ(paper, account) := {{"term": text, "text": text, "path": paper.file} |
	paper.same_account == true
	some named in paper.accounts_masked
	some other in data.gate.lib.others(named, [account.account])
	text := sprintf("%s names %s, %s names %v", [paper.file, other, account.file, account.account])
} | {{"term": "value", "text": text, "path": paper.file} |
	count(paper.equity) > 0
	last := paper.equity[count(paper.equity) - 1].nav_cents
	far_apart(last, account.nav_cents) == true
	text := sprintf("the equity in %s ends at %v cents, %s has %v", [paper.file, last, account.file, account.nav_cents])
}

# A switch in the code that fires later than the rollback procedure begins.
switches_too_late(parameters, rollback) := {{"term": parameter.name, "text": text, "path": parameter.path} |
	some name, trigger in data.gate.params.stage8.kill_switch_triggers.value
	some parameter in parameters
	parameter.name == name
	some limit in rollback.limits
	limit.trigger == trigger
	is_later(limit, parameter) == true
	text := sprintf("%s is %s in the code (%s), and %s:%v rolls back at %v millionths", [
		parameter.name,
		parameter.value,
		data.gate.stage8.place_of(parameter),
		rollback.file,
		limit.line,
		limit.micro,
	])
}

default is_later(_, _) := false

# Limits of losses are stated without their sign.
is_later(limit, parameter) if {
	limit.trigger != "psr"
	is_number(parameter.micro)
	side := data.gate.params.stage8.kill_switch_breach_side.value[parameter.name]
	data.gate.lib.greater(parameter.micro * side, limit.micro) == true
}

is_later(limit, parameter) if {
	limit.trigger == "psr"
	data.gate.lib.greater(limit.micro, parameter.micro) == true
}

# A drill halts and flattens the account on which the log of the session has orders at the same time.
during_the_session(rollback, paper) := {{"term": "session", "text": text, "path": rollback.drill_file} |
	rollback.drill.same_account == true
	is_number(paper.observed_at_s)
	is_number(paper.duration_s)
	is_number(rollback.drill.performed_at_s)
	begun := paper.observed_at_s - paper.duration_s
	data.gate.lib.greater(rollback.drill.performed_at_s, begun) == true
	data.gate.lib.greater(paper.observed_at_s, rollback.drill.performed_at_s) == true
	text := sprintf("%s was performed %v s after the session of %s began, on its account, and the session went on", [
		rollback.drill_file,
		rollback.drill.performed_at_s - begun,
		paper.file,
	])
}

drill_values(rollback, account) := {{"term": "value", "text": text, "path": rollback.drill_file} |
	rollback.drill.same_account == true
	far_apart(rollback.drill.nav_before_cents, account.nav_cents) == true
	text := sprintf("%s begins with %v cents, %s has %v", [
		rollback.drill_file,
		rollback.drill.nav_before_cents,
		account.file,
		account.nav_cents,
	])
}

# A drill after which the procedure's own check of the value would not have held.
drill_beyond_procedure(rollback) := {{"term": "nav", "text": text, "path": rollback.drill_file} |
	some limit in rollback.limits
	limit.trigger == "nav"
	data.gate.lib.greater(rollback.drill.nav_delta_ppm, limit.micro) == true
	text := sprintf("the value in %s changed by %v ppm, %s:%v permits %v", [
		rollback.drill_file,
		rollback.drill.nav_delta_ppm,
		rollback.file,
		limit.line,
		limit.micro,
	])
}

# What the probe measured often enough, and the interface map promises to be faster.
slower_than_mapped(account, mapped) := {{"term": one.operation, "text": text, "path": account.file} |
	some one in account.latencies
	data.gate.lib.not_less(one.samples, data.gate.params.stage8.latency_samples_min.value) == true
	some operation in mapped.operations
	operation.id == one.operation
	data.gate.lib.greater(one.p95_us, operation.latency_sla_us) == true
	text := sprintf("%s measured a p95 latency of %v us for %s, %s:%v promises %v", [
		account.file,
		one.p95_us,
		one.operation,
		mapped.file,
		operation.line,
		operation.latency_sla_us,
	])
}
