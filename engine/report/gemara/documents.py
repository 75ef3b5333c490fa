"""What all Gemara documents have in common: their head, their ids, and how they become YAML.

Gemara's CUE schemas (https://github.com/gemaraproj/gemara) are the format's reference; the tests hold every
document against those of the version named here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ....evidence.base.errors import masked
from ..json_format import escaped

if TYPE_CHECKING:
    from yaml import Event

_UNLIMITED = 2**31 - 1
"""Columns of a line; the emitter takes no more."""

VERSION = "1.5.0"
"""The version of Gemara that the documents keep to."""

SUBJECT = "The sources can be judged"
"""The title of each stage's control over the sources, which gate itself asks for, and no rule."""

DEPENDENCY = "The stages before it passed"
"""The title of the control over the stages that a stage depends on; gate itself asks for it, too."""


def own_id(stage: str, name: str) -> str:
    """The id of a control that gate itself asks for; no code of a rule has two dots."""
    return f"gate.{stage}.{name}"


def requirement_id(control: str, part: str = "1") -> str:
    """The id of a control's assessment requirement."""
    return f"{control}.{part}"


def metadata(kind: str, name: str, description: str, author: str, **more: Any) -> dict[str, Any]:
    """The head of a document.

    Args:
        kind: the type of the document, such as ``EvaluationLog``.
        name: its id.
        author: the version of gate that it is of.
        more: further fields of Gemara's ``#Metadata``, ``_`` for ``-``; those that are None are left out.
    """
    return {
        "id": name,
        "type": kind,
        "gemara-version": VERSION,
        "description": description,
        "author": software(author),
        **{key.replace("_", "-"): value for key, value in more.items() if value is not None},
    }


def software(version: str) -> dict[str, str]:
    """gate as an actor."""
    return {"id": "gate", "name": "gate", "type": "Software", "version": version}


def render_yaml(document: dict[str, Any]) -> bytes:
    """The document as YAML that YAML 1.1 and 1.2 read alike; account numbers are masked.

    Every string value stands in double quotes on one line, with escapes for whatever acts on a terminal, so
    nothing in it is taken for another type, for syntax, or for a command to a CI system.
    """
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.emit(_events(document), Dumper=dumper, allow_unicode=True, width=_UNLIMITED)
    return escaped(text).encode()


def _events(document: dict[str, Any]) -> list[Event]:
    """The document as events of YAML; its keys are Gemara's own words and stand as they are."""
    import yaml

    found: list[Event] = [yaml.StreamStartEvent(), yaml.DocumentStartEvent(explicit=False)]

    def add(value: Any) -> None:
        if isinstance(value, dict):
            found.append(yaml.MappingStartEvent(None, None, implicit=True, flow_style=False))
            for key, item in value.items():
                found.append(yaml.ScalarEvent(None, None, (True, False), key))
                add(item)
            found.append(yaml.MappingEndEvent())
        elif isinstance(value, (list, tuple)):
            found.append(yaml.SequenceStartEvent(None, None, implicit=True, flow_style=not value))
            for item in value:
                add(item)
            found.append(yaml.SequenceEndEvent())
        elif isinstance(value, str):
            found.append(yaml.ScalarEvent(None, None, (False, True), masked(value), style='"'))
        else:
            found.append(yaml.ScalarEvent(None, None, (True, False), json.dumps(value)))

    add(document)
    return [*found, yaml.DocumentEndEvent(explicit=False), yaml.StreamEndEvent()]
