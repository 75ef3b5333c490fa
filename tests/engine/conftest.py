"""Small policy bundles, made by factories: two stages, one rule each, without the shipped library."""

from __future__ import annotations

import copy
import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Time
from gate.engine.policy.bundle import load_bundle
from gate.engine.policy.interface import Bundle

RULE = """\
package gate.{stage}

default enough := false

enough if input.facts.{fact} >= data.gate.params.{stage}.least.value

operand := {{
	"name": "amount",
	"op": "≥",
	"actual": input.facts.{fact},
	"expected": data.gate.params.{stage}.least.value,
	"unit": "ppm",
	"holds": enough,
}}

check_amount := {{"holds": enough, "operands": [operand]}}

# METADATA
# title: There is enough of it
# description: The amount reaches the least amount.
# custom:
#   short_name: amount
#   severity: HIGH
#   solution: Make more of it.
#   owner: qa_lead
#   controls: [gate:{stage}]
#   facts: [{fact}]
deny_amount contains result if {{
	enough == false
	result := {{
		"code": "{stage}.amount", "msg": "There is too little", "operand": "amount", "op": "≥",
		"expected": operand.expected, "actual": operand.actual, "unit": "ppm",
	}}
}}
"""

LEAST = "least:\n  value: 800000\n  unit: ppm\n  rationale: as agreed\n"

COMMON = """\
condition_due_days:
  value: {CRITICAL: 3, HIGH: 7, MEDIUM: 14, LOW: 30}
  unit: map of days
  rationale: as agreed
waiver_approver_roles: {value: [cto], unit: list, rationale: as agreed}
waiver_expiry_warning_days: {value: 30, unit: days, rationale: as agreed}
stage2_actions:
  value: {PASS: GO, FAIL: STOP, FAIL_CRITICAL: STOP_NOW, CONDITIONAL: WAIT}
  unit: map
  rationale: as agreed
"""

MANIFEST: dict[str, Any] = {
    "revision": "1.2.3",
    "roots": ["gate"],
    "metadata": {
        "name": "small",
        "stages": {
            "stage1": {
                "title": "First",
                "question": "Is there enough?",
                "depends_on": [],
                "evidence": ["coverage"],
                "rules": ["stage1.amount"],
                "headline": {"amount": "coverage.line_ppm"},
            },
            "stage2": {
                "title": "Second",
                "question": "And here?",
                "depends_on": ["stage1"],
                "evidence": ["artifacts"],
                "rules": ["stage2.amount"],
            },
        },
    },
}


FIRST, SECOND = "gate/stage1/stage1.rego", "gate/stage2/stage2.rego"


@pytest.fixture
def bundle_files() -> dict[str, str]:
    """The files of a good small bundle, to be changed by a test."""
    return {
        ".manifest": json.dumps(MANIFEST),
        FIRST: RULE.format(stage="stage1", fact="coverage.line_ppm"),
        SECOND: RULE.format(stage="stage2", fact="artifacts.found_ppm"),
        "gate/params/stage1/data.yaml": LEAST,
        "gate/params/stage2/data.yaml": LEAST,
        "gate/params/common/data.yaml": COMMON,
    }


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The small bundle's manifest, to be changed by a test."""
    return copy.deepcopy(MANIFEST)


@pytest.fixture
def make_bundle(
    bundle_files: dict[str, str], make_workspace: Callable[..., Path]
) -> Callable[[dict[str, str | bytes | None]], Path]:
    """A factory of bundle directories: the small bundle with changed, added or (None) removed files."""

    def make(changes: dict[str, str | bytes | None] | None = None, name: str = "bundle") -> Path:
        files = {**bundle_files, **(changes or {})}
        return make_workspace({path: text for path, text in files.items() if text is not None}, name)

    return make


@pytest.fixture
def load(make_bundle: Callable[..., Path]) -> Callable[..., Bundle]:
    """A factory of loaded bundles, from the same changes."""

    def load_changed(changes: dict[str, str | bytes | None] | None = None) -> Bundle:
        return load_bundle(make_bundle(changes))

    return load_changed


EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session")
def judged_examples(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], service.Judged]:
    """Real decisions about copies of the examples, each made once: (example, stage) → what was judged."""
    made: dict[tuple[str, str], service.Judged] = {}
    roots: dict[str, Path] = {}

    def judge(example: str, stage: str) -> service.Judged:
        if example not in roots:
            roots[example] = tmp_path_factory.mktemp("examples") / example
            ignored = shutil.ignore_patterns("ledger", "__pycache__")
            shutil.copytree(EXAMPLES / example, roots[example], ignore=ignored)
        if (example, stage) not in made:
            setting = open_context(roots[example], operator=EXAMPLES / "operator.yaml")
            assert setting.config.effective_time is not None
            time = Time(setting.config.effective_time, "operator")
            made[example, stage] = service.evaluate(setting, stage, time)
        return made[example, stage]

    return judge


@pytest.fixture
def memory_plugin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The installed distribution `gate-memory`, which serves `memory:` URLs; its module."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "memory_plugin")
    return importlib.import_module("gate_memory")
