"""What whoever holds the log's key could write, and which step of a verification finds it."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from gate import __version__
from gate.engine.decision.document import Decision
from gate.engine.entries.statement import statement
from gate.engine.ledger.interface import Entry
from gate.engine.ledger.merkle import leaf_hash
from gate.engine.ledger.note import Checkpoint
from gate.engine.ledger.proof import Proof
from gate.engine.record import archive, contents
from gate.engine.record.page import page
from gate.engine.record.verify import Verified, verify
from gate.evidence.base.canonical import canonical, sha256_hex
from gate.evidence.signing.dsse import Envelope
from gate.evidence.signing.keys import LogKey

KEY = LogKey.from_seed(bytes(range(32)))
NAME = "example.com/log"
Json = dict[str, Any]


_MADE: list[dict[str, bytes]] = []


@pytest.fixture
def files(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """The files of a small record, without what was attached; judged and exported once."""
    if not _MADE:
        found = archive.read_tar(request.getfixturevalue("record")[0])
        left_out = ("proofs/2", "evidence/")
        _MADE.append({name: data for name, data in found.items() if not name.startswith(left_out)})
    return dict(_MADE[0])


def rewritten(
    files: dict[str, bytes],
    decide: Callable[[Json], object] = lambda _: None,
    observe: Callable[[Json], object] = lambda _: None,
    state: Callable[[Json], object] = lambda _: None,
    policy: bytes | None = None,
) -> tuple[dict[str, bytes], str]:
    """The record anew under our own log, all digests and signatures of it in order, and its trust digest.

    Args:
        decide, observe, state: change the decision, the recorded input and the statement.
        policy: another stored bundle.
    """
    new = dict(files)
    document = json.loads(files[contents.INPUT])
    observe(document)
    new[contents.INPUT] = canonical(document)
    new[contents.POLICY] = policy or files[contents.POLICY]
    decided = json.loads(files[contents.DECISION]) | {"input_digest": sha256_hex(new[contents.INPUT])}
    decision = Decision.from_json(decided)
    decide(decided)
    new[contents.DECISION] = canonical(decided)
    with suppress(ValueError):  # what breaks its contract is stated as it was before
        decision = Decision.from_json(decided)
    digest = sha256_hex(new[contents.DECISION])
    stated = json.loads(statement(decision, digest, sha256_hex(new[contents.POLICY])))
    state(stated)
    line = Envelope.sign(canonical(stated), KEY).line()
    checkpoint = Checkpoint(NAME, 1, leaf_hash(line), len(line) + 1, "2025-12-05T12:00:00Z").signed(KEY)
    new |= {
        contents.ENTRIES: line + b"\n",
        contents.SIGSTORE: contents.sigstore_bundle(json.loads(line)),
        contents.ABOUT: contents.about(digest, 0, __version__),
        contents.LOG_KEY: f"{KEY.verifier(NAME)}\n".encode(),
        contents.JUDGE: contents.judge(decision),
        contents.PAGE: page(decision, Entry(0, leaf_hash(line).hex()), ()),
        "proofs/1.tlog-proof": Proof(0, line, (), checkpoint, checkpoint.note).text(),
        "proofs/1.checkpoint": checkpoint.note,
    }
    new[contents.MANIFEST] = contents.manifest_of(new)
    return new, contents.trust_digest(new)


def wrong(found: Verified) -> list[str]:
    return [check.name for check in found.checks if check.state == "wrong"]


def test_a_verdict_that_does_not_follow_is_found_by_deciding_again(files: dict[str, bytes]) -> None:
    """Signed by the log, consistent in all documents: only facts and policies contradict it."""

    def passes(decision: Json) -> None:
        decision.update(verdict="PASS", violations=[])
        for stage in decision["stages"].values():
            stage["verdict"] = "PASS"

    honest, trust = rewritten(files)
    assert wrong(verify(honest, trust, again=True)) == []
    forged, trust = rewritten(files, passes)
    assert wrong(verify(forged, trust)) == []
    found = verify(forged, trust, again=True)
    assert wrong(found) == ["verdict"]
    assert found.decision is None
    (text,) = (check.text for check in found.checks if check.state == "wrong")
    assert text.startswith("the recorded facts and policies give another decision; it differs in: ")
    assert "verdict" in text and "violations" in text


def _valid(document: Json) -> None:
    """Facts say that the unsigned sign-off is signed; the evidence's digest fits."""
    (row,) = document["input"]["facts"]["signoffs"]["signoffs"]
    row.update(signature="valid", role_authorised=True, principal="omar@example.com")


