"""Keeps what people signed, and the keys it was checked with, beside the decision that rests on it.

A decision names these files by digest alone. Their bytes go to the evidence store when it is recorded, so
that a compliance record has them whatever becomes of the workspace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from ..evidence.base.errors import ConfigError, EvidenceError, masked
from ..evidence.collectors.signoffs import NAMESPACE as SIGNOFF
from ..evidence.collectors.waivers import NAMESPACE as WAIVER
from .collectors import open_workspace
from .context import Context
from .decide.recorded import PEOPLE, Recorded

SIGNERS: Final = "allowed_signers"
REVOKED: Final = "revoked_keys"
_KINDS: Final = (
    ("signoff", "signoffs", "signoffs", SIGNOFF),
    ("waiver", "waivers", "waivers", WAIVER),
    ("revocation", "waivers", "revocations", WAIVER),
)
"""Kind of statement, its collector, the fact that lists them, the namespace that they are signed for."""
MAX_FILES: Final = 1000
"""How many files are kept for one decision: a change full of them must not fill the ledger."""
_MOST_BYTES: Final = 4 << 20
"""The largest of them."""
_NO_RECORD: Final = "so no compliance record can be made of this decision"


class SignedFile(Struct, frozen=True):
    """A statement that a decision rests on.

    Attributes:
        kind: ``signoff``, ``waiver`` or ``revocation``; ``number`` counts those of the kind from 1.
        row: its facts.
        sha256, signature: digests of the file and of the signature beside it; None for one without.
    """

    kind: str
    number: int
    namespace: str
    row: Mapping[str, Any]
    sha256: str
    signature: str | None


def signed_files(document: Mapping[str, Any]) -> Iterator[SignedFile]:
    """The statements in a stored input (``gate.recorded/v1``), in a stable order.

    Raises ValueError: it does not say which file one of them is.
    """
    for kind, collector, fact, namespace in _KINDS:
        files = _files(document, collector)
        rows = document["input"]["facts"].get(collector, {}).get(fact) or ()
        for number, row in enumerate(rows, 1):
            found, signed = (files.get(f"{row['path']}{end}", []) for end in ("", ".sig"))
            if len(found) != 1 or len(signed) > 1:
                raise ValueError(f"{row['path']}: no file, or several whose names look alike")
            yield SignedFile(kind, number, namespace, row, found[0], signed[0] if signed else None)


def key_files(document: Mapping[str, Any]) -> dict[str, str]:
    """`SIGNERS` and `REVOKED`, as far as the statements were checked with such a file → its digest.

    Raises ValueError: two files have that name.
    """
    setup = document["setup"]
    found: dict[str, str] = {}
    read = [name for name in sorted(PEOPLE) if name in document["evidence"]]
    if document["input"]["facts"].get("signoffs", {}).get("allowed_signers") is None:
        return {}
    for name in (SIGNERS, REVOKED):
        digests = {one for item in read for one in _files(document, item).get(setup[name], ())}
        if len(digests) > 1:
            raise ValueError(f"two files are called {setup[name]}")
        found.update((name, digest) for digest in digests)
    return found


def _files(document: Mapping[str, Any], collector: str) -> dict[str, list[str]]:
    """Name → digests of what a collector read; names that masking made alike have several."""
    found: dict[str, list[str]] = {}
    for file in document["evidence"].get(collector, {}).get("files", ()):
        found.setdefault(file["path"], []).append(file["sha256"])
    return found


def keep_signed(
    context: Context, recorded: Recorded, document: Mapping[str, Any]
) -> tuple[list[bytes], list[str]]:
    """The bytes of the files that the decision rests on, and notices about those that cannot be kept.

    Args:
        document: the recorded input, as it is stored.
    """
    kept: list[bytes] = []
    notices: list[str] = []
    try:
        wanted = set(key_files(document).values())
        for one in signed_files(document):
            wanted |= {one.sha256, one.signature or one.sha256}
    except ValueError as error:
        return [], [f"{masked(str(error))}, {_NO_RECORD}"]
    if len(wanted) > MAX_FILES:
        return [], [f"{len(wanted)} signed files are more than the {MAX_FILES} that are kept, {_NO_RECORD}"]
    workspace = open_workspace(context.root, context.authority)
    for name in sorted(PEOPLE & recorded.evidence.keys()):
        for file in recorded.evidence[name].files:
            if file.sha256 not in wanted:
                continue
            wanted.discard(file.sha256)
            problem = "it was changed since it was judged"
            try:
                data, found = workspace.read(file.path, _MOST_BYTES)
                text = data.decode("utf-8", "replace")
                if masked(text) != text:
                    problem = "it has an account number in full"
                elif found.sha256 == file.sha256:
                    kept.append(data)
                    continue
            except (EvidenceError, ConfigError) as error:
                problem = error.what
            notices.append(f"{masked(file.path)} was not kept, {_NO_RECORD}: {masked(problem)}")
    return kept, notices
