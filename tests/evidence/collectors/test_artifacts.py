"""The artifact matrix: what is found, valid, covered and vouched for, each by its own rule."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import zlib
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

from gate.evidence.base.errors import EnvironmentProblem
from gate.evidence.base.limits import Limits
from gate.evidence.base.settings import validate
from gate.evidence.collectors.artifacts import ArtifactsCollector, ArtifactsOptions, default_matrix
from gate.evidence.collectors.documents import interface_map

from ...fuzz.ssh_signatures import sign

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
        "dates": [],
        "coverage_ppm": 0,
        "status": "non_compliant",
        "files": [],
    }


def test_the_shipped_matrix_reads_documents_like_their_own_collectors() -> None:
    rows = {entry.id: entry for entry in default_matrix()}
    assert len(rows) == 14
    assert rows["ibkr_interface_map"].sections == interface_map.SECTIONS


def test_the_shipped_matrix_passes_the_checks_of_a_configured_one() -> None:
    rows = [asdict(entry) for entry in default_matrix()]
    options = validate(ArtifactsOptions, {"matrix": rows})
    assert options.matrix == default_matrix()


MARKED = "still has a mark of a template, or says that it is not in force"


def test_markdown_is_covered_by_its_filled_sections(watch: Any) -> None:
    sections = {"one": ["first", "ראשון"], "two": ["second"], "three": ["third"], "four": ["fourth"]}
    text = "# Doc\n\n## First\n\nwords\n\n## Second\n\nTBD\n\n## 3. Third\n\nmore words\n"
    matrix = [row("markdown", "DOC.md", sections=sections)]
    found = only(watch("artifacts", {"DOC.md": text}, matrix=matrix).facts)
    assert (found["coverage_ppm"], found["status"], found["valid"]) == (500_000, "partial", False)
    assert found["problems"] == [
        {"path": "DOC.md", "line": None, "text": "section 'four' is not there"},
        {"path": "DOC.md", "line": 7, "text": "section 'two' (Second) is not filled in"},
        {"path": "DOC.md", "line": 9, "text": MARKED},
    ]
    found = only(watch("artifacts", {}, matrix=matrix, compliant_from_ppm=500_000, partial_from_ppm=0).facts)
    assert found["status"] == "compliant"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("# Doc\n\nAll said.\n", []),
        ("", [(None, "is empty")]),
        ("# Doc\n\n## Part\n\n[TO BE FILLED]\n\nTBD\n", [(1, "'Doc'"), (3, "'Part'"), (5, MARKED)]),
        ("# Doc\n\nAll said.\n\nThe checks are skipped.\n\nTBD\n", [(1, "'Doc'"), (5, MARKED)]),
    ],
)
def test_markdown_without_required_sections(watch: Any, text: str, problems: list[Any]) -> None:
    found = only(watch("artifacts", {"DOC.md": text}, matrix=[row("markdown", "DOC.md")]).facts)
    assert [problem["line"] for problem in found["problems"]] == [line for line, _ in problems]
    for problem, (_, said) in zip(found["problems"], problems, strict=True):
        assert said in problem["text"]
    assert found["coverage_ppm"] == (0 if problems else 1_000_000)


def test_python_must_parse_hold_code_and_implement_its_operations(watch: Any) -> None:
    text = "class C:\n    def connect(self): return self.ib.connect()\n    def disconnect(self): pass\n"
    operations = ["connect", "disconnect", "positions"]
    matrix = [row("python", "a.py", operations=operations)]
    found = only(watch("artifacts", {"a.py": text}, matrix=matrix).facts)
    assert found["coverage_ppm"] == 333_333
    assert [problem["text"] for problem in found["problems"]] == [
        "operation 'positions' is not implemented",
        "C.disconnect is a stub: the body is only `pass`",
    ]
    # a test's double of the broker leads nowhere, and need not
    for path, share in (("a.py", 0), ("tests/a.py", 1_000_000)):
        matrix_of = [row("python", path, operations=["connect"])]
        made = "class C:\n    def connect(self): return self.x\n"
        found = only(watch("artifacts", {path: made}, matrix=matrix_of).facts)
        assert found["coverage_ppm"] == share
    # one file of the client may leave the work to another, whatever passes it in
    handler = "class H:\n    def place_order(self, o): return self.ib.placeOrder(o)\n"
    client = "class C:\n    def place_order(self, o): return self.h.place_order(o)\n"
    matrix_of = [row("python", "ib_client.py", operations=["place_order"])]
    for inner, share in ((handler, 1_000_000), (handler.replace("self.ib.placeOrder(o)", "True"), 0)):
        files = {"ib_client.py": client, "ib_handler.py": inner}
        assert only(watch("artifacts", files, matrix=matrix_of).facts)["coverage_ppm"] == share
    for broken, said in (("class C:\n  def (", "not valid Python"), ('"""words"""\n', "holds no code")):
        found = only(watch("artifacts", {"a.py": broken}, matrix=matrix).facts)
        assert (found["coverage_ppm"], found["valid"]) == (0, False)
        assert said in " ".join(problem["text"] for problem in found["problems"])
    found = only(watch("artifacts", {"a.py": "x = 1\n"}, matrix=[row("python", "*.py")]).facts)
    assert (found["valid"], found["status"]) == (True, "compliant")


def test_schemas_and_tests_are_all_or_nothing(watch: Any) -> None:
    good = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "string"}
    files = {"c/a.json": good, "c/b.json": good | {"type": "objekt"}, "t/stage6_a.py": "def test_a(): id()\n"}
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
    ],
)
def test_a_malformed_file_is_found_and_not_valid_with_the_reason(
    watch: Any, path: str, content: str | bytes, said: str
) -> None:
    evidence = watch("artifacts", {path: content})
    (found,) = (one for one in evidence.facts["rows"] if one["found"])
    assert (found["valid"], found["coverage_ppm"], found["paths"]) == (False, 0, [path])
    assert any(said in one["text"] and one["path"] == path for one in found["problems"])
    assert {problem.fact for problem in evidence.problems} <= {"commit", "decisions"}


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("trust/allowed_signers", "dana\n", "key"),
        ("signatures/artifacts.sha256", "abc  x\n", "not in the format of sha256sum"),
    ],
)
def test_a_malformed_list_of_signers_or_digests_is_rejected(
    watch: Any, path: str, content: str, said: str
) -> None:
    evidence = watch("artifacts", {path: content, "QA.json": "1"}, matrix=[row("json", "*.json")])
    found, _no_git = evidence.problems
    assert (found.fact, found.kind.value, found.path) == ("rows", "rejected", path)
    assert said in found.reason
    assert only(evidence.facts)["valid"] is True


def test_linked_and_oversized_artifacts_are_found_and_not_valid(watch: Any, tmp_path: Path) -> None:
    matrix = [row("markdown", "*.md")]
    facts = watch("artifacts", {"B.md": "# words\n\nmore"}, matrix=matrix, limits=Limits(text_bytes=4)).facts
    assert "larger than 4 bytes" in only(facts)["problems"][0]["text"]
    (tmp_path / "A.md").symlink_to("/etc/passwd")
    found = only(watch("artifacts", {}, matrix=matrix).facts)
    assert (found["found"], found["valid"], found["signed"]) == (True, False, "none")
    assert [(one["path"], one["text"]) for one in found["problems"]] == [
        ("A.md", "is a symbolic link, which evidence may not be")
    ]
    assert [one["path"] for one in found["files"]] == ["B.md"]


def test_a_mark_before_the_first_section_leaves_a_document_invalid(watch: Any) -> None:
    matrix = [row("markdown", "DOC.md", sections={"one": ["first"]})]
    text = "# Doc\n\n**Status:** TEMPLATE\n\n## First\n\nwords\n\n## Other\n\nTBD\n"
    found = only(watch("artifacts", {"DOC.md": text}, matrix=matrix).facts)
    assert (found["valid"], found["coverage_ppm"]) == (False, 1_000_000)
    assert [(one["line"], one["text"]) for one in found["problems"]] == [
        (3, "still has a mark of a template, or says that it is not in force"),
        (11, "still has a mark of a template, or says that it is not in force"),
    ]


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


def test_a_manifest_may_be_tagged_in_capitals_and_have_windows_line_ends(watch: Any, signer: Any) -> None:
    sign_file, allowed = signer
    first, second = (hashlib.sha256(content).hexdigest() for content in (b"1", b"2"))
    manifest = f"SHA256 (a.json) = {first}\r\n{second.upper()} *b.json\r\n".encode()
    files: dict[str, Any] = {
        "a.json": "1",
        "b.json": "2",
        "trust/allowed_signers": allowed,
        "signatures/artifacts.sha256": manifest,
        "signatures/artifacts.sha256.sig": sign_file(manifest),
    }
    assert only(watch("artifacts", files, matrix=[row("json", "*.json")]).facts)["signed"] == "manifest"


class Git:
    """A real repository in the workspace, with the keys of dana (trusted) and mallory (not)."""

    def __init__(self, root: Path, keys: Path) -> None:
        self.root, self.keys = root, keys
        for name in ("dana", "mallory"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(keys / name)]
            subprocess.run(command, check=True)
        self.run("init", "-q", "-b", "main")

    def run(self, *arguments: str, when: int = 1704067200) -> str:
        fixed = {
            "GIT_AUTHOR_DATE": f"{when} +0000",
            "GIT_COMMITTER_DATE": f"{when} +0000",
            "HOME": str(self.keys),
        }
        identity = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "gpg.format=ssh"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.root, env=os.environ | fixed, capture_output=True, check=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, key: str = "", when: int = 1704067200) -> str:
        self.run("add", "-A", ".")
        signing = ["-c", f"user.signingkey={self.keys / key}", "commit", "-S"] if key else ["commit"]
        self.run(*signing, "-q", "--allow-empty", "-m", "a change", when=when)
        return self.run("rev-parse", "HEAD")

    def tag(self, name: str, key: str, *more: str) -> None:
        self.run("-c", f"user.signingkey={self.keys / key}", "tag", "-s", "-m", "x", name, *more)

    def allowed(self, options: str = "") -> str:
        public = (self.keys / "dana.pub").read_text().split()
        return f"dana@example.com {options} {public[0]} {public[1]}\n"


@pytest.fixture
def repo(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Git:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("needs OpenSSH's ssh-keygen")
    return Git(tmp_path, tmp_path_factory.mktemp("keys"))


JSON = [row("json", "*.json")]


def signed(facts: dict[str, Any]) -> tuple[str, str | None]:
    found = only(facts)
    return found["signed"], found["signed_by"]


def test_an_unmodified_tracked_file_is_implicitly_covered_by_its_commit(watch: Any, repo: Git) -> None:
    matrix = [row("json", "w/*.json")]
    watch("artifacts", {"w/a.json": "1"}, matrix=matrix)
    repo.run("add", "w")
    before = watch("artifacts", {}, matrix=matrix).facts
    assert signed(before) == ("none", None)
    assert only(before)["files"][0]["tracked"] is None
    commit = repo.commit()
    facts = watch("artifacts", {}, matrix=matrix).facts
    assert signed(facts) == ("commit", commit)
    assert [(one["commit"], one["tag"], one["state"]) for one in facts["signatures"]] == [
        (commit, None, "unsigned")
    ]
    assert signed(watch("artifacts", {"w/a.json": "2"}, matrix=matrix).facts) == ("none", None)


def test_each_file_has_size_digest_and_history(watch: Any, repo: Git) -> None:
    watch("artifacts", {"a.json": "[1]", "b.json": "2"}, matrix=JSON)
    repo.commit()
    watch("artifacts", {"b.json": "22"}, matrix=JSON)
    second = repo.commit()
    found = only(watch("artifacts", {"b.json": "23", "c.json": "{}"}, matrix=JSON).facts)["files"]

    def expected(path: str, text: str, tracked: bool, signed: str) -> dict[str, Any]:
        return {
            "path": path,
            "bytes": len(text),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "tracked": tracked,
            "signed": signed,
            "signed_by": second if signed == "commit" else None,
        }

    assert found == [
        expected("a.json", "[1]", True, "commit"),
        expected("b.json", "23", True, "none"),
        expected("c.json", "{}", False, "none"),
    ]


def test_without_git_a_file_has_no_history(watch: Any) -> None:
    facts = watch("artifacts", {"a.json": "1"}, matrix=JSON).facts
    (found,) = only(facts)["files"]
    assert (found["tracked"], found["signed"]) == (None, "none")
    assert facts["signatures"] == []


def test_a_commit_signed_by_an_allowed_signer_covers_what_it_holds(watch: Any, repo: Git) -> None:
    files = {"a.json": "1", "b.json": "2", "trust/allowed_signers": repo.allowed()}
    watch("artifacts", files, matrix=JSON)
    commit = repo.commit("dana")
    facts = watch("artifacts", {}, matrix=JSON).facts
    assert signed(facts) == ("signed_commit", "dana@example.com")
    printed = subprocess.run(
        ["ssh-keygen", "-lf", repo.keys / "dana.pub"], capture_output=True, check=True, text=True
    )
    assert facts["signatures"] == [
        {
            "commit": commit,
            "tag": None,
            "state": "valid",
            "signed_by": "dana@example.com",
            "key": printed.stdout.split()[1],
            "time_s": 1704067200,
            "problem": None,
        }
    ]

    edited = only(watch("artifacts", {"b.json": "3"}, matrix=JSON).facts)
    assert edited["signed"] == "none"
    assert [one["signed"] for one in edited["files"]] == ["signed_commit", "none"]

    repo.commit()  # the new content, by nobody: what was signed is not what is there
    assert signed(watch("artifacts", {}, matrix=JSON).facts)[0] == "commit"
    repo.commit("mallory")
    facts = watch("artifacts", {}, matrix=JSON).facts
    assert signed(facts)[0] == "commit"
    assert facts["signatures"][0]["state"] == "unknown_signer"


@pytest.mark.parametrize(
    ("options", "method"),
    [
        ("", "signed_commit"),
        ('namespaces="git,file"', "signed_commit"),
        ('namespaces="file"', "commit"),
        ('valid-before="20231231Z"', "commit"),
        ('valid-after="20240102Z"', "commit"),
        ('valid-after="20231231Z",valid-before="20240102Z"', "signed_commit"),
    ],
)
def test_a_key_counts_where_and_when_it_is_allowed(watch: Any, repo: Git, options: str, method: str) -> None:
    files = {"a.json": "1", "trust/allowed_signers": repo.allowed(options)}
    watch("artifacts", files, matrix=JSON)
    repo.commit("dana")
    facts = watch("artifacts", {}, matrix=JSON).facts
    assert signed(facts)[0] == method
    assert facts["signatures"][0]["state"] == ("valid" if method == "signed_commit" else "unknown_signer")


def test_a_signed_tag_on_the_commit_covers_it_too(watch: Any, repo: Git) -> None:
    watch("artifacts", {"a.json": "1", "trust/allowed_signers": repo.allowed()}, matrix=JSON)
    first = repo.commit()
    repo.run("tag", "light")
    repo.run("tag", "-a", "-m", "x", "annotated")
    repo.tag("strange", "mallory")
    assert signed(watch("artifacts", {}, matrix=JSON).facts) == ("commit", first)
    repo.tag("v1", "dana")
    facts = watch("artifacts", {}, matrix=JSON).facts
    assert signed(facts) == ("signed_tag", "dana@example.com")
    assert [(one["tag"], one["state"]) for one in facts["signatures"]] == [
        (None, "unsigned"),
        ("strange", "unknown_signer"),
        ("v1", "valid"),
    ]
    assert signed(watch("artifacts", {"a.json": "2"}, matrix=JSON).facts)[0] == "none"
    second = repo.commit()
    assert signed(watch("artifacts", {}, matrix=JSON).facts) == ("commit", second)
    repo.tag("back", "dana", first)
    assert signed(watch("artifacts", {}, matrix=JSON).facts) == ("commit", second)


def test_a_row_is_as_good_as_its_weakest_file(watch: Any, repo: Git, signer: Any) -> None:
    sign_file, allowed = signer
    files = {"a.json": "1", "b.json": "2", "trust/allowed_signers": repo.allowed() + allowed}
    watch("artifacts", files | {"a.json.sig": sign_file(b"1")}, matrix=JSON)
    repo.commit("dana")
    found = only(watch("artifacts", {}, matrix=JSON).facts)
    assert [one["signed"] for one in found["files"]] == ["detached", "signed_commit"]
    assert found["signed"] == "signed_commit"


def test_a_workspace_in_a_subdirectory(watch: Any, tmp_path: Path, repo: Git) -> None:
    from gate.evidence.collecting.runner import observe
    from gate.evidence.reading.workspace import Workspace

    files = {"a.json": "9", "deep/a.json": "1", "deep/trust/allowed_signers": repo.allowed()}
    watch("artifacts", files, matrix=JSON)
    repo.commit("dana")
    collector = ArtifactsCollector(validate(ArtifactsOptions, {"matrix": JSON}))
    found = only(observe(Workspace(tmp_path / "deep"), collector).facts)
    assert (found["signed"], found["paths"]) == ("signed_commit", ["a.json"])
    (tmp_path / "deep" / "a.json").write_text("9")  # what the commit has elsewhere
    assert only(observe(Workspace(tmp_path / "deep"), collector).facts)["signed"] == "none"


def test_a_tree_changed_behind_the_signature_is_refused(watch: Any, tmp_path: Path, repo: Git) -> None:
    """The signed commit is as it was, but the object store now shows another file in it."""
    matrix = [row("json", "w/*.json")]
    files = {"w/a.json": "1", "trust/allowed_signers": repo.allowed()}
    watch("artifacts", files, matrix=matrix)
    repo.commit("dana")
    (tmp_path / "w" / "a.json").write_text("2")
    tree, good = repo.run("rev-parse", "HEAD:w"), repo.run("rev-parse", "HEAD:w/a.json")
    evil = repo.run("hash-object", "-w", "w/a.json")
    content = b"100644 a.json\x00" + bytes.fromhex(evil)
    stored = tmp_path / ".git" / "objects" / tree[:2] / tree[2:]
    stored.unlink()
    stored.write_bytes(zlib.compress(b"tree %d\x00" % len(content) + content))
    assert good != evil
    with pytest.raises(EnvironmentProblem, match="is not what its name says"):
        watch("artifacts", {}, matrix=matrix)


def test_git_is_asked_a_few_times_however_many_files_there_are(
    watch: Any, repo: Git, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch("artifacts", {f"{number}.json": "1" for number in range(60)}, matrix=JSON)
    repo.commit()
    folder = tmp_path_factory.mktemp("bin")
    calls = folder / "calls"
    (folder / "git").write_text(f'#!/bin/sh\necho "$*" >> {calls}\nexec {shutil.which("git")} "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    assert signed(watch("artifacts", {}, matrix=JSON).facts)[0] == "commit"
    assert len(calls.read_text().splitlines()) <= 4


names = st.sampled_from(["a.json", "b.json", "c.txt", "deep/a.json"])


@given(st.sets(names), st.sampled_from(["*.json", "**/*.json", "a.json", "x"]))
def test_found_is_what_the_pattern_matches(
    tmp_path_factory: pytest.TempPathFactory, files: set[str], pattern: str
) -> None:
    from gate.evidence.collecting.runner import observe
    from gate.evidence.reading.workspace import Workspace

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


def test_the_days_before_a_documents_sections_are_read(watch: Any) -> None:
    """Those of its history are not, and neither is a day that does not exist."""
    text = "# A\n\nApproved on 2025-12-01, valid until 2026-06-30.\nReviewed: 2025-02-30\n\n"
    text += "## S\n\nExpires: 2020-01-01\n"
    matrix = [{"id": "a", "kind": "markdown", "pattern": "A.md"}]
    (row,) = watch("artifacts", {"A.md": text}, matrix=matrix).facts["rows"]
    assert [(date["line"], date["kind"], date["at_s"]) for date in row["dates"]] == [
        (3, "expires", 1_782_864_000),
        (3, "approved", 1_764_547_200),
    ]
