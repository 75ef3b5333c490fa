"""Make the screenshots of docs/images again: `python docs/screenshots.py`; needs Chromium."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {"report.png": ("algo-trade", "en"), "report-he.png": ("algo-trade", "he")}
"""Picture → the example that it shows, and the language."""


def main() -> None:
    """Judge the example as README does, and photograph the first screen of its report."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (example, language) in PICTURES.items():
            page = Path(folder) / "report.html"
            where = ("--workspace", f"examples/{example}", "--operator", "examples/operator.yaml")
            report = ("--no-record", "--language", language, "-o", f"html={page}")
            command = [sys.executable, "-m", "gate", "evaluate", "stage8", *where, *report]
            subprocess.run(command, cwd=ROOT, check=False)  # exit code 1: it fails
            flags = ("--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1280,900")
            target = f"--screenshot={ROOT / 'docs' / 'images' / name}"
            subprocess.run(["chromium", *flags, target, page.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    main()
