"""Styled lines for a terminal: measured in columns, wrapped with a hanging indent, coloured by ANSI codes.

Widths are those of Unicode's East Asian Width (UAX #11): wide characters take two columns, marks that combine
with the character before them none.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable

from msgspec import Struct

from .figures import clean, for_people, printable

CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "alarm": "1;31"}
"""Style → parameters of the ANSI sequence (ECMA-48, SGR)."""

Part = str | tuple[str, str]
"""Text, or text and its style."""


class Screen(Struct, frozen=True):
    """The terminal that is written to, and how much is asked for; for formats that people read.

    Attributes:
        successes: whether rules that hold are shown, too.
        rules: codes of the only rules to show; empty for all.
        arguments: how the command chose what judges, for the commands that it proposes.
        language: of the audit report's words (BCP 47).
        folder: path of the workspace from where the command runs, which CI systems expect places to begin
            with; empty where that is the same, or not below it.
    """

    width: int = 100
    color: bool = False
    successes: bool = False
    rules: tuple[str, ...] = ()
    arguments: str = ""
    language: str = "en"
    folder: str = ""


def columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    if char == "\ufe0f":  # makes a wide picture of the narrow character before it
        return 1
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pad(text: str, width: int) -> str:
    """The printable text, filled with spaces up to that many columns."""
    shown = printable(text)
    return shown + " " * (width - columns(shown))


def middle(path: str, most: int = 48) -> str:
    """The path, shortened in the middle where it takes more columns; its end stays as long as it fits."""
    if columns(path) <= most:
        return path
    first, *rest = path.split("/")
    for start in range(1, len(rest)):
        shorter = "/".join([first, "…", *rest[start:]])
        if columns(shorter) <= most:
            return shorter
    half = most // 4  # of characters that may all be wide
    return f"{path[:half]}…{path[-half:]}"


class Lines:
    """The lines of one page, in the order in which they are added."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._lines: list[str] = []

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return self._screen.width

    def add(self, *parts: Part, indent: int = 0, hang: int | None = None) -> None:
        """Add text, wrapped between words; what is longer than a line is broken anywhere.

        Args:
            parts: the text; whatever it holds, it acts on no terminal and no CI system.
            indent: columns before the first line.
            hang: columns before the lines that follow; as many as before the first by default.
        """
        text, styles = "", list[str]()
        for part in parts:
            content, style = (part, "") if isinstance(part, str) else part
            shown = printable(content)
            text += shown
            styles += [style] * len(shown)
        hang = indent if hang is None else min(hang, self.width // 2)
        while True:
            begin = text[: len(text) - len(text.lstrip())]
            if text.startswith("::", len(begin)):  # a line that begins so is a command to a CI system
                text = begin + "\\u003a" + text[len(begin) + 1 :]
                styles = styles[: len(begin)] + styles[:1] * 5 + styles[len(begin) :]
            end = self._fitting(text, self.width - indent)
            self._lines.append(" " * indent + self._styled(text[:end].rstrip(), styles))
            rest = text[end:].lstrip(" ")
            if not rest:
                return
            text, styles, indent = rest, styles[len(text) - len(rest) :], hang

    def row(self, name: str, text: str, style: str = "dim", indent: int = 4) -> None:
        """Add text after a label of ten columns; the lines that follow are indented as far."""
        self.add((f"{name:<10}", style), text, indent=indent, hang=indent + 10)

    def text(self) -> str:
        """The page."""
        return for_people("".join(line.rstrip() + "\n" for line in self._lines))

    def _fitting(self, text: str, room: int) -> int:
        """Where the line ends: after the last word that fits, or within the first."""
        if len(text) <= room and text.isascii():
            return len(text)
        used, space = 0, 0
        for place, char in enumerate(text):
            used += 1 if char < "\x7f" else _columns(char)
            if char == " " and text[place + 1 : place + 2] != "%" and text[:place].strip():
                space = place
            elif used > room:
                return space or max(place, 1)
        return len(text)

    def _styled(self, text: str, styles: list[str]) -> str:
        if not self._screen.color:
            return text
        runs = itertools.groupby(zip(text, styles, strict=False), key=lambda pair: pair[1])
        pieces = ((style, "".join(char for char, _ in run)) for style, run in runs)
        return "".join(f"\x1b[{CODES[style]}m{run}\x1b[0m" if style else run for style, run in pieces)


def to_bytes(lines: Iterable[str]) -> bytes:
    """Plain lines for people: nothing in them acts on a terminal or CI system; account numbers are masked."""
    return for_people("".join(clean(line) + "\n" for line in lines)).encode("utf-8", "backslashreplace")
