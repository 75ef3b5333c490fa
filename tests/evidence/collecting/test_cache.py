"""The cache of earlier runs: nothing is read twice, and nothing that changed is missed."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.limits import Limits
from gate.evidence.collecting import cache
from gate.evidence.collecting.cache import Outcome, ResultCache
from gate.evidence.collecting.cache import store as _cache_store
from gate.evidence.reading.files import stamp_of
from gate.evidence.reading.git.state import repository_state
from gate.evidence.reading.workspace import View, Workspace

Make = Callable[..., Path]
Look = Callable[[View], dict[str, Any]]


def rest() -> None:
    """Wait until what was written is old enough to be remembered."""
    time.sleep(0.12)


def sizes(view: View) -> dict[str, Any]:
    """Facts of a typical collector: which reports there are, and what they contain."""
    return {path: view.read(path).decode("latin-1") for path in view.glob("reports/**")}


@dataclasses.dataclass
class Run:
    """One evaluation's collecting, as the runner does it."""

    outcome: Outcome
    hit: bool
    cache: ResultCache


@dataclasses.dataclass
class Bench:
    """A workspace with its cache, judged again and again."""

    root: Path
    cache_dir: Path
    config_dir: Path
    runs: list[Run] = dataclasses.field(default_factory=list)

    def __call__(
        self,
        look: Look = sizes,
        version: str = "1",
        options: object = None,
        limits: Limits | None = None,
        **more: Any,
    ) -> Run:
        workspace = Workspace(self.root, limits or Limits())
        found = ResultCache(workspace, self.cache_dir, self.config_dir)
        key = found.key("it", {"version": version, "options": options or {}})
        outcome = found.find("it", key)
        hit = outcome is not None
        if outcome is None:
            view = workspace.view()
            outcome = {"facts": look(view), "repeatable": True, **more}
            found.keep("it", key, outcome, view.trace())
        found.save()
        self.runs.append(Run(outcome, hit, found))
        return self.runs[-1]

    @property
    def file(self) -> Path:
        """The cache's only file."""
        (found,) = (self.cache_dir / "evidence").iterdir()
        return found


@pytest.fixture
def bench(make_workspace: Make, tmp_path: Path) -> Bench:
    """Two reports, nothing of which was written just now."""
    root = make_workspace({"reports/a": "one", "reports/deep/b": "two", "other": "x"})
    rest()
    return Bench(root, tmp_path / "cache", tmp_path / "config")


# --- what is noticed -------------------------------------------------------------------------------------


def test_a_second_run_takes_what_the_first_one_found(bench: Bench) -> None:
    first, second, third = bench(), bench(), bench()
    assert (first.hit, second.hit, third.hit) == (False, True, True)
    assert first.outcome == second.outcome == third.outcome
    assert second.cache.hits == ["it"]


def test_nothing_is_written_when_nothing_changed(bench: Bench) -> None:
    bench()
    before = stamp_of(bench.file.stat())
    bench()
    assert stamp_of(bench.file.stat()) == before


def change(root: Path) -> None:
    (root / "reports/a").write_text("changed")


def same_size(root: Path) -> None:
    state = (root / "reports/a").stat()
    (root / "reports/a").write_text("uno")
    os.utime(root / "reports/a", ns=(state.st_atime_ns, state.st_mtime_ns))


def replaced(root: Path) -> None:
    state = (root / "reports/a").stat()
    (root / "new").write_text("uno")
    os.utime(root / "new", ns=(state.st_atime_ns, state.st_mtime_ns))
    (root / "new").replace(root / "reports/a")


def added(root: Path) -> None:
    (root / "reports/c").write_text("")


def removed(root: Path) -> None:
    (root / "reports/deep/b").unlink()


def renamed(root: Path) -> None:
    (root / "reports/a").rename(root / "reports/z")


def swapped(root: Path) -> None:
    (root / "reports/a").write_text("two")
    (root / "reports/deep/b").write_text("one")


