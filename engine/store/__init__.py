"""Stores evidence by its SHA-256."""
