"""gate: policy-as-code compliance decisions for systems that are about to go live.

The repository root is this import package; see ``docs/adr/0001-root-is-the-package.md``.
"""

__version__ = "0.1.0"
