"""What a decision document's contract cannot say: the stages it names are its own, and its times are real."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from ...evidence.base.canonical import canonical
from ...evidence.base.errors import InternalError
from ...evidence.base.times import parse_rfc3339

_ALL: Final = "all"


def inconsistencies(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where a document contradicts itself or states no real time, as (JSON pointer, message).

    Args:
        document: one that keeps to the contract ``decision``.
    """
    stages = document["stages"]
    for place, name in _stages(document):
        if name not in stages:
            yield place, f"it names the stage {name!r}, which the decision does not have"
    for place, text in _times(document):
        try:
            (parse_rfc3339 if "T" in text.upper() else date.fromisoformat)(text)
        except ValueError as error:
            yield place, str(error)
    try:
        canonical(document)
    except InternalError as error:
        yield "", error.what


def _stages(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if document["stage"] != _ALL:
        yield "/stage", document["stage"]
    for name, stage in document["stages"].items():
        pointer = name.replace("~", "~0").replace("/", "~1")
        for index, other in enumerate(stage["depends_on"]):
            yield f"/stages/{pointer}/depends_on/{index}", other
    for member in ("checks", "violations", "conditions", "waived"):
        for index, item in enumerate(document[member]):
            yield f"/{member}/{index}/stage", item["stage"]


def _times(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "/effective_time", document["effective_time"]
    for member, name in (
        ("conditions", "due"), ("waived", "effective_until"), ("evidence", "observed_at"),
        ("signatures", "signed_at"),
    ):  # fmt: skip
        for index, item in enumerate(document[member]):
            if item[name] is not None:
                yield f"/{member}/{index}/{name}", item[name]
