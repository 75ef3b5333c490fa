package gate.lib

five := {"value": 5, "unit": "count", "rationale": "for tests"}

test_at_least if {
	at_least("n", 5, five) == {"name": "n", "op": "≥", "actual": 5, "expected": 5, "unit": "count", "holds": true}
	at_least("n", 4, five) == {"name": "n", "op": "≥", "actual": 4, "expected": 5, "unit": "count", "holds": false}
}

test_above if {
	above("n", 6, five) == {"name": "n", "op": ">", "actual": 6, "expected": 5, "unit": "count", "holds": true}
	above("n", 5, five) == {"name": "n", "op": ">", "actual": 5, "expected": 5, "unit": "count", "holds": false}
}

test_at_most if {
	at_most("n", 5, five) == {"name": "n", "op": "≤", "actual": 5, "expected": 5, "unit": "count", "holds": true}
	at_most("n", 6, five) == {"name": "n", "op": "≤", "actual": 6, "expected": 5, "unit": "count", "holds": false}
}

test_below if {
	below("n", 4, five) == {"name": "n", "op": "<", "actual": 4, "expected": 5, "unit": "count", "holds": true}
	below("n", 5, five) == {"name": "n", "op": "<", "actual": 5, "expected": 5, "unit": "count", "holds": false}
}

test_equals if {
	equals("n", 5, five) == {"name": "n", "op": "=", "actual": 5, "expected": 5, "unit": "count", "holds": true}
	equals("n", 6, five) == {"name": "n", "op": "=", "actual": 6, "expected": 5, "unit": "count", "holds": false}
	is_true("b", false) == {"name": "b", "op": "=", "actual": false, "expected": true, "unit": "boolean", "holds": false}
	is_false("b", false) == {"name": "b", "op": "=", "actual": false, "expected": false, "unit": "boolean", "holds": true}
}

test_between if {
	ten := {"value": 10, "unit": "count", "rationale": "for tests"}
	between("n", 11, five, ten) == [
		{"name": "n", "op": "≥", "actual": 11, "expected": 5, "unit": "count", "holds": true},
		{"name": "n", "op": "≤", "actual": 11, "expected": 10, "unit": "count", "holds": false},
	]
}

# null sorts below every number, and equals null: neither may make anything hold.
test_null_never_holds if {
	nothing := {"value": null, "unit": "count", "rationale": "for tests"}
	operands := [
		at_least("n", null, five),
		above("n", null, five),
		at_most("n", null, five),
		below("n", null, five),
		equals("n", null, five),
		equals("n", null, nothing),
		at_least("n", 1, nothing),
		at_most("n", 1, nothing),
		is_true("n", null),
		is_false("n", null),
		one_of("n", null, {"value": ["DU"], "unit": "list", "rationale": "for tests"}),
	]
	every operand in operands {
		operand.holds == false
	}
}

# A number in a string, or a boolean, is not a number.
test_other_types_never_hold if {
	operands := [at_least("n", "9", five), at_most("n", true, five), above("n", [9], five), below("n", "", five)]
	every operand in operands {
		operand.holds == false
	}
}

test_none if {
	none("t", set()) == {"name": "t", "op": "∅", "actual": [], "expected": [], "unit": "list", "holds": true, "terms": []}
	none("t", ["b", "a", "b"]) == {
		"name": "t",
		"op": "∅",
		"actual": ["a", "b"],
		"expected": [],
		"unit": "list",
		"holds": false,
		"terms": ["a", "b"],
	}
}

test_none_of_keeps_term_and_text_together if {
	none_of("t", [{"term": "b", "text": "1"}, {"term": "a", "text": "2"}]) == {
		"name": "t",
		"op": "∅",
		"actual": ["2", "1"],
		"expected": [],
		"unit": "list",
		"holds": false,
		"terms": ["a", "b"],
	}
}

test_not_listed if {
	not_listed(["a"], 1) == set()
	not_listed([], null) == set()
	not_listed(["a"], 4) == {{"term": "not listed", "text": "3 more, which are not listed"}}
}

test_one_of if {
	allowed := {"value": [7497, 4002], "unit": "list", "rationale": "for tests"}
	one_of("p", 4002, allowed).holds == true
	one_of("p", 7496, allowed) == {
		"name": "p",
		"op": "∅",
		"actual": ["7496, accepted: 7497, 4002"],
		"expected": [],
		"unit": "list",
		"holds": false,
		"terms": ["7496"],
	}
}

test_contains_all if {
	wanted := {"value": ["a", "b"], "unit": "list", "rationale": "for tests"}
	contains_all("l", ["b", "c"], wanted) == {
		"name": "l",
		"op": "⊇",
		"actual": ["b", "c"],
		"expected": ["a", "b"],
		"unit": "list",
		"holds": false,
		"terms": ["a"],
	}
	contains_all("l", ["b", "a"], wanted).holds == true
}

# An emptied parameter must not make a rule pass that then asks for nothing.
test_empty_expectation_never_holds if {
	empty := {"value": [], "unit": "list", "rationale": "for tests"}
	checked := check([contains_all("l", ["a"], empty)])
	violations("s.c", checked, "Nothing is asked for") == {{
		"code": "s.c",
		"msg": "Nothing is asked for",
		"operand": "l",
		"op": "⊇",
		"expected": [],
		"actual": ["a"],
		"unit": "list",
	}}
}

test_check_without_operands_never_holds if {
	check([]) == {"holds": false, "operands": []}
}

test_violations_of_what_holds_are_none if {
	violations("s.c", check([at_least("n", 5, five)]), "Too few") == set()
}

test_violations_one_for_each_operand_and_term if {
	checked := check([at_least("n", 4, five), none("t", ["y", "x"]), at_most("m", 5, five)])
	checked.holds == false
	violations("s.c", checked, "Wrong") == {
		{"code": "s.c", "msg": "Wrong", "operand": "n", "op": "≥", "expected": 5, "actual": 4, "unit": "count"},
		{"code": "s.c", "msg": "Wrong: x", "operand": "t", "op": "∅", "expected": [], "actual": "x", "unit": "list", "term": "x"},
		{"code": "s.c", "msg": "Wrong: y", "operand": "t", "op": "∅", "expected": [], "actual": "y", "unit": "list", "term": "y"},
	}
}

test_age if {
	doc := {"now_s": 1000}
	age := age_s(900) with input as doc
	age == 100
	unmeasured := age_s(null) with input as doc
	unmeasured == null
}

# A list of required roles that somebody emptied does not approve anything.
test_governance_without_roles_never_holds if {
	nobody := {"value": [], "unit": "list", "rationale": "for tests"}
	operands := governance("stage1", nobody) with input as data.gate.ready.doc
	check(operands).holds == false
	is_accepted := accepted("stage1", nobody) with input as data.gate.ready.doc
	is_accepted == false
}
