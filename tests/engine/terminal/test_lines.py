"""Styled lines: as wide as the terminal at most, whatever is in them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gate.engine.report.interface import Screen
from gate.engine.terminal.lines import Lines, columns, middle, pad

TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from(" :#[אבג日本\u0301DU123456"), max_size=120)
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize(
    "text", ["plain", "תוכנית ניהול", "naïve — €", "日本語", "ｆｕｌｌ", "😀", "e\u0301", "नमस्ते", "❤\ufe0f"]
)
def test_columns_are_those_of_a_terminal(text: str) -> None:
    """Wide characters take two columns, combining ones none: as rich measures them."""
    assert columns(text) >= cell_len(text) - (text == "❤\ufe0f")
    if text != "नमस्ते":  # terminals differ about vowel signs that take a column
        assert columns(text) == cell_len(text)
    assert columns(pad(text, 20)) == 20


@given(st.lists(st.tuples(TEXT, st.sampled_from(["", "red", "bold"])), max_size=4), st.integers(60, 200))
def test_no_line_is_longer_than_the_terminal(parts: list[tuple[str, str]], width: int) -> None:
    """And none is a command, or differs in more than colours where these are wanted."""
    plain, coloured = Lines(Screen(width)), Lines(Screen(width, color=True))
    for lines in (plain, coloured):
        lines.add(*parts, indent=4, hang=14)
    for line in plain.text().splitlines():
        assert columns(line) <= width
        assert not line.lstrip().startswith("::")
    assert ESCAPES.sub("", coloured.text()).split() == plain.text().split()


@given(st.lists(st.text("abc é日א", min_size=1, max_size=30), max_size=20))
def test_nothing_is_lost(words: list[str]) -> None:
    """Wrapping changes white space only."""
    lines = Lines(Screen(60))
    lines.add(" ".join(words), indent=3)
    assert "".join(lines.text().split()) == "".join("".join(words).split())


def test_an_account_number_is_masked_before_a_line_is_broken() -> None:
    """A line break inside it must not keep it from being recognised."""
    lines = Lines(Screen(60))
    lines.add("x" * 54 + "/DU1234567/" + "y" * 60)
    assert "67/" in lines.text().replace("\n", "") and "123" not in lines.text()


def test_a_hanging_indent_and_a_percentage() -> None:
    """Lines that follow are indented; a number keeps its percent sign."""
    lines = Lines(Screen(60))
    lines.add("label     ", "word " * 8 + "xxx 35.7 %", indent=2, hang=12)
    first, second = lines.text().splitlines()
    assert first.startswith("  label     word") and second == " " * 12 + "35.7 %"


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("algo_trade/core/x.py", "algo_trade/core/x.py"),
        ("algo_trade/core/execution/adapters/interactive_brokers/handler.py",
         "algo_trade/…/interactive_brokers/handler.py"),
        ("a" * 60, "aaaaaaaaaaaa…aaaaaaaaaaaa"),
        ("דוחות/" * 12 + "יומן.json", "דוחות/…/דוחות/דוחות/דוחות/דוחות/דוחות/יומן.json"),
    ],
)  # fmt: skip
def test_long_paths_are_shortened_in_the_middle(path: str, short: str) -> None:
    """The name of the file stays."""
    assert middle(path) == short
    assert columns(middle(path)) <= 48
