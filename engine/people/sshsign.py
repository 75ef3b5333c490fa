"""Signs a statement with the user's own SSH key, checks it, and writes it into the workspace.

``ssh-keygen -Y sign`` signs: it asks for passphrases and touches, and takes keys from files, agents and
security keys. No private key is ever read here.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...evidence.base.atomic import open_folder, write_at
from ...evidence.base.contracts import violations
from ...evidence.base.errors import EnvironmentProblem, UsageError, suggestion
from ...evidence.collectors.shared.signed import read_signers
from ...evidence.process.children import scratch
from ...evidence.process.programs import absolute_path
from ...evidence.reading.files import read_regular
from ...evidence.reading.git.state import top
from ...evidence.reading.workspace import check_relative
from ...evidence.signing.allowed_signers import AllowedSigners
from ...evidence.signing.problems import SignatureError
from ...evidence.signing.sshsig import PublicKey
from ...evidence.signing.statements import check_signature
from ..collectors import open_workspace
from ..context import Context
from ..decide.waivers import no_such_rule
from ..report.json_format import escaped

DEFAULT_KEYS = ("id_ed25519", "id_ed25519_sk", "id_ecdsa", "id_ecdsa_sk", "id_rsa")
_PUBLIC_KEY_BYTES = 16_384


def find_key(given: Path | None) -> Path:
    """The key file for ssh-keygen: a private key, or a public one whose private half is in the agent.

    Raises UsageError: there is none.
    """
    names = [given] if given else [Path.home() / ".ssh" / name for name in DEFAULT_KEYS]
    for name in names:
        for path in (name, name.with_name(f"{name.name}.pub")):
            if path.is_file():
                return path
    what = "there is no SSH key to sign with"
    remedy = "name it with --key; the .pub file is enough when an agent or a security key has the rest"
    raise UsageError(what, path=str(given or Path.home() / ".ssh"), remedy=remedy)


def public_key(key: Path) -> PublicKey | None:
    """The public half, from the ``.pub`` file; None when there is none that can be read."""
    path = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    try:
        words = read_regular(path, _PUBLIC_KEY_BYTES).split()
        return PublicKey.parse(base64.b64decode(words[1], validate=True))
    except (OSError, IndexError, binascii.Error, SignatureError):
        return None


def sign(root: Path, data: bytes, namespace: str, key: Path) -> bytes:
    """An armored signature over ``data`` by ssh-keygen, which talks to the person on the terminal.

    A program of that name in the checkout around ``root`` is never started.

    Raises EnvironmentProblem: ssh-keygen is not installed, or did not sign.
    """
    import subprocess

    program = shutil.which("ssh-keygen", path=absolute_path(top(root)))
    if program is None:
        raise EnvironmentProblem("ssh-keygen is not installed", remedy="install OpenSSH, or use `request`")
    with scratch("gate-sign-") as folder:
        path = folder / "statement"
        path.write_bytes(data)
        command = [program, "-q", "-Y", "sign", "-f", str(key.absolute()), "-n", namespace, str(path)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        try:
            signature = path.with_name("statement.sig").read_bytes()
        except FileNotFoundError:
            signature = b""
    if done.returncode != 0 or not signature:
        what = f"ssh-keygen did not sign (exit {done.returncode})"
        remedy = "read its message above; the key must be yours, unlocked or in your agent"
        raise EnvironmentProblem(what, path=str(key), remedy=remedy)
    return signature


def known_signers(context: Context) -> AllowedSigners:
    """The people who may sign in this workspace. Raises EvidenceError: their list is malformed."""
    view = open_workspace(context.root, context.authority).view()
    return read_signers(view, context.config.allowed_signers, context.config.revoked_keys)


def check_role(context: Context, role: str) -> None:
    """Refuse a role that the workspace does not have. Raises UsageError: there is none of that name."""
    roles = context.config.roles
    if role not in roles:
        none = "state `roles` in the operator's file or gate.yaml (`gate docs sign-offs`)"
        remedy = suggestion(role, roles) if roles else none
        raise UsageError(f"there is no role {role!r} in the settings", remedy=remedy)


def check_code(context: Context, code: str) -> None:
    """Refuse what is no rule's code. Raises UsageError: names the rule that was probably meant."""
    wrong = no_such_rule(code, context.plan)
    if wrong is not None:
        what, _, remedy = wrong.partition("; ")
        raise UsageError(what, remedy=remedy)


