"""The log's private key: made once, kept to its owner, never shown."""

from __future__ import annotations

import base64
import copy
import os
import pickle
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.errors import EnvironmentProblem
from gate.evidence.signing import keys
from gate.evidence.signing.keys import (
    KEY_FILE,
    LogKey,
    VerifierKey,
    load_or_create_log_key,
)
from gate.evidence.signing.problems import Flaw, SignatureError
from gate.evidence.signing.sshsig import ed25519_blob

SEED = bytes(range(32))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "config"


def refused(config: Path) -> EnvironmentProblem:
    with pytest.raises(EnvironmentProblem) as caught:
        load_or_create_log_key(config)
    assert caught.value.remedy
    assert str(config) in str(caught.value.path)
    return caught.value


def test_the_first_run_makes_a_key_and_later_runs_find_it(config: Path) -> None:
    key, new = load_or_create_log_key(config)
    again, still_new = load_or_create_log_key(config)
    assert (new, still_new) == (True, False)
    assert key.fingerprint == again.fingerprint
    assert stat.S_IMODE((config / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(config.stat().st_mode) == 0o700
    assert os.listdir(config) == [KEY_FILE]  # noqa: PTH208 - also hidden temporary files


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_reads_the_key_file(config: Path) -> None:
    key, _ = load_or_create_log_key(config)
    command = ["openssl", "pkey", "-in", str(config / KEY_FILE), "-pubout", "-outform", "DER"]
    assert subprocess.run(command, check=True, capture_output=True).stdout[-32:] == key.public


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_key_made_by_openssl_is_read(config: Path) -> None:
    config.mkdir(parents=True, mode=0o700)
    path = config / KEY_FILE
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)], check=True, capture_output=True
    )
    path.chmod(0o600)
    assert load_or_create_log_key(config)[1] is False


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_the_fingerprint_is_the_one_of_ssh_keygen(tmp_path: Path) -> None:
    key = LogKey.from_seed(SEED)
    encoded = base64.b64encode(ed25519_blob(key.public)).decode()
    (tmp_path / "log.pub").write_text(f"ssh-ed25519 {encoded} gate-ledger/1\n")
    printed = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(tmp_path / "log.pub")], check=True, capture_output=True, text=True
    ).stdout
    assert printed.split()[1] == key.fingerprint


def test_two_processes_starting_together_get_one_key(config: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from gate.evidence.signing.keys import load_or_create_log_key\n"
        "print(load_or_create_log_key(Path(sys.argv[1]))[0].fingerprint)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(config)], stdout=subprocess.PIPE) for _ in range(6)
    ]
    assert len({process.communicate()[0] for process in running}) == 1
    assert [process.returncode for process in running] == [0] * 6


def test_losing_the_race_gives_the_other_key(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process puts its key in place just before ours."""
    write = keys.write_at
    winner = LogKey.from_seed(SEED)

    def late(directory: int, name: str, data: bytes, **how: Any) -> None:
        write(directory, name, winner._pem(), **how)
        write(directory, name, data, **how)

    monkeypatch.setattr(keys, "write_at", late)
    key, new = load_or_create_log_key(config)
    assert (key.fingerprint, new) == (winner.fingerprint, False)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_read_is_refused(config: Path, mode: int) -> None:
    load_or_create_log_key(config)
    (config / KEY_FILE).chmod(mode)
    error = refused(config)
    assert "can be read by other users" in error.what
    assert "chmod 600" in str(error.remedy)


def test_a_directory_that_others_can_write_is_refused(config: Path) -> None:
    load_or_create_log_key(config)
    config.chmod(0o777)
    error = refused(config)
    assert "can be written by other users" in error.what
    assert "chmod go-w" in str(error.remedy)


def test_links_are_refused(config: Path, tmp_path: Path) -> None:
    load_or_create_log_key(config)
    other = tmp_path / "other"
    other.symlink_to(config)
    assert "cannot be used" in refused(other).what
    (config / KEY_FILE).rename(tmp_path / "moved")
    (config / KEY_FILE).symlink_to(tmp_path / "moved")
    assert "symbolic link" in str(refused(config).remedy)


def test_a_pipe_instead_of_the_key_does_not_hang(config: Path) -> None:
    config.mkdir(parents=True, mode=0o700)
    os.mkfifo(config / KEY_FILE, 0o600)
    assert "not a regular file" in refused(config).what


def test_a_file_instead_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("")
    assert "cannot be used" in refused(tmp_path / "config").what


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_somebody_elses_key_is_refused(config: Path) -> None:
    load_or_create_log_key(config)
    os.chown(config / KEY_FILE, 12345, 12345)
    assert "belongs to another user" in refused(config).what
    os.chown(config, 12345, 12345)
    assert "belongs to another user" in refused(config).what


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"secret words",
        b"-----BEGIN PRIVATE KEY-----\n!secret\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n",
    ],
)
def test_another_kind_of_key_is_refused_without_showing_it(config: Path, content: bytes) -> None:
    config.mkdir(parents=True, mode=0o700)
    (config / KEY_FILE).write_bytes(content)
    (config / KEY_FILE).chmod(0o600)
    error = refused(config)
    assert "no unencrypted Ed25519 key" in error.what
    assert "secret" not in error.diagnostics()
    assert "c2VjcmV0" not in error.diagnostics()


def test_a_key_shows_only_its_fingerprint() -> None:
    key = LogKey.from_seed(SEED)
    assert repr(key) == f"<LogKey {key.fingerprint}>"
    for attempt in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not to be copied"):
            attempt(key)


def test_verifier_keys_are_written_as_in_the_c2sp_notes() -> None:
    key = LogKey.from_seed(SEED).verifier("example.com/log")
    assert VerifierKey.parse(f" {key}\n") == key
    name, hashed, _ = str(key).split("+", 2)
    assert (name, hashed) == ("example.com/log", key.hash.hex())


def test_the_verifier_key_of_the_go_documentation_is_read() -> None:
    """Published with golang.org/x/mod/sumdb/note: an independent encoding of name, hash and key."""
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert key.hash.hex() == "c74f20a3"


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("", Flaw.MALFORMED),
        ("name", Flaw.MALFORMED),
        ("name+00000000+!!", Flaw.MALFORMED),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Flaw.MALFORMED),
        ("PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Flaw.MALFORMED),
        ("PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Flaw.UNSUPPORTED),
        ("two words+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Flaw.MALFORMED),
        ("short+00000000+AQ" + "AA" * 15, Flaw.MALFORMED),
        ("weak+00000000+AQ" + "A" * 42, Flaw.WEAK_KEY),
    ],
)
def test_broken_verifier_keys_are_refused(text: str, flaw: Flaw) -> None:
    with pytest.raises(SignatureError) as caught:
        VerifierKey.parse(text)
    assert caught.value.flaw is flaw
