"""Where YAML, JSON and TOML files give one of some names a value, at any depth, with the line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ...limits import Limits
from ...parse import decode_text, parse_json
from ...toml_reader import parse_toml
from ...yaml_reader import parse_yaml
from .model import Definition, Plain, of_data

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"')
_LEADING_ZERO = re.compile(r"[+-]?0[0-9o]")
"""Octal for readers of YAML 1.1, such as PyYAML, and not for those of 1.2; ``0o`` the other way round."""
_COLON = re.compile(r"[ \t\r\n]*:")


def definitions(
    data: bytes, path: str, label: str, names: frozenset[str], limits: Limits
) -> list[Definition]:
    """Every definition of one of the names, by line; none in a file of another kind.

    Args:
        data: the file's bytes.
        path: its path; the ending says what it is.
        label: how messages name it.
        names: the parameters.
        limits: of the readers.

    Raises:
        EvidenceError: the file is malformed or refused by its reader.
    """
    if path.endswith(".json"):
        found = _json(data, path, label, names, limits)
    elif path.endswith(".toml"):
        found = _toml(data, path, label, names, limits)
    else:
        found = _yaml(data, path, label, names, limits)
    return sorted(found, key=lambda one: (one.line or 0, one.name, one.text))


def _walk(value: Any, names: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Keys that are among the names with their values, in the order of the document."""
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, tuple):
            yield item
            item = item[1]
        if isinstance(item, dict):
            inner = [(key, one) if key in names else one for key, one in item.items()]
            pending.extend(reversed(inner))
        elif isinstance(item, list):
            pending.extend(reversed(item))


def _json(data: bytes, path: str, label: str, names: frozenset[str], limits: Limits) -> list[Definition]:
    document = parse_json(data, label, limits)
    text = decode_text(data, label)
    lines: list[tuple[str, int]] = []
    line, position = 1, 0
    for match in _TOKEN.finditer(text):
        if _COLON.match(text, match.end()) is None:
            continue
        key = json.loads(match[0])
        if key in names:
            line += text.count("\n", position, match.start())
            position = match.start()
            lines.append((key, line))
    found = list(_walk(document, names))
    placed = [name for name, _ in lines] == [name for name, _ in found]
    digests: dict[int, str] = {}
    return [
        of_data(name, path, lines[index][1] if placed else None, value, digests)
        for index, (name, value) in enumerate(found)
    ]


def _toml(data: bytes, path: str, label: str, names: frozenset[str], limits: Limits) -> list[Definition]:
    document = parse_toml(data, label, limits)
    text = decode_text(data, label)
    written: dict[str, list[tuple[int, str]]] = {}
    for number, row in enumerate(text.split("\n"), 1):
        for match in re.finditer(r"""["']?([A-Za-z_][A-Za-z0-9_]*)["']?\s*=\s*([^\s,}#]*)""", row):
            written.setdefault(match[1], []).append((number, match[2].strip("\"'")))
    found = []
    digests: dict[int, str] = {}
    for name, value in _walk(document, names):
        entry = of_data(name, path, None, value, digests)
        places = written.get(name, [])
        # the parser gives no lines: a place counts when it has the value that was parsed
        for index, (number, literal) in enumerate(places):
            if entry.value is not None and of_data(name, path, number, literal).value == entry.value:
                entry = of_data(name, path, number, value)
                del places[index]
                break
        found.append(entry)
    return found


def _yaml(data: bytes, path: str, label: str, names: frozenset[str], limits: Limits) -> list[Definition]:
    import yaml

    document = parse_yaml(data, label, limits)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # refused above: aliases, anchors, tags, several documents, too much depth
    root = yaml.compose(decode_text(data, label), Loader=loader)
    found: list[tuple[str, int, Any]] = []
    _settled(document, root, names, found)
    digests: dict[int, str] = {}
    return [of_data(name, path, line, value, digests) for name, line, value in found]


def _settled(value: Any, node: Any, names: frozenset[str], found: list[tuple[str, int, Any]]) -> Any:
    """The value, with scalars that YAML's versions read differently left as they are written; what is named
    so is added to ``found``. Recursion is as deep as the document, which the reader limits."""
    if isinstance(value, dict):
        result = {}
        for (key, inner), (at, written) in zip(value.items(), node.value, strict=True):
            result[key] = _settled(inner, written, names, found)
            if key in names:
                found.append((key, at.start_mark.line + 1, result[key]))
        return result
    if isinstance(value, list):
        return [_settled(one, at, names, found) for one, at in zip(value, node.value, strict=True)]
    if isinstance(value, int) and _LEADING_ZERO.match(node.value):
        return Plain(node.value)
    return value
