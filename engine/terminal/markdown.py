"""Text of any origin in Markdown as GitHub and GitLab render it, where it stays text.

Reference: GitHub Flavored Markdown, https://github.github.com/gfm/, with the mentions and references to
issues that both sites add to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .figures import for_people, printable, shorten

MOST = 400
"""Characters of one text."""

_SPECIAL = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    | {char: f"\\{char}" for char in "\\`*_[]|~!"}
    # a word joiner keeps the sites from making a mention, a reference or a link of what follows
    | {"@": "&#64;&#8288;", "#": "\\#&#8288;"}
)


def plain(text: str, most: int = MOST) -> str:
    """Text in which nothing is Markdown, HTML, a link, a mention or a reference to an issue.

    Args:
        most: characters, before they are escaped.
    """
    shown = shorten(printable(text), most).translate(_SPECIAL)
    shown = shown.replace("://", ":&#8288;//").replace("www.", "www&#8288;.").replace("WWW.", "WWW&#8288;.")
    # at the beginning of a line these make lists, rules and headings
    return f"\\{shown}" if shown[:1] in tuple("-+=") else shown


def code(text: str) -> str:
    """Text as code, such as the code of a rule; as plain text where it holds a backtick or a bar."""
    return (
        plain(text) if {"`", "|"} & set(text) or not text.strip() else f"`{shorten(printable(text), MOST)}`"
    )


def heading(text: str, level: int = 4) -> tuple[str, str, str]:
    """The lines of a heading between others."""
    return "", f"{'#' * level} {text}", ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table of finished cells."""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def page(lines: Iterable[str]) -> bytes:
    """The lines as a page; none of them is a command to a CI system."""
    return for_people("".join(f"{line}\n" for line in lines)).encode("utf-8", "backslashreplace")
