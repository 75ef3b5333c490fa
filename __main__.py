"""``python -m gate``: the same program as the ``gate`` console script."""

from .cli import main

if __name__ == "__main__":
    main()
