"""The artifact matrix: what is found, valid, covered and vouched for, each by its own rule."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gate.evidence.collectors import interface_map, rollback
from gate.evidence.collectors.artifacts import ArtifactsCollector, ArtifactsOptions, default_matrix
from gate.evidence.errors import EvidenceError
from gate.evidence.limits import Limits
from gate.evidence.settings import validate
from gate.evidence.signing.sshsig import sign

Copy = Callable[..., Path]
EXAMPLES = Path(__file__).parents[3] / "examples"


def row(kind: str, pattern: str, **more: Any) -> dict[str, Any]:
    return {"id": "r", "pattern": pattern, "kind": kind, **more}


def only(facts: dict[str, Any]) -> dict[str, Any]:
    assert facts["expected"] == 1
    return dict(facts["rows"][0])


@pytest.fixture
def example(copy_example: Copy, tmp_path: Path, watch: Any) -> Callable[[str], dict[str, Any]]:
    """The facts of an example workspace outside of any repository."""

    def facts(name: str) -> dict[str, Any]:
        for path in copy_example(name, "copy").iterdir():
            path.rename(tmp_path / path.name)
        return dict(watch("artifacts", {}).facts)

    return facts


def test_the_audited_example_has_5_of_14(example: Any) -> None:
    facts = example("algo-trade")
    assert (facts["expected"], facts["found"], facts["found_ppm"]) == (14, 5, 357_142)
    assert facts["compliant_ppm"] == facts["compliant"] * 1_000_000 // 14
    rows = {entry["id"]: entry for entry in facts["rows"]}
    assert [name for name, entry in rows.items() if entry["found"]] == [
        "pre_live_checklist",
        "ibkr_mock",
        "ibkr_handler",
        "ibkr_exec_client",
        "contracts",
    ]
    assert rows["contracts"]["valid"] is True
    assert rows["ibkr_mock"]["status"] == "compliant"
    assert rows["ibkr_exec_client"]["coverage_ppm"] == 0
    assert "IBKRExecClient.place is a stub" in " ".join(
        problem["text"] for problem in rows["ibkr_exec_client"]["problems"]
    )
    assert rows["ibkr_interface_map"] == {
        "id": "ibkr_interface_map",
        "pattern": "IBKR_INTERFACE_MAP.md",
        "kind": "markdown",
        "category": "Documents",
        "found": False,
        "paths": [],
        "signed": "none",
        "signed_by": None,
        "valid": None,
        "problems": [],
        "coverage_ppm": 0,
        "status": "non_compliant",
    }


def test_the_shipped_matrix_reads_documents_like_their_own_collectors() -> None:
    rows = {entry.id: entry for entry in default_matrix()}
    assert len(rows) == 14
    assert rows["ibkr_interface_map"].sections == interface_map.SECTIONS
    assert rows["rollback_procedure"].sections == rollback.SECTIONS


def test_the_shipped_matrix_passes_the_checks_of_a_configured_one() -> None:
    rows = [asdict(entry) for entry in default_matrix()]
    options = validate(ArtifactsOptions, {"matrix": rows})
    assert options.matrix == default_matrix()


def test_markdown_is_covered_by_its_filled_sections(watch: Any) -> None:
    sections = {"one": ["first", "ראשון"], "two": ["second"], "three": ["third"], "four": ["fourth"]}
    text = "# Doc\n\n## First\n\nwords\n\n## Second\n\nTBD\n\n## 3. Third\n\nmore words\n"
    matrix = [row("markdown", "DOC.md", sections=sections)]
    found = only(watch("artifacts", {"DOC.md": text}, matrix=matrix).facts)
    assert (found["coverage_ppm"], found["status"], found["valid"]) == (500_000, "partial", False)
    assert found["problems"] == [
        {"path": "DOC.md", "line": None, "text": "section 'four' is not there"},
        {"path": "DOC.md", "line": 7, "text": "section 'two' (Second) is not filled in"},
    ]
    found = only(watch("artifacts", {}, matrix=matrix, compliant_from_ppm=500_000, partial_from_ppm=0).facts)
    assert found["status"] == "compliant"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("# Doc\n\nAll said.\n", []),
        ("", [(None, "is empty")]),
        ("# Doc\n\n## Part\n\n[TO BE FILLED]\n", [(1, "'Doc'"), (3, "'Part'")]),
    ],
)
def test_markdown_without_required_sections(watch: Any, text: str, problems: list[Any]) -> None:
    found = only(watch("artifacts", {"DOC.md": text}, matrix=[row("markdown", "DOC.md")]).facts)
    assert [problem["line"] for problem in found["problems"]] == [line for line, _ in problems]
    for problem, (_, said) in zip(found["problems"], problems, strict=True):
        assert said in problem["text"]
    assert found["coverage_ppm"] == (0 if problems else 1_000_000)


def test_python_must_parse_hold_code_and_implement_its_operations(watch: Any) -> None:
    text = "class C:\n    def connect(self): return self.x\n    def disconnect(self): pass\n"
    operations = ["connect", "disconnect", "positions"]
    matrix = [row("python", "a.py", operations=operations)]
    found = only(watch("artifacts", {"a.py": text}, matrix=matrix).facts)
    assert found["coverage_ppm"] == 333_333
    assert [problem["text"] for problem in found["problems"]] == [
        "operation 'positions' is not implemented",
        "C.disconnect is a stub: the body is only `pass`",
    ]
    for broken, said in (("class C:\n  def (", "not valid Python"), ('"""words"""\n', "holds no code")):
        found = only(watch("artifacts", {"a.py": broken}, matrix=matrix).facts)
        assert (found["coverage_ppm"], found["valid"]) == (0, False)
        assert said in " ".join(problem["text"] for problem in found["problems"])
    found = only(watch("artifacts", {"a.py": "x = 1\n"}, matrix=[row("python", "*.py")]).facts)
    assert (found["valid"], found["status"]) == (True, "compliant")


def test_schemas_and_tests_are_all_or_nothing(watch: Any) -> None:
    good = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    files = {"c/a.json": good, "c/b.json": good | {"type": "objekt"}, "t/stage6_a.py": "def test_a(): pass\n"}
    matrix = [row("json_schema", "c/*.json"), row("tests", "t/*.py") | {"id": "t"}]
    facts = watch("artifacts", files, matrix=matrix).facts
    schemas, tests = facts["rows"]
    assert schemas["coverage_ppm"] == 0
    assert schemas["problems"][0]["path"] == "c/b.json"
    assert schemas["problems"][0]["text"].startswith("/type: ")
    assert (tests["valid"], tests["status"]) == (True, "compliant")
    facts = watch("artifacts", {"t/stage6_b.py": "x = 1\n"}, matrix=matrix).facts
    assert facts["rows"][1]["problems"][0]["text"] == "defines no test function or method"


def test_csv_and_json_are_held_against_their_contract(watch: Any) -> None:
    csv = [row("csv", "m.csv", header=["metric", "value"])]
    assert only(watch("artifacts", {"m.csv": "metric,value\na,1\n"}, matrix=csv).facts)["valid"] is True
    empty = only(watch("artifacts", {"m.csv": "metric,value\n"}, matrix=csv).facts)
    assert empty["problems"] == [{"path": "m.csv", "line": None, "text": "has no row"}]
    free = [row("json", "x.json")]
    assert only(watch("artifacts", {"x.json": "[1]"}, matrix=free).facts)["valid"] is True


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("ACCOUNT_CONFIG.json", "{}", "contract 'account_config'"),
        ("ACCOUNT_CONFIG.json", "{", "malformed JSON"),
        ("PAPER_TRADING_LOG.json", "[]", "contract 'paper_trading_log'"),
        ("PRELIVE_VERIFICATION_LOG.json", "{}", "contract 'prelive_verification_log'"),
        ("PRE_LIVE_CHECKLIST.md", b"\xff", "not UTF-8"),
        ("contracts/a.json", "nope", "malformed JSON"),
        ("tests/stage6_a.py", b"\x00", "NUL"),
        ("trust/allowed_signers", "dana\n", ""),
        ("signatures/artifacts.sha256", "abc  x\n", "not in the format of sha256sum"),
    ],
)
def test_malformed_files_are_refused(watch: Any, path: str, content: str | bytes, said: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        watch("artifacts", {path: content})
    assert said in caught.value.what
    assert caught.value.path == path
    assert caught.value.remedy


def test_linked_and_oversized_artifacts_are_refused(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="larger than 4 bytes"):
        watch("artifacts", {"ROLLBACK_PROCEDURE.md": "# words"}, limits=Limits(text_bytes=4))
    (tmp_path / "ROLLBACK_PROCEDURE.md").unlink()
    (tmp_path / "ROLLBACK_PROCEDURE.md").symlink_to("/etc/passwd")
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("artifacts", {})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"matrix": []}, "at least 1 item"),
        ({"matrix": [row("markdown", "a"), row("markdown", "b")]}, "same id"),
        ({"matrix": [row("json", "a", sections={"x": ["y"]})]}, "'sections' is for rows of kind 'markdown'"),
        ({"matrix": [row("csv", "a")]}, "needs its header"),
        ({"matrix": [row("markdown", "a", sections={"x": ["("]})]}, "not a regular expression"),
        ({"matrix": [row("markdown", "a", sections={"x": []})]}, "has no pattern"),
        ({"matrix": [row("json", "a", contract="nope")]}, "no contract 'nope'"),
        ({"matrix": [row("python", "a", operations=["fly"])]}, "operations"),
        ({"matrix": [row("painting", "a")]}, "kind"),
        ({"partial_from_ppm": 900_000}, "above compliant_from_ppm"),
        ({"misspelled": 1}, "misspelled"),
    ],
)
def test_a_matrix_that_cannot_be_checked_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validate(ArtifactsOptions, options)
    assert said in str(caught.value)


@pytest.fixture
def signer(watch: Any) -> tuple[Callable[[bytes], bytes], str]:
    """Signs for dana@example.com; and the allowed_signers file that says so."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return lambda data: sign(data, "file", key), f'dana@example.com namespaces="file" {line}\n'


