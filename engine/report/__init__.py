"""Decisions as bytes, one module per format; nothing is computed again here."""
