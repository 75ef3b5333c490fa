"""A record's archive: every byte of it counts, and no other archive is read."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from gate.engine import signed_files
from gate.engine.record import archive, contents
from gate.engine.record.verify import verify

Gate = Callable[..., Any]


def unnoticed(data: bytes, places: Iterable[int], bits: Iterable[int]) -> list[tuple[int, int]]:
    """The changes of single bytes that neither the archive nor the manifest shows."""
    changed, found = bytearray(data), []
    for at in places:
        for bit in bits:
            changed[at] ^= bit
            try:
                contents.check_manifest(archive.read_tar(bytes(changed)))
                found.append((at, bit))
            except archive.BadRecordError:
                pass
            changed[at] = data[at]
    return found


def test_a_small_record_is_sound(record: tuple[bytes, str], gate: Gate, tmp_path: Path) -> None:
    """Written and read, the bytes are the same; a failed verdict is made again, too."""
    data, trust = record
    files = archive.read_tar(data)
    assert b"".join(archive.write_tar(files)) == data
    found = verify(files, trust, again=True)
    assert found.ok, found.checks
    assert found.decision is not None and found.decision.verdict.value == "FAIL"
    assert b"GIF89a" in files.values()
    assert not any(b"not for the ledger" in content for content in files.values())
    states = {check.name: check.text for check in found.checks}
    assert states["people"].startswith("0 valid signatures of people; 1 without effect")
    shown = gate("record", "verify", "r.tar", "--trust", f"sha256:{trust}").out
    assert "self-judged: the judged change itself decided all settings" in shown
    assert "weakened: the policy bundle was given by a flag" in shown


def test_a_record_stays_the_same_and_another_log_has_another(
    record: tuple[bytes, str], judge: Gate, gate: Gate, tmp_path: Path
) -> None:
    """Other entries do not matter. Made anew with another key, it is sound, and not what was pinned."""
    data, trust = record
    root = tmp_path / "workspace"
    assert judge(root).code == 1
    assert gate("record", "export", "0", "-w", root, "-o", "again.tar").code == 0
    assert (tmp_path / "again.tar").read_bytes() == data
    (root / "ledger").rename(tmp_path / "old")
    other = {"GATE_CONFIG_DIR": str(tmp_path / "other")}
    assert judge(root, env=other).code == 1
    done = gate("record", "export", "0", "-w", root, "-o", "other.tar", "-o", "json", env=other)
    own = json.loads(done.out)["trust"]
    assert gate("record", "verify", "other.tar", "--trust", own).code == 0
    refused = gate("record", "verify", "other.tar", "--trust", f"sha256:{trust}")
    assert (refused.code, f"the record's is {own}, not the one that was pinned" in refused.out) == (1, True)


def test_changed_bytes_are_found(record: tuple[bytes, str]) -> None:
    """Every third of header, padding and text of the manifest, and here and there in the files."""
    data, _ = record
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = {one.name: one for one in tar}
    places = set(range(0, len(data), 997)) | set(range(len(data) - 1024, len(data)))
    for name in (contents.MANIFEST, contents.ABOUT):
        one = members[name]
        places |= set(range(one.offset, one.offset_data + one.size + -one.size % 512, 3))
    assert unnoticed(data, sorted(places), (1,)) == []
    for cut in (data[:-1], data[:-512], data + b"\0", data + data[-512:], data[512:], b""):
        with pytest.raises(archive.BadRecordError):
            contents.check_manifest(archive.read_tar(cut))


@pytest.mark.soak
def test_every_changed_byte_is_found(record: tuple[bytes, str]) -> None:
    """Each byte of headers, padding and manifest, one bit of it and all of them; of each file, some bytes."""
    data, _ = record
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        files = [(one.offset_data, one.size) for one in tar if one.name != contents.MANIFEST]
    within = [range(start + 1, start + size - 1) for start, size in files]  # the first and the last are tried
    left = {at for one in within for at in one if at % 199}
    assert len(files) > 10 and len(data) - len(left) > 512 * len(files)
    assert unnoticed(data, (at for at in range(len(data)) if at not in left), (1, 255)) == []


def packed(*members: tuple[dict[str, Any], bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """An archive by Python's library, as gate writes its own but for what the members say."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as tar:
        for fields, data in members:
            one = tarfile.TarInfo()
            one.mode, one.size = 0o644, len(data)
            for name, value in fields.items():
                setattr(one, name, value)
            tar.addfile(one, io.BytesIO(data))
    return stream.getvalue()


def ours(name: str) -> bytes:
    """One empty file as gate writes it."""
    return next(iter(archive.write_tar({name: b""})))