def test_a_detached_signature_is_by_somebody(watch: Any, signer: Any) -> None:
    sign_file, allowed = signer
    matrix = [row("json", "*.json")]
    files: dict[str, Any] = {"a.json": "1", "a.json.sig": sign_file(b"1"), "trust/allowed_signers": allowed}
    found = only(watch("artifacts", files, matrix=matrix).facts)
    assert (found["signed"], found["signed_by"]) == ("detached", "dana@example.com")

    found = only(watch("artifacts", {"b.json": "2"}, matrix=matrix).facts)
    assert (found["signed"], found["signed_by"]) == ("none", None)

    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    for bad in (sign_file(b"other"), sign(b"2", "file", other), b"nonsense"):
        found = only(watch("artifacts", {"b.json.sig": bad}, matrix=matrix).facts)
        assert found["signed"] == "none"


def test_a_signed_manifest_vouches_for_what_it_lists(watch: Any, signer: Any) -> None:
    sign_file, allowed = signer
    matrix = [row("json", "*.json")]
    lines = [f"{hashlib.sha256(content).hexdigest()}  ./{name}" for name, content in
             (("a.json", b"1"), ("b.json", b"2"))]  # fmt: skip
    manifest = ("\n".join(lines) + "\n").encode()
    files: dict[str, Any] = {
        "a.json": "1",
        "b.json": "2",
        "trust/allowed_signers": allowed,
        "signatures/artifacts.sha256": manifest,
    }
    assert only(watch("artifacts", files, matrix=matrix).facts)["signed"] == "none"
    signature = {"signatures/artifacts.sha256.sig": sign_file(manifest)}
    found = only(watch("artifacts", signature, matrix=matrix).facts)
    assert (found["signed"], found["signed_by"]) == ("manifest", "dana@example.com")
    mixed = only(watch("artifacts", {"a.json.sig": sign_file(b"1")}, matrix=matrix).facts)
    assert mixed["signed"] == "manifest"
    edited = only(watch("artifacts", {"b.json": "3"}, matrix=matrix).facts)
    assert edited["signed"] == "none"


