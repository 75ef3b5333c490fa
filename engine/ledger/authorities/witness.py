"""Witnesses: others who saw the log grow, and sign that they never saw it shrink or fork.

Sources: c2sp.org/tlog-witness (asking over HTTP), c2sp.org/tlog-cosignature (version 1, with Ed25519). A
witness signs the text of a checkpoint with the time at which it saw it; its signature lines, appended to the
note, make a cosigned checkpoint.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Sequence

from ....evidence.base.errors import EnvironmentProblem
from ....evidence.base.numbers import counted
from ....evidence.base.times import format_utc
from ....evidence.signing import ed25519
from ....evidence.signing.keys import VerifierKey
from ....evidence.signing.problems import Flaw, SignatureError
from ..interface import damaged
from ..note import Checkpoint, signature_lines
from .posting import post

_SIZE = re.compile(rb"[0-9]{1,18}")


def cosignatures(
    checkpoint: Checkpoint, lines: bytes, keys: Iterable[VerifierKey]
) -> dict[VerifierKey, tuple[str, str]]:
    """Which witnesses cosigned a checkpoint: key → (signature line, time as RFC 3339).

    Lines of other keys are ignored. Raises SignatureError for lines that are malformed, or bear a witness's
    name and not its signature.
    """
    text = checkpoint.note.rpartition(b"\n\n")[0] + b"\n"
    by_id, found = {(key.name, key.hash): key for key in keys}, {}
    for line, name, blob in signature_lines(lines.decode("utf-8", "replace")):
        key = by_id.get((name, blob[:4]))
        if key is None:
            continue
        if len(blob) != 76:
            raise SignatureError(Flaw.MALFORMED, f"the cosignature by {name} is malformed")
        time_s = int.from_bytes(blob[4:12])
        message = b"cosignature/v1\ntime %d\n%b" % (time_s, text)
        ed25519.verify_trusted(key.public, blob[12:], message)
        found[key] = (line, format_utc(min(time_s, 2**37)))
    return found


def cosign(
    url: str, key: VerifierKey, checkpoint: Checkpoint, prove: Callable[[int], Sequence[bytes]]
) -> str:
    """Have a witness cosign a checkpoint: its signature line.

    Args:
        url: the witness's submission prefix.
        prove: gives the consistency proof from a size to the checkpoint.

    Raises LedgerError when the witness saw a longer or another log of this name; EnvironmentProblem when it
    cannot be reached, does not know the log, or answers something else.
    """
    old, status, answer, said = 0, 0, b"", False
    for _ in range(2):  # the first answer tells how much of the log the witness saw last
        proof = "".join(f"{base64.b64encode(one).decode()}\n" for one in prove(old))
        body = f"old {old}\n{proof}\n".encode() + checkpoint.note
        status, answer = post(f"{url.rstrip('/')}/add-checkpoint", body, "text/plain; charset=utf-8")
        said = status == 409 and _SIZE.fullmatch(answer.strip()) is not None
        if not said or int(answer) == old:
            break
        old = int(answer)
        if old > checkpoint.size:
            raise damaged(
                url,
                f"the ledger was cut back: the witness {key.name} saw {counted(old, 'entry')} of it, "
                f"and its checkpoint covers {checkpoint.size}",
            )
    problem = f"it answered with status {status}"
    if status in (403, 404):
        problem = "it does not know this log, or knows it with another key"
    if status == 200:
        try:
            [(line, _)] = cosignatures(checkpoint, answer, [key]).values()
            return line
        except (SignatureError, ValueError):
            problem = "its answer has no cosignature by the configured key"
    if said or status == 422:
        raise damaged(
            url,
            f"the witness {key.name} saw another log of this name, which does not begin with the same "
            f"{counted(old, 'entry')}",
        )
    shown = url.partition("?")[0][:200]
    remedy = "check ledger.witnesses, and register the log's verifier key with the witness"
    raise EnvironmentProblem(f"the witness {key.name} did not cosign: {problem}", path=shown, remedy=remedy)
