"""Reads an attestation of an account, and finds out who vouches for it."""

from __future__ import annotations

from pathlib import Path

from ....evidence.base.errors import ConfigError, UsageError
from ....evidence.base.limits import DEFAULT
from ....evidence.base.times import parse_rfc3339
from ....evidence.broker.probe.attestation import Attestation, read_attestation
from ....evidence.reading.workspace.named import read_named
from ...config.operator import outside
from ...context import Context
from ...people.provenance import check_finished
from ...people.sshsign import check_signed

ROLE = "risk_officer"
NAMESPACE = "file"
"""As for the signatures of artifacts: ``ssh-keygen -Y sign -n file``."""


def load_attestation(context: Context, path: Path, account: str, now_s: int) -> Attestation:
    """The attestation in a file: signed by the risk officer (FILE.sig), or given by the operator.

    A file is the operator's if it lies outside of the workspace, where the judged change cannot alter it.

    Raises UsageError: there is no such file, it lies in the workspace without a signature, or its signature
    does not count, or it is from the future; ConfigError: it is malformed; Refused: it is about another
    account.
    """
    data = read_named(path, UsageError, "name the attestation's file")
    signature = path.with_name(f"{path.name}.sig")
    if signature.exists():
        armored = read_named(signature, UsageError, "sign the attestation again", DEFAULT.signature_bytes)
        by = check_signed(context, data, armored, NAMESPACE, ROLE)
    else:
        try:
            outside(path, context.root, "the attestation")
        except ConfigError as error:
            remedy = f"have the {ROLE} sign it: ssh-keygen -Y sign -f KEY -n {NAMESPACE} {path.name}"
            raise UsageError(
                "an attestation in the workspace needs a signature: the judged change could alter it",
                path=str(path),
                remedy=f"{remedy}; or keep it outside of the workspace",
            ) from error
        by = "operator"
    found = read_attestation(data, str(path), by, account)
    check_finished(parse_rfc3339(found.at), now_s)
    return found
