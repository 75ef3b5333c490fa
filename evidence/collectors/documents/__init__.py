"""Collectors of Markdown documents that people write: one module each, named like the collector."""
