"""Markdown is read as CommonMark readers see it, in any script, and hostile documents stay cheap."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import EvidenceError
from gate.evidence.reading.markdown import Section, find_sections, match_sections, parse, within
from gate.evidence.reading.markdown_text import MAX_INLINE, has_template_mark, heading_key

WORDS = st.text(string.ascii_letters + "אבגדהוזחט", min_size=1, max_size=8)


def parse_sections(text: str) -> list[Section]:
    """The sections of a document."""
    return list(parse(text).sections)


def filled(text: str) -> dict[str, bool]:
    return {section.title: section.filled for section in parse_sections(text)}


def test_sections_have_title_level_line_and_text() -> None:
    found = parse_sections(
        "# Map\nintro\n\n## *Flows* and `acks`\nfirst\n\n### Detail\nmore\n\nData types\n==========\nx\n"
    )
    assert [(s.title, s.level, s.line) for s in found] == [
        ("Map", 1, 1),
        ("Flows and acks", 2, 4),
        ("Detail", 3, 7),
        ("Data types", 1, 10),
    ]
    assert found[1].text == "first\n\n### Detail\nmore\n"
    assert found[3].text == "x\n"
    assert [s.title for s in within(found[0], found)] == ["Flows and acks", "Detail"]


def test_code_makes_no_headings_lists_or_boxes() -> None:
    document = parse("## A\n```\n# not\n- [x] not\n| a |\n|---|\n```\n\n    # not either\n")
    assert [s.title for s in document.sections] == ["A"]
    assert document.items == () and document.tables == ()
    assert document.sections[0].filled


def test_headings_inside_quotations_are_not_sections() -> None:
    assert filled("## A\n> # quoted\n> text\n") == {"A": True}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_line_ending_gives_the_same_lines(newline: str) -> None:
    text = newline.join(["# A", "x", "## B", "- [x] one", "", "| a | b |", "|---|---|", "| 1 | 2 |", ""])
    document = parse(text)
    assert [s.line for s in document.sections] == [1, 3]
    assert document.items[0].line == 4
    assert (document.tables[0].line, document.tables[0].rows[0].line) == (6, 8)


def test_front_matter_is_skipped_and_a_rule_at_the_top_is_not() -> None:
    assert [(s.title, s.line) for s in parse_sections("---\ntitle: x\nowner: y\n---\n# A\nx\n")] == [("A", 5)]
    assert [s.title for s in parse_sections("---\n# A\nx\n\n---\n# B\ny\n")] == ["A", "B"]


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("Back off for 10 s.", True),
        ("נסיגה של 10 שניות", True),
        ("✅", True),
        ("```\nseq\n```", True),
        ("- one", True),
        ("| a | b |\n|---|---|\n| connect | 1 s |", True),
        ("| a |\n|---|\n| connect |", True),
        ("<div>text</div>", True),
        ("`__init__` is called", True),
        ("snake____case", True),
        ("[insert order](api.md)", True),
        ("my todo list", True),
        ("", False),
        ("<!-- say what happens here -->", False),
        ("text <!-- TODO later", True),
        ("<div></div>", False),
        ("---", False),
        ("...", False),
        ("- ", False),
        ("| a | b |\n|---|---|", False),
        ("| a | b |\n|---|---|\n| connect | |", False),
        ("Owner: ____", False),
        (r"Owner: \_\_\_\_\_", False),
        ("text\n\n________", False),
        ("tbd", False),
        ("`TBD`", False),
        ("TODO: write", False),
        ("see FIXME.", False),
        ("the action is TO BE DEFINED", False),
        ("[TO BE FILLED]", False),
        ("[to be filled by operations] soon", False),
        ("[fill in]", False),
        ("[להשלמה]", False),
        ("**Status:** TEMPLATE, awaiting completion", False),
        ("סטטוס: תבנית", False),
        ("[Name]", False),
        ("[name](people.md)", True),
        ("text\n\n- Signature:", False),
        ("Signature:\nDana Levi", True),
        ("**Signed by:** ......", False),
        ("| Role | Signature |\n|---|---|\n| CTO | Amir |\n| Risk | |", False),
        ("| Role | Signature |\n|---|---|\n| CTO | Amir |", True),
        ("score __/10", False),
        ("signed **__%**", False),
        ("The template of an order has a status.", True),
        ("```\nlimit = TODO\n```", False),
        ("| a | b |\n|---|---|\n| connect | TBD |", False),
    ],
)
def test_a_section_is_filled_when_it_says_something_and_no_template_mark_is_left(
    body: str, state: bool
) -> None:
    assert filled(f"# A\n{body}\n\n# B\nx\n") == {"A": state, "B": True}


def test_a_mark_in_the_heading_leaves_the_section_unfilled() -> None:
    assert filled("# Triggers (TBD)\ntext\n") == {"Triggers (TBD)": False}


def test_a_section_of_sub_sections_is_filled_when_all_of_them_are() -> None:
    assert filled("# A\n## B\nx\n## C\ny\n")["A"]
    assert not filled("# A\n## B\nx\n## C\n")["A"]
    assert not filled("# A\ntext\n## B\n### C\nTBD\n")["A"]


def test_headings_are_matched_without_decoration_in_any_script() -> None:
    text = (
        "# Map\n## 1. 🔌 Endpoint Mapping:\nx\n## 2) \u200fזְרִימַת הודעות ✅\nx\n## ３．Ｅｒｒｏｒ codes\nTBD\n"
    )
    patterns = {
        "endpoints": ["^endpoint mapping$"],
        "flows": [r"message flow", "^זרימת הודעות$"],
        "errors": ["^error codes"],
        "latency": ["latency"],
    }
    assert match_sections(text, patterns) == {
        "endpoints": "filled",
        "flows": "filled",
        "errors": "unfilled",
        "latency": "absent",
    }
    assert heading_key("**4.2** – Costs (50 pts) …") == "Costs (50 pts)"


def test_every_section_that_matches_has_to_be_filled() -> None:
    text = "## Decision\n[TO BE FILLED]\n## Decision logic\nAll gates must pass.\n"
    assert match_sections(text, {"decision": ["decision"]}) == {"decision": "unfilled"}
    assert match_sections(text.replace("[TO BE FILLED]", "Go."), {"d": ["decision"]}) == {"d": "filled"}


def test_a_pattern_matches_from_the_beginning_of_a_word_only() -> None:
    text = "## Disconnect\nx\n## Overflow\nx\n## הטריגרים\nx\n## Re-connecting\nx\n"
    assert [s.title for s in find_sections(text, ["connect"])] == ["Re-connecting"]
    assert find_sections(text, ["flows?"]) == []
    assert [s.title for s in find_sections(text, ["טריגר"])] == ["הטריגרים"]


def test_template_marks_have_their_lines_wherever_they_stand() -> None:
    text = "# D\n\n**Status:** TEMPLATE\n**Date:** [TO BE FILLED]\n\n## A\nx\n\n```\na\nTODO\n```\n\n____\n"
    assert parse(text).marks == (3, 11, 14)
    assert parse("TBD\n\n# D\nx\n").marks == (1,)
    assert parse("# D\nx\n").marks == ()


def test_the_documents_title_is_no_section_of_it() -> None:
    assert match_sections("# Latency SLA and more\n## Other\nx\n", {"sla": ["latency"]}) == {"sla": "absent"}
    assert [s.title for s in find_sections("# Latency\nx\n# Other\ny\n", ["latency"])] == ["Latency"]
    assert [s.title for s in find_sections("# Latency\nx\n", ["latency"])] == ["Latency"]


def test_tables_give_plain_cells_with_lines() -> None:
    (table,) = parse(
        "text\n\n| Op | SLA |\n|:--|--:|\n| `reqX` <br> y | **1 s** \\| 2 |\n| ![d](u) [l](u) |\n"
    ).tables
    assert (table.line, table.header) == (3, ("Op", "SLA"))
    assert [(row.line, row.cells) for row in table.rows] == [(5, ("reqX y", "1 s | 2")), (6, ("d l", ""))]


def test_texts_are_the_lines_a_reader_sees_outside_code() -> None:
    text = "# *A* \\[b] &amp; c\none **two**\nthree <!-- no -->\n\n    code\n\n- item\n\n"
    text += "| a | b |\n|---|---|\n| `1` | 2 |\n"
    assert [(t.line, t.plain) for t in parse(text).texts] == [
        (1, "A [b] & c"),
        (2, "one two"),
        (3, "three"),
        (7, "item"),
        (9, "a | b"),
        (11, "1 | 2"),
    ]


def test_task_boxes_of_every_kind_and_depth_are_found() -> None:
    text = """\
