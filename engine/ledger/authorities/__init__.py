"""Authorities outside of the ledger: witnesses that cosign, services that stamp the time."""
