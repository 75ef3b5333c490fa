"""A small bundle of one stage with two rules, which tests change."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from gate.engine.policy.bundle import SHIPPED

MANIFEST = {
    "revision": "1.0.0",
    "roots": ["gate"],
    "metadata": {
        "name": "small",
        "stages": {
            "demo": {
                "title": "Demo",
                "question": "Is it small?",
                "depends_on": [],
                "evidence": ["coverage"],
                "rules": ["demo.covered", "demo.tested"],
            }
        },
    },
}
COMMON = """\
condition_due_days: {value: {HIGH: 7}, unit: "map of days", rationale: "A week."}
waiver_approver_roles: {value: ["cto"], unit: "list", rationale: "Who answers."}
waiver_expiry_warning_days: {value: 30, unit: "days", rationale: "A month."}
"""
PARAMETERS = """\
line_min: {value: 800000, unit: "ppm", rationale: "Four fifths."}
failed_max: {value: 0, unit: "tests", rationale: "None may fail."}
kinds: {value: ["a", "b"], unit: "list", rationale: "Both."}
"""


def rule(name: str, helper: str, fact: str, parameter: str) -> str:
    """One rule as `opa fmt` lays it out."""
    return f"""
check_{name} := data.gate.lib.check([data.gate.lib.{helper}(
	"{name}",
	input.facts.{fact},
	data.gate.params.demo.{parameter},
)])

# METADATA
# title: It is {name}
# description: It is {name} as far as was agreed.
# custom:
#   short_name: {name}
#   severity: HIGH
#   solution: Do it.
#   owner: qa_lead
#   controls: [demo:1]
#   facts: [{fact}]
deny_{name} contains result if some result in data.gate.lib.violations(
	"demo.{name}", check_{name},
	"It is not {name}",
)
"""


MODULE = (
    "package gate.demo\n"
    + rule("covered", "at_least", "coverage.line_ppm", "line_min")
    + rule("tested", "at_most", "tests.failed", "failed_max")
    + """
warn_kinds contains kind if {
	some kind in data.gate.params.demo.kinds.value
	kind == input.facts.values.kind
}
"""
)
TESTS = """\
package gate.demo

test_covered_holds if {
	checked := check_covered with input as {"facts": {"coverage": {"line_ppm": 800000}}}
	checked.holds == true
	denied := deny_covered with input as {"facts": {"coverage": {"line_ppm": 800000}}}
	denied == set()
}

test_tested_fails if {
	denied := deny_tested with input as {"facts": {"tests": {"failed": 1}}}
	print("denied", count(denied))
	count(denied) == 1
}

test_kinds[kind] if {
	some kind in ["a", "b"]
	warned := warn_kinds with input as {"facts": {"values": {"kind": kind}}}
	warned == {kind}
}

todo_test_later := false
"""


def write(root: Path) -> Path:
    """Write the bundle, which nothing is wrong with, into a new directory."""
    files = {
        ".manifest": json.dumps(MANIFEST, indent=2) + "\n",
        "gate/params/common/data.yaml": COMMON,
        "gate/params/demo/data.yaml": PARAMETERS,
        "gate/demo/demo.rego": MODULE,
        "gate/demo/demo_test.rego": TESTS,
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "gate/lib").mkdir()
    shutil.copy(SHIPPED / "gate/lib/lib.rego", root / "gate/lib/lib.rego")
    return root


def edit(root: Path, path: str, old: str, new: str) -> None:
    """Replace a text that is there in a file of the bundle."""
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))
