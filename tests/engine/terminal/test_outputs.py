"""Where reports go: parsing of ``--output`` and whole-file replacement."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gate.engine.ledger.interface import LOG
from gate.engine.terminal.outputs import Output, parse_outputs, write, write_new
from gate.evidence.base.errors import EnvironmentProblem, UsageError

KNOWN = ("table", "json", "prelive")


def refused(*texts: str) -> UsageError:
    """The usage error about some outputs."""
    with pytest.raises(UsageError) as caught:
        parse_outputs(texts, KNOWN)
    assert caught.value.remedy
    return caught.value


def test_outputs(tmp_path: Path) -> None:
    """A default, names, paths with an equals sign, several at once."""
    assert parse_outputs([], KNOWN) == parse_outputs(None, KNOWN) == [Output("table", None)]
    assert parse_outputs(["json"], KNOWN) == [Output("json", None)]
    path = tmp_path / "a=b.json"
    assert parse_outputs([f"json={path}", "table"], KNOWN) == [
        Output("json", path),
        Output("table", None),
    ]


def test_unknown_formats() -> None:
    """An unknown format names the nearest and the known ones."""
    error = refused("jsno=x")
    assert error.what == "there is no output format 'jsno'"
    assert error.remedy == "did you mean 'json'? known: table, json, prelive"
    assert refused("zzz").remedy == "known: table, json, prelive"


def test_a_path_must_be_given() -> None:
    """``json=`` names nothing."""
    assert refused("json=").what == "--output json= names no path"


def test_standard_output_takes_one() -> None:
    """Two documents on one stream would be mixed."""
    assert "mixed on standard output" in refused("json", "table").what


@pytest.mark.parametrize(
    "target", ["directory", "no parent", "pipe", "link", "/dev/null", "/dev/stdout", "unwritable"]
)
def test_impossible_targets(tmp_path: Path, target: str) -> None:
    """A directory, a missing one, a pipe, link or device is refused before anything is judged."""
    path = tmp_path / "it"
    if target == "directory":
        path.mkdir()
    elif target == "no parent":
        path = path / "deeper" / "x.json"
    elif target == "pipe":
        os.mkfifo(path)
    elif target == "link":
        path.symlink_to("elsewhere")
    elif target == "unwritable":
        path = Path("/proc/1/x.json")
    else:
        path = Path(target)
    error = refused(f"json={path}")
    assert error.what == "the output cannot be written there"
    assert error.path == str(path)


def test_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Without a path the bytes go to standard output as they are."""
    write(Output("json", None), "{ת}\n".encode())
    assert capfdbinary.readouterr().out == "{ת}\n".encode()


def test_files_are_replaced_as_a_whole(tmp_path: Path) -> None:
    """A new file is readable by all; an old one is replaced; nothing else is left behind."""
    path = tmp_path / "out.json"
    write(Output("json", path), b"one")
    before = path.stat()
    write(Output("json", path), b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.stat().st_ino != before.st_ino
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    """A link put at the target's place in the meantime does not lead the report elsewhere."""
    elsewhere = tmp_path / "precious"
    elsewhere.write_text("kept")
    (tmp_path / "out.json").symlink_to(elsewhere)
    write(Output("json", tmp_path / "out.json"), b"new")
    assert elsewhere.read_text() == "kept"
    assert not (tmp_path / "out.json").is_symlink()


def test_a_full_disk(tmp_path: Path) -> None:
    """A report that cannot be written leaves the old file and no temporary one (here: a file size limit)."""
    import resource
    import signal

    path = tmp_path / "out.json"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(EnvironmentProblem) as caught:
            write(Output("json", path), b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert caught.value.what == "the output cannot be written: File too large"
    assert caught.value.path == str(path)
    assert caught.value.remedy is not None
    assert "what was recorded stays recorded" in caught.value.remedy
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_vanished(tmp_path: Path) -> None:
    """The directory may go away between the check and the writing."""
    with pytest.raises(EnvironmentProblem) as caught:
        write(Output("json", tmp_path / "gone" / "out.json"), b"x")
    assert "No such file or directory" in caught.value.what


def test_no_output_into_the_ledger(tmp_path: Path) -> None:
    """A report never replaces a file of the ledger, also by a roundabout path."""
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    early = parse_outputs([f"json={ledger}/log.intoto.jsonl"], ["json"])[0]
    (ledger / LOG).write_text("")
    (ledger / "evidence").mkdir()
    (tmp_path / "link").symlink_to(ledger)
    for name in ("ledger/log.intoto.jsonl", "x/../ledger/new", "link/evidence/new"):
        for refused in (
            lambda path: parse_outputs([f"json={path}"], ["json"]),
            lambda path: write_new(path, [b""]),
        ):
            with pytest.raises(UsageError, match="into the ledger"):
                refused(tmp_path / name)
    with pytest.raises(UsageError, match="into the ledger"):
        write(early, b"")
    parse_outputs([f"json={tmp_path}/decision.json"], ["json"])
