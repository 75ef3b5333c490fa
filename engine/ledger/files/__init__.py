"""The ledger in a directory of files."""

from __future__ import annotations

from ...store.access import Folder
from ...store.urls import file_path
from ..reader import absent
from .storage import FileStorage


def connect(url: str, write: bool) -> FileStorage:
    """The ledger in the directory that a `file:` URL names; the directory is made when it is to be written.

    Raises LedgerError when there is none or it is a link, EnvironmentProblem when it cannot be opened.
    """
    path = file_path(url)
    folder = Folder.open(path, create=write)
    if folder is None:
        raise absent(str(path))
    return FileStorage(folder)
