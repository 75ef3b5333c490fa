"""Figures as people read them: short, and never showing equal what is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.engine.report.figures import MAX_CHARS, clean, comparison, figure, requirement, shorten

UNITS = ("ppm", "micro", "us", "ms", "s", "seconds", "cents", "count", None)
NUMBERS = st.integers(-(10**6), 10**6) | st.integers(-(10**13), 10**13)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (357_142, "ppm", "0.357"), (800_000, "ppm", "0.80"), (1_000_000, "ppm", "1.00"), (0, "ppm", "0.00"),
        (50, "ppm", "0.000"), (1_400_000, "micro", "1.40"), (-1_234_567, "micro", "-1.234"),
        (198_000, "us", "198 ms"), (198_050, "us", "198.05 ms"), (-5, "us", "-0.005 ms"), (0, "us", "0 ms"),
        (999, "ms", "999 ms"), (1500, "ms", "1.5 s"), (60_000, "ms", "60 s"),
        (59, "s", "59 s"), (3600, "s", "1 h"), (5400, "seconds", "1.5 h"),
        (86_400, "s", "1 d"), (7 * 86_400, "s", "7 d"),
        (100_000_00, "cents", "100,000.00"), (5, "cents", "0.05"), (-123_45, "cents", "-123.45"),
        (14, "count", "14"), (14, None, "14"), (14, "furlongs", "14"),
        (None, "ppm", "unmeasured"), (True, "boolean", "yes"), (False, "ppm", "no"),
        ("MARKET", "text", "MARKET"),
        ([], "list", "none"), (["a", 2], "list", "a, 2"), ({}, "map", "none"),
        ({"a": 1}, "map", "a=1"), ((), None, "none"),
    ],
)  # fmt: skip
def test_figures(value: Any, unit: str | None, text: str) -> None:
    """Each unit in the form people expect."""
    assert figure(value, unit) == text


@given(NUMBERS, NUMBERS | st.integers(-2000, 2000), st.sampled_from(UNITS), st.booleans())
def test_different_figures_never_look_equal(value: int, other: int, unit: str | None, near: bool) -> None:
    """Beside each other, two different values have different texts."""
    other = value + other if near else other
    left, right = figure(value, unit, other), figure(other, unit, value)
    assert (left == right) == (value == other)


@given(NUMBERS, NUMBERS, st.sampled_from(("ppm", "micro")))
def test_ratios_keep_their_order(value: int, other: int, unit: str) -> None:
    """What looks larger is larger."""
    left, right = float(figure(value, unit, other)), float(figure(other, unit, value))
    assert (left > right) == (value > other)


@pytest.mark.parametrize(
    ("value", "other", "unit", "text"),
    [
        (799_999, 800_000, "ppm", "0.799"),
        (800_001, 800_000, "ppm", "0.800001"),
        (800_400, 800_000, "ppm", "0.8004"),
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
    coverage = {
        "name": "artifact_coverage",
        "op": "≥",
        "actual": 357_142,
        "expected": 800_000,
        "unit": "ppm",
        "holds": False,
    }
    assert comparison(coverage) == "artifact_coverage (0.357) ≥ 0.80 → false"
    stubs = {"name": "stubs", "op": "∅", "actual": ["health"], "expected": [], "unit": "list", "holds": False}
    assert comparison(stubs) == "stubs (health) = ∅ → false"
    assert comparison({**stubs, "actual": [], "holds": True}) == "stubs (none) = ∅ → true"
    assert comparison({**coverage, "actual": None}) == "artifact_coverage (unmeasured) ≥ 0.80 → false"


def violation(**changes: Any) -> dict[str, Any]:
    """A violation as it stands in a decision."""
    return {
        "missing": False,
        "op": "≥",
        "unit": "ppm",
        "actual": 357_142,
        "expected": 800_000,
        "term": None,
        **changes,
    }


def test_requirement() -> None:
    """What is and what is needed; nothing where there is nothing to compare."""
    assert requirement(violation()) == "is 0.357, needs ≥ 0.80"
    assert requirement(violation(actual=None)) == "is unmeasured, needs ≥ 0.80"
    assert requirement(violation(op="⊇", term="connect")) == "absent"
    for nothing in (violation(missing=True), violation(op=None), violation(op="∅")):
        assert requirement(nothing) == ""


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
