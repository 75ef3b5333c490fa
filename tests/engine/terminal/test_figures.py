"""Figures as people read them: short, and never showing equal what is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gate.engine.decision.document import Operand
from gate.engine.terminal.figures import (
    MAX_CHARS,
    clean,
    comparison,
    coverage,
    figure,
    requirement,
    shorten,
    unit_of,
)
from gate.evidence.collecting.interface import Scope

UNITS = ("ppm", "micro", "us", "ms", "s", "seconds", "cents", "count", None)
NUMBERS = st.integers(-(10**6), 10**6) | st.integers(-(10**13), 10**13)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (357_142, "ppm", "35.7 %"), (800_000, "ppm", "80 %"), (1_000_000, "ppm", "100 %"), (0, "ppm", "0 %"),
        (50, "ppm", "0.005 %"), (-129_000, "ppm", "-12.9 %"),
        (1_400_000, "micro", "1.40"), (-1_234_567, "micro", "-1.234"),
        (198_000, "us", "198 ms"), (198_050, "us", "198.05 ms"), (-5, "us", "-0.005 ms"), (0, "us", "0 ms"),
        (999, "ms", "999 ms"), (1500, "ms", "1.5 s"), (60_000, "ms", "60 s"),
        (59, "s", "59 s"), (3600, "s", "1 h"), (5400, "seconds", "1.5 h"),
        (86_400, "s", "1 d"), (7 * 86_400, "s", "7 d"),
        (100_000_00, "cents", "100,000.00"), (5, "cents", "0.05"), (-123_45, "cents", "-123.45"),
        (14, "count", "14"), (14, None, "14"), (14, "furlongs", "14"),
        (None, "ppm", "not measured"), (True, "boolean", "yes"), (False, "ppm", "no"),
        ("MARKET", "text", "MARKET"),
        ([], "list", "none"), (["a", 2], "list", "a, 2"), ({}, "map", "none"),
        ({"a": 1}, "map", "a=1"), ((), None, "none"),
    ],
)  # fmt: skip
def test_figures(value: Any, unit: str | None, text: str) -> None:
    """Each unit in the form people expect."""
    assert figure(value, unit) == text


@pytest.mark.parametrize(
    ("unit", "one"),
    [
        ("kinds of orders", "kind of orders"), ("entries of the log", "entry of the log"),
        ("task-list boxes", "task-list box"), ("test cases", "test case"), ("messages/s", "messages/s"),
        ("count", "count"),
    ],
)  # fmt: skip
def test_the_unit_of_one(unit: str, one: str) -> None:
    """Units are named in plural, and beside 1 they are not."""
    assert (unit_of(1, unit), unit_of(2, unit)) == (one, unit)
    assert requirement("x", "≥", 0, 1, "kinds of orders") == "x 0, needs ≥ 1 kind of orders"


@given(NUMBERS, NUMBERS | st.integers(-2000, 2000), st.sampled_from(UNITS), st.booleans())
def test_different_figures_never_look_equal(value: int, other: int, unit: str | None, near: bool) -> None:
    """Beside each other, two different values have different texts."""
    other = value + other if near else other
    left, right = figure(value, unit, other), figure(other, unit, value)
    assert (left == right) == (value == other)


@given(NUMBERS, NUMBERS, st.sampled_from(("ppm", "micro")))
def test_ratios_keep_their_order(value: int, other: int, unit: str) -> None:
    """What looks larger is larger."""
    left, right = (float(figure(*pair).rstrip(" %")) for pair in ((value, unit, other), (other, unit, value)))
    assert (left > right) == (value > other)


@pytest.mark.parametrize(
    ("value", "other", "unit", "text"),
    [
        (799_999, 800_000, "ppm", "79.9 %"),
        (800_001, 800_000, "ppm", "80.0001 %"),
        (800_400, 800_000, "ppm", "80.04 %"),
        (-1_000, -1_500, "micro", "-0.001"),
        (-1_500, -1_000, "micro", "-0.0015"),
        (-1, 0, "micro", "-0.000001"),
        (0, -1, "micro", "0.00"),
        (259_201, 259_200, "s", "259201 s"),
        (10_000, 10_001, "s", "10000 s"),
        (10_000, 20_000, "s", "2.77 h"),
    ],
)
def test_digits_are_added_where_rounding_would_hide(value: int, other: int, unit: str, text: str) -> None:
    """A figure just beside its threshold is shown with the digits that tell them apart."""
    assert figure(value, unit, other) == text


def test_comparison_is_the_formal_logic() -> None:
    """Operands read as in the audit report."""
    coverage = Operand("artifact_coverage", "≥", 357_142, 800_000, "ppm", holds=False)
    assert comparison(coverage) == "artifact_coverage (35.7 %) ≥ 80 % → false"
    stubs = Operand("stubs", "∅", ["health"], [], "list", holds=False, terms=("health",))
    assert comparison(stubs) == "stubs (health) = ∅ → false"
    assert comparison(replace(stubs, actual=[], holds=True)) == "stubs (none) = ∅ → true"
    assert comparison(replace(coverage, actual=None)) == "artifact_coverage (not measured) ≥ 80 % → false"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("fill_rate", "≥", 930_000, 950_000, "ppm"), "fill rate 93 %, needs ≥ 95 %"),
        (("fill_rate", "≥", None, 950_000, "ppm"), "fill rate not measured, needs ≥ 95 %"),
        (("sharpe_ratio", "≥", 357_142, 500_000, "ppm"), "sharpe ratio 0.357, needs ≥ 0.50"),
        (("stated_total", "=", 660, 760, "points"), "stated total 660, needs 760 points"),
        (("all_flat", "=", False, True, "boolean"), "all flat no, needs yes"),
        (("age", "≤", 172_800, 86_400, "s"), "age 2 d, needs ≤ 1 d"),
        (("found", "≥", 357_142, 800_000, "ppm", "5 of 14 artifacts"), "5 of 14 artifacts, needs ≥ 80 %"),
    ],
)
def test_requirement(given: tuple[Any, ...], text: str) -> None:
    """What is and what is needed, with the unit; a ratio such as Sharpe's is no percentage."""
    assert requirement(*given) == text


