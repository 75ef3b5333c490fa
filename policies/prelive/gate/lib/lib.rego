# METADATA
# title: Comparisons that every stage uses
# description: >-
#   Each function compares one fact with one policy parameter ({value, unit, rationale}) and returns an operand: what
#   was compared, how, with what result. An unmeasured fact (null) never holds. A stage rule puts its operands into
#   check() and turns the operands that do not hold into violations().
package gate.lib

# --- numbers -------------------------------------------------------------------------------------------------------

at_least(name, actual, param) := operand(name, "≥", actual, param, not_less(actual, param.value))

above(name, actual, param) := operand(name, ">", actual, param, greater(actual, param.value))

at_most(name, actual, param) := operand(name, "≤", actual, param, not_less(param.value, actual))

below(name, actual, param) := operand(name, "<", actual, param, greater(param.value, actual))

# Two operands: the lower and the upper bound, both inclusive.
between(name, actual, low, high) := [at_least(name, actual, low), at_most(name, actual, high)]

# --- values --------------------------------------------------------------------------------------------------------

equals(name, actual, param) := operand(name, "=", actual, param, same(actual, param.value))

is_true(name, actual) := equals(name, actual, {"value": true, "unit": "boolean"})

is_false(name, actual) := equals(name, actual, {"value": false, "unit": "boolean"})

# --- lists ---------------------------------------------------------------------------------------------------------

# Holds when there are no terms at all; a term is a stable name that a waiver can point to.
none(name, terms) := none_of(name, {{"term": term, "text": term} | some term in terms})

# As none(), from findings {"term", "text"} (a set or a list), where the text says what is wrong with the term. A finding
# may have the "path" and "line" of the offending place. (Rows, since engines order objects of different keys differently.)
none_of(name, findings) := object.union(
	{
		"name": name,
		"op": "∅",
		"actual": [row[1] | some row in rows],
		"expected": [],
		"unit": "list",
		"holds": rows == [],
		"terms": [row[0] | some row in rows],
	},
	places_of(rows),
) if {
	rows := sort({[finding.term, finding.text, path, line] |
		some finding in findings
		path := object.get(finding, "path", "")
		line := object.get(finding, "line", 0)
	})
}

# One place per term; the path is empty and the line 0 where the finding has none.
places_of(rows) := {"places": places} if {
	places := [{"path": row[2], "line": row[3]} | some row in rows]
	some place in places
	place.path != ""
} else := {}

# One finding more where a list was cut off: whoever waives all that are listed has not waived the others.
not_listed(found, total) := {{"term": "not listed", "text": sprintf("%v more, which are not listed", [more])} |
	data.gate.lib.greater(total, count(found)) == true
	more := total - count(found)
}

# Holds when the one value is among the accepted ones; its only term is the value that is not.
one_of(name, actual, param) := none_of(name, {{"term": term, "text": text} |
	some refused in others(actual, param.value)
	term := sprintf("%v", [refused])
	text := not_among(term, param.value)
})

# What is wrong with a value that is not among the accepted ones, with these.
not_among(text, accepted) := sprintf("%s, accepted: %s", [text, concat(", ", [sprintf("%v", [each]) |
	some each in accepted
])])

# The value as a set, without the listed ones. (The embedded engine wants a comprehension bound before it is iterated.)
others(value, listed) := {value} - known if {
	known := {each | some each in listed}
}

# Holds when every expected name is there. An empty expectation never holds: it would ask for nothing.
contains_all(name, actual, param) := {
	"name": name,
	"op": "⊇",
	"actual": actual,
	"expected": param.value,
	"unit": param.unit,
	"holds": covers(missing, param.value),
	"terms": missing,
} if {
	missing := sort({wanted | some wanted in param.value} - {present | some present in actual})
}

# --- rules ---------------------------------------------------------------------------------------------------------

# A rule holds when it has operands and all of them hold.
check(operands) := {"holds": all_hold(operands), "operands": operands}

# One violation for each operand that does not hold, or one for each term of it where it has terms.
violations(code, rule_check, msg) := {violation |
	some broken in rule_check.operands
	broken.holds == false
	some violation in operand_violations(code, broken, msg)
}

# Seconds between an observation and the injected time of the decision; null when nothing was observed.
default age_s(_) := null

age_s(observed_at_s) := input.now_s - observed_at_s if {
	is_number(observed_at_s)
	is_number(input.now_s)
}

# --- inside --------------------------------------------------------------------------------------------------------

operand(name, op, actual, param, holds) := {
	"name": name,
	"op": op,
	"actual": actual,
	"expected": param.value,
	"unit": param.unit,
	"holds": holds,
}

# null sorts below every number in Rego, so the types are asked for before the values are compared.
default not_less(_, _) := false

not_less(a, b) if {
	is_number(a)
	is_number(b)
	a >= b
}

default greater(_, _) := false

greater(a, b) if {
	is_number(a)
	is_number(b)
	a > b
}

default same(_, _) := false

same(a, b) if {
	a != null
	a == b
}

default covers(_, _) := false

covers(missing, expected) if {
	missing == []
	expected != []
}

default all_hold(_) := false

all_hold(operands) if {
	operands != []
	every each in operands {
		each.holds == true
	}
}

operand_violations(code, broken, msg) := [violation] if {
	object.get(broken, "terms", []) == []
	violation := {
		"code": code,
		"msg": msg,
		"operand": broken.name,
		"op": broken.op,
		"expected": broken.expected,
		"actual": broken.actual,
		"unit": broken.unit,
	}
} else := [violation |
	some i, term in broken.terms
	reported := {
		"code": code,
		"msg": sprintf("%s: %s", [msg, term_text(broken, i)]),
		"operand": broken.name,
		"op": broken.op,
		"expected": broken.expected,
		"actual": term_actual(broken, i),
		"unit": broken.unit,
		"term": term,
	}
	violation := object.union(reported, term_place(broken, i))
]

term_place(broken, i) := place if {
	places := object.get(broken, "places", [])
	place := places[i]
	place.line > 0
} else := {"path": place.path} if {
	places := object.get(broken, "places", [])
	place := places[i]
	place.path != ""
} else := {}

term_text(broken, i) := broken.actual[i] if {
	broken.op == "∅"
} else := broken.terms[i]

term_actual(broken, i) := broken.actual[i] if {
	broken.op == "∅"
} else := broken.actual

# Names that are not in the order of the required ones; a missing one is another finding.
out_of_order(names, required) := {{"term": "order", "text": concat(", ", done)} |
	done := [name |
		some name in names
		some wanted in required
		wanted == name
	]
	expected := [wanted |
		some wanted in required
		some name in names
		wanted == name
	]
	done != expected
}
