"""A rule's answer and its operands must agree: a bundle that contradicts itself gives no verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Gate = Callable[..., Any]

SETTINGS = """\
policy: {bundle: policies}
subject: {sources: [algo_trade]}
"""
REPORT = """\
<coverage lines-valid="2" lines-covered="1" line-rate="0.5" branches-valid="0" branches-covered="0"
  branch-rate="0" complexity="0" version="7" timestamp="1730000000000">
<sources><source>.</source></sources>
<packages><package name="algo_trade"><classes>
<class name="a.py" filename="algo_trade/a.py"><methods/><lines><line number="1" hits="1"/></lines></class>
<class name="b.py" filename="algo_trade/b.py"><methods/><lines><line number="1" hits="0"/></lines></class>
</classes></package></packages></coverage>
"""
"""Half of the lines are covered; the small bundle asks for eight tenths."""

CHECK = 'check_amount := {"holds": enough, "operands": [operand]}'


@pytest.fixture
def judged(
    gate: Gate, make_workspace: Callable[..., Path], bundle_files: dict[str, str]
) -> Callable[[str], Any]:
    """How judging stage 1 ends where the small bundle's rule has another check."""

    def judge(check: str) -> Any:
        module = bundle_files["gate/stage1/stage1.rego"]
        assert module.count(CHECK) == module.count("\tenough == false\n") == 1
        # what is reported follows the check, so that nothing else is wrong with the bundle
        module = module.replace("\tenough == false\n", "\tcheck_amount.holds == false\n").replace(
            CHECK, check
        )
        bundle = {**bundle_files, "gate/stage1/stage1.rego": module}
        files = {
            "gate.yaml": SETTINGS,
            "algo_trade/a.py": "x = 1\n",
            "algo_trade/b.py": "y = 1\n",
            "coverage.xml": REPORT,
        }
        root = make_workspace({**files, **{f"policies/{path}": text for path, text in bundle.items()}})
        return gate("evaluate", "stage1", "-w", root, "-o", "table")

    return judge


def test_a_rule_that_agrees_with_its_operands_is_judged(judged: Callable[[str], Any]) -> None:
    """Unchanged, the rule finds that there is too little."""
    run = judged(CHECK)
    assert run.code == 1, run.err
    assert "50 %, needs ≥ 80 %" in run.out


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (
            'check_amount := {"holds": true, "operands": [operand]}',
            "the rule 'stage1.amount' holds although its operand 'amount' does not",
        ),
        (
            'check_amount := {"holds": enough, "operands": [object.union(operand, {"holds": true})]}',
            "the rule 'stage1.amount' does not hold although every operand does: 'amount'",
        ),
    ],
)
def test_a_contradiction_is_an_error(judged: Callable[[str], Any], check: str, said: str) -> None:
    """Neither a pass nor a failure: exit 2, naming rule and operand."""
    run = judged(check)
    assert run.code == 2, run.out
    assert said in run.err
    assert "correct the policy bundle" in run.err
    assert run.out == ""
