"""Notes are rendered, and nothing dangerous in them is."""

import pytest

from notes.render import MOST_CHARACTERS, render


def test_markdown_becomes_html() -> None:
    assert render("# Milk\n\n*Two* litres") == "<h1>Milk</h1>\n<p><em>Two</em> litres</p>\n"


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "[x](javascript:alert(1))"])
def test_no_script_gets_through(text: str) -> None:
    html = render(text)
    assert "<script" not in html and "href" not in html


@pytest.mark.parametrize("text", ["", " \n", "x" * (MOST_CHARACTERS + 1)])
def test_a_note_has_a_reasonable_size(text: str) -> None:
    with pytest.raises(ValueError, match="the note"):
        render(text)
