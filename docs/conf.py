"""Builds the documentation site from docs/ with Sphinx; `make site` runs it.

The pages are plain Markdown, which the program and code hosts show, too. docs/index.md is the navigation:
every page is linked there once, under the heading of its part. A link or anchor that leads nowhere fails the
build. Nothing is loaded from elsewhere, and the search works without a network, also from a folder.

Sphinx and not MkDocs: its search index is a script, which browsers load from a folder, too; it knows when an
anchor is missing; it makes the manual page; and its Markdown parser is the one that gate has anyway.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
ITEM = re.compile(r"^\* \[(.+?)\]\(([\w./-]+)\.md\)", re.MULTILINE)
OUTSIDE = re.compile(r"\[([^\]]+)\]\(((?:\.\./)[\w./-]*)\)")

project = "gate"
author = "gate contributors"
version = release = re.findall(r'__version__ = "(.+)"', (DOCS.parent / "__init__.py").read_text())[0]
extensions = ["myst_parser"]
root_doc = "index"
exclude_patterns = ["images"]
myst_heading_anchors = 6
smartquotes = False
nitpicky = True

html_theme = "furo"
html_title = f"gate {release}"
html_show_sourcelink = False
html_copy_source = False
html_permalinks_icon = "#"

man_pages = [("commands", "gate", "policy-as-code compliance decisions", author, 1)]


def navigation(text: str, named: bool) -> str:
    """The table of contents that a page's lists of links stand for, in MyST; a heading is a part's name.

    Args:
        named: whether pages have the names of the list there, instead of their own titles.
    """
    trees = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE):
        pages = [f"{title} <{page}>" if named else page for title, page in ITEM.findall(part)]
        if pages:
            caption = f":caption: {part.partition(chr(10))[0]}\n" if "\n## " in text else ""
            trees.append(f"```{{toctree}}\n:hidden:\n{caption}\n" + "\n".join(pages) + "\n```\n")
    return "\n".join(trees)


def prepare(app: Any, name: str, source: list[str]) -> None:
    """Add the navigation, and name what is neither a page nor a contract instead of linking it."""

    def named(link: re.Match[str]) -> str:
        target = ((DOCS / name).parent / link[2]).resolve()
        if not target.is_relative_to(DOCS.parent):  # Sphinx would copy the file into the site
            raise ValueError(f"{name}.md: {link[2]} leads out of the repository")
        inside = target.is_relative_to(DOCS) or target.suffix == ".json"
        if inside or not target.exists():
            return link[0]
        path = target.relative_to(DOCS.parent)
        return link[1] if link[1].strip("`") == str(path) else f"{link[1]} (`{path}` in the source)"

    text = OUTSIDE.sub(named, source[0])
    home = name == "index"
    lists = navigation(text, named=home) if home or name.endswith("/README") else ""
    source[0] = f"{text}\n{lists}"


def setup(app: Any) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("source-read", prepare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
