"""Which key may sign an entry or a checkpoint, over lines alone and in every storage."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.engine.ledger.keychain import KEY_EVENT, Admins, KeyChain
from gate.engine.ledger.merkle import Frontier, leaf_hash
from gate.engine.ledger.reader import LedgerReader
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import EvidenceError, LedgerError
from gate.evidence.signing.dsse import Envelope
from gate.evidence.signing.keys import LogKey, VerifierKey
from gate.evidence.signing.problems import SignatureError
from gate.evidence.signing.sshsig import ed25519_blob

from ...fuzz.ssh_signatures import sign
from .conftest import KEY, Place

NEW, THIRD = LogKey.from_seed(bytes([1] * 32)), LogKey.from_seed(bytes([2] * 32))
PEOPLE = [Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number in (7, 8, 9)]


def public(raw: bytes) -> str:
    return f"ssh-ed25519 {base64.b64encode(ed25519_blob(raw)).decode()}"


TEXT = "".join(
    f"admin{number} {public(one.public_key().public_bytes_raw())}\n" for number, one in enumerate(PEOPLE)
)
ADMINS = Admins.parse(TEXT, 2, "admins")


def root_of(lines: list[bytes]) -> bytes:
    frontier = Frontier()
    for line in lines:
        frontier.append(leaf_hash(line))
    return frontier.root()


def event(ledger: LedgerReader, lines: list[bytes], by: tuple[int, ...] = (0, 1), **fields: Any) -> bytes:
    """The statement of a key event that these admins signed."""
    document = {
        "type": "gate.key-event/v1",
        "log": str(ledger.verifier),
        "previous": ledger.chain.last,
        "checkpoint": {"size": len(lines), "root": root_of(lines).hex()},
        "reason": "a test",
        **fields,
    }
    text = json.dumps(document)
    signatures = [sign(text.encode(), "keys@gate", PEOPLE[number]).decode() for number in by]
    digest = sha256(text.encode()).hexdigest()
    documents = [{"name": "event.json", "sha256": digest}]
    return canonical(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": digest}}],
            "predicateType": KEY_EVENT,
            "predicate": {"event": text, "signatures": signatures, "documents": documents},
        }
    )


def rotation(old: LogKey, new: LogKey, **more: Any) -> dict[str, Any]:
    return {"action": "rotate", "key": old.fingerprint, "successor": public(new.public), **more}


def rotate(place: Place, old: LogKey, new: LogKey, **more: Any) -> None:
    with place.open(new, admins=ADMINS, joins=True) as ledger:
        ledger.append([event(ledger, place.lines(), **rotation(old, new, **more))])
        ledger.seal("2025-11-07T13:00:00Z")


def test_a_rotated_log_goes_on_in_every_storage(place: Place) -> None:
    """Appending, sealing, verifying and the receipts follow two rotations; old keys are refused."""
    place.record([1, 2])
    rotate(place, KEY, NEW)
    with place.open(NEW, admins=ADMINS) as ledger:
        ledger.append([place.statement(3)])
        ledger.seal("2025-11-07T13:00:00Z")
    rotate(place, NEW, THIRD)
    for old in (KEY, NEW):
        with pytest.raises(LedgerError, match="replaced or revoked the key"):
            place.open(old, admins=ADMINS)
    for config in (None, place.config):
        report = place.verify(admins=ADMINS, config_dir=config)
        assert (report.problems, report.size, report.admins, report.void) == ((), 5, 2, ())
        assert report.keys == (THIRD.fingerprint,)
    with pytest.raises(LedgerError, match="key admins are not known"):
        place.open(KEY)


def test_writers_that_were_open_before_a_rotation(place: Place) -> None:
    """Whoever opened the ledger with the old key appends nothing after the event."""
    place.record([1])
    with place.open(admins=ADMINS) as old:
        rotate(place, KEY, NEW)
        before = place.lines()
        with pytest.raises(LedgerError, match="would not count"):
            old.append([place.statement(2)])
        assert place.lines() == before


def test_an_event_that_does_not_count_is_not_appended(place: Place) -> None:
    """Too few admins, another key's entry, a second use: nothing is written."""
    place.record([1])
    lines = place.lines()
    with place.open(NEW, admins=ADMINS, joins=True) as ledger:
        for number in ((0,), (0, 0), ()):
            wrong = event(ledger, lines, number, **rotation(KEY, NEW))
            with pytest.raises(LedgerError, match="the key event does not count"):
                ledger.append([wrong])
        good = event(ledger, lines, **rotation(KEY, NEW))
        for bad in (
            event(ledger, [], **rotation(KEY, NEW), checkpoint={"size": 1, "root": "0" * 64}),
            event(ledger, lines, **rotation(KEY, NEW), checkpoint={"size": 9, "root": "0" * 64}),
            event(ledger, lines, **rotation(KEY, NEW), checkpoint={"size": 1.0, "root": "0" * 64}),
            event(ledger, lines, **rotation(KEY, KEY)),
            event(ledger, lines, **rotation(NEW, NEW)),
            event(ledger, lines, action="revoke", key=KEY.fingerprint),
            event(ledger, lines, action="rotate", key=KEY.fingerprint, successor=public(bytes(32))),
            event(ledger, lines, action="admins", admins="x", threshold=1),
            event(ledger, lines, action="admins", admins=TEXT, threshold=4),
            event(ledger, lines, action="add", purpose="ci", successor=TEXT.split(" ", 1)[1][:80]),
        ):
            with pytest.raises(LedgerError, match="the key event does not count"):
                ledger.append([bad])
        assert place.lines() == lines
        ledger.append([good])
        with pytest.raises(LedgerError, match="it was used, or another one came first"):
            ledger.append([good])
    with place.open(KEY, admins=ADMINS, joins=True) as ledger, pytest.raises(LedgerError):
        ledger.append([good])


