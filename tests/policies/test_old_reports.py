"""A test report proves something only about a recent run in which the broker stages' own tests passed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Time

FRESH, PASSED = "stage4.tests_fresh", "stage5.stage_tests_passed"
NOW = "2025-12-05T12:00:00Z"
REPORT = """\
<testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="0" skipped="0" tests="1"
 timestamp="{timestamp}"><testcase classname="{classname}" name="test_it" time="0.01" />
</testsuite></testsuites>
"""


@pytest.mark.soak
@pytest.mark.parametrize(
    ("timestamp", "classname", "codes"),
    [
        ("2020-01-01T00:00:00+00:00", "tests.unit.test_it", {FRESH, PASSED}),
        ("2025-12-05T11:00:00+00:00", "tests.stage6_account", {PASSED}),
        ("2025-12-05T12:00:01+00:00", "tests.stage6_account", {FRESH, PASSED}),
        ("2025-12-05T11:00:00", "tests.stage6_account", {FRESH, PASSED}),
    ],
)  # fmt: skip
def test_one_passed_test_is_not_enough(
    copy_example: Callable[..., Path], timestamp: str, classname: str, codes: set[str]
) -> None:
    """An old, future or undated report fails stage 4; one without the stages' own tests fails stage 5."""
    root = copy_example("ready")
    (root / "junit.xml").write_text(REPORT.format(timestamp=timestamp, classname=classname))
    decision = service.evaluate(open_context(root), "stage6", Time(NOW, "gate.yaml")).decision
    found = {violation.code for violation in decision.violations}
    assert found & {FRESH, PASSED} == codes
    if PASSED in codes:
        operands = {violation.operand for violation in decision.violations if violation.code == PASSED}
        stages = {"stage7", "stage8"} if "stage6" in classname else {"stage6", "stage7", "stage8"}
        assert operands == {f"{stage}_tests_passed" for stage in stages}