def principal_of(context: Context, signers: AllowedSigners, key: PublicKey, namespace: str, role: str) -> str:
    """Who signs in the role with this key. Raises UsageError: nobody may."""
    if key.blob in signers.revoked:
        what = f"the key {key.fingerprint} is revoked"
        raise UsageError(what, path=signers.revoked_path, remedy="use another")
    entries = signers.lookup(key, namespace)
    for principal in context.config.roles.get(role, []):
        if any(entry.speaks_for(principal) for entry in entries):
            return principal
    listed = ", ".join(dict.fromkeys(name for entry in entries for name in entry.principals))
    raise UsageError(
        f"the key {key.fingerprint} may not sign as {role}",
        path=signers.path,
        remedy=f"it is the key of {listed}, who does not have that role in the trusted settings"
        if listed
        else f"the file does not list it for {namespace}; sign with another --key, or have it added",
    )


def check_signed(context: Context, data: bytes, armored: bytes, namespace: str, role: str) -> str:
    """Who signed ``data`` in the role. Raises UsageError: nobody who may."""
    from ...evidence.signing.sshsig import SshSignature

    signers = known_signers(context)
    check = check_signature(data, armored, namespace, signers)
    if check.state in ("invalid", "unsigned", "revoked"):
        remedy = f"sign exactly this file: ssh-keygen -Y sign -f KEY -n {namespace} FILE"
        raise UsageError(f"the signature does not count: {check.problem}", remedy=remedy)
    return principal_of(context, signers, SshSignature.parse(armored).key, namespace, role)


def to_bytes(document: Mapping[str, Any], contract: str) -> bytes:
    """The bytes that are signed. Raises UsageError: they would break the contract."""
    broken = violations("files", contract, document)
    if broken:
        what = f"the {contract} would not be valid: {broken[0][1]}"
        raise UsageError(what, place=broken[0][0], remedy="correct the options")
    try:
        return (escaped(json.dumps(document, indent=2, ensure_ascii=False)) + "\n").encode()
    except UnicodeEncodeError as error:
        raise UsageError("an option is not UTF-8 text", remedy="check the terminal's encoding") from error


def directory_of(context: Context, collector: str) -> str:
    """Where the collector looks for statements, relative to the workspace."""
    options = context.config.evidence.get(collector, {})
    return check_relative(str(options.get("directory", collector)).rstrip("/"))


def place(context: Context, path: str, data: bytes, armored: bytes) -> None:
    """Write a statement and its signature beside it; both or neither, and never over anything.

    Raises UsageError: one of them exists; EnvironmentProblem: as :func:`keep`.
    """
    folder, _, name = path.rpartition("/")
    try:
        # first the signature: without its statement it says nothing
        keep(context, folder, {f"{name}.sig": armored, name: data})
    except FileExistsError as error:
        what = "a statement of this name is there already, and nothing that somebody signed is overwritten"
        remedy = f"rename or remove it and {name}.sig, then sign again"
        raise UsageError(what, path=path, remedy=remedy) from error


def keep(context: Context, folder: str, files: Mapping[str, bytes]) -> None:
    """Write files into a directory of the workspace (empty: its top), in their order; all of them or none.

    Raises FileExistsError: there is one already; EnvironmentProblem: the
    directory lies behind a link, or the disk refuses.
    """
    try:
        handle = open_folder(context.root, folder)
        written: list[str] = []
        try:
            for name, data in files.items():
                write_at(handle, name, data, replace=False)
                written.append(name)
        except BaseException:
            for name in written:
                os.unlink(name, dir_fd=handle)
            raise
        finally:
            os.close(handle)
    except FileExistsError:
        raise
    except OSError as error:
        what = f"cannot be written: {error.strerror}"
        raise EnvironmentProblem(what, path=folder, remedy="use a plain, writable directory") from error
