# METADATA
# title: Paper trading
# description: On paper, the system traded fast enough, cleanly enough and close enough to its backtest.
# custom:
#   question: Did it trade well enough on paper?
package gate.stage7

check_latency_delta := data.gate.lib.check(array.concat(
	[
		data.gate.lib.below(
			"latency_delta",
			input.facts.paper.latency_delta_ppm,
			data.gate.params.stage7.latency_delta_max,
		),
		data.gate.lib.none("not_of_the_mock", not_of_the_mock(input.facts.paper)),
	],
	data.gate.lib.between(
		"mock_age",
		data.gate.lib.age_s(input.facts.paper.mock.observed_at_s),
		data.gate.params.stage7.baseline_age_min,
		data.gate.params.stage7.baseline_age_max,
	),
))

# METADATA
# title: Paper is not much slower than the mock
# description: >-
#   The median latency on paper exceeds the mock's by less than the allowed share; the mock was measured not too
#   long ago and not in the future, its percentiles are not those of the session, and the program that was measured, if
#   one is named, is a file of the workspace.
# custom:
#   short_name: latency_delta
#   severity: HIGH
#   risk: Orders arrive too late for the prices that they were made for.
#   solution: Find where the broker path loses time, or calibrate the mock on the same host again.
#   owner: lead_trader
#   controls: [gate:stage7]
#   facts: [paper.latency_delta_ppm, paper.mock.observed_at_s, paper.mock.p50_us, paper.latency.p50_us, paper.mock.programs_not_there]
deny_latency_delta contains result if some result in data.gate.lib.violations(
	"stage7.latency_delta", check_latency_delta,
	"Paper trading is not known to be fast enough beside the mock",
)

# What shows that the baseline is not of the workspace's mock. Nothing is measured twice to the microsecond.
not_of_the_mock(paper) := {"the baseline has the p50 and p95 latency of the session" |
	data.gate.lib.same(paper.latency.p50_us, paper.mock.p50_us) == true
	data.gate.lib.same(paper.latency.p95_us, paper.mock.p95_us) == true
} | {text |
	some program in paper.mock.programs_not_there
	text := sprintf("the baseline is of %s, which no file of the workspace is", [program])
}

check_pacing := data.gate.lib.check([data.gate.lib.equals(
	"pacing_violations",
	input.facts.paper.pacing_violations,
	data.gate.params.stage7.pacing_violations,
)])

# METADATA
# title: The session kept within the pacing limits
# description: Neither the broker nor the log reports a message rate above the limit.
# custom:
#   short_name: pacing
#   severity: CRITICAL
#   risk: The broker throttles or cuts the connection while orders are open.
#   solution: Space the messages evenly below the limit and run the session again.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [paper.pacing_violations]
deny_pacing contains result if some result in data.gate.lib.violations(
	"stage7.pacing", check_pacing,
	"The session violated the pacing limits",
)

check_fill_rate := data.gate.lib.check([data.gate.lib.above(
	"fill_rate",
	input.facts.paper.fill_rate_ppm,
	data.gate.params.stage7.fill_rate_min,
)])

# METADATA
# title: Orders were filled
# description: More than the required share of the orders of the session was filled.
# custom:
#   short_name: fill_rate
#   severity: HIGH
#   risk: Positions differ from what the strategy assumes.
#   solution: Find out why orders were not filled (price, symbol, state handling) and run the session again.
#   owner: lead_trader
#   controls: [gate:stage7]
#   facts: [paper.fill_rate_ppm]
deny_fill_rate contains result if some result in data.gate.lib.violations(
	"stage7.fill_rate", check_fill_rate,
	"Too few orders were filled",
)

check_sharpe_ratio := data.gate.lib.check(array.concat(
	[data.gate.lib.at_least(
		"sharpe_ratio",
		input.facts.paper.sharpe_ratio_ppm,
		data.gate.params.stage7.sharpe_ratio_min,
	)],
	data.gate.lib.between(
		"backtest_age",
		data.gate.lib.age_s(input.facts.paper.backtest_at_s),
		data.gate.params.stage7.baseline_age_min,
		data.gate.params.stage7.baseline_age_max,
	),
))

