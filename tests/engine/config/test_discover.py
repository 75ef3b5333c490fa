"""``gate init`` proposes what a repository has: sources, seeds and their keys, documents, evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.config.scaffold import set_up
from gate.engine.config.settings import load_config
from gate.evidence.collecting.registry import load
from gate.evidence.reading.workspace import Workspace

Make = Callable[..., Path]

LAYOUTS: dict[str, tuple[dict[str, str], list[str] | None]] = {
    "src layout": ({"src/pkg/a.py": "", "tests/test_a.py": "", "docs/conf.py": ""}, ["src", "tests"]),
    "packages": ({"engine/__init__.py": "", "broker/x/y.py": "", "data/a.csv": ""}, ["broker", "engine"]),
    "flat modules": ({"app.py": "", "orders.py": "", "README.md": ""}, ["app.py", "orders.py"]),
    "other languages": ({"lib/main.ts": "", "test/main.test.ts": "", "web.js": ""}, ["lib", "test"]),
    "contracts and fixtures": (
        {"app/a.py": "", "contracts/a.json": "{}", "fixtures/s.yaml": ""},
        ["app", "contracts", "fixtures"],
    ),
    "tests only": ({"tests/test_a.py": ""}, None),
    "no code": ({"notes.txt": "x"}, None),
    "empty": ({}, None),
    "a name that settings cannot have": (
        {"src/a.py": "", "we*ird/b.py": "", "x\\y.py": ""},
        ["src", "we?ird/**", "x?y.py"],
    ),
    "names that YAML would read otherwise": (
        {
            "no/a.py": "",
            "Null/n.py": "",
            "off/o.py": "",
            "1e3/b.py": "",
            "a: b #c/d.py": "",
            "- x/y.py": "",
            "מסחר/z.py": "",
            "it's/q.py": "",
        },
        ["- x", "1e3", "Null", "a: b #c", "it's", "no", "off", "מסחר"],
    ),
    "tools": ({"app/a.py": "", ".venv/x.py": "", "node_modules/y.js": "", "build/z.py": ""}, ["app"]),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_source_folders_are_those_that_exist(make_workspace: Make, name: str) -> None:
    """Only what is there is named, and nothing is named where that would leave code out."""
    files, sources = LAYOUTS[name]
    root = make_workspace(files)
    set_up(root, templates=False)
    config = load_config(root)
    assert config.subject.sources == sources
    for source in config.subject.sources or ():
        assert (root / source).exists() or any(root.glob(source))


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("fixtures/seeds.yaml", "global: 42\nproperty: 100\n", {}),
        ("config/seeds.toml", "global = 42\nchaos = 300\n", {"seeds": "config/seeds.toml"}),
        (
            "fixtures/seeds.yaml",
            "seeds:\n  base:\n    global: 42\n  suites:\n    chaos: 300\n",
            {"seed_keys": {"global": "seeds.base.global", "chaos": "seeds.suites.chaos"}},
        ),
        (
            "fixtures/seeds.yaml",
            "global_seed: 42\nchaos: {seed: 300}\n",
            {"seed_keys": {"global": "global_seed", "chaos": "chaos.seed"}},
        ),
        (
            "tests/seeds.json",
            '{"v1.0": {"global": 42}}',
            {"seeds": "tests/seeds.json", "seed_keys": {"global": "/v1.0/global"}},
        ),
        ("fixtures/seeds.yaml", "- 1\n- 2\n", {}),
        ("fixtures/seeds.yaml", "a: [", {}),
    ],
)
def test_seeds_are_found_with_their_shape(
    make_workspace: Make, path: str, content: str, expected: dict[str, Any]
) -> None:
    """The collector of fixtures finds every seed with the settings that are written."""
    root = make_workspace({path: content})
    report = set_up(root, templates=False)
    options = load_config(root).evidence.get("fixtures", {})
    kind = load("fixtures")
    if not hasattr(kind.Options(), "seed_keys"):
        expected = {name: value for name, value in expected.items() if name != "seed_keys"}
    assert options == expected
    seeds = kind(kind.Options(**options)).collect(Workspace(root).view()).facts["seeds"] or {}
    if report.found.seeds and hasattr(kind.Options(), "seed_keys"):
        assert seeds["global"] == 42


EVIDENCE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "junit": (
        "reports/unit.xml",
        '<?xml version="1.0"?><testsuites/>',
        {"tests": {"junit": ["reports/unit.xml"]}},
    ),
    "cobertura": (
        "out/cov.xml",
        '<?xml version="1.0"?><coverage line-rate="1"/>',
        {"coverage": {"xml": "out/cov.xml"}},
    ),
    "lcov": ("out/lcov.info", "TN:\nSF:a.py\nend_of_record\n", {"coverage": {"lcov": "out/lcov.info"}}),
    "coverage data": ("out/.coverage", "SQLite", {"coverage": {"data": "out/.coverage"}}),
    "coverage json": (
        "out/c.json",
        '{"meta": {}, "files": {}, "totals": {}}',
        {"coverage": {"json": "out/c.json"}},
    ),
    "sarif": ("scan/semgrep.sarif", '{"runs": []}', {"scans": {"sarif": ["scan/semgrep.sarif"]}}),
    "pip-audit": (
        "scan/audit.json",
        '{"dependencies": [], "fixes": []}',
        {"scans": {"pip_audit": ["scan/audit.json"]}},
    ),
    "cyclonedx": (
        "sbom/app.json",
        '{"bomFormat": "CycloneDX"}',
        {"components": {"documents": ["sbom/app.json"]}},
    ),
    "account": (
        "broker/account.json",
        '{"account_id": "DU1234567", "buying_power": 1}',
        {"account": {"path": "broker/account.json"}},
    ),
    "paper log": (
        "paper/log.json",
        '{"session_id": "1", "trades": []}',
        {"paper": {"log": "paper/log.json"}},
    ),
    "paper metrics": ("paper/m.csv", "metric,value,unit,status\n", {"paper": {"metrics": "paper/m.csv"}}),
    "interface map": (
        "docs/interface-map.md",
        "# Map\n",
        {"interface_map": {"path": "docs/interface-map.md"}},
    ),
    "at its usual place": ("junit.xml", "<testsuites/>", {}),
    "something else": ("data/a.json", '{"a": 1}', {}),
    "foreign": ("node_modules/x/junit.xml", "<testsuites/>", {}),
}


@pytest.mark.parametrize("name", EVIDENCE)
def test_evidence_is_recognised_by_what_it_holds(make_workspace: Make, name: str) -> None:
    """Where the collector would not look by itself, the settings name the file."""
    path, content, expected = EVIDENCE[name]
    root = make_workspace({path: content})
    set_up(root, templates=False)
    assert load_config(root).evidence == expected


def test_an_account_number_is_in_no_settings(make_workspace: Make) -> None:
    """The account's file is named; its id is not copied."""
    root = make_workspace({"broker/account.json": '{"account_id": "DU7654321", "buying_power": 1}'})
    set_up(root, templates=False)
    assert "DU7654321" not in (root / "gate.yaml").read_text()


