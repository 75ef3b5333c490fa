"""What a session with the broker may do, from the settings in force: the pinned account, hosts, SLAs."""

from __future__ import annotations

from typing import Any

from ...evidence.base.records import lookup
from ...evidence.broker.safety import Refused, Target
from ..context import Context

COLLECTOR = "account"
RECORD = "ACCOUNT_CONFIG.json"


def pinned_account(context: Context) -> str | None:
    """The account that the settings pin; None where they pin none."""
    pinned: str | None = _options(context).get("pinned_account")
    return pinned


def target_of(context: Context, *, host: str, port: int, client: int) -> Target:
    """Where to connect, and the account that may be used there. Nothing is checked but that one is pinned.

    Prefixes of paper accounts are those of the policy (``stage6.account_prefixes``), which an operator may
    replace; hosts are those of ``evidence.account.hosts``.

    Raises Refused: no account is pinned.
    """
    pinned = pinned_account(context)
    if pinned is None:
        remedy = "set evidence.account.pinned_account in the operator's file or gate.yaml"
        raise Refused("no account is pinned, so none may be used", remedy=remedy)
    prefixes = parameter(context, "stage6", "account_prefixes") or ["DU"]
    hosts = _options(context).get("hosts", [])
    return Target(pinned, port, host, client, tuple(map(str, prefixes)), tuple(hosts))


def slas_us(context: Context) -> dict[str, int]:
    """What the 95th percentile of each operation may be, in microseconds (``stage3.latency_sla_max``)."""
    found = parameter(context, "stage3", "latency_sla_max")
    return dict(found) if isinstance(found, dict) else {}


def record_path(context: Context) -> str:
    """Where the account's record lies, relative to the workspace."""
    path: str = _options(context).get("path", RECORD)
    return path


def parameter(context: Context, group: str, name: str) -> Any:
    """The value of a policy's parameter; None where the bundle does not have it."""
    return lookup(context.bundle.data, f"gate.params.{group}.{name}.value")


def _options(context: Context) -> dict[str, Any]:
    return context.config.evidence.get(COLLECTOR, {})
