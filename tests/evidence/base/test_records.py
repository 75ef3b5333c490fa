"""Records are read from JSON-like values in any thread."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import sys
from threading import Barrier, Thread
from msgspec import defstruct
from gate.evidence.base.records import from_json

sys.setswitchinterval(1e-6)  # threads take turns as often as they can
fields = [(f"a{number}", int) for number in range(20)]
value = {"one": dict.fromkeys(dict(fields), 1)}
for _ in range(40):
    kind = defstruct("Outer", [("one", defstruct("Inner", fields))])
    start, read = Barrier(4), []

    def run() -> None:
        start.wait()
        read.append(from_json(kind, value).one.a19)

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [1] * 4, read
"""


def test_threads_may_read_a_class_for_the_first_time_at_once() -> None:
    """A process of its own, because the failure is the end of it by a signal."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
