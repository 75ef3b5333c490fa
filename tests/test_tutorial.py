"""docs/tutorial.md leads from an empty folder to PASS of stage 1, word for word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "tutorial.md"
_FENCE = re.compile(r"^```([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block with the lines of output that the page shows."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        yield command, shown


@pytest.mark.soak
def test_the_tutorial_passes_stage_1(tmp_path: Path) -> None:
    """Files come from the page and commands run in a shell; each shows what the page says that it shows."""
    root = tmp_path / "my-trading-system"
    root.mkdir()
    tools = str(Path(sys.executable).parent)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    env |= {"PATH": f"{tools}:{env['PATH']}", "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    verdicts = []
    for info, block in _FENCE.findall(PAGE.read_text()):
        if info != "console":
            mode, name = re.fullmatch(r"\w+ (>> )?([\w./]+)", info).groups()  # type: ignore[union-attr]
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("a" if mode else "w") as file:
                file.write(block)
            continue
        for command, shown in _commands(block):
            done = subprocess.run(
                ["bash", "-c", command], cwd=root, env=env, capture_output=True, text=True, check=False
            )
            output = f"{command}\n{done.stdout}{done.stderr}"
            for line in shown:
                assert line in output, output
            expected = 1 if shown[:1] == ["FAIL  stage1"] else 0
            assert done.returncode == expected, output
            if command.startswith("gate evaluate"):
                verdicts.append(done.stdout.split()[0])
    assert verdicts == ["FAIL", "FAIL", "PASS"]
