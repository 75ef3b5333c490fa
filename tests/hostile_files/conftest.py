"""A workspace with a file of every kind that gate reads, all of them good."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from gate.evidence.collecting.interface import Origin
from gate.evidence.collecting.provenance import statement

SEEDS = Path(__file__).resolve().parents[1] / "fuzz" / "corpus"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ready"
ADDED = {
    "bom.json": "cyclonedx/seed-tool",
    "sbom.spdx.json": "spdx/seed-packages",
    "coverage.json": "coverage_json/seed-branch",
    "coverage.xml": "coverage_xml/seed-branch",
    "coverage.lcov": "coverage_lcov/seed-branch",
    "messages/order_intents.jsonl": "messages/seed-intents",
    "risk/a.py": "risk_python/seed-config",
    "risk/b.yaml": "risk_yaml/seed-forms",
    "risk/c.toml": "risk_toml/seed-forms",
    "a.sarif": "sarif/seed-bandit",
    "pip-audit.json": "pip_audit/seed-report",
    "waivers/a.json": "waiver/seed-planned",
}
SETTINGS = """\
evidence:
  components: {documents: [bom.json, sbom.spdx.json]}
  risk_parameters: {paths: [risk/*]}
  values:
    read:
      a: {file: values/a.json}
      b: {file: values/b.yaml}
      c: {file: values/c.toml}
      d: {file: values/d.csv}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The good example with a file of every kind that gate reads."""
    root = tmp_path / "w"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("ledger", "__pycache__", ".ruff_cache"))
    for path, seed in ADDED.items():
        (root / path).parent.mkdir(exist_ok=True)
        shutil.copy(SEEDS / seed, root / path)
    (root / "risk/d.json").write_text('{"KILL_PNL": -0.05}')
    (root / "values").mkdir()
    for path, text in (
        ("a.json", '{"a": 1}'),
        ("b.yaml", "a: 1"),
        ("c.toml", "a = 1"),
        ("d.csv", "a,b\n1,2\n"),
    ):
        (root / "values" / path).write_text(text)
    (root / "gate.yaml").write_text(SETTINGS)
    digest = hashlib.sha256((root / "junit.xml").read_bytes()).hexdigest()
    stated = statement("junit.xml", digest, Origin(digest="0" * 64), "2025-12-05T09:00:00Z", "urn:test")
    (root / "junit.xml.provenance.json").write_bytes(stated)
    return root
