"""Runs one collector over files made for the test, the way the runner does."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.limits import DEFAULT, Limits
from gate.evidence.base.settings import validate
from gate.evidence.collecting.interface import Evidence, ProblemKind
from gate.evidence.collecting.registry import load
from gate.evidence.collecting.runner import observe
from gate.evidence.reading.workspace import Workspace

Content = str | bytes | dict[str, Any] | list[Any]
Observe = Callable[..., Evidence]


def write(root: Path, files: Mapping[str, Content]) -> None:
    """Create the files; anything but text and bytes becomes JSON."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            path.write_text(text, encoding="utf-8", newline="")


def nulls(facts: Mapping[str, Any], prefix: str = "") -> set[str]:
    """Dotted paths of the facts that are null, inside objects but not inside lists."""
    found: set[str] = set()
    for name, value in facts.items():
        if value is None:
            found.add(prefix + name)
        elif isinstance(value, Mapping):
            found |= nulls(value, f"{prefix}{name}.")
    return found


def covers(outer: str, fact: str) -> bool:
    """Whether a problem of ``outer`` is one of ``fact``, too."""
    return not outer or f"{fact}.".startswith(f"{outer}.")


@pytest.fixture
def watch(tmp_path: Path) -> Observe:
    """``watch(collector, files, limits=…, **options)`` gives evidence that keeps to the facts contract.

    Every null fact must have a problem with a reason and a remedy: its own, or one of an object around it.
    """

    def run(
        collector: str,
        files: Mapping[str, Content] | None = None,
        *,
        limits: Limits = DEFAULT,
        **options: Any,
    ) -> Evidence:
        write(tmp_path, files or {})
        kind = load(collector)
        evidence = observe(Workspace(tmp_path, limits), kind(validate(kind.Options, options)))
        names = [problem.fact for problem in evidence.problems]
        empty = nulls(evidence.facts)
        assert all(any(f"{fact}.".startswith(f"{name}." if name else "") for name in names) for fact in empty)
        missing = [problem.fact for problem in evidence.problems if problem.kind is ProblemKind.MISSING]
        assert len(missing) == len(set(missing))
        assert all(
            any(f"{fact}.".startswith(f"{name}." if name else "") for fact in empty) for name in missing
        )
        for problem in evidence.problems:
            assert problem.reason and problem.remedy
        return evidence

    return run


PREDICATE = "https://slsa.dev/provenance/v1"
IDENTITY = "https://github.com/acme/algo/.github/workflows/build.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


CA = """
[ca]
default_ca = own
[own]
database = {name}.txt
new_certs_dir = .
certificate = {name}.crt
private_key = {name}.key
default_md = sha256
rand_serial = yes
unique_subject = no
policy = any
[any]
commonName = supplied
"""

TSA = """
[tsa]
default_tsa = own
[own]
serial = serial
signer_cert = tsa.crt
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
"""


