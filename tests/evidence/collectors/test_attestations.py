"""Attestations of others: whose signatures count, what they are about, and what there must be."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from typing import Any

import pytest

from gate.evidence.collecting.interface import Evidence

WHEEL = b"wheel\n"
SHA256 = hashlib.sha256(WHEEL).hexdigest()
HERE = {"dist/a.whl": WHEEL}


@pytest.fixture
def see(watch: Any, workshop: Any) -> Any:
    """``see(attestation, attesters)`` gives the evidence about one file of attestations."""

    def run(attestation: Any, attesters: str | None, name: str = "a.json", **files: Any) -> Evidence:
        named = {f"attestations/{name}": attestation, "trust/attesters.yaml": attesters or ""}
        options = {} if attesters is None else {"attesters": "trust/attesters.yaml"}
        found: Evidence = watch("attestations", {**HERE, **named, **files}, **options)
        return found

    return run


def only(evidence: Evidence) -> dict[str, Any]:
    """The one attestation."""
    (row,) = evidence.facts["attestations"]
    found: dict[str, Any] = row
    return found


def why(evidence: Evidence, kind: str = "rejected") -> str:
    """Why the one file could not be used."""
    (problem,) = [one for one in evidence.problems if one.kind == kind and one.fact == "attestations"]
    assert problem.path == "attestations/a.json"
    assert evidence.facts["attestations"] == []
    return problem.reason


# signatures by stock tools


@pytest.mark.parametrize("kind", ["ed25519", "p256", "p384", "rsa"])
def test_what_openssl_signed_is_valid(see: Any, workshop: Any, kind: str) -> None:
    payload = workshop.statement({"sha256": SHA256})
    row = only(see(workshop.envelope(payload, kind), workshop.trusting(build={"key": workshop.key(kind)})))
    assert (row["signature"], row["attesters"], row["key"]) == (
        "valid",
        ["build"],
        workshop.fingerprint(kind),
    )
    assert (row["matched"], row["subjects"][0]["matches"]) == (1, ["dist/a.whl"])
    assert (row["log_inclusion"], row["signed_at_s"]) == ("not_checked", None)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_what_securesystemslib_signed_is_valid(see: Any, workshop: Any, kind: str) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    file = {"ed25519": "ed25519", "ecdsa": "p256", "rsa": "rsa"}[kind]
    signer = CryptoSigner(load_pem_private_key((workshop.folder / f"{file}.key").read_bytes(), None))
    envelope = Envelope(workshop.statement({"sha256": SHA256}), "application/vnd.in-toto+json", {})
    envelope.sign(signer)
    row = only(see(envelope.to_dict(), workshop.trusting(build={"key": workshop.key(file)})))
    assert row["signature"] == "valid"


def test_a_bundle_by_a_key_is_valid(see: Any, workshop: Any) -> None:
    bundle = workshop.bundle(workshop.statement({"sha256": SHA256}), "p256", publicKey={"hint": "mine"})
    row = only(see(bundle, workshop.trusting(build={"key": workshop.key("p256")})))
    assert (row["format"], row["signature"], row["identity"]) == ("sigstore", "valid", None)


def test_lines_are_read_one_by_one(see: Any, workshop: Any) -> None:
    """As `gh attestation download` and in-toto write them; a bad line does not hide the others."""
    good = workshop.envelope(workshop.statement({"sha256": SHA256}), "ed25519")
    bundle = workshop.bundle(workshop.statement({"sha256": SHA256}), "ed25519", publicKey={"hint": ""})
    lines = "\n".join([json.dumps(good), '{"payload": 1', json.dumps(bundle), ""])
    evidence = see(lines, workshop.trusting(build={"key": workshop.key("ed25519")}), "a.jsonl")
    rows = evidence.facts["attestations"]
    assert [(row["line"], row["format"], row["signature"]) for row in rows] == [
        (1, "dsse", "valid"),
        (3, "sigstore", "valid"),
    ]
    (problem,) = [one for one in evidence.problems if one.kind == "rejected"]
    assert problem.place.startswith("line 2")


# keys


def test_several_signatures_each_count_for_whom_they_are(see: Any, workshop: Any) -> None:
    envelope = workshop.envelope(workshop.statement({"sha256": SHA256}), "leaf", "p256", "ed25519")
    keys = {
        name: {"key": workshop.key(key)} for name, key in {"a": "p256", "b": "ed25519", "c": "rsa"}.items()
    }
    assert only(see(envelope, workshop.trusting(**keys)))["attesters"] == ["a", "b"]


@pytest.mark.parametrize("keyid", ["", "somebody else", "rsa"])
def test_what_an_envelope_calls_its_key_proves_nothing(see: Any, workshop: Any, keyid: str) -> None:
    named = workshop.fingerprint("rsa") if keyid == "rsa" else keyid
    payload = workshop.statement({"sha256": SHA256})
    trust = workshop.trusting(build={"key": workshop.key("ed25519")}, other={"key": workshop.key("rsa")})
    assert only(see(workshop.envelope(payload, "ed25519", keyid=named), trust))["attesters"] == ["build"]
    row = only(see(workshop.envelope(payload, "p256", keyid=named), trust))
    assert (row["signature"], row["attesters"]) == ("invalid" if keyid == "rsa" else "unknown_key", [])


@pytest.mark.parametrize("accepted", ["ed25519", "p256", "p384", "rsa"])
@pytest.mark.parametrize("used", ["ed25519", "p256", "p384", "rsa"])
def test_a_signature_of_another_kind_of_key_counts_for_nothing(
    see: Any, workshop: Any, accepted: str, used: str
) -> None:
    envelope = workshop.envelope(workshop.statement({"sha256": SHA256}), used)
    row = only(see(envelope, workshop.trusting(build={"key": workshop.key(accepted)})))
    assert row["signature"] == ("valid" if accepted == used else "unknown_key")


def test_nobody_counts_for_what_they_may_not_attest(see: Any, workshop: Any) -> None:
    payload = workshop.statement({"sha256": SHA256}, "https://example.com/review/v1")
    row = only(see(workshop.envelope(payload, "rsa"), workshop.trusting(build={"key": workshop.key("rsa")})))
    assert (row["signature"], row["attesters"]) == ("not_accepted", [])
    assert row["reason"] == "signed by build, who may not attest this predicate type"


def test_a_changed_payload_and_no_signature_are_not_valid(see: Any, workshop: Any) -> None:
    envelope = workshop.envelope(workshop.statement({"sha256": "0" * 64}), "p256")
    trust = workshop.trusting(build={"key": workshop.key("p256")})
    changed = base64.b64encode(workshop.statement({"sha256": SHA256})).decode()
    assert only(see({**envelope, "payload": changed}, trust))["signature"] == "unknown_key"
    assert only(see({**envelope, "signatures": []}, trust))["signature"] == "unsigned"
    assert only(see(envelope, None))["signature"] == "unknown_key"


# certificates


@pytest.fixture(scope="session")
def certificate(workshop: Any) -> bytes:
    """One as GitHub's signers get."""
    der: bytes = workshop.certificate()
    return der


