"""SSHSIG in detail: what is refused, and why. OpenSSH itself confirms the signatures built here."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.signing import ed25519
from gate.evidence.signing.problems import Flaw, SignatureError
from gate.evidence.signing.sshsig import (
    MAGIC,
    MAX_ARMORED_BYTES,
    PublicKey,
    SshSignature,
    ed25519_blob,
    string,
)

from ...fuzz.ssh_signatures import sign

DATA = b"the signed file"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = KEY.public_key().public_bytes_raw()
ORDER = 2**252 + 27742317777372353535851937790883648493


def signed(namespace: bytes, data: bytes, hash_name: bytes = b"sha512") -> bytes:
    digest = hashlib.new(hash_name.decode(), data).digest()
    return MAGIC + string(namespace) + string(b"") + string(hash_name) + string(digest)


def armor(blob: bytes) -> bytes:
    begin, end = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"
    return begin + base64.encodebytes(blob) + end


def build(
    key: bytes,
    signature: bytes,
    *,
    version: int = 1,
    namespace: bytes = b"file",
    hash_name: bytes = b"sha512",
    magic: bytes = MAGIC,
    extra: bytes = b"",
) -> bytes:
    blob = magic + version.to_bytes(4, "big") + string(key) + string(namespace) + string(b"")
    return armor(blob + string(hash_name) + string(signature) + extra)


def ed_signature(raw: bytes) -> bytes:
    return string(b"ssh-ed25519") + string(raw)


GOOD = ed_signature(KEY.sign(signed(b"file", DATA)))


def flaw_of(armored: bytes, namespace: str = "file") -> Flaw:
    with pytest.raises(SignatureError) as caught:
        SshSignature.parse(armored).verify(DATA, namespace)
    return caught.value.flaw


def mpint(number: int) -> bytes:
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


def confirmed_by_openssh(tmp_path: Path, armored: bytes, blob: bytes) -> bool:
    """What `ssh-keygen -Y check-novalidate` says, which checks the signature and nothing else."""
    (tmp_path / "s.sig").write_bytes(armored)
    command = ["ssh-keygen", "-Y", "check-novalidate", "-n", "file", "-s", str(tmp_path / "s.sig")]
    return subprocess.run(command, input=DATA, capture_output=True).returncode == 0


needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


def test_our_own_signature_is_read_back() -> None:
    signature = SshSignature.parse(sign(DATA, "file", KEY))
    signature.verify(DATA, "file")
    assert (signature.namespace, signature.hash_name, signature.key.kind) == ("file", "sha512", "ssh-ed25519")


@needs_ssh
def test_our_own_signature_satisfies_openssh(tmp_path: Path) -> None:
    assert confirmed_by_openssh(tmp_path, sign(DATA, "file", KEY, "sha256"), ed25519_blob(RAW))


def token_message(flags: bytes) -> bytes:
    application = hashlib.sha256(b"ssh:").digest()
    return application + flags + bytes(4) + hashlib.sha256(signed(b"file", DATA)).digest()


@needs_ssh
@pytest.mark.parametrize("flags", [b"\x01", b"\x05", b"\x00"])
def test_security_keys_count_only_when_touched(tmp_path: Path, flags: bytes) -> None:
    """A FIDO token simulated after PROTOCOL.u2f; OpenSSH confirms that the simulation is right."""
    blob = string(b"sk-ssh-ed25519@openssh.com") + string(RAW) + string(b"ssh:")
    inner = string(KEY.sign(token_message(flags))) + flags + bytes(4)
    armored = build(blob, string(b"sk-ssh-ed25519@openssh.com") + inner)
    assert confirmed_by_openssh(tmp_path, armored, blob)
    if flags == b"\x00":
        assert flaw_of(armored) is Flaw.NO_USER_PRESENCE
    else:
        SshSignature.parse(armored).verify(DATA, "file")


@needs_ssh
def test_ecdsa_security_keys(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    kind = b"sk-ecdsa-sha2-nistp256@openssh.com"
    blob = string(kind) + string(b"nistp256") + string(point) + string(b"ssh:")
    r, s = utils.decode_dss_signature(key.sign(token_message(b"\x01"), ec.ECDSA(hashes.SHA256())))
    armored = build(blob, string(kind) + string(mpint(r) + mpint(s)) + b"\x01" + bytes(4))
    assert confirmed_by_openssh(tmp_path, armored, blob)
    SshSignature.parse(armored).verify(DATA, "file")
    assert (
        flaw_of(build(blob, string(kind) + string(mpint(r) + mpint(s + 1)) + b"\x01" + bytes(4)))
        is Flaw.BAD_SIGNATURE
    )


@pytest.mark.parametrize(
    ("armored", "flaw"),
    [
        (b"", Flaw.MALFORMED),
        (b"-----BEGIN SSH SIGNATURE-----", Flaw.MALFORMED),
        (b"-----BEGIN SSH SIGNATURE-----\n!\n-----END SSH SIGNATURE-----", Flaw.MALFORMED),
        (b" " * (MAX_ARMORED_BYTES + 1), Flaw.TOO_LARGE),
        (armor(b""), Flaw.MALFORMED),
        (build(ed25519_blob(RAW), GOOD, magic=b"SSHGIS"), Flaw.MALFORMED),
        (build(ed25519_blob(RAW), GOOD, version=2), Flaw.UNSUPPORTED),
        (build(ed25519_blob(RAW), GOOD, namespace=b""), Flaw.MALFORMED),
        (build(ed25519_blob(RAW), GOOD, namespace=b"git"), Flaw.NAMESPACE),
        (build(ed25519_blob(RAW), GOOD, hash_name=b"sha1"), Flaw.UNSUPPORTED),
        (build(ed25519_blob(RAW), GOOD, hash_name=b"sha256"), Flaw.BAD_SIGNATURE),
        (build(ed25519_blob(RAW), GOOD, extra=b"x"), Flaw.MALFORMED),
        (build(ed25519_blob(RAW) + b"x", GOOD), Flaw.MALFORMED),
        (build(ed25519_blob(RAW), GOOD + b"x"), Flaw.MALFORMED),
        (build(ed25519_blob(RAW), ed_signature(b"short")), Flaw.MALFORMED),
        (build(ed25519_blob(RAW), string(b"ssh-rsa") + string(bytes(64))), Flaw.UNSUPPORTED),
        (build(ed25519_blob(RAW[:-1]), GOOD), Flaw.MALFORMED),
        (build(string(b"ssh-dss"), GOOD), Flaw.UNSUPPORTED),
        (build(string(b"ssh-ed25519-cert-v01@openssh.com"), GOOD), Flaw.UNSUPPORTED),
        (
            build(string(b"ecdsa-sha2-nistp256") + string(b"nistp384") + string(b"\x04" + bytes(64)), GOOD),
            Flaw.MALFORMED,
        ),
        (
            build(string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(b"\x04" + bytes(64)), GOOD),
            Flaw.WEAK_KEY,
        ),
        (build(string(b"ssh-rsa") + mpint(65537) + mpint(2**1023 + 1), GOOD), Flaw.WEAK_KEY),
        (build(string(b"ssh-rsa") + mpint(65537) + mpint(2**20000 + 1), GOOD), Flaw.WEAK_KEY),
        (build(string(b"ssh-rsa") + mpint(2) + mpint(2**2047 + 1), GOOD), Flaw.WEAK_KEY),
        (build(string(b"ssh-rsa") + string(b"\x00\x01") + mpint(2**2047 + 1), GOOD), Flaw.MALFORMED),
    ],
)
def test_what_is_refused(armored: bytes, flaw: Flaw) -> None:
    assert flaw_of(armored) is flaw


def test_rsa_with_sha1_is_refused() -> None:
    key = rsa.generate_private_key(65537, 2048)
    numbers = key.public_key().public_numbers()
    blob = string(b"ssh-rsa") + mpint(numbers.e) + mpint(numbers.n)
    weak = key.sign(signed(b"file", DATA), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - refused on purpose
    assert flaw_of(build(blob, string(b"ssh-rsa") + string(weak))) is Flaw.UNSUPPORTED
    good = key.sign(signed(b"file", DATA), padding.PKCS1v15(), hashes.SHA256())
    SshSignature.parse(build(blob, string(b"rsa-sha2-256") + string(good))).verify(DATA, "file")
    assert flaw_of(build(blob, string(b"rsa-sha2-512") + string(good))) is Flaw.BAD_SIGNATURE


def test_a_malleated_signature_is_refused() -> None:
    """S + L is the same signature in arithmetic; taking it would give one statement two lines."""
    raw = KEY.sign(signed(b"file", DATA))
    other = raw[:32] + (int.from_bytes(raw[32:], "little") + ORDER).to_bytes(32, "little")
    with pytest.raises(SignatureError, match="malleable"):
        SshSignature.parse(build(ed25519_blob(RAW), ed_signature(other))).verify(DATA, "file")


P = 2**255 - 19
LOW_ORDER = [
    *(number.to_bytes(32, "little") for number in (0, 1, P - 1, P, P + 1, 2**255 + 1, 2**255 + P - 1)),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
]


@pytest.mark.parametrize("raw", LOW_ORDER, ids=lambda raw: raw.hex()[:8])
def test_low_order_and_non_canonical_keys_are_refused(raw: bytes) -> None:
    with pytest.raises(SignatureError) as caught:
        ed25519.check_public_key(raw)
    assert caught.value.flaw is Flaw.WEAK_KEY


def test_a_key_off_the_curve_is_refused() -> None:
    with pytest.raises(SignatureError, match="not a point of the curve"):
        ed25519.check_public_key((2).to_bytes(32, "little"))


@given(st.binary(min_size=32, max_size=32))
def test_real_keys_are_accepted(seed: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw()
    ed25519.check_public_key(public)
    ed25519.verify_trusted(public, key.sign(DATA), DATA)


@given(st.binary(max_size=300))
def test_any_bytes_give_an_answer(blob: bytes) -> None:
    for data in (blob, armor(MAGIC + blob)):
        with pytest.raises(SignatureError):
            SshSignature.parse(data)
    with pytest.raises(SignatureError):
        PublicKey.parse(blob)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_any_changed_byte_is_noticed(at: int, change: int) -> None:
    blob = bytearray(base64.b64decode(b"".join(sign(DATA, "file", KEY).split(b"\n")[1:-2])))
    at %= len(blob)
    blob[at] ^= change
    with pytest.raises(SignatureError):
        SshSignature.parse(armor(bytes(blob))).verify(DATA, "file")
