"""A real OCI registry (Debian's docker-registry) on the loopback interface."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml


class DockerRegistry:
    """A running ``docker-registry``; ``blobs`` is where it keeps what it was given."""

    def __init__(self, folder: Path, users: str | None = None) -> None:
        """Skips the test where the program or the client is missing."""
        pytest.importorskip("oras", reason="the extra oci is not installed")
        program = shutil.which("docker-registry")
        if program is None:
            pytest.skip("the docker-registry program is not on PATH")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{free.getsockname()[1]}"
        folder.mkdir()
        self.blobs = folder / "data/docker/registry/v2/blobs"
        config: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": {"addr": self.host},
        }
        if users is not None:
            (folder / "users").write_text(users)
            config["auth"] = {"htpasswd": {"realm": "tests", "path": str(folder / "users")}}
        (folder / "config.yml").write_text(yaml.safe_dump(config))
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [program, "serve", folder / "config.yml"], stdout=log, stderr=log, env={"PATH": os.defpath}
            )
        host, _, port = self.host.partition(":")
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection((host, int(port)), 1).close()
            except OSError:
                assert self.process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()