def test_an_unmodified_tracked_file_is_implicitly_covered_by_its_commit(watch: Any, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        identity = ["-c", "user.name=D", "-c", "user.email=d@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, text=True)
        return done.stdout.strip()

    matrix = [row("json", "w/*.json")]
    run("init", "-q")
    watch("artifacts", {"w/a.json": "1"}, matrix=matrix)
    run("add", "w")
    assert only(watch("artifacts", {}, matrix=matrix).facts)["signed"] == "none"
    run("commit", "-q", "-m", "x")
    commit = run("rev-parse", "HEAD")
    found = only(watch("artifacts", {}, matrix=matrix).facts)
    assert (found["signed"], found["signed_by"]) == ("commit", commit)
    assert only(watch("artifacts", {"w/a.json": "2"}, matrix=matrix).facts)["signed"] == "none"


names = st.sampled_from(["a.json", "b.json", "c.txt", "deep/a.json"])


@given(st.sets(names), st.sampled_from(["*.json", "**/*.json", "a.json", "x"]))
def test_found_is_what_the_pattern_matches(
    tmp_path_factory: pytest.TempPathFactory, files: set[str], pattern: str
) -> None:
    from gate.evidence.runner import observe
    from gate.evidence.workspace import Workspace

    root = tmp_path_factory.mktemp("w")
    for name in files:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(json.dumps(name))
    options = validate(ArtifactsOptions, {"matrix": [row("json", pattern)]})
    found = only(observe(Workspace(root), ArtifactsCollector(options)).facts)
    expected = {
        "*.json": {name for name in files if name in ("a.json", "b.json")},
        "**/*.json": {name for name in files if name.endswith(".json")},
        "a.json": files & {"a.json"},
        "x": set[str](),
    }[pattern]
    assert set(found["paths"]) == expected
    assert found["found"] == bool(expected)
    assert found["coverage_ppm"] == (1_000_000 if expected else 0)
