"""The only door to the user's files: safe paths, size limits, parsers, git."""
