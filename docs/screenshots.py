"""Make the screenshots of docs/images again: `python docs/screenshots.py`; needs Chromium."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {"report.png": ("algo-trade", "en"), "report-he.png": ("algo-trade", "he")}
"""Picture → the example that it shows, and the language."""
SERVED = {"equities": "algo-trade", "maker": "ready"}
"""Log of the service → the example whose decisions are in it."""
TIMES = ("2025-11-07T12:00:00Z", "2025-11-21T12:00:00Z", "2025-12-05T12:00:00Z")


def main() -> None:
    """Judge the examples as README does, and photograph the first screen of the report and of the service."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        for name, (example, language) in PICTURES.items():
            report = ("--no-record", "--language", language, "-o", f"html={page}")
            judge(ROOT / "examples" / example, *report)
            photograph(page.as_uri(), name)
        serve(Path(folder))


def judge(workspace: Path, *options: str, **variables: str) -> None:
    """Evaluate the last stage; exit code 1 is a verdict, too."""
    where = ("--workspace", str(workspace), "--operator", "examples/operator.yaml")
    command = [sys.executable, "-m", "gate", "evaluate", "stage8", *where, *options]
    subprocess.run(command, cwd=ROOT, check=False, env={**os.environ, **variables})


def serve(folder: Path) -> None:
    """Record some decisions, and photograph the pages of a service over them."""
    own = {"GATE_CONFIG_DIR": str(folder / "config")}
    for log, example in SERVED.items():
        shutil.copytree(ROOT / "examples" / example, folder / log)
        for time in TIMES:
            judge(folder / log, "--effective-time", time, "--allow-past-effective-time", **own)
    logs = [{"name": log, "ledger": f"{log}/ledger"} for log in SERVED]
    (folder / "serve.yaml").write_text(json.dumps({"listen": "127.0.0.1:0", "logs": logs}))
    command = [sys.executable, "-m", "gate", "serve", str(folder / "serve.yaml")]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **own}, stderr=subprocess.PIPE) as service:
        try:
            port = json.loads(service.stderr.readline() if service.stderr else b"")["port"]
            photograph(f"http://127.0.0.1:{port}/", "serve.png")
        finally:
            service.terminate()


def photograph(url: str, name: str) -> None:
    """Write the picture of a page."""
    flags = ("--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1280,900")
    target = f"--screenshot={ROOT / 'docs' / 'images' / name}"
    subprocess.run(["chromium", *flags, target, url], check=True, capture_output=True)


if __name__ == "__main__":
    main()
