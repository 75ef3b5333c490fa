"""Revoked keys are what OpenSSH says, and a list that is not understood is no list."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import EvidenceError
from gate.evidence.signing.revoked import RevokedKeys

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")

KINDS = ["ed25519", "ecdsa", "rsa"]


def keygen(*arguments: str | Path, code: int = 0, data: bytes | None = None) -> bytes:
    done = subprocess.run(["ssh-keygen", *map(str, arguments)], input=data, capture_output=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A key of each kind, a certificate authority, and a file that some of them signed."""
    folder = tmp_path_factory.mktemp("keys")
    made = {name: folder / name for name in [*KINDS, "authority"]}
    for name, path in made.items():
        keygen("-q", "-t", "ed25519" if name == "authority" else name, "-N", "", "-C", name, "-f", path)
    return made


def blob(path: Path) -> bytes:
    import base64

    return base64.b64decode(path.with_name(f"{path.name}.pub").read_text().split()[1])


def openssh_says(path: Path, revoked: Path, folder: Path) -> bool:
    """Whether ``ssh-keygen -Y verify -r`` refuses a good signature of the key."""
    file = folder / "file"
    file.write_bytes(b"signed")
    file.with_name("file.sig").unlink(missing_ok=True)
    keygen("-q", "-Y", "sign", "-n", "file", "-f", path, file)
    signers = folder / "signers"
    signers.write_text("me@example.com " + path.with_name(f"{path.name}.pub").read_text())
    done = subprocess.run(
        [
            *("ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "me@example.com", "-n", "file"),
            *("-s", f"{file}.sig", "-r", str(revoked)),
        ],
        input=b"signed",
        capture_output=True,
        check=False,
    )
    return done.returncode != 0


@pytest.mark.soak
@pytest.mark.parametrize("revoked", KINDS)
@pytest.mark.parametrize("form", ["krl", "hash", "sha1", "updated", "plain"])
def test_the_same_keys_as_openssh(keys: dict[str, Path], tmp_path: Path, form: str, revoked: str) -> None:
    """A key revoked in each form is revoked for both, and the others are not."""
    listed, public = tmp_path / "revoked", keys[revoked].with_name(f"{revoked}.pub")
    if form == "krl":
        keygen("-q", "-k", "-f", listed, "-z", "7", public)
    elif form == "plain":
        listed.write_text("# left the company\n\n" + public.read_text())
    elif form == "updated":
        keygen("-q", "-k", "-f", listed, keys["authority"].with_name("authority.pub"))
        keygen("-q", "-k", "-u", "-f", listed, public)
    else:
        spec = tmp_path / "spec"
        words = public.read_text().split()
        fingerprint = keygen("-l", "-f", public).decode().split()[1]
        spec.write_text(f"hash: {fingerprint}\n" if form == "hash" else f"sha1: {' '.join(words[:2])}\n")
        keygen("-q", "-k", "-f", listed, spec)
    found = RevokedKeys.parse(listed.read_bytes(), "revoked")
    for name in KINDS:
        assert (blob(keys[name]) in found) is (name == revoked)
        assert openssh_says(keys[name], listed, tmp_path) is (name == revoked)


@pytest.mark.soak
def test_what_is_said_about_certificates_does_not_matter(keys: dict[str, Path], tmp_path: Path) -> None:
    """A KRL of serial numbers and key ids revokes no plain key."""
    spec, listed = tmp_path / "spec", tmp_path / "krl"
    spec.write_text("serial: 1-9\nid: somebody\n")
    keygen("-q", "-k", "-f", listed, "-s", keys["authority"].with_name("authority.pub"), spec)
    found = RevokedKeys.parse(listed.read_bytes(), "krl")
    assert not any(blob(path) in found for path in keys.values())


@pytest.mark.parametrize(
    "data",
    [
        b"ssh-ed25519", b"ssh-ed25519 AAAA", b"not a key", b"ssh-rsa !!!", b"\xff\xfe", b"SSHKRL\n",
        b"SSHKRL\n\x00" + b"\x00\x00\x00\x02", b"SSHKRL\n\x00" + b"\x00\x00\x00\x01",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(data: bytes) -> None:
    """A malformed line, another version, an unfinished list."""
    with pytest.raises(EvidenceError, match="not understood"):
        RevokedKeys.parse(data, "revoked")


def test_an_unknown_section_is_refused(keys: dict[str, Path], tmp_path: Path) -> None:
    """A signature or an extension might mean that more is revoked."""
    listed = tmp_path / "krl"
    keygen("-q", "-k", "-f", listed, keys["rsa"].with_name("rsa.pub"))
    for kind in (0, 4, 6, 255):
        with pytest.raises(EvidenceError, match=f"section of type {kind}"):
            RevokedKeys.parse(listed.read_bytes() + bytes([kind]) + b"\x00\x00\x00\x00", "krl")


@given(st.data())
def test_a_damaged_krl_revokes_the_same_or_is_refused(keys: dict[str, Path], data: st.DataObject) -> None:
    """Whatever is cut off in the middle of an entry is noticed."""
    listed = keys["rsa"].with_name("krl")
    if not listed.exists():
        keygen("-q", "-k", "-f", listed, *(keys[name].with_name(f"{name}.pub") for name in KINDS))
    whole = listed.read_bytes()
    found = RevokedKeys.parse(whole, "krl")
    assert all(blob(keys[name]) in found for name in KINDS)
    cut = data.draw(st.integers(len(whole) - 500, len(whole) - 1))
    with pytest.raises(EvidenceError):
        RevokedKeys.parse(whole[:cut], "krl")


@given(st.binary(max_size=200), st.sampled_from([b"", b"SSHKRL\n\x00" + bytes([0, 0, 0, 1]) + bytes(32)]))
def test_any_bytes_are_a_list_or_refused(data: bytes, start: bytes) -> None:
    """No other error, whatever stands in the file."""
    try:
        found = RevokedKeys.parse(start + data, "revoked")
    except EvidenceError as error:
        assert error.remedy
    else:
        assert b"" not in found.blobs
