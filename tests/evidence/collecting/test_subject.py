"""What is judged: a digest that stock tools can recompute."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import ConfigError
from gate.evidence.base.limits import Limits
from gate.evidence.collecting.subject import Commit, find_commit, hidden_files, measure_sources, odd_files
from gate.evidence.reading.workspace import Workspace

Make = Callable[..., Path]

FILES: dict[str, str | bytes] = {
    "src/b.py": "b",
    "src/a b.py": "a",
    "src/Z/é.py": "é",
    "src/שלום.py": b"\xff\0",
    "src/empty": "",
    "tests/x.py": "x",
    "other/skip.py": "s",
}


def sha256sum(root: Path, find: str) -> str:
    """The digest as a person computes it with stock tools."""
    script = f"find {find} -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum -- | sha256sum"
    done = subprocess.run(["sh", "-c", script], cwd=root, capture_output=True, check=True)
    return done.stdout.decode().split()[0]


def test_the_digest_is_what_sha256sum_gives(make_workspace: Make) -> None:
    """``find | sort | sha256sum | sha256sum`` gives the subject's digest."""
    root = make_workspace(FILES)
    measured = measure_sources(Workspace(root, sources=["src", "tests/"]))
    assert measured.digest == sha256sum(root, "src tests")
    assert len(measured.files) == 6
    assert measured.patterns == ("src", "tests/")


@given(
    st.dictionaries(
        st.text("abé-_. ", min_size=1, max_size=6).map(lambda name: "n" + name),
        st.binary(max_size=8),
        min_size=1,
        max_size=6,
    )
)
def test_the_digest_of_any_tree_is_what_sha256sum_gives(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    """Names with spaces, dots and letters of other scripts, and any bytes."""
    root = tmp_path_factory.mktemp("tree")
    for name, content in files.items():
        (root / name).write_bytes(content)
    names = " ".join(shlex.quote(name) for name in files)
    assert measure_sources(Workspace(root, sources=["."])).digest == sha256sum(root, names)


def test_every_change_of_content_changes_the_digest(make_workspace: Make) -> None:
    """Content, a name, an added or a removed file each change the digest; evidence beside it does not."""
    root = make_workspace(FILES)

    def digest() -> str:
        return measure_sources(Workspace(root, sources=["src"])).digest

    seen = {digest()}
    (root / "junit.xml").write_text("evidence")
    (root / "tests/x.py").write_text("changed")
    assert digest() in seen
    for change in (
        lambda: (root / "src/b.py").write_text("B"),
        lambda: (root / "src/b.py").rename(root / "src/c.py"),
        lambda: (root / "src/new").write_text(""),
        lambda: (root / "src/empty").unlink(),
    ):
        change()
        assert digest() not in seen
        seen.add(digest())


def test_files_read_before_are_not_read_again(make_workspace: Make) -> None:
    """The digest is over the bytes the collectors saw, also when the file changed since."""
    root = make_workspace({"src/a": "one"})
    workspace = Workspace(root, sources=["src"])
    workspace.view().read("src/a")
    before = measure_sources(Workspace(root, sources=["src"])).digest
    (root / "src/a").write_text("two")
    assert measure_sources(workspace).digest == before


def test_links_count_with_their_text(make_workspace: Make) -> None:
    """A link to a judged file is part of the subject by its target's text and is not followed."""
    root = make_workspace({"src/a": "x"})
    (root / "src/link").symlink_to("a")
    digest = hashlib.sha256(b"link:a").hexdigest()
    manifest = f"{hashlib.sha256(b'x').hexdigest()}  src/a\n{digest}  src/link\n"
    first = measure_sources(Workspace(root, sources=["src"]))
    assert first.digest == hashlib.sha256(manifest.encode()).hexdigest()
    assert len(first.files) == 2
    (root / "src/link").unlink()
    (root / "src/link").symlink_to("./a")
    assert measure_sources(Workspace(root, sources=["src"])).digest != first.digest


@pytest.mark.parametrize("target", ["../../outside", "/etc/hostname", "../other/b", "missing", "link2", "."])
def test_links_to_what_is_not_judged_are_named(make_workspace: Make, target: str) -> None:
    """What such a link leads to could change without the digest noticing; it is never followed."""
    root = make_workspace({"src/a": "x", "other/b": "y"})
    (root / "src/link2").symlink_to("a")
    (root / "src/link").symlink_to(target)
    workspace = Workspace(root, sources=["src"])
    assert len(measure_sources(workspace).files) == 3
    (odd,) = odd_files(workspace.judged())
    assert odd.path == "src/link"
    assert repr(target) in odd.what


def test_committed_bytecode_is_named(make_workspace: Make) -> None:
    """Python runs it in place of the source that was judged, after a clean checkout, too."""
    cache = "__pycache__/risk.cpython-311.pyc"
    files = {"src/risk.py": "x = 1", f"src/{cache}": "", "run.py": "", f"{cache}": "", f"doc/{cache}": ""}
    root = make_workspace({**files, "old/.mypy_cache/client.py": "", "src/.hg/x": ""})
    git = ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for arguments in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *arguments], check=True)

    def hidden(exclude: Sequence[str] = ()) -> list[str | None]:
        workspace = Workspace(root, exclude=exclude)
        measured = measure_sources(workspace)
        commit = find_commit(workspace, measured).commit
        assert commit is not None
        return [error.path for error in hidden_files(workspace, measured, commit)]

    assert hidden() == [cache, "src/.hg/x", f"src/{cache}"]
    assert hidden(["src/**"]) == [cache]  # which the decision says
    subprocess.run([*git, "rm", "-r", "-q", "--cached", "src/__pycache__"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "y"], check=True)
    assert hidden() == [cache, "src/.hg/x"]


