"""What every module of a bundle must keep to before it is allowed to judge.

Two reasons: a decision is a pure function (no clock, network, randomness), and the engines must agree, so
only built-ins that both have and agree on are accepted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from ...evidence.base.errors import PolicyError
from .interface import RuleHead
from .source import without_strings

ALLOWED_BUILTINS = frozenset(
    {
        "abs", "all", "any", "array.concat", "array.reverse", "array.slice", "concat", "contains", "count",
        "endswith", "format_int", "indexof", "intersection", "is_array", "is_boolean", "is_null",
        "is_number", "is_object", "is_set", "is_string", "json.filter", "json.remove", "lower", "max", "min",
        "numbers.range", "object.filter", "object.get", "object.keys", "object.remove", "object.union",
        "product", "regex.match", "replace", "sort", "split", "sprintf", "startswith", "strings.reverse",
        "substring", "sum", "time.parse_rfc3339_ns", "to_number", "trim", "trim_left", "trim_prefix",
        "trim_right", "trim_space", "trim_suffix", "type_name", "union", "upper",
    }
)  # fmt: skip
"""Built-ins on which OPA and the embedded engine agree (differential tests)."""

_CALL = re.compile(r"(?<![\w.])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*\(")
_COMPUTED_CALL = re.compile(r"\]\s*\(")
_KEYWORDS = frozenset({"as", "contains", "default", "else", "every", "if", "in", "not", "some", "with"})
_IMPORT = re.compile(r"^[^\S\n]*import\s+data\b", re.MULTILINE)
_NOT = re.compile(r"\bnot\s+(?![A-Za-z_]\w*(?:\.\w+|\[[^\[\]()\n]*\])*[ \t]*(?:\Z|[;}\])\n,]))")
_WITH = re.compile(r"\bwith\b")
_INDENTED = re.compile(r"[ \t]+(?:default[ \t]+)?((?:deny|violation|warn|condition|check)(?:_\w*)?)\b")
_PREFIXES = ("deny", "violation", "warn", "condition")


def check_module(path: str, source: str, heads: Sequence[RuleHead]) -> None:
    """Refuse constructs that are impure, on which engines differ, or that pass vacuously.

    Raises:
        PolicyError: with file, line and what to write instead.
    """
    code = without_strings(source, comments=False)

    def refuse(what: str, offset: int, remedy: str) -> NoReturn:
        raise PolicyError(what, path=path, place=f"line {code.count(chr(10), 0, offset) + 1}", remedy=remedy)

    local = {head.name for head in heads if head.kind == "function"}
    for call in _CALL.finditer(code):
        name = call[1]
        if name in ALLOWED_BUILTINS | local | _KEYWORDS or name.startswith("data."):
            continue
        refuse(
            f"the function {name!r} is not accepted in a policy",
            call.start(),
            "decisions use only the built-ins listed in docs/policy-bundles.md",
        )
    if found := _COMPUTED_CALL.search(code):
        refuse(
            "a function named in brackets is not accepted in a policy",
            found.start(),
            "call functions by their plain names, so that everybody sees which ones decide",
        )
    if found := _IMPORT.search(code):
        refuse(
            "imports of packages are not accepted: engines resolve aliases differently",
            found.start(),
            "write the full reference, data.gate.lib.…",
        )
    if found := _NOT.search(code):
        refuse(
            "'not' before a call or comparison: engines differ when something in it is undefined",
            found.start(),
            "negate a plain rule or reference, or define a helper rule",
        )
    if found := _WITH.search(code):
        refuse(
            "'with' replaces input, data or functions, which belongs into tests",
            found.start(),
            "pass the value to a function",
        )
    depth = 0
    for number, line in enumerate(code.split("\n"), 1):
        if depth == 0 and (indented := _INDENTED.match(line)):
            raise PolicyError(
                f"the rule {indented[1]!r} does not start at the beginning of its line",
                path=path,
                place=f"line {number}",
                remedy="format the module with `opa fmt`",
            )
        depth += sum(line.count(sign) for sign in "{[(") - sum(line.count(sign) for sign in "}])")
    for head in heads:
        if head.name.split("_")[0] in _PREFIXES and head.kind != "contains":
            raise PolicyError(
                f"the rule {head.name!r} must be a partial set",
                path=path,
                place=f"line {head.line}",
                remedy=f"write '{head.name} contains result if …'",
            )
