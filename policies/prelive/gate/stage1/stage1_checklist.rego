package gate.stage1

# What the pre-live checklist states beside its points.

check_checklist_weights := data.gate.lib.check([data.gate.lib.none_of(
	"weights",
	weights_off(input.facts.checklist.weights, data.gate.params.stage1.checklist_weights_sum.value),
)])

# METADATA
# title: The checklist's weights add up
# description: Where the pre-live checklist states weights of its categories, they add up to the whole.
# custom:
#   short_name: checklist_weights
#   severity: MEDIUM
#   risk: The score weighs the categories wrongly.
#   solution: Correct the weights in the pre-live checklist, so that they add up to 100 %.
#   owner: qa_lead
#   controls: [gate:stage1]
#   facts: [checklist.file, checklist.weights]
deny_checklist_weights contains result if some result in data.gate.lib.violations(
	"stage1.checklist_weights", check_checklist_weights,
	"The checklist's weights do not add up",
)

weights_off(weights, whole) := {{"term": "weights", "text": text} |
	weights != []
	total := sum([weight.ppm | some weight in weights])
	total != whole
	text := sprintf("the weights of %v categories add up to %v ppm of %v", [count(weights), total, whole])
}
