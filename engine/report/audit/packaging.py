"""The step of a package's build that adds the templates compiled. Nothing else imports this.

setuptools loads this file by its path, before there is a package `gate`: no import is relative.
"""

from __future__ import annotations

from pathlib import Path
from runpy import run_path

from setuptools.command.build_py import build_py


class BuildPy(build_py):  # type: ignore[misc]  # setuptools has no types
    """Copies the modules into the package, and adds those that no checkout has."""

    def run(self) -> None:
        """See setuptools."""
        super().run()
        if not self.editable_mode:
            here = Path(__file__).resolve().parent
            templates = run_path(str(here.parents[1] / "terminal" / "templates.py"))
            made = templates["environment"](here)
            made.loader = made.loader.loaders[-1]  # the files
            target = Path(self.build_lib, "gate", "engine", "report", "audit", templates["compiled"]())
            made.compile_templates(target, extensions=["j2"], zip=None, ignore_errors=False)
