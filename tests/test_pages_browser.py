"""The pages of `gate serve` in a real browser: seen on screens of every kind and used with a keyboard.

Needs Chromium, Node.js and `npm ci` in tests/browser.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from .engine.serve.site import Site, make, running

BROWSER = Path(__file__).parent / "browser"
CHROMIUM = shutil.which("chromium")
PATHS = {
    "decisions": "/",
    "found": "/?text=order&since=2025-13-01",
    "nothing": "/?text=nobody",
    "logs": "/logs",
    "log": "/logs/maker?workspace=algo-trade",
    "hostile": "/logs/hostile",
    "fresh": "/logs/fresh",
    "damaged": "/logs/damaged",
    "report": "/logs/maker/decisions/3",
    "hostile report": "/logs/hostile/decisions/0",
    "due": "/due",
    "verification": "/verification",
    "impact": "/impact",
    "not here": "/nothing",
}
SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "dark phone": {"scheme": "dark", "width": 375, "height": 800},
    "hebrew phone": {"locale": "he-IL", "width": 375, "height": 800},
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


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Chromium showed of each page on each screen."""
    with running(make(tmp_path_factory.mktemp("site"))) as site:
        looks = [
            {**look, "name": f"{name}, {screen}", "url": f"{site.url}{path}", "axe": name != "hostile report"}
            for name, path in PATHS.items()
            for screen, look in SCREENS.items()
        ]
        looks += [{"name": "keys", "url": f"{site.url}/", "tabs": 18}, searched(site)]
        done = subprocess.run(
            ["node", str(BROWSER / "look.mjs")],
            input=json.dumps(looks), env={**os.environ, "CHROMIUM": str(CHROMIUM)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def searched(site: Site) -> dict[str, Any]:
    """A visitor who fills in the form and presses Enter."""
    return {"name": "search", "url": f"{site.url}/", "fill": {"since": "2025-12-01", "text": "order"}}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", PATHS)
def test_a_page_is_whole_and_accessible(seen: dict[str, Any], name: str, screen: str) -> None:
    """One request; no script and nothing that the policy forbids; no line wider than the screen; axe-core
    finds nothing.
    """
    page = seen[f"{name}, {screen}"]
    refused = [one for one in page["errors"] if "the server responded with a status of" not in one]
    assert (len(page["requests"]), refused, page["dialogs"]) == (1, [], [])
    assert (page["scripts"], page["handlers"], page["ids"]) == (0, 0, 0)
    assert (page["overflow"], page["style"]) == (False, "0px")
    assert page["direction"] == ("rtl" if "hebrew" in screen else "ltr")
    if name != "hostile report":  # tests/test_report_browser.py has it
        assert page["violations"] == [] and page["checked"] > 10


def test_the_keyboard_is_enough(seen: dict[str, Any]) -> None:
    """Skip link, pages, form and decisions in the order of the page, each with a visible focus."""
    tabs = seen["keys"]["tabs"]
    assert all(visible for visible, _ in tabs)
    order = [name for _, name in tabs]
    assert order[:8] == ["Skip to the content", "gate", "Decisions", "Logs", "Due", "Verification",
                         "Policy impact", "text"]  # fmt: skip
    assert order[8:11] == ["log", "stage", "verdict"] and "since" in order and "until" in order


def test_a_form_without_a_script(seen: dict[str, Any]) -> None:
    """Enter in a field asks for what was typed; the URL says it, to be kept or sent."""
    asked = parse_qs(urlsplit(seen["search"]["shown"]).query, keep_blank_values=True)
    assert asked["text"] == ["order"] and asked["since"] == ["2025-12-01"] and asked["log"] == [""]
