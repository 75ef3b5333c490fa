"""Signatures of people, made by the real ssh-keygen, are recognised for what they are."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gate.evidence.signing.allowed_signers import AllowedSigners
from gate.evidence.signing.statements import check_signature

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")

NAMESPACE = "signoff@gate"
DATA = b'{"verdict":"approve"}\n'
KEY_KINDS = [("ed25519", None), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048), ("rsa", 3072)]


def make_key(directory: Path, kind: str = "ed25519", bits: int | None = None, name: str = "key") -> Path:
    key = directory / name
    size = [] if bits is None else ["-b", str(bits)]
    command = ["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "someone", "-f", str(key)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return key


def public(key: Path) -> str:
    return key.with_name(key.name + ".pub").read_text().strip()


def ssh_sign(key: Path, data: bytes = DATA, namespace: str = NAMESPACE, *options: str) -> bytes:
    command = ["ssh-keygen", "-Y", "sign", "-n", namespace, "-f", str(key), *options]
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout


def signers(*lines: str) -> AllowedSigners:
    return AllowedSigners.parse("\n".join(lines) + "\n", "trust/allowed_signers")


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "bits"), KEY_KINDS)
@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_every_kind_of_key_of_ssh_keygen(tmp_path: Path, kind: str, bits: int | None, hash_name: str) -> None:
    key = make_key(tmp_path, kind, bits)
    armored = ssh_sign(key, DATA, NAMESPACE, "-O", f"hashalg={hash_name}")
    trusted = signers(f"alice@example.com {public(key)}")
    check = check_signature(DATA, armored, NAMESPACE, trusted)
    assert (check.state, check.principals, check.problem) == ("valid", ("alice@example.com",), None)
    printed = subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{key}.pub"], check=True, capture_output=True, text=True
    ).stdout
    assert check.key == printed.split()[1]
    forged = check_signature(DATA.replace(b"approve", b"reject"), armored, NAMESPACE, trusted)
    assert forged.state == "invalid"
    assert forged.problem == "the signature does not belong to these bytes and this key"


def test_nothing_signed_is_unsigned() -> None:
    check = check_signature(DATA, None, NAMESPACE, AllowedSigners())
    assert (check.state, check.key, check.problem) == ("unsigned", None, "there is no signature file")


def test_rubbish_is_an_invalid_signature_without_a_key() -> None:
    check = check_signature(DATA, b"looks good to me", NAMESPACE, AllowedSigners())
    assert (check.state, check.key) == ("invalid", None)
    assert "BEGIN SSH SIGNATURE" in str(check.problem)


def test_a_signature_for_another_purpose_does_not_count(tmp_path: Path) -> None:
    key = make_key(tmp_path)
    armored = ssh_sign(key, DATA, "file")
    check = check_signature(DATA, armored, NAMESPACE, signers(f"alice@example.com {public(key)}"))
    assert check.state == "invalid"
    assert check.problem == "signed for namespace 'file', but this file needs 'signoff@gate'"
    assert check.key is not None


def test_a_stranger_is_named_by_fingerprint(tmp_path: Path) -> None:
    key, other = make_key(tmp_path), make_key(tmp_path, name="other")
    check = check_signature(DATA, ssh_sign(key), NAMESPACE, signers(f"alice@example.com {public(other)}"))
    assert (check.state, check.principals) == ("unknown_key", ())
    assert check.key is not None
    assert check.key in str(check.problem)
    assert "trust/allowed_signers does not list" in str(check.problem)
    assert not check.speaks_for("alice@example.com")


def test_a_key_listed_for_another_namespace_is_unknown_here(tmp_path: Path) -> None:
    """A key stolen from CI may sign files, but not sign-offs."""
    key = make_key(tmp_path)
    trusted = signers(f'ci@example.com namespaces="file,git" {public(key)}')
    assert check_signature(DATA, ssh_sign(key), NAMESPACE, trusted).state == "unknown_key"


def test_the_validity_window_is_returned_and_not_judged(tmp_path: Path) -> None:
    key = make_key(tmp_path)
    line = f'alice@example.com valid-after="20200101Z",valid-before="202001021200Z" {public(key)}'
    check = check_signature(DATA, ssh_sign(key), NAMESPACE, signers(line))
    assert (check.state, check.valid_from_s, check.valid_until_s) == ("valid", 1577836800, 1577966400)


def test_several_lines_for_a_key_grant_only_what_they_have_in_common(tmp_path: Path) -> None:
    key = make_key(tmp_path)
    trusted = signers(
        f'alice@example.com valid-after="20200101Z" {public(key)}',
        f'*@example.org valid-before="20210101Z" {public(key)}',
    )
    check = check_signature(DATA, ssh_sign(key), NAMESPACE, trusted)
    assert check.principals == ("alice@example.com", "*@example.org")
    assert (check.valid_from_s, check.valid_until_s) == (1577836800, 1609459200)
    assert "(lines 1, 2): only the common time counts" in str(check.problem)
    assert check.speaks_for("bob@example.org")
    assert not check.speaks_for("mallory@example.com")


def test_both_readers_agree_on_who_may_sign(tmp_path: Path) -> None:
    """The same allowed_signers file leads ssh-keygen and us to the same answers."""
    key = make_key(tmp_path)
    armored = ssh_sign(key)
    (tmp_path / "data.sig").write_bytes(armored)
    for options, who in [
        ("", "alice@example.com"),
        ('namespaces="sign*"', "alice@example.com"),
        ('namespaces="*,!signoff@gate"', "alice@example.com"),
        ('NAMESPACES="signoff@gate"', "bob@example.com"),
        ('namespaces="git"', "alice@example.com"),
    ]:
        line = f"alice@*,!alice@example.org {options} {public(key)}"
        allowed = tmp_path / "allowed"
        allowed.write_text(line + "\n")
        command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", who, "-n", NAMESPACE]
        command += ["-s", str(tmp_path / "data.sig")]
        theirs = subprocess.run(command, input=DATA, capture_output=True).returncode == 0
        assert check_signature(DATA, armored, NAMESPACE, signers(line)).speaks_for(who) == theirs, options
