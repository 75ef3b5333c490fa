"""Turns evidence into recorded decisions: judge, policy engines, ledger, reports."""
