"""Earlier commits, changed lines and git signatures: as git itself says; hostile repositories run nothing."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import ConfigError, EnvironmentProblem, EvidenceError
from gate.evidence.base.limits import DEFAULT, Limits
from gate.evidence.reading import git
from gate.evidence.reading.git import plumbing
from gate.evidence.reading.git.changes import changed_lines
from gate.evidence.reading.git.history import History
from gate.evidence.reading.git.objects import object_id

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH's ssh-keygen")


def test_outside_of_a_repository_there_is_nothing(tmp_path: Path) -> None:
    history = History(tmp_path)
    none = "0" * 40
    assert history.head() is None
    assert history.resolve("main") is None
    assert history.proven_files(none, ["a"]) == {}
    assert history.signed_tags(none) == ()


def test_a_branch_a_tag_and_an_abbreviation_name_a_commit(repo: Any) -> None:
    first = repo.commit({"a": "1"})
    repo.run("tag", "light")
    repo.run("tag", "-a", "-m", "x", "v1.0")
    second = repo.commit({"a": "2"})
    repo.run("branch", "ветка/b+c")
    history = repo.history
    for name in ("light", "v1.0", first, first[:9], "refs/tags/v1.0"):
        assert history.resolve(name) == first
    for name in ("main", "heads/main", "HEAD", "ветка/b+c"):
        assert history.resolve(name) == second
    blob = repo.run("rev-parse", "HEAD:a")
    for name in ("nope", blob, "0" * 40, "v1"):
        assert history.resolve(name) is None


@pytest.mark.parametrize(
    "revision",
    ["", "-x", "--all", "main:a", "main^", "main~1", "a..b", "@{u}", "main@{1}", "@", "a b", "a\nb", "a\x00",
     "^x", ":/x", "main^{tree}", "a\u2028b", "a\\b", "*", "x" * 300, "\udc80"],
)  # fmt: skip
def test_what_is_no_plain_name_is_refused(repo: Any, revision: str) -> None:
    with pytest.raises(ConfigError) as caught:
        repo.history.resolve(revision)
    assert caught.value.remedy


@given(st.text(max_size=30))
def test_any_text_is_resolved_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.getbasetemp() / "any"
    if not root.exists():
        root.mkdir()
        subprocess.run(["git", "init", "-q", str(root)], check=True)
    with suppress(ConfigError):
        assert History(root).resolve(text) is None


def test_a_commit_must_be_given_in_full(repo: Any) -> None:
    for wrong in ("main", "-x", "abc"):
        with pytest.raises(ValueError, match="not a full commit id"):
            repo.history.file(wrong, "a")


def test_files_of_an_earlier_commit_also_from_a_subdirectory(repo: Any) -> None:
    (repo.root / "sub").mkdir()
    (repo.root / "sub" / "link").symlink_to("a.txt")
    first = repo.commit({"sub/a.txt": "old", "sub/*": "star", "top": "1"})
    repo.commit({"sub/a.txt": "new"})
    (repo.root / "sub" / "a.txt").unlink()
    for history, name in ((repo.history, "sub/a.txt"), (History(repo.root / "sub"), "a.txt")):
        assert history.file(first, name) == b"old"
        assert history.files(first)[name] == git.blob_id(b"old", "sha1")
        assert history.proven_files(first, [name, "nope", "no/file"]) == {name: git.blob_id(b"old", "sha1")}
    for other in ("sub", "sub/link", "nope", "sub/a.txt/x"):
        assert repo.history.file(first, other) is None
        assert repo.history.proven_files(first, [other]) == {}
    assert repo.history.file(first, "sub/*") == b"star"
    with pytest.raises(ConfigError):
        History(repo.root / "sub").file(first, "../top")


def test_a_file_that_was_too_large_is_not_read(repo: Any) -> None:
    first = repo.commit({"a": "12345"})
    with pytest.raises(EvidenceError, match="larger than 4 bytes in an earlier commit"):
        History(repo.root, Limits(file_bytes=4)).file(first, "a")
    assert History(repo.root, Limits(file_bytes=5)).file(first, "a") == b"12345"


def added(diff: str) -> set[int]:
    """Line numbers of the lines a unified diff adds, counted line by line."""
    found = set()
    at = 0
    for line in diff.split("\n"):
        if match := re.match(r"@@ -\S+ \+(\d+)", line):
            at = int(match[1])
        elif at and line.startswith("+"):
            found.add(at)
            at += 1
    return found


lines = st.lists(
    st.sampled_from(["a\n", "b\n", "    c\n", "}\n", "\n", "x\r\n", "@@ -1 +1 @@\n"]), max_size=14
)


@given(lines, lines, st.sampled_from(["", "end", "\x00"]))
def test_changed_lines_are_those_of_git_diff(
    tmp_path_factory: pytest.TempPathFactory, make_repository: Any, old: list[str], new: list[str], tail: str
) -> None:
    root = tmp_path_factory.mktemp("d")
    repo = make_repository(root, root)
    repo.run("init", "-q")
    before, after = "".join(old) + tail, "".join(new) + tail[::-1] * 2
    first = repo.commit({"f": before})
    repo.write({"f": after})
    shown = repo.run("diff", "-U0", "--text", "--no-color", first, "--", "f")
    assert repo.history.changed_lines(first, "f", after.encode()) == added(shown)


def test_a_long_file_with_moved_blocks(repo: Any) -> None:
    chance = random.Random(3)  # noqa: S311 - a fixed one
    old = [f"line {chance.randrange(60)}\n" for _ in range(800)]
    new = old[300:500] + old[:290] + ["more\n"] * 3 + old[480:]
    first = repo.commit({"f": "".join(old)})
    repo.write({"f": "".join(new)})
    shown = repo.run("diff", "-U0", first, "--", "f")
    assert repo.history.changed_lines(first, "f", "".join(new).encode()) == added(shown)


def test_every_line_of_a_new_file_is_changed(repo: Any) -> None:
    first = repo.commit({"f": "1\n", "dir/g": "1"})
    history = repo.history
    assert history.changed_lines(first, "new", b"1\n2\n3") == {1, 2, 3}
    assert history.changed_lines(first, "dir", b"1\n") == {1}
    assert history.changed_lines(first, "new", b"") == frozenset()
    assert history.changed_lines(first, "f", b"1\n") == frozenset()
    assert history.changed_lines(first, "f", b"1") == {1}


def test_neither_attributes_nor_the_users_settings_change_the_lines(
    repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = repo.commit({"f": "a\nb\n", ".gitattributes": "* -diff\n"})
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[diff]\nalgorithm = patience\nnoprefix = true\nexternal = false\ncontext = 9\n"
        f"[core]\nattributesFile = {home / 'attributes'}\n[color]\nui = always\n"
    )
    (home / "attributes").write_text("* binary\n")
    monkeypatch.setenv("GIT_DIFF_OPTS", "-u9")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    monkeypatch.setenv("TMPDIR", str(repo.root))
    assert repo.history.changed_lines(first, "f", b"a\nc\n") == {2}
    assert changed_lines(b"\x00a\nb\n", b"\x00a\nc\n", DEFAULT) == {2}


@needs_ssh
def test_replace_refs_grafts_and_the_environment_do_not_matter(
    signing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dana = signing.signer("dana")
    first = signing.commit({"a": "1"}, key="dana")
    second = signing.commit({"b": "2"})
    third = signing.commit({"a": "3"}, key="mallory")
    signing.run("replace", third, first)
    (signing.root / ".git" / "info").mkdir(exist_ok=True)
    (signing.root / ".git" / "info" / "grafts").write_text(f"{third}\n{second}\n")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_NAMESPACE", "x")
    history = signing.history
    assert history.resolve("main") == third
    assert history.verify_commit(third, dana).state == "unknown_signer"
    assert history.file(third, "a") == b"3"
    assert history.proven_files(third, ["a"]) == {"a": git.blob_id(b"3", "sha1")}


def test_a_forged_object_store_proves_nothing(repo: Any) -> None:
    """A tree that does not have the content its id stands for: git lists it, we refuse it."""
    commit = repo.commit({"sub/a": "good\n"})
    forged_blob = repo.store("blob", b"evil\n")
    tree = repo.run("rev-parse", "HEAD:sub")
    raw = repo.raw("tree", tree)
    forged = raw.replace(bytes.fromhex(git.blob_id(b"good\n", "sha1")), bytes.fromhex(forged_blob))
    path = repo.root / ".git" / "objects" / tree[:2] / tree[2:]
    path.unlink()
    path.write_bytes(zlib.compress(b"tree %d\x00" % len(forged) + forged))
    assert object_id("tree", forged, 40) != tree
    with pytest.raises(EnvironmentProblem, match="is not what its name says"):
        repo.history.proven_files(commit, ["sub/a"])


FORGED = "is not what its name says|hash mismatch"
"""Git itself notices some of it."""


@pytest.mark.parametrize("what", ["HEAD", "HEAD^{tree}", "HEAD:sub", "HEAD:sub/a"])
def test_a_forged_object_is_never_what_a_commit_holds(repo: Any, what: str) -> None:
    """Whoever can write .git could leave the id of a trust ref as it is, and give it other settings."""
    commit = repo.commit({"sub/a": "good\n", "b": "x"})
    name, kind = repo.run("rev-parse", what), repo.run("cat-file", "-t", what)
    data = b"" if kind == "tree" else repo.raw(kind, name).replace(b"good", b"evil") + b"\n"
    path = repo.root / ".git" / "objects" / name[:2] / name[2:]
    path.unlink()
    path.write_bytes(zlib.compress(b"%s %d\x00" % (kind.encode(), len(data)) + data))
    with pytest.raises(EnvironmentProblem, match=FORGED):
        repo.history.file(commit, "sub/a")
    if kind != "blob":  # whose content is not asked for
        with pytest.raises(EnvironmentProblem, match=FORGED):
            repo.history.files(commit)
    if kind == "commit":
        with pytest.raises(EnvironmentProblem, match=FORGED):
            repo.history.head()
        path.unlink()
        with pytest.raises(EnvironmentProblem, match=FORGED):
            repo.history.head()


def test_a_forged_commit_hides_no_author(repo: Any) -> None:
    """An earlier commit that now names somebody else keeps its id, and git believes it."""
    repo.commit({"a": "1"})
    name = repo.run("rev-parse", "HEAD")
    last = repo.commit({"a": "2"})
    data = repo.raw("commit", name).replace(b"author ", b"author x <x@example.com> 1 +0000\nx ", 1)
    path = repo.root / ".git" / "objects" / name[:2] / name[2:]
    path.unlink()
    path.write_bytes(zlib.compress(b"commit %d\x00" % len(data) + data))
    with pytest.raises(EnvironmentProblem, match=FORGED):
        plumbing.authors(repo.root, last, None, ["."])


def test_a_missing_object_is_no_answer(repo: Any) -> None:
    commit = repo.commit({"sub/a": "1"})
    tree = repo.run("rev-parse", "HEAD^{tree}")
    (repo.root / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(EnvironmentProblem) as caught:
        repo.history.proven_files(commit, ["sub/a"])
    assert caught.value.remedy
    with pytest.raises(EnvironmentProblem, match="git refuses"):
        repo.history.files(commit)


EVIL = (
    "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy",
    "core.alternateRefsCommand", "diff.external", "diff.evil.command", "diff.evil.textconv",
    "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "gpg.program",
    "gpg.ssh.program", "gpg.openpgp.program", "gpg.x509.program", "gpg.ssh.defaultKeyCommand",
    "credential.helper", "sequence.editor",
    "uploadpack.packObjectsHook", "remote.origin.uploadpack", "alias.ls-tree", "alias.verify-commit",
)  # fmt: skip


@needs_ssh
def test_the_repositorys_configuration_runs_nothing(
    signing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\nexit 0\n")
    script.chmod(0o755)
    dana = signing.signer("dana")
    commit = signing.commit({"a.txt": "1\n", ".gitattributes": "* diff=evil filter=evil\n"}, key="dana")
    signing.tag("v1", "dana")
    raw = signing.raw("commit", commit)
    pgp = signing.store("commit", raw.replace(b"SSH SIGNATURE", b"PGP SIGNATURE"))
    included = tmp_path / "included"
    included.write_text(f'[gpg "ssh"]\n\tprogram = {script}\n\tallowedSignersFile = {tmp_path / "theirs"}\n')
    (tmp_path / "theirs").write_bytes(signing.signer("mallory") + dana)
    mallory = signing.commit({"a.txt": "2\n"}, key="mallory")
    for name in EVIL:
        signing.run("config", name, f"!{script}" if name.startswith(("alias", "credential")) else str(script))
    for name, value in {
        "include.path": str(included), "log.showSignature": "true", "gpg.format": "openpgp",
        "gpg.minTrustLevel": "undefined", "gpg.ssh.revocationFile": str(signing.keys / "dana.pub"),
        "core.commitGraph": "true", "i18n.logOutputEncoding": "UTF-16", "diff.noprefix": "true",
        "diff.renames": "copies", "color.ui": "always", "diff.relative": "false", "core.quotePath": "false",
    }.items():  # fmt: skip
        signing.run("config", name, value)
    hooks = signing.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "post-index-change", "post-checkout", "fsmonitor-watchman"):
        (hooks / name).write_text(script.read_text())
        (hooks / name).chmod(0o755)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(script))
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    trap.unlink(missing_ok=True)  # git has run some of these while the repository was made
    history = signing.history
    assert history.resolve("main") == mallory
    assert history.file(commit, "a.txt") == b"1\n"
    assert history.files(commit).keys() == {"a.txt", ".gitattributes"}
    assert history.proven_files(commit, ["a.txt"]) == {"a.txt": git.blob_id(b"1\n", "sha1")}
    assert history.changed_lines(commit, "a.txt", b"1\n2\n") == {2}
    assert history.verify_commit(commit, dana).state == "valid"
    assert history.verify_commit(mallory, dana).state == "unknown_signer"
    assert history.verify_commit(pgp, dana).state == "unsupported"
    (tag,) = history.signed_tags(commit)
    assert history.verify_tag(tag, dana).state == "valid"
    assert not trap.exists()


def old_git(folder: Path) -> str:
    """A ``git`` that, like older versions, does not know the variable against lazy fetching."""
    real = shutil.which("git")
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\nunset GIT_NO_LAZY_FETCH\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("url", ["ext::sh {trap}", "ssh://host/x", "file://{trap}", "{trap}"])
def test_a_missing_object_is_never_fetched(
    repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    commit = repo.commit({"a": "1"})
    trap, script = tmp_path / "trap", tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\n")
    script.chmod(0o755)
    for name, value in {
        "core.repositoryformatversion": "1", "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": url.format(trap=script), "remote.origin.uploadpack": str(script),
        "core.sshCommand": str(script), "protocol.allow": "always", "protocol.ext.allow": "always",
        "protocol.file.allow": "always", "protocol.ssh.allow": "always",
    }.items():  # fmt: skip
        repo.run("config", name, value)
    (repo.root / ".git" / "objects" / commit[:2] / commit[2:]).unlink()
    monkeypatch.setenv("PATH", old_git(tmp_path / "bin"))
    with suppress(EnvironmentProblem):
        git.head(repo.root)
    with suppress(EnvironmentProblem):
        repo.history.resolve("main")
    assert not trap.exists()


def test_a_git_that_hangs_or_is_missing_is_an_error(
    repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"a": "1"})
    slow = tmp_path / "slow"
    slow.mkdir()
    monkeypatch.setenv("PATH", str(slow))
    with pytest.raises(EnvironmentProblem, match="git is not installed"):
        repo.history.resolve("main")
    (slow / "git").write_text("#!/bin/sh\nexec /bin/sleep 5\n")
    (slow / "git").chmod(0o755)
    with pytest.raises(EnvironmentProblem, match=r"git took longer than 0\.2 s"):
        History(repo.root, Limits(git_seconds=0.2)).resolve("main")
    (slow / "git").write_bytes(b"\x7fELF\x00")
    with pytest.raises(EnvironmentProblem, match="git cannot be started"):
        repo.history.resolve("main")
