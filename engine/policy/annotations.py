"""Reads ``# METADATA`` blocks and rule heads from Rego source, and removes its strings and comments.

The embedded engine does not expose annotations, so they are read from the comments, in the form that OPA
documents (https://www.openpolicyagent.org/docs/policy-language#metadata): a comment line ``# METADATA``
followed by YAML in comments, directly above a package or a rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from ...evidence.base.errors import PolicyError
from ...evidence.base.limits import DEFAULT, Limits
from ...evidence.reading.yaml_reader import parse_yaml
from .interface import Annotation, RuleHead

LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|#[^\n]*')
_COMMENT = re.compile(r"#[^\n]*")
_VISIBLE = re.compile(r"[^\n]")
_PACKAGE = re.compile(r"package\s+([A-Za-z_][\w.]*)\s*(?:#.*)?")
_HEAD = re.compile(r"(default\s+)?([A-Za-z_]\w*)(\(.*)?\s*(contains\b|:=|=|if\b|\[|\{|\.)?")
_KEYWORDS = frozenset({"import", "package", "else"})


def read_annotations(
    path: str, source: str, limits: Limits = DEFAULT
) -> tuple[str, list[Annotation], list[RuleHead]]:
    """The package, the annotations and the rule heads of one module.

    Heads are recognised at the start of a line, as ``opa fmt`` writes them.

    Raises PolicyError: no package, or an annotation that is no YAML mapping or not directly above a package
    or rule.
    """
    package = ""
    annotations: list[Annotation] = []
    heads: list[RuleHead] = []
    block: list[str] | None = None
    block_line = 0
    lines = without_strings(source, comments=True).split("\n")
    for number, line in enumerate([*lines, ""], 1):  # the last one ends a block at the end of the file
        starts = line.rstrip() == "# METADATA"
        if block is not None and line.startswith("#") and not starts:
            block.append(line[2:] if line.startswith("# ") else line[1:])
            continue
        name, kind = None, None
        if line[:1].isalpha() or line[:1] == "_":
            if found := _PACKAGE.fullmatch(line.strip()):
                package, kind = found[1], "package"
            elif (match := _HEAD.match(line)) is not None and match[2] not in _KEYWORDS:
                name, kind = match[2], "function" if match[3] else (match[4] or "=")
                heads.append(RuleHead(path, number, package, name, kind))
        if block is not None:
            if kind is None:
                what = "the METADATA block is not directly above a package or rule"
                remedy = "move it there, without a line in between"
                raise PolicyError(what, path=path, place=f"line {block_line}", remedy=remedy)
            values = _values(block, path, block_line, limits)
            annotations.append(Annotation(path, block_line, package, name, kind, values))
        block, block_line = ([], number) if starts else (None, 0)
    if not package:
        what = "the module has no package"
        raise PolicyError(what, path=path, place="line 1", remedy="add 'package gate.…'")
    return package, annotations, heads


def _values(block: list[str], path: str, line: int, limits: Limits) -> dict[str, object]:
    text = "\n" * line + "\n".join(block)
    value = parse_yaml(text.encode(), path, limits, error_type=PolicyError)
    if not isinstance(value, dict):
        what = "the METADATA block is not a YAML mapping"
        raise PolicyError(what, path=path, place=f"line {line}", remedy="write 'key: value' lines after '# '")
    return value


def without_strings(source: str, *, comments: bool) -> str:
    """``source`` with every string literal blanked, and without comments unless ``comments`` is set.

    What is left keeps its line and column. A comment sign in a string is no comment, and a quote in a comment
    is no string.
    """
    blanked = _blanked(source)
    return blanked if comments else _COMMENT.sub("", blanked)  # no comment sign is in a string any more


@lru_cache(maxsize=1)  # a module's annotations and its code are looked at one after the other
def _blanked(source: str) -> str:
    def replace(match: re.Match[str]) -> str:
        text = match[0]
        return text if text.startswith("#") else f'"{blank(text[1:-1], " ")}"'

    return LITERAL.sub(replace, source)


def blank(text: str, sign: str) -> str:
    """As many signs as ``text`` has characters, line breaks where they are."""
    return _VISIBLE.sub(sign, text) if "\n" in text else sign * len(text)


def without_comments(source: str) -> str:
    """``source`` without its comments; what is left keeps its line and column."""
    return map_code(source, str)


def map_code(source: str, change: Callable[[str], str]) -> str:
    """``source`` without comments, its code (all but string literals) as the function gives it back."""
    done, parts = 0, []
    for literal in LITERAL.finditer(source):
        parts += [change(source[done : literal.start()]), "" if literal[0].startswith("#") else literal[0]]
        done = literal.end()
    return "".join([*parts, change(source[done:])])