# METADATA
# title: Paper keeps enough of the backtest Sharpe
# description: >-
#   The Sharpe ratio on paper is at least the required share of the backtest's, which was run not too long ago and not in
#   the future.
# custom:
#   short_name: sharpe_ratio
#   severity: HIGH
#   risk: The strategy does not earn outside of the back-test.
#   solution: Compare fills and costs on paper with those the backtest assumes, and correct whichever is wrong.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [paper.sharpe_ratio_ppm, paper.backtest_at_s]
deny_sharpe_ratio contains result if some result in data.gate.lib.violations(
	"stage7.sharpe_ratio", check_sharpe_ratio,
	"Paper is not known to keep enough of the backtest's Sharpe ratio",
)

check_sharpe_source := data.gate.lib.check([data.gate.lib.one_of(
	"sharpe_source_not_accepted",
	input.facts.paper.sharpe_source,
	data.gate.params.stage7.sharpe_sources,
)])

# METADATA
# title: The Sharpe ratio was recomputed
# description: The Sharpe ratio on paper is recomputed from the log, not only claimed by the metrics file.
# custom:
#   short_name: sharpe_source
#   severity: MEDIUM
#   risk: A figure that nobody can check decides about capital.
#   solution: Record the equity of the account in the paper log, so that the Sharpe ratio can be recomputed.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [paper.sharpe_source]
deny_sharpe_source contains result if some result in data.gate.lib.violations(
	"stage7.sharpe_source", check_sharpe_source,
	"The Sharpe ratio is only claimed",
)

check_trade_count := data.gate.lib.check(data.gate.lib.between(
	"trades",
	input.facts.paper.trades,
	data.gate.params.stage7.trades_min,
	data.gate.params.stage7.trades_max,
))

# METADATA
# title: The number of trades is within the planned range
# description: The session has no fewer and no more trades than planned.
# custom:
#   short_name: trade_count
#   severity: HIGH
#   risk: Too few trades to tell luck from skill, or far more than planned.
#   solution: Run a session whose number of trades is within the range.
#   owner: lead_trader
#   controls: [gate:stage7]
#   facts: [paper.trades]
deny_trade_count contains result if some result in data.gate.lib.violations(
	"stage7.trade_count", check_trade_count,
	"The number of trades is outside the planned range",
)

check_session_length := data.gate.lib.check([data.gate.lib.at_least(
	"session_length",
	input.facts.paper.duration_s,
	data.gate.params.stage7.session_min,
)])

# METADATA
# title: The session was long enough
# description: The session covered all phases of a trading day.
# custom:
#   short_name: session_length
#   severity: HIGH
#   risk: Faults that take hours were not seen.
#   solution: Run a longer session.
#   owner: lead_trader
#   controls: [gate:stage7]
#   facts: [paper.duration_s]
deny_session_length contains result if some result in data.gate.lib.violations(
	"stage7.session_length", check_session_length,
	"The session was too short",
)

check_p95_latency := data.gate.lib.check([data.gate.lib.below(
	"p95_latency",
	input.facts.paper.latency.p95_us,
	data.gate.params.stage7.p95_latency_max,
)])

# METADATA
# title: Orders were fast enough
# description: The 95th percentile (nearest rank) of the total latency is below the ceiling.
# custom:
#   short_name: p95_latency
#   severity: HIGH
#   risk: Orders arrive too late for the prices that they were made for.
#   solution: Find what the slowest orders waited for, and run the session again.
#   owner: lead_quant
#   controls: [gate:stage7]
#   facts: [paper.latency.p95_us]
deny_p95_latency contains result if some result in data.gate.lib.violations(
	"stage7.p95_latency", check_p95_latency,
	"The p95 latency is not below its ceiling",
)

check_disconnects_recovered := data.gate.lib.check([data.gate.lib.equals(
	"unrecovered_disconnects",
	input.facts.paper.unrecovered_disconnects,
	data.gate.params.stage7.unrecovered_disconnects,
)])

# METADATA
# title: The session recovered from every disconnect
# description: A reconnect followed each disconnect of the session.
# custom:
#   short_name: disconnects_recovered
#   severity: HIGH
#   risk: After a lost connection, open orders stay without control.
#   solution: Fix the reconnection and run the session again.
#   owner: devops_lead
#   controls: [gate:stage7]
#   facts: [paper.unrecovered_disconnects]
deny_disconnects_recovered contains result if some result in data.gate.lib.violations(
	"stage7.disconnects_recovered", check_disconnects_recovered,
	"A disconnect was not recovered",
)

