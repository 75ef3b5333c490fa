"""``gate serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...evidence.base.errors import not_installed
from .options import Commands, config_dir

app = Commands()


@app.command()
def serve(
    file: Annotated[
        Path,
        typer.Argument(envvar="GATE_SERVICE", help="The service file.", metavar="FILE", show_default=False),
    ],
    listen: Annotated[
        str | None,
        typer.Option("--listen", help="Listen here, not where the file says.", metavar="HOST:PORT"),
    ] = None,
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy",
            help="A proxy provides TLS and states the client's address: listen anywhere, and believe it.",
        ),
    ] = False,
) -> None:
    """Serve ledgers over HTTP: decisions, records, tiles and pages; record what CI jobs post."""
    from ..serve.settings import load_service

    service = load_service(file, listen, behind_proxy=behind_proxy)
    try:
        from ..serve.served import Served
        from ..serve.server import run
    except ModuleNotFoundError as error:
        raise not_installed("the service", "serve", error) from error
    run(Served(service, config_dir()), behind_proxy=behind_proxy)
