"""Sentences of the report and their translations; data stay in their own language.

A catalogue is a JSON object from the English text to the translation. Placeholders such as ``{stage}`` stand
for data, and are the same in both. What a catalogue lacks is shown in English. What a ``count`` of one is
called stands there under the text with ``|1`` at its end.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, field

from ....evidence.base.errors import UsageError, suggestion

LANGUAGES = {"en": "ltr", "he": "rtl"}
"""Language of the report (BCP 47) → direction of its text."""

_HERE = Path(__file__).resolve().parent
_PLACE = re.compile(r"\{(\w+)\}")
CODE = re.compile("`([^`]{1,200})`")
"""What messages set apart as code."""
T = TypeVar("T", bound=str)


class Said(Struct, frozen=True):
    """Words of the report: the English text, and the data for its placeholders."""

    text: str
    values: Mapping[str, Text] = field(default_factory=dict)


Text = str | Said
"""Words of the report, or data (a plain string)."""


def say(text: str, **values: Text | int) -> Said:
    """Words of the report, with data for the placeholders."""
    return Said(text, {name: str(one) if isinstance(one, int) else one for name, one in values.items()})


def check_language(name: str) -> str:
    """The name. Raises UsageError: there is no report in that language."""
    if name not in LANGUAGES:
        raise UsageError(f"there is no report in the language {name!r}", remedy=suggestion(name, LANGUAGES))
    return name


@functools.cache
def catalogue(language: str) -> Mapping[str, str]:
    """English text → words in that language; in English only those that differ, such as singulars."""
    found: dict[str, str] = json.loads((_HERE / f"{language}.json").read_text(encoding="utf-8"))
    return found


def spoken(
    text: Text, language: str, words: Callable[[str], T], data: Callable[[str], T], join: type[T]
) -> T:
    """A text in a language, escaped part by part.

    Args:
        words: escapes words of the report.
        data: escapes data and sets them apart.
        join: the kind of string that both give.
    """
    if isinstance(text, str):
        return data(text)
    known = catalogue(language)
    told = known.get(text.text, text.text)
    if not text.values:
        return words(told)
    if text.values.get("count") == "1":
        told = known.get(f"{text.text}|1", told)
    parts: list[T] = []
    for number, part in enumerate(_PLACE.split(told)):
        inner = number % 2 == 1
        parts.append(spoken(text.values[part], language, words, data, join) if inner else words(part))
    return join("").join(parts)  # type: ignore[return-value]  # str.join of a subclass gives the subclass
