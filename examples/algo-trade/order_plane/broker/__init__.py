"""Broker clients."""
