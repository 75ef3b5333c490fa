"""What is special about evidence in an OCI registry: stock clients fetch it, and the registry may fail."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from gate.engine.store import open_store
from gate.evidence.base.errors import ConfigError, EnvironmentProblem, LedgerError

from ...docker_registry import DockerRegistry

KIND = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    found = DockerRegistry(tmp_path_factory.mktemp("oci") / "registry")
    yield found
    found.stop()


@pytest.mark.parametrize(
    "url",
    [
        "oci://", "oci://host", "oci://host/", "oci://host/Upper", "oci://host/a:tag", "oci://u:p@host/a",
        "oci://host/a?x=1", "oci://host/../a", f"oci://host/{'a' * 600}",
    ],
)  # fmt: skip
def test_a_wrong_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="names no repository"):
        open_store(url)


def test_a_document_is_an_artifact_under_its_digest(registry: DockerRegistry) -> None:
    """With one layer, which any client can fetch and whose name is what it must hash to."""
    repository = f"evidence/{uuid4().hex}"
    with open_store(f"oci://{registry.host}/{repository}") as store:
        digest = store.put(b"data")
    base = f"http://{registry.host}/v2/{repository}"
    manifest = requests.get(f"{base}/manifests/{digest}", headers={"Accept": KIND}, timeout=30).json()
    assert manifest["artifactType"] == "application/vnd.gate.evidence.v1"
    (layer,) = manifest["layers"]
    assert layer["digest"] == f"sha256:{digest}"
    assert layer["annotations"] == {"org.opencontainers.image.title": digest}
    found = requests.get(f"{base}/blobs/{layer['digest']}", timeout=30).content
    assert hashlib.sha256(found).hexdigest() == digest


def test_skopeo_copies_it(registry: DockerRegistry, tmp_path: Path) -> None:
    """A stock client takes the artifact as it is, with its layer."""
    skopeo = shutil.which("skopeo")
    if skopeo is None:
        pytest.skip("skopeo is not on PATH")
    repository = f"evidence/{uuid4().hex}"
    with open_store(f"oci://{registry.host}/{repository}") as store:
        digest = store.put(b"data")
    source = f"docker://{registry.host}/{repository}:{digest}"
    target = f"oci:{tmp_path / 'copy'}:{digest}"
    command = [skopeo, "--insecure-policy", "copy", "--src-tls-verify=false", source, target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "copy" / "blobs" / "sha256" / digest).read_bytes() == b"data"


def test_a_tag_that_is_no_digest_is_named(registry: DockerRegistry) -> None:
    repository = f"evidence/{uuid4().hex}"
    with open_store(f"oci://{registry.host}/{repository}") as store:
        digest = store.put(b"data")
        base = f"http://{registry.host}/v2/{repository}/manifests"
        manifest = requests.get(f"{base}/{digest}", headers={"Accept": KIND}, timeout=30).content
        requests.put(f"{base}/latest", data=manifest, headers={"Content-Type": KIND}, timeout=30)
        with pytest.raises(LedgerError, match="does not belong") as caught:
            list(store.digests())
        assert str(caught.value.path).endswith(":latest")


def test_nobody_listens() -> None:
    pytest.importorskip("oras", reason="the extra oci is not installed")
    with open_store("oci://127.0.0.1:9/evidence") as store, pytest.raises(EnvironmentProblem) as caught:
        store.put(b"data")
    assert "cannot be reached" in caught.value.what
    assert caught.value.path == "127.0.0.1:9/evidence"
