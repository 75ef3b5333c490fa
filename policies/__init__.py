"""The shipped policy bundle (data only)."""