def test_lines_and_trust_material_are_enough(place: Place) -> None:
    """Which key may have signed an entry and a checkpoint, without a ledger."""
    place.record([1, 2])
    rotate(place, KEY, NEW, from_entry=1)
    lines, founding = place.lines(), KEY.verifier("gate-ledger/test")
    chain = KeyChain.begin(founding, ADMINS).extended(lines, 0, lambda size: root_of(lines[:size]))
    assert chain.refused == () and [one.end for one in chain.signers] == [1, None]
    assert [chain.check(index, line)[1] is None for index, line in enumerate(lines)] == [True, False, True]
    late = Envelope.sign(place.statement(3), KEY).line()
    with pytest.raises(SignatureError, match="which entry 2 replaced or revoked"):
        chain.check(3, late)
    early = Envelope.sign(place.statement(3), NEW).line()
    with pytest.raises(SignatureError, match="admitted only by entry 2"):
        chain.check(1, early)
    with pytest.raises(SignatureError, match="not by a key of this log"):
        chain.check(3, Envelope.sign(place.statement(3), THIRD).line())
    assert chain.open(place.note(3)).size == 3
    assert [chain.revoked(chain.open(place.note(size))) for size in (1, 2)] == [False, True]
    for pinned in (None, Admins.parse(TEXT, 3, "admins")):
        blind = KeyChain.begin(founding, pinned).extended(lines, 0, lambda size: root_of(lines[:size]))
        with pytest.raises(SignatureError):
            blind.open(place.note(3))
        assert blind.signers == KeyChain.begin(founding).signers
    other = VerifierKey("gate-ledger/other", KEY.public)
    assert "another log" in KeyChain.begin(other, ADMINS).extended(lines, 0, lambda _: b"").refused[0][1]


@pytest.mark.parametrize(
    ("text", "threshold", "message"),
    [
        (TEXT, 0, "cannot sign"),
        ("", 1, "cannot sign"),
        (TEXT.replace("admin1", "admin0").replace("admin2", "admin0"), 2, "2 of 1 key admins"),
        (TEXT.replace("admin0", "a,b"), 2, "one person"),
        (TEXT.replace("admin0 ", 'admin0 valid-before="20300101Z" '), 2, "no times"),
        (TEXT + TEXT, 2, "stands twice"),
        ("nonsense", 1, "no key"),
    ],
)
def test_a_list_of_admins_that_means_nothing(text: str, threshold: int, message: str) -> None:
    """Whoever is counted is one person with keys of their own."""
    with pytest.raises(EvidenceError, match=message):
        Admins.parse(text, threshold, "admins")
