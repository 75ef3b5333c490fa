"""``gate ibkr sign``."""

from __future__ import annotations

from typing import Annotated

import typer

from ....evidence.base.errors import masked
from ...broker import evidence_files
from ...people import sshsign
from ...terminal.console import write_error, write_line
from ..options import HERE, Debug, Operator, TrustRef, Verbose, Workspace, open_workspace
from ..people.signoff import Key, Yes, confirm


def sign(
    file: Annotated[str, typer.Argument(help="Evidence of the workspace.", metavar="FILE")],
    key: Key = None,
    yes: Yes = False,
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Sign a drill or verification with your SSH key, after reading it."""
    context = open_workspace(workspace, operator, trust_ref)
    path, data = evidence_files.signable(context, file)
    write_error(masked(data.decode("utf-8", "replace")))
    confirm(f"Sign {path}?", yes)
    names = evidence_files.sign_evidence(context, path, data, sshsign.find_key(key))
    write_line(f"wrote {path}.sig, by {', '.join(names)}")
