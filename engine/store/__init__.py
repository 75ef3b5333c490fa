"""The evidence store: what ledger entries refer to, found by its SHA-256 (docs/ledger.md, "Another store").

* `interface` - what an implementation does; `files` - the one in a directory; `access` - directories without
  links; `objects` - the one in S3-compatible storage (`interface` has how parts are read);
  `artifacts` - the one in an OCI registry, which `registry` speaks to.
* `evidence` - `EvidenceStore`, what the engine uses: it trusts no implementation and checks every digest.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...evidence.base.limits import DEFAULT, Limits
from .urls import Schemes

if TYPE_CHECKING:
    from .evidence import EvidenceStore
    from .interface import Connect


STORES: Final[Schemes[Connect]] = Schemes(
    "evidence store",
    "gate.evidence_stores",
    {"file": ".files", "oci": ".artifacts", "s3": ".objects"},
    __name__,
)


def open_store(url: str | Path, *, limits: Limits = DEFAULT) -> EvidenceStore:
    """The evidence store at a URL: `file:PATH`, a path, `s3://…`, `oci://…`, or one that a plug-in serves.

    Raises ConfigError for a scheme that nobody serves, LedgerError for a link in place of the directory,
    EnvironmentProblem when the store cannot be reached.
    """
    from .evidence import EvidenceStore

    connect, url = STORES.find(url)
    return EvidenceStore(connect(str(url)), limits)
