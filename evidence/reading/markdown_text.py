"""Single texts of a Markdown document: without markup, as headings to match, template marks in them."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MAX_INLINE = 1000
"""Longest text in characters whose inline markup is taken away; a longer one is kept as written."""
MAX_NESTING = 200
"""Levels of Markdown blocks inside each other (a nested list takes two for each level)."""

_HIDDEN = re.compile(
    r"<!--.*?(?:-->|\Z)|(?<!~)~~(?![\s~])[^~]*(?<!\s)~~(?!~)"
    r"|<(?P<tag>del|s|strike)(?:\s[^<>]*)?>.*?(?:</(?P=tag)\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_MARKUP = re.compile(r"[\\`*_\[\]<>&!~\n]")
_WHO = "(?:name|date|signature|role|owner|approver)"
_MARKS = (
    re.compile(
        r"(?<![^\W_])(?:\\?_){4,}|(?:\\?_){4,}(?![^\W_\\])|(?<![^\W_])(?:\\?_){2,}\s*(?:/\s*[0-9]|%)"
        r"|(?<!\w)(?:T[Bb][DdCcAa]|t(?:bd|bc|ba)|TODO|FIXME|TO BE (?:FILLED|DEFINED|DETERMINED|COMPLETED"
        r"|ADDED|TESTED|WRITTEN|PROVIDED|CONFIRMED|DECIDED))(?!\w)|(?<!\w)[Ll]orem ipsum(?!\w)"
    ),
    re.compile(
        r"\[\s*(?:(?:to be (?:filled|defined|determined|decided|completed|added|written|provided|confirmed"
        r"|tested)|fill(?: (?:in|me|this))?|placeholder|insert|todo|tb[dca]"
        r"|(?:describe|specify|explain|enter|write|list) (?:the|your|an?|all|each|here)"
        r"|להשלמה|להשלים|למילוי|יש למלא|יש להשלים)"
        rf"(?!\w)[^\]\n]{{0,200}}|your {_WHO}|(?-i:(?=[A-Z])){_WHO}|yyyy-mm-dd)\s*\]"
        r"(?![(\[])"
        rf"|(?:\A|[\n:|]|(?<!\w)(?:by|on))[^\w\n\]]{{0,9}}\[\s*{_WHO}\s*\](?![(\[])"
        r"|(?<!\w)(?:status|סטטוס)[^\w\n]{1,8}"
        r"(?:(?:draft )?(?:template|תבנית)(?!\w)|(?:draft|wip|טיוטה)[^\w\n]{0,20}(?=\n|\Z))"
        r"|(?<!\w)(?:by|owner|author|approver|reviewer|officer|cto|trader|name|date|role)[^\w\n:]{0,9}"
        r":[^\w\n<{.]{0,20}(?:\.{4,}|…{2,}|<(?:your )?(?:name|date|signature|role|owner|approver)>"
        r"|\{\{[^{}\n]{0,200}\}\}|yyyy-mm-dd)[^\w\n]{0,20}(?=\n|\Z)"
        r"|(?<!\w)(?:approved|effective|reviewed|rehearsed|signed|updated|verified)(?: on)?"
        r"[^\w\n]{1,9}yyyy-mm-dd(?!\w)"
        r"|(?<!\w)(?:signature|signed(?: by)?|חתימה)[^\w\n]{0,20}:[^\w\n]*\Z"
        r"|(?<!\w)(?:by|operator|name)[^\w\n:]{0,9}:[^\w\n]{0,20}"
        r"(?:x{3,}|pending|unknown|nobody|your (?:full )?name)[^\w\n]*(?=\n|\Z)"
        r"|(?:\A|[:|–—])[^\w\n]{0,9}(?:להשלמה|להשלים|למילוי|טרם (?:הוגדר|נקבע|הושלם)|(?:ייקבע|יושלם) בהמשך)"
        r"[^\w\n]*(?=[|\n]|\Z)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:\A|\n)[^\w\n]{0,20}(?:(?:approval|document|review)\W{1,8})?status[^\w\n]{1,8}"
        r"(?:(?:not |un)approved|pending (?:approval|review)|(?:in|under) review|obsolete|outdated|superseded"
        r"|deprecated|withdrawn|revoked|in progress|incomplete|on hold|not started|proposed"
        r"|awaiting approval)[^\w\n]{0,20}(?=\n|\Z)"
        r"|(?:\A|[.;:|\n])[^\w\n]{0,9}(?:(?:all|both|the|these|this|rollback|scale-up)\s+){0,3}"
        r"(?:approval|cap|check|checklist|decision|document|gate|limit|phase|plan|procedure|review|stage"
        r"|step|threshold|trigger|week)s?(?:\s+(?:[0-9]+|to|and|of [\w-]+|[0-9]+[–-][0-9]+)){0,4}"
        r"\s+(?:is|are|was|were|(?:has|have) been|(?:may|can|will) be)\s+"
        r"(?:(?:all|now|currently|temporarily)\s+)*"
        r"(?:disabled|ignored|informational|invalid|obsolete|omitted|optional|rejected|revoked|skipped|superseded"
        r"|suspended|waived|withdrawn"
        r"|(?<!stage is )(?:no longer|not) (?:approved|binding|enforced|in force|in use|valid|used))\b"
        r"(?![^.;\n]{0,200}\b(?:if|when|unless|once|where)\b)",
        re.IGNORECASE,
    ),
)
"""What a template leaves to be filled in, and how a document says that it or a part of it is not in force."""
_NO_VERSION = "(?:draft|template|wip|obsolete|outdated|superseded|deprecated|withdrawn|טיוטה|תבנית)"
_TITLE = re.compile(
    rf"\A\W*{_NO_VERSION}\s*(?::|\s[-–—]\s)|(?:[(\[:]|\s[-–—])\s*{_NO_VERSION}\W*\Z", re.IGNORECASE
)
_HEAD = re.compile(
    r"(?:\A|\n)[^\w\n]{0,9}(?:status[^\w\n]{1,8}(?:rejected|expired|cancell?ed|superseded by\b[^\n]{0,60})"
    r"|approv(?:ed|al)(?: by| on)?[^\w\n:|]{0,9}[:|]"
    r"(?:[^\w\n]{0,9}(?:no|none|nobody|n/?a)|[ *_]{0,9}[-–—]{1,3}))[^\w\n]{0,20}(?=\n|\Z)"
    r"|\A\W*(?-i:DRAFT|TEMPLATE|WIP|OBSOLETE)"
    r"(?:\W+(?:not (?:yet )?(?:approved|in force)|do not use|for review|v(?:ersion )?[0-9.]+))*\W*\Z",
    re.IGNORECASE,
)
"""How a document says at its head that it is no version in force: in its title, and below it."""
_NOTHING = re.compile(
    r"[\W_]*(?:n/?a|none|nil|never|nothing|nobody|unlimited|x{3,}|pending|unknown|missing|removed"
    r"|coming soon|later|skipped|waived|disabled|suspended|lifted|uncapped|optional|unconditional|ditto"
    r"|ad[ -]hoc|(?:as|if|when) (?:needed|necessary|possible|convenient)|if time permits"
    r"|see (?:above|below|elsewhere|(?:the )?(?:code|wiki|confluence))|none yet|etc"
    r"|trivially true|guidelines? only|by nobody|nothing to (?:check|do)|at (?:[\w'’]+ ){1,3}discretion"
    r"|to[ -]?do|wip|work in progress"
    r"|no (?:limits?|caps?|reviews?|gates?|inputs?|outputs?|conditions?|criteria)"
    r"|אין|ללא|להשלמה|not (?:applicable|available|checked|enforced|mapped|needed|required|supported"
    r"|(?:yet )?(?:defined|decided|done|implemented|known|planned|written))"
    r"|planned|anything(?: goes| passes)?|everything passes|same(?: as (?:above|below|before))?"
    r"|as (?:above|below|before)|after go-?live|afterwards|not yet \w+"
    r"|always (?:met|open|pass(?:es)?|true)|to be \w+(?: later)?|\{\{[^{}]*\}\})[\W_]*",
    re.IGNORECASE,
)
_ASSENT = re.compile(r"[\W_]*(?:ok(?:ay)?|yes|no|true|false|gates?)[\W_]*", re.IGNORECASE)
"""What says nothing by itself, though it may begin a sentence that does: ``yes, weekly``."""
HEDGED = re.compile(
    r"\bnot (?:yet )?(?:agreed|binding|counted|decided|enforced|guaranteed|implemented|monitored|tested"
    r"|watched)\b"
    r"|\bto be (?:agreed|confirmed|decided|defined|determined|discussed)\b(?! (?:against|by|with)\b)"
    r"|\bplanned\b(?! (?:downtime|maintenance|outage|re-?start))"
    r"|\b(?:aspirational|proposed|provisional|roughly|soft limit|tentative|tomorrow)\b"
    r"|\bunless\s+(?:\w+\s+){1,4}(?:agree|approve|decide|object)|\(\?+\)",
    re.IGNORECASE,
)
"""How a text takes back what it states: a limit that is proposed, an action that is not implemented."""
_NOT_TOGETHER = re.compile(r"\\[1-9]|\(\?[^:!=<]")
_LEADING = re.compile(r"\A(?:[^\w]|_)*(?:\(?[0-9]+(?:[.][0-9]+)*[.):]*(?:[^\w]|_)+)?", re.UNICODE)
_TRAILING = re.compile(r"[^\w)%\]]+\Z")


@functools.cache
def parser() -> MarkdownIt:
    """The block parser for CommonMark with tables; inline markup is parsed only where a text is asked for."""
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("table")
    made.core.ruler.enableOnly(["normalize", "block"])
    return made


@functools.lru_cache(maxsize=4096)
def plain(content: str) -> str:
    """Inline Markdown as text on one line: emphasis, links and code without their marks, no comments."""
    content = shown(content)
    if len(content) > MAX_INLINE or not _MARKUP.search(content):
        return " ".join(content.split())
    shared = parser()
    tokens: list[Token] = []
    shared.inline.parse(content, shared, {}, tokens)
    parts: list[str] = []
    stack = tokens[::-1]
    while stack:
        token = stack.pop()
        if token.type in {"text", "text_special", "code_inline"}:
            parts.append(token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
        elif token.type == "html_inline":
            parts.append(" " if token.content.lower().startswith("<br") else "")
        elif token.children:  # an image: its description
            stack.extend(token.children[::-1])
    return " ".join("".join(parts).split())


@functools.lru_cache(maxsize=1024)
def heading_key(title: str) -> str:
    """A heading as it is matched: without its decoration.

    Compatibility forms are folded (NFKC); emoji and numbering before it, direction marks, vowel points, and
    everything but words, closing brackets and ``%`` at its end are dropped.
    """
    folded = unicodedata.normalize("NFKC", title)
    kept = "".join(char for char in folded if unicodedata.category(char) not in {"Cf", "Mn"})
    return _TRAILING.sub("", _LEADING.sub("", " ".join(kept.split()), count=1))


def template_mark(text: str) -> int | None:
    """Where the text still holds a mark that a template leaves to be filled in; None when it holds none."""
    return min((found.start() for mark in _MARKS if (found := mark.search(text))), default=None)


def has_template_mark(text: str) -> bool:
    """Whether the text still holds a mark that a template leaves to be filled in."""
    return template_mark(text) is not None


def is_dismissed(text: str, *, title: bool) -> bool:
    """Whether the title of a document, or a text before its first section, says that it is not in force."""
    return (_TITLE if title else _HEAD).search(text) is not None


@functools.lru_cache(maxsize=512)
def from_word_start(*patterns: str) -> Callable[[str], re.Match[str] | None]:
    """Searches for one of the expressions without regard to case, only from the beginning of a word.

    One to three letters that Hebrew writes together with the next word may come before it. Expressions are
    compiled together, which is faster, unless they refer to their groups or have extensions of their own.
    """
    if len(patterns) > 1 and any(map(_NOT_TOGETHER.search, patterns)):
        each = [from_word_start(pattern) for pattern in patterns]
        return lambda text: next((found for search in each if (found := search(text))), None)
    together = "|".join(f"(?:{pattern})" for pattern in patterns) if len(patterns) > 1 else "".join(patterns)
    return re.compile(rf"(?<![^\W_])[ובהכלמש]{{0,3}}(?i:{together})").search


def says_something(text: str) -> bool:
    """Whether a letter, a digit or a symbol (✅) is in the text, and it is no word for nothing (``n/a``)."""
    return not _NOTHING.fullmatch(text) and _ASSENT.fullmatch(text) is None and _has_content(text)


def _has_content(text: str) -> bool:
    return any(char.isalnum() or unicodedata.category(char) == "So" for char in text)


def begins_with_something(text: str) -> bool:
    """Whether the text says something, and does not begin by saying nothing: ``none, always passes``."""
    first = re.match(r"[\W_]*([^,;:.(–—]*)", text)
    nothing = first is not None and first[1] and (_NOTHING.fullmatch(first[1]) or not _has_content(first[1]))
    return says_something(text) and not nothing


def shown(text: str) -> str:
    """``text`` without HTML comments and what is struck through; a comment not closed reaches to the end."""
    return _HIDDEN.sub(lambda found: "\n" * found.group().count("\n"), text)
