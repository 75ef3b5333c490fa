"""What is special about a ledger in files: links, foreign files, torn lines, the disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gate.engine.ledger import open_ledger, open_reader, verify_ledger
from gate.engine.ledger.files import connect, storage
from gate.engine.ledger.findings import Kind, Verification
from gate.engine.ledger.reader import read_verifier
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import EnvironmentProblem, LedgerError
from gate.evidence.signing.keys import LogKey

KEY = LogKey.from_seed(bytes(range(32)))
OTHER = LogKey.from_seed(bytes(32))
ORIGIN = "gate-ledger/test"


def statement(number: int, **predicate: Any) -> bytes:
    return canonical(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "subject", "digest": {"sha256": "0" * 64}}],
            "predicateType": "https://example.com/decision/v1",
            "predicate": {"number": number, **predicate},
        }
    )


def clock(minute: int) -> str:
    return f"2025-11-07T12:{minute:02}:00Z"


def write(path: Path, config: Path | None, numbers: list[int]) -> None:
    with open_ledger(path, KEY, config_dir=config, origin=ORIGIN) as ledger:
        for minute, number in enumerate(numbers):
            ledger.append([statement(number)])
            ledger.seal(clock(minute))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


@pytest.fixture
def path(tmp_path: Path, config: Path) -> Path:
    """A ledger of six entries, each with a checkpoint, and of one unsealed entry."""
    path = tmp_path / "ledger"
    write(path, config, [0, 1, 2, 3, 4, 5])
    with open_ledger(path, KEY, config_dir=config) as ledger:
        ledger.append([statement(6)])
    return path


def lines(path: Path) -> list[bytes]:
    return (path / "log.intoto.jsonl").read_bytes().splitlines(keepends=True)


def rewrite(path: Path, new: list[bytes]) -> None:
    (path / "log.intoto.jsonl").write_bytes(b"".join(new))


def kinds(report: Verification) -> set[Kind]:
    return {finding.kind for finding in report.problems}


def test_a_torn_last_line_is_cut_off(path: Path, config: Path) -> None:
    with (path / "log.intoto.jsonl").open("ab") as stream:
        stream.write(b'{"payload":"half a li')
    report = verify_ledger(path)
    assert (report.ok, report.unsealed, report.torn_tail_bytes) == (True, 1, 21)
    with open_ledger(path, KEY, config_dir=config) as ledger:
        assert ledger.size() == 7
        assert ledger.seal(clock(7)).size == 7
        assert ledger.append([statement(7)])[0].index == 7
    assert verify_ledger(path).torn_tail_bytes == 0


def test_a_torn_sealed_line_is_never_repaired_away(path: Path, config: Path) -> None:
    """Cutting a torn tail must not eat what a checkpoint covers, even in a process that is already open."""
    with open_ledger(path, KEY, config_dir=config) as ledger:
        rewrite(path, [*lines(path)[:5], b'{"payload":"torn'])
        before = (path / "log.intoto.jsonl").read_bytes()
        with pytest.raises(LedgerError, match=r"entries sealed on .* are missing"):
            ledger.append([statement(7)])
        assert (path / "log.intoto.jsonl").read_bytes() == before
    assert Kind.TRUNCATED in kinds(verify_ledger(path))


def test_runs_that_end_before_the_first_checkpoint_is_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has written its checkpoint into the history alone; the next one makes up for it."""
    path, put = tmp_path / "ledger", storage.Folder.write

    class Crash(BaseException):
        """The process ends here."""

    def crash(folder: storage.Folder, name: str, data: bytes, **more: Any) -> None:
        if name == "checkpoint" and int(data.split(b"\n")[1]) == len(lines(path)):
            raise Crash
        put(folder, name, data, **more)

    monkeypatch.setattr(storage.Folder, "write", crash)
    for number in range(3):
        with open_ledger(path, KEY, origin=ORIGIN) as ledger:
            ledger.append([statement(number)])
            with pytest.raises(Crash):
                ledger.seal(clock(number))
        assert list(verify_ledger(path).problems) == []
    monkeypatch.undo()
    with open_ledger(path, KEY, origin=ORIGIN) as ledger:
        assert ledger.seal(clock(4)).size == 3


def test_strangers_in_the_history_are_named(path: Path) -> None:
    """Time stamp tokens beside checkpoints are none."""
    history = path / "checkpoints"
    for name in ("README", "6.tsr", "06", ".tmp-1"):
        (history / name).write_bytes(b"")
    found = [(finding.kind, finding.path) for finding in verify_ledger(path).problems]
    assert found == [(Kind.LAYOUT, "checkpoints/06"), (Kind.LAYOUT, "checkpoints/README")]


