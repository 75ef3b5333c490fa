"""Collector ``configs``: configuration files as a whole, for policies written for Conftest. See
``docs/collectors/configs.md``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from ..base.errors import EvidenceError
from ..base.records import nested
from ..base.settings import Text
from ..collecting.interface import Observation, Options, Problem, ProblemKind, Scope
from ..reading.formats import Format, format_of, read_document
from ..reading.parse import decode_text
from ..reading.workspace import View
from ..reading.yaml_reader import parse_yaml

MOST_FILES = 2_000
MOST_DOCUMENTS = 2_000
"""In one file."""

_OTHER_YAML = re.compile(r"(?i:y|n|yes|no|on|off)|[-+]?0[0-9_]+|[-+]?[0-9][0-9_]*_[0-9_]*|[-+]?0[bo][0-7_]+")
"""Plain YAML scalars that Conftest's parser (YAML 1.1) reads as booleans and numbers, and ours as text."""

_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class ConfigsOptions(Options):
    """Options of ``evidence.configs``.

    Attributes:
        paths: files or globs: JSON, YAML and TOML.
    """

    paths: list[Text] = field(default_factory=list)


class ConfigsCollector:
    """See the module."""

    id: ClassVar[str] = "configs"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = ConfigsOptions

    def __init__(self, options: ConfigsOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Read every file that a pattern matches; a pattern that matches none is a problem."""
        problems: list[Problem] = []
        matched: dict[str, None] = {}
        for pattern in self._options.paths:
            matching = view.glob(pattern)
            if not matching:
                remedy = "write the file, or correct evidence.configs.paths in gate.yaml"
                problems.append(Problem("files", f"no file matches {pattern[:80]!r}", remedy))
            matched.update(dict.fromkeys(matching))
        if len(matched) > MOST_FILES:
            remedy = "name the files that the policies are about in evidence.configs.paths"
            what = f"the patterns match {len(matched)} files, more than {MOST_FILES}"
            problems.append(Problem("files", what, remedy, ProblemKind.UNKNOWN))
        read = []
        for path in sorted(matched)[:MOST_FILES]:
            try:
                documents = list(_documents(view, path))
                if not documents:
                    raise _Unlike("is an empty array, so there is nothing to judge")
                read.append({"path": path, "documents": documents})
            except EvidenceError as error:
                problems.append(Problem.rejected(error, "files"))
            except _Unlike as error:
                remedy = "write it so that all parsers read it alike (quote text), or leave the file out"
                problems.append(Problem("files", str(error), remedy, ProblemKind.UNKNOWN, path))
        facts = {"files": read, "documents": sum(len(one["documents"]) for one in read)}
        return Observation(facts, tuple(problems), scopes=(Scope("", len(matched), len(read), "files"),))


class _Unlike(Exception):
    """A value that Conftest would see otherwise than our policies, or no document at all."""


def _documents(view: View, path: str) -> Iterator[str]:
    """The file's documents as JSON in ASCII, which no masking of names and no terminal can change.

    Raises EvidenceError: the file is malformed or no JSON, YAML or TOML; _Unlike: it has a value that engines
    or parsers read differently.
    """
    kind: Format | None = format_of(path)
    if kind not in ("json", "yaml", "toml"):
        what, remedy = (
            "is neither JSON nor YAML nor TOML by its name",
            "leave it out of evidence.configs.paths",
        )
        raise EvidenceError(what, path=path, remedy=remedy)
    for document in _yaml(view, path) if kind == "yaml" else _elements(read_document(view, path, kind)):
        for item in nested(document):
            if isinstance(item, Decimal):
                raise _Unlike(f"the number {item} has a decimal point, which engines compare differently")
            if isinstance(item, int) and abs(item) >= _LARGEST:
                raise _Unlike(f"the number {str(item)[:24]} has more than 64 bits")
        yield json.dumps(document, separators=(",", ":"))


def _elements(document: Any) -> list[Any]:
    """What Conftest judges one after another: the elements of an array, else the document itself."""
    return document if isinstance(document, list) else [document]


def _yaml(view: View, path: str) -> list[Any]:
    """The documents between lines ``---``, separated as Conftest does; another separator is refused."""
    import yaml

    text = decode_text(view.read(path, view.limits.text_bytes), path)
    end = "\r\n" if "\r\n" in text else "\n"
    parts = text.split(f"{end}---{end}")
    if len(parts) > MOST_DOCUMENTS:
        what = f"has more than {MOST_DOCUMENTS} documents"
        raise EvidenceError(what, path=path, remedy="split the file")
    parsed = []
    for number, part in enumerate(parts, 1):
        try:
            parsed.append(parse_yaml(part.encode(), path, view.limits))
        except EvidenceError as error:
            if len(parts) == 1:
                raise
            what = f"in document {number}: {error.what}"
            raise EvidenceError(what, path=path, place=error.place, remedy=error.remedy) from error
        for event in yaml.parse(part, yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):
            if isinstance(event, yaml.ScalarEvent) and not event.style and _OTHER_YAML.fullmatch(event.value):
                raise _Unlike(f"{event.value[:40]} without quotes is no text to every YAML parser")
    return parsed if len(parts) > 1 else _elements(parsed[0])
