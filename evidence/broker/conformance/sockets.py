"""Where the processes of a program are connected to, on Linux.

From ``/proc`` (proc_pid_net(5), proc_pid_fd(5)).

A look at one moment: a connection that is shorter than the time between two looks is not seen.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

WATCHED = sys.platform == "linux"
"""Whether this system says where processes are connected to."""

_PROC = Path("/proc")
_OPEN = frozenset({"01", "02"})  # ESTABLISHED, SYN_SENT


def remote_addresses(root: int) -> set[tuple[str, int]]:
    """Address and port of the other end of each TCP connection of the descendants of a process."""
    sockets = {inode for pid in _descendants(root) for inode in _sockets(pid)}
    if not sockets:
        return set()
    found = set()
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / str(root) / "net" / name).read_text().splitlines()[1:]:
                parts = line.split()
                if parts[3] in _OPEN and parts[9] in sockets:
                    found.add(_address(parts[2]))
    return found


def _descendants(root: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            with suppress(OSError, ValueError, IndexError):
                # the name in parentheses may contain anything; the fields after the last one are numbers
                parent = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    waiting = [root]
    while waiting:
        found = children.pop(waiting.pop(), [])
        yield from found
        waiting += found


def _sockets(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for entry in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                target = str(entry.readlink())
                if target.startswith("socket:["):
                    yield target[8:-1]


def _address(text: str) -> tuple[str, int]:
    """From the kernel's form: words in the machine's byte order in hexadecimal, a colon, the port."""
    words, _, port = text.partition(":")
    data = b"".join(
        int(words[start : start + 8], 16).to_bytes(4, sys.byteorder) for start in range(0, len(words), 8)
    )
    address = ipaddress.ip_address(data)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address), int(port, 16)
