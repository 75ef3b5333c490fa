"""What all Gemara documents have in common: their head, their ids, and how they become YAML.

Gemara's CUE schemas (https://github.com/gemaraproj/gemara) are the format's reference; the tests hold every
document against those of the version named here.
"""

from __future__ import annotations

from typing import Any

from ....evidence.base.errors import masked
from ..json_format import escaped

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
    nothing in it is taken for another type, for syntax, or for a command to a CI system. Keys are Gemara's
    own words and stand as they are.
    """
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def quoted(dumper: Any, text: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", masked(text), style='"')

    def keyed(dumper: Any, mapping: dict[str, Any]) -> Any:
        node = dumper.represent_mapping("tag:yaml.org,2002:map", mapping.items(), flow_style=False)
        for key, _ in node.value:
            key.style = None
        return node

    Dumper.add_representer(str, quoted)
    Dumper.add_representer(dict, keyed)
    text = yaml.dump(document, Dumper=Dumper, allow_unicode=True, width=_UNLIMITED, default_flow_style=False)
    return escaped(text).encode()
