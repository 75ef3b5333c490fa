package gate.stage8

test_risk_parameters_approved_holds if {
	checked := check_risk_parameters_approved with input as data.gate.ready.doc
	checked == {"holds": true, "operands": [{"actual": ["BOX_LIM", "GROSS_LIM", "KILL_PNL", "MAX_DD_KILL_SWITCH", "NET_LIM", "PSR_KILL_SWITCH", "VOL_TARGET"], "expected": ["KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH", "BOX_LIM", "GROSS_LIM", "NET_LIM", "VOL_TARGET"], "holds": true, "name": "risk_parameters", "op": "⊇", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "cannot_be_told", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "conflicting_parameters", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "limits_without_effect", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "approved_version_missing", "op": "∅", "terms": [], "unit": "list"}, {"actual": [], "expected": [], "holds": true, "name": "changes_not_approved", "op": "∅", "terms": [], "unit": "list"}]}
	denied := deny_risk_parameters_approved with input as data.gate.ready.doc
	denied == set()
	warned := warn_risk_parameters_approved with input as data.gate.ready.doc
	warned == set()
}

test_risk_parameters_approved_nothing_to_compare_with if {
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"baseline": null, "changed": null, "changes": null}, "signoffs": {"signoffs": []}}})
	checked := check_risk_parameters_approved with input as doc
	checked.holds == true
	denied := deny_risk_parameters_approved with input as doc
	denied == set()
	warned := warn_risk_parameters_approved with input as doc
	warned == {{"code": "stage8.risk_parameters_approved", "msg": "No approved version of the risk parameters is named: they were not compared with any"}}
}

test_risk_parameters_approved_approved_version_asked_for if {
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"baseline": null, "changed": null, "changes": null}}})
	checked := check_risk_parameters_approved with input as doc with data.gate.params.common.approved_baseline_required.value as true
	checked.holds == false
	denied := deny_risk_parameters_approved with input as doc with data.gate.params.common.approved_baseline_required.value as true
	denied == {{"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: no approved version is named to compare with", "operand": "approved_version_missing", "op": "∅", "expected": [], "actual": "no approved version is named to compare with", "unit": "list", "term": "approved version"}}
	warned := warn_risk_parameters_approved with input as doc with data.gate.params.common.approved_baseline_required.value as true
	warned == set()
}

test_risk_parameters_approved_changed_and_not_signed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"changed": 1, "changes": [{"name": "KILL_PNL", "path": "a.py", "line": 3, "change": "changed", "before": "-0.05", "after": "-0.1"}]}, "signoffs": {"signoffs": []}}})
	checked := check_risk_parameters_approved with input as doc
	checked.holds == false
	denied := deny_risk_parameters_approved with input as doc
	denied == {{"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: KILL_PNL changed from -0.05 to -0.1 in a.py", "operand": "changes_not_approved", "op": "∅", "expected": [], "actual": "KILL_PNL changed from -0.05 to -0.1 in a.py", "unit": "list", "term": "KILL_PNL", "path": "a.py"}}
	warned := warn_risk_parameters_approved with input as doc
	warned == set()
}

test_risk_parameters_approved_changed_and_signed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"changed": 1, "changes": [{"name": "KILL_PNL", "path": "a.py", "line": 3, "change": "changed", "before": "-0.05", "after": "-0.1"}]}}})
	checked := check_risk_parameters_approved with input as doc
	checked.holds == true
	denied := deny_risk_parameters_approved with input as doc
	denied == set()
	warned := warn_risk_parameters_approved with input as doc
	warned == {{"code": "stage8.risk_parameters_approved", "msg": "Accepted by sign-off: KILL_PNL changed from -0.05 to -0.1 in a.py"}}
}

test_risk_parameters_approved_changed_and_signed_by_others if {
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"changed": 1, "changes": [{"name": "KILL_PNL", "path": "a.py", "line": 3, "change": "changed", "before": "-0.05", "after": "-0.1"}]}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage8", "cto", {})]}}})
	checked := check_risk_parameters_approved with input as doc
	checked.holds == false
	denied := deny_risk_parameters_approved with input as doc
	denied == {{"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: KILL_PNL changed from -0.05 to -0.1 in a.py", "operand": "changes_not_approved", "op": "∅", "expected": [], "actual": "KILL_PNL changed from -0.05 to -0.1 in a.py", "unit": "list", "term": "KILL_PNL", "path": "a.py"}}
}

test_risk_parameters_approved_changed_and_another_stage_signed if {
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"changed": 1, "changes": [{"name": "KILL_PNL", "path": "a.py", "line": 3, "change": "changed", "before": "-0.05", "after": "-0.1"}]}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage1", "risk_officer", {})]}}})
	checked := check_risk_parameters_approved with input as doc
	checked.holds == false
	denied := deny_risk_parameters_approved with input as doc
	denied == {{"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: KILL_PNL changed from -0.05 to -0.1 in a.py", "operand": "changes_not_approved", "op": "∅", "expected": [], "actual": "KILL_PNL changed from -0.05 to -0.1 in a.py", "unit": "list", "term": "KILL_PNL", "path": "a.py"}}
}

