"""Runs other programs, and work in child processes, under limits."""
