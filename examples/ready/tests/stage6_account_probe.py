"""Stage 6: the account that the probe recorded is the paper account we trade, and the handler reads the same figures."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from algo_trade.core.execution.IBKR_handler import LIVE_PORTS, PAPER_PORTS, ConnectionConfig, IBKRHandler
from tests.e2e.fake_ib import FakeIB

pytestmark = pytest.mark.stage6


def test_the_account_is_paper_and_was_read_only(account: dict[str, Any]) -> None:
    assert account["account_id"].startswith("DU") and account["account_type"] == "PAPER"
    connection = account["connection"]
    assert connection["connected"] and connection["read_only"]
    assert connection["port"] in PAPER_PORTS - LIVE_PORTS


def test_permissions_and_limits_are_known(account: dict[str, Any]) -> None:
    assert account["permissions"]["stocks"] is True
    assert None not in account["permissions"].values()
    assert 0 < account["limits"]["max_order_size"] <= 1000
    assert 0 < account["limits"]["max_position_value"] <= 100_000


def test_buying_power_covers_the_largest_position(account: dict[str, Any]) -> None:
    assert account["buying_power"] >= account["limits"]["max_position_value"] > 0
    assert 0 < account["margin_cushion"] <= 1
    held = sum(position["market_value"] for position in account["positions"])
    assert account["nav"] == pytest.approx(account["cash"] + held)


def test_the_probe_reads_what_the_account_says(account: dict[str, Any]) -> None:
    session = FakeIB([account["account_id"]])
    session.summary |= {"NetLiquidation": str(account["nav"]), "BuyingPower": str(account["buying_power"])}
    config = ConnectionConfig(account["account_id"], read_only=True)
    handler = IBKRHandler(config, session, session.types, session.clock, session.sleep)

    async def probe() -> dict[str, float]:
        await handler.connect()
        return await handler.get_account_info()

    info = asyncio.run(probe())
    assert (info["nav"], info["buying_power"]) == (account["nav"], account["buying_power"])
    assert {kind for _, kind in session.sent} == {"summary"}
