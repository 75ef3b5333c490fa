"""``gate fixture sign``: fixture files that state the digest of their own data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import rfc8785

from ...evidence.base.atomic import put_file
from ...evidence.base.canonical import sha256_hex
from ...evidence.base.contracts import check_file
from ...evidence.base.errors import EvidenceError, UsageError
from ...evidence.reading.workspace import View
from ..collectors import open_workspace
from ..context import Context
from .provenance import relative

CONTRACT = "fixture"


def sign_fixtures(context: Context, files: Iterable[str], now: str, version: str | None) -> dict[str, bool]:
    """Write each file in the form ``{data, metadata}`` with the digest of its data; none unless all can be.

    A file that has this form already keeps its metadata, and its time as long as its data are unchanged; any
    other JSON value becomes the data.

    Args:
        files: the fixtures, as paths relative to the workspace or the current directory.
        now: RFC 3339 time for data that are new or changed.
        version: version of the data; what the file states, else ``1.0.0``, if None.

    Returns:
        For each path, relative to the workspace, whether the file changed.

    Raises UsageError: a file is not in the workspace; EvidenceError: a file is a link, no JSON, or its data
    have no canonical form; EnvironmentProblem: a file cannot be written.
    """
    view = open_workspace(context.root, context.authority).view()
    signed: dict[str, tuple[bytes, bool]] = {}
    for path in dict.fromkeys(relative(context.root, file) for file in files):
        if not view.exists(path):
            remedy = "name a JSON file of the workspace, not of its ledger"
            raise UsageError(f"there is no file {path[:200]!r} in the workspace", remedy=remedy)
        before = view.read(path)
        after = _signed(view, path, now, version)
        signed[path] = (after, after != before)
    for path, (content, changed) in signed.items():
        if changed:
            put_file(context.root, path, content)
    return {path: changed for path, (_, changed) in signed.items()}


def _signed(view: View, path: str, now: str, version: str | None) -> bytes:
    content = _plain(view.read_json(path), path)
    data, metadata = content, {}
    if isinstance(content, dict) and content.keys() == {"data", "metadata"}:
        data = content["data"]
        if isinstance(content["metadata"], dict):  # anything else is replaced
            metadata = content["metadata"]
    try:
        digest = sha256_hex(rfc8785.dumps(data))
    except rfc8785.CanonicalizationError as error:
        remedy = "write integers beyond 2^53 as strings"
        raise EvidenceError(f"the data have no canonical form: {error}", path=path, remedy=remedy) from error
    unchanged = metadata.get("signature") == digest and "created_at" in metadata
    document = {
        "data": data,
        "metadata": {
            **metadata,
            "signature": digest,
            "version": version or metadata.get("version", "1.0.0"),
            "created_at": metadata["created_at"] if unchanged else now,
            "algorithm": "sha256",
        },
    }
    check_file(CONTRACT, document, path)
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n".encode()


def _plain(value: Any, path: str) -> Any:
    """The value with decimals as the doubles that RFC 8785 is defined on, if they are the same numbers."""
    if isinstance(value, dict):
        return {key: _plain(item, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, path) for item in value]
    if not isinstance(value, Decimal):
        return value
    number = float(value)
    if Decimal(repr(number)) != value:
        what = f"the number {str(value)[:40]} has more digits than JSON numbers keep"
        raise EvidenceError(what, path=path, remedy="write it as a string, or with at most 15 digits")
    return number
