"""Asks policies written for Conftest about one document after another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...evidence.base.activity import Log
from ...evidence.base.errors import EngineError
from ..decide.answer import CONFTEST_DOCUMENTS, CONFTEST_EXCEPTION, documents_of
from ..decide.model import Stage
from ..policy.interface import PolicyEngine

_log = Log(__name__)


def ask_each(
    engine: PolicyEngine, stages: Sequence[Stage], files: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """By package, the rules' values for every document: ``{"documents": [{path, number, values, failed}]}``.

    A document on which a rule fails at run time, mostly because a built-in gets a value of another type, has
    no values. Conftest passes over such a rule; here the document cannot be told.

    Raises EngineError: the engine itself failed.
    """
    names = {
        stage.package: (*(rule.short_name for rule in stage.rules), CONFTEST_EXCEPTION) for stage in stages
    }
    answers: dict[str, dict[str, Any]] = {package: {CONFTEST_DOCUMENTS: []} for package in names}
    for path, number, text in documents_of(files):
        document = json.loads(text)
        for package, rules in names.items():
            found, failed = {}, False
            try:
                values = engine.evaluate([package], document)[package]
                found = {name: values[name] for name in rules if name in values}
            except EngineError as error:
                if error.place is None:  # not at a place in a module: not the document's fault
                    raise
                # engines word it differently, and the value may be a secret: neither is for a decision
                failed = True
                _log.info("policies fail on %s at %s, %s", path, error.path, error.place)
            answer = {"path": path, "number": number, "values": found, "failed": failed}
            answers[package][CONFTEST_DOCUMENTS].append(answer)
    return answers
