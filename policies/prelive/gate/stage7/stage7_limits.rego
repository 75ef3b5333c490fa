package gate.stage7

# The session beside what other evidence says of it: limits of the account, triggers of the rollback, the probe, the mock.

check_limits_kept := data.gate.lib.check([
	data.gate.lib.none_of("orders_beyond_limits", orders_beyond_limits(input.facts.paper, input.facts.account)),
	data.gate.lib.none_of("triggers_reached", triggers_reached(input.facts.paper, input.facts.rollback)),
])

# METADATA
# title: The session kept to the limits in force
# description: >-
#   No order that the broker took was above the account's largest order, nor of more than twice its largest position,
#   and the session reached no trigger of the rollback procedure: fall of the equity, disconnections in an hour, rejected
#   orders, latency beside the mock.
# custom:
#   short_name: limits_kept
#   severity: CRITICAL
#   risk: The limits are not those that the system trades by, or nothing keeps it to them.
#   solution: Find out why the limit did not hold, and run the session again; a trigger that was reached asks for a rollback.
#   owner: risk_officer
#   controls: [gate:stage7]
#   facts: [paper.file, account.file, account.limits.max_order_size, account.limits.max_position_value_cents]
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
#     - rollback.file
#     - rollback.limits
deny_limits_kept contains result if some result in data.gate.lib.violations(
	"stage7.limits_kept", check_limits_kept,
	"The session went beyond a limit",
)

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
turned(cents) := cents * data.gate.params.stage7.order_value_factor.value if {
	is_number(cents)
} else := null

# Limits are in millionths of what the figure is compared with: of the whole, of an hour, of the mock's latency.
triggers_reached(paper, rollback) := {{"term": limit.trigger, "text": text, "path": rollback.file, "line": limit.line} |
	scale := data.gate.params.stage7.trigger_scale.value
	some limit in rollback.limits
	some trigger, one in {
		"connection": {"what": "disconnections in an hour", "value": paper.disconnects_per_hour, "of": data.gate.params.stage7.trigger_hours.value},
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
	data.gate.lib.greater(first, second * data.gate.params.stage7.account_value_factor.value) == true
}

far_apart(first, second) if {
	is_number(first)
	data.gate.lib.greater(second, first * data.gate.params.stage7.account_value_factor.value) == true
}

# What the session and the probe say of the account otherwise.
accounts_differ(paper, account) := {{"term": text, "text": text, "path": paper.file} |
	some named in paper.accounts_masked
	some other in data.gate.lib.others(named, [account.account])
	text := sprintf("%s names %s, %s names %v", [paper.file, other, account.file, account.account])
} | {{"term": "value", "text": text, "path": paper.file} |
	count(paper.equity) > 0
	last := paper.equity[count(paper.equity) - 1].nav_cents
	far_apart(last, account.nav_cents) == true
	text := sprintf("the equity in %s ends at %v cents, %s has %v", [paper.file, last, account.file, account.nav_cents])
}

# Percentiles of the mock that are the session's own: nothing was measured twice to the microsecond.
copied(paper) := {"the mock has the p50 and p95 latency of the session" |
	data.gate.lib.same(paper.latency.p50_us, paper.mock.p50_us) == true
	data.gate.lib.same(paper.latency.p95_us, paper.mock.p95_us) == true
}
