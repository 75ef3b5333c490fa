"""Proves that the set-up lasts: `make demo` on each Python here, with newer releases on the index.

The index is made here, in a folder: it offers every locked file and, of every locked package, a newer and
broken release. Each Python starts with the pip that it bundles, in a clean clone whose path has spaces and
without network where the system can take it away. The steps of action.yml run in a hostile checkout.

    python .ci/check_setup.py [--pythons VERSION…]
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
LOCKS = ("installer", "run")
BROKEN = "99999.0"
PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
NO_NETWORK = ["unshare", "--net"]


def locked() -> dict[str, set[str]]:
    """Every locked package with its versions (one per Python, where they differ), by normalised name."""
    text = "\n".join((ROOT / ".ci" / "requirements" / f"{lock}.txt").read_text() for lock in LOCKS)
    versions: dict[str, set[str]] = {}
    for name, version in PINNED.findall(text):
        versions.setdefault(normal(name), set()).add(version)
    return versions


def normal(name: str) -> str:
    """A package's name as an index spells it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pythons(wanted: list[str]) -> dict[str, str]:
    """The interpreters to try, by version: the first of each that runs, on PATH or under pyenv."""
    found = {}
    for version in wanted:
        places = [
            f"python{version}",
            *map(str, sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))),
        ]
        for place in places:
            try:
                test = f"import sys, ensurepip, venv; sys.exit('%d.%d' % sys.version_info[:2] != {version!r})"
                if subprocess.run([place, "-c", test], capture_output=True, check=False).returncode == 0:
                    found[version] = place
                    break
            except OSError:
                continue
    return found


def download(python: str, files: Path, work: Path) -> None:
    """Fetch every locked file that this Python would install."""
    home = work / "downloader"
    subprocess.run([python, "-m", "venv", "--clear", home], check=True)
    pip = [home / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    locks = [f"--requirement={ROOT / '.ci' / 'requirements' / lock}.txt" for lock in LOCKS]
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:"]
    subprocess.run([*pip, "install", *options, locks[0]], check=True)
    for lock in locks:
        subprocess.run([*pip, "download", *options, f"--dest={files}", lock], check=True)


def broken_release(name: str, files: Path) -> None:
    """A newer release of a package that installs and holds nothing."""
    module = name.replace("-", "_")
    folder = f"{module}-{BROKEN}.dist-info"
    contents = {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {BROKEN}\n",
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nGenerator: check\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {
        path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for path, text in contents.items()
    }
    contents[f"{folder}/RECORD"] = "".join(f"{path},sha256={digest},\n" for path, digest in digests.items())
    with zipfile.ZipFile(files / f"{module}-{BROKEN}-py3-none-any.whl", "w") as wheel:
        for path, text in contents.items():
            wheel.writestr(path, text)


def write_index(files: Path, index: Path) -> None:
    """The simple index (PEP 503) of the files, newest last."""
    by_name: dict[str, list[Path]] = {}
    for file in sorted(files.iterdir()):
        by_name.setdefault(normal(file.name.split("-")[0]), []).append(file)
    for name, found in by_name.items():
        (index / name).mkdir(parents=True)
        digests = {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in found}
        links = "".join(
            f'<a href="{file.as_uri()}#sha256={digest}">{file.name}</a>\n' for file, digest in digests.items()
        )
        (index / name / "index.html").write_text(f"<!DOCTYPE html><html><body>\n{links}</body></html>\n")


def environment(index: Path, work: Path) -> dict[str, str]:
    """The environment of a machine that knows this index and nothing else."""
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PIP_", "UV_", "GATE_", "PYTHON"))
    }
    env.pop("XDG_CONFIG_HOME", None)
    return env | {
        "HOME": str(work),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index.as_uri(),
        "PIP_NO_CACHE_DIR": "1",
    }


def installed(python: Path) -> dict[str, str]:
    """What is installed beside an interpreter."""
    listed = subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "list", "--format=json"],
        check=True,
        capture_output=True,
    )
    return {normal(item["name"]): item["version"] for item in json.loads(listed.stdout)}


def check_installed(python: Path, wanted: dict[str, set[str]]) -> None:
    """Stop when a package is not a locked one."""
    for name, version in installed(python).items():
        if name != "compliance-gate" and version not in wanted.get(name, set()):
            locked_are = " or ".join(sorted(wanted.get(name, {"nothing"})))
            sys.exit(f"{name} {version} is installed, locked is {locked_are}")


