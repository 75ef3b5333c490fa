"""Makes the files of a release from the checked-out commit; `make release` writes them into dist/.

Wheel, source distribution, SBOM (CycloneDX), manual page, and their digests. The same commit gives the same
bytes, whatever the directory, the time, the user and the umask are: only what git has is built, and every
time in it is SOURCE_DATE_EPOCH, by default the commit's.

    python .ci/release.py DIRECTORY
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NAME = "compliance-gate"


def run(*command: str | Path, cwd: Path = ROOT) -> bytes:
    """What a program prints; its complaints end the run."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{(done.stdout + done.stderr).decode(errors='replace')[-4000:]}")
    return done.stdout


def normal(sdist: bytes, epoch: int) -> bytes:
    """The same archive with its members sorted, owned by nobody, and as old as the commit."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(sdist)) as old,
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=epoch) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda one: one.name):
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime, member.pax_headers = epoch, {}
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    return packed.getvalue()


def sbom(tree: Path, version: str) -> bytes:
    """CycloneDX 1.6 of the locked dependencies, without the build backend, named for this version."""
    project = tomllib.loads((tree / "pyproject.toml").read_text())
    lock = tree / ".ci" / "requirements" / "run.txt"
    command = ("-m", "cyclonedx_py", "requirements", "--output-reproducible", "--pyproject")
    made = json.loads(run(sys.executable, *command, tree / "pyproject.toml", lock))
    backend = {re.split(r"[^\w-]", one)[0] for one in project["dependency-groups"]["build"]}
    direct = {re.split(r"[^\w-]", one)[0].lower() for one in project["project"]["dependencies"]}
    dropped = {one["bom-ref"] for one in made["components"] if one["name"] in backend}
    made["components"] = [one for one in made["components"] if one["bom-ref"] not in dropped]
    for component in made["components"]:
        component.pop("description", None)  # the line of the lock
    main = made["metadata"]["component"]
    main.update(version=version, purl=f"pkg:pypi/{NAME}@{version}")
    needed = sorted(one["bom-ref"] for one in made["components"] if one["name"].lower() in direct)
    known: list[dict[str, Any]] = [one for one in made["dependencies"] if one["ref"] not in dropped]
    made["dependencies"] = [
        {**one, "dependsOn": needed} if one["ref"] == main["bom-ref"] else one for one in known
    ]
    return json.dumps(made, indent=2, sort_keys=True).encode() + b"\n"


def release(target: Path) -> list[str]:
    """Write the files into the directory, which must be new or empty, and return their names."""
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        sys.exit(f"{target} is not empty: nothing is overwritten")
    stated = os.environ.get("SOURCE_DATE_EPOCH") or run("git", "log", "-1", "--format=%ct").decode().strip()
    if not stated.isdecimal():
        sys.exit("SOURCE_DATE_EPOCH must be a number of seconds since 1970")
    epoch = int(stated)
    os.environ.update(SOURCE_DATE_EPOCH=str(epoch), LC_ALL="C.UTF-8", TZ="UTC")
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as scratch:
        tree, built = Path(scratch, "tree"), Path(scratch, "built")
        with tarfile.open(fileobj=io.BytesIO(run("git", "archive", "HEAD"))) as archive:
            archive.extractall(tree, filter="data")
        version = re.findall(r'^__version__ = "(.+)"$', (tree / "__init__.py").read_text(), re.MULTILINE)[0]
        if f"## [{version}]" not in (tree / "CHANGELOG.md").read_text():
            print(f"note: CHANGELOG.md has no section {version} yet", file=sys.stderr)
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", built, tree)
        files = {path.name: path.read_bytes() for path in built.iterdir()}
        files = {
            name: normal(data, epoch) if name.endswith(".tar.gz") else data for name, data in files.items()
        }
        only = ("-D", "root_doc=commands", "-D", "include_patterns=commands.md")
        run(sys.executable, "-m", "sphinx", "-qW", "-b", "man", *only, tree / "docs", built)
        files["gate.1"] = (built / "gate.1").read_bytes()
        files[f"compliance_gate-{version}.cdx.json"] = sbom(tree, version)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    files["SHA256SUMS"] = sums.encode()
    for name, data in files.items():
        (target / name).write_bytes(data)
    return sorted(files)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    for name in release(parser.parse_args().directory.absolute()):
        print(name)
