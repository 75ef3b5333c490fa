"""Signed statements: JSON files with a detached SSHSIG signature beside them, and who may make them.

``<directory>/<name>.json`` is signed in ``<name>.json.sig`` over its exact bytes. A signature file without
its statement says nothing and is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ...base.errors import EvidenceError
from ...collecting.interface import Options as BaseOptions
from ...collecting.interface import Problem, Scope
from ...reading.workspace import View
from ...signing.allowed_signers import AllowedSigners
from ...signing.revoked import NONE, RevokedKeys
from ...signing.statements import SignatureCheck, check_signature


@dataclass(frozen=True, slots=True)
class SignedOptions(BaseOptions):
    """Options that sign-offs and waivers share; paths are relative to the workspace."""

    allowed_signers: str = field(
        default="trust/allowed_signers",
        metadata={"description": "Whose keys are known, in OpenSSH's allowed_signers format."},
    )
    revoked_keys: str | None = field(
        default=None, metadata={"description": "Keys that count no more: an OpenSSH KRL, or a list of keys."}
    )
    roles: dict[str, list[str]] = field(
        default_factory=dict,
        metadata={"description": "Principals per role; filled from `roles` in gate.yaml."},
    )


class Statement(Struct, frozen=True):
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


def collect_statements(
    view: View,
    options: SignedOptions,
    directory: str,
    contract: str,
    namespace: str,
    row: Callable[[Statement], dict[str, Any]],
) -> tuple[list[dict[str, Any]], int | None, tuple[Problem, ...], tuple[Scope, ...]]:
    """Every ``*.json`` in the directory, sorted by path; a file that is rejected does not hide the others.

    Args:
        options: where the allowed signers are.
        directory: relative path; need not exist.
        contract: name of the contract in ``contracts/files``; the fact is called the same, in the plural.
        namespace: SSHSIG namespace that the signature must be made for.
        row: what a statement comes to.

    Returns:
        The rows, how many signers are allowed (None when their list is rejected), the problems and scopes.

    Raises:
        EvidenceError: something on the way to the directory is a link.
    """
    fact, problems, count = f"{contract}s", [], None
    signers = AllowedSigners(path=options.allowed_signers)
    try:
        signers = read_signers(view, options.allowed_signers, options.revoked_keys)
        count = len(signers.signers)
    except EvidenceError as error:
        problems.append(Problem.rejected(error, ""))
    folder = directory.rstrip("/")
    view.exists(folder)  # a link in place of the directory must not look like no statements
    paths = view.glob(f"{folder}/*.json")
    rows = []
    for path in paths:
        try:
            rows.append(row(_statement(view, path, contract, namespace, signers)))
        except EvidenceError as error:
            problems.append(Problem.rejected(error, fact))
    # the folder itself was looked at, so that none in it means that there are none
    scope = Scope(fact, len(paths) + 1, len(rows) + 1, "files and their folder")
    return rows, count, tuple(problems), (scope,)


def read_signers(view: View, path: str, revoked: str | None) -> AllowedSigners:
    """The allowed signers, without those whose keys are revoked; nobody where there is no such file.

    Raises EvidenceError: one of the two files is malformed, or there is no list of revoked keys at its path.
    """
    keys = NONE if revoked is None else RevokedKeys.parse(view.read(revoked), revoked)
    if not view.exists(path):
        return AllowedSigners(path=path, present=False)
    return replace(AllowedSigners.parse(view.read_text(path), path), revoked=keys, revoked_path=revoked)


def _statement(view: View, path: str, contract: str, namespace: str, signers: AllowedSigners) -> Statement:
    value = view.read_json(path, contract)
    signature = f"{path}.sig"
    armored = view.read(signature, view.limits.signature_bytes) if view.exists(signature) else None
    check = check_signature(view.read(path), armored, namespace, signers)
    problem = check.problem
    if check.state == "unknown_key" and not signers.present:
        problem = f"the signature holds, but {signers.path} does not exist, so no key is known"
    elif check.state == "unsigned":
        problem = f"there is no {signature}"
    return Statement(path, value, check, problem)