def _digests(files: dict[str, bytes], change: Callable[[Json], object]) -> Callable[[Json], None]:
    """The decision's digests of evidence after the change of the input."""
    document = json.loads(files[contents.INPUT])
    change(document)

    def decide(decision: Json) -> None:
        for item in decision["evidence"]:
            facts = document["input"]["facts"][item["id"]]
            item["digest"] = sha256_hex(canonical({**document["evidence"][item["id"]], "facts": facts}))

    return decide


def test_facts_about_signatures_are_checked_again(files: dict[str, bytes]) -> None:
    """A sign-off that nobody signed is none, whatever the facts say."""
    forged, trust = rewritten(files, _digests(files, _valid), _valid)
    assert wrong(verify(forged, trust, again=True)) == ["people"]
    forged, trust = rewritten(files, observe=_valid)
    assert wrong(verify(forged, trust)) == ["evidence"]


STATED: dict[str, Callable[[Json], object]] = {
    "verdict": lambda one: one["predicate"]["urn:gate:decision:v1"].update(verdict="PASS"),
    "stage": lambda one: one["predicate"]["urn:gate:decision:v1"].update(stage="stage2"),
    "stages": lambda one: one["predicate"]["urn:gate:decision:v1"]["stages"].update(stage1="PASS"),
    "time": lambda one: one["predicate"].update(timeVerified="2024-01-01T00:00:00Z"),
    "policy": lambda one: one["predicate"]["policy"].update(digest={"sha256": "0" * 64}),
    "sources": lambda one: one["subject"][0].update(digest={"sha256": "0" * 64}),
}


def test_an_entry_says_the_same_as_its_decision(files: dict[str, bytes]) -> None:
    for what, change in STATED.items():
        found = verify(*rewritten(files, state=change))
        assert wrong(found) == ["documents"]
        assert any(check.text.endswith(f"differ in: {what}") for check in found.checks)


def test_another_bundle_is_not_the_one_that_judged(files: dict[str, bytes]) -> None:
    """The stored policies have the digest that decision and trust material name."""
    document = json.loads(files[contents.POLICY])
    for file in document["files"]:
        file["text"] = file["text"].replace("800000", "100000")
    forged, trust = rewritten(files, policy=canonical(document))
    assert wrong(verify(forged, trust)) == ["documents"]


def spoil(value: Any, chance: random.Random) -> None:
    """Put a value of another kind into some places."""
    for _ in range(chance.randint(1, 3)):
        place = value
        while isinstance(place, (dict, list)) and place:
            key = chance.choice(sorted(place) if isinstance(place, dict) else range(len(place)))
            if chance.random() < 0.2 or not isinstance(place[key], (dict, list)) or not place[key]:
                place[key] = copy.deepcopy(chance.choice([None, 0, -1, "", "x", [], {}, [[]], True]))
                break
            place = place[key]


@pytest.mark.parametrize("examples", [25, pytest.param(1500, marks=pytest.mark.soak)])
def test_no_document_breaks_the_verification(files: dict[str, bytes], examples: int) -> None:
    """Any values in any places of decision and input: a step is wrong, or they do not matter."""
    chance = random.Random(1)  # noqa: S311 - the same places in every run
    for number in range(examples):
        which = {("decide", "observe")[number % 2]: lambda value: spoil(value, chance)}
        found = verify(*rewritten(files, **which), again=number % 8 == 0)
        assert all(check.text for check in found.checks)