@pytest.mark.parametrize("level", [2, 3, 4])
def test_headings_of_the_checklist(make_workspace: Make, level: int) -> None:
    """Whatever the level of its headings, the settings make the collector see the categories."""
    mark = "#" * level
    text = f"# Checklist\n\n{mark} Risk (100 pts)\n\n- [x] one\n\n{mark} Data (50 pts)\n\n- [ ] two\n"
    root = make_workspace({"docs/go-live-checklist.md": text})
    set_up(root, templates=False)
    options = load_config(root).evidence["checklist"]
    assert options["path"] == "docs/go-live-checklist.md"
    kind = load("checklist")
    facts = kind(kind.Options(**options)).collect(Workspace(root).view()).facts
    assert [category["points"] for category in facts["categories"]] == [100, 50]


@pytest.mark.parametrize("kind", ["package", "file", "link"])
def test_a_ledger_of_another_kind(make_workspace: Make, tmp_path: Path, kind: str) -> None:
    """Where ledger/ is something else, the ledger gets another directory."""
    root = make_workspace({"app/a.py": ""})
    if kind == "package":
        (root / "ledger").mkdir()
        (root / "ledger" / "book.py").write_text("x = 1\n")
    elif kind == "file":
        (root / "ledger").write_text("x")
    else:
        (root / "ledger").symlink_to(tmp_path)
    set_up(root, templates=False)
    assert load_config(root).ledger.location == "gate-ledger"


def test_rows_that_a_workspace_adds_have_skeletons(make_workspace: Make) -> None:
    """A matrix of its own: skeletons by kind, and what has none is named."""
    rows = [
        {"id": "plan", "pattern": "docs/PLAN.md", "kind": "markdown", "sections": {"scope": ["scope"]}},
        {"id": "table", "pattern": "t.csv", "kind": "csv", "header": ["a", "b"]},
        {"id": "data", "pattern": "d.json", "kind": "json"},
        {"id": "code", "pattern": "x.py", "kind": "python"},
        {"id": "there", "pattern": "README.md", "kind": "markdown"},
    ]
    root = make_workspace(
        {"gate.yaml": json.dumps({"evidence": {"artifacts": {"matrix": rows}}}), "README.md": "x"}
    )
    report = set_up(root, templates=True)
    assert not report.config and report.templates is not None
    assert report.templates.without == ["x.py"]
    assert "## Scope\n\n[TO BE FILLED]" in (root / "docs/PLAN.md").read_text()
    assert (root / "t.csv").read_text() == "a,b\n" and (root / "d.json.template").exists()
    assert (root / "README.md").read_text() == "x"
