"""The policy engines, one module each."""
