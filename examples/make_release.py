"""Make the evidence of `examples/release` again, and sign it: `python examples/make_release.py`.

Real tools write it: the example's tests under coverage.py and pytest, Bandit, and cyclonedx-py on an environment with
`requirements.txt` installed, which needs a package index. `pip-audit.json` is kept: it is written by hand, in the tool's
format, so that what is found out about a dependency later does not change what the example shows.

The private keys live in a temporary directory and are gone when this script ends.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import venv
from pathlib import Path

from make_ready import EXAMPLES, run, sign

HERE = EXAMPLES / "release"
AT = "2026-03-02T09:00:00"
SIGNED_AT = "2026-03-02T11:00:00Z"
PEOPLE = {
    "release_manager": ("Mira Kahn", "mira.kahn@example.com"),
    "security_lead": ("Tom Weiss", "tom.weiss@example.com"),
}
PYTHON = sys.executable


def change(name: str, *pairs: tuple[str, str]) -> None:
    """Pin what would differ from run to run in a report."""
    text = (HERE / name).read_text(encoding="utf-8")
    for pattern, replacement in pairs:
        text = re.sub(pattern, replacement, text)
    (HERE / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def test_and_scan() -> None:
    """coverage.json, junit.xml and bandit.sarif."""
    run(PYTHON, "-m", "coverage", "run", "-m", "pytest", "-q", "--junitxml=junit.xml", cwd=HERE)
    run(PYTHON, "-m", "coverage", "json", "-q", "-o", "coverage.json", cwd=HERE)
    (HERE / ".coverage").unlink()
    change("coverage.json", (r'"timestamp": "[^"]*"', f'"timestamp": "{AT}"'))
    change(
        "junit.xml",
        (r'timestamp="[^"]*"', f'timestamp="{AT}+00:00"'),
        (r'hostname="[^"]*"', 'hostname="localhost"'),
        (r' time="[^"]*"', ' time="0.010"'),
    )
    run(PYTHON, "-m", "bandit", "-q", "-r", "notes", "-f", "sarif", "-o", "bandit.sarif", cwd=HERE)
    change("bandit.sarif", (r'"endTimeUtc": "[^"]*"', f'"endTimeUtc": "{AT}Z"'))


def list_components(folder: Path) -> None:
    """bom.json: what is installed with `requirements.txt`, and the service's own name and version."""
    venv.create(folder / "env", with_pip=False)
    python = str(folder / "env" / "bin" / "python")
    run(PYTHON, "-m", "pip", "--python", python, "install", "-q", "-r", "requirements.txt", cwd=HERE)
    options = ("--pyproject", "pyproject.toml", "--output-reproducible", "--of", "JSON", "-o", "bom.json")
    run(PYTHON, "-m", "cyclonedx_py", "environment", python, *options, cwd=HERE)


def make_keys(folder: Path) -> None:
    """One Ed25519 key per person, and who they are: for the example itself, and for the operator."""
    lines = ["# Example keys. Their private halves were thrown away; they can sign nothing any more.\n"]
    for _, principal in PEOPLE.values():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", principal, "-f", str(folder / principal))
        kind, key = (folder / f"{principal}.pub").read_text(encoding="utf-8").split()[:2]
        lines.append(
            f'{principal} namespaces="signoff@gate,waiver@gate",valid-after="20250101000000Z",'
            f'valid-before="20350101000000Z" {kind} {key}\n'
        )
    (HERE / "trust").mkdir(exist_ok=True)
    for place in (HERE / "trust" / "allowed_signers", EXAMPLES / "trust" / "release_signers"):
        place.write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Make everything; end with an error unless the verdict is PASS."""
    test_and_scan()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        list_components(folder)
        make_keys(folder)
        signoffs = HERE / "signoffs"
        shutil.rmtree(signoffs, ignore_errors=True)
        signoffs.mkdir()
        name, principal = PEOPLE["release_manager"]
        path = signoffs / "release-release_manager.json"
        ask = ("signoff", "request", "release", "--role", "release_manager", "--name", name, "--at", SIGNED_AT)
        path.write_bytes(run(PYTHON, "-m", "gate", *ask, "--workspace", str(HERE), cwd=folder))
        sign(path, folder / principal, "signoff@gate")
        shutil.copytree(HERE, folder / "release")  # outside of git: what is made here is not committed yet
        options = ("--operator", str(EXAMPLES / "operator-release.yaml"), "--no-record", "-o", "json")
        judge = ("evaluate", "release", "--workspace", str(folder / "release"), *options)
        decision = json.loads(run(PYTHON, "-m", "gate", *judge, cwd=folder, expect=(0, 1, 3)))
    print(decision["verdict"], file=sys.stderr)
    for violation in decision["violations"]:
        print(f"  {violation['code']}: {violation['msg']}", file=sys.stderr)
    if decision["verdict"] != "PASS":
        raise SystemExit("examples/release may not be released")


if __name__ == "__main__":
    main()
