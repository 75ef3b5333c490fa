"""Signed statements: JSON files with a detached SSHSIG signature beside them, and who may make them.

``<directory>/<name>.json`` is signed in ``<name>.json.sig`` over its exact bytes. A signature file without
its statement says nothing and is ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...collecting.interface import Options as BaseOptions
from ...reading.workspace import View
from ...signing.allowed_signers import AllowedSigners
from ...signing.statements import SignatureCheck, check_signature


@dataclass(frozen=True, slots=True)
class SignedOptions(BaseOptions):
    """Options that sign-offs and waivers share; paths are relative to the workspace."""

    allowed_signers: str = field(
        default="trust/allowed_signers",
        metadata={"description": "Whose keys are known, in OpenSSH's allowed_signers format."},
    )
    roles: dict[str, list[str]] = field(
        default_factory=dict,
        metadata={"description": "Principals per role; filled from `roles` in gate.yaml."},
    )


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement file that keeps to its contract, and what is known about its signature."""

    path: str
    value: dict[str, Any]
    check: SignatureCheck
    problem: str | None

    def signature_facts(self, role: str, roles: dict[str, list[str]], principal: str) -> dict[str, Any]:
        """The facts about the signature; the signer's principal goes under the name ``principal``.

        The principal is the first that is both listed for the role and spoken for by the key, otherwise the
        first that the key speaks for.
        """
        check = self.check
        in_role = next((one for one in roles.get(role, []) if check.speaks_for(one)), None)
        return {
            principal: in_role or next(iter(check.principals), None),
            "key": check.key,
            "signature": check.state,
            "role_authorised": in_role is not None,
            "key_valid_from_s": check.valid_from_s,
            "key_valid_until_s": check.valid_until_s,
            "problem": self.problem,
        }


def read_signers(view: View, path: str) -> AllowedSigners | None:
    """The allowed signers, or None when there is no such file.

    Raises:
        EvidenceError: a line is malformed.
    """
    return AllowedSigners.parse(view.read_text(path), path) if view.exists(path) else None


def read_statements(
    view: View,
    directory: str,
    contract: str,
    namespace: str,
    signers_path: str,
    signers: AllowedSigners | None,
) -> Iterator[Statement]:
    """Every ``*.json`` in the directory, sorted by path.

    Args:
        directory: relative path; need not exist.
        contract: name of the contract in ``contracts/files``.
        namespace: SSHSIG namespace that the signature must be made for.
        signers_path: where the allowed signers are expected.
        signers: the allowed signers; None when the file does not exist, so that every key is unknown.

    Raises:
        EvidenceError: a statement is malformed or breaks its contract, or something on the way is a link.
    """
    folder = directory.rstrip("/")
    view.exists(folder)  # a link in place of the directory must not look like no statements
    for path in view.glob(f"{folder}/*.json"):
        value = view.read_json(path, contract)
        signature = f"{path}.sig"
        armored = view.read(signature, view.limits.signature_bytes) if view.exists(signature) else None
        check = check_signature(
            view.read(path), armored, namespace, signers or AllowedSigners(path=signers_path)
        )
        problem = check.problem
        if check.state == "unknown_key" and signers is None:
            problem = f"the signature holds, but {signers_path} does not exist, so no key is known"
        elif check.state == "unsigned":
            problem = f"there is no {signature}"
        yield Statement(path, value, check, problem)