@pytest.mark.parametrize(
    "name",
    ["log.intoto.jsonl", "checkpoint", "state", "trust", "trust/log.vkey", "checkpoints", "checkpoints/6"],
)
def test_links_in_the_ledger_are_refused(path: Path, config: Path, tmp_path: Path, name: str) -> None:
    (path / name).rename(tmp_path / "elsewhere")
    (path / name).symlink_to(tmp_path / "elsewhere")
    assert not verify_ledger(path).ok
    if name == "checkpoints/6":
        return  # writing reads no old history
    with (
        pytest.raises(LedgerError, match="regular files and directories only"),
        open_ledger(path, KEY, config_dir=config) as ledger,
    ):
        ledger.seal(clock(30))


def test_a_linked_ledger_directory_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    for attempt in (open_reader, verify_ledger, lambda where: open_ledger(where, KEY)):
        with pytest.raises(LedgerError, match="regular files and directories only") as caught:
            attempt(tmp_path / "link")
        assert caught.value.path == str(tmp_path / "link")


def test_hard_links_and_directories_in_place_of_files_are_refused(path: Path, tmp_path: Path) -> None:
    (path / "stray").mkdir()
    assert kinds(verify_ledger(path)) == {Kind.LAYOUT}
    (path / "stray").rmdir()
    (tmp_path / "second").hardlink_to(path / "log.intoto.jsonl")
    assert kinds(verify_ledger(path)) == {Kind.LAYOUT}
    with pytest.raises(LedgerError, match="such as a link"):
        open_ledger(path, KEY)


def test_a_missing_log_is_not_begun_anew(path: Path) -> None:
    (path / "log.intoto.jsonl").unlink()
    assert kinds(verify_ledger(path)) == {Kind.TRUNCATED}
    with pytest.raises(LedgerError, match="the log itself is missing"):
        open_ledger(path, KEY)
    with open_reader(path) as reader, pytest.raises(LedgerError, match=r"entries sealed on .* are missing"):
        list(reader.entries())


def test_strangers_in_the_evidence_are_named(path: Path) -> None:
    (path / "evidence" / "sha256").mkdir(parents=True)
    (path / "evidence" / "sha256" / "stray").write_text("")
    assert any("does not belong" in finding.text for finding in verify_ledger(path).problems)


def test_an_empty_directory_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger here"):
        open_reader(tmp_path)


def test_a_failed_fdatasync_ends_this_writer(
    path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After EIO the kernel forgets what it could not write; a second try would lie."""

    def broken(handle: int) -> None:
        raise OSError(5, "Input/output error")

    ledger = open_ledger(path, KEY, config_dir=config)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "datasync", broken)
        with pytest.raises(EnvironmentProblem, match="not be made durable: Input/output error"):
            ledger.append([statement(7)])
    for attempt in (lambda: ledger.append([statement(7)]), lambda: ledger.seal(clock(1))):
        with pytest.raises(EnvironmentProblem, match="nothing more is written"):
            attempt()
    ledger.close()
    with open_ledger(path, KEY) as again:
        assert again.seal(clock(7)).size == 8


def test_recording_imports_no_heavy_library() -> None:
    """A cold start pays for the signing library and nothing else."""
    code = (
        "import sys, gate.engine.ledger.writer, gate.engine.ledger.files.storage, gate.engine.ledger.verify\n"
        "import gate.evidence.signing.statements\n"
        "heavy = {'pydantic', 'cryptography', 'orjson', 'yaml', 'jsonschema_rs', 'platformdirs'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == b"[]\n"


def test_files_are_closed(path: Path) -> None:
    before = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else set()  # noqa: PTH208
    for _ in range(5):
        with open_ledger(path, KEY) as ledger:
            ledger.append([statement(7)])
            ledger.seal(clock(1))
            ledger.evidence.put(b"data")
        verify_ledger(path)
        with pytest.raises(LedgerError):
            open_ledger(path, OTHER)
    if before:
        assert len(set(os.listdir("/proc/self/fd")) - before) <= 1  # noqa: PTH208 - descriptors, not files
    ledger.close()


class _ReadMeanwhile:
    """A ledger's files, beside which another process begins the ledger right after the key was looked for."""

    def __init__(self, path: Path) -> None:
        self._path, self._files, self._begun = path, connect(f"file:{path}", write=True), False

    def verifier(self) -> bytes | None:
        found = self._files.verifier()
        if not self._begun:
            self._begun = True
            write(self._path, None, [0])
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)


def test_a_ledger_that_another_process_begins_meanwhile_is_whole(tmp_path: Path) -> None:
    """Its key is not missing: it was not there yet when it was looked for first."""
    source: Any = _ReadMeanwhile(tmp_path)
    found = read_verifier(source)
    assert found is not None and found.name == ORIGIN


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 100])
def test_lines_are_read_whole_whatever_the_size_of_a_read(tmp_path: Path, chunk: int) -> None:
    content = b"one\n\n\ntwo\r\nthree\nunfinished"
    (tmp_path / "log").write_bytes(content)
    with (tmp_path / "log").open("rb") as stream:
        found = list(storage.lines_between(stream.fileno(), 0, len(content), chunk))
        assert found == [b"one", b"", b"", b"two\r", b"three"]
        assert list(storage.lines_between(stream.fileno(), 4, 5, chunk)) == [b""]
