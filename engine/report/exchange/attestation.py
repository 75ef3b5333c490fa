"""The in-toto statement about a decision, a SLSA Verification Summary, for other tools to sign and attach.

The ledger's line has the same statement, signed, which also names the stored policy bundle: ``gate ledger
show INDEX`` prints it. See :mod:`gate.engine.entries.statement` for the format.
"""

from __future__ import annotations

import json
from hashlib import sha256

from ....evidence.base.canonical import canonical
from ....evidence.base.errors import masked
from ...decision.document import Decision
from ...entries.statement import statement_of
from ...ledger.interface import Entry
from ..interface import Screen
from ..json_format import render_json


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The unsigned statement, as JSON."""
    digest = sha256(canonical(decision.to_json())).hexdigest()
    return render_json(json.loads(masked(json.dumps(statement_of(decision, digest)))))
