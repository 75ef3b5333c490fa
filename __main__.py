"""``python -m gate`` and the ``gate`` console script."""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` puts the current directory first on the import path. That is often the workspace being
    # judged, whose typer.py would be imported instead of typer. The gate command and `python -I -m gate` are
    # safe from the start; what Python itself imports before this line may already have come from there.
    del sys.path[0]

import gc
import os


def run() -> None:
    """Run the program and end the process.

    The process ends without taking the interpreter apart first, which would free what the system frees anyway
    and take as long as a tenth of an evaluation. Nothing here relies on exit handlers: files are closed, and
    children waited for, where they are opened and started.
    """
    # a short process that mostly imports: collecting garbage as often as usual would cost a tenth of its time
    gc.set_threshold(500_000, 50, 100)
    from .cli import main

    try:
        main()
    except SystemExit as done:
        if not isinstance(done.code, int):
            raise
        try:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
        except (OSError, ValueError):
            raise done from None
        os._exit(done.code & 0xFF)


if __name__ == "__main__":
    run()
