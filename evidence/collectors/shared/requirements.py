"""Packages of PyPI as requirements name them: ``markdown-it-py==4.3.0``."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[-_.]+")


def normalised(name: str) -> str:
    """The name in the one spelling that all others mean (https://peps.python.org/pep-0503/)."""
    return _SEPARATORS.sub("-", name).lower()


def pinned(name: str, version: str) -> str:
    """One version of a package, as lock files write it."""
    return f"{normalised(name)}=={version}"