@pytest.mark.soak
@pytest.mark.parametrize("edit", [change, same_size, replaced, added, removed, renamed, swapped])
@pytest.mark.parametrize("settle", [False, True])
def test_whatever_changes_is_noticed(bench: Bench, edit: Callable[[Path], None], settle: bool) -> None:
    """Also a file of the same size and time, and within the clock's granularity."""
    bench()
    edit(bench.root)
    if settle:
        rest()
    expected = sizes(Workspace(bench.root).view())
    for _ in range(3):
        assert bench().outcome["facts"] == expected
    rest()
    bench()
    assert bench().hit


@pytest.mark.parametrize("unseen", ["other", "reports2", "deep/reports/x"])
def test_what_a_collector_did_not_ask_for_does_not_matter(bench: Bench, unseen: str) -> None:
    bench()
    (bench.root / unseen).parent.mkdir(exist_ok=True, parents=True)
    (bench.root / unseen).write_text("new")
    assert bench().hit


def test_a_file_with_a_new_stamp_and_the_old_content_is_read_and_holds(bench: Bench) -> None:
    first = bench()
    os.utime(bench.root / "reports/a")
    second = bench()
    assert second.hit
    assert second.outcome == first.outcome


def test_a_file_written_just_now_is_not_trusted(bench: Bench) -> None:
    """Rewritten between two runs, again and again, with the same size and the same time."""
    path = bench.root / "reports/a"
    for number in range(60):
        path.write_text(f"{number:03}")
        os.utime(path, ns=(0, 0))
        assert bench().outcome["facts"]["reports/a"] == f"{number:03}"
    assert len(bench.runs) == 60


@pytest.mark.parametrize(
    "more",
    [
        {"version": "2"},
        {"options": {"a": "b"}},
        {"limits": Limits(file_bytes=1000)},
    ],
)
def test_another_version_or_option_or_limit_is_another_key(bench: Bench, more: dict[str, Any]) -> None:
    assert not bench().hit
    assert not bench(**more).hit
    assert bench(**more).hit


@dataclasses.dataclass(frozen=True, slots=True)
class SomeOptions:
    """Options with what settings classes have."""

    paths: tuple[str, ...] = ("a",)
    odd: object = None


def test_keys_of_options(bench: Bench) -> None:
    """Equal options have equal keys; options of an unknown kind have none, and nothing is kept."""
    found = ResultCache(Workspace(bench.root), bench.cache_dir, bench.config_dir)
    assert found.key("it", SomeOptions()) == found.key("it", SomeOptions())
    assert found.key("it", SomeOptions()) != found.key("it", SomeOptions(paths=()))
    assert found.key("it", SomeOptions()) != found.key("at", SomeOptions())
    assert found.key("it", SomeOptions(odd=object())) is None
    assert found.key("it", {"a": 1 << 70}) is None
    assert not bench(options=SomeOptions(odd=object())).hit
    assert not bench(options=SomeOptions(odd=object())).hit


def test_changed_code_is_another_key(tmp_path: Path) -> None:
    """An edited module, contract or installed library changes the state of the code."""
    site = tmp_path / "lib" / "site-packages"
    shutil.copytree(
        Path(cache.__file__).parents[3],
        site / "gate",
        ignore=lambda folder, names: (
            {name for name in names if name not in ("__init__.py", "evidence", "contracts")}
            if Path(folder) == Path(cache.__file__).parents[3]
            else {"__pycache__"}
        ),
    )
    program = (
        f"import sys; sys.path.insert(0, {str(site)!r}); "
        "from gate.evidence.collecting.cache import code_state as c; "
    )

    def state() -> str:
        rest()
        run = [sys.executable, "-B", "-c", program + "print(c())"]
        return subprocess.run(run, capture_output=True, check=True, text=True).stdout

    states = [state()]
    assert states[0] == state()
    with (site / "gate/evidence/collectors/tests.py").open("a") as file:
        file.write("\n")
    states.append(state())
    (site / "gate/contracts/facts/tests.schema.json").touch()
    states.append(state())
    (site / "a-library").mkdir()
    states.append(state())
    assert len(set(states)) == 4
    assert "None\n" not in states
    module = site / "gate/evidence/reading/git/plumbing.py"
    module.touch()
    code = f"import pathlib; pathlib.Path({str(module)!r}).touch(); print(c())"
    run = [sys.executable, "-B", "-c", program + code]
    assert subprocess.run(run, capture_output=True, check=True, text=True).stdout == "None\n"


