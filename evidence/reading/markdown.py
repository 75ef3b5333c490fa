"""What a Markdown document says, for collectors: sections and whether they are filled in, tables, lists,
task lists.

Parsed by ``markdown-it-py`` as CommonMark 0.31 (https://spec.commonmark.org/0.31.2/) with the tables and
task-list boxes of GitHub Flavored Markdown (https://github.github.com/gfm/). Text in any script and
direction is treated alike. What stands in fenced or indented code makes no heading, list or box; front
matter between ``---`` lines at the very top is skipped. ``<h2>…</h2>`` on a line of its own is a heading.
What is struck out (``~~…~~``, ``<del>``) and what stands in comments says nothing.

A section is *filled* when its own text says something (a letter, a digit or a symbol outside HTML comments;
in a table, a cell beside the first column), or it has sub-sections instead, when all its sub-sections are
filled, and when no template mark is left in it. Template marks: ``____`` (four or more underscores, or two
before ``/10`` or ``%``), ``TBD``, ``TBC``, ``TBA``, ``TODO``, ``FIXME``, ``[TO BE FILLED]``, ``[Name]``,
``Status: TEMPLATE`` and their like in English and Hebrew, a signature line or a cell below ``Signature`` that
is blank, and sentences like ``This plan was withdrawn.`` They count in code, before the first heading and in
front matter, too: a document with a TODO is not finished.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from msgspec import Struct

from ..base.errors import EvidenceError
from .markdown_text import (
    MAX_NESTING,
    from_word_start,
    heading_key,
    is_dismissed,
    parser,
    plain,
    says_something,
    shown,
    template_mark,
)

if TYPE_CHECKING:
    from markdown_it.token import Token

SectionState = Literal["filled", "unfilled", "absent"]

_FRONT_MATTER = re.compile(
    r"\A---[ \t]*\n[A-Za-z_][\w -]*:.*\n(?:(?![ \t]*\n).*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|\Z)"
)
_HTML_HEADING = re.compile(r"^ {0,3}<h([1-6])(?: [^<>\n]*)?>(.*)</h\1>[ \t]*$", re.MULTILINE | re.IGNORECASE)
_NEWLINE = re.compile(r"\r\n?")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_STATUS = re.compile(r"\W*(?:status|סטטוס)\W*", re.IGNORECASE)
_SIGNATURE = re.compile(r"\W*(?:signatures?|signed|חתימה)\W*", re.IGNORECASE)
_TASK = re.compile(r"\[(?P<box>[ xX])\](?:[ \t]+|\n|\Z)")


class Section(Struct, frozen=True):
    """A heading and everything up to the next heading of the same or a higher level.

    Attributes:
        title: the heading's text without markup, decoration kept.
        line, end: line of the heading, from 1, and the first line that no longer belongs to it.
        text: Markdown source below the heading, sub-sections included.
        filled: see the module's description.
    """

    title: str
    level: int
    line: int
    text: str
    filled: bool
    end: int


class Row(Struct, frozen=True):
    """A table row: its line and its cells as written."""

    line: int
    raw: tuple[str, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells' text without markup and comments."""
        return tuple(map(plain, self.raw))


class Table(Struct, frozen=True):
    """A table: the row of its header and the rows below."""

    head: Row
    rows: tuple[Row, ...]

    @property
    def line(self) -> int:
        """Line of the header, from 1."""
        return self.head.line

    @property
    def header(self) -> tuple[str, ...]:
        """The header's cells without markup and comments."""
        return self.head.cells


class Item(Struct, frozen=True):
    """A list item: its own text as written, without nested lists and task box; its line, from 1.

    ``end`` is the first line that no longer belongs to it, nested lists included; ``depth`` is 1 in a list
    that is in no other list; ``ticked`` is None without a task box.
    """

    raw: str
    line: int
    end: int
    depth: int
    ticked: bool | None

    @property
    def text(self) -> str:
        """The text without markup and comments."""
        return plain(self.raw)


class Text(Struct, frozen=True):
    """A line of prose, of a heading or list item, or a table row (cells joined by `` | ``); never code."""

    line: int
    raw: str

    @property
    def plain(self) -> str:
        """The line without markup and comments."""
        return plain(self.raw)


class Document(Struct, frozen=True):
    """A parsed document; every tuple is in the order of the text. ``marks``: lines with template marks."""

    sections: tuple[Section, ...]
    tables: tuple[Table, ...]
    items: tuple[Item, ...]
    texts: tuple[Text, ...]
    marks: tuple[int, ...]


