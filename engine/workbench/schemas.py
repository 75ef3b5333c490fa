"""The JSON Schema of the ``input`` that policies see, for ``opa check --schema``, Regal and editors.

Facts are described by their contracts. Objects are closed, so that a misspelled name is found; references are
written in place, since tools differ in what they resolve.
"""

from __future__ import annotations

from typing import Any

from ...evidence.base.contracts import PROVENANCE, load_schema
from ...evidence.base.errors import UsageError, suggestion
from ...evidence.collecting.facts import has_contract
from ...evidence.collecting.registry import BUILTIN, facts_contract, find
from ..decide.model import Plan

_TEXT: dict[str, Any] = {"type": "string"}
_SUBJECT = {
    "commit": {
        "type": ["string", "null"],
        "description": "The commit that is checked out; null outside of git.",
    },
    "dirty": {"type": ["boolean", "null"], "description": "Whether sources differ from the commit's."},
    "digest": {**_TEXT, "description": "SHA-256 of the listing of the judged sources."},
    "author": {"type": ["string", "null"], "description": "The last author of the sources."},
    "authors": {
        "type": ["array", "null"],
        "description": "Who wrote them, ever (since null) and since each commit that a sign-off names.",
        "items": {"type": "object"},
    },
}


def input_schema(plan: Plan, stage: str | None) -> dict[str, Any]:
    """The JSON Schema (draft 7) of the input of a stage, or of all stages.

    A stage sees the facts of its own collectors and of those of the stages that it depends on; what no stage
    uses yet is in the schema of all stages.

    Raises UsageError: there is no such stage.
    """
    if stage is not None and stage not in plan.stages:
        raise UsageError(f"there is no stage {stage!r}", remedy=suggestion(stage, plan.stages))
    stages = plan.stages if stage is None else plan.closure((stage,))
    collectors = frozenset[str]().union(*(plan.stages[name].collectors for name in stages))
    if stage is None:
        collectors |= BUILTIN.keys()
    known = sorted(name for name in collectors if has_contract(name) and name != PROVENANCE)
    about = _inlined(load_schema("facts", PROVENANCE))
    facts = {name: _inlined(_contract(name)) for name in known}
    facts[PROVENANCE] = _closed(dict.fromkeys(known, about["additionalProperties"]))
    properties = {
        "now": {**_TEXT, "description": "The effective time, RFC 3339."},
        "now_s": {"type": "integer", "description": "The same in seconds since 1970."},
        "subject": _closed(_SUBJECT),
        "policy": _closed({"name": _TEXT, "version": _TEXT, "digest": _TEXT}),
        "evidence_digest": _closed(dict.fromkeys([*stages, "trust"], _TEXT)),
        "trust": _closed(
            {
                "anchors": {"type": "array", "items": _TEXT},
                "settings": {"type": "object"},
                "alterations": {"type": "array", "items": {"type": "object"}},
            }
        ),
        "facts": _closed(facts),
    }
    title = "all stages" if stage is None else stage
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": f"Input of {title}"}
    return {**head, **_closed(properties)}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _contract(collector: str) -> dict[str, Any]:
    if collector in BUILTIN:
        return load_schema("facts", collector)
    plugin = find(collector)
    assert plugin is not None  # noqa: S101 - has_contract said that there is one
    return facts_contract(plugin)


def _inlined(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract without references into its own definitions, and without what is about the file itself."""
    definitions = contract.get("$defs", {})

    def inline(value: Any, within: tuple[str, ...] = ()) -> Any:
        if isinstance(value, list):
            return [inline(item, within) for item in value]
        if not isinstance(value, dict):
            return value
        rest = {key: inline(item, within) for key, item in value.items() if key != "$ref"}
        name = str(value.get("$ref", "")).removeprefix("#/$defs/")
        if name not in definitions or name in within:  # what contains itself may be anything further down
            return rest
        return {**inline(definitions[name], (*within, name)), **rest}

    return {
        key: inline(item) for key, item in contract.items() if key not in ("$schema", "$id", "$defs", "title")
    }
