"""Bundles as files: what is written, what OPA says to it, and what is refused."""

from __future__ import annotations

import base64
import gzip
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gate.engine.policy import archive
from gate.engine.policy.bundle import SHIPPED, load_bundle
from gate.engine.policy.packages import signing
from gate.engine.policy.packages.identity import check_version
from gate.evidence.base.errors import PolicyError, UsageError
from gate.evidence.reading.tar import pack

from ..workbench.small import write

Gate = Callable[..., Any]
KINDS = {
    "EdDSA": ["-algorithm", "ed25519"],
    "ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "RS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one pair of keys, KIND.pem and KIND.pub, of each kind, as openssl makes them."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl program is not on PATH")
    folder = tmp_path_factory.mktemp("keys")
    for name, arguments in KINDS.items():
        key = folder / f"{name}.pem"
        subprocess.run([openssl, "genpkey", *arguments, "-out", key], check=True, capture_output=True)
        subprocess.run([openssl, "pkey", "-in", key, "-pubout", "-out", key.with_suffix(".pub")], check=True)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle of one rule."""
    return write(tmp_path / "policies")


def packed(folder: Path, key: Path | None = None) -> dict[str, bytes]:
    """The files of its archive, signed where there is a key."""
    files = dict(load_bundle(folder).files)
    if key is not None:
        files[signing.SIGNATURES], _ = signing.sign(files, signing.private_key(key))
    return files


@pytest.mark.parametrize("kind", KINDS)
def test_opa_accepts_the_signature(
    kind: str, folder: Path, people: Path, opa: str, gate: Gate, tmp_path: Path
) -> None:
    """`opa build` verifies what `gate policy bundle` signs, and gate verifies what `opa build` signs."""
    ours, theirs = tmp_path / "ours.tar.gz", tmp_path / "theirs.tar.gz"
    done = gate("policy", "bundle", folder, "-o", ours, "--signing-key", people / f"{kind}.pem")
    assert done.code == 0, done.err
    assert f"--signing-alg {kind}" in done.err
    keys = ["--verification-key", people / f"{kind}.pub", "--signing-key", people / f"{kind}.pem"]
    command = [opa, "build", "-b", ours, *keys, "--signing-alg", kind, "-o", theirs]
    subprocess.run(command, check=True, capture_output=True)
    digests = []
    for path in (ours, theirs):
        found = gate("policy", "verify", path, *keys[:2], "-o", "json")
        assert found.code == 0, found.err
        assert json.loads(found.out)["signature"] == kind
        digests.append(json.loads(found.out)["digest"])
    assert digests[0] == f"sha256:{load_bundle(folder).digest}" in done.out
    other = next(one for one in KINDS if one != kind)
    assert gate("policy", "verify", ours, "--verification-key", people / f"{other}.pub").code == 1


@pytest.mark.soak
def test_the_shipped_bundle_in_a_server(
    people: Path, gate: Gate, start_opa: Callable[..., Any], tmp_path: Path
) -> None:
    """A real `opa run` loads it, signature and all, and its data is the bundle's."""
    path = tmp_path / "shipped.tar.gz"
    assert gate("policy", "bundle", "shipped", "-o", path, "--signing-key", people / "ES256.pem").code == 0
    key = ("--verification-key", str(people / "ES256.pub"), "--signing-alg", "ES256")
    server = start_opa("--bundle", str(path), *key)
    assert (
        json.loads(server.get("/v1/data/gate/params"))["result"]
        == load_bundle(SHIPPED).data["gate"]["params"]
    )


def test_the_same_bundle_gives_the_same_bytes(folder: Path, gate: Gate, tmp_path: Path) -> None:
    """Whenever and wherever it is made; no file is replaced; the digest is that of the directory."""
    one, two = tmp_path / "one.tar.gz", tmp_path / "two.tar.gz"
    assert gate("policy", "bundle", folder, "-o", one).code == 0
    shutil.copytree(folder, tmp_path / "copy")
    assert gate("policy", "bundle", tmp_path / "copy", "-o", two).code == 0
    assert one.read_bytes() == two.read_bytes()
    assert gate("policy", "bundle", one, "-o", two).code == 2
    assert load_bundle(one).digest == load_bundle(folder).digest
    digest = load_bundle(one).digest
    assert gate("policy", "verify", one, "--digest", digest).code == 0
    wrong = gate("policy", "verify", one, "--digest", f"sha256:{'0' * 64}")
    assert wrong.code == 1 and f"sha256:{digest}" in wrong.err