def test_a_compiled_module_beside_its_source_is_named(make_workspace: Make) -> None:
    """Python imports it first; one without a source of its name is a file like others."""
    names = ("src/risk.cpython-311-x86_64-linux-gnu.so", "src/sub/__init__.pyd", "run.so")
    files = {
        "src/risk.py": "",
        "src/sub/__init__.py": "",
        "run.py": "",
        "src/fast.so": "",
        "src/risk/x.so": "",
    }
    root = make_workspace({**files, **dict.fromkeys(names, "")})
    workspace = Workspace(root, exclude=["run.so"])
    found = [error.path for error in hidden_files(workspace, measure_sources(workspace), None)]
    assert found == [names[0], names[1]]
    assert len([*hidden_files(Workspace(root), measure_sources(Workspace(root)), None)]) == 3


def test_sources_and_excludes(make_workspace: Make) -> None:
    """Directories, files, globs and the whole workspace; excluded files are left out."""
    root = make_workspace({**FILES, "src/x.pyc": "", "src.py": ""})

    def files(sources: list[str], exclude: list[str]) -> tuple[str, ...]:
        return Workspace(root, sources=sources, exclude=exclude).judged().files

    assert files(["src/b.py", "tests"], []) == ("src/b.py", "tests/x.py")
    assert files(["**/*.pyc"], []) == ("src/x.pyc",)
    assert "src.py" not in files(["src"], [])
    assert files(["."], ["src", "**/s*.py"]) == ("tests/x.py",)
    assert files(["src", "src/b.py"], ["src/[a-z]*"]) == files(["src"], [])
    assert files(["s?c.py"], []) == ("src.py",)
    assert files(["."], ["."]) == ()


def test_a_source_that_matches_nothing(make_workspace: Make) -> None:
    """A configured source without a file is an error."""
    with pytest.raises(ConfigError) as caught:
        Workspace(make_workspace({"src/a": ""}), sources=["src", "lib"]).judged()
    assert caught.value.what == "the source path 'lib' matches no file"
    assert (caught.value.path, caught.value.place) == ("gate.yaml", "subject.sources")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("files", "patterns"),
    [
        (["src/pkg/a.py", "src/pkg/b.txt", "README.md"], ["src"]),
        (["bot.py", "setup.py", "data.csv"], ["bot.py", "setup.py"]),
        (
            ["lib/a.py", "app/deep/er/b.py", "tests/t.py", "contracts/c.json"],
            ["app", "contracts", "lib", "tests"],
        ),
        (
            ["app/a.py", "docs/conf.py", "examples/x.py", "build/lib/a.py", ".github/s.py", "venv/v.py"],
            ["app"],
        ),
        (["app/a.py", "test_app.py"], ["app", "test_app.py"]),
        (["contracts/c.json", "notes.md"], ["."]),
        (["tests/t.py", "main.go"], ["."]),
        (["docs/conf.py", "main.go"], ["."]),
        ([], []),
    ],
)
def test_without_settings_the_sources_are_discovered(
    make_workspace: Make, files: list[str], patterns: list[str]
) -> None:
    """Everything with Python in it, wherever it lies; all files where there is no Python; or nothing."""
    workspace = Workspace(make_workspace(dict.fromkeys(files, "x = 1\n")))
    measured = measure_sources(workspace)
    assert list(measured.patterns) == patterns
    assert workspace.judged().discovered
    assert bool(measured.files) == bool(files)
    if not files:
        assert measured.digest == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("source", ["../x", "/etc", "a/../../b", "", "a\\b"])