def test_coverage() -> None:
    """How much was looked at, and how much of that was understood."""
    assert coverage(Scope("", 71, 71, "files")) == "71 files"
    assert coverage(Scope("", 71, 2, "files")) == "2 of 71 files"


def test_hostile_text_is_made_visible() -> None:
    """Escape sequences, line breaks and direction overrides from evidence do not reach the terminal."""
    assert clean("\x1b[2Jok") == "\\u001b[2Jok"
    assert clean("a\nb\r\tc\x9b") == "a\\u000ab\\u000d\\u0009c\\u009b"
    assert clean("\u202egnp.exe\u2066\u2028\ud800\ue000") == "\\u202egnp.exe\\u2066\\u2028\\ud800\\ue000"
    assert figure("\x1b]0;x\a", None) == "\\u001b]0;x\\u0007"
    assert figure(["\x1b"], None) == figure({"\x1b": 1}, None).removesuffix("=1") == "\\u001b"


@pytest.mark.parametrize("text", ["plain", "תוכנית", "naïve — €", "日本語", "😀", "नमस्ते\u200d", "\u200eabc"])
def test_letters_of_every_script_stay(text: str) -> None:
    """Text that people write is not touched."""
    assert clean(text) == text


@given(st.text())
def test_clean_text_has_no_control_characters(text: str) -> None:
    """Whatever comes in, one printable line comes out, and cleaning it again changes nothing."""
    cleaned = clean(text)
    assert len((cleaned or "x").splitlines()) == 1
    assert "\x1b" not in cleaned
    assert clean(cleaned) == cleaned
    cleaned.encode()


@given(st.text(max_size=200), st.integers(1, 200))
def test_shorten(text: str, most: int) -> None:
    """Cut text is at most as long as asked for and says that it was cut."""
    short = shorten(text, most)
    assert len(short) <= max(most, 1)
    assert short == text or short.endswith("…")


def test_long_lists_are_cut() -> None:
    """A list of a thousand names stays on a line."""
    assert len(figure([f"name{i}" for i in range(1000)], None)) == MAX_CHARS
