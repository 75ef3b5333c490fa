"""Where the processes of a program are connected to, on Linux.

From ``/proc`` (proc_pid_net(5), proc_pid_fd(5)).

A look at one moment: a connection that is shorter than the time between two looks is not seen.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

WATCHED = sys.platform == "linux"
"""Whether this system says where processes are connected to."""

GATEWAY_PORTS = frozenset({7496, 7497, 4001, 4002})
"""Where TWS and IB Gateway listen, for real money or on paper."""
LOOK_S = 0.2
"""Between two looks."""
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


def shown(address: str, port: int) -> str:
    """An address and a port as people write them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


async def other_gateway(root: int, gateway: tuple[str, int]) -> str:
    """Wait until a descendant is connected to a port of a gateway that is not this one: which it is.

    Waits for ever where the system does not say.
    """
    while True:
        for found in await asyncio.to_thread(remote_addresses, root) if WATCHED else ():
            if found != gateway and found[1] in GATEWAY_PORTS:
                return shown(*found)
        await asyncio.sleep(LOOK_S)


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