test_risk_parameters_approved_changed_signed_and_rejected if {
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"changed": 1, "changes": [{"name": "KILL_PNL", "path": "a.py", "line": 3, "change": "changed", "before": "-0.05", "after": "-0.1"}]}, "signoffs": {"signoffs": [data.gate.ready.signoff("stage8", "risk_officer", {}), data.gate.ready.signoff("stage8", "cto", {"verdict": "reject"})]}}})
	checked := check_risk_parameters_approved with input as doc
	checked.holds == false
	denied := deny_risk_parameters_approved with input as doc
	denied == {{"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: KILL_PNL changed from -0.05 to -0.1 in a.py", "operand": "changes_not_approved", "op": "∅", "expected": [], "actual": "KILL_PNL changed from -0.05 to -0.1 in a.py", "unit": "list", "term": "KILL_PNL", "path": "a.py"}}
}

test_risk_parameters_approved_added_removed_and_more if {
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"changed": 3, "changes": [{"name": "BOX_LIM", "path": "b.py", "line": 1, "change": "added", "before": null, "after": "0.3"}, {"name": "NET_LIM", "path": "c.py", "line": 9, "change": "removed", "before": "0.6", "after": null}]}, "signoffs": {"signoffs": []}}})
	checked := check_risk_parameters_approved with input as doc
	checked.holds == false
	denied := deny_risk_parameters_approved with input as doc
	denied == {{"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: BOX_LIM added with 0.3 in b.py", "operand": "changes_not_approved", "op": "∅", "expected": [], "actual": "BOX_LIM added with 0.3 in b.py", "unit": "list", "term": "BOX_LIM", "path": "b.py"}, {"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: NET_LIM removed from c.py, was 0.6", "operand": "changes_not_approved", "op": "∅", "expected": [], "actual": "NET_LIM removed from c.py, was 0.6", "unit": "list", "term": "NET_LIM", "path": "c.py"}, {"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: 1 more, which are not listed", "operand": "changes_not_approved", "op": "∅", "expected": [], "actual": "1 more, which are not listed", "unit": "list", "term": "not listed"}}
}

test_risk_parameters_approved_conflicting if {
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"conflicting": ["VOL_TARGET"]}}})
	checked := check_risk_parameters_approved with input as doc
	checked.holds == false
	denied := deny_risk_parameters_approved with input as doc
	denied == {{"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: VOL_TARGET", "operand": "conflicting_parameters", "op": "∅", "expected": [], "actual": "VOL_TARGET", "unit": "list", "term": "VOL_TARGET"}}
}

test_risk_parameters_approved_absent if {
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"found": ["BOX_LIM", "GROSS_LIM", "KILL_PNL", "MAX_DD_KILL_SWITCH", "NET_LIM", "PSR_KILL_SWITCH"], "absent": ["VOL_TARGET"]}}})
	checked := check_risk_parameters_approved with input as doc
	checked.holds == false
	denied := deny_risk_parameters_approved with input as doc
	denied == {{"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: VOL_TARGET", "operand": "risk_parameters", "op": "⊇", "expected": ["KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH", "BOX_LIM", "GROSS_LIM", "NET_LIM", "VOL_TARGET"], "actual": ["BOX_LIM", "GROSS_LIM", "KILL_PNL", "MAX_DD_KILL_SWITCH", "NET_LIM", "PSR_KILL_SWITCH"], "unit": "list", "term": "VOL_TARGET"}}
}

# Not even a sign-off approves a value that nobody can tell.
test_risk_parameters_approved_cannot_be_told if {
	doc := object.union(data.gate.ready.doc, {"facts": {"risk_parameters": {"unknown_total": 3, "unknown": [{"name": "NET_LIM", "path": "a.py", "line": 3, "text": "f()"}, {"name": "BOX_LIM", "path": "b.toml", "line": null, "text": "[1]"}]}}})
	checked := check_risk_parameters_approved with input as doc
	checked.holds == false
	denied := deny_risk_parameters_approved with input as doc
	denied == {{"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: NET_LIM cannot be told at a.py:3: f()", "operand": "cannot_be_told", "op": "∅", "expected": [], "actual": "NET_LIM cannot be told at a.py:3: f()", "unit": "list", "term": "NET_LIM", "path": "a.py", "line": 3}, {"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: BOX_LIM cannot be told at b.toml: [1]", "operand": "cannot_be_told", "op": "∅", "expected": [], "actual": "BOX_LIM cannot be told at b.toml: [1]", "unit": "list", "term": "BOX_LIM", "path": "b.toml"}, {"code": "stage8.risk_parameters_approved", "msg": "A risk parameter is not the approved one: 1 more, which are not listed", "operand": "cannot_be_told", "op": "∅", "expected": [], "actual": "1 more, which are not listed", "unit": "list", "term": "not listed"}}
}