class Workshop:
    """Makes attestations with openssl alone: keys, an authority, its certificates, a log and a time stamp."""

    predicate, identity, issuer = PREDICATE, IDENTITY, ISSUER
    signed_at_s = 1_764_936_000

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run("genpkey -algorithm ed25519 -out ed25519.key")
        for name, curve in {"p256": "P-256", "p384": "P-384", "log": "P-256", "leaf": "P-256"}.items():
            self._run(f"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out {name}.key")
        self._run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key")
        self.authority = self._authority("ca")
        self.other_authority = self._authority("other")

    def _run(self, command: str, data: bytes = b"") -> bytes:
        done = subprocess.run(
            ["openssl", *command.split()], cwd=self.folder, input=data, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def key(self, name: str) -> str:
        """A public key as PEM."""
        return self._run(f"pkey -in {name}.key -pubout").decode()

    def new(self, algorithm: str) -> str:
        """A public key of another kind."""
        self._run(f"genpkey -algorithm {algorithm} -out new.key")
        return self.key("new")

    def fingerprint(self, name: str) -> str:
        """SHA-256 of a public key in DER."""
        return hashlib.sha256(self._run(f"pkey -in {name}.key -pubout -outform DER")).hexdigest()

    def sign(self, name: str, message: bytes) -> bytes:
        """A signature as openssl makes it with that kind of key."""
        (self.folder / "message").write_bytes(message)
        if name == "ed25519":
            return self._run("pkeyutl -sign -rawin -inkey ed25519.key -in message")
        return self._run(f"dgst -sha{384 if name == 'p384' else 256} -sign {name}.key message")

    def statement(self, digests: Any, predicate: str = PREDICATE, name: str = "a.whl", **more: Any) -> bytes:
        """A statement, not in canonical form."""
        value = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": name, "digest": digests}],
            "predicateType": predicate,
            "predicate": {"ratio": 0.5},
        }
        return json.dumps({**value, **more}, indent=1).encode()

    def envelope(self, payload: bytes, *signers: str, keyid: str = "", kind: str = PAYLOAD_TYPE) -> Any:
        """A DSSE envelope by the named keys."""
        message = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
        signatures = [{"sig": b64(self.sign(name, message)), "keyid": keyid} for name in signers]
        return {"payload": b64(payload), "payloadType": kind, "signatures": signatures}

    def bundle(self, payload: bytes, key: str = "leaf", **material: Any) -> Any:
        """A Sigstore bundle around an envelope."""
        media = "application/vnd.dev.sigstore.bundle.v0.3+json"
        envelope = self.envelope(payload, key)
        return {"mediaType": media, "verificationMaterial": material, "dsseEnvelope": envelope}

    def _authority(self, name: str) -> str:
        (self.folder / f"{name}.cnf").write_text(CA.format(name=name))
        (self.folder / f"{name}.txt").touch()
        self._run(f"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key")
        self._run(f"req -new -key {name}.key -subj /CN={name} -out {name}.csr")
        lines = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"]
        lines += ["subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid:always"]
        self._issue(name, name, lines, ("20240101000000Z", "20440101000000Z"), "-selfsign")
        return (self.folder / f"{name}.crt").read_text()

    def _issue(self, name: str, by: str, lines: list[str], days: tuple[str, str], more: str = "") -> None:
        """Certify the request of this name; only `openssl ca` lets somebody choose the time."""
        (self.folder / "ext").write_text("\n".join(lines))
        self._run(
            f"ca -batch -notext -config {by}.cnf -in {name}.csr -out {name}.crt -extfile ext "
            f"-startdate {days[0]} -enddate {days[1]} {more}"
        )

    def certificate(
        self,
        san: str = f"URI:{IDENTITY}",
        usage: str = "codeSigning",
        issuer: str | None = ISSUER,
        authority: str = "ca",
        days: tuple[str, str] = ("20251205115500Z", "20251205120500Z"),
        ca: str = "FALSE",
    ) -> bytes:
        """A certificate of the leaf's key, DER, valid for ten minutes around ``signed_at_s``."""
        lines = [f"subjectAltName={san}", f"extendedKeyUsage={usage}", f"basicConstraints=CA:{ca}"]
        lines += ["keyUsage=critical,digitalSignature", "authorityKeyIdentifier=keyid"]
        lines += [f"1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:{issuer}"] if issuer else []
        self._run("req -new -key leaf.key -subj /CN=leaf -out leaf.csr")
        self._issue("leaf", authority, lines, days)
        return self._run("x509 -in leaf.crt -outform DER")

    def log_entry(self, bundle: Any, certificate: bytes, at: int | None = None, key: str = "log") -> Any:
        """An entry of a transparency log about the bundle, with its promise."""
        payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
        pem = f"-----BEGIN CERTIFICATE-----\n{b64(certificate)}\n-----END CERTIFICATE-----\n"
        (signature,) = bundle["dsseEnvelope"]["signatures"]
        spec = {
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": signature["sig"], "verifier": b64(pem.encode())}],
        }
        body = b64(json.dumps({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}).encode())
        time = self.signed_at_s if at is None else at
        promise = {"body": body, "integratedTime": time, "logID": "00" * 32, "logIndex": 7}
        message = json.dumps(promise, separators=(",", ":"), sort_keys=True).encode()
        return {
            "logIndex": "7",
            "logId": {"keyId": b64(bytes(32))},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(time),
            "inclusionPromise": {"signedEntryTimestamp": b64(self.sign(key, message))},
            "canonicalizedBody": body,
        }

    def time_stamp(self, data: bytes, *options: str) -> bytes:
        """The stamp that `openssl ts` makes now, as an RFC 3161 authority; ``-cert`` adds its certificate."""
        self._run("req -newkey rsa:2048 -nodes -keyout tsa.key -subj /CN=tsa -out tsa.csr")
        lines = ["extendedKeyUsage=critical,timeStamping"]
        self._issue("tsa", "ca", lines, ("20240101000000Z", "20440101000000Z"))
        (self.folder / "ts.cnf").write_text(TSA)
        (self.folder / "serial").write_text("01\n")
        (self.folder / "stamped").write_bytes(data)
        self._run(" ".join(["ts -query -data stamped -sha256 -out query", *options]))
        self._run("ts -reply -config ts.cnf -queryfile query -out reply")
        return (self.folder / "reply").read_bytes()

    def certified(self, payload: bytes, certificate: bytes, **log: Any) -> Any:
        """A bundle as GitHub's are: by a short-lived certificate, in a log."""
        made = self.bundle(payload, certificate={"rawBytes": b64(certificate)})
        made["verificationMaterial"]["tlogEntries"] = [self.log_entry(made, certificate, **log)]
        return made

    def trusting(self, **attesters: Any) -> str:
        """A file of attesters, as YAML; ``required`` is what it requires."""
        required = attesters.pop("required", [])
        named = {name: {"predicate_types": [PREDICATE], **one} for name, one in attesters.items()}
        return json.dumps({"type": "gate.attesters/v1", "attesters": named, "required": required})

    def github(self, **changes: Any) -> Any:
        """An attester by certificate."""
        stated = {"authorities": self.authority, "identity": IDENTITY, "issuer": ISSUER}
        return {**stated, "log_key": self.key("log"), **changes}


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Keys and an authority made by openssl, once."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    return Workshop(tmp_path_factory.mktemp("workshop"))
