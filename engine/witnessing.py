"""The outside authorities of a workspace's ledger: who stamps and cosigns its checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..evidence.base.errors import ConfigError, EnvironmentProblem, UsageError
from ..evidence.base.numbers import counted
from ..evidence.reading.workspace.named import read_followed
from ..evidence.signing.keys import VerifierKey
from ..evidence.signing.problems import SignatureError
from .config.settings import FILE
from .context import Context
from .ledger.findings import Authorities, Witnessed
from .ledger.note import MAX_NOTE_BYTES, Checkpoint
from .workspace_ledger import reader, writer

_WITNESS = b"\x04"


def witness(context: Context, config_dir: Path) -> Witnessed:
    """Have the latest checkpoint stamped and cosigned by everybody that is configured.

    Raises ConfigError: nobody is, or a key is none; LedgerError: there is no ledger, or a witness saw more of
    it or another one; as `recording.record`.
    """
    settings = context.config.ledger
    keys, quorum = _witnesses(context)
    if settings.timestamps is None and not keys:
        raise ConfigError(
            "no time-stamping authority and no witness is configured",
            path=FILE,
            place="ledger",
            remedy="set ledger.timestamps or ledger.witnesses",
        )
    reader(context, config_dir).close()  # no ledger is begun here
    checkpoint, done, problems = None, [], []
    cosigned = 0
    with writer(context, config_dir) as (ledger, _):
        steps: list[tuple[str, Callable[[], Checkpoint], int]] = [
            (f"cosigned by {key.name}", partial(ledger.have_cosigned, item.url, key), 1)
            for item, key in zip(settings.witnesses, keys, strict=True)
        ]
        if settings.timestamps is not None:
            url = settings.timestamps.url
            steps.append((f"stamped by {url.partition('?')[0]}", partial(ledger.have_stamped, url), 0))
        stamped = settings.timestamps is None
        for name, step, votes in steps:
            try:
                checkpoint = step()
            except EnvironmentProblem as problem:
                problems.append(problem)
            else:
                done.append(name)
                cosigned += votes
                stamped = stamped or not votes
    return Witnessed(checkpoint, tuple(done), tuple(problems), stamped and cosigned >= quorum)


def authorities(context: Context, anchor: Path | None) -> Authorities:
    """Whose word the ledger is verified by.

    Args:
        anchor: PEM file of the time-stamping authority; the configured one if None.

    Raises ConfigError: a witness's key is none; UsageError: the PEM file cannot be read.
    """
    keys, quorum = _witnesses(context)
    timestamps = context.config.ledger.timestamps
    if anchor is None and timestamps is not None and timestamps.anchor is not None:
        anchor = context.root / timestamps.anchor
    remedy = "give the PEM file with the certificate of the authority or of its root"
    anchors = None if anchor is None else read_followed(anchor, UsageError, remedy, MAX_NOTE_BYTES)
    return Authorities(anchors, tuple(keys), quorum)


def _witnesses(context: Context) -> tuple[list[VerifierKey], int]:
    """The keys of the configured witnesses, and how many of them are enough."""
    settings = context.config.ledger
    keys = []
    for number, item in enumerate(settings.witnesses):
        try:
            keys.append(VerifierKey.parse(item.key, _WITNESS))
        except SignatureError as error:
            place = f"ledger.witnesses.{number}.key"
            remedy = "write the verifier key that the witness publishes, name+hash+base64"
            raise ConfigError(str(error), path=FILE, place=place, remedy=remedy) from error
    quorum = len(keys) if settings.quorum is None else settings.quorum
    different = len({key.public for key in keys})  # under however many names
    if different < len(keys) or not min(1, len(keys)) <= quorum <= len(keys):
        raise ConfigError(
            f"a quorum of {quorum} is not possible with {counted(different, 'witness')}",
            path=FILE,
            place="ledger.quorum",
            remedy="list each witness once, and give a number from 1 to that of the witnesses",
        )
    return keys, quorum
