"""Decisions, facts, status and ledger as text and data, one module per format."""
