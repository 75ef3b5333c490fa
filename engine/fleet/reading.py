"""Ask the ledgers of a fleet; one that cannot be read is named with the reason and hides no other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, Generic, TypeVar

from msgspec import Struct

from ...evidence.base.errors import ConfigError, GateError, LedgerError, UsageError
from ..ledger import open_reader
from ..ledger.reader import LedgerReader
from .settings import Fleet, Member

T = TypeVar("T")
_AT_A_TIME: Final = 4
"""Ledgers that are read at a time: most of it is waiting for databases, and each takes memory."""


class Problem(Struct, frozen=True):
    """A ledger that could not be read, or not in full, and why."""

    ledger: str
    reason: str


class Answers(Struct, Generic[T], frozen=True):
    """What the ledgers answered, in the fleet's order, and those that did not."""

    found: tuple[T, ...]
    problems: tuple[Problem, ...]


def ask(fleet: Fleet, question: Callable[[Member, LedgerReader], T], config_dir: Path) -> Answers[T]:
    """Ask every ledger.

    Args:
        config_dir: the user's configuration directory, with the receipts of ledgers that were seen before.

    Raises ConfigError, UsageError: a URL or setting is wrong. Whatever else goes wrong is in the answers.
    """
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        answers = list(pool.map(partial(_ask, question=question, config_dir=config_dir), fleet.members))
    return Answers(
        tuple(one for one, _ in answers if one is not None),
        tuple(one for _, one in answers if one is not None),
    )


def _ask(
    member: Member, question: Callable[[Member, LedgerReader], T], config_dir: Path
) -> tuple[T | None, Problem | None]:
    try:
        with open_reader(
            member.url, config_dir=config_dir, evidence=member.evidence, admins=member.admins
        ) as ledger:
            check_key(member, ledger)
            return question(member, ledger), None
    except (ConfigError, UsageError) as error:
        # it has no place but the URL, and its message may quote that
        raise ConfigError(
            f"ledger {member.name}: {error.what}", path=error.path, remedy=error.remedy
        ) from error
    except GateError as error:
        return None, Problem(member.name, error.reason)
    except Exception as error:  # noqa: BLE001 - a plug-in or a signed but odd entry may raise anything
        return None, Problem(member.name, f"it is not what a ledger is: {type(error).__name__}: {error}")


def check_key(member: Member, ledger: LedgerReader) -> None:
    """Refuse a ledger of another log or key. Raises LedgerError."""
    if member.key is None:
        return
    latest = ledger.checkpoint()
    if not ledger.chain.knows(member.key, latest.size if latest else 0):
        raise LedgerError(
            f"it is the log {ledger.verifier.name} with the key {ledger.verifier.fingerprint}, and the fleet "
            f"file names {member.key.name} with {member.key.fingerprint}",
            path=ledger.name,
        )
