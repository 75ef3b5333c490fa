"""Templates, words and links of the pages: everything that is not markup of ours is escaped.

Text direction: data stands in an element of its own (`bdi`), and characters that act on direction or on
terminals are shown as escapes, as in the audit report, whose style sheet the pages have, too.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import jinja2
from markupsafe import Markup, escape
from msgspec import Struct

from ....evidence.base.times import format_utc
from ...decide.conditions import DAY
from ...report.audit import html as report
from ...report.audit.proof import VERDICTS
from ...report.audit.words import CODE, LANGUAGES
from ...terminal.figures import for_people, printable, shorten
from ...terminal.templates import environment

_HERE: Final = Path(__file__).resolve().parent
_PLACE: Final = re.compile(r"\{(\w+)\}")
NAMES_OF_LANGUAGES: Final = {"en": "English", "he": "עברית"}
SECTIONS: Final = (
    ("decisions", "/", "Decisions"),
    ("logs", "/logs", "Logs"),
    ("due", "/due", "Due"),
    ("verification", "/verification", "Verification"),
    ("impact", "/impact", "Policy impact"),
)
"""Name, path and title of what every page links to."""


class Site(Struct, frozen=True):
    """What a page is made for.

    Attributes:
        now_s: the time, in epoch seconds.
        language: of its words (BCP 47), one of those of the audit report.
        chosen: whether the visitor chose the language; every link then says so.
        prefix: of all paths, where a proxy serves the pages below one; without a slash at its end.
        path, fields: what was asked for.
    """

    now_s: int
    language: str = "en"
    chosen: bool = False
    prefix: str = ""
    path: str = "/"
    fields: tuple[tuple[str, str], ...] = ()

    def url(self, path: str, /, **fields: object) -> str:
        """A link to a path of this service, with fields of its query."""
        chosen = [("language", self.language)] if self.chosen and "language" not in fields else []
        query = urlencode([*((name, str(value)) for name, value in fields.items()), *chosen])
        return f"{self.prefix}{quote(path)}{f'?{query}' if query else ''}"

    def here(self, language: str) -> str:
        """A link to this page in another language."""
        return self.url(self.path, **{**dict(self.fields), "language": language})

    def decision_url(self, log: str, entry: int) -> str:
        """Where the report about a recorded decision is."""
        return self.url(f"/logs/{log}/decisions/{entry}")


def prefix_of(root_path: str, url: str | None) -> str:
    """What every path begins with: what the server says, else the path of the URL at which others come."""
    return (root_path or urlsplit(url or "").path).rstrip("/")


def language_of(accepted: str) -> str:
    """The first language of an `Accept-Language` field (RFC 9110, 12.5.4) with words of its own; English."""
    for one in accepted[:1000].split(","):
        name = one.partition(";")[0].strip().partition("-")[0].lower()
        if name in LANGUAGES:
            return name
    return "en"


def render(name: str, site: Site, /, **values: Any) -> str:
    """The page of the template of that name in this folder, for the site."""
    translated = catalogue(site.language)

    def words(text: str) -> str:
        return translated.get(text, text)

    def say(text: str, **data_of: object) -> Markup:
        """Words with data for their placeholders; an integer is grouped, Markup is taken as it is.

        What a ``count`` of one is called, stands in the catalogue under the text with ``|1`` at its end.
        """
        single = translated.get(f"{text}|1") if data_of.get("count") == 1 else None
        parts = [
            _filled(data_of[part]) if number % 2 else Markup(CODE.sub(r"<code>\1</code>", str(escape(part))))  # noqa: S704 - escaped
            for number, part in enumerate(_PLACE.split(single or words(text)))
        ]
        return Markup().join(parts)

    def away(then_s: int) -> Markup:
        """How far a time is from now, in whole days; 0 is no time at all."""
        if not then_s:
            return say("not a time")
        days = (then_s - site.now_s) // DAY
        if days >= 0:
            return say("in {count} days", count=days) if days else say("today")
        return say("{count} days ago", count=-days)

    text = _environment().get_template(name).render(
        site=site,
        sections=SECTIONS,
        languages=NAMES_OF_LANGUAGES,
        language=site.language,
        direction=LANGUAGES[site.language],
        style=Markup(style()),  # noqa: S704 - our own style sheets
        now=format_utc(site.now_s),
        url=site.url,
        verdicts={verdict.value: mark for verdict, mark in VERDICTS.items()},
        _=words,
        say=say,
        away=away,
        **values,
    )  # fmt: skip
    return for_people(text)


def _filled(value: object) -> Markup:
    if isinstance(value, Markup):
        return value
    return escape(f"{value:,}") if isinstance(value, int) else data(str(value))


def data(text: object, most: int = 200) -> Markup:
    """Text of any origin, set apart from the words around it; shortened."""
    shown = printable(shorten(str(text), most))
    # without a letter nothing says the direction, and a sign would move to the other end of its number
    direction = Markup("") if any(map(str.isalpha, shown)) else Markup(' dir="ltr"')
    return Markup("<bdi{}>{}</bdi>").format(direction, shown)


def moment(text: str) -> Markup:
    """An RFC 3339 time, to the minute where it is in UTC."""
    shown = re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z$", r"\1 \2 UTC", text)
    return Markup('<time dir="ltr" datetime="{}">{}</time>').format(
        printable(text[:40]), printable(shown[:40])
    )


@functools.cache
def catalogue(language: str) -> Mapping[str, str]:
    """English text → words in that language; in English only those that differ, such as singulars."""
    found: dict[str, str] = json.loads((_HERE / f"{language}.json").read_text(encoding="utf-8"))
    return found


@functools.cache
def style() -> str:
    """The style sheet: that of the audit report, and our own."""
    return f"{report.style()}\n{(_HERE / 'site.css').read_text(encoding='utf-8').strip()}"


@functools.cache
def policy(sheet: str | None = None) -> str:
    """The content security policy of a page with this style sheet, by default ours: no script, nothing from
    elsewhere, and forms go nowhere else.
    """
    digest = base64.b64encode(hashlib.sha256((sheet or style()).encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@functools.cache
def _environment() -> jinja2.Environment:
    made = environment(_HERE, printable)
    made.globals.update(d=data, moment=moment, at=lambda epoch_s: moment(format_utc(epoch_s)))
    return made
