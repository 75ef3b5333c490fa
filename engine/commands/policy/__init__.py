"""``gate policy``: edit, check, test and compare policy bundles, one module per group of commands."""

from __future__ import annotations

from . import edit, impact, package, run, show, whatif
from .group import app

__all__ = ["app", "edit", "impact", "package", "run", "show", "whatif"]
