"""Connection to Interactive Brokers (paper only). So far it connects and disconnects; there are no orders yet."""

from __future__ import annotations

from typing import Any

PAPER_PORTS = frozenset({7497, 4002})  # TWS and Gateway, paper trading


class LiveAccountRefusedError(RuntimeError):
    """The port or the account belongs to live trading."""


class IBKRHandler:
    """Owns one client session. `client` is like `ib_insync.IB`; one is made on connect when none is given."""

    def __init__(self, host: str = "127.0.0.1", port: int = 7497, client_id: int = 1, client: Any = None) -> None:
        if port not in PAPER_PORTS:
            raise LiveAccountRefusedError(f"port {port} is not a paper-trading port {sorted(PAPER_PORTS)}")
        self.host = host
        self.port = port
        self.client_id = client_id
        self._client = client

    async def connect(self, timeout: float = 10.0) -> str:
        """Connect and return the paper account's id; `timeout` in seconds.

        Raises LiveAccountRefusedError, after disconnecting, when any managed account is not on paper (`DU…`).
        """
        if self._client is None:
            from ib_insync import IB

            self._client = IB()
        await self._client.connectAsync(self.host, self.port, clientId=self.client_id, timeout=timeout)
        accounts = list(self._client.managedAccounts())
        if not accounts or not all(account.startswith("DU") for account in accounts):
            self._client.disconnect()
            raise LiveAccountRefusedError("the session manages an account that is not a paper account")
        return str(accounts[0])

    def disconnect(self) -> None:
        """End the session; nothing happens when there is none."""
        if self._client is not None and self._client.isConnected():
            self._client.disconnect()