check_metrics_agree := data.gate.lib.check([
	data.gate.lib.contains_all(
		"claimed_metrics",
		input.facts.paper.claimed_metrics,
		data.gate.params.stage7.claimed_metrics,
	),
	data.gate.lib.none_of("disagreements", disagreements(input.facts.paper.disagreements)),
])

# METADATA
# title: The claimed metrics match the log
# description: The metrics file claims every required figure, and each equals the value recomputed from the log.
# custom:
#   short_name: metrics_agree
#   severity: CRITICAL
#   risk: The figures shown are not those of the session.
#   solution: Find out how the metrics file was made, and generate it from the log.
#   owner: risk_officer
#   controls: [gate:stage7]
#   facts: [paper.file, paper.metrics_file, paper.claimed_metrics, paper.disagreements]
deny_metrics_agree contains result if some result in data.gate.lib.violations(
	"stage7.metrics_agree", check_metrics_agree,
	"A metric is not claimed, or differs from the log",
)

disagreements(found) := {{"term": one.metric, "text": text} |
	some one in found
	text := sprintf("%s: claimed %v, recomputed %v", [one.metric, one.claimed, one.recomputed])
}

check_symbols := data.gate.lib.check(data.gate.lib.between(
	"symbols",
	input.facts.paper.symbols,
	data.gate.params.stage7.symbols_min,
	data.gate.params.stage7.symbols_max,
))

# METADATA
# title: The planned number of symbols was traded
# description: The session traded as many symbols as planned.
# custom:
#   short_name: symbols
#   severity: LOW
#   risk: The session says little about the instruments that will be traded.
#   solution: Run a session over the planned number of liquid symbols.
#   owner: lead_trader
#   controls: [gate:stage7]
#   facts: [paper.symbols]
deny_symbols contains result if some result in data.gate.lib.violations(
	"stage7.symbols", check_symbols,
	"The number of symbols is outside the planned range",
)

check_order_types := data.gate.lib.check([
	data.gate.lib.none("order_types_missing", order_types_missing(input.facts.paper.order_types)),
	data.gate.lib.none("order_types_unknown", order_types_unknown(input.facts.paper.order_types)),
])

# METADATA
# title: Market and limit orders were used, as the broker spells them
# description: Each kind of order used in production occurs in the session, under a name that the broker knows.
# custom:
#   short_name: order_types
#   severity: LOW
#   risk: An order type is used live for the first time.
#   solution: Run a session with the kinds of order named, and log their types as the broker spells them.
#   owner: lead_trader
#   controls: [gate:stage7]
#   facts: [paper.file, paper.order_types]
deny_order_types contains result if some result in data.gate.lib.violations(
	"stage7.order_types", check_order_types,
	"A kind of order was not used, or has no name of the broker's",
)

order_types_missing(used) := {kind |
	some kind, names in data.gate.params.stage7.order_types.value
	count({name | some name in names} & {name | some name in used}) == 0
}

order_types_unknown(used) := {name | some name in used} - {name |
	some name in data.gate.params.stage7.broker_order_types.value
}

check_not_rejected := data.gate.lib.check(data.gate.lib.not_rejected("stage7"))

# METADATA
# title: Nobody who may stop the stage rejected it
# description: >-
#   No role that may stop a stage signed a rejection of exactly this source and this evidence. What such a role asks
#   for in an approval becomes a condition.
# custom:
#   short_name: not_rejected
#   severity: CRITICAL
#   risk: The stage goes on against the decision of somebody who may stop it.
#   solution: Fix what the rejection names, then judge the stage again with the new evidence.
#   owner: risk_officer
#   controls: [gate:stage7]
#   facts: [signoffs.signoffs]
deny_not_rejected contains result if some result in data.gate.lib.violations(
	"stage7.not_rejected", check_not_rejected,
	"The stage was rejected",
)

condition_not_rejected contains condition if {
	some condition in data.gate.lib.signoff_conditions(
		"stage7.not_rejected",
		"stage7",
		data.gate.params.common.rejecting_roles,
	)
}
