"""What the pages say of thresholds, dates, profiles and policies for Conftest works as it stands."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gate.engine.policy.bundle import SHIPPED

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


def block(page: str, heading: str, language: str) -> str:
    """The first code block of a language in a section of a page."""
    section = (ROOT / "docs" / page).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.search(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_pages_examples_work(
    gate: Callable[..., Any], copy_example: Callable[..., Path], tmp_path: Path
) -> None:
    """All of them in one decision about the ready example, by a copy of the shipped bundle."""
    root, bundle = copy_example("ready"), tmp_path / "policies"
    shutil.copytree(SHIPPED, bundle)
    manifest = json.loads((bundle / ".manifest").read_text())
    manifest["metadata"]["name"] = "acme"
    manifest["metadata"].update(
        json.loads("{" + block("policy-bundles.md", "Profiles", "text") + "}")  # a member, as it says
    )
    (bundle / ".manifest").write_text(json.dumps(manifest))
    collections = block("policy-bundles.md", "Profiles", "yaml").removeprefix("# custom:\n")
    date = block("policy-bundles.md", "A rule with a date", "yaml").removeprefix("# custom:\n")
    other = "#   collections: [later]\n"
    module = bundle / "gate/stage1/stage1.rego"
    text = module.read_text()
    for name, more in (("artifact_matrix", other), ("test_coverage", collections + date)):
        text = text.replace(f"#   short_name: {name}\n", f"#   short_name: {name}\n{more}")
    module.write_text(text)
    shutil.copytree(EXAMPLES / "trust", tmp_path / "trust")
    policy = block("operator.md", "Other thresholds, and a profile", "yaml")
    assert policy.count("policy:\n") == 1
    policy = policy.replace("policy:\n", f"policy:\n  bundle: {bundle.name}\n  profile: research\n")
    operator = tmp_path / "operator.yaml"
    operator.write_text((EXAMPLES / "operator.yaml").read_text() + policy)
    said = gate("evaluate", "stage1", "-w", root, "--operator", operator, "--no-record").out
    said = " ".join(said.split())
    assert block("operator.md", "Other thresholds, and a profile", "text").strip() in said
    assert "warning: test_coverage: binds from 2026-03-01: " in said  # 94.7 % of what the page asks for
    assert "not in profile research: artifact_matrix" in said


def test_the_page_on_policies_for_conftest_works(
    gate: Callable[..., Any], make_workspace: Callable[..., Path]
) -> None:
    """Policies, data and settings of the page give what it shows."""
    section = (ROOT / "docs/policy-bundles.md").read_text().split("\n## Policies for Conftest\n")[1]
    section = section.split("\n## ")[0]
    files = dict(re.findall(r"^```(?:yaml|rego)\n# in (\S+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
    assert len(files) == 4
    root = make_workspace(
        {
            "gate.yaml": files.pop("gate.yaml"),
            "src/app.py": "x = 1\n",
            "deploy/web.yaml": "kind: Deployment\nmetadata: {name: web}\n",
            "deploy/bridge.yaml": "kind: Deployment\nmetadata: {name: mainframe-bridge}\n",
        }
    )
    operator = make_workspace(files, "operator")
    run = gate("evaluate", "main", "-w", root, "--operator", operator, "--no-record")
    assert run.code == 1, run.err
    for line in block("policy-bundles.md", "Policies for Conftest", "text").splitlines():
        assert " ".join(line.split()) in " ".join(run.out.split())
