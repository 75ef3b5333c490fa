"""Signed commits and tags: which count, from when, and what an edited one is worth."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import EnvironmentProblem
from gate.evidence.reading import git
from gate.evidence.reading.git.history import History
from gate.evidence.reading.git.signatures import split

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH's ssh-keygen")


@needs_ssh
def test_signed_and_unsigned_commits(signing: Any) -> None:
    dana = signing.signer("dana")
    unsigned = signing.commit({"a": "1"})
    good = signing.commit({"a": "2"}, key="dana")
    bad = signing.commit({"a": "3"}, key="mallory")
    history = signing.history
    found = history.verify_commit(good, dana)
    assert (found.state, found.principal, found.time_s, found.problem) == (
        "valid",
        "dana@example.com",
        1704067200,
        None,
    )
    printed = subprocess.run(["ssh-keygen", "-lf", signing.keys / "dana.pub"], capture_output=True, text=True)
    assert found.key == printed.stdout.split()[1]
    assert history.verify_commit(unsigned, dana).state == "unsigned"
    for commit, signers in ((bad, dana), (good, b""), (good, signing.signer("mallory")),
                            (good, signing.signer("dana", 'namespaces="file"'))):  # fmt: skip
        result = history.verify_commit(commit, signers)
        assert (result.state, result.principal) == ("unknown_signer", None)
        assert result.key and result.problem
    both = signing.signer("mallory", principal="mal@x") + b"# comment\n" + dana
    assert history.verify_commit(good, both).principal == "dana@example.com"
    with pytest.raises(EnvironmentProblem, match="there is no commit"):
        history.verify_commit("0" * 40, dana)


@pytest.mark.soak
@needs_ssh
@pytest.mark.parametrize(
    ("options", "state"),
    [
        ('valid-before="20231231235959Z"', "unknown_signer"),
        ('valid-after="20240101000001Z"', "unknown_signer"),
        ('valid-after="20240101000000Z"', "valid"),
        ('valid-after="20230101Z",valid-before="20240101000001Z"', "valid"),
        ('namespaces="git",valid-before="20240101000001Z"', "valid"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_the_time_that_counts_is_the_one_that_is_signed(
    signing: Any, monkeypatch: pytest.MonkeyPatch, options: str, state: str, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    commit = signing.commit({"a": "1"}, key="dana")
    signing.tag("v1", "dana")
    signers = signing.signer("dana", options)
    history = signing.history
    assert history.verify_commit(commit, signers).state == state
    (tag,) = history.signed_tags(commit)
    assert history.verify_tag(tag, signers).state == state


@needs_ssh
def test_an_edited_commit_is_invalid(signing: Any) -> None:
    dana = signing.signer("dana")
    commit = signing.commit({"a": "1"}, key="dana")
    raw = signing.raw("commit", commit)
    payload, armored = split("commit", raw, 40)
    assert armored is not None and payload + armored != raw
    edits = {
        "message": raw.replace(b"a change", b"A change"),
        "time": raw.replace(b"1704067200", b"1704067201"),
        "garbled": raw.replace(b"U1NIU0lH", b"U1NIU0lX"),
    }
    for edited in edits.values():
        found = signing.history.verify_commit(signing.store("commit", edited), dana)
        assert found.state == "invalid" and found.problem
    pgp = raw.replace(b"SSH SIGNATURE", b"PGP SIGNATURE")
    assert signing.history.verify_commit(signing.store("commit", pgp), dana).state == "unsupported"


@needs_ssh
def test_a_commit_without_a_time_is_never_valid(signing: Any) -> None:
    """Git would let the key be valid today."""
    commit = signing.commit({"a": "1"}, key="dana", when="@0 +0000")
    assert signing.history.verify_commit(commit, signing.signer("dana")).state == "invalid"


@needs_ssh
def test_only_a_signed_annotated_tag_of_that_commit_counts(signing: Any) -> None:
    dana = signing.signer("dana")
    other = signing.commit({"a": "1"})
    signing.tag("elsewhere", "dana")
    commit = signing.commit({"a": "2"})
    signing.run("tag", "light")
    signing.run("tag", "-a", "-m", "x", "unsigned")
    signing.tag("good", "dana")
    signing.tag("strange", "mallory")
    signing.tag("of-a-tag", "dana", "good")
    signing.run("update-ref", "refs/tags/renamed", signing.run("rev-parse", "refs/tags/good"))
    history = signing.history
    tags = history.signed_tags(commit)
    assert [tag.name for tag in tags] == ["good", "strange"]
    assert [history.verify_tag(tag, dana).state for tag in tags] == ["valid", "unknown_signer"]
    assert history.verify_tag(tags[0], dana).principal == "dana@example.com"
    moved = type(tags[0])("good", tags[0].id, other)
    assert history.verify_tag(moved, dana).state == "invalid"
    assert history.verify_tag(type(tags[0])("good", commit, commit), dana).state == "invalid"
    assert [tag.name for tag in history.signed_tags(other)] == ["elsewhere"]
    forged = signing.raw("tag", "good").replace(b"object " + commit.encode(), b"object " + other.encode())
    signing.run("update-ref", "refs/tags/good", signing.store("tag", forged))
    (first, _) = signing.history.signed_tags(other)[::-1]
    assert signing.history.verify_tag(first, dana).state == "invalid"
    for number in range(30):
        signing.tag(f"many{number:02}", "dana", commit)
    assert len(signing.history.signed_tags(commit)) <= 20


@needs_ssh
def test_a_sha256_repository(signing: Any, make_repository: Any, tmp_path: Path) -> None:
    other = make_repository(tmp_path / "long", signing.keys)
    signing.run("init", "-q", "--object-format=sha256", str(other.root))
    commit = other.commit({"sub/a": "1\n"}, key="dana")
    other.tag("v1", "dana")
    history = History(other.root / "sub")
    assert len(commit) == 64
    assert history.resolve(commit[:10]) == commit
    assert history.verify_commit(commit, other.signer("dana")).state == "valid"
    (tag,) = history.signed_tags(commit)
    assert history.verify_tag(tag, other.signer("dana")).state == "valid"
    assert history.proven_files(commit, ["a"]) == {"a": git.blob_id(b"1\n", "sha256")}
    assert history.changed_lines(commit, "a", b"1\n2\n") == {2}
