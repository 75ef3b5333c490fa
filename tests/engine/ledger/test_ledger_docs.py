"""The commands that docs/ledger.md gives to auditors work, and notice a change."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gate.engine.ledger import open_ledger
from gate.evidence.base.canonical import canonical
from gate.evidence.signing.dsse import max_payload_bytes
from gate.evidence.signing.keys import LogKey

PAGE = Path(__file__).resolve().parents[3] / "docs" / "ledger.md"
KEY = LogKey.from_seed(bytes(range(32)))
TOOLS = ("bash", "openssl", "ssh-keygen", "sha256sum", "base64")

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    value = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": "0" * 64}}],
        "predicateType": "https://example.com/decision/v1",
    }
    with open_ledger(tmp_path / "ledger", KEY) as opened:
        opened.append([canonical(value)])
        opened.evidence.put(b"evidence")
        opened.seal("2025-11-07T12:00:00Z")
    return tmp_path / "ledger"


def run(ledger: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    script = "".join(re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE))
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"t='{scratch}'\n{script}"],
        cwd=ledger,
        capture_output=True,
        text=True,
    )


def test_the_commands_check_a_ledger(ledger: Path, tmp_path: Path) -> None:
    done = run(ledger, tmp_path)
    assert done.returncode == 0, done.stderr
    assert KEY.fingerprint in done.stdout
    assert done.stdout.count("Signature Verified Successfully") == 2
    with open_ledger(ledger, KEY) as opened:
        assert next(opened.entries()).digest in done.stdout


def test_an_empty_evidence_store_is_fine(ledger: Path, tmp_path: Path) -> None:
    shutil.rmtree(ledger / "evidence")
    assert run(ledger, tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("log.intoto.jsonl", "eyJf", "eyJg"), ("checkpoint", "time 2025", "time 2024"), ("evidence", "", "")],
)
def test_the_commands_notice_a_change(ledger: Path, tmp_path: Path, name: str, old: str, new: str) -> None:
    if name == "evidence":
        (stored,) = (path for path in (ledger / name).rglob("*") if path.is_file())
        stored.chmod(0o644)
        stored.write_bytes(b"swapped")
    else:
        (ledger / name).write_text((ledger / name).read_text().replace(old, new))
    assert run(ledger, tmp_path).returncode != 0


def test_the_page_states_the_true_limit() -> None:
    assert f"at most {max_payload_bytes():,} bytes" in PAGE.read_text()
