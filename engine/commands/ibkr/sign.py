"""``gate ibkr sign``."""

from __future__ import annotations

from typing import Annotated

from ....evidence.base.errors import masked
from ...broker import evidence_files
from ...people import sshsign
from ...terminal.console import write_error, write_line
from ..options import HERE_ALONE, Where, argument
from ..people.signoff import Key, Yes, confirm


def sign(
    file: Annotated[str, argument("Evidence of the workspace.", "FILE")],
    key: Key = None,
    yes: Yes = False,
    where: Where = HERE_ALONE,
) -> None:
    """Sign a drill or verification with your SSH key, after reading it."""
    context = where.open()
    path, data = evidence_files.signable(context, file)
    write_error(masked(data.decode("utf-8", "replace")))
    confirm(f"Sign {path}?", yes)
    names = evidence_files.sign_evidence(context, path, data, sshsign.find_key(key))
    write_line(f"wrote {path}.sig, by {', '.join(names)}")
