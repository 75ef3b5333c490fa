package gate.lib

# Comparisons with the last approved version, which the operator names in gate.yaml; null where none is named.

# What is wrong where there is nothing to compare with and the policy data ask for it.
baseline_missing(baseline) := {{"term": "approved version", "text": "no approved version is named to compare with"} |
	baseline == null
	data.gate.params.common.approved_baseline_required.value == true
}

# The remark where there is nothing to compare with and the policy data do not ask for it.
baseline_remarks(code, baseline, msg) := {{"code": code, "msg": msg} |
	baseline == null
	data.gate.params.common.approved_baseline_required.value == false
}