def test_a_certified_identity_is_valid_at_the_time_that_the_log_tells(
    see: Any, workshop: Any, certificate: bytes
) -> None:
    bundle = workshop.certified(workshop.statement({"sha256": SHA256}), certificate)
    row = only(see(bundle, workshop.trusting(github=workshop.github())))
    assert (row["signature"], row["attesters"], row["reason"]) == ("valid", ["github"], None)
    assert (row["identity"], row["issuer"]) == (workshop.identity, workshop.issuer)
    assert (row["signed_at_s"], row["time_from"]) == (workshop.signed_at_s, "log")
    assert row["valid_from_s"] < row["signed_at_s"] < row["valid_until_s"]


IDENTITIES = {
    "https://github.com/acme/algo/.github/workflows/build.yml@refs/heads/*": "valid",
    "https://github.com/acme/*/.github/workflows/*@refs/heads/main": "valid",
    "https://github.com/*": "not_accepted",
    "https://github.com/acme/algo": "not_accepted",
    "https://github.com/acme/algo/.github/workflows/build.yml@refs/heads/mai.": "not_accepted",
}


@pytest.mark.parametrize("identity", IDENTITIES)
def test_an_identity_is_matched_as_a_whole(
    see: Any, workshop: Any, certificate: bytes, identity: str
) -> None:
    bundle = workshop.certified(workshop.statement({"sha256": SHA256}), certificate)
    row = only(see(bundle, workshop.trusting(github=workshop.github(identity=identity))))
    assert row["signature"] == IDENTITIES[identity]


