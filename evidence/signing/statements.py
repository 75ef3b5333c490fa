"""The question collectors ask: who signed this file, and does the signature hold?"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from .allowed_signers import AllowedSigner, AllowedSigners
from .problems import SignatureError
from .sshsig import SshSignature

SignatureState = Literal["valid", "invalid", "revoked", "unknown_key", "unsigned"]


class SignatureCheck(Struct, frozen=True):
    """What is known about one signed file. No judgement: whether the key was valid *then* is for the policy.

    Attributes:
        state: `valid` (made by a key that allowed_signers lists for this namespace), `unknown_key` (it holds,
            but the key is not listed for this namespace), `revoked` (it holds, but the key is revoked),
            `invalid`, or `unsigned` (there is none).
        principals: the patterns of the entries for this key, in the order of the file; empty unless `valid`.
        key: fingerprint `SHA256:…` of the key in the signature; None when the signature cannot be read.
        valid_from_s, valid_until_s: first and last second (epoch) the key may sign; None for no bound.
        problem: one sentence when the state is not `valid` (or the entries disagree), otherwise None.
    """

    state: SignatureState
    principals: tuple[str, ...] = ()
    key: str | None = None
    valid_from_s: int | None = None
    valid_until_s: int | None = None
    problem: str | None = None
    entries: tuple[AllowedSigner, ...] = ()

    def speaks_for(self, principal: str) -> bool:
        """Whether the signature is valid and some entry for its key names `principal`, by wildcard or not."""
        return self.state == "valid" and any(entry.speaks_for(principal) for entry in self.entries)


def check_signature(
    data: bytes, armored: bytes | None, namespace: str, signers: AllowedSigners
) -> SignatureCheck:
    """Check a detached SSHSIG over `data`; bad input becomes a state.

    Args:
        armored: the signature file's bytes; None when there is none.
        namespace: the purpose it must have been made for (`ssh-keygen -Y sign -n`).
        signers: the allowed signers; an empty list makes every good signature `unknown_key`.

    Where several entries list the key, the principals are joined and the validity is the time common to all
    of them; `problem` says so.
    """
    if armored is None:
        return SignatureCheck("unsigned", problem="there is no signature file")
    fingerprint = None
    try:
        signature = SshSignature.parse(armored)
        fingerprint = signature.key.fingerprint
        signature.verify(data, namespace)
    except SignatureError as problem:
        return SignatureCheck("invalid", key=fingerprint, problem=problem.reason)
    if signature.key.blob in signers.revoked:
        reason = f"the key {fingerprint} is revoked in {signers.revoked_path}"
        return SignatureCheck("revoked", key=fingerprint, problem=reason)
    entries = signers.lookup(signature.key, namespace)
    if not entries:
        reason = (
            f"the signature holds, but {signers.path} does not list {fingerprint} for namespace {namespace!r}"
        )
        return SignatureCheck("unknown_key", key=fingerprint, problem=reason)
    windows = {(entry.valid_from_s, entry.valid_until_s) for entry in entries}
    lines = ", ".join(str(entry.line) for entry in entries)
    odd = f"{signers.path} gives this key different times (lines {lines}): only the common time counts"
    return SignatureCheck(
        "valid",
        principals=tuple(dict.fromkeys(name for entry in entries for name in entry.principals)),
        key=fingerprint,
        valid_from_s=max((start for start, _ in windows if start is not None), default=None),
        valid_until_s=min((end for _, end in windows if end is not None), default=None),
        problem=None if len(windows) == 1 else odd,
        entries=entries,
    )
