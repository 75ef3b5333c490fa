"""Sign-offs and waivers, signed with real keys, are reported with the state of their signature."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import Limits

from ...fuzz.ssh_signatures import sign

SIGNERS = "trust/allowed_signers"
DANA, AMIR = Ed25519PrivateKey.from_private_bytes(b"d" * 32), Ed25519PrivateKey.from_private_bytes(b"a" * 32)
ROLES = {"risk_officer": ["other@example.com", "dana@example.com"], "cto": ["amir@example.com"]}
SIGNOFF: dict[str, Any] = {
    "type": "gate.signoff/v1",
    "stage": "stage8",
    "role": "risk_officer",
    "name": "דנה לוי",
    "verdict": "conditional",
    "subject": "ab" * 32,
    "evidence": "cd" * 32,
    "policy": {"version": "1.1.0", "digest": "ef" * 32},
    "signed_at": "2025-12-05T13:00:00.75+02:00",
    "conditions": [{"text": "Rotate the key", "owner": "devops_lead", "due": "2025-12-12"}],
}
WAIVER: dict[str, Any] = {
    "type": "gate.waiver/v1",
    "id": "W-1",
    "code": "stage7.fill_rate",
    "stages": ["stage8", "stage7"],
    "reason": "planned restart",
    "reference": "RISK-412",
    "author": "yael@example.com",
    "approver_role": "risk_officer",
    "effective_on": "2025-12-01T00:00:00Z",
    "effective_until": "2025-12-31T00:00:00Z",
}


def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def signed(path: str, value: dict[str, Any], key: Ed25519PrivateKey, namespace: str) -> dict[str, bytes]:
    data = json.dumps(value, ensure_ascii=False).encode()
    return {path: data, f"{path}.sig": sign(data, namespace, key)}


def signoff(
    key: Ed25519PrivateKey = DANA, namespace: str = "signoff@gate", **changes: Any
) -> dict[str, bytes]:
    return signed("signoffs/a.json", {**SIGNOFF, **changes}, key, namespace)


def waiver(key: Ed25519PrivateKey = DANA, path: str = "waivers/a.json", **changes: Any) -> dict[str, bytes]:
    return signed(path, {**WAIVER, **changes}, key, "waiver@gate")


TRUST = {
    SIGNERS: f'dana@example.com valid-after="20250101Z",valid-before="20260101Z" {public(DANA)}\n'
    f'amir@example.com,amir@home.example namespaces="signoff@gate" {public(AMIR)}\n'
}


def test_a_good_sign_off_is_reported_whole(watch: Any) -> None:
    evidence = watch("signoffs", {**TRUST, **signoff()}, roles=ROLES)
    (row,) = evidence.facts["signoffs"]
    key = row.pop("key")
    assert key.startswith("SHA256:")
    assert row == {
        "path": "signoffs/a.json",
        "role": "risk_officer",
        "name": "דנה לוי",
        "principal": "dana@example.com",
        "stage": "stage8",
        "verdict": "conditional",
        "signed_at": "2025-12-05T11:00:00Z",
        "signed_at_s": 1764932400,
        "subject": "ab" * 32,
        "evidence": "cd" * 32,
        "policy": {"version": "1.1.0", "digest": "ef" * 32},
        "commit": None,
        "conditions": [
            {
                "text": "Rotate the key",
                "owner": "devops_lead",
                "due": "2025-12-12",
                "id": "a-1",
                "closed_by": "signoff",
            }
        ],
        "signature": "valid",
        "role_authorised": True,
        "key_valid_from_s": 1735689600,
        "key_valid_until_s": 1767225600,
        "problem": None,
    }
    assert evidence.facts["allowed_signers"] == 2
    assert [f.path for f in evidence.files] == ["signoffs/a.json", "signoffs/a.json.sig", SIGNERS]


def test_a_good_waiver_is_reported_whole(watch: Any) -> None:
    evidence = watch("waivers", {**TRUST, **waiver(term="SPY", subject="ab" * 32)}, roles=ROLES)
    (row,) = evidence.facts["waivers"]
    row.pop("key")
    assert row == {
        "path": "waivers/a.json",
        "id": "W-1",
        "code": "stage7.fill_rate",
        "term": "SPY",
        "stages": ["stage7", "stage8"],
        "reason": "planned restart",
        "reference": "RISK-412",
        "author": "yael@example.com",
        "approver_principal": "dana@example.com",
        "approver_role": "risk_officer",
        "effective_on": "2025-12-01T00:00:00Z",
        "effective_on_s": 1764547200,
        "effective_until": "2025-12-31T00:00:00Z",
        "effective_until_s": 1767139200,
        "subject": "ab" * 32,
        "signature": "valid",
        "role_authorised": True,
        "key_valid_from_s": 1735689600,
        "key_valid_until_s": 1767225600,
        "problem": None,
    }


def test_a_key_that_may_not_sign_here_is_unknown(watch: Any) -> None:
    (row,) = watch("waivers", {**TRUST, **waiver(AMIR)}, roles=ROLES).facts["waivers"]
    assert (row["signature"], row["role_authorised"], row["approver_principal"]) == (
        "unknown_key",
        False,
        None,
    )
    assert "does not list" in row["problem"] and "waiver@gate" in row["problem"]
    assert row["term"] is None and row["subject"] is None


@pytest.mark.parametrize(
    ("files", "state", "authorised", "principal", "problem"),
    [
        (lambda: signoff(AMIR), "valid", False, "amir@example.com", None),
        (lambda: signoff(AMIR, role="cto"), "valid", True, "amir@example.com", None),
        (lambda: signoff(role="lead_trader"), "valid", False, "dana@example.com", None),
        (lambda: signoff(namespace="file"), "invalid", False, None, "signed for namespace 'file'"),
        (lambda: {"signoffs/a.json": signoff()["signoffs/a.json"]}, "unsigned", False, None,
         "there is no signoffs/a.json.sig"),
        (lambda: {**signoff(), "signoffs/a.json.sig": b"rubbish"}, "invalid", False, None, "SIGNATURE"),
        (lambda: {**signoff(verdict="reject"), "signoffs/a.json": signoff()["signoffs/a.json"]}, "invalid",
         False, None, "does not belong to these bytes"),
    ],
)  # fmt: skip
def test_each_state_of_a_signature(
    watch: Any,
    files: Callable[[], dict[str, bytes]],
    state: str,
    authorised: bool,
    principal: str | None,
    problem: str | None,
) -> None:
    (row,) = watch("signoffs", {**TRUST, **files()}, roles=ROLES).facts["signoffs"]
    assert (row["signature"], row["role_authorised"], row["principal"]) == (state, authorised, principal)
    assert row["problem"] is None if problem is None else problem in row["problem"]


def test_without_allowed_signers_no_key_is_known(watch: Any) -> None:
    facts = watch("signoffs", signoff(), roles=ROLES).facts
    assert facts["allowed_signers"] == 0
    assert facts["signoffs"][0]["signature"] == "unknown_key"
    assert facts["signoffs"][0]["problem"] == (
        "the signature holds, but trust/allowed_signers does not exist, so no key is known"
    )


def test_nothing_there_is_an_empty_list(watch: Any) -> None:
    assert watch("signoffs").facts == {"signoffs": [], "allowed_signers": 0}
    assert watch("waivers").facts == {"waivers": [], "revocations": []}


def test_only_statements_directly_in_the_directory_count_and_stray_signatures_are_ignored(watch: Any) -> None:
    files = {
        "signoffs/old/b.json": b"{",
        "signoffs/note.txt": b"x",
        "signoffs/stray.json.sig": b"x",
        **{path.replace("/a", "/z"): data for path, data in signoff(stage="stage1").items()},
        **signoff(),
    }
    facts = watch("signoffs", files, directory="signoffs/").facts
    assert [row["path"] for row in facts["signoffs"]] == ["signoffs/a.json", "signoffs/z.json"]


def test_a_sign_off_without_conditions_has_an_empty_list(watch: Any) -> None:
    plain = {name: value for name, value in SIGNOFF.items() if name != "conditions"} | {"verdict": "approve"}
    facts = watch("signoffs", signed("signoffs/a.json", plain, DANA, "signoff@gate")).facts
    assert facts["signoffs"][0]["conditions"] == []


@pytest.mark.parametrize(
    ("collector", "files", "what", "path", "place"),
    [
        ("signoffs", signoff(stage="stage 9"), "contract 'signoff'", "signoffs/a.json", "/stage"),
        ("signoffs", signoff(conditions=[]), "contract 'signoff'", "signoffs/a.json", "/conditions"),
        ("signoffs", signoff(signed_at="2025-02-30T00:00:00Z"), "not a real time",
         "signoffs/a.json", "/signed_at"),
        ("signoffs", signoff(conditions=[{"text": "x", "owner": "y", "due": "2025-02-30"}]), "not a real day",
         "signoffs/a.json", "/conditions/0/due"),
        ("signoffs", {"signoffs/a.json": b"{"}, "malformed JSON", "signoffs/a.json", "line 1, column 2"),
        ("signoffs", {"signoffs/a.json": b"\xfe\xff"}, "UTF-16", "signoffs/a.json", None),
        ("signoffs", {SIGNERS: b"dana ssh-ed25519 AAAA\n"}, "key", SIGNERS, "line 1"),
        ("signoffs", {SIGNERS: b"\xff"}, "not UTF-8", SIGNERS, "line 1"),
        ("waivers", waiver(effective_until=WAIVER["effective_on"]), "ends before it begins", "waivers/a.json",
         "/effective_until"),
        ("waivers", waiver(effective_on="2025-12-01T23:59:60Z"), "not a real time", "waivers/a.json",
         "/effective_on"),
        ("waivers", waiver(code="stage-9.x"), "contract 'waiver'", "waivers/a.json", "/code"),
        ("waivers", {**waiver(), **waiver(path="waivers/b.json")}, "the one of waivers/a.json",
         "waivers/b.json",
         "/id"),
    ],
)  # fmt: skip
def test_malformed_statements_are_rejected_alone(
    watch: Any, collector: str, files: dict[str, bytes], what: str, path: str, place: str | None
) -> None:
    good = waiver(path="waivers/0.json", id="W-0") if collector == "waivers" else {}
    good = good or {name.replace("/a", "/0"): data for name, data in signoff(stage="stage1").items()}
    evidence = watch(collector, {**TRUST, **good, **files})
    (found,) = evidence.problems
    assert what in found.reason and found.kind == "rejected" and found.remedy
    assert found.path == path and place in {None, found.place}
    assert found.fact == ("" if path == SIGNERS else collector)
    assert f"{collector}/0.json" in [row["path"] for row in evidence.facts[collector]]
    (scope,) = (one for one in evidence.scopes if one.fact == collector)
    assert scope.looked_at - scope.understood == (path != SIGNERS)


@pytest.mark.parametrize("name", ["signoffs/a.json", "signoffs/a.json.sig", SIGNERS])
def test_links_are_refused_wherever_they_are(watch: Any, tmp_path: Path, name: str) -> None:
    watch("signoffs", {**TRUST, **signoff()})
    (tmp_path / name).rename(tmp_path / "moved")
    (tmp_path / name).symlink_to(tmp_path / "moved")
    (found,) = watch("signoffs").problems
    assert "symbolic link" in found.reason and found.path == name


def test_a_link_in_place_of_the_directory_is_no_empty_directory(watch: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "signoffs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("signoffs")


def test_an_oversized_signature_is_rejected(watch: Any) -> None:
    (found,) = watch("signoffs", signoff(), limits=Limits(signature_bytes=100)).problems
    assert "larger than 100 bytes" in found.reason and found.path == "signoffs/a.json.sig"
