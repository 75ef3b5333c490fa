"""Which attestations there must be, by the settings: there, not there, or not to be told."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.collecting.interface import Evidence

WHEEL = b"wheel\n"
SHA256 = hashlib.sha256(WHEEL).hexdigest()
REVIEW = "https://example.com/review/v1"
Row = dict[str, Any]


@pytest.fixture
def require(watch: Any, workshop: Any) -> Any:
    """``require(required, attestations, files, **attester)``: the evidence, with one attester."""

    def run(
        required: Any, attestations: dict[str, Any] | None = None, files: Any = None, **changes: Any
    ) -> Evidence:
        build = {"key": workshop.key("ed25519"), **changes}
        review = {"key": workshop.key("rsa"), "predicate_types": [REVIEW]}
        trust = workshop.trusting(build=build, review=review, required=required)
        given = {f"attestations/{name}": value for name, value in (attestations or {}).items()}
        content = {"dist/a.whl": WHEEL, **(files or {}), **given, "trust/attesters.yaml": trust}
        found: Evidence = watch("attestations", content, attesters="trust/attesters.yaml")
        return found

    return run


def wanted(workshop: Any, subject: str = "dist/*", predicate: str | None = None, *by: str) -> Row:
    """A requirement."""
    named = {"attesters": list(by)} if by else {}
    return {"predicate_type": predicate or workshop.predicate, "subject": subject, **named}


def rows(evidence: Evidence) -> list[tuple[Any, ...]]:
    """What is required, in short."""
    return [(one["target"], one["attested_by"], one["why_not"]) for one in evidence.facts["required"]]


def test_every_file_that_a_subject_names_has_to_be_attested(require: Any, workshop: Any) -> None:
    """By its bytes: the subject's name proves nothing, and a copy is as good."""
    attested = workshop.envelope(workshop.statement({"sha256": SHA256}, name="whatever"), "ed25519")
    files = {"dist/b.whl": b"other\n", "dist/copy.whl": WHEEL}
    evidence = require([wanted(workshop)], {"a.json": attested}, files)
    assert rows(evidence) == [
        ("dist/a.whl", ["attestations/a.json"], None),
        ("dist/b.whl", [], "attestations/a.json of this predicate type is about something else"),
        ("dist/copy.whl", ["attestations/a.json"], None),
    ]
    assert evidence.problems == ()


@pytest.mark.parametrize(
    ("digests", "matches"),
    [
        ({"sha256": SHA256}, ["dist/a.whl"]),
        ({"sha512": hashlib.sha512(WHEEL).hexdigest()}, ["dist/a.whl"]),
        ({"sha256": SHA256, "sha512": "0" * 128}, []),
        ({"sha256": SHA256, "sha1": "0" * 40}, ["dist/a.whl"]),
        ({"sha256": SHA256, "gitCommit": "0" * 40}, []),
        ({"md5": "0" * 32}, []),
        ({"sha1": hashlib.sha1(WHEEL, usedforsecurity=False).hexdigest()}, []),
    ],
)
def test_all_digests_of_a_known_strong_kind_have_to_fit(
    require: Any, workshop: Any, digests: Any, matches: Any
) -> None:
    evidence = require([], {"a.json": workshop.envelope(workshop.statement(digests), "ed25519")})
    assert evidence.facts["attestations"][0]["subjects"][0]["matches"] == matches
    assert (evidence.facts["required"], evidence.facts["configured"]) == ([], True)


def test_nothing_is_required_where_settings_name_no_attesters(watch: Any) -> None:
    evidence = watch("attestations", {"a.py": "1"})
    assert evidence.facts == {
        "configured": False, "files": [], "total": 0, "attestations": [], "required": [],
    }  # fmt: skip
    assert evidence.problems == ()
    assert {(one.fact, one.looked_at) for one in evidence.scopes} >= {("required", 1), ("", 0)}


def test_why_something_is_not_attested(require: Any, workshop: Any) -> None:
    payload = workshop.statement({"sha256": SHA256})
    by_other = workshop.envelope(workshop.statement({"sha256": SHA256}, REVIEW), "ed25519")
    assert rows(require([wanted(workshop, "gone/*")])) == [(None, [], "no file of that name is there")]
    (one,) = rows(require([wanted(workshop)]))
    assert one[2] == "there is no attestation of this predicate type"
    (one,) = rows(require([wanted(workshop)], {"a.json": workshop.envelope(payload, "p256")}))
    assert one[2] == "attestations/a.json: no accepted key made the signature"
    (one,) = rows(require([wanted(workshop, "dist/*", REVIEW)], {"a.json": by_other}))
    assert one[2] == "attestations/a.json: signed by build, who may not attest this predicate type"


