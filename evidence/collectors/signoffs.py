"""Sign-offs: who approved, rejected or conditionally approved what, and whether the signature holds.

Files of ``contracts/files/signoff.schema.json``, signed with SSHSIG in namespace ``signoff@gate``. Whether a
sign-off counts (for this subject, at this time, in a required role) is for the policy to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from ..base.errors import EvidenceError
from ..collecting.interface import Observation
from ..collecting.interface import Options as BaseOptions
from ..reading.workspace import View
from .shared.documents import moment
from .shared.signed import SignedOptions, Statement, collect_statements

NAMESPACE = "signoff@gate"
_COPIED = ("role", "name", "stage", "verdict", "subject", "evidence", "policy")


@dataclass(frozen=True, slots=True)
class SignoffsOptions(SignedOptions):
    """Options of the collector ``signoffs``."""

    directory: str = field(
        default="signoffs", metadata={"description": "Where the sign-offs are, relative to the workspace."}
    )


class SignoffsCollector:
    """Reads sign-offs and checks their signatures."""

    id: ClassVar[str] = "signoffs"
    version: ClassVar[str] = "3"
    Options: ClassVar[type[BaseOptions]] = SignoffsOptions

    def __init__(self, options: SignoffsOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/signoffs.schema.json``; a malformed sign-off is rejected alone."""
        options = self._options
        rows, signers, problems, scopes = collect_statements(
            view, options, options.directory, "signoff", NAMESPACE, self._row
        )
        return Observation({"signoffs": rows, "allowed_signers": signers}, problems, scopes=scopes)

    def _row(self, statement: Statement) -> dict[str, Any]:
        value, path = statement.value, statement.path
        signed_at, signed_at_s = moment(value["signed_at"], path, "/signed_at")
        conditions = value.get("conditions", [])
        for index, condition in enumerate(conditions):
            try:
                date.fromisoformat(condition["due"])
            except ValueError as error:
                what, place = f"{condition['due']!r} is not a real day", f"/conditions/{index}/due"
                raise EvidenceError(
                    what, path=path, place=place, remedy="write it like 2025-12-12"
                ) from error
        return {
            "path": path,
            **{name: value[name] for name in _COPIED},
            "commit": value.get("commit"),
            "signed_at": signed_at,
            "signed_at_s": signed_at_s,
            "conditions": [_condition(one, path, number) for number, one in enumerate(conditions, start=1)],
            **statement.signature_facts(value["role"], self._options.roles, "principal"),
        }


def _condition(stated: dict[str, Any], path: str, number: int) -> dict[str, Any]:
    name = path.rpartition("/")[2].removesuffix(".json")
    return {"id": f"{name}-{number}", "closed_by": "signoff", **stated}
