"""The audit report in a real browser: seen, printed, read aloud and used with a keyboard.

Needs Chromium, Node.js and `npm ci` in tests/browser. GATE_UPDATE_PICTURES=1 writes the pictures of
tests/browser/goldens anew; look at them before committing them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gate.engine.decision.document import Decision
from gate.engine.decision.exhibit import Exhibit
from gate.engine.report import registry
from gate.engine.report.interface import Screen

BROWSER = Path(__file__).parent / "browser"
GOLDENS = BROWSER / "goldens"
CHROMIUM = shutil.which("chromium")
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202e[x](javascript:alert(3))</style>"
SEEN = {
    "desktop": {"file": "failed", "picture": True, "axe": True, "keys": 25},
    "dark": {"file": "failed", "picture": True, "axe": True, "scheme": "dark"},
    "phone": {"file": "failed", "picture": True, "axe": True, "width": 375, "height": 900},
    "hebrew": {"file": "hebrew", "picture": True, "axe": True},
    "figures": {"file": "passed", "picture": True, "axe": True, "at": "figures", "height": 1500},
    "figures on a phone": {"file": "passed", "picture": True, "at": "figures", "width": 375, "height": 1500},
    "print": {"file": "failed", "picture": True, "media": "print", "width": 794, "height": 1123, "pdf": True},
    "hostile": {"file": "hostile", "axe": True},
    "hostile on a phone": {"file": "hostile", "width": 375},
    "large": {"file": "large", "picture": True, "at": "matrix"},
}
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not here"),
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not here"),
    pytest.mark.skipif(
        not (BROWSER / "node_modules" / "playwright-core").is_dir(),
        reason="`npm ci` was not run in tests/browser",
    ),
]


def _hostile(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _hostile(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_hostile(item, name) for item in value]
    free = {"msg", "title", "question", "solution", "owner", "path", "workspace", "reason", "remedy", "rows"}
    return f"{value} {EVIL}" if isinstance(value, str) and name in free else value


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory, run_gate: Callable[..., Any]) -> dict[str, Decision]:
    """Decisions about the examples, as the program writes them, and changed ones."""
    here = tmp_path_factory.mktemp("judged")
    found = {}
    examples = Path(__file__).parent.parent / "examples"
    for name, example in (("failed", "algo-trade"), ("passed", "ready")):
        shutil.copytree(examples / example, here / example, ignore=shutil.ignore_patterns("ledger"))
        arguments = (
            "evaluate",
            "stage8",
            "-w",
            example,
            "--operator",
            examples / "operator.yaml",
            "--no-record",
        )
        document = json.loads(run_gate((*arguments, "-o", "json"), here, {}).out)
        del document["ledger"]
        found[name] = Decision.from_json(document)
    failed = found["failed"]
    table = failed.stages["stage1"].exhibits["artifacts.rows"]
    rows = tuple(
        [
            f"services/region{n % 7}/component_{n}/message_{n}.json",
            f"Category {n % 12}",
            *table.rows[n % 14][2:],
        ]
        for n in range(2000)
    )
    stage = replace(failed.stages["stage1"], exhibits={"artifacts.rows": Exhibit(table.columns, rows)})
    return {
        **found,
        "hebrew": failed,
        "hostile": Decision.from_json(_hostile(failed.to_json())),
        "large": replace(failed, stages={**failed.stages, "stage1": stage}),
    }


@pytest.fixture(scope="module")
def seen(decisions: dict[str, Decision], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Chromium showed of each page, and where its pictures are."""
    folder = tmp_path_factory.mktemp("pages")
    for name, decision in decisions.items():
        screen = Screen(language="he" if name == "hebrew" else "en", arguments=" --workspace app")
        (folder / f"{name}.html").write_bytes(registry.load("html").render(decision, None, screen))
    looks = [
        {**look, "name": name, "file": str(folder / f"{look['file']}.html")}
        | ({"picture": str(folder / f"{name.replace(' ', '-')}.png")} if "picture" in look else {})
        for name, look in SEEN.items()
    ]
    done = subprocess.run(
        ["node", str(BROWSER / "look.mjs")],
        input=json.dumps(looks), env={**os.environ, "CHROMIUM": str(CHROMIUM)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return {name: {**one, "folder": folder} for name, one in found.items()}


@pytest.mark.soak
@pytest.mark.parametrize("name", SEEN)
def test_a_page_is_whole_by_itself(seen: dict[str, Any], name: str) -> None:
    """Nothing is fetched, run or blocked; no line is wider than the screen; every link leads somewhere."""
    page = seen[name]
    assert [one.rpartition("/")[2] for one in page["requests"]] == [f"{SEEN[name]['file']}.html"]
    assert (page["errors"], page["dialogs"], page["links"]) == ([], [], [])
    assert (page["scripts"], page["handlers"], page["fetched"], page["ids"]) == (0, 0, 0, 0)
    assert page["overflow"] is False and page["style"] == "0px"
    assert page["direction"] == ("rtl" if name == "hebrew" else "ltr")


@pytest.mark.parametrize("name", [name for name, look in SEEN.items() if "axe" in look])
def test_a_page_is_accessible(seen: dict[str, Any], name: str) -> None:
    """axe-core finds nothing, in contrast, names, order and structure."""
    assert seen[name]["violations"] == [] and seen[name]["checked"] > 30


def test_the_keyboard_is_enough(seen: dict[str, Any]) -> None:
    """The first stop skips to the findings, focus is always visible, and a rule opens and closes."""
    page = seen["desktop"]
    assert (page["first"], page["hash"]) == ("skip", "#main")
    before, opened, closed = page["toggled"]
    assert before[0] == "SUMMARY" and opened == ["SUMMARY", not before[1]] and closed == before


def test_paper_shows_what_does_not_hold(seen: dict[str, Any]) -> None:
    """Printed, rules that do not hold are open: the report is some tens of pages."""
    assert 15 < seen["print"]["pdf"] < 90


@pytest.mark.parametrize("name", [name for name, look in SEEN.items() if "picture" in look])
def test_a_page_looks_as_it_was_reviewed(seen: dict[str, Any], name: str) -> None:
    """Small pictures agree block by block with the reviewed ones: fonts may differ, the layout not."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not here")
    file = f"{name.replace(' ', '-')}.png"
    shown = image.open(seen[name]["folder"] / file).convert("RGB")
    if os.environ.get("GATE_UPDATE_PICTURES"):
        shown.quantize(32).save(GOLDENS / file, optimize=True)
    known = image.open(GOLDENS / file).convert("RGB")
    assert shown.size == known.size
    blocks = (shown.width // 20, shown.height // 20)
    pairs = zip(shown.resize(blocks).tobytes(), known.resize(blocks).tobytes(), strict=True)
    differences = [abs(one - other) for one, other in pairs]
    assert sum(differences) / len(differences) < 8, "look at it; GATE_UPDATE_PICTURES=1 accepts it"
