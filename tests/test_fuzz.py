"""The kept corpus of every fuzz target, without the fuzzer: each input ends as the target demands."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FUZZ = Path(__file__).resolve().parent / "fuzz"
sys.path.insert(0, str(FUZZ))
try:
    targets: ModuleType = importlib.import_module("targets")
    oracle: ModuleType = importlib.import_module("oracle")
    mutate: ModuleType = importlib.import_module("mutate")
finally:
    sys.path.remove(str(FUZZ))

CORPUS = FUZZ / "corpus"
NAMES = sorted(targets.TARGETS)


def inputs(name: str) -> Iterator[tuple[str, bytes]]:
    """The kept inputs of a target, with their names."""
    for path in sorted((CORPUS / name).iterdir()):
        yield path.name, path.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_corpus_of_a_target_breaks_nothing(name: str) -> None:
    """Every kept input is read, or refused with a clear error; seeds, and what once broke something."""
    for label, data in inputs(name):
        try:
            targets.TARGETS[name].run(data)
        except Exception as error:  # to say which input it was
            raise AssertionError(f"{name}/{label} breaks the target") from error


@pytest.mark.parametrize("name", NAMES)
def test_every_target_has_a_small_corpus_that_gets_somewhere(name: str) -> None:
    """There are seeds, few and small, and what they reach is more than a refusal of everything."""
    kept = dict(inputs(name))
    assert any(label.startswith("seed-") for label in kept)
    assert len(kept) <= 40
    assert sum(map(len, kept.values())) <= 48_000


def test_there_is_a_target_for_every_corpus() -> None:
    """No corpus is left behind when a target goes, and all of them together stay small."""
    assert sorted(path.name for path in CORPUS.iterdir()) == NAMES
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 600_000


PLANTED = {
    "json": "gate.evidence.reading.parse.json.loads",
    "csv": "gate.evidence.reading.parse.csv.reader",
    "toml": "tomllib.loads",
    "yaml": "yaml.parse",
    "markdown": "gate.evidence.reading.markdown._parse",
    "dsse": "gate.evidence.signing.dsse.base64.b64decode",
    "junit": "gate.evidence.collectors.tests.read_report",
    "coverage_xml": "gate.evidence.collectors.coverage.cobertura.read_cobertura",
    "sarif": "gate.evidence.collectors.scans.sarif.read_log",
    "account": "gate.evidence.collectors.account.moment",
}


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_a_target_notices_a_parser_that_fails(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that is none of ours gets through every target: nothing swallows it."""

    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(PLANTED[name], fail)
    with pytest.raises(ZeroDivisionError, match="planted"):
        for _, data in inputs(name):
            targets.TARGETS[name].run(data)


def test_a_target_notices_a_wrong_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another reader reads otherwise is found; here every number is one too many."""
    real = int
    monkeypatch.setattr("gate.evidence.reading.parse.int", lambda digits: real(digits) + 1, raising=False)
    with pytest.raises(oracle.Broken, match="otherwise"):
        targets.TARGETS["json"].run(b"[1]")


def test_a_target_notices_facts_that_break_their_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """A float among the facts is our mistake, and is not taken for a refusal."""
    from gate.evidence.base.errors import InternalError

    monkeypatch.setattr("gate.evidence.collectors.account.mask", lambda _: 0.5)
    with pytest.raises(InternalError):
        targets.TARGETS["account"].run((CORPUS / "account" / "seed-example").read_bytes())


def test_a_target_notices_an_error_without_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error must say what to do."""
    from gate.evidence.base.errors import EvidenceError

    def fail(*_: Any, **__: Any) -> Any:
        raise EvidenceError("no", path="f.toml")

    monkeypatch.setattr("tomllib.loads", fail)
    with pytest.raises(oracle.Broken, match="without a part"):
        targets.TARGETS["toml"].run(b"a = 1")


def test_a_target_notices_a_signature_that_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that always says yes is found by an input that nobody signed."""
    monkeypatch.setattr("gate.evidence.signing.ed25519.verify_trusted", lambda *_: None)
    line = (CORPUS / "dsse" / "seed-line").read_bytes()
    forged = line.replace(b'"sig":"', b'"sig":"AAAA', 1).replace(b'=="}', b'"}')
    for changed in (line[:-20] + b"AAAA" + line[-16:], forged):
        try:
            targets.TARGETS["dsse"].run(changed)
        except oracle.Broken as error:
            assert "nobody made" in str(error)
            return
    pytest.fail("a forged signature was not found")


def test_mutations_of_a_database_are_databases() -> None:
    """What the mutator makes of coverage data is a SQLite file that can be read."""
    import random
    import sqlite3
    from contextlib import closing

    before = (CORPUS / "coverage_data" / "seed-branch").read_bytes()
    for seed in range(30):
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(mutate.mutate_sqlite(before, random.Random(seed)))  # noqa: S311 - as above
            assert database.execute("PRAGMA integrity_check").fetchone()


@pytest.mark.parametrize("grammar", ["json", "xml"])
def test_mutations_keep_to_the_grammar(grammar: str) -> None:
    """What the mutator makes of a document is a document again, and hardly ever the same one."""
    import json
    import random
    from xml.etree import ElementTree

    name = {"json": "sarif/seed-everything", "xml": "junit/seed-pytest"}[grammar]
    before = (CORPUS / name).read_bytes()
    changed = 0
    for seed in range(50):
        after = mutate.MUTATORS[grammar](before, random.Random(seed))  # noqa: S311 - the same each time
        changed += after != before
        if grammar == "json":
            json.loads(after.decode("utf-8", "surrogatepass"))
        else:
            ElementTree.fromstring(after)  # noqa: S314 - made here
    assert changed > 40
