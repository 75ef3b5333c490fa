"""The step of a package's build that adds the report's templates compiled. Nothing else imports this.

setuptools loads this file by its path, before there is a package `gate`: no import is relative.
"""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from setuptools.command.build_py import build_py


class BuildPy(build_py):  # type: ignore[misc]  # setuptools has no types
    """Copies the modules into the package, and adds those that no checkout has."""

    def run(self) -> None:
        """See setuptools."""
        super().run()
        if not self.editable_mode:
            template, folder = _template(), Path(self.build_lib, "gate", "engine", "report", "audit")
            for name in template.TEMPLATES:
                file = folder / f"{template.module_of(name)}.py"
                file.write_text(template.compiled(name), encoding="utf-8")


def _template() -> ModuleType:
    spec = spec_from_file_location("template", Path(__file__).with_name("template.py"))
    assert spec is not None and spec.loader is not None  # noqa: S101 - it lies beside this file
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
