"""The workspace's ledger as settings and operator name it, opened with the key that may sign it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ..evidence.base.errors import ConfigError, EnvironmentProblem, EvidenceError, LedgerError, UsageError
from ..evidence.base.limits import DEFAULT, Limits
from ..evidence.collectors.shared.signed import read_signers
from ..evidence.signing.key_sources import find_log_key, given_log_key
from ..evidence.signing.keys import LogKey, VerifierKey, load_log_key
from ..evidence.signing.problems import SignatureError
from ..evidence.signing.sshsig import ed25519_blob
from .collectors import open_workspace
from .context import Context
from .ledger import open_ledger, open_reader
from .ledger.interface import NoLedger
from .ledger.keychain import KeyChain
from .ledger.reader import LedgerReader
from .ledger.writer import Ledger


@contextmanager
def writer(
    context: Context, config_dir: Path, joining: LogKey | None = None
) -> Iterator[tuple[Ledger, list[str]]]:
    """The workspace's ledger for writing, and notices that are complete when the block ends.

    Args:
        config_dir: the user's configuration directory, with the receipts and, unless GATE_LOG_KEY names
            another, the log key.
        joining: a key that the first entry which is appended is to admit, in place of the log key.

    Raises ConfigError: the key would lie inside the workspace, is not that of the operator's log, or is also
    a person's; LedgerError: there is a ledger, but no log key; as `open_ledger`.
    """
    _check_place(context, config_dir)
    if joining is None:
        _check_begun(context, config_dir)
    _check_log_key(context, joining or given_log_key() or load_log_key(config_dir), config_dir)
    key, fresh = find_log_key(config_dir) if joining is None else (joining, False)
    settings = context.config.ledger
    notices: list[str] = []
    with open_ledger(
        context.ledger,
        key,
        config_dir=config_dir,
        origin=settings.origin,
        label=_label(context),
        evidence=settings.evidence,
        limits=store_limits(context),
        admins=context.authority.key_admins,
        joins=joining is not None,
    ) as ledger:
        _check_people(context, ledger.chain)
        yield ledger, notices
        notices += ledger.notices
    if fresh:
        notices.append(
            f"created the log key {key.fingerprint} in {config_dir}; it signs the ledger and stays there"
        )


def check_recording(context: Context, config_dir: Path) -> None:
    """Find out whether a decision can be recorded, before anything is judged. Makes nothing.

    Raises as `writer`; EnvironmentProblem: the ledger, or a new key for it, cannot be written there.
    """
    _check_place(context, config_dir)
    places = [context.ledger] if isinstance(context.ledger, Path) else []
    if (key := given_log_key() or load_log_key(config_dir)) is None:
        places.append(config_dir)
    for place in places:
        there = next(one for one in (place, *place.absolute().parents) if os.path.lexists(one))
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            what = f"nothing can be written to {there}, so no decision can be recorded"
            remedy = "choose another place, or evaluate with --no-record"
            raise EnvironmentProblem(what, path=str(place), remedy=remedy)
    try:
        reader(context, config_dir).close()
    except NoLedger:
        _check_log_key(context, key, config_dir)
    else:
        with writer(context, config_dir):
            pass


def reader(context: Context, config_dir: Path) -> LedgerReader:
    """The workspace's ledger for reading, compared with the receipts. Raises as `open_reader`."""
    return open_reader(
        context.ledger,
        config_dir=config_dir,
        evidence=context.config.ledger.evidence,
        limits=store_limits(context),
        admins=context.authority.key_admins,
    )


def _check_place(context: Context, config_dir: Path) -> None:
    """Refuse a configuration directory that the judged change could alter. Raises ConfigError: it is one."""
    if config_dir.resolve().is_relative_to(context.root):
        raise ConfigError(
            "the configuration directory lies inside the workspace, where the log key must never be",
            path=str(config_dir),
            remedy="point GATE_CONFIG_DIR elsewhere, or unset it",
        )


