"""Refuses Rego that no decision may depend on.

A decision is a pure function (no clock, network or randomness), and all engines must give the same result, so
only built-ins and constructs on which they agree are accepted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...evidence.base.errors import PolicyError
from .annotations import without_strings
from .interface import Reporter, RuleHead, refuse
from .portable import problems

ALLOWED_BUILTINS = frozenset(
    {
        "abs", "all", "any", "array.concat", "array.reverse", "array.slice", "concat", "contains", "count",
        "endswith", "format_int", "indexof", "intersection", "is_array", "is_boolean", "is_null",
        "is_number", "is_object", "is_set", "is_string", "json.remove", "max", "min", "numbers.range",
        "object.filter", "object.get", "object.keys", "object.remove", "object.union",
        "product", "regex.match", "replace", "sort", "split", "sprintf", "startswith", "strings.replace_n",
        "strings.reverse",
        "substring", "sum", "trim", "trim_left", "trim_prefix", "trim_right", "trim_space", "trim_suffix",
        "type_name", "union",
    }
)  # fmt: skip
"""Built-ins on which OPA and the embedded engine agree (measured), some within what ``portable`` checks."""

# a name that no letter, digit or point stands before: looked for by its first letter, which is fast
_CALL = re.compile(r"([A-Za-z_](?<![\w.].)\w*+(?:\.[A-Za-z_]\w*+)*+)\s*+\(")
_KEYWORDS = frozenset({"as", "contains", "default", "else", "every", "if", "in", "not", "some", "with"})
_OPERATORS = frozenset(
    {
        "and", "assign", "div", "eq", "equal", "gt", "gte", "lt", "lte", "minus", "mul", "neq", "or",
        "plus", "rem",
    }
)  # fmt: skip
"""Built-ins behind OPA's operators: a rule of that name would be called in the operator's place."""

_REFUSED = {
    r"\]\s*\(": (
        "a function named in brackets is not accepted in a policy",
        "call functions by their plain names, so that readers see which ones decide",
    ),
    r"(?m)^[^\S\n]*import\s+data\b": (
        "imports of packages are not accepted: engines resolve aliases differently",
        "write the full reference, data.gate.lib.…",
    ),
    r"\bnot\s+(?![A-Za-z_]\w*(?:\.\w+|\[[^\[\]()\n]*\])*[ \t]*(?:\Z|[;}\])\n,]))": (
        "'not' before a call or comparison: engines differ when something in it is undefined",
        "negate a plain rule or reference, or define a helper rule",
    ),
    r"\bwith\b": (
        "'with' replaces input, data or functions, which belongs in tests",
        "pass the value to a function",
    ),
}
"""Constructs that are refused, why, and what to write instead."""

_INDENTED = re.compile(
    r"^[ \t]+(?:default[ \t]+)?((?:deny|violation|warn|condition|check)(?:_\w*)?)\b", re.MULTILINE
)
_PREFIXES = ("deny", "violation", "warn", "condition")


def check_module(path: str, source: str, heads: Sequence[RuleHead], report: Reporter = refuse) -> None:
    """Refuse constructs that are impure, on which engines differ, or that would pass without judging.

    Raises PolicyError: with file, line and what to write instead; what else ``report`` raises.
    """
    code = without_strings(source, comments=False)

    def found(what: str, place: str, remedy: str) -> None:
        report("refused", PolicyError(what, path=path, place=place, remedy=remedy))

    def place_in(text: str, offset: int) -> str:
        line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
        return f"line {line}, column {column}"

    def place_of(offset: int) -> str:
        return place_in(code, offset)

    accepted = ALLOWED_BUILTINS | _KEYWORDS | {head.name for head in heads if head.kind == "function"}
    for call in _CALL.finditer(code):
        if call[1] not in accepted and not call[1].startswith("data."):
            what = f"the function {call[1]!r} is not accepted in a policy"
            remedy = "`gate docs policy-bundles` lists the built-ins that are accepted"
            found(what, place_of(call.start()), remedy)
    for offset, what, remedy in sorted(problems(source)):
        found(what, place_in(source, offset), remedy)
    for pattern, (what, remedy) in _REFUSED.items():
        for match in re.finditer(pattern, code):
            found(what, place_of(match.start()), remedy)
    for indented in _INDENTED.finditer(code):
        before = code[: indented.start()]
        if sum(map(before.count, "{[(")) == sum(map(before.count, "}])")):
            what = f"the rule {indented[1]!r} does not start at the beginning of its line"
            found(what, place_of(indented.start(1)), "format the module with `gate policy fmt`")
    for head in heads:
        place = f"line {head.line}"
        if head.name in ALLOWED_BUILTINS | _OPERATORS:
            what = f"the rule {head.name!r} has the name of a built-in: engines differ on what a call means"
            found(what, place, "give the rule another name")
        if head.name.split("_")[0] in _PREFIXES and head.kind != "contains":
            what = f"the rule {head.name!r} must be a partial set"
            found(what, place, f"write '{head.name} contains result if …'")
