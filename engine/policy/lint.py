"""What every module of a bundle must keep to before it is allowed to judge.

Two reasons: a decision is a pure function (no clock, network, randomness), and the engines must agree, so
only built-ins that both have and agree on are accepted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...evidence.errors import PolicyError
from .interface import RuleHead

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

_CALL = re.compile(r"(?<![\w.\"])([a-z_][\w]*(?:\.[a-z_][\w]*)*)\(")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')
_NEGATED_EXPRESSION = re.compile(r"\bnot\s+[^#{}]*?(?:[(<>]|==|!=|\bin\b)")
_PREFIXES = ("deny", "violation", "warn", "condition")


def check_module(path: str, source: str, heads: Sequence[RuleHead]) -> None:
    """Refuse constructs that are impure, on which engines differ, or that pass vacuously.

    Raises:
        PolicyError: with file, line and what to write instead.
    """
    local = {head.name for head in heads if head.kind == "function"}
    for number, line in enumerate(source.splitlines(), 1):
        code = _STRING.sub('""', line).split("#", 1)[0]
        for name in _CALL.findall(code):
            root = name.split(".")[0]
            if name not in ALLOWED_BUILTINS and name not in local and root != "data":
                raise PolicyError(
                    f"the function {name!r} is not accepted in a policy",
                    path=path,
                    place=f"line {number}",
                    remedy="decisions use only the built-ins listed in docs/policy-bundles.md",
                )
        if re.match(r"import\s+data\b", code):
            raise PolicyError(
                "imports of packages are not accepted: engines resolve aliases differently",
                path=path,
                place=f"line {number}",
                remedy="write the full reference, data.gate.lib.…",
            )
        if _NEGATED_EXPRESSION.search(code):
            raise PolicyError(
                "'not' before a call or comparison: engines differ when something in it is undefined",
                path=path,
                place=f"line {number}",
                remedy="negate a plain rule or reference, or define a helper rule",
            )
    for head in heads:
        if head.name.split("_")[0] in _PREFIXES and head.kind != "contains":
            raise PolicyError(
                f"the rule {head.name!r} must be a partial set",
                path=path,
                place=f"line {head.line}",
                remedy=f"write '{head.name} contains result if …'",
            )