def _check_begun(context: Context, config_dir: Path) -> None:
    """Refuse to make a log key for a ledger that is there: it would not sign that one, and be left over.

    Raises LedgerError: there is a ledger, but no log key.
    """
    if given_log_key() is not None or load_log_key(config_dir) is not None:
        return
    with suppress(NoLedger), reader(context, config_dir) as ledger:
        if load_log_key(config_dir) is None:  # another process may have made both meanwhile
            raise LedgerError(
                f"this ledger was begun with key {ledger.verifier.fingerprint}, and there is no log key in "
                f"{config_dir}",
                path=ledger.name,
                remedy="use the configuration directory with its key (GATE_CONFIG_DIR), or begin a ledger of "
                "your own in another directory",
            )


def _check_log_key(context: Context, key: LogKey | None, config_dir: Path) -> None:
    """Refuse to add to a log with another key than the operator names, or none (None), unless key events
    lead from that to this one.

    Raises ConfigError: the key is another one, or the operator names none that can be read.
    """
    if context.authority.log_key is None:
        return
    named = parse_verifier_key(context.authority.log_key, "the operator's log_key")
    here = "there is no log key here" if key is None else f"the log key here is {key.fingerprint}"
    what = f"{here}, the operator names {named.fingerprint}"
    fits = key is not None and named.public == key.public
    if context.authority.key_admins is not None:
        with suppress(NoLedger), reader(context, config_dir) as ledger:
            latest = ledger.checkpoint()
            fits = ledger.chain.knows(named, latest.size if latest else 0)
            what = f"this ledger was begun with {ledger.verifier.fingerprint}, and no sealed key event admits"
            what += f" {named.fingerprint}, which the operator names"
    if not fits:
        remedy = "record where that key is, or evaluate with --no-record"
        raise ConfigError(what, place="log_key", remedy=remedy)


def check_people(context: Context, config_dir: Path) -> None:
    """Refuse people's keys that are also keys of the ledger, where there is one that can be read.

    Raises ConfigError: allowed_signers lists one.
    """
    with suppress(LedgerError, EnvironmentProblem), reader(context, config_dir) as ledger:
        _check_people(context, ledger.chain)


def _check_people(context: Context, chain: KeyChain) -> None:
    """Refuse people's keys that are also keys of the ledger: whoever steals one would be both.

    Raises ConfigError: allowed_signers lists one.
    """
    ours = {ed25519_blob(one.key.public) for one in chain.signers}
    try:
        view = open_workspace(context.root, context.authority).view()
        signers = read_signers(view, context.config.allowed_signers, None)
    except EvidenceError:
        return  # it lists nobody, and the decision says why
    for one in signers.signers:
        if one.key.blob in ours:
            raise ConfigError(
                f"the key {one.key.fingerprint} of {','.join(one.principals)} signs the ledger, so it cannot "
                "be a person's, too",
                path=signers.path,
                place=f"line {one.line}",
                remedy="remove it; people sign with keys of their own",
            )


def parse_verifier_key(text: str, what: str) -> VerifierKey:
    """The key in a line such as that of ``trust/log.vkey``.

    Raises UsageError: it is none.
    """
    try:
        return VerifierKey.parse(text)
    except SignatureError as error:
        raise UsageError(f"{what}: {error}", remedy="give the line of trust/log.vkey") from error


def store_limits(context: Context) -> Limits:
    """Limits of the evidence store: a tight one on evidence must not keep a decision from being recorded."""
    limits = context.config.limits
    return replace(limits, file_bytes=max(limits.file_bytes, DEFAULT.file_bytes))


def _label(context: Context) -> str:
    """How the name of a new log begins, unless one is configured; random digits follow.

    Names must be unique: receipts are kept by name, and every fresh checkout begins a ledger of its own.
    """
    slug = re.sub(r"[^a-z0-9._-]+", "-", context.name.lower()).strip("-.") or "workspace"
    return f"gate.local/{slug}"
