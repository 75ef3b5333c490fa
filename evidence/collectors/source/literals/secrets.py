"""What counts as a hard-coded secret: names, placeholders, and the shapes of well-known tokens.

No function here gives back any part of a secret: only what kind it is and how long. The shapes are those
that the issuers document: AWS (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html),
GitHub (https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/),
Slack (https://docs.slack.dev/authentication/tokens), Stripe (https://docs.stripe.com/keys), JWT (RFC 7519),
PEM (RFC 7468), Telegram (https://core.telegram.org/bots/features#botfather), bearer tokens (RFC 6750), user
names and passwords in addresses (RFC 3986, section 3.2.1).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

SHAPES: dict[str, tuple[re.Pattern[str], tuple[str, ...]]] = {
    "aws_access_key": (
        re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        ("AKIA", "ASIA"),
    ),
    "bearer_token": (
        re.compile(r"(?<![A-Za-z])[Bb](?:earer|asic) (?=[^\s\d]{0,200}\d)[\w.~+/-]{20,4000}+"),
        ("Bearer ", "bearer ", "Basic ", "basic "),
    ),
    "github_token": (
        re.compile(r"(?<![A-Za-z0-9_])(?:gh[pousr]_[A-Za-z0-9]{36,255}+|github_pat_\w{22,255}+)"),
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    "gitlab_token": (re.compile(r"(?<![\w-])glpat-[\w-]{20,255}+"), ("glpat-",)),
    "google_api_key": (re.compile(r"(?<![\w-])AIza[\w-]{35}(?![\w-])"), ("AIza",)),
    "jwt": (re.compile(r"(?<![\w.-])eyJ[\w-]{8,4000}+\.eyJ[\w-]{8,4000}+\.[\w-]{8,4000}+"), ("eyJ",)),
    "openai_key": (re.compile(r"(?<![\w-])sk-(?:proj|svcacct|admin|ant)-[\w-]{20,255}+"), ("sk-",)),
    "password_in_url": (
        re.compile(
            r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}+://([^\s:/@\"'`{}$<>%]{0,80}+):"
            r"([^\s:/@\"'`{}$<>%]{3,80}+)@[\w.\[-]"
        ),
        ("://",),
    ),
    "private_key": (
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr]|[\"'+,]){0,200}+"
            r"(?:[A-Za-z-]{1,20}+: [^\n\\]{0,100}+(?:\s|\\[nr]|[\"'+,]){0,200}+){0,4}+[A-Za-z0-9+/=]{16}"
        ),
        ("-----BEGIN ",),
    ),
    "slack_token": (re.compile(r"(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,255}+"), ("xox",)),
    "stripe_key": (re.compile(r"(?<![A-Za-z0-9])[sr]k_live_[A-Za-z0-9]{16,255}+"), ("k_live_",)),
    "telegram_token": (re.compile(r"(?<![\w-])\d{8,10}:AA[\w-]{33}(?![\w-])"), (":AA",)),
    "webhook": (
        re.compile(
            r"hooks\.slack\.com/services/T\w{8,20}/B\w{8,20}/\w{20,60}|"
            r"discord(?:app)?\.com/api/webhooks/\d{17,20}/[\w-]{60,100}"
        ),
        ("hooks.slack", "api/webhooks"),
    ),
}
"""Kind → what such a secret looks like, wherever it stands, and texts of which it has one."""

_KEYS = ("api", "access", "private", "auth", "signing", "encryption")
HINTS = (
    *("passw", "pwd", "passphrase", "secret", "token", "credential", "auth", "login"),
    *(hint.lower() for _, hints in SHAPES.values() for hint in hints if hint != "://"),
    *(f"{what}{joint}key" for what in _KEYS for joint in ("", "_", "-")),
)
"""A file without any of these, in any case, holds no secret that these rules know, but one in an address."""

_LONGEST_NAME = 80
_LONGEST_VALUE = 20_000
_ENTROPY_FROM = 32
_RANDOM = re.compile(r"[A-Za-z0-9+/=_-]+")

_TERM = (
    r"pass(?:word|wd|phrase)|pwd|secret|token|api_?key|(?:secret_)?access_?key|private_?key|secret_?key|"
    r"auth_?key|signing_?key|encryption_?key|credentials?"
)
_TAIL = (
    r"\d*|prod|production|live|paper|dev|test|staging|default|value|str|text|b64|base64|hex|plain|ib|ibkr|tws"
)
_NAMED = re.compile(rf"(?:[a-z0-9_]*_)?(?:{_TERM})s?(?:_?(?:{_TAIL}))?")
_TERM_ANYWHERE = re.compile(rf"(?:^|_)(?:{_TERM})(?:_|$|\d)")
_ABOUT = re.compile(
    r".*_(?:url|uri|file|filename|path|dir|name|field|type|id|env|var|variable|header|prefix|suffix|length|len|size|"
    r"count|regex|pattern|hint|label|policy|expiry|ttl|timeout|prompt|message|endpoint|algorithm|rule|schema)s?"
)

_TOKEN = re.compile(rf"(?:[a-z0-9_]*_)?tokens?(?:_?(?:{_TAIL}))?")
_ISSUED = re.compile(
    r"(?:^|_)(?:api|access|app|auth|authorization|bearer|bot|client|id|jwt|login|oauth\d?|refresh|secret|service|session|"
    r"user)_"
)
_PLAIN_WORD = re.compile(r"[A-Za-z]{1,24}(?:[_-][A-Za-z]{1,24}){0,3}|\d{1,9}|[^\w\s]{1,3}")
"""What a token is that nobody issued, but a parser read, or that is a currency: ``fee_token="USDT"``."""

_OF_SECRET = re.compile(
    r"[a-z_]+_(?:hash|digest|id|name|field|column|env|var|file|path|url|header|prefix|type)", re.IGNORECASE
)
_CHOICE = re.compile(r"(?:is|has|use|update|ask|ask_for|require|show|hide|allow|enable|disable|force)_.*")
"""Names that say what to do about a secret; a word as their value says when."""

_PLACEHOLDER = re.compile(
    r"(?:your|my|insert|replace|enter|put|add|change)(?:with|your|own|ib|ibkr|bot|api|app|access|secret|private|real|"
    r"actual|password|passwd|token|key|id|here|value|me|it|this|please)+|fill(?:me|in)|none|null|nil|undefined|unset|not(?:set|given|provided|configured)|demo|"
    r"true|false|yes|no|required|optional|env|environ|prompt|ask|keyring|vault|string|str|notarealsecret"
)
"""What a value says that only holds a place, in lower case and without punctuation."""
_HOLDING = frozenset(
    {
        *("your", "insert", "replace", "changeme", "changeit", "replaceme", "placeholder", "example"),
        *("sample", "dummy", "fake", "todo", "tbd", "redacted", "masked", "hidden", "here"),
    }
)
"""Words, parted by punctuation, of which one is enough."""
_PROVIDER = re.compile(
    r"(?:xox[abeoprs]|gh[pousr]|github_pat|glpat|[srp]k(?:[-_](?:live|test|proj|ant))*|hf|npm|pypi)[-_]|A[KS]IA|"
    r"\d{6,12}:"
)
"""What the tokens of well-known providers begin with."""
_SEQUENCE = "0123456789abcdefghijklmnopqrstuvwxyz"
_REFERENCE = re.compile(
    r"\$\{[^}]*\}|\$\([^)]*\)|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%|\{\{[^}]*\}\}|\{[^}]*\}|%\([^)]*\)s|<[^>]*>|\[[^\]]*\]|ENC\[.*|"
    r"(?:env|vault|file|secret|ssm|op|aws|gcp|keyring|sops)://?\S*|(?:env|vault|file|ssm|keyring):\S+|arn:aws:\S*"
)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_FILLER = re.compile(r"[xX*.\-_#?0 ]*")


def is_named(name: str) -> bool:
    """Whether its last words make this the name of a secret: ``db_password``, ``apiKey``, ``TOKEN_2``."""
    return _NAMED.fullmatch(snake(name)) is not None


def mentions_secret(name: str) -> bool:
    """Whether the name has a word for a secret anywhere, and is not only about one (``token_url``)."""
    words = snake(name)
    return _TERM_ANYWHERE.search(words) is not None and _ABOUT.fullmatch(words) is None


def is_about_secret(name: str) -> bool:
    """Whether a value of this name has to be looked at."""
    return is_named(name) or mentions_secret(name)


def snake(name: str) -> str:
    """``apiKey``, ``api-key``, ``api.key`` and ``API_KEY`` as ``api_key``; an overlong name as nothing."""
    return _snake(name) if len(name) <= _LONGEST_NAME else ""


@lru_cache(maxsize=4096)  # programs use the same names again and again
def _snake(name: str) -> str:
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", parted).strip("_").lower()


def is_placeholder(value: str, name: str = "") -> bool:
    """Whether the value only holds a place: empty, a reference, filler, or the name once more."""
    text = value.strip()
    bare = re.sub(r"[\W_]", "", text[:200].lower())
    if not bare or _FILLER.fullmatch(text) or _REFERENCE.fullmatch(text[:2000]):
        return True
    if _PLACEHOLDER.fullmatch(bare) or is_made_up(text):
        return True
    if _VARIABLE.fullmatch(text[:_LONGEST_NAME]) and is_about_secret(text):
        return True  # the name of an environment variable
    if name and snake(text).startswith(f"{snake(name)}_") and _OF_SECRET.fullmatch(text[:_LONGEST_NAME]):
        return True  # the name of a field: ``{"api_key": "api_key_hash"}``
    return bool(name) and (snake(text) == snake(name) or snake(name).endswith("_" + snake(text)))


def is_made_up(token: str) -> bool:
    """Whether a token, its provider's prefix aside, holds a place, repeats itself, or only counts up."""
    body = token.removeprefix(found[0]) if (found := _PROVIDER.match(token)) else token
    if "EXAMPLE" in body:
        return True
    parts = [part for part in re.split(r"[\W_]+", body[:300].lower()) if part]
    return not _HOLDING.isdisjoint(parts) or all(_is_filler(part, found is not None) for part in parts)


