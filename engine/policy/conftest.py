"""Recognises policies written for Conftest (https://www.conftest.dev): rules by name, and no manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ...evidence.base.errors import PolicyError
from .interface import RuleHead

NAME, VERSION = "conftest", "unversioned"
"""What a bundle without a manifest is called; its digest says which one it is."""

KINDS = ("deny", "violation", "warn")
_RULE = re.compile(rf"({'|'.join(KINDS)})(_[a-zA-Z0-9]+)*")
DATA = (".json", ".yaml", ".yml")
"""Data of such a bundle, mounted at its directory: as Conftest does with `--data` on the same directory."""


def namespaces(heads: Iterable[RuleHead]) -> dict[str, Sequence[str]]:
    """By package, the names of the rules that Conftest evaluates, sorted."""
    found: dict[str, set[str]] = {}
    for head in heads:
        if _RULE.fullmatch(head.name):
            found.setdefault(head.package, set()).add(head.name)
    return {package: sorted(names) for package, names in sorted(found.items())}


def is_conftest(heads: Sequence[RuleHead]) -> bool:
    """Whether modules without a manifest are policies for Conftest: some rule is, and no package is ours.

    Raises PolicyError: a rule has a name that Conftest passes over.
    """
    if not namespaces(heads) or any(f"{head.package}.".startswith("gate.") for head in heads):
        return False
    for head in heads:
        if head.name.partition("_")[0] in KINDS and not _RULE.fullmatch(head.name):
            what = f"Conftest does not evaluate a rule with the name {head.name[:80]!r}"
            remedy = "name it deny, violation or warn, followed by _ and letters or digits"
            raise PolicyError(what, path=head.path, place=f"line {head.line}", remedy=remedy)
    return True
