"""Where YAML, JSON and TOML files give one of some names a value, at any depth, with the line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ...base.limits import Limits
from ...reading.parse import decode_text, parse_json
from ...reading.toml_reader import parse_toml
from ...reading.yaml_reader import parse_yaml
from .model import Definition, of_data

_LEADING_ZERO = re.compile(r"[+-]?0[0-9o]")
"""Octal for readers of YAML 1.1, such as PyYAML, and not for those of 1.2; ``0o`` the other way round."""
_JSON_KEY = re.compile(r'"([A-Za-z_][A-Za-z0-9_]*)"[ \t\r\n]*:')
_TOML_KEY = re.compile(r"""^[ \t]*["']?([A-Za-z_][A-Za-z0-9_]*)["']?[ \t]*=""", re.MULTILINE)


def definitions(
    data: bytes, path: str, label: str, names: frozenset[str], limits: Limits
) -> list[Definition]:
    """Every place of one of the names.

    Args:
        data: the file's bytes.
        path: its path; the ending says what it is.
        label: how messages name it.
        names: the parameters.
        limits: of the readers.

    Raises:
        EvidenceError: the file is malformed or refused by its reader.
    """
    if path.endswith((".yaml", ".yml")):
        places = sorted(_yaml(data, label, names, limits), key=lambda one: one[:2])
        return [of_data(name, path, line, value) for line, name, value in places]
    parse, key = (parse_json, _JSON_KEY) if path.endswith(".json") else (parse_toml, _TOML_KEY)
    found = list(_walk(parse(data, label, limits), names))
    text = decode_text(data, label)
    lines: dict[str, list[int]] = {}
    line, position = 1, 0
    for match in key.finditer(text):
        line += text.count("\n", position, match.start(1))
        position = match.start(1)
        lines.setdefault(match[1], []).append(line)
    counts = Counter(name for name, _ in found)
    nth: Counter[str] = Counter()
    result = []
    for name, value in found:
        known = lines.get(name, [])
        # the parsers give no lines: those of the text count where they are as many as the places
        certain = len(known) == counts[name] and (key is _JSON_KEY or len(known) == 1)
        result.append(of_data(name, path, known[nth[name]] if certain else None, value))
        nth[name] += 1
    return result


def _walk(value: Any, names: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Keys that are among the names with their values, in the order of the document."""
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, tuple):
            yield item
            item = item[1]
        if isinstance(item, dict):
            pending.extend(reversed([(key, one) if key in names else one for key, one in item.items()]))
        elif isinstance(item, list):
            pending.extend(reversed(item))


def _yaml(data: bytes, label: str, names: frozenset[str], limits: Limits) -> Iterator[tuple[int, str, Any]]:
    import yaml

    document = parse_yaml(data, label, limits)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # refused above: aliases, anchors, tags, several documents, too much depth
    pending: list[tuple[Any, Any]] = [(document, yaml.compose(decode_text(data, label), Loader=loader))]
    while pending:
        value, node = pending.pop()
        if isinstance(value, list):
            pending.extend(zip(value, node.value, strict=True))
        elif isinstance(value, dict):
            for (key, inner), (at, written) in zip(value.items(), node.value, strict=True):
                pending.append((inner, written))
                if key in names:
                    octal = isinstance(inner, int) and _LEADING_ZERO.match(written.value)
                    yield at.start_mark.line + 1, key, f"{written.value} (octal or not)" if octal else inner
