"""The client libraries behind the broker port: one of them, named explicitly and imported when it is used."""

from __future__ import annotations

import sys

from ...base.errors import EnvironmentProblem
from ..port.model import Library
from ..safety import LIBRARIES, installed
from .library import LibraryAdapter


def load(library: Library) -> LibraryAdapter:
    """The adapter of a client library.

    Raises EnvironmentProblem: it is not installed; both are, which damages them; it does not work with this
    Python.
    """
    found = {one: version for one in Library if (version := installed(one)) is not None}
    if len(found) > 1:
        what = "ib_async and ib_insync are both installed, and each overwrites files of the other's eventkit"
        remedy = (
            "uninstall ib_async, ib_insync, aeventkit and eventkit, then install one extra: ibkr or ib-insync"
        )
        raise EnvironmentProblem(what, remedy=remedy)
    if library not in found:
        other = "".join(f"; {one} is installed, and must be named to be used" for one in found)
        remedy = f"pip install 'compliance-gate[{LIBRARIES[library]}]'{other}"
        raise EnvironmentProblem(f"the client library {library} is not installed", remedy=remedy)
    if library is Library.IB_INSYNC and sys.version_info >= (3, 14):
        raise EnvironmentProblem("ib_insync does not work with Python 3.14", remedy="use ib_async")
    return LibraryAdapter(library.value, found[library])
