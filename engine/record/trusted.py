"""Whose key may have signed a record's entries and checkpoints.

The only place that answers this: a log that changes its key has more than one answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import SignatureError
from .archive import BadRecordError
from .contents import LOG_KEY


def log_key(files: Mapping[str, bytes]) -> VerifierKey:
    """The log's key, which signed all entries and checkpoints. Raises BadRecordError: there is none."""
    try:
        key = VerifierKey.parse(files[LOG_KEY].decode("ascii", "replace"))
    except KeyError:
        raise BadRecordError(f"there is no {LOG_KEY}") from None
    except SignatureError as problem:
        raise BadRecordError(f"{LOG_KEY}: {problem.reason}") from None
    if f"{key}\n".encode() != files[LOG_KEY]:
        raise BadRecordError(f"{LOG_KEY} is not written as gate writes it")
    return key