* [x] one
  1. [ ] two
     + [X] three

       more of three
         - [ ] four
- [x]five is no box
- \\[x] nor is six
- [ ]
1) [x] <!-- c --> seven
   > - [ ] eight
- > [x] a quotation
- # [x] a heading
- - [x] nine
"""
    boxes = [(i.text, i.line, i.depth, i.ticked) for i in parse(text).items if i.ticked is not None]
    assert boxes == [
        ("one", 1, 1, True),
        ("two", 2, 2, False),
        ("three more of three", 3, 3, True),
        ("four", 6, 4, False),
        ("", 9, 1, False),
        ("seven", 10, 1, True),
        ("eight", 11, 2, False),
        ("nine", 14, 2, True),
    ]


def test_too_deep_nesting_is_an_error_with_its_line() -> None:
    with pytest.raises(EvidenceError) as caught:
        parse("# A\n" + "> " * 3000 + "x", "A.md")
    assert "nests deeper than 200 levels" in caught.value.what
    assert (caught.value.path, caught.value.place) == ("A.md", "line 2")
    assert caught.value.remedy


def test_lists_nest_as_deep_as_people_write_them() -> None:
    text = "".join("  " * depth + f"- [x] level {depth}\n" for depth in range(60))
    assert [item.depth for item in parse(text).items] == list(range(1, 61))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "# " + "![[" * 20_000,
        "*a " * 50_000,
        "`" * 50_000,
        "<!--" * 20_000,
        "x_" * 50_000,
        "_" * 100_000 + "a",
        "|a" * 5_000 + "\n" + "|-" * 5_000 + "\n",
        "- \n" * 20_000,
        "[x]: y\n" * 5_000,
        "---\na: b\n" * 5_000,
    ],
    ids=lambda text: text[:6],
)
@pytest.mark.soak
def test_hostile_repetition_takes_less_than_a_minute(text: str) -> None:
    started = time.process_time()
    parse(text)
    assert time.process_time() - started < 60


def test_a_very_long_heading_is_kept_as_written() -> None:
    assert parse_sections("# " + "*a* " * MAX_INLINE + "\n")[0].title.startswith("*a* *a*")


@given(st.text(max_size=300))
def test_any_text_parses_with_lines_inside_it(text: str) -> None:
    document = parse(text)
    count = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    for thing in [*document.sections, *document.items, *document.tables]:
        assert 1 <= thing.line <= count
    for section in document.sections:
        assert section.line < section.end <= count + 1


@given(st.lists(st.tuples(st.integers(1, 6), WORDS, st.booleans()), max_size=12))
def test_state_of_a_section_follows_from_its_parts(parts: list[tuple[int, str, bool]]) -> None:
    text = "".join(f"{'#' * level} {word}\n{'text' if full else ''}\n\n" for level, word, full in parts)
    found = parse_sections(text)
    assert [(s.level, s.title) for s in found] == [(level, word) for level, word, _ in parts]
    for index, section in enumerate(found):
        own = parts[index][2]
        below = within(section, found)
        expected = all(parts[index + 1 + n][2] or within(s, found) for n, s in enumerate(below))
        assert section.filled == ((own or bool(below)) and expected)


@given(st.recursive(st.booleans(), lambda inner: st.lists(inner, min_size=1, max_size=4), max_leaves=20))
def test_every_box_of_a_nested_list_is_counted_once(tree: object) -> None:
    expected: list[tuple[int, bool]] = []
    lines: list[str] = []

    def write(node: object, depth: int) -> None:
        boxes = node if isinstance(node, list) else [node]
        for index, child in enumerate(boxes):
            state = child if isinstance(child, bool) else index % 2 == 0
            marker = ["-", "*", "+"][depth % 3]
            lines.append(f"{'  ' * depth}{marker} [{'x' if state else ' '}] item {len(lines)}")
            expected.append((depth + 1, state))
            if isinstance(child, list):
                write(child, depth + 1)

    write(tree, 0)
    assert [(item.depth, item.ticked) for item in parse("\n".join(lines)).items] == expected


@given(WORDS, WORDS)
def test_a_mark_is_only_a_whole_word(before: str, after: str) -> None:
    assert has_template_mark(f"{before} TBD {after}")
    assert not has_template_mark(f"{before}TBD{after}")
    assert has_template_mark(f"{before} ____ {after}")
