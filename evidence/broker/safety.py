"""Checks that refuse everything but the one paper account, before an order can leave this machine.

They are independent of each other and of the client library: ``check_target`` before a connection is opened,
``check_library`` before a library is imported, ``check_accounts`` as soon as the gateway has named its
accounts. ``refusal`` explains the gateway's own refusals. What may leave is the port's to say, where bytes
are written. Nothing here opens a connection or reads a clock.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from importlib import metadata

from msgspec import Struct

from ..base.errors import UsageError
from .account_id import mask, prefix

PAPER_PORTS = {7497: "TWS", 4002: "IB Gateway"}
LIVE_PORTS = {7496: "TWS", 4001: "IB Gateway"}
LIBRARIES = {"ib_async": "ibkr", "ib_insync": "ib-insync"}
"""Client libraries, and the extra of gate that installs each."""

_PAPER = re.compile(r"(?:DUSIM|D[A-Z])[0-9]{3,12}")
_SIMULATED = "DUSIM"
_HIGHEST_CLIENT = 999_999
_OWNERS = (("ib_async", "ib_insync"), ("aeventkit", "eventkit"))
"""Distributions of which two install files of the same name."""


class Refused(UsageError):
    """Something that is not the pinned paper account, or no longer certainly is; no order was sent."""

    title = "refused"


class Target(Struct, frozen=True):
    """Where a session connects to, and the account that it may use.

    Attributes:
        account: the pinned account's id.
        client: the client's id, from 1; 0 would take over orders that were entered by hand.
        prefixes: letters that ids of paper accounts may begin with.
        hosts: hosts other than loopback addresses that the operator lists, exactly as ``host`` is written.
    """

    account: str
    port: int
    host: str = "127.0.0.1"
    client: int = 1
    prefixes: tuple[str, ...] = ("DU",)
    hosts: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        """Whether the pinned account is one of gate's own simulator."""
        return self.account.startswith(_SIMULATED)


def check_target(target: Target) -> None:
    """Refuse a target that could be live, before anything is sent to it.

    The paper ports are those of TWS and of the Gateway. The simulator (an account ``DUSIM…`` on a loopback
    address) may have any port but the live ones.

    Raises Refused: the port is live or not known as one for paper, the host is neither a loopback address nor
    listed, the pinned account's id is not one of a paper account, or the client's id is 0.
    """
    port, local = target.port, _is_loopback(target.host)
    if port in LIVE_PORTS:
        remedy = "connect to the paper account: port 7497 of TWS, 4002 of IB Gateway"
        raise Refused(f"port {port} is that of a live account ({LIVE_PORTS[port]})", remedy=remedy)
    _check_account(target.account, target.prefixes)
    if not local and target.host not in target.hosts:
        remedy = "connect to 127.0.0.1, or list the host in evidence.account.hosts"
        raise Refused(f"{target.host[:80]!r} is neither a loopback address nor a listed host", remedy=remedy)
    if not (port in PAPER_PORTS or (target.simulated and local and 0 < port < 65536)):
        remedy = "connect to port 7497 (TWS) or 4002 (IB Gateway); only the simulator may have another"
        raise Refused(f"port {port} is not known as that of a paper account", remedy=remedy)
    if not 0 < target.client <= _HIGHEST_CLIENT:
        remedy = f"take a client id from 1 to {_HIGHEST_CLIENT}"
        raise Refused(f"client id {target.client} cannot be used", remedy=remedy)


def check_accounts(target: Target, managed: Sequence[str]) -> None:
    """Refuse a login that manages anything but the pinned paper account.

    Args:
        managed: the accounts that the gateway names when a session begins (message 15).

    Raises Refused: it names none, one that is not a paper account, or another one than the pinned one.
    """
    if not managed:
        raise Refused("the gateway names no account", remedy="log in to the paper account and try again")
    for account in managed:
        if not account.startswith("D"):
            remedy = "log in to the paper account; nothing was sent that could change an account"
            raise Refused(f"the login manages the live account {_shown(account)}", remedy=remedy)
    for account in managed:
        _check_account(account, target.prefixes)
    others = [_shown(account) for account in managed if account != target.account]
    if others:
        remedy = (
            "log in with the user of the pinned account alone, or correct evidence.account.pinned_account"
        )
        raise Refused(
            f"the login manages {', '.join(others[:3])}, and only {mask(target.account)} is pinned",
            remedy=remedy,
        )


def check_library(name: str) -> str:
    """The version of the client library that is installed.

    Raises Refused: there is also the other one, or a part of it, whose files have the same names; UsageError:
    it is not installed, or there is no such library.
    """
    if name not in LIBRARIES:
        remedy = f"choose one of {', '.join(LIBRARIES)}"
        raise UsageError(f"there is no adapter for the client library {name[:40]!r}", remedy=remedy)
    for pair in _OWNERS:
        if None not in (versions := [installed(one) for one in pair]):
            both = " and ".join(f"{one} {version}" for one, version in zip(pair, versions, strict=True))
            remedy = f"make a new virtual environment with compliance-gate[{LIBRARIES[name]}] alone"
            raise Refused(f"{both} are both installed, and overwrite each other's files", remedy=remedy)
    found = installed(name)
    if found is None:
        others = (one for one in LIBRARIES if installed(one))
        other = "".join(f"; {one} is installed, and must be named to be used" for one in others)
        remedy = f"install it: pip install 'compliance-gate[{LIBRARIES[name]}]'{other}"
        raise UsageError(f"the client library {name} is not installed", remedy=remedy)
    return found


def refusal(code: int, client: int) -> Refused | None:
    """What the gateway's error code forbids to go on with; None where it forbids nothing.

    Args:
        code: of an error message: 326 (client id in use), 321 while Read-Only API is on.
        client: the id that this session gave.
    """
    if code == 326:
        remedy = "end the other program, or take another --client-id"
        return Refused(f"another program is connected with client id {client}", remedy=remedy)
    if code == 321:
        remedy = "switch off Read-Only API in the API settings of TWS or IB Gateway, for the session only"
        return Refused("the gateway refuses orders (321): its Read-Only API is on", remedy=remedy)
    return None


def _check_account(account: str, prefixes: tuple[str, ...]) -> None:
    if not _PAPER.fullmatch(account):
        remedy = "pin the paper account, whose id is DU and digits"
        raise Refused(f"{_shown(account)} is not the id of a paper account", remedy=remedy)
    if not account.startswith(_SIMULATED) and prefix(account) not in prefixes:
        remedy = f"use an account that begins with {' or '.join(prefixes)}, or have the operator list it"
        raise Refused(f"the account {mask(account)} has no listed prefix", remedy=remedy)


def _shown(account: str) -> str:
    return mask(account[:32]) or "an account without a name"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def installed(distribution: str) -> str | None:
    """The version of a distribution that is installed; None where it is not."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
