"""``gate report`` and ``gate history``."""
