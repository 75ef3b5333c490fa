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
from .shared.signed import SignedOptions, Statement, read_signers, read_statements

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
    version: ClassVar[str] = "1"
    Options: ClassVar[type[BaseOptions]] = WaiversOptions

    def __init__(self, options: WaiversOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/waivers.schema.json``.

        Raises:
            EvidenceError: a waiver or the allowed signers are malformed, a time does not exist, a waiver ends
                before it begins, or two waivers have the same id.
        """
        options = self._options
        signers = read_signers(view, options.allowed_signers)
        statements = read_statements(
            view, options.directory, "waiver", NAMESPACE, options.allowed_signers, signers
        )
        rows: dict[str, dict[str, Any]] = {}
        for statement in statements:
            row = self._row(statement)
            known = rows.setdefault(row["id"], row)
            if known is not row:
                raise EvidenceError(
                    f"the waiver id {row['id']!r} is the one of {known['path']}",
                    path=statement.path,
                    place="/id",
                    remedy="give every waiver an id of its own and sign it again",
                )
        return Observation({"waivers": list(rows.values())})

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