def test_authority_issuer_and_predicate_type_have_to_be_accepted(
    see: Any, workshop: Any, certificate: bytes
) -> None:
    bundle = workshop.certified(workshop.statement({"sha256": SHA256}), certificate)

    def state(**changes: Any) -> str:
        stated = {name: value for name, value in workshop.github(**changes).items() if value is not None}
        found: str = only(see(bundle, workshop.trusting(github=stated)))["signature"]
        return found

    assert state(authorities=workshop.authority + workshop.other_authority) == "valid"
    assert state(authorities=workshop.other_authority) == "unknown_authority"
    assert state(issuer="https://example.com") == "not_accepted"
    assert state(issuer=None) == "not_accepted"  # whoever accepts an identity has to say by whose word
    assert state(predicate_types=["https://example.com/review/v1"]) == "not_accepted"
    assert (
        only(see(bundle, workshop.trusting(a={"key": workshop.key("leaf")})))["signature"]
        == "unknown_authority"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"usage": "clientAuth"}, "not for signing code"),
        ({"ca": "TRUE"}, "that of an authority"),
        ({"san": "URI:https://a.example,URI:https://b.example"}, "exactly one URI or e-mail address"),
        ({"san": "DNS:a.example"}, "exactly one URI or e-mail address"),
    ],
)
def test_a_certificate_for_something_else_signs_nothing(
    see: Any, workshop: Any, change: Any, reason: str
) -> None:
    bundle = workshop.certified(workshop.statement({"sha256": SHA256}), workshop.certificate(**change))
    row = only(see(bundle, workshop.trusting(github=workshop.github())))
    assert row["signature"] == "invalid"
    assert reason in row["reason"]


def test_a_certificate_counts_only_when_it_was_valid(see: Any, workshop: Any, certificate: bytes) -> None:
    payload, trust = workshop.statement({"sha256": SHA256}), workshop.trusting(github=workshop.github())
    for at, state in ((301, "expired"), (300, "valid"), (-300, "valid"), (-301, "expired")):
        bundle = workshop.certified(payload, certificate, at=workshop.signed_at_s + at)
        assert only(see(bundle, trust))["signature"] == state


def test_without_a_time_by_somebody_trusted_it_cannot_be_told(
    see: Any, workshop: Any, certificate: bytes
) -> None:
    trust = workshop.trusting(
        github=workshop.github(), required=[{"predicate_type": workshop.predicate, "subject": "dist/*"}]
    )
    payload = workshop.statement({"sha256": SHA256})
    good = workshop.certified(payload, certificate)
    silent, other, forged = (workshop.certified(payload, certificate) for _ in range(3))
    silent["verificationMaterial"]["tlogEntries"] = []
    other["verificationMaterial"] = good["verificationMaterial"]  # of another signature of the same payload
    forged = workshop.certified(payload, certificate, key="leaf")
    for bundle, reason in (
        (silent, "nobody trusted tells when it was signed"),
        (other, "the log entry is about another envelope"),
        (forged, "the log entry's promise is not by the accepted log"),
    ):
        evidence = see(bundle, trust)
        assert (only(evidence)["signature"], only(evidence)["reason"]) == ("untimed", reason)
        (wanted,) = evidence.facts["required"]
        assert (wanted["attested_by"], wanted["why_not"]) == ([], None)
        (unknown,) = [one for one in evidence.problems if one.kind == "unknown"]
        assert (unknown.fact, unknown.reason) == ("required", f"attestations/a.json: {reason}")


def test_a_bundle_with_the_signature_of_another_key_is_invalid(
    see: Any, workshop: Any, certificate: bytes
) -> None:
    bundle = workshop.certified(workshop.statement({"sha256": SHA256}), certificate)
    bundle["dsseEnvelope"] = workshop.envelope(workshop.statement({"sha256": SHA256}), "p256")
    assert only(see(bundle, workshop.trusting(github=workshop.github())))["signature"] == "invalid"