class _HasLine(Protocol):
    @property
    def line(self) -> int: ...


_L = TypeVar("_L", bound=_HasLine)


def within(section: Section, things: Iterable[_L]) -> list[_L]:
    """Those tables, rows, items or sections that start inside the section, its sub-sections included."""
    return [thing for thing in things if section.line < thing.line < section.end]


def parse(text: str, path: str | None = None) -> Document:
    """The document's structure; the same text is parsed once.

    Raises EvidenceError: blocks nest deeper than ``MAX_NESTING`` levels.
    """
    try:
        return _parse(text)
    except _TooDeep as error:
        raise EvidenceError(
            f"the Markdown nests deeper than {MAX_NESTING} levels",
            path=path,
            place=f"line {error.line}",
            remedy="flatten the lists or quotations",
        ) from None


def match_sections(
    text: str, patterns: Mapping[str, Sequence[str]], path: str | None = None
) -> dict[str, SectionState]:
    """Whether the document has the sections asked for.

    Args:
        patterns: per section id, what :func:`find_sections` takes.

    Returns:
        Per id: ``filled`` when every matching section is, ``absent`` when none matches, else ``unfilled``.
    """
    result: dict[str, SectionState] = {}
    for name, alternatives in patterns.items():
        found = find_sections(text, alternatives, path)
        result[name] = "absent" if not found else "filled" if all(s.filled for s in found) else "unfilled"
    return result


def find_sections(text: str, alternatives: Sequence[str], path: str | None = None) -> list[Section]:
    """Sections whose heading matches one of the regular expressions.

    The expressions are searched without regard to case, from the beginning of a word on, in the heading
    without its decoration (:func:`heading_key`). The document's own title, a first heading that is the only
    one of level 1 and has others below it, is left out.
    """
    found = parse(text, path).sections
    matches = from_word_start(*alternatives)
    if len(found) > 1 and found[0].level == 1 and all(other.level > 1 for other in found[1:]):
        found = found[1:]
    return [s for s in found if matches(heading_key(s.title))]


class _TooDeep(Exception):
    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Open(Struct):
    """A section while it is collected: its own text only."""

    title: str
    level: int
    line: int
    body: int
    marked: bool = False
    content: bool = False

    def add(self, text: str, *, content: bool = True) -> int | None:
        """Take a part of its text; the number of lines before a template mark in it, None without one."""
        cleaned = shown(text)
        mark = template_mark(cleaned)
        self.marked = self.marked or mark is not None
        self.content = self.content or (content and says_something(cleaned))
        return None if mark is None else cleaned.count("\n", 0, mark)


@functools.lru_cache(maxsize=32)
def _parse(text: str) -> Document:
    # front matter would be read as a rule and a heading; blank lines keep the numbering
    source = _FRONT_MATTER.sub(lambda match: "\n" * match.group().count("\n"), _NEWLINE.sub("\n", text))
    source = _HTML_HEADING.sub(lambda match: f"{'#' * int(match[1])} {match[2]}", source)
    tokens = parser().parse(source)
    deepest = max(tokens, key=lambda token: token.level, default=None)
    if deepest is not None and deepest.level >= MAX_NESTING - 1:
        raise _TooDeep(_line(deepest))
    opened, marks = _own_sections(tokens)
    front = _FRONT_MATTER.match(text)
    marks = (1, *marks) if front and template_mark(front.group()) is not None else marks
    return Document(_close(opened, source), _tables(tokens), _items(tokens), _texts(tokens), marks)


def _extent(token: Token) -> tuple[int, int]:
    """First and last line, from 1; every block that is opened has them."""
    first, end = token.map or (0, 1)
    return first + 1, end


def _line(token: Token) -> int:
    return _extent(token)[0]


