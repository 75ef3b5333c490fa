"""A dump of account values as a record of the account."""

from __future__ import annotations

from collections.abc import Mapping

from ...base.errors import UsageError
from ...collectors.shared.account_id import mask
from ..port.model import AccountValues
from .attestation import Attestation
from .record import LIVE, UNKNOWN, Record, make_record


def choose(found: Mapping[str, AccountValues], wanted: str | None, pinned: str | None) -> AccountValues:
    """The values of the account that is wanted: the one named, else the pinned one, else the only one.

    Raises UsageError: the dump does not have it, or has several and nothing says which.
    """
    listed = ", ".join(mask(account[:32]) for account in list(found)[:5])
    if wanted is None and len(found) == 1:
        return next(iter(found.values()))
    account = wanted or pinned
    if account is None:
        raise UsageError(f"the dump has several accounts: {listed}", remedy="name one: --account ID")
    if account not in found:
        what = f"the dump has no values of {mask(account[:32])}, but of {listed}"
        raise UsageError(what, remedy="name one of them with --account, or dump the right account")
    return found[account]


def import_record(
    stated: AccountValues,
    others: int,
    observed_at: str | None,
    attestation: Attestation | None,
    where: str,
) -> Record:
    """The record that a dump gives. It does not say through which session the values were read, nor whether
    the account is a paper one: that is unknown, unless the id is one of a live account.

    Args:
        others: how many other accounts the dump has; a login for paper trading has none.

    Raises EvidenceError: the values contradict each other.
    """
    note = f"Imported from a dump of account values ({where[:200]})."
    if others:
        note += f" The dump has values of {others} other account{'s' * (others > 1)}."
    kind = UNKNOWN if stated.account.startswith("D") else LIVE
    return make_record(stated, kind, observed_at, attestation=attestation, note=note, where=where)