@pytest.mark.parametrize("options", [["-cert"], []])
def test_a_time_stamp_tells_the_time_of_a_signature(
    see: Any, workshop: Any, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub's own authority stamps without its certificate in the stamp: the settings have it then."""
    pytest.importorskip("rfc3161_client", reason="needs the extra `timestamps`")
    der = workshop.certificate(days=("20240101000000Z", "20440101000000Z"))
    bundle = workshop.bundle(workshop.statement({"sha256": SHA256}), certificate={"rawBytes": b64(der)})
    (signature,) = bundle["dsseEnvelope"]["signatures"]
    stamp = workshop.time_stamp(base64.b64decode(signature["sig"]), *options)
    stamps = {"rfc3161Timestamps": [{"signedTimestamp": b64(stamp)}]}
    bundle["verificationMaterial"]["timestampVerificationData"] = stamps
    certificates = workshop.authority + (workshop.folder / "tsa.crt").read_text()

    def row(authorities: str, stamped: Any = bundle) -> dict[str, Any]:
        attester = workshop.github(timestamp_authorities=authorities)
        del attester["log_key"]
        return only(see(stamped, workshop.trusting(github=attester)))

    found = row(certificates)
    assert (found["signature"], found["time_from"]) == ("valid", "timestamp"), found["reason"]
    assert (row(workshop.other_authority)["signature"]) == "untimed"
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "rfc3161_client", None)
        assert row(certificates)["reason"].startswith("time stamps need a library: pip install")
    again = workshop.bundle(workshop.statement({"sha256": SHA256}), certificate={"rawBytes": b64(der)})
    again["verificationMaterial"]["timestampVerificationData"] = stamps  # of another signature
    assert row(certificates, again)["reason"] == "the time stamp does not hold"


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


# hostile files


def test_an_envelope_has_one_reading(see: Any, workshop: Any) -> None:
    """Base64 may be URL-safe, as DSSE says; no other writing of the same bytes is taken."""
    trust = workshop.trusting(build={"key": workshop.key("ed25519")})
    payload = workshop.statement({"sha256": SHA256}, note="~~~???>>>")
    envelope = workshop.envelope(payload, "ed25519")
    encoded = envelope["payload"]
    assert {"+", "/"} & set(encoded)
    url_safe = base64.urlsafe_b64encode(payload).decode()
    assert only(see({**envelope, "payload": url_safe}, trust))["signature"] == "valid"
    padded = workshop.envelope(payload + b" " * ((1 - len(payload)) % 3), "ed25519")
    text = padded["payload"]
    assert text.endswith("==")
    bits = text[:-3] + chr(ord(text[-3]) + 1) + "=="
    for odd in (encoded + "\n", encoded[:40] + " " + encoded[40:], text.rstrip("="), bits, text + "=", "§"):
        assert "not base64, or not its one way" in why(see({**padded, "payload": odd}, trust))
    mixed = url_safe.replace("-", "+", 1) if "_" in url_safe else url_safe.replace("_", "/", 1) + "-+=="
    assert "not base64" in why(see({**envelope, "payload": mixed}, trust))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"[]", 'is not of type "object"'),
        (b"{", "the payload cannot be read: malformed JSON"),
        (b'{"_type": 1, "_type": 2}', "has the key '_type' twice"),
        (b'{"_type": ' + b"[" * 100 + b"]" * 100 + b"}", "nests deeper"),
        (b'{"_type": "https://in-toto.io/Statement/v1"}', '"predicateType" is a required property'),
        (b"\xff\xfe", "UTF-16"),
    ],
)
def test_a_payload_that_is_no_statement_is_rejected(
    see: Any, workshop: Any, payload: bytes, reason: str
) -> None:
    trust = workshop.trusting(build={"key": workshop.key("ed25519")})
    assert reason in why(see(workshop.envelope(payload, "ed25519"), trust))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"subject": []}, "has less than 1 item"),
        ({"subject": [{"name": "a"}]}, '"digest" is a required property'),
        ({"subject": [{"digest": {"sha256": SHA256.upper()}}]}, "is no SHA-256"),
        ({"subject": [{"digest": {"sha256": SHA256[:-1]}}]}, "is no SHA-256"),
        ({"subject": [{"digest": {"sha256": 7}}]}, "is not of types"),
        ({"subject": [{"digest": {"sha256": SHA256}}] * 10_001}, "has more than 10000 items"),
        ({"predicateType": " "}, "does not match"),
    ],
)
def test_a_statement_about_nothing_certain_is_rejected(
    see: Any, workshop: Any, more: Any, reason: str
) -> None:
    envelope = workshop.envelope(workshop.statement({"sha256": SHA256}, **more), "ed25519")
    assert reason in why(see(envelope, workshop.trusting(build={"key": workshop.key("ed25519")})))