def _is_filler(part: str, prefixed: bool) -> bool:
    repeated = len(set(part)) == 1 and (prefixed or len(part) > 2)
    repeated = repeated or (len(part) >= 16 and len(set(part)) < 4)
    return repeated or (len(part) >= 10 and (part in _SEQUENCE or part in "1234567890"))


def kind_of(name: str, value: str) -> str | None:
    """What kind of secret a literal of this name is; None if it is none."""
    text = value[:_LONGEST_VALUE]
    for kind, start, end in shapes(text):
        if end > start:
            return kind
    if is_placeholder(text, name):
        return None
    random = looks_random(text)
    if random and mentions_secret(name):
        return "high_entropy"
    if not is_named(name) or text.startswith(("-----BEGIN", "http://", "https://", "/", "./", "~/")):
        return None
    if _CHOICE.fullmatch(snake(name)) and text.replace("_", "").isalpha():
        return None
    plain = snake(name)
    if _TOKEN.fullmatch(plain) and not _ISSUED.search(plain) and _PLAIN_WORD.fullmatch(text):
        return None
    if any(character.isspace() for character in text.strip()) and "passphrase" not in snake(name):
        return None
    return "named"


def looks_random(value: str) -> bool:
    """At least 32 characters of a base64 or hexadecimal alphabet, letters and digits, hardly repeating.

    The entropy per character is at least 3 bits for hexadecimal digits and 3.5 bits otherwise, which words
    and identifiers of that length do not reach together with the mix of letters and digits.
    """
    if len(value) < _ENTROPY_FROM or not _RANDOM.fullmatch(value):
        return False
    if not any(c.isdigit() for c in value) or not any(c.isalpha() for c in value):
        return False
    size = len(value)
    entropy = -sum(count / size * math.log2(count / size) for count in Counter(value).values())
    return entropy >= (3.0 if re.fullmatch(r"[0-9a-fA-F]+", value) else 3.5)


def shapes(text: str) -> Iterator[tuple[str, int, int]]:
    """Well-known tokens in a text: kind, start and end. Those that only hold a place do not count."""
    for kind, (pattern, hints) in SHAPES.items():
        if not any(hint in text for hint in hints):
            continue
        for match in pattern.finditer(text):
            if kind == "password_in_url":
                common = {match[1], "pass", "pwd", "passwd", "secret", "token"}
                if match[2] not in common and not is_placeholder(match[2], "password"):
                    yield kind, match.start(2), match.end(2)
            elif kind in ("private_key", "jwt") or not is_made_up(match.group()):
                yield kind, match.start(), match.end()


def key_length(text: str, start: int) -> int:
    """Length of a private key from its first line to its last, or to the end of the text."""
    marker = text.find("-----END ", start, start + _LONGEST_VALUE)
    end = text.find("-----", marker + 9) if marker >= 0 else -1
    return (end + 5 if end >= 0 else min(len(text), start + _LONGEST_VALUE)) - start
