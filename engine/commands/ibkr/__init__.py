"""``gate ibkr``: Interactive Brokers."""

from .group import app

__all__ = ["app"]
