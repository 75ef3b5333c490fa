"""``# METADATA`` blocks and rule heads, read from Rego source.

The embedded engine does not expose annotations, so they are read from the comments, in the form OPA
documents (https://www.openpolicyagent.org/docs/policy-language#metadata): a comment line ``# METADATA``
followed by YAML in comments, directly above a package or a rule.
"""

from __future__ import annotations

import re

from ...evidence.base.errors import PolicyError
from ...evidence.base.limits import DEFAULT, Limits
from ...evidence.reading.yaml_reader import parse_yaml
from .interface import Annotation, RuleHead
from .source import without_strings

_PACKAGE = re.compile(r"package\s+([A-Za-z_][\w.]*)\s*(?:#.*)?")
_HEAD = re.compile(r"(default\s+)?([A-Za-z_]\w*)(\(.*)?\s*(contains\b|:=|=|if\b|\[|\{|\.)?")
_KEYWORDS = frozenset({"import", "package", "else"})


def read_annotations(
    path: str, source: str, limits: Limits = DEFAULT
) -> tuple[str, list[Annotation], list[RuleHead]]:
    """The module's package, its annotations and its rule heads.

    Heads are recognised at the start of a line, as ``opa fmt`` writes them.

    Raises:
        PolicyError: no package, an annotation that is not a YAML mapping, or one that belongs to nothing.
    """
    package = ""
    annotations: list[Annotation] = []
    heads: list[RuleHead] = []
    block: list[str] | None = None
    block_line = 0

    def lost() -> PolicyError:
        return PolicyError(
            "the METADATA block belongs to nothing",
            path=path,
            place=f"line {block_line}",
            remedy="put it directly above its package or rule",
        )

    for number, line in enumerate(without_strings(source, comments=True).split("\n"), 1):
        if line.rstrip() == "# METADATA":
            if block is not None:
                raise lost()
            block, block_line = [], number
        elif block is not None and line.startswith("#"):
            block.append(line[2:] if line.startswith("# ") else line[1:])
        elif line[:1].isalpha() or line[:1] == "_":
            found = _PACKAGE.fullmatch(line.strip())
            if found:
                package = found[1]
                name, kind = None, "package"
            else:
                match = _HEAD.match(line)
                if match is None or match[2] in _KEYWORDS:
                    if block is not None:
                        raise lost()
                    continue
                name = match[2]
                kind = "function" if match[3] else (match[4] or "=")
                heads.append(RuleHead(path, number, package, name, kind))
            if block is not None:
                values = _values(block, path, block_line, limits)
                annotations.append(Annotation(path, block_line, package, name, kind, values))
                block = None
        elif block is not None and not line.strip():
            raise PolicyError(
                "the METADATA block is followed by an empty line",
                path=path,
                place=f"line {block_line}",
                remedy="put it directly above its rule",
            )
    if block is not None:
        raise lost()
    if not package:
        raise PolicyError(
            "the module has no package", path=path, place="line 1", remedy="add 'package gate.…'"
        )
    return package, annotations, heads


def _values(block: list[str], path: str, line: int, limits: Limits) -> dict[str, object]:
    text = "\n" * line + "\n".join(block)
    value = parse_yaml(text.encode(), path, limits, error_type=PolicyError)
    if not isinstance(value, dict):
        raise PolicyError(
            "the METADATA block is not a YAML mapping",
            path=path,
            place=f"line {line}",
            remedy="write 'key: value' lines behind '# '",
        )
    return value