def test_what_is_no_in_toto_statement_is_not_understood(see: Any, workshop: Any) -> None:
    trust = workshop.trusting(build={"key": workshop.key("ed25519")})
    payload = workshop.statement({"sha256": SHA256})
    envelope = workshop.envelope(payload, "ed25519", kind="text/plain")
    assert why(see(envelope, trust), "unknown").startswith("has a payload of the type 'text/plain'")
    link = workshop.envelope(workshop.statement({"sha256": SHA256}, _type="link"), "ed25519")
    assert "a statement of the type 'link'" in why(see(link, trust), "unknown")
    bundle = workshop.bundle(payload, "ed25519", publicKey={})
    old = {**bundle, "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1"}
    assert "only Sigstore's v0.3 is read" in why(see(old, trust), "unknown")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dsseEnvelope": None, "messageSignature": {}}, "it signs a file, not a statement"),
        ({"verificationMaterial": {}}, "not exactly one of certificate and publicKey"),
        (
            {"verificationMaterial": {"publicKey": {}, "certificate": {"rawBytes": "AA=="}}},
            "not exactly one of",
        ),
        ({"verificationMaterial": {"certificate": {"rawBytes": "?"}}}, "'rawBytes' is not base64"),
        (
            {"verificationMaterial": {"certificate": {"rawBytes": "AA=="}, "tlogEntries": [{}] * 11}},
            "more than 10",
        ),
    ],
)
def test_a_bundle_has_to_be_whole(see: Any, workshop: Any, change: Any, reason: str) -> None:
    bundle = {**workshop.bundle(workshop.statement({"sha256": SHA256}), "ed25519"), **change}
    assert reason in why(see(bundle, workshop.trusting(build={"key": workshop.key("ed25519")})))


def test_too_many_signatures_or_lines_are_refused(see: Any, workshop: Any) -> None:
    trust = workshop.trusting(build={"key": workshop.key("ed25519")})
    envelope = workshop.envelope(workshop.statement({"sha256": SHA256}), "ed25519")
    many = {**envelope, "signatures": envelope["signatures"] * 11}
    assert "has more than 10 items" in why(see(many, trust))
    bundle = workshop.bundle(workshop.statement({"sha256": SHA256}), "ed25519", publicKey={})
    bundle["dsseEnvelope"]["signatures"] *= 2
    assert "has more than 1 item" in why(see(bundle, trust))
    for text in ("", "{}\n" * 1001):
        evidence = see(text, trust, "b.jsonl", **{"attestations/a.json": envelope})
        (problem,) = evidence.problems
        assert problem.path == "attestations/b.jsonl" and "where 1 to 1000 attestations" in problem.reason


@pytest.mark.parametrize("text", ["", "[]", "null", '"payload"', "{}", "\xff", "[" * 1000, '{"payload": {}}'])
def test_anything_else_is_rejected(see: Any, workshop: Any, text: str) -> None:
    assert why(see(text.encode("latin-1"), workshop.trusting(build={"key": workshop.key("ed25519")})))


def test_broken_certificates_and_log_entries_end_in_a_reason(
    see: Any, workshop: Any, certificate: bytes
) -> None:
    trust = workshop.trusting(github=workshop.github())
    payload = workshop.statement({"sha256": SHA256})
    bundle = workshop.certified(payload, certificate)
    material = bundle["verificationMaterial"]
    cut = {**bundle, "verificationMaterial": {**material, "certificate": {"rawBytes": b64(certificate[:-9])}}}
    assert only(see(cut, trust))["reason"] == "the certificate cannot be read"
    (entry,) = material["tlogEntries"]
    for change in (
        {"canonicalizedBody": 7},
        {"canonicalizedBody": b64(b"[" * 10_000)},
        {"inclusionPromise": None},
        {"logIndex": 7},
        {"integratedTime": "9" * 30},
        {"logId": []},
    ):
        broken = {**bundle, "verificationMaterial": {**material, "tlogEntries": [{**entry, **change}]}}
        row = only(see(broken, trust))
        assert row["signature"] == "untimed"
        assert row["reason"] == "the log entry has no promise that can be read"