def _own_sections(tokens: list[Token]) -> tuple[list[_Open], tuple[int, ...]]:
    """The sections with what is known of their own text, and the lines of template marks."""
    current = _Open("", 0, 0, 0)  # what stands before the first heading
    found: list[_Open] = []
    marks: list[int] = []
    column = -1
    in_head = False
    signatures: set[int] = set()  # columns of the table that are to be signed in
    label = ""

    def add(first: int, text: str, *, content: bool = True, title: bool = False) -> None:
        before = current.add(text, content=content)
        if before is not None or (len(found) < 2 and is_dismissed(shown(text), title=title)):
            marks.append(first + (before or 0))

    for index, token in enumerate(tokens):
        kind = token.type
        if kind == "heading_open" and token.level == 0:
            current = _Open(plain(tokens[index + 1].content), int(token.tag[1]), *_extent(token))
            add(current.line, tokens[index + 1].content, content=False, title=not found)
            found.append(current)
        elif kind == "inline" and not (token.level == 1 and tokens[index - 1].type == "heading_open"):
            # a table says something where a cell beside its label is filled
            label = token.content if column == 0 else label
            said = column > 0 and _STATUS.fullmatch(label) and says_something(token.content)
            row = f"{label}: " if said else ""
            add(_line(token), row + token.content, content=column == -1 or (column > 0 and not in_head))
            if in_head and _SIGNATURE.fullmatch(token.content):
                signatures.add(column)
            elif column in signatures and not says_something(shown(token.content)):
                current.marked = True
                marks.append(_line(token))
        elif kind in {"fence", "code_block"}:
            add(_line(token) + (kind == "fence"), token.content)
        elif kind == "html_block":
            add(_line(token), _TAG.sub(" ", shown(token.content)))
        elif kind == "hr" and token.markup.startswith("____"):
            current.marked = True
            marks.append(_line(token))
        elif kind in {"thead_open", "thead_close"}:
            in_head = kind == "thead_open"
            signatures = set() if in_head else signatures
        elif kind in {"tr_open", "table_close"}:
            column = -1
        elif kind in {"th_open", "td_open"}:
            column += 1
            if column == 0 and tokens[index + 3].type == "tr_close":
                column = 1  # the only column is no label
    return found, tuple(marks)


def _close(opened: list[_Open], source: str) -> tuple[Section, ...]:
    lines = source.split("\n")
    done: list[Section] = []
    # from the end, so that the sub-sections' state is known; `pending` holds the sections that follow
    pending: list[Section] = []
    for own in reversed(opened):
        below: list[Section] = []
        while pending and pending[-1].level > own.level:
            below.append(pending.pop())
        end = pending[-1].line if pending else len(lines) + 1
        filled = not own.marked and (own.content or bool(below)) and all(child.filled for child in below)
        body = "\n".join(lines[own.body : end - 1])
        section = Section(own.title, own.level, own.line, body, filled, end)
        done.append(section)
        pending.append(section)
    return tuple(reversed(done))


def _tables(tokens: list[Token]) -> tuple[Table, ...]:
    tables: list[Table] = []
    rows: list[Row] = []
    cells: list[str] = []
    line = 0
    for index, token in enumerate(tokens):
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            cells, line = [], _line(token)
        elif token.type in {"th_open", "td_open"}:
            cells.append(tokens[index + 1].content)
        elif token.type == "tr_close":
            rows.append(Row(line, tuple(cells)))
        elif token.type == "table_close":
            tables.append(Table(rows[0], tuple(rows[1:])))
    return tuple(tables)


def _items(tokens: list[Token]) -> tuple[Item, ...]:
    found: list[tuple[tuple[int, int], int, bool, list[str]]] = []
    stack: list[list[str]] = []
    for index, token in enumerate(tokens):
        if token.type == "list_item_open":
            parts: list[str] = []
            stack.append(parts)
            # a box counts only at the start of the item's own first paragraph
            found.append((_extent(token), len(stack), tokens[index + 1].type == "paragraph_open", parts))
        elif token.type == "list_item_close":
            stack.pop()
        elif token.type == "inline" and stack:
            stack[-1].append(token.content)
    items: list[Item] = []
    for (line, last), depth, may_have_box, parts in found:
        first = parts[0] if parts else ""
        box = _TASK.match(first) if may_have_box else None
        own = "\n".join([first[box.end() :] if box else first, *parts[1:]])
        ticked = None if box is None else box["box"] != " "
        items.append(Item(own, line, last + 1, depth, ticked))
    return tuple(items)


def _texts(tokens: list[Token]) -> tuple[Text, ...]:
    texts: list[Text] = []
    cells: list[str] | None = None
    line = 0
    for token in tokens:
        if token.type == "tr_open":
            cells, line = [], _line(token)
        elif token.type == "tr_close":
            texts.append(Text(line, " | ".join(cells or ())))
            cells = None
        elif token.type == "inline" and cells is not None:
            cells.append(token.content)
        elif token.type == "inline":
            first = _line(token)
            texts.extend(Text(first + n, part) for n, part in enumerate(token.content.split("\n")))
    return tuple(texts)