def test_sources_stay_inside(make_workspace: Make, source: str) -> None:
    """A source outside of the workspace is a configuration error."""
    with pytest.raises(ConfigError):
        Workspace(make_workspace({"a": ""}), sources=[source]).judged()


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\\b", "a\\nb"])
def test_names_that_sha256sum_escapes(make_workspace: Make, name: str) -> None:
    """The digest over a name with a line break or a backslash is the one that ``sha256sum`` gives."""
    root = make_workspace({"src/ok": ""})
    (root / "src" / name).write_text("x")
    assert measure_sources(Workspace(root, sources=["src"])).digest == sha256sum(root, "src")


@pytest.mark.parametrize("kind", ["large", "name"])
def test_what_cannot_be_read_is_named_and_the_rest_is_measured(make_workspace: Make, kind: str) -> None:
    """One odd file changes the digest, makes the sources differ from the commit, and is no end of the run."""
    root = make_workspace({"src/a": "x" * 10, "src/b": "y"})
    if kind == "name":
        (root / "src" / os.fsdecode(b"caf\xe9")).write_text("z")
    limits = Limits(file_bytes=5) if kind == "large" else Limits()
    measured = measure_sources(Workspace(root, limits, sources=["src"]))
    assert len(measured.unreadable) == 1
    assert len(measured.files) == (3 if kind == "name" else 2)


def test_pipes_among_the_sources_are_named(make_workspace: Make) -> None:
    """What is no regular file has no content that could be judged."""
    root = make_workspace({"src/a": "x"})
    os.mkfifo(root / "src/pipe")
    workspace = Workspace(root, sources=["src"])
    assert len(measure_sources(workspace).files) == 2
    assert [odd.path for odd in odd_files(workspace.judged())] == ["src/pipe"]
    assert measure_sources(Workspace(root, sources=["src"], exclude=["src/pipe"])).files == ("src/a",)


def git(root: Path, *arguments: str) -> str:
    """Run git as an author."""
    identity = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=root, capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit_of(root: Path, exclude: Sequence[str] = ()) -> Commit:
    """The commit around the workspace, for what is under src."""
    workspace = Workspace(root, sources=["src"], exclude=exclude)
    return find_commit(workspace, measure_sources(workspace))


def test_an_excluded_file_makes_nothing_dirty(make_workspace: Make) -> None:
    """What is not judged may differ from the commit."""
    root = make_workspace({"src/a": "x"})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    (root / "src/x.pyc").write_text("y")
    assert commit_of(root).dirty is True
    assert commit_of(root, ["**/*.pyc"]).dirty is False


def test_without_git_there_is_no_commit(make_workspace: Make) -> None:
    """A folder outside of any repository, or before its first commit, has a digest and no commit."""
    root = make_workspace({"src/a": "x"})
    assert commit_of(root) == Commit(None, None, None)
    git(root, "init", "-q")
    assert commit_of(root) == Commit(None, None, None)


def test_the_commit_and_whether_sources_differ_from_it(make_workspace: Make) -> None:
    """Changed sources make it dirty, changed evidence does not."""
    root = make_workspace({"src/a": "x", "junit.xml": "<a/>"})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    commit = git(root, "rev-parse", "HEAD")
    assert commit_of(root) == Commit(commit, "dev@example.com", False)
    (root / "junit.xml").write_text("<b/>")
    assert commit_of(root).dirty is False
    (root / "src/a").write_text("y")
    assert commit_of(root) == Commit(commit, "dev@example.com", True)


def test_digest_and_commit_take_one_reading(make_workspace: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What git compares is taken from the bytes that the digest is taken of."""
    root = make_workspace({"src/a": "x", "src/b": "y", "src/d/c": "z"})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    opened: list[str] = []
    real = os.open

    def note(path: str, *arguments: Any, **more: Any) -> int:
        opened.append(str(path))
        return real(path, *arguments, **more)

    monkeypatch.setattr(os, "open", note)
    assert commit_of(root).dirty is False
    assert [name for name in opened if len(name) == 1 and name != "d"] == ["a", "b", "c"]


def test_another_hash_of_git_costs_a_reading_and_nothing_else(make_workspace: Make) -> None:
    root = make_workspace({"src/a": "x"})
    git(root, "init", "-q", "--object-format=sha256")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    assert commit_of(root).dirty is False
    (root / "src/a").write_text("y")
    assert commit_of(root).dirty is True
