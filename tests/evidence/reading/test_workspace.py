"""The only door to the user's files, tried with everything that does not belong inside."""

from __future__ import annotations

import hashlib
import itertools
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import ConfigError, EnvironmentProblem, EvidenceError
from gate.evidence.base.limits import Limits
from gate.evidence.reading.workspace import FileRead, View, Workspace, check_relative

Make = Callable[..., Path]
NOBODY = 65_534


def refused(action: Callable[[], object]) -> EvidenceError:
    """The EvidenceError an action raises; it always has a path and a remedy."""
    with pytest.raises(EvidenceError) as caught:
        action()
    assert caught.value.path
    assert caught.value.remedy
    return caught.value


@contextmanager
def public_directory() -> Iterator[Path]:
    """A directory that every user can reach, unlike the tests' own."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        yield root


@contextmanager
def as_nobody() -> Iterator[None]:
    """Permissions count for ordinary users only."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


# --- patterns and paths ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "..", "../x", "a/../b", "a//b", "a/", "./a", "a/.", "a\0b", "."]
)
def test_paths_that_leave_the_workspace_are_configuration_errors(make_workspace: Make, path: str) -> None:
    """Every way out is refused, whether a file is asked for, read or matched."""
    view = Workspace(make_workspace({"a": "x", "b": "y"})).view()
    for ask in (check_relative, view.exists, view.read, view.glob):
        with pytest.raises(ConfigError) as caught:
            ask(path)
        assert repr(path) in caught.value.what
        assert caught.value.path == "gate.yaml"
        assert caught.value.remedy


# --- inventory -------------------------------------------------------------------------------------------


def test_inventory_lists_regular_files_only(make_workspace: Make) -> None:
    """Files come sorted; caches, virtual environments and ignored directories are left out."""
    root = make_workspace(
        {
            "b.txt": "",
            "a/z.py": "",
            "a/.hidden": "",
            ".git/HEAD": "",
            "node_modules/x.js": "",
            "a/__pycache__/z.pyc": "",
            "ledger/log": "",
        }
    )
    (root / "link").symlink_to("b.txt")
    os.mkfifo(root / "pipe")
    workspace = Workspace(root, ignore=["ledger"])
    assert workspace.inventory() == ("a/.hidden", "a/z.py", "b.txt")
    assert workspace.links() == {"link": "b.txt"}
    assert workspace.view().paths() == workspace.inventory()


def test_a_tool_folder_below_the_top_hides_nothing(make_workspace: Make) -> None:
    """What is called venv or node_modules inside a source path is content like any other."""
    root = make_workspace({"venv/x.py": "", "algo_trade/venv/x.py": "", "algo_trade/node_modules/y.py": ""})
    assert Workspace(root).inventory() == ("algo_trade/node_modules/y.py", "algo_trade/venv/x.py")


