package gate.lib

# What of the library no rule of this bundle uses.

test_order_of_the_required_ones if {
	none_out := out_of_order(["a", "x", "b"], ["a", "b", "c"])
	none_out == set()
	swapped := out_of_order(["b", "a"], ["a", "b"])
	swapped == {{"term": "order", "text": "b, a"}}
}

test_violations_name_what_is_missing if {
	checked := check([contains_all("names", ["a"], {"value": ["a", "b"], "unit": "list"})])
	found := violations("x.y", checked, "Something is missing")
	found == {{"code": "x.y", "msg": "Something is missing: b", "operand": "names", "op": "⊇", "expected": ["a", "b"], "actual": ["a"], "unit": "list", "term": "b"}}
}
