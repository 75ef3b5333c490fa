"""Markdown to HTML, without letting HTML of the note through."""

from __future__ import annotations

from markdown_it import MarkdownIt

MOST_CHARACTERS = 20_000
_MARKDOWN = MarkdownIt("js-default")


def render(text: str) -> str:
    """HTML of a note. Raises ValueError: the note is empty or too long."""
    if not text.strip():
        raise ValueError("the note is empty")
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"the note has more than {MOST_CHARACTERS} characters")
    return _MARKDOWN.render(text)
