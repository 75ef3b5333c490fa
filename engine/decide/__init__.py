"""The pure part: from facts, rules and a time to verdicts. No I/O, no clock, no policy engine."""
