"""Signatures of people in a record: every kind and state, judged, exported and checked again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.record import archive, contents

Gate = Callable[..., Any]
TOOLS = ("bash", "openssl", "ssh-keygen", "sha256sum")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)
WAIVER = {
    "type": "gate.waiver/v1", "id": "w1", "code": "stage1.amount", "stages": ["stage1"], "reason": "planned",
    "reference": "RISK-1", "author": "ann@example.com", "approver_role": "cto",
    "effective_on": "2025-01-01T00:00:00Z", "effective_until": "2035-01-01T00:00:00Z",
}  # fmt: skip
REVOCATION = {
    "type": "gate.revocation/v1", "id": "w0", "role": "cto", "reason": "done",
    "revoked_at": "2025-02-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def root(small: Callable[..., Path], tmp_path: Path) -> Path:
    """A workspace with a sign-off of each state, a waiver and a revocation, and a list of revoked keys."""
    root = small(roles={"cto": ["omar@example.com"]}, revoked_keys="trust/revoked_keys")
    (root / "trust").mkdir()
    for name in ("omar", "stolen", "stranger"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", tmp_path / name]
        subprocess.run(command, check=True)
    keys = {name: " ".join((tmp_path / f"{name}.pub").read_text().split()[:2]) for name in ("omar", "stolen")}
    spaces = 'namespaces="signoff@gate,waiver@gate",valid-after="20250101Z"'
    lines = [f"{name}@example.com {spaces} {key}\n" for name, key in keys.items()]
    (root / "trust" / "allowed_signers").write_text("".join(lines))
    krl = ["ssh-keygen", "-q", "-k", "-f", root / "trust" / "revoked_keys", tmp_path / "stolen.pub"]
    subprocess.run(krl, check=True)
    signoff = (root / "signoffs" / "a.json").read_text()
    signed = {f"signoffs/{name}.json": (signoff, name) for name in ("omar", "stolen", "stranger")}
    signed |= {
        "waivers/w1.json": (json.dumps(WAIVER), "omar"),
        "waivers/revoked/w0.json": (json.dumps(REVOCATION), "omar"),
    }
    for path, (text, name) in signed.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        space = "signoff@gate" if path.startswith("signoffs") else "waiver@gate"
        sign = ["ssh-keygen", "-q", "-Y", "sign", "-f", tmp_path / name, "-n", space, root / path]
        subprocess.run(sign, check=True, capture_output=True)
    return root


def test_every_state_is_checked_again_by_gate_and_by_ssh_keygen(
    root: Path, judge: Gate, gate: Gate, tmp_path: Path
) -> None:
    """What counts and what does not is the same for both; another list of revoked keys is noticed."""
    done = judge(root)
    assert (done.code, done.err) == (1, "") or "not kept" not in done.err
    done = gate("record", "export", "0", "-w", root, "-o", "r.tar", "-o", "json")
    assert done.code == 0, done.err
    trust = json.loads(done.out)["trust"]
    files = archive.read_tar((tmp_path / "r.tar").read_bytes())
    assert files[contents.REVOKED] == (root / "trust" / "revoked_keys").read_bytes()
    assert {name for name in files if name.startswith("signed/")} == {
        "signed/signoff-1.json",  # unsigned
        *(f"signed/signoff-{n}.json{end}" for n in (2, 3, 4) for end in ("", ".sig")),
        *(f"signed/{kind}-1.json{end}" for kind in ("waiver", "revocation") for end in ("", ".sig")),
    }
    found = gate("record", "verify", "r.tar", "--trust", trust, "--replay")
    assert found.code == 0, found.out
    assert "3 valid signatures of people; 3 without effect" in found.out
    folder = tmp_path / "unpacked"
    archive.write_directory(folder, files)
    script = "".join(re.findall(r"^```sh\n(.*?)^```$", files["VERIFY.md"].decode(), re.DOTALL | re.MULTILINE))
    stock = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True
    )
    assert stock.returncode == 0, stock.stderr
    assert stock.stdout.count('Good "signoff@gate" signature for omar@example.com') == 1
    assert stock.stdout.count('Good "waiver@gate" signature for omar@example.com') == 2
    for number in (1, 3, 4):
        assert f"signed/signoff-{number}.json: counts for nothing" in stock.stdout
    for name in (contents.REVOKED, contents.SIGNERS):
        changed = {one: data for one, data in files.items() if one != name}
        changed[contents.MANIFEST] = contents.manifest_of(changed)
        (tmp_path / "changed.tar").write_bytes(b"".join(archive.write_tar(changed)))
        pinned = f"sha256:{contents.trust_digest(changed)}"
        refused = gate("record", "verify", "changed.tar", "--trust", pinned)
        assert (refused.code, f"WRONG  people       {name} is not the file" in refused.out) == (1, True)
