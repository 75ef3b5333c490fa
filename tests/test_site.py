"""The documentation site: every page has its place, broken links fail, nothing is loaded from elsewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
_ITEM = re.compile(r"^\* \[.+?\]\(([\w./-]+\.md)\)", re.MULTILINE)


def test_every_page_is_in_the_navigation_once() -> None:
    """docs/index.md links each page of its folder, and two pages link those of theirs."""
    linked = Counter(
        (page.parent / item).relative_to(DOCS).as_posix()
        for page in (DOCS / "index.md", DOCS / "adr" / "README.md", DOCS / "collectors" / "README.md")
        for item in _ITEM.findall(page.read_text())
    )
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"index.md"}
    assert pages - set(linked) == set(), "put them under their part in docs/index.md"
    assert {page: count for page, count in linked.items() if count > 1 or page not in pages} == {}


def test_the_navigation_has_the_four_kinds_of_pages() -> None:
    """What to learn with, what to do, what to look up, what to understand."""
    parts = re.findall(r"^## (.+)$", (DOCS / "index.md").read_text(), re.MULTILINE)
    assert parts == ["Tutorials", "Guides", "Reference", "Explanation"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A documentation of two pages with this project's way of building it."""
    if importlib.util.find_spec("furo") is None:
        reason = "Sphinx with its theme is not installed: make site"
        if os.environ.get("GATE_TEST_ALL_PARTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    docs = tmp_path / "docs"
    docs.mkdir()
    shutil.copy(ROOT / "__init__.py", tmp_path)
    shutil.copy(DOCS / "conf.py", docs)
    (tmp_path / "Makefile").touch()
    (docs / "index.md").write_text("# Home\n\n## Guides\n\n* [Zebras](zebra.md): striped\n")
    (docs / "zebra.md").write_text(
        "# Zebras\n\n## How they run\n\nOkapis, too, as [it](../Makefile) says: [run](#how-they-run).\n"
    )
    return docs


def build(docs: Path) -> tuple[int, str]:
    """Build the site as `make site` does; the exit code and what was said."""
    [line] = re.findall(
        r"-m (sphinx -q -W .*) docs build/site$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    arguments = line.replace("build/doctrees", str(docs.parent / "trees")).split()
    done = subprocess.run(
        [sys.executable, "-m", *arguments, str(docs), str(docs.parent / "site")],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.soak
def test_the_site_needs_no_network(site: Path) -> None:
    """Its pages load nothing from elsewhere; the index of the search is a script."""
    assert build(site) == (0, "")
    made = site.parent / "site"
    page = (made / "zebra.html").read_text()
    assert "Guides" in page and 'href="index.html"' in page
    assert "it (<code" in page and "Makefile" in page  # what is no page is named, not linked
    loaded = r"""(?:<(?:script|img|iframe)[^>]*\ssrc|<link[^>]*\shref)=["']?(?:https?:)?//[^"'>]*"""
    for path in made.rglob("*.html"):
        assert re.findall(loaded, path.read_text()) == [], path
    for path in made.rglob("*.css"):
        assert re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//", path.read_text()) == [], path
    assert "okapi" in (made / "searchindex.js").read_text()
    assert 'src="searchindex.js"' in (made / "search.html").read_text()


@pytest.mark.soak
@pytest.mark.parametrize(
    ("added", "named"),
    [
        ("[x](zebr.md)", "zebr"),
        ("[x](#how-they-walk)", "how-they-walk"),
        ("[x](index.md#nowhere)", "nowhere"),
        ("[x](../nothing.py)", "nothing.py"),
        ("[x](../../../../../../../../../../../etc/passwd)", "leads out of the repository"),
    ],
)
def test_what_leads_nowhere_fails_the_build(site: Path, added: str, named: str) -> None:
    """A page, an anchor here or there, a file of the source, and one outside of it, which is not copied."""
    with (site / "zebra.md").open("a") as page:
        page.write(f"\n{added}\n")
    code, said = build(site)
    assert code != 0 and "zebra.md" in said and named in said


@pytest.mark.soak
def test_a_page_outside_of_the_navigation_fails_the_build(site: Path) -> None:
    """Sphinx says so itself."""
    (site / "lost.md").write_text("# Lost\n")
    code, said = build(site)
    assert code != 0 and "lost.md" in said
