"""What could be a live account is refused before anything is sent."""

from __future__ import annotations

from importlib import metadata

import pytest
from msgspec.structs import replace

from gate.evidence.base.errors import UsageError
from gate.evidence.broker.safety import (
    Refused,
    Target,
    check_accounts,
    check_library,
    check_target,
    refusal,
)

PAPER = Target("DU1234567", 7497)


@pytest.mark.parametrize(
    "target",
    [
        PAPER,
        replace(PAPER, port=4002, client=17),
        replace(PAPER, host="::1"),
        replace(PAPER, host="localhost"),
        replace(PAPER, host="gateway.example.com", hosts=("gateway.example.com",)),
        replace(PAPER, account="DF1234567", prefixes=("DU", "DF")),
        Target("DUSIM0000001", 54321),
    ],
)
def test_the_pinned_paper_account_is_let_through(target: Target) -> None:
    """On the paper ports of this machine, or of a host that the operator lists; the simulator on any port."""
    check_target(target)
    check_accounts(target, [target.account])


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (replace(PAPER, port=7496), "port 7496 is that of a live account (TWS)"),
        (replace(PAPER, port=4001), "port 4001 is that of a live account (IB Gateway)"),
        (Target("DUSIM0000001", 4001), "port 4001 is that of a live account"),
        (replace(PAPER, port=4003), "port 4003 is not known"),
        (Target("DUSIM0000001", 54321, host="10.0.0.1", hosts=("10.0.0.1",)), "port 54321 is not known"),
        (Target("DUSIM0000001", 0), "port 0 is not known"),
        (replace(PAPER, account="U1234567"), "U1****67 is not the id of a paper account"),
        (replace(PAPER, account="DU1234567 "), "is not the id of a paper account"),
        (replace(PAPER, account="DU12345६७"), "is not the id of a paper account"),
        (replace(PAPER, account=""), "is not the id of a paper account"),
        (replace(PAPER, account="DF1234567"), "DF*****67 has no listed prefix"),
        (replace(PAPER, host="gateway.example.com"), "neither a loopback address nor a listed host"),
        (replace(PAPER, host="127.0.0.1.example.com"), "neither a loopback address nor a listed host"),
        (replace(PAPER, host="0.0.0.0"), "neither a loopback address nor a listed host"),  # noqa: S104
        (replace(PAPER, client=0), "client id 0 cannot be used"),
        (replace(PAPER, client=-1), "client id -1 cannot be used"),
    ],
)
def test_what_could_be_live_is_refused(target: Target, why: str) -> None:
    """Before a connection is opened; ids are never shown in full."""
    with pytest.raises(Refused) as refused:
        check_target(target)
    said = refused.value.diagnostics()
    assert why in said
    assert "1234567" not in said


@pytest.mark.parametrize(
    ("managed", "why"),
    [
        ([], "the gateway names no account"),
        (["U7654321"], "manages the live account U7****21"),
        (["DU1234567", "U7654321"], "manages the live account U7****21"),
        (["DU1234567", "F7654321"], "manages the live account F7****21"),
        (["DU7654321"], "manages DU*****21, and only DU*****67 is pinned"),
        (["DU1234567", "DU7654321"], "manages DU*****21, and only DU*****67 is pinned"),
        (["DF1234567", "DU1234567"], "DF*****67 has no listed prefix"),
        (["DU1234567", "D"], "is not the id of a paper account"),
        (["du1234567"], "manages the live account"),
        (["DUSIM0000001"], "and only DU*****67 is pinned"),
        (["D" * 5000], "is not the id of a paper account"),
    ],
)
def test_a_login_that_manages_anything_else_is_refused(managed: list[str], why: str) -> None:
    """Also if the pinned account is among several."""
    with pytest.raises(Refused) as refused:
        check_accounts(PAPER, managed)
    said = refused.value.diagnostics()
    assert why in said
    assert "7654321" not in said
    assert len(said) < 400


def test_one_library_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both libraries, or what is left of the other one, are refused; a missing one says what to install."""
    installed = {"ib_async": "2.1.0", "aeventkit": "2.1.0"}

    def version(name: str) -> str:
        try:
            return installed[name]
        except KeyError as error:
            raise metadata.PackageNotFoundError(name) from error

    monkeypatch.setattr(metadata, "version", version)
    assert check_library("ib_async") == "2.1.0"
    with pytest.raises(UsageError, match="ib_insync is not installed") as missing:
        check_library("ib_insync")
    assert "compliance-gate[ib-insync]" in missing.value.diagnostics()
    with pytest.raises(UsageError, match="no adapter"):
        check_library("ibapi")
    installed["eventkit"] = "1.0.3"
    with pytest.raises(Refused, match=r"aeventkit 2\.1\.0 and eventkit 1\.0\.3 are both installed"):
        check_library("ib_async")
    installed["ib_insync"] = "0.9.86"
    with pytest.raises(Refused, match=r"ib_async 2\.1\.0 and ib_insync 0\.9\.86 are both installed"):
        check_library("ib_insync")


def test_what_the_gateway_refuses_is_explained() -> None:
    """A second program with the same id, and a gateway that is read-only; other errors forbid nothing."""
    assert "client id 7" in str(refusal(326, 7))
    assert "Read-Only API is on" in str(refusal(321, 7))
    assert refusal(2104, 7) is None
