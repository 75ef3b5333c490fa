"""Record what the examples' clients do: `python examples/make_conformance.py [EXAMPLE...]`.

Runs `gate ibkr conformance` with each example's own driver (`tests/e2e/conformance_driver.py`), in a virtual
environment that has nothing but its client library and that is made in `build/clients`; this needs a package index.
Then all times are moved to the example's own, as the examples are judged at a pinned time. Takes two minutes.
Run `make_ready.py` afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parent
CLIENTS = EXAMPLES.parent / "build" / "clients"
LIBRARIES = {"ready": "ib_async==2.1.0", "algo-trade": "ib_insync==0.9.86"}
FINISHED_AT = {
    "ready": datetime(2025, 12, 4, 13, tzinfo=UTC),
    "algo-trade": datetime(2025, 11, 7, 9, tzinfo=UTC),
}
TIME = re.compile(r"\d{8} \d\d:\d\d:\d\d UTC")
NAME = "BROKER_CONFORMANCE.json"


def environment(requirement: str) -> Path:
    """The Python of a virtual environment with nothing but this library."""
    folder = CLIENTS / f"{requirement.partition('==')[0]}-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", requirement], check=True)
        (folder / "complete").touch()
    return python


def moved(value: Any, by: timedelta) -> Any:
    """The value with every time in it moved: microseconds since 1970, RFC 3339, and as the broker writes them."""
    if isinstance(value, dict):
        return {key: moved_member(key, item, by) for key, item in value.items()}
    if isinstance(value, list):
        return [moved(item, by) for item in value]
    if isinstance(value, str) and TIME.fullmatch(value):
        form = "%Y%m%d %H:%M:%S UTC"
        return (datetime.strptime(value, form).replace(tzinfo=UTC) + by).strftime(form)
    return value


def moved_member(key: str, value: Any, by: timedelta) -> Any:
    """A member of an object; its name says whether a number is a time."""
    if key == "at_us":
        return value + by // timedelta(microseconds=1)
    if key in ("started_at", "finished_at"):
        return (datetime.fromisoformat(value) + by).isoformat().replace("+00:00", "Z")
    return moved(value, by)


def make(example: str) -> None:
    """Run the suite with the example's driver, and write what it shows."""
    root = EXAMPLES / example
    python = environment(LIBRARIES[example])
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "gate", "ibkr", "conformance", "--force", "--file", str(root / NAME), "-w", str(root)]
    driver = [str(python), "-m", "tests.e2e.conformance_driver"]
    # the example's `contracts` and `tests` are packages too, and gate is not to import them
    program = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(root), *driver]
    subprocess.run([*command, "--", *program], check=True, cwd=CLIENTS, env=variables)
    (root / f"{NAME}.provenance.json").unlink(missing_ok=True)
    document = json.loads((root / NAME).read_text(encoding="utf-8"))
    by = FINISHED_AT[example] - datetime.fromisoformat(document["finished_at"])
    for case in document["cases"]:
        path = root / case["log"]
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        lines = [json.dumps(moved(one, by), ensure_ascii=False, separators=(",", ":")) for one in records]
        data = "".join(line + "\n" for line in lines).encode()
        path.write_bytes(data)
        case["log_sha256"] = hashlib.sha256(data).hexdigest()
    document = moved(document, by)
    document["command"] = "python -m tests.e2e.conformance_driver"
    document["note"] = "A real run of this folder's client; its times are moved to the day on which the example is judged."
    (root / NAME).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Record what the examples' clients do.")
    parser.add_argument("examples", nargs="*", default=list(LIBRARIES), metavar="EXAMPLE", help="by default all")
    for name in parser.parse_args().examples:
        make(name)
