"""Decisions made again: as recorded (replay), by edited policies (impact), with other facts (whatif)."""
