"""Adds documents to a recorded decision: an entry of its own in the ledger, which replaces nothing."""

from __future__ import annotations

import codecs
import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ...evidence.base.errors import ConfigError, EvidenceError, UsageError, masked
from ...evidence.base.limits import DEFAULT
from ...evidence.reading.files import printable, read_regular
from ..collectors import open_workspace
from ..context import Context
from ..ledger.interface import Entry
from ..recording import append_statement, located

MAX_DOCUMENTS: Final = 100
_NOTE: Final = 1000
_NAME: Final = 200
_PRIVATE: Final = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----|PuTTY-User-Key-File-[0-9]")


def attach(
    context: Context, paths: Sequence[Path], target: str, note: str | None, config_dir: Path, now: str
) -> tuple[Entry, Entry, list[str]]:
    """Store the files and append an entry that names them and the decision.

    Args:
        target: the decision, as `recording.located` takes it.
        note: why they are attached.
        config_dir, now: as `recording.record`.

    Returns the decision's entry, the new one, and notices as `recording.record`.

    Raises UsageError: no such decision, or a file that cannot be attached; else as `recording.record`.
    """
    if note is not None and not (note.strip() and len(note) <= _NOTE and note.isprintable()):
        remedy = f"write at most {_NOTE} characters"
        raise UsageError("--note is empty, too long or has control characters", remedy=remedy)
    if len(paths) > MAX_DOCUMENTS:
        raise UsageError(f"more than {MAX_DOCUMENTS} files at once", remedy="attach them in several entries")
    with located(context, target, config_dir) as (_, found):
        pass  # it is closed before anything is appended
    documents: dict[str, bytes] = {}
    for path in paths:
        name = masked(printable(path.name))
        if name in documents:
            raise UsageError(f"two files are called {name}", path=str(path), remedy="rename one of them")
        if not name.isprintable() or len(name) > _NAME:
            raise UsageError("this name cannot be shown", path=str(path), remedy="rename the file")
        documents[name] = _read(context, path)
    digest = found.summary.decision
    predicate = {"decision": digest, "entry": found.entry.index}
    if note is not None:
        predicate["note"] = masked(note)
    subject = [{"name": "decision", "digest": {"sha256": digest}}]
    entry, notices = append_statement(context, "evidence", subject, predicate, documents, config_dir, now)
    return found.entry, entry, notices


def _read(context: Context, path: Path) -> bytes:
    """The bytes of a file. Raises UsageError: a link, no regular file, too large, or it holds a secret."""
    most = max(context.config.limits.file_bytes, DEFAULT.file_bytes)
    absolute = Path(os.path.normpath(Path.cwd() / path))
    try:
        top = next((one for one in absolute.parents if one.resolve() == context.root), None)
        if top is not None:  # nothing in the workspace may lead out of it
            inside = absolute.relative_to(top).as_posix()
            data, _ = open_workspace(context.root, context.authority).read(inside)
        else:
            data = read_regular(absolute, most + 1, follow=False)
    except OSError as error:
        link = error.errno == errno.ELOOP
        what = "it is a symbolic link" if link else error.strerror or "it cannot be read"
        raise _cannot(path, what) from error
    except (EvidenceError, ConfigError) as error:
        raise _cannot(path, error.what) from error
    if len(data) > most:
        raise _cannot(path, f"it is larger than {most} bytes")
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if wide else "utf-8", "replace")
    if masked(text) != text:
        raise _cannot(path, "it has an account number in full", "black it out, as in U****67")
    if _PRIVATE.search(text):
        raise _cannot(path, "it has a private key", "remove the key: a record is made to be handed on")
    return data


def _cannot(path: Path, why: str, remedy: str = "name regular files, no links") -> UsageError:
    return UsageError(f"this file cannot be attached: {why}", path=str(path), remedy=remedy)
