"""The ledger in a directory of files."""
