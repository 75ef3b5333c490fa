"""The allowed_signers file: what it grants, and how mistakes in it are reported."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import EvidenceError
from gate.evidence.signing.allowed_signers import AllowedSigners, match_list
from gate.evidence.signing.sshsig import PublicKey, ed25519_blob, string

BLOB = ed25519_blob(Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw())
KEY = "ssh-ed25519 " + base64.b64encode(BLOB).decode()
WEAK = "ssh-ed25519 " + base64.b64encode(ed25519_blob(bytes(32))).decode()


def parse(text: str) -> AllowedSigners:
    return AllowedSigners.parse(text, "trust/allowed_signers")


def test_comments_blank_lines_and_windows_line_ends() -> None:
    found = parse(f"# our people\r\n\r\n  alice@example.com\t{KEY} alice's laptop\r\n")
    assert [(one.principals, one.line) for one in found.signers] == [(("alice@example.com",), 3)]
    assert found.signers[0].namespaces is None


def test_a_file_of_comments_allows_nobody() -> None:
    assert parse("# nobody yet\n").lookup(PublicKey.parse(BLOB), "file") == ()


def test_all_options_in_any_order_and_case() -> None:
    line = f'"alice@x,bob@*" Valid-Before="20300101000001Z",NAMESPACES="a,b*",valid-after="20250101utc" {KEY}'
    (one,) = parse(line).signers
    assert one.principals == ("alice@x", "bob@*")
    assert one.namespaces == ("a", "b*")
    assert (one.valid_from_s, one.valid_until_s) == (1735689600, 1893456001)


@pytest.mark.parametrize(
    ("line", "what", "remedy"),
    [
        (f'a@x valid-after="20251301Z" {KEY}', "is no real time", "correct the date"),
        (f'a@x valid-before="soon" {KEY}', "is no time: 'soon'", "YYYYMMDDHHMMZ"),
        (
            f'a@x valid-before="20200101Z",valid-after="20210101Z" {KEY}',
            "not later than valid-after",
            "two times",
        ),
        (f'a@x namespaces="" {KEY}', "list of namespaces has an empty member", "single commas"),
        (f"a@x,,b@x {KEY}", "list of principals has an empty member", "single commas"),
        (f"! {KEY}", "list of principals has an empty member", "single commas"),
        (f"a@x no-touch-required {KEY}", "'no-touch-required' is unknown", "namespaces="),
        (f"a@x namespaces {KEY}", "'namespaces' is unknown or lacks its quoted value", "namespaces="),
        (f'a@x namespaces="a",namespaces="b" {KEY}', "stands twice", "keep one"),
        (f"a@x namespaces=git {KEY}", "options are malformed at", "write `principal"),
        (f'a@x namespaces="a", {KEY}', "options are malformed at", "write `principal"),
        (f'"a@x {KEY}', "badly quoted", "write `principal"),
        ("a@x", "has no key", "write `principal"),
        ("a@x ssh-ed25519", "no readable base64 key", "write `principal"),
        ("a@x ssh-ed25519 AAA*", "no readable base64 key", "write `principal"),
        (f"a@x ssh-rsa {KEY.split()[1]}", "the line says 'ssh-rsa'", "copy the whole line"),
        (f"a@x {WEAK}", "low order", "use an Ed25519"),
    ],
)
def test_mistakes_are_reported_with_line_and_remedy(line: str, what: str, remedy: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        parse(f"# people\n{line}\n")
    error = caught.value
    assert what in error.what
    assert (error.path, error.place) == ("trust/allowed_signers", "line 2")
    assert remedy in str(error.remedy)


@pytest.mark.parametrize(
    "kind",
    ["ssh-dss", "ssh-mldsa44-ed25519@openssh.com", "mldsa65@example.org", "ssh-ed25519-cert-v01@openssh.com"],
)
@pytest.mark.parametrize("options", ["", 'namespaces="file" '])
def test_a_key_of_an_unknown_type_is_skipped_and_noted(kind: str, options: str) -> None:
    encoded = base64.b64encode(string(kind.encode()) + string(b"x" * 40)).decode()
    found = parse(f"new@x {options}{kind} {encoded} a comment\nalice@x {KEY}\n")
    assert [one.line for one in found.signers] == [2]
    assert [line for line, reason in found.skipped if kind in reason] == [1]


def test_a_certificate_authority_and_a_short_key_speak_for_nobody_and_hide_nobody() -> None:
    rsa = rsa_key(public_exponent=65537, key_size=1024).public_key()  # noqa: S505 - that it is short is the point
    short = rsa.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    found = parse(f'*@x Cert-Authority,namespaces="file" {KEY}\nold@x {short}\nalice@x {KEY}\n')
    assert [one.principals for one in found.signers] == [("alice@x",)]
    assert [line for line, _ in found.skipped] == [1, 2]


def test_a_time_without_a_zone_is_the_one_common_to_all_zones() -> None:
    (one,) = parse(f'a@x valid-after="20250101",valid-before="202601010000" {KEY}').signers
    assert (one.valid_from_s, one.valid_until_s) == (1735689600 + 12 * 3600, 1767225600 - 14 * 3600)
    with pytest.raises(EvidenceError, match="not later than valid-after"):
        parse(f'a@x valid-after="20250101",valid-before="20250102" {KEY}')


@pytest.mark.parametrize(
    ("text", "patterns", "expected"),
    [
        ("alice@x", ("*",), True),
        ("alice@x", ("a?ice@*",), True),
        ("alice@x", ("*@x", "!alice@*"), False),
        ("alice@x", ("!bob@x",), False),
        ("Alice@x", ("alice@x",), False),
        ("alice@x", ("alice@",), False),
        ("", ("*",), True),
    ],
)
def test_pattern_lists(text: str, patterns: tuple[str, ...], expected: bool) -> None:
    assert match_list(text, patterns) is expected


def test_brackets_in_patterns_stand_for_themselves() -> None:
    assert match_list("[ab]@x", ("[ab]@?",)) and not match_list("a@x", ("[ab]@x",))


def test_a_hostile_pattern_is_not_slow() -> None:
    assert not match_list("a" * 5000, ("*a" * 50 + "b",))


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    try:
        parse(text)
    except EvidenceError as error:
        assert str(error.place).startswith("line ")
        assert error.remedy
