"""``gate serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ...evidence.base.errors import not_installed
from .options import Commands, argument, config_dir, option

app = Commands()


@app.command()
def serve(
    file: Annotated[Path, argument("The service file.", "FILE", envvar="GATE_SERVICE", show_default=False)],
    listen: Annotated[
        str | None, option("--listen", "Listen here, not where the file says.", "HOST:PORT")
    ] = None,
    behind_proxy: Annotated[
        bool,
        option(
            "--behind-proxy",
            "A proxy provides TLS and states the client's address: listen anywhere, and believe it.",
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
