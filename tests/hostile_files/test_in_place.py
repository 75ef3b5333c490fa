"""Links, pipes, sockets, devices and giants in the place of evidence files: refused by name, and alone."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from .files import BY_COLLECTOR, COVERAGE, ROUNDS, Gate, collect, collectors, expect, spoil


def test_the_workspace_is_good_before_it_is_made_hostile(gate: Gate, workspace: Path) -> None:
    """Otherwise the tests below would prove nothing."""
    for path in COVERAGE:
        names = BY_COLLECTOR if path == COVERAGE[0] else ["coverage"]
        run = gate("collect", *names, "-w", workspace, "-o", "json")
        assert (run.code, run.err) == (0, "")
        (workspace / path).unlink()


def outside(path: Path, elsewhere: Path) -> None:
    """A link to the very same content, outside of the workspace."""
    target = elsewhere / str(len(list(elsewhere.iterdir())))
    path.rename(target)
    path.symlink_to(target)


def loop(path: Path, elsewhere: Path) -> None:
    """A link to itself."""
    path.unlink()
    path.symlink_to(path.name)


def device_link(path: Path, elsewhere: Path) -> None:
    """A link to a device without end."""
    path.unlink()
    path.symlink_to("/dev/zero")


def pipe(path: Path, elsewhere: Path) -> None:
    """A named pipe that nobody writes to."""
    path.unlink()
    os.mkfifo(path)


def device(path: Path, elsewhere: Path) -> None:
    """The device without end itself, where one may be made; a pipe elsewhere."""
    path.unlink()
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        os.mkfifo(path)


def unix_socket(path: Path, elsewhere: Path) -> None:
    """A socket that nobody listens at."""
    path.unlink()
    folder = os.open(path.parent, os.O_RDONLY)  # socket names are short, test directories are not
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def giant(path: Path, elsewhere: Path) -> None:
    """A hundred megabytes."""
    os.truncate(path, 100 * 1024 * 1024)


LINK = "is a symbolic link, which evidence may not be"
IRREGULAR = "is not a regular file"
IN_PLACE = {
    "outside": (outside, LINK),
    "loop": (loop, LINK),
    "device link": (device_link, LINK),
    "pipe": (pipe, IRREGULAR),
    "device": (device, IRREGULAR),
    "socket": (unix_socket, IRREGULAR),
    "giant": (giant, r"is larger than \d+ bytes|a line is longer than \d+ bytes"),
}


EVERY_FILE = {"outside"}
"""Ways that ``make test`` tries on every file; the others are tried on the first file of each collector."""


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param(
            name,
            number,
            id=f"{name}-{number}",
            marks=[pytest.mark.soak] * (number and name not in EVERY_FILE),
        )
        for name in IN_PLACE
        for number in range(len(ROUNDS))
    ],
)
def test_what_is_no_file_is_refused(
    gate: Gate, workspace: Path, tmp_path: Path, name: str, number: int
) -> None:
    """Links, pipes, sockets, devices and giants are refused at once wherever evidence is expected."""
    spoiler, said = IN_PLACE[name]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    paths = ROUNDS[number]
    spoil(workspace, paths, lambda path: spoiler(path, elsewhere))
    expect(collect(gate, workspace, *collectors(paths)), paths, said)
