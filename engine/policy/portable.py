"""Refuses calls and numbers on which the engines were measured to differ.

Some built-ins agree only for certain arguments. Where the source shows these (a format, a pattern), it is
checked here; built-ins that differ for values nobody can see beforehand are not on the lint's list at all.
``tests/engine/policy/differences.json`` has what was measured, and a test measures it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from ...evidence.base.numbers import counted
from .annotations import LITERAL, blank

Problem = tuple[int, str, str]
"""The offset in the source, what is wrong there, and what to write instead."""

# each is looked for by its first sign, which is fast, and then by what may not stand before that
_CALL = re.compile(r"([irs](?<![\w.].)[\w.]*+)\s*\(")
_OPEN, _CLOSE = "([{", ")]}"
_VERB = re.compile(r"%(.?)", re.DOTALL)
_PATTERN = re.compile(
    r"""(?:
        \\[-.\\/\[\](){}*+?^$|tn]                                  # an escaped sign, a tab, a line break
      | \[ \^? (?: \\[-.\\/\[\](){}*+?^$|tn] | [^\]\[\\&~-] | -(?!-) )+ \]   # a class without a class in it
      | \( (?: (?!\?) | \?: | \?[ims]\) ) | \)                     # a group, or a flag
      | \{ [0-9]{1,3} (?: ,[0-9]{0,3} )? \}                         # a repetition below 1,000
      | [^\\\[\](){}]
    )*""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"[-\d](?<![\w.\]].)(?:(?<=-)\d+|(?<=\d)\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LARGEST = 2**63
_NEGATIVE_INDEX = re.compile(r"\[(?<=[\w\])}]\[)\s*-\s*\d")
_NO_TEXT = re.compile(r"-?\d.*|true|false|null|[\[{].*", re.DOTALL)


def problems(source: str) -> Iterator[Problem]:
    """What is refused in a module, in no particular order."""
    masked = LITERAL.sub(masked_literal, source)
    for call in _CALL.finditer(masked):
        if call[1] not in _CHECKS:
            continue
        arguments = arguments_of(masked, call.end())
        texts = [source[start:end].strip() for start, end in arguments]
        found = _CHECKS[call[1]](texts)
        if found is not None:
            yield call.start(), *found
    for index in _NEGATIVE_INDEX.finditer(masked):
        yield index.start(), "a negative index is not accepted: it is an error in one engine", "count from 0"
    for number in _NUMBER.finditer(masked):
        if not re.fullmatch(r"-?\d+", number[0]) or abs(int(number[0])) >= _LARGEST:
            yield (
                number.start(),
                f"the number {number[0][:40]} is no 64-bit integer: engines compute others differently",
                "write a scaled integer with its unit, such as 800000 for 80 % in ppm",
            )


def masked_literal(literal: re.Match[str]) -> str:
    """As many characters, line breaks where they were, and nothing that could be code."""
    quote = literal[0][0]
    if quote == "#":
        return " " * len(literal[0])
    return quote + blank(literal[0][1:-1], "_") + quote


def arguments_of(masked: str, start: int) -> list[tuple[int, int]]:
    """Where the arguments of a call are in code without literals, given where the first one begins."""
    depth, begin, found = 0, start, []
    for at in range(start, len(masked)):
        sign = masked[at]
        if sign in _OPEN:
            depth += 1
        elif sign in _CLOSE and depth:
            depth -= 1
        elif sign in _CLOSE or (sign == "," and not depth):
            if masked[begin:at].strip():
                found.append((begin, at))
            begin = at + 1
            if sign in _CLOSE:
                break
    return found


def _text(argument: str) -> str | None:
    """The text of an argument that is one string literal; None if it is something else."""
    if not LITERAL.fullmatch(argument) or argument.startswith("#"):
        return None
    if argument.startswith("`"):
        return argument[1:-1]
    try:
        text = json.loads(argument)
    except ValueError:
        return None
    return text if isinstance(text, str) else None


def _sprintf(arguments: list[str]) -> tuple[str, str] | None:
    form = _text(arguments[0]) if len(arguments) == 2 else None
    if form is None or not (arguments[1].startswith("[") and arguments[1].endswith("]")):
        return (
            "sprintf needs its format as a string and its values as a list, both written out",
            'write sprintf("…%v…", [value])',
        )
    verbs = [verb for verb in _VERB.findall(form) if verb != "%"]
    odd = next((verb for verb in verbs if verb not in ("v", "s")), None)
    if odd is not None:
        return (
            f"sprintf with %{odd} is not accepted: engines format it differently",
            "write %v, or %s for text",
        )
    values = arguments_of(LITERAL.sub(masked_literal, arguments[1]), 1)
    if len(values) != len(verbs):
        return (
            f"sprintf has {counted(len(verbs), 'verb')} and {counted(len(values), 'value')}",
            "write one value for each verb",
        )
    for verb, (start, end) in zip(verbs, values, strict=True):
        if verb == "s" and _NO_TEXT.fullmatch(arguments[1][start:end].strip()):
            return "sprintf with %s is for text only: engines format other values differently", "write %v"
    return None


def _match(arguments: list[str]) -> tuple[str, str] | None:
    pattern = _text(arguments[0]) if arguments else None
    if pattern is None:
        return (
            "regex.match needs its pattern written out, so that it can be checked",
            "write the pattern there",
        )
    if not _PATTERN.fullmatch(pattern):
        return (
            f"the pattern {pattern[:80]!r} has signs that engines read differently",
            r"write classes such as [0-9] and [A-Za-z0-9_] for \d and \w; `gate docs engines` says more",
        )
    return None


def _replace_n(arguments: list[str]) -> tuple[str, str] | None:
    try:
        pairs = json.loads(re.sub(r",\s*\}$", "}", arguments[0])) if arguments else None
    except ValueError:
        pairs = None
    if isinstance(pairs, dict) and all(isinstance(new, str) for new in pairs.values()):
        signs = set("".join(pairs.values()))
        if all(len(old) == 1 and old not in signs for old in pairs):
            return None
    return (
        "strings.replace_n needs an object written out, of single characters that occur in no value",
        "replace one text after the other with replace",
    )


def _second_is_text(name: str) -> Callable[[list[str]], tuple[str, str] | None]:
    def check(arguments: list[str]) -> tuple[str, str] | None:
        if len(arguments) > 1 and _text(arguments[1]):
            return None
        what = f"{name} needs what is looked for written out and not empty: engines differ on empty text"
        return what, f'write {name}(text, "…")'

    return check


_CHECKS: dict[str, Callable[[list[str]], tuple[str, str] | None]] = {
    "sprintf": _sprintf,
    "regex.match": _match,
    "indexof": _second_is_text("indexof"),
    "replace": _second_is_text("replace"),
    "strings.replace_n": _replace_n,
}