HOSTILE: dict[str, tuple[bytes, str]] = {
    "a compressed archive": (gzip.compress(ours("a") + bytes(1024)), "no tar archive; unpack it first"),
    "another file": (b"%PDF-1.7" * 100, "this is no tar archive"),
    "a symbolic link": (packed(({"name": "a", "type": tarfile.SYMTYPE, "linkname": "b"}, b"")), "a symbolic"),
    "a hard link": (packed(({"name": "a", "type": tarfile.LNKTYPE, "linkname": "b"}, b"")), "a hard link"),
    "a device": (packed(({"name": "a", "type": tarfile.CHRTYPE}, b"")), "device"),
    "a pipe": (packed(({"name": "a", "type": tarfile.FIFOTYPE}, b"")), "pipe"),
    "a directory": (packed(({"name": "a", "type": tarfile.DIRTYPE}, b"")), "directory"),
    "twice the same": (ours("a") + ours("a") + bytes(1024), "has a twice"),
    "not in order": (ours("b") + ours("a") + bytes(1024), "not in order"),
    "an absolute name": (packed(({"name": "/etc/passwd"}, b"")), "no name of a file"),
    "a name that leads out": (packed(({"name": "../a"}, b"")), "no name of a file"),
    "a name that leads out inside": (packed(({"name": "a/../../b"}, b"")), "no name of a file"),
    "a name with an escape": (packed(({"name": "a\x1b[31m"}, b"")), r"'a\x1b[31m' is no name"),
    "an owner": (packed(({"name": "a", "uid": 1000}, b"")), "not as gate writes it"),
    "a time": (packed(({"name": "a", "mtime": 1}, b"")), "not as gate writes it"),
    "another mode": (packed(({"name": "a", "mode": 0o4755}, b"")), "not as gate writes it"),
    "a long name of GNU's": (packed(({"name": "a" * 200}, b""), form=tarfile.GNU_FORMAT), "an extension of"),
    "a pax header": (packed(({"name": "a" * 200}, b""), form=tarfile.PAX_FORMAT), "an extension of"),
    "more padding": (ours("a") + bytes(1536), "two blocks of zeros"),
    "a huge size": (archive._header("a", archive.MAX_BYTES) + bytes(1024), "cut short"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_other_archives_are_refused(gate: Gate, tmp_path: Path, name: str) -> None:
    """Nothing of them is unpacked; the first line says what is wrong."""
    data, problem = HOSTILE[name]
    (tmp_path / "bad.tar").write_bytes(data)
    done = gate("record", "verify", "bad.tar", "--trust", "sha256:" + "0" * 64)
    assert (done.code, done.err) == (1, "")
    assert problem in done.out and "\x1b" not in done.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.tar"]


def test_as_many_files_as_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 3)
    data = b"".join(archive.write_tar(dict.fromkeys("abcd", b"")))
    with pytest.raises(archive.BadRecordError, match="more than 3 files"):
        archive.read_tar(data)


def test_a_signed_account_number_is_not_kept(small: Callable[..., Path], gate: Gate, tmp_path: Path) -> None:
    """The decision is recorded and says so; no record of it can be made, and no message shows the number."""
    root = small(comment="for U1234567")
    judged = gate("evaluate", "stage1", "-w", root, "-p", tmp_path / "bundle")
    assert judged.code == 1
    assert "signoffs/a.json was not kept, so no compliance record can be made" in judged.err
    done = gate("record", "export", "0", "-w", root, "-o", "r.tar")
    assert (done.code, (tmp_path / "r.tar").exists()) == (2, False)
    assert "signed/signoff-1.json, which the decision rests on, cannot be had" in done.err
    stored = b"".join(path.read_bytes() for path in (root / "ledger").rglob("*") if path.is_file())
    assert b"U1234567" not in stored and "U1234567" not in judged.err + judged.out + done.err


def test_names_in_the_page_act_on_nothing(
    small: Callable[..., Path], judge: Gate, gate: Gate, tmp_path: Path
) -> None:
    odd = "<script>alert(1)</script>\u202e"
    root = small(subject={"sources": ["src"], "exclude": [odd]})
    assert judge(root).code == 1
    assert gate("record", "export", "0", "-w", root, "-o", "r.tar").code == 0
    page = archive.read_tar((tmp_path / "r.tar").read_bytes())[contents.PAGE].decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e" in page
    assert "<script" not in page and "\u202e" not in page


def test_a_change_full_of_sign_offs_does_not_fill_the_ledger(
    small: Callable[..., Path], gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than are kept, or larger ones: recorded all the same, and the run says what follows."""
    root = small()
    stored = (root / "signoffs" / "a.json").read_bytes()
    (root / "signoffs" / "large.json").write_bytes(stored + b" " * (4 << 20))
    run = ("evaluate", "stage1", "-w", root, "-p", tmp_path / "bundle")
    large = gate(*run)
    assert (large.code, "signoffs/large.json was not kept" in large.err) == (1, True)
    monkeypatch.setattr(signed_files, "MAX_FILES", 1)
    many = gate(*run)
    assert (many.code, "2 signed files are more than the 1 that are kept" in many.err) == (1, True)
    files = [path for path in (root / "ledger" / "evidence").rglob("*") if path.is_file()]
    assert max(path.stat().st_size for path in files) < 1 << 20