def test_who_may_attest_what(require: Any, workshop: Any) -> None:
    """By the attester's subjects, and by whom the requirement names."""
    good = {"a.json": workshop.envelope(workshop.statement({"sha256": SHA256}), "ed25519")}
    both = [workshop.predicate, REVIEW]
    asked = [wanted(workshop, "dist/*", None, "build")]
    assert rows(require(asked, good, subjects=["dist/*.whl"]))[0][1] == ["attestations/a.json"]
    refused = "attestations/a.json is signed by build, who may not attest this"
    assert rows(require(asked, good, subjects=["commit", "*"]))[0] == ("dist/a.whl", [], refused)
    review = {"a.json": workshop.envelope(workshop.statement({"sha256": SHA256}, REVIEW), "ed25519")}
    asked = [wanted(workshop, "dist/*", REVIEW, "review")]
    assert rows(require(asked, review, predicate_types=both))[0] == ("dist/a.whl", [], refused)


def git(root: Path, *arguments: str) -> str:
    """Run git as somebody."""
    who = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com"]
    done = subprocess.run(["git", *who, *arguments], cwd=root, capture_output=True, check=True)
    return done.stdout.decode().strip()


def test_the_commit_is_the_one_checked_out(require: Any, workshop: Any, tmp_path: Path) -> None:
    asked = [wanted(workshop, "commit")]
    unknown = require(asked)
    (problem,) = unknown.problems
    assert (problem.fact, problem.kind) == ("required", "unknown")
    assert rows(unknown) == [("commit", [], None)]
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    for digests, there in (
        ({"gitCommit": head}, True),
        ({"sha1": head}, True),
        ({"gitCommit": head, "sha1": "0" * 40}, False),
        ({"gitCommit": "0" * 40}, False),
    ):
        envelope = workshop.envelope(workshop.statement(digests, name="git+https://example.com"), "ed25519")
        assert bool(rows(require(asked, {"a.json": envelope}))[0][1]) is there


def test_a_file_that_is_rejected_may_be_the_one_that_is_missing(require: Any, workshop: Any) -> None:
    good = {"a.json": workshop.envelope(workshop.statement({"sha256": SHA256}), "ed25519")}
    missing = require([wanted(workshop)], {"b.json": "{"})
    assert {one.fact for one in missing.problems} == {"attestations", "required"}
    there = require([wanted(workshop)], {**good, "b.json": "{"})
    assert {one.fact for one in there.problems} == {"attestations"}


BAD: dict[str, Callable[[Any, Row], Any]] = {
    "is not one PEM public key": lambda w, a: a.update(key="nonsense"),
    "is no PEM public key that can be read": lambda w, a: a.update(key=w.key("rsa").replace("MII", "MIJ")),
    "is a key of a type that is not accepted": lambda w, a: a.update(key=w.new("ED448")),
    "is an RSA key of 1024 bits": lambda w, a: a.update(key=w.new("RSA -pkeyopt rsa_keygen_bits:1024")),
    "either a key, or authorities": lambda w, a: a.update(authorities=w.authority),
    "is no list of PEM certificates": lambda w, a: (a.pop("key"), a.update(identity="x", authorities="x")),
    "is about certificates": lambda w, a: a.update(log_key=w.key("log")),
    "is not a path inside the workspace": lambda w, a: a.update(subjects=["../x"]),
    "does not keep to the contract": lambda w, a: a.update(predicate_types=[]),
    "is a required property": lambda w, a: a.pop("predicate_types"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_wrong_file_of_attesters_is_named_with_its_place(watch: Any, workshop: Any, what: str) -> None:
    stated = {"key": workshop.key("ed25519"), "predicate_types": [workshop.predicate]}
    BAD[what](workshop, stated)
    text = json.dumps({"type": "gate.attesters/v1", "attesters": {"build": stated}})
    evidence = watch("attestations", {"t.yaml": text}, attesters="t.yaml")
    (problem,) = evidence.problems
    assert (problem.fact, problem.path, evidence.facts["required"]) == ("required", "t.yaml", None)
    assert what in problem.reason and problem.place.startswith("/attesters/build")
    absent = watch("attestations", {}, attesters="other.yaml")
    assert absent.facts["required"] is None and absent.problems[0].path == "other.yaml"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"attesters": ["bild"]}, "there is no attester 'bild'"),
        ({"predicate_type": REVIEW, "attesters": ["build"]}, "nobody who may attest this predicate type"),
        ({"subject": "/etc/passwd"}, "is not a path inside the workspace"),
    ],
)
def test_what_can_never_be_met_is_a_mistake(require: Any, workshop: Any, change: Any, what: str) -> None:
    evidence = require([{**wanted(workshop), **change}])
    (problem,) = evidence.problems
    assert what in problem.reason and problem.place.startswith("/required/0")


