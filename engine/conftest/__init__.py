"""Policies written for Conftest: a stage for each namespace, asked about one document at a time."""