def test_inventory_walks_once_and_reads_nothing(
    make_workspace: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second question is answered from memory, and no file is opened for either."""
    workspace = Workspace(make_workspace({"a/b": "x", "c": "y"}))
    calls: list[object] = []
    scan = os.scandir
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", lambda path: (calls.append(path), scan(path))[1])
        patch.setattr(os, "open", lambda *a, **k: pytest.fail("a file was opened"))
        assert workspace.inventory() == workspace.inventory() == ("a/b", "c")
    assert len(calls) == 2


def test_inventory_keeps_a_links_text(make_workspace: Make) -> None:
    """A link's target is reported as it is stored, not tidied up."""
    root = make_workspace({})
    (root / "link").symlink_to(".//missing/../x")
    assert Workspace(root).links() == {"link": ".//missing/../x"}


def test_inventory_accepts_strange_names(make_workspace: Make) -> None:
    """Line breaks and bytes that are not UTF-8 in names do not stop the walk."""
    root = make_workspace({"a\nb": "x"})
    (root / os.fsdecode(b"caf\xe9")).write_text("y")
    assert Workspace(root).inventory() == ("a\nb", os.fsdecode(b"caf\xe9"))


def test_inventory_is_limited(make_workspace: Make) -> None:
    """Beyond the limit nothing is looked at, and whatever was not met may be there all the same."""
    root = make_workspace({"a/1": "", "a/2": "", "a/3": "", "b/1": ""})
    workspace = Workspace(root, Limits(inventory_entries=4))
    assert workspace.inventory() == ("a/1", "a/2", "a/3")
    assert workspace.view().exists("a/1")
    for question in (
        lambda: workspace.view().exists("b/1"),
        lambda: workspace.view().glob("c/*"),
        lambda: workspace.view().glob("**"),
    ):
        assert refused(question).what == "the workspace has more than 4 entries"
    [error] = workspace.refused()
    assert (error.path, error.remedy is not None) == (".", True)


def test_a_directory_that_cannot_be_listed_is_reported() -> None:
    """A directory without permission is not passed over, by whoever asks for something in it."""
    with public_directory() as root:
        (root / "open").mkdir()
        (root / "open/a.md").write_text("")
        (root / "closed").mkdir(mode=0o000)
        with as_nobody():
            workspace = Workspace(root)
            assert workspace.view().glob("open/*.md") == ("open/a.md",)
            assert workspace.view().glob("*.md") == ()
            for question in (
                lambda: workspace.view().exists("closed/b/c.md"),
                lambda: workspace.view().glob("closed/*"),
                lambda: workspace.view().glob("*/b.md"),
                lambda: workspace.view().glob("**/*.md"),
            ):
                error = refused(question)
                assert error.what == "the directory cannot be listed: Permission denied"
                assert error.path == "closed"
        assert [one.path for one in workspace.refused()] == ["closed"]
        assert workspace.judged().refused.keys() == {"closed"}
        assert Workspace(root, exclude=["clo*"]).judged().refused == {}


@pytest.mark.parametrize("kind", ["file", "missing", "broken link"])
def test_a_workspace_must_be_a_directory(tmp_path: Path, kind: str) -> None:
    """A file, nothing or a dangling link is no workspace."""
    root = tmp_path / "workspace"
    if kind == "file":
        root.write_text("x")
    if kind == "broken link":
        root.symlink_to("nowhere")
    error = refused(lambda: Workspace(root))
    assert error.what == "the workspace is not a directory"
    assert error.path == str(root)


def test_a_workspace_may_be_reached_through_a_link(make_workspace: Make, tmp_path: Path) -> None:
    """The workspace itself may be given as a link; what is inside may not."""
    make_workspace({"a": "x"})
    (tmp_path / "alias").symlink_to("workspace")
    workspace = Workspace(tmp_path / "alias")
    assert workspace.root == tmp_path / "workspace"
    assert workspace.view().read("a") == b"x"


# --- reading ---------------------------------------------------------------------------------------------


def test_reading_records_digest_and_size(make_workspace: Make) -> None:
    """A view lists what was read through it, sorted, each file once, with the digest of the very bytes."""
    view = Workspace(make_workspace({"b": b"\xff\0", "a": "text", "c": "unread"})).view()
    assert view.read("b") == view.read("b") == b"\xff\0"
    assert view.digest("a") == hashlib.sha256(b"text").hexdigest()
    assert view.files == (
        FileRead("a", hashlib.sha256(b"text").hexdigest(), 4),
        FileRead("b", hashlib.sha256(b"\xff\0").hexdigest(), 2),
    )


def test_a_file_is_read_once_for_all_views(make_workspace: Make) -> None:
    """All collectors see the same bytes, also when the file changes between their reads."""
    root = make_workspace({"a": "one"})
    workspace = Workspace(root)
    first, second = workspace.view(), workspace.view()
    assert first.read("a") == b"one"
    (root / "a").write_text("two")
    assert second.read("a") == b"one"
    assert workspace.file_digest("a") == first.digest("a") == second.digest("a")
    assert first.files == second.files
    assert workspace.view().files == ()


def test_digest_without_keeping_content(make_workspace: Make) -> None:
    """The digest of a file nobody read is that of its bytes."""
    assert Workspace(make_workspace({"a": "x"})).file_digest("a") == hashlib.sha256(b"x").hexdigest()


def test_every_format_has_its_reader(make_workspace: Make) -> None:
    """Text, JSON, YAML, CSV and XML are read through the view, and each read is recorded."""
    view = Workspace(
        make_workspace(
            {
                "t.md": "\ufeff# T",
                "j.json": '{"a": 1.5}',
                "y.yaml": "a: no",
                "c.csv": "a\n1\n",
            }
        )
    ).view()
    assert view.read_text("t.md") == "# T"
    assert view.read_json("j.json") == {"a": Decimal("1.5")}
    assert view.read_yaml("y.yaml") == {"a": "no"}
    assert view.read_csv("c.csv", ["a"])[0].cells == {"a": "1"}
    assert [file.path for file in view.files] == ["c.csv", "j.json", "t.md", "y.yaml"]


def test_contracts_are_held_against_files(make_workspace: Make) -> None:
    """A file that breaks its contract is refused with the JSON pointer; one that keeps it is given back."""
    view = Workspace(make_workspace({"s.json": '{"type": 1}', "w.json": "{}"})).view()
    error = refused(lambda: view.read_json("s.json", "signoff"))
    assert "does not keep to the contract 'signoff'" in error.what
    assert error.place is not None
    assert error.place.startswith("/")
    error = refused(lambda: view.read_json("w.json", "waiver"))
    assert "more places" in error.what


def test_a_missing_file(make_workspace: Make) -> None:
    """An absent file does not exist, and reading it anyway is an error."""
    view = Workspace(make_workspace({"a": "x"})).view()
    assert not view.exists("b")
    assert view.glob("b") == ()
    assert view.glob("a") == ("a",)
    error = refused(lambda: view.read("b"))
    assert error.what == "cannot be opened: No such file or directory"


def test_a_directory_is_no_file(make_workspace: Make) -> None:
    """A directory where a file is expected is not read."""
    view = Workspace(make_workspace({"a/b": "x"})).view()
    assert not view.exists("a")
    assert refused(lambda: view.read("a")).what == "is not a regular file"
    assert refused(lambda: view.read("a/b/c")).what == "cannot be opened: Not a directory"


def test_size_caps(make_workspace: Make) -> None:
    """A file above the cap is refused before and after it was read by somebody with a larger cap."""
    workspace = Workspace(make_workspace({"a": "12345", "t.md": "12345"}), Limits(file_bytes=5, text_bytes=4))
    view = workspace.view()
    assert refused(lambda: view.read("a", 4)).what == "is larger than 4 bytes"
    assert view.read("a") == b"12345"
    assert refused(lambda: view.read("a", 4)).what == "is larger than 4 bytes"
    assert refused(lambda: view.read_text("t.md")).what == "is larger than 4 bytes"
    assert refused(lambda: view.read_yaml("t.md")).what == "is larger than 4 bytes"


def test_a_sparse_giant_is_refused_without_reading(make_workspace: Make) -> None:
    """A terabyte of holes costs nothing."""
    root = make_workspace({"a": ""})
    os.truncate(root / "a", 1 << 40)
    assert "is larger than" in refused(lambda: Workspace(root).view().read("a")).what


# --- links, pipes, devices -------------------------------------------------------------------------------


def linked(root: Path) -> View:
    """A workspace with links to a file outside, to a file inside, and to directories."""
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (root / "file").symlink_to(outside / "secret")
    (root / "inner").symlink_to("real/x")
    (root / "folder").symlink_to(outside, target_is_directory=True)
    (root / "real/deep").symlink_to("..", target_is_directory=True)
    (root / "loop").symlink_to("loop")
    return Workspace(root).view()


@pytest.mark.parametrize(
    "path", ["file", "inner", "folder", "loop", "folder/secret", "real/deep/a", "real/deep/real/x"]
)
def test_links_are_never_followed(make_workspace: Make, path: str) -> None:
    """A link as the file or anywhere on the way to it is refused by name, when asked for and when read."""
    root = make_workspace({"real/x": "x", "a": "y"})
    view = linked(root)
    for action in (lambda: view.exists(path), lambda: view.read(path)):
        error = refused(action)
        assert error.what == "is a symbolic link, which evidence may not be"
        assert error.path is not None
        assert path.startswith(error.path)
        assert error.remedy == "replace the link by the file itself"
    assert view.glob(path) == (path,)
    assert view.files == ()


def test_a_link_that_matches_a_pattern_is_listed_and_hides_no_other_file(make_workspace: Make) -> None:
    """Evidence that is a link does not silently drop out of a pattern."""
    root = make_workspace({"docs/a.md": "x"})
    (root / "docs/b.md").symlink_to("a.md")
    assert Workspace(root).view().glob("docs/*.md") == ("docs/a.md", "docs/b.md")
    assert Workspace(root).view().glob("docs/a*") == ("docs/a.md",)


def test_a_file_replaced_by_a_link_after_the_walk(make_workspace: Make, tmp_path: Path) -> None:
    """Winning the race between walk and read does not help: the open itself refuses links."""
    root = make_workspace({"a/b": "x"})
    (tmp_path / "secret").write_text("secret")
    view = Workspace(root).view()
    assert view.exists("a/b")
    (root / "a/b").unlink()
    (root / "a/b").symlink_to(tmp_path / "secret")
    assert "symbolic link" in refused(lambda: view.read("a/b")).what
    (root / "a").rename(root / "c")
    (root / "a").symlink_to("c")
    assert "symbolic link" in refused(lambda: view.read("a/b")).what


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_pipes_and_sockets_are_refused_without_waiting(make_workspace: Make, kind: str) -> None:
    """A pipe without a writer does not hang the run."""
    root = make_workspace({"d/x": ""})
    if kind == "pipe":
        os.mkfifo(root / "d/it")
    else:
        with socket.socket(socket.AF_UNIX) as server:
            folder = os.open(root / "d", os.O_RDONLY)  # socket names are short, test directories are not
            server.bind(f"/proc/self/fd/{folder}/it")
            os.close(folder)
    view = Workspace(root).view()
    assert refused(lambda: view.exists("d/it")).what == "is not a regular file"
    assert refused(lambda: view.read("d/it")).path == "d/it"
    assert view.glob("d/*") == ("d/it", "d/x")
    assert view.glob("d/x*") == ("d/x",)


def test_devices_are_refused() -> None:
    """A device is neither there nor read."""
    view = Workspace(Path("/dev")).view()
    assert refused(lambda: view.read("null")).what == "is not a regular file"


def test_only_the_file_asked_for_is_looked_at(make_workspace: Make) -> None:
    """The settings file is found without a walk; a link or pipe in its place is refused."""
    root = make_workspace({"gate.yaml": "a: 1"})
    view = Workspace.single_file_view(root, "gate.yaml")
    assert view is not None
    assert view.read_yaml("gate.yaml") == {"a": 1}
    assert Workspace.single_file_view(root, "other.yaml") is None
    (root / "link").symlink_to("gate.yaml")
    assert refused(lambda: Workspace.single_file_view(root, "link")).what == "is not a regular file"


# --- unreadable and changing -----------------------------------------------------------------------------


def test_a_file_without_permission() -> None:
    """A file that may not be read is an error with its name."""
    with public_directory() as root:
        (root / "closed").write_text("x")
        (root / "closed").chmod(0o000)
        view = Workspace(root).view()
        assert view.exists("closed")
        with as_nobody():
            error = refused(lambda: view.read("closed"))
    assert error.what == "cannot be opened: Permission denied"
    assert error.path == "closed"


def test_a_file_that_fails_while_read() -> None:
    """An input/output error (here of the process's own memory at address 0) is reported as that."""
    error = refused(lambda: Workspace(Path("/proc/self")).view().read("mem"))
    assert error.what == "cannot be read: Input/output error"
    assert error.remedy == "check the file system"


@pytest.mark.parametrize("how", ["append", "truncate", "rewrite"])
def test_a_file_that_changes_while_read(
    make_workspace: Make, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A writer that gets in between two of our reads is noticed, whatever it does."""
    root = make_workspace({"a": "x" * 100})
    os.utime(root / "a", ns=(0, 0))
    real, done = os.read, []

    def read_and_meddle(fd: int, count: int) -> bytes:
        data = real(fd, count)
        if not done:
            done.append(True)
            if how == "append":
                with (root / "a").open("a") as file:
                    file.write("more")
            elif how == "truncate":
                os.truncate(root / "a", 10)
            else:
                with (root / "a").open("r+") as file:
                    file.write("y")
        return data

    monkeypatch.setattr(os, "read", read_and_meddle)
    error = refused(lambda: Workspace(root).view().read("a"))
    assert error.what == "changed while it was read"
    assert error.path == "a"


def test_a_file_that_grows_beyond_its_stated_size() -> None:
    """A file that claims no bytes and gives some (as those of /proc do) is not trusted."""
    assert (
        refused(lambda: Workspace(Path("/proc/self")).view().read("status")).what
        == "changed while it was read"
    )
    limits = Limits(file_bytes=10)
    error = refused(lambda: Workspace(Path("/proc/self"), limits).view().read("status"))
    assert error.what == "is larger than 10 bytes"


def test_a_name_that_is_not_utf8(make_workspace: Make) -> None:
    """Evidence needs a name that can be written into a manifest."""
    name = os.fsdecode(b"caf\xe9.md")
    root = make_workspace({})
    (root / name).write_text("x")
    error = refused(lambda: Workspace(root).view().read(name))
    assert error.what == "the file's name is not UTF-8"
    assert error.path == "caf\\udce9.md"


def test_a_name_with_a_line_break_can_be_read(make_workspace: Make) -> None:
    """The name is data; its line break never becomes a line of a message."""
    root = make_workspace({"a\nb": "{"})
    error = refused(lambda: Workspace(root).view().read_json("a\nb"))
    assert "a\\nb" in error.diagnostics()
    assert len(error.diagnostics().splitlines()) in (2, 3)


def test_too_many_open_files(make_workspace: Make) -> None:
    """Running out of file descriptors is the machine's problem, not the evidence's."""
    import resource

    view = Workspace(make_workspace({"a": "x"})).view()
    view.paths()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(EnvironmentProblem) as caught:
            view.read("a")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.what == "too many open files"
    assert caught.value.remedy == "raise the limit with ulimit -n"


# --- large files and large trees -------------------------------------------------------------------------


def open_descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are enough


def taken(view: View, path: str) -> list[tuple[int, bytes]]:
    return list(view.lines(path))


@given(st.binary(max_size=60).map(lambda data: data.replace(b"x", b"\n")))
def test_lines_are_what_bytes_split_gives(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Whatever the bytes; a carriage return stays, and a file's last line needs no line feed."""
    root = tmp_path_factory.mktemp("lines")
    (root / "a").write_bytes(data)
    view = Workspace(root).view()
    expected = data.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert taken(view, "a") == list(enumerate(expected, 1))
    assert view.files == (FileRead("a", hashlib.sha256(data).hexdigest(), len(data)),)


def test_lines_across_pieces(make_workspace: Make) -> None:
    """Lines that end before, at and after the end of what is read at once."""
    for filling in range((1 << 20) - 3, (1 << 20) + 3):
        content = b"a" * filling + b"\r\n" + b"b" * 10 + b"\n\n" + b"c"
        view = Workspace(make_workspace({"a": content}), Limits(record_bytes=2 << 20)).view()
        assert taken(view, "a") == list(enumerate(content.split(b"\n"), 1))


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_limits_on_lines_are_exact(make_workspace: Make, end: str) -> None:
    """As many lines and as long ones as the limit says, and no more; the line too many is named."""
    limits = Limits(records=3, record_bytes=4)
    root = make_workspace(
        {"good": "1234\n\n1234" + end, "many": "1\n2\n3\n4" + end, "long": "1\n12345" + end, "empty": ""}
    )
    view = Workspace(root, limits).view()
    assert [line for _, line in view.lines("good")] == [b"1234", b"", b"1234"]
    assert taken(view, "empty") == []
    error = refused(lambda: taken(view, "many"))
    assert (error.what, error.place) == ("has more than 3 lines", "line 4")
    error = refused(lambda: taken(view, "long"))
    assert (error.what, error.place) == ("a line is longer than 4 bytes", "line 2")
    assert [file.path for file in view.files if file.path != "many"] == ["empty", "good"]


def test_an_endless_line_is_not_collected(make_workspace: Make) -> None:
    """Nothing is buffered beyond a piece and a line."""
    root = make_workspace({"a": ""})
    os.truncate(root / "a", 500 << 20)
    error = refused(lambda: taken(Workspace(root).view(), "a"))
    assert error.what == "a line is longer than 1048576 bytes"
    os.truncate(root / "a", (1 << 30) + 1)
    assert "is larger than 1073741824 bytes" in refused(lambda: taken(Workspace(root).view(), "a")).what


def test_a_file_that_changed_between_two_passes(make_workspace: Make) -> None:
    """Two collectors must not see different content, however they read it."""
    root = make_workspace({"a": "1\n2\n"})
    workspace = Workspace(root)
    assert taken(workspace.view(), "a") == taken(workspace.view(), "a")
    (root / "a").write_text("1\n3\n")
    assert refused(lambda: taken(workspace.view(), "a")).what == "changed while it was read"
    assert refused(lambda: workspace.view().read("a")).what == "changed while it was read"


def test_a_file_of_which_only_the_beginning_was_read_is_not_listed(make_workspace: Make) -> None:
    """There is no digest of half a file."""
    view = Workspace(make_workspace({"a": "1\n2\n"})).view()
    assert next(iter(view.lines("a"))) == (1, b"1")
    assert view.files == ()


def test_many_digests_at_once(make_workspace: Make) -> None:
    """In any order, at any depth, each is what hashlib says, and no descriptor stays open."""
    deep = "/".join(["d"] * 100)
    files = {"a": "1", f"{deep}/x": "2", f"{deep}/e/y": "3", "d/z": "4", f"{deep[:80]}d/w": "5", "e/a/b": "6"}
    workspace = Workspace(make_workspace(dict(files)))
    expected = {path: hashlib.sha256(content.encode()).hexdigest() for path, content in files.items()}
    before = open_descriptors()
    assert workspace.digests(sorted(files)) == expected
    for order in itertools.islice(itertools.permutations(files), 60):
        assert Workspace(workspace.root).digests(order) == expected
    assert open_descriptors() == before
