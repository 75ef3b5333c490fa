"""Names of facts: which contract a dotted fact name belongs to, and whether it is in it."""

from __future__ import annotations

import functools
import re
from typing import Any

from ..base.contracts import CONTRACTS, DERIVED, load_schema
from .registry import facts_contract, find


def has_contract(collector_id: str) -> bool:
    """Whether there are facts of that name: of a collector of gate itself, of a plug-in, or derived ones."""
    return _shipped(collector_id) or find(collector_id) is not None


@functools.cache
def _shipped(name: str) -> bool:
    return name.replace("_", "").isalnum() and (CONTRACTS / "facts" / f"{name}.schema.json").is_file()


@functools.cache
def contract_has(fact: str, column: str | None = None) -> bool:
    """Whether a dotted fact name exists in its facts contract.

    Args:
        column: a member that the fact has, too, or that each of its entries has where it is a list.

    Raises PluginError: the contract of a plug-in cannot be read.
    """
    first, *path = fact.split(".")
    if not path:
        return False
    if _shipped(first):
        root = load_schema("facts", first)
    elif (plugin := find(first)) is not None:
        root = facts_contract(plugin)
    else:
        return False
    if first in DERIVED and (path[0] in DERIVED or not has_contract(path[0])):
        return False
    schemas = [root]
    for part in path:
        schemas = [inner for schema in _unfold(schemas, root) for inner in _member(schema, part)]
    if column is not None:
        opened = _unfold(schemas, root)
        lists = [schema["items"] for schema in opened if isinstance(schema.get("items"), dict)]
        return any(_member(schema, column) for schema in [*opened, *_unfold(lists, root)])
    return bool(schemas)


def _member(schema: dict[str, Any], name: str) -> list[dict[str, Any]]:
    properties = schema.get("properties", {})
    if name in properties:
        return [properties[name]]
    others = schema.get("additionalProperties")
    names = schema.get("propertyNames", {})
    fits = re.search(names.get("pattern", ""), name) is not None if isinstance(names, dict) else False
    return [others] if isinstance(others, dict) and fits else []


def _unfold(schemas: list[dict[str, Any]], root: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas with local references and alternatives opened."""
    opened: list[dict[str, Any]] = []
    pending = list(schemas)
    while pending and len(opened) < 1000:
        schema = pending.pop()
        opened.append(schema)
        pending += [*schema.get("anyOf", []), *schema.get("oneOf", [])]
        target = str(schema.get("$ref", ""))
        if target.startswith("#/$defs/"):
            pending.append(root.get("$defs", {}).get(target.removeprefix("#/$defs/"), {}))
    return opened
