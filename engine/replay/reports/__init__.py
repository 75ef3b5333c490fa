"""Replays, impacts, hypothetical decisions and sweeps as bytes; nothing is computed again."""
