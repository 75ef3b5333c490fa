"""When a file's time stamps tell of every later change."""

from __future__ import annotations

import time
from pathlib import Path

from gate.evidence.reading.files import FileStamp, clock_ns, settled


def test_a_stamp_is_settled_once_its_clock_has_moved_on(tmp_path: Path) -> None:
    """FAT keeps every other second, a local file system finer times than the kernel's tick."""
    now = 1_700_000_000_123_456_789
    second = 1_000_000_000
    (tmp_path / "a").write_text("")
    device = (tmp_path / "a").stat().st_dev

    def stamp(mtime_ns: int, ctime_ns: int, dev: int = 0) -> FileStamp:
        return (dev, 1, 1, mtime_ns, ctime_ns, 0o100644)

    whole = now // second * second
    assert not settled(stamp(0, whole - second), now)
    assert settled(stamp(0, whole - 2 * second), now)
    assert not settled(stamp(whole - second, 0), now)
    assert not settled(stamp(now + second, 0), now), "a time in the future proves nothing"
    assert not settled(stamp(0, now - second), now), "nobody knows the clock of an unknown device"
    assert not settled(stamp(0, now - 40_000_000, device), now)
    assert not settled(stamp(0, whole - second, device), now), "a local FAT is as coarse as any"
    before = time.time_ns()
    assert before - second // 10 <= clock_ns() <= time.time_ns(), "it may lag by a tick of the kernel"