def check_make(python: str, env: dict[str, str], work: Path, isolated: list[str]) -> None:
    """`make demo` twice in a clean clone at a path with spaces; the second run installs nothing."""
    clone = work / "a path with spaces" / "gate"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    made = subprocess.run(
        [*isolated, "make", "demo", f"PYTHON={python}"], cwd=clone, env=env, check=False, capture_output=True
    )
    assert made.returncode == 0 and b"\nPASS  stage8" in made.stdout, (made.stdout + made.stderr).decode()
    check_installed(clone / ".venv" / "bin" / "python", locked())
    again = subprocess.run(
        [*isolated, "make", "demo", f"PYTHON={python}"],
        cwd=clone,
        env=env | {"PIP_INDEX_URL": "file:///nowhere"},
        check=True,
        capture_output=True,
    )
    assert b"-m pip" not in again.stdout, again.stdout.decode()
    shutil.rmtree(clone)


def check_action(python: str, env: dict[str, str], work: Path, isolated: list[str]) -> None:
    """Both steps of action.yml in a checkout with a module for every name that might be imported."""
    checkout, temporary, marker = work / "checkout", work / "runner temp", work / "executed"
    shutil.copytree(ROOT / "examples" / "algo-trade", checkout, ignore=shutil.ignore_patterns("ledger"))
    temporary.mkdir()
    for name in {
        *sys.stdlib_module_names,
        *(name.replace("-", "_") for name in locked()),
        "gate",
        "sitecustomize",
    }:
        if not name.startswith("_"):
            (checkout / f"{name}.py").write_text(f"open({str(marker)!r}, 'a').write({name + chr(10)!r})\n")
    tools = work / "tools"
    tools.mkdir()
    (tools / "python3").symlink_to(shutil.which(python, path=env["PATH"]) or python)
    env = env | {
        "PATH": f"{tools}:{env['PATH']}",
        "PYTHONPATH": str(checkout),
        "RUNNER_TEMP": str(temporary),
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(work / "outputs"),
        "GATE_WORKSPACE": ".",
        "STAGE": "stage1",
        "ACCEPT": "",
        "RECORD": "--no-record",
        "ANNOTATIONS": "true",
        "GITHUB_STEP_SUMMARY": str(work / "summary"),
        "RUNNER_OS": "Linux",
        "RUNNER_ARCH": "X64",
    }
    shell = [*isolated, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
    prepare, install, judge = (
        subprocess.run([*shell, script], cwd=checkout, env=env, check=False, capture_output=True)
        for script in scripts((ROOT / "action.yml").read_text())
    )
    if marker.exists():
        sys.exit(
            "the action ran modules of the checkout: " + ", ".join(sorted(set(marker.read_text().split())))
        )
    assert prepare.returncode == 0, prepare.stderr.decode()
    assert install.returncode == 0, install.stderr.decode()
    assert judge.returncode == 1 and judge.stdout.startswith(b"FAIL  stage1"), judge.stderr.decode()
    check_installed(temporary / "gate" / "bin" / "python", locked())


def scripts(action: str) -> list[str]:
    """The action's shell scripts, in order: block scalars that stand below `run: |`."""
    blocks = re.findall(r"^( +)run: \|\n((?:\1 .*\n|\n)+)", action, re.MULTILINE)
    return [body for _, body in blocks]


def main() -> None:
    """Make the index, then try every Python that is here."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pythons", nargs="+", default=list(SUPPORTED), metavar="VERSION")
    found = pythons(parser.parse_args().pythons)
    if not found:
        sys.exit("none of these Pythons is here")
    can_isolate = (
        shutil.which(NO_NETWORK[0]) is not None
        and subprocess.run([*NO_NETWORK, "true"], capture_output=True, check=False).returncode == 0
    )
    isolated = NO_NETWORK if can_isolate else []
    with tempfile.TemporaryDirectory(prefix="gate-setup-") as folder:
        work = Path(folder)
        files, index = work / "files", work / "index"
        files.mkdir()
        for python in found.values():
            download(python, files, work)
        for name in locked():
            broken_release(name, files)
        write_index(files, index)
        env = environment(index, work)
        for version, python in found.items():
            check_make(python, env, work, isolated)
            print(f"{version}: make demo twice, from an index with newer releases", flush=True)
        check_action(next(iter(found.values())), env, work, isolated)
        print("action.yml: all steps in a hostile checkout", flush=True)
    if not isolated:
        print("note: network could not be taken away here", flush=True)


if __name__ == "__main__":
    main()
