"""The report as Markdown, and ``GO_LIVE_DECISION_GATE.md``; nothing in a decision is markup in them.

Format: CommonMark with the tables of GitHub Flavored Markdown (https://github.github.com/gfm/).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...decision.document import Decision, Verdict
from ...ledger.interface import Entry
from ...terminal.figures import for_people, printable
from ...terminal.templates import environment
from ..interface import Screen
from .build import build
from .model import Comparison, Mark
from .proof import VERDICTS
from .words import CODE, LANGUAGES, Said, Text, say, spoken

if TYPE_CHECKING:
    import jinja2

_SPECIAL = re.compile(r"([\\`*{}\[\]<>|~#$&!@^]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
"""What Markdown and GitHub's extensions of it give a meaning inside of a line."""
_LINK = re.compile(r"(?i)\b(https?|ftp|mailto|xmpp|javascript|data)(:)|\b(www)(\.)")
"""What is made a link even without brackets."""
_START = re.compile(r"^(\s*)(?:([-+=])(?=\s|$|\2)|(\d+)([.)])(?=\s|$))")
"""What begins a list or is a line below a heading."""
_MENTION = re.compile(r"(?<![A-Za-z0-9_])@(?=[A-Za-z0-9])")
"""What makes GitHub and GitLab notify somebody, escaped or not; a space of no width prevents it."""
MOST_FILES = 50
"""Files of one collector in the list of evidence; the rest is counted."""


def escaped(text: str) -> str:
    """Data as Markdown text of one line that renders as exactly these characters; code in it as code."""
    plain = [_plain(part) if number % 2 == 0 else code(part) for number, part in enumerate(CODE.split(text))]
    return "".join(plain)


def _plain(text: str) -> str:
    text = _SPECIAL.sub(r"\\\1", _MENTION.sub("@\u200b", printable(text)))
    text = _LINK.sub(lambda m: f"{m[1]}\\:" if m[1] else f"{m[3]}\\.", text)
    return _START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", text)


def code(text: str) -> str:
    """Data as code; with a fence longer than any in it, and without a bar that would end a table's cell."""
    text = printable(text)
    if not text.strip():
        return escaped(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|")


def _fenced(commands: Sequence[str]) -> str:
    """Commands as a block of code, whose fence is longer than any in them."""
    text = [printable(command) for command in commands]
    fence = "`" * max(3, 1 + max((len(run) for line in text for run in re.findall("`+", line)), default=0))
    return "\n".join((f"{fence}sh", *text, fence))


def _row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) or '–' for cell in cells)} |"


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The audit report as Markdown."""
    return _page(decision, entry, screen)


def render_go_live(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """``GO_LIVE_DECISION_GATE.md``, which the collector of artifacts reads back."""
    return _page(decision, entry, screen, short=True)


def _page(decision: Decision, entry: Entry | None, screen: Screen, *, short: bool = False) -> bytes:
    audit, language = build(decision, entry, screen), screen.language

    def speak(text: Text) -> str:
        return spoken(text, language, str, escaped, str)

    def words(text: str) -> str:
        return speak(Said(text))

    def head(rows: Sequence[object], *names: str) -> str:
        return f"{_row(*map(words, names))}\n|{' --- |' * len(names)}" if rows else words("None.")

    def items(texts: Iterable[str]) -> str:
        return "\n".join(f"- {text}" for text in texts) or words("None.")

    def proof(one: Comparison) -> str:
        holds = words("not evaluated") if one.holds is None else str(one.holds).upper()
        return f"{speak(one.name)} ({speak(one.actual)}) {one.op} {speak(one.expected)} → {holds}"

    def mark(one: Mark) -> str:
        return f"{one.sign} {speak(one.word)}"

    numbers = {id(one): number for number, one in enumerate(audit.anomalies, 1)}
    text = _template().render(
        audit=audit,
        short=short,
        advice=_ADVICE[decision.verdict],
        most=MOST_FILES,
        t=speak,
        _=words,
        e=escaped,
        said=say,
        code=code,
        codes=lambda names: ", ".join(map(code, names)),
        mark=mark,
        verdict=lambda verdict: f"{VERDICTS[verdict].sign} {verdict.value}",
        number=lambda one: numbers[id(one)],
        head=head,
        row=_row,
        items=items,
        each=lambda make, found: list(map(make, found)),
        proof=proof,
        fenced=_fenced,
    )
    text = re.sub("\n{3,}", "\n\n", text).strip() + "\n"
    if LANGUAGES[language] == "rtl":
        text = f'<div dir="rtl">\n\n{text}\n</div>\n'
    return for_people(text).encode("utf-8", "backslashreplace")


@functools.cache
def _template() -> jinja2.Template:
    """The template; read when the first report is made."""
    return environment(Path(__file__).resolve().parent).get_template("report.md.j2")


_ADVICE = {
    Verdict.PASS: say("Go live by the scale-up plan, beginning with its first week."),
    Verdict.CONDITIONAL: say("Complete the open conditions first; deploy only then."),
    Verdict.FAIL: say("Do not go live. Correct what failed and judge again."),
}
