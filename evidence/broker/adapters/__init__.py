"""The client libraries behind the broker port: one of them, named explicitly and imported when it is used."""

from __future__ import annotations

import sys

from ...base.errors import EnvironmentProblem
from ..port.model import Library
from ..safety import check_library
from .library import LibraryAdapter


def load(library: Library) -> LibraryAdapter:
    """The adapter of a client library.

    Raises Refused, UsageError: as ``check_library``; EnvironmentProblem: it does not work with this Python.
    """
    version = check_library(library.value)
    if library is Library.IB_INSYNC and sys.version_info >= (3, 14):
        raise EnvironmentProblem("ib_insync does not work with Python 3.14", remedy="use ib_async")
    return LibraryAdapter(library.value, version)