# --- what a collector may ask ----------------------------------------------------------------------------


def unlink_other(root: Path) -> None:
    (root / "other").unlink()


def rewrite_other(root: Path) -> None:
    (root / "other").write_text("y")


def add_late(root: Path) -> None:
    (root / "late").write_text("")


QUESTIONS: dict[str, tuple[Look, Callable[[Path], None]]] = {
    "a file that comes": (lambda view: {"there": view.exists("late")}, add_late),
    "a file that goes": (lambda view: {"there": view.exists("other")}, unlink_other),
    "all paths": (lambda view: {"paths": list(view.paths())}, add_late),
    "a plain pattern": (lambda view: {"found": list(view.glob("other"))}, unlink_other),
    "lines": (lambda view: {"lines": [str(line) for line in view.lines("other")]}, rewrite_other),
    "a digest": (lambda view: {"digest": view.digest("other")}, rewrite_other),
    "a file outside of the inventory": (
        lambda view: {"text": view.read("node_modules/x").decode()},
        lambda root: (root / "node_modules/x").write_bytes(b"2") and None,
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_counts(bench: Bench, name: str) -> None:
    """The answer to each kind of question is part of what must be the same."""
    question, edit = QUESTIONS[name]
    (bench.root / "node_modules").mkdir()
    (bench.root / "node_modules/x").write_text("1")
    rest()
    first = bench(question)
    assert bench(question).hit
    edit(bench.root)
    after = bench(question)
    assert not after.hit
    assert after.outcome != first.outcome


def test_an_answer_may_be_an_error(bench: Bench) -> None:
    """A collector that reports a link as a fact is told about its disappearance."""

    def linked(view: View) -> dict[str, Any]:
        try:
            return {"found": view.exists("reports/link")}
        except Exception as error:  # noqa: BLE001 - whatever it is told
            return {"error": str(error)}

    (bench.root / "reports/link").symlink_to("a")
    first = bench(linked)
    assert "symbolic link" in first.outcome["facts"]["error"]
    assert bench(linked).hit
    (bench.root / "reports/link").unlink()
    assert bench(linked).outcome["facts"] == {"found": False}


def half_read(view: View) -> dict[str, Any]:
    return {"first": next(iter(view.lines("reports/lines")))[1].decode()}


def unreadable(view: View) -> dict[str, Any]:
    try:
        view.read("absent")
    except Exception as error:  # noqa: BLE001 - whatever it is told
        return {"error": str(error)}
    return {}


@pytest.mark.parametrize("look", [half_read, unreadable])
def test_what_cannot_be_compared_is_not_kept(bench: Bench, look: Look) -> None:
    """Half a file has no digest, and a failure to read may have any cause."""
    (bench.root / "reports/lines").write_text("a\nb\n")
    rest()
    bench(look)
    assert not bench(look).hit


def test_failures_and_what_programs_printed_are_not_kept(bench: Bench) -> None:
    for more in ({"repeatable": False}, {"errors": [["EvidenceError", "x", None, None, None]]}):
        bench(**more)
        assert not bench(**more).hit
    assert not bench().hit
    assert bench().hit


def test_a_file_that_became_a_link_or_a_pipe_does_not_hold(bench: Bench) -> None:
    """The same content behind a link is no longer evidence."""

    def look(view: View) -> dict[str, Any]:
        return {"text": view.read("reports/deep/b").decode()}

    assert bench(look).outcome["facts"] == {"text": "two"}
    assert bench(look).hit
    (bench.root / "reports/deep").rename(bench.root / "elsewhere")
    (bench.root / "reports/deep").symlink_to(bench.root / "elsewhere")
    with pytest.raises(Exception, match="symbolic link"):
        bench(look)
    (bench.root / "reports/deep").unlink()
    (bench.root / "reports/deep").mkdir()
    os.mkfifo(bench.root / "reports/deep/b")
    with pytest.raises(Exception, match="not a regular file"):
        bench(look)


# --- git ---------------------------------------------------------------------------------------------------


def commit_seen(view: View) -> dict[str, Any]:
    state = view.history.head()
    return {"commit": state.commit if state else None}


def root_seen(view: View) -> dict[str, Any]:
    """Whoever knows the directory could have asked git."""
    return {"name": view.root.name}


def run_git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=root, capture_output=True, check=True)


@pytest.mark.parametrize("look", [commit_seen, root_seen])
def test_a_commit_matters_to_who_asked_git(bench: Bench, look: Look) -> None:
    """Also to whoever could have asked, and the repository itself may have come since."""
    bench(look)
    assert bench(look).hit
    run_git(bench.root, "init", "-q")
    rest()
    assert not bench(look).hit
    assert bench(look).hit
    run_git(bench.root, "add", "other")
    run_git(bench.root, "commit", "-qm", "first")
    rest()
    facts = look(Workspace(bench.root).view())
    assert not (after := bench(look)).hit
    assert after.outcome["facts"] == facts
    assert bench(look).hit
    run_git(bench.root, "tag", "new")
    assert not bench(look).hit
    assert not bench(look).hit or repository_state(bench.root) is not None


def test_a_commit_does_not_matter_to_who_does_not_ask(bench: Bench) -> None:
    bench()
    run_git(bench.root, "init", "-q")
    run_git(bench.root, "commit", "--allow-empty", "-qm", "second")
    assert bench().hit


# --- the file --------------------------------------------------------------------------------------------


def test_forged_facts_are_not_believed(bench: Bench) -> None:
    expected = bench().outcome
    bench.file.write_bytes(bench.file.read_bytes().replace(b'"one"', b'"ONE"'))
    after = bench()
    assert not after.hit
    assert after.outcome == expected
    assert bench().hit


@pytest.mark.parametrize("inside", ["cache", "config"])
def test_nothing_is_kept_inside_the_workspace(bench: Bench, inside: str) -> None:
    """Judging must not change what is judged."""
    setattr(bench, f"{inside}_dir", bench.root / ".cache" / inside)
    run = bench()
    assert not bench().hit
    assert run.cache.path is None
    assert not (bench.root / ".cache").exists()


def test_what_is_too_much_is_left_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the digests go, then everything."""
    assert bench().cache.path == bench.file
    size = bench.file.stat().st_size
    bench.file.unlink()
    monkeypatch.setattr(_cache_store, "MOST_BYTES", size - 50)
    bench()
    assert bench.file.stat().st_size < size - 50
    assert bench().hit
    bench.file.unlink()
    monkeypatch.setattr(_cache_store, "MOST_BYTES", 100)
    bench()
    assert not bench().hit
    assert not list(bench.cache_dir.glob("evidence/*"))


# --- what is opened --------------------------------------------------------------------------------------

PROGRAM = """
import sys
from pathlib import Path
from gate.evidence.collecting.cache import ResultCache
from gate.evidence.collecting.subject import find_commit, measure_sources
from gate.evidence.reading.workspace import Workspace

root, place = Path(sys.argv[1]), Path(sys.argv[2])
workspace = Workspace(root, sources=["src"])
cache = ResultCache(workspace, place / "cache", place / "config")
key = cache.key("it", {})
found = cache.find("it", key)
if found is None:
    view = workspace.view()
    found = {"facts": [view.read_text(path) for path in view.glob("reports/*")], "repeatable": True}
    found["facts"] += [line.decode() for _, line in view.lines("reports/large")]
    cache.keep("it", key, found, view.trace())
sources = measure_sources(workspace)
print(sources.digest, find_commit(workspace, sources), found)
cache.save()
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("with_git", [False, True])
def test_a_second_run_opens_no_file(make_workspace: Make, tmp_path: Path, with_git: bool) -> None:
    """Neither evidence nor source: stamps are enough, for git's comparison too."""
    files = {f"src/d{number % 7}/f{number}.py": f"{number}" for number in range(100)}
    files |= {f"reports/r{number}": "text" for number in range(20)} | {"reports/large": "a\nb\n"}
    root = make_workspace(files)
    if with_git:
        run_git(root, "init", "-q")
        run_git(root, "add", ".")
        run_git(root, "commit", "-qm", "x")
    rest()
    said, opened = [], []
    for turn in range(2):
        log = tmp_path / f"calls{turn}"
        command = ["strace", "-qq", "-e", "trace=open,openat", "-o", str(log), sys.executable, "-c", PROGRAM]
        done = subprocess.run([*command, str(root), str(tmp_path)], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        said.append(done.stdout)
        opened.append(set(re.findall(r'"((?:f\d+\.py)|(?:r\d+)|large)"', log.read_text())))
    assert said[0] == said[1]
    assert len(opened[0]) == 121
    assert opened[1] == set()


# --- any sequence of changes -----------------------------------------------------------------------------

NAMES = st.sampled_from(["reports/a", "reports/b", "reports/d/c", "x"])
CONTENTS = st.sampled_from(["", "1", "2", "33", "44"])
STEPS = st.one_of(
    st.tuples(st.just("write"), NAMES, CONTENTS),
    st.tuples(st.just("restore"), NAMES, CONTENTS),
    st.tuples(st.just("replace"), NAMES, CONTENTS),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("remove"), NAMES, st.just("")),
    st.tuples(st.just("touch"), NAMES, st.just("")),
    st.tuples(st.just("link"), NAMES, NAMES),
    st.tuples(st.just("rest"), st.just(""), st.just("")),
    st.tuples(st.just("judge"), st.just(""), st.just("")),
)


def take(root: Path, step: tuple[str, str, str]) -> None:
    """One change to the workspace; what is impossible is left out."""
    kind, name, other = step
    path = root / name
    for needed in (path, root / other) if kind in ("rename", "link") else (path,):
        needed.parent.mkdir(exist_ok=True, parents=True)
    if kind == "rest":
        rest()
    elif kind in ("write", "restore", "replace") and not path.is_symlink():
        state = path.stat() if path.exists() else None
        target = root / "temporary" if kind == "replace" else path
        target.write_text(other)
        if state is not None and kind != "write":
            os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns))
        target.replace(path)
    elif kind == "link" and not os.path.lexists(path):
        path.symlink_to(root / other)
    elif os.path.lexists(path):
        if kind == "rename":
            path.replace(root / other)
        elif kind == "remove":
            path.unlink()
        elif kind == "touch":
            os.utime(path, follow_symlinks=False)


def everything(view: View) -> dict[str, Any]:
    """A collector that uses all of a view, and turns errors into facts."""
    facts: dict[str, Any] = {"x": None}
    try:
        facts |= sizes(view)
        if view.exists("x"):
            facts["x"] = [line.decode() for _, line in view.lines("x")]
        facts["count"] = len(view.paths())
    except Exception as error:  # noqa: BLE001 - whatever it is told
        facts["error"] = str(error)
    return facts


@pytest.fixture(scope="module")
def hits() -> Iterator[list[bool]]:
    """Whether runs of the following test took an outcome from the cache: some must have."""
    seen: list[bool] = []
    yield seen
    assert True in seen


@given(st.lists(STEPS, min_size=1, max_size=10))
def test_any_changes_give_the_same_with_and_without_the_cache(
    hits: list[bool], steps: list[tuple[str, str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "root").mkdir()
        bench = Bench(place / "root", place / "cache", place / "config")
        for step in [*steps, ("judge", "", ""), ("rest", "", ""), ("judge", "", ""), ("judge", "", "")]:
            take(bench.root, step)
            if step[0] == "judge":
                run = bench(everything)
                hits.append(run.hit)
                assert run.outcome["facts"] == everything(Workspace(bench.root).view())