def tar(*members: tarfile.TarInfo | tuple[str, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """An archive as somebody else may write it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as made:
        for one in members:
            member, data = (
                (one, b"") if isinstance(one, tarfile.TarInfo) else (tarfile.TarInfo(one[0]), one[1])
            )
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member that is no regular file."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


GOOD = tar((".manifest", b"{}"), ("a/x.rego", b"package a"))
HOSTILE: Mapping[str, tuple[bytes, str]] = {
    "no gzip": (b"PK\x03\x04" + bytes(100), "is no gzip file"),
    "empty": (b"", "cut short"),
    "cut": (gzip.compress(GOOD)[:-9], "cut short"),
    "two gzip members": (gzip.compress(GOOD) * 2, "something after its end"),
    "no tar": (gzip.compress(b"x" * 4096), "is no tar archive"),
    "cut tar": (gzip.compress(GOOD[:1024]), "cut short"),
    "no end": (gzip.compress(GOOD[:2048]), "cut short"),
    "after the end": (gzip.compress(GOOD + b"x" * 512), "something after its end"),
    "flipped": (gzip.compress(b"y" + GOOD[1:]), "is no tar archive"),
    "negative size": (gzip.compress(GOOD[:124] + b"-0000000001\0" + GOOD[136:]), "is no tar archive"),
    "symbolic link": (gzip.compress(tar(special("x", tarfile.SYMTYPE, "/etc/passwd"))), "symbolic link"),
    "hard link": (gzip.compress(tar(special("x", tarfile.LNKTYPE, "y"))), "a hard link"),
    "device": (gzip.compress(tar(special("x", tarfile.CHRTYPE))), "a device"),
    "pipe": (gzip.compress(tar(special("x", tarfile.FIFOTYPE))), "a pipe"),
    "twice": (gzip.compress(tar(("a", b"1"), ("./a", b"2"))), "twice"),
    "inside a file": (gzip.compress(tar(("a", b"1"), ("a/b", b"2"))), "inside a file"),
    "parent": (gzip.compress(tar(("a/../../b", b"1"))), "no name of a file"),
    "two slashes": (gzip.compress(tar(("//etc/passwd", b"1"))), "no name of a file"),
    "no name": (gzip.compress(tar(("", b"1"))), "no name of a file"),
    "deep": (gzip.compress(tar(("a/" * 20 + "b", b"1"))), "folders deep"),
    "pax": (gzip.compress(tar(("a" * 300, b"1"), form=tarfile.PAX_FORMAT)), "an extension of the format"),
    "bomb": (gzip.compress(bytes(10 << 20)), "larger than"),
    "many": (gzip.compress(tar(special("a", tarfile.DIRTYPE))[:512] * 10_001), "10000 members"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plain_archive_is_refused(name: str) -> None:
    """Nothing is extracted, and what another reader might read in another way is not read at all."""
    data, words = HOSTILE[name]
    with pytest.raises(PolicyError, match=words):
        archive.unpack(data, "x.tar.gz")


def test_archives_of_others_are_read() -> None:
    """GNU tar's format, directories, and the prefixes that tar and OPA write."""
    data = tar(special("./", tarfile.DIRTYPE), ("./a/x", b"1"), ("/b", b"2"), form=tarfile.GNU_FORMAT)
    assert archive.unpack(gzip.compress(data), "x") == {"a/x": b"1", "b": b"2"}
    long = f"{'d' * 90}/{'f' * 90}"
    assert archive.unpack(pack({long: b"1"}, PolicyError), "x") == {long: b"1"}
    with pytest.raises(PolicyError, match="too long"):
        pack({"f" * 200: b""}, PolicyError)


def altered(signed: dict[str, bytes], **claims: Any) -> bytes:
    """The signatures with other claims, and the signature of before."""
    (token,) = json.loads(signed[signing.SIGNATURES])["signatures"]
    head, payload, proof = token.split(".")
    document = {**json.loads(base64.urlsafe_b64decode(payload + "==")), **claims}
    text = base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")
    return json.dumps({"signatures": [f"{head}.{text}.{proof}"]}).encode()


def test_every_change_after_signing_is_noticed(folder: Path, people: Path) -> None:
    """A file changed, added or taken away; other claims; no algorithm; a shared secret for an algorithm."""
    key = signing.read_public_key(people / "RS256.pub")
    files = packed(folder, people / "RS256.pem")
    assert signing.verify(files, key, "x") == "RS256"
    laid_out = json.dumps(json.loads(files[".manifest"]), indent=7).encode()
    assert signing.verify({**files, ".manifest": laid_out}, key, "x") == "RS256"  # the same to OPA
    module = next(path for path in files if path.endswith("demo.rego"))
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    (token,) = json.loads(files[signing.SIGNATURES])["signatures"]
    for changed, words in (
        ({module: files[module] + b"#"}, "is not as it was signed"),
        ({".manifest": b"{}"}, "is not as it was signed"),
        ({"gate/new.rego": b"package gate"}, "is not among the signed files"),
        ({module: None}, "is missing"),
        ({signing.SIGNATURES: None}, "is not signed"),
        ({signing.SIGNATURES: altered(files, files=[])}, "is not of this key"),
        ({signing.SIGNATURES: altered(files, scope="write")}, "it has a scope"),
        ({signing.SIGNATURES: b'{"signatures": []}'}, "is not what gate or OPA writes"),
        ({signing.SIGNATURES: b'{"signatures": ["a.b.c"]}'}, "is not what gate or OPA writes"),
        ({signing.SIGNATURES: b"[" * 500}, "is not what gate or OPA writes"),
        ({signing.SIGNATURES: json.dumps({"signatures": [f"{none}.{token.split('.')[1]}."]}).encode()},
         "is of another kind"),
    ):  # fmt: skip
        left = {path: data for path, data in {**files, **changed}.items() if data is not None}
        with pytest.raises(PolicyError, match=words):
            signing.verify(left, key, "x")
    for wrong, words in (("ES256.pub", "is of another kind"), ("RS256.pem", "no public key")):
        with pytest.raises((PolicyError, UsageError), match=words):
            signing.verify(files, signing.read_public_key(people / wrong), "x")


def test_what_is_no_key_is_refused(folder: Path, people: Path, gate: Gate, tmp_path: Path) -> None:
    """One error that names the file, for what is absent, public, weak, encrypted or a link."""
    (tmp_path / "link.pem").symlink_to(people / "ES256.pem")
    (tmp_path / "text.pem").write_text("secret")
    for path, words in (
        (tmp_path / "none.pem", "no such file"),
        (tmp_path / "link.pem", "not a regular file"),
        (tmp_path / "text.pem", "no unencrypted private key"),
        (people / "ES256.pub", "no unencrypted private key"),
        (tmp_path, "not a regular file"),
    ):
        done = gate("policy", "bundle", folder, "-o", tmp_path / "x.tar.gz", "--signing-key", path)
        assert done.code == 2 and words in done.err and path.name in done.err, done.err
    assert not (tmp_path / "x.tar.gz").exists()


@pytest.mark.parametrize(
    ("version", "good"),
    [
        ("1.2.3", True),
        ("0.1.0-rc.1+acme", True),
        ("1.2", False),
        ("v1.2.3", False),
        ("01.2.3", False),
        ("", False),
    ],
)
def test_versions_are_semantic(version: str, good: bool, folder: Path) -> None:
    """As https://semver.org defines them."""
    manifest = folder / ".manifest"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "revision": version}))
    if good:
        check_version(load_bundle(folder))
    else:
        with pytest.raises(PolicyError, match="no semantic version"):
            check_version(load_bundle(folder))


@pytest.mark.parametrize(
    ("roots", "good"),
    [
        (None, True),
        ([""], True),
        (["/gate/"], True),
        (["gate/demo", "gate/lib", "gate/params"], True),
        (["gate/demo", "gate/params"], False),
        (["gate/demo", "gate/lib", "gate/params/demo"], False),
        (["gate", "gate/demo"], False),
        ([], False),
        ("gate", False),
        ([1], False),
    ],
)
def test_roots_are_those_of_opa(roots: Any, good: bool, folder: Path, opa: str, gate: Gate) -> None:
    """What OPA would not load is found, and no file is made of it."""
    manifest = folder / ".manifest"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "roots": roots}))
    for path in folder.rglob("*_test.rego"):
        path.unlink()
    loaded = subprocess.run([opa, "eval", "-b", folder, "data.gate.params"], check=False, capture_output=True)
    assert (loaded.returncode == 0) is good, loaded.stdout
    made = gate("policy", "bundle", folder, "-o", folder.parent / "x.tar.gz")
    assert (made.code == 0) is good and (good or "the manifest's roots" in made.err), made.err
