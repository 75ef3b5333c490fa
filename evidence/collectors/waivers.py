"""Waivers: signed, scoped, expiring permissions for one rule code, and whether the signature holds.

Files of ``contracts/files/waiver.schema.json``, signed with SSHSIG in namespace ``waiver@gate``. Whether a
waiver counts (at this time, for this subject, by an approver who is not its author) is for the judge to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..base.errors import EvidenceError
from ..collecting.interface import Observation
from ..collecting.interface import Options as BaseOptions
from ..reading.workspace import View
from .shared.documents import moment
from .shared.signed import SignedOptions, Statement, collect_statements

NAMESPACE = "waiver@gate"
_COPIED = ("id", "code", "reason", "reference", "author", "approver_role")


@dataclass(frozen=True, slots=True)
class WaiversOptions(SignedOptions):
    """Options of the collector ``waivers``."""

    directory: str = field(
        default="waivers", metadata={"description": "Where the waivers are, relative to the workspace."}
    )


class WaiversCollector:
    """Reads waivers and checks their signatures."""

    id: ClassVar[str] = "waivers"
    version: ClassVar[str] = "3"
    Options: ClassVar[type[BaseOptions]] = WaiversOptions

    def __init__(self, options: WaiversOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/waivers.schema.json``; a malformed waiver is rejected alone.

        Of two waivers with the same id the second is rejected. Revocations are in the folder ``revoked``.
        """
        options = self._options
        known: dict[str, str] = {}

        def row(statement: Statement) -> dict[str, Any]:
            made = self._row(statement)
            other = known.setdefault(made["id"], statement.path)
            if other != statement.path:
                raise EvidenceError(
                    f"the waiver id {made['id']!r} is the one of {other}",
                    path=statement.path,
                    place="/id",
                    remedy="give every waiver an id of its own and sign it again",
                )
            return made

        rows, _, problems, scopes = collect_statements(
            view, options, options.directory, "waiver", NAMESPACE, row
        )
        folder = f"{options.directory.rstrip('/')}/revoked"
        ended, _, more, others = collect_statements(
            view, options, folder, "revocation", NAMESPACE, self._revocation
        )
        facts = {"waivers": rows, "revocations": ended}
        return Observation(facts, tuple(dict.fromkeys((*problems, *more))), scopes=(*scopes, *others))

    def _revocation(self, statement: Statement) -> dict[str, Any]:
        value, path = statement.value, statement.path
        revoked_at, revoked_at_s = moment(value["revoked_at"], path, "/revoked_at")
        return {
            "path": path,
            **{name: value[name] for name in ("id", "role", "reason")},
            "revoked_at": revoked_at,
            "revoked_at_s": revoked_at_s,
            **statement.signature_facts(value["role"], self._options.roles, "principal"),
        }

    def _row(self, statement: Statement) -> dict[str, Any]:
        value, path = statement.value, statement.path
        effective_on, on_s = moment(value["effective_on"], path, "/effective_on")
        effective_until, until_s = moment(value["effective_until"], path, "/effective_until")
        if until_s <= on_s:
            raise EvidenceError(
                "the waiver ends before it begins",
                path=path,
                place="/effective_until",
                remedy="correct the two times and sign it again",
            )
        return {
            "path": path,
            **{name: value[name] for name in _COPIED},
            "term": value.get("term"),
            "stages": sorted(value["stages"]),
            "effective_on": effective_on,
            "effective_on_s": on_s,
            "effective_until": effective_until,
            "effective_until_s": until_s,
            "subject": value.get("subject"),
            **statement.signature_facts(value["approver_role"], self._options.roles, "approver_principal"),
        }
