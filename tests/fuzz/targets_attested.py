"""Fuzz targets for attestations of others. The keys are made from constant numbers: they protect nothing."""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from oracle import Collecting, check

KEY, LOG, AUTHORITY = (ec.derive_private_key(number, ec.SECP256R1()) for number in (3, 5, 7))
PREDICATE = "https://example.com/scanned/v1"
IDENTITY, ISSUER = "https://example.com/build@main", "https://example.com"
SIGNED = {"aa" * 32, "bb" * 32}
"""The digests that the seeds attest, by key and by certificate."""


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Its public key."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@functools.cache
def authority() -> x509.Certificate:
    """The certificate of the authority; it has another signature in every process."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fuzz")])
    key = AUTHORITY.public_key()
    unused = "digital_signature content_commitment key_encipherment data_encipherment key_agreement crl_sign"
    usage = dict.fromkeys((*unused.split(), "encipher_only", "decipher_only"), False)
    return (
        x509.CertificateBuilder(name, name, key, 1)
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2044, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(x509.KeyUsage(**usage, key_cert_sign=True), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
        .sign(AUTHORITY, hashes.SHA256())
    )


@functools.cache
def _collecting() -> Collecting:
    by_key = {"key": pem(KEY), "predicate_types": [PREDICATE]}
    by_certificate = {
        "authorities": authority().public_bytes(Encoding.PEM).decode(),
        "identity": IDENTITY,
        "issuer": ISSUER,
        "log_key": pem(LOG),
        "predicate_types": [PREDICATE],
    }
    stated = {
        "type": "gate.attesters/v1",
        "attesters": {"key": by_key, "certificate": by_certificate},
        "required": [{"predicate_type": PREDICATE, "subject": "dist/*"}],
    }
    files = {"trust/attesters.yaml": json.dumps(stated), "dist/a.whl": "wheel\n"}
    return Collecting("attestations", "attestations/a.json", files=files, attesters="trust/attesters.yaml")


def attestation(data: bytes) -> None:
    """Nothing is valid but what was signed."""
    evidence = _collecting()(data)
    rows: list[dict[str, Any]] = evidence.facts["attestations"] if evidence else []
    for row in rows:
        digests = {digest["value"] for subject in row["subjects"] for digest in subject["digests"]}
        if row["signature"] in ("valid", "untimed", "expired"):
            check(digests <= SIGNED and row["subjects_total"] == 1, "what nobody signed is valid")
        check(row["signature"] == "valid" or row["reason"], "not valid without a reason")


attesters = Collecting("attestations", "a.yaml", attesters="a.yaml")