# the program


def decide(gate: Any, root: Path, *options: str | Path) -> tuple[Any, list[str]]:
    """A decision about stage 1: the check of the required attestations, and alterations."""
    done = gate("evaluate", "stage1", "-w", root, *options, "-o", "json", "--no-record")
    assert done.code in (0, 1), done.err
    decision = json.loads(done.out)
    (check,) = [one for one in decision["checks"] if one["code"] == "stage1.attestations_required"]
    return check, [one["text"] for one in decision["trust"]["alterations"]]


@pytest.fixture
def attested(copy_example: Any, workshop: Any) -> Callable[[str], Path]:
    """A factory of ready examples: a key attests all of ``algo_trade``, as is required of another."""

    def make(key: str) -> Path:
        root: Path = copy_example("ready")
        asked = [wanted(workshop, "algo_trade/**/*.py")]
        trust = workshop.trusting(build={"key": workshop.key("ed25519")}, required=asked)
        (root / "trust/attesters.yaml").write_text(trust)
        with (root / "gate.yaml").open("a") as file:
            file.write("\nattesters: trust/attesters.yaml\n")
        lines = []
        for path in sorted(root.glob("algo_trade/**/*.py")):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(json.dumps(workshop.envelope(workshop.statement({"sha256": digest}), key)))
        (root / "attestations").mkdir()
        (root / "attestations/all.jsonl").write_text("\n".join(lines) + "\n")
        return root

    return make


def test_an_operator_requires_attestations_and_they_are_there(
    gate: Any, attested: Any, operator: Any
) -> None:
    root = attested("ed25519")
    conf = operator(root)
    (root / "trust/attesters.yaml").unlink()  # the operator's copy is in force
    check, _ = decide(gate, root, "--operator", conf)
    assert check["status"] == "holds"
    files = len(list(root.glob("algo_trade/**/*.py")))
    assert check["operands"][0]["actual"] == files > 1


def test_a_change_that_brings_its_own_attester_is_judged_by_the_base(
    gate: Any, attested: Any, workshop: Any
) -> None:
    """The attack: the change puts its own key into the file and attests everything itself."""
    root = attested("rsa")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "base")
    git(root, "branch", "base")
    own = workshop.trusting(build={"key": workshop.key("rsa")})
    (root / "trust/attesters.yaml").write_text(own)
    git(root, "commit", "-q", "-a", "-m", "change")
    check, altered = decide(gate, root, "--trust-ref", "base")
    assert altered == ["changed trust/attesters.yaml"]
    assert check["status"] == "violated"
    (operand,) = [one for one in check["operands"] if one["name"] == "not_attested"]
    assert all("no accepted key made the signature" in one for one in operand["actual"]) and operand["actual"]


def test_the_page_shows_how_stock_tools_attest(gate: Any, make_workspace: Any) -> None:
    """Its commands run as they are, with a gate on the path."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    page = (Path(__file__).resolve().parents[3] / "docs/collectors/attestations.md").read_text()
    commands = page.partition("```bash\n")[2].partition("gate collect attestations\n```")[0]
    root = make_workspace({"dist/app.whl": WHEEL, "gate.yaml": "version: 1\n"})
    subprocess.run(["bash", "-euc", commands], cwd=root, check=True, capture_output=True)
    done = gate("collect", "attestations", "-w", root, "-o", "json")
    assert done.code == 0, done.err
    (row,) = json.loads(done.out)["attestations"]["facts"]["required"]
    assert row["attested_by"] == ["attestations/scanned.json"]
