"""Reading bundle directories."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.policy.bundle import SHIPPED_BUNDLES, from_document, load_bundle, load_shipped
from gate.engine.policy.interface import Bundle
from gate.evidence.base.errors import PolicyError

Load = Callable[..., Bundle]
STAGE1 = "gate/stage1/stage1.rego"


def refused(load: Callable[..., Any], *arguments: Any) -> PolicyError:
    """The error about a bundle, which always names a file and a remedy."""
    with pytest.raises(PolicyError) as caught:
        load(*arguments)
    assert caught.value.path
    assert caught.value.remedy
    return caught.value


def test_a_small_bundle(load: Load, bundle_files: dict[str, str]) -> None:
    """Name, version, modules, merged data, annotations and heads."""
    bundle = load()
    assert (bundle.name, bundle.version) == ("small", "1.2.3")
    assert bundle.modules == {path: text for path, text in bundle_files.items() if path.endswith(".rego")}
    assert bundle.data["gate"]["params"]["stage1"]["least"]["value"] == 800_000
    assert set(bundle.data["gate"]["params"]) == {"common", "stage1", "stage2"}
    assert bundle.metadata["name"] == "small"
    assert [a.rule for a in bundle.annotations] == ["deny_amount", "deny_amount"]
    assert len([head for head in bundle.heads if head.kind == "contains"]) == 2


def test_the_digest_is_what_sha256sum_gives(make_bundle: Callable[..., Path]) -> None:
    """The bundle's digest can be recomputed with stock tools; tests and readmes are not part of it."""
    root = make_bundle()
    script = "find . -type f | sed 's,^./,,' | LC_ALL=C sort | xargs sha256sum | sha256sum"
    done = subprocess.run(["sh", "-c", script], cwd=root, capture_output=True, check=True)
    digest = load_bundle(root).digest
    assert digest == done.stdout.decode().split()[0]
    (root / "gate/stage1/stage1_test.rego").write_text("not even Rego http.send(")
    (root / "README.md").write_text("hello")
    assert load_bundle(root).digest == digest
    (root / STAGE1).write_text((root / STAGE1).read_text() + "\n")
    assert load_bundle(root).digest != digest


def test_data_files_of_both_formats_are_merged(load: Load) -> None:
    """``data.json``, ``data.yml`` and ``data.yaml`` at any level make one document."""
    bundle = load(
        {"data.json": '{"gate": {"params": {"extra": {"a": 1}}}}', "gate/params/extra/data.yml": "b: [x, 2]"}
    )
    assert bundle.data["gate"]["params"]["extra"] == {"a": 1, "b": ["x", 2]}
    assert "stage1" in bundle.data["gate"]["params"]


@pytest.mark.parametrize("name", SHIPPED_BUNDLES)
def test_the_shipped_bundles_load(name: str) -> None:
    """The lint, which is left out at each start, finds nothing in the bundles that come with gate."""
    bundle = load_bundle(SHIPPED_BUNDLES[name])
    assert bundle.name == f"gate-{name}"
    assert load_shipped(name) == bundle


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"type":"gate.bundle/v1","files":[{"path":"a.rego","text":3}]}', "{", "\udc80"]
)
def test_a_stored_document_that_is_no_bundle(text: str) -> None:
    """One clear error, whatever is wrong with it."""
    with pytest.raises(PolicyError) as caught:
        from_document(text.encode("utf-8", "surrogatepass"))
    assert caught.value.what == "the stored document is no policy bundle"


@pytest.mark.parametrize("kind", ["missing", "file", "empty"])
def test_not_a_bundle(tmp_path: Path, kind: str) -> None:
    """Nothing, a file, and a directory without a manifest are refused."""
    root = tmp_path / "bundle"
    if kind == "file":
        root.write_text("x")
    if kind == "empty":
        root.mkdir()
    error = refused(load_bundle, root)
    assert error.path == str(root)
    expected = (
        "the policy bundle has no .manifest" if kind == "empty" else "the policy bundle is not a directory"
    )
    assert error.what == expected


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("{", "malformed JSON", "line 1, column 2"),
        ("[]", "needs 'revision' and 'metadata.name'", None),
        ("{}", "needs 'revision' and 'metadata.name'", None),
        ('{"revision": 1, "metadata": {"name": "x"}}', "needs 'revision' and 'metadata.name'", None),
        ('{"revision": "1", "metadata": {"name": 7}}', "needs 'revision' and 'metadata.name'", None),
        ('{"revision": "1", "metadata": []}', "needs 'revision' and 'metadata.name'", None),
        ('{"revision": "1", "revision": "2"}', "has the key 'revision' twice", "line 1, column 19"),
        (b"\xff", "UTF-8", "line 1"),
    ],
)
def test_bad_manifests(load: Load, text: str | bytes, what: str, place: str | None) -> None:
    """A manifest that does not parse or lacks what it needs is named."""
    error = refused(load, {".manifest": text})
    assert what in error.what
    assert (error.path, error.place) == (".manifest", place)


@pytest.mark.parametrize(
    ("path", "text", "what"),
    [
        ("gate/params/stage1/data.yaml", "least: {value: 0.8}", "the number 0.8 has a decimal point"),
        ("gate/params/stage1/data.yaml", "least: [{value: 1e3}]", "has a decimal point"),
        ("gate/params/x/data.json", '{"a": 1.0}', "the number 1.0 has a decimal point"),
        ("gate/params/x/data.yaml", "- a", "a data file must hold a mapping"),
        ("gate/params/x/data.yaml", "", "a data file must hold a mapping"),
        ("gate/params/x/data.json", "7", "a data file must hold a mapping"),
        ("gate/params/x/data.yaml", "a: *b", "anchors and aliases"),
        ("gate/params/x/data.yaml", "a: 1\na: 2", "has the key 'a' twice"),
        ("gate/params/x/data.json", "{", "malformed JSON"),
        ("gate/params/stage1/data.yml", "least: 1", "another file defines the data key 'least'"),
        ("gate/x/x.rego", "package gate.x\n\nx := http.send({})", "the function 'http.send' is not accepted"),
        ("gate/x/x.rego", "x := 1", "the module has no package"),
        ("gate/x/x.rego", b"package gate.x # caf\xe9", "not UTF-8"),
        ("gate/x/x.rego", b"package gate.x\0", "NUL"),
        ("gate/x/x.rego", "package gate.x\n# METADATA\n# a: [\nx := 1", "malformed YAML"),
    ],
)
def test_bad_files(load: Load, path: str, text: str | bytes, what: str) -> None:
    """Each bad file is named by its path in the bundle."""
    error = refused(load, {path: text})
    assert what in error.what
    assert error.path == path


@pytest.mark.parametrize("value", ["3", "text", "[]", "null"])
def test_data_below_a_value(load: Load, value: str) -> None:
    """A data file below a path that another file gives a value collides with it."""
    error = refused(load, {"gate/params/x/data.yaml": f"y: {value}", "gate/params/x/y/data.yaml": "z: 1"})
    assert error.what == "the data key 'y' has a value in another file"
    assert error.path == "gate/params/x/y/data.yaml"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("gate/stage1/data.yaml", "check_amount: {holds: true}"),
        ("gate/data.yaml", "stage1: {}"),
        ("data.yaml", "gate: {stage1: {amount: 1}}"),
        ("data.json", '{"gate": {"stage2": null}}'),
    ],
)
def test_data_may_not_override_rules(load: Load, path: str, text: str) -> None:
    """Data mounted where a package lives would silently win over its rules in one engine."""
    error = refused(load, {path: text})
    assert "where it could override rules" in error.what
    assert error.remedy == "put it below gate/params"


def test_data_above_every_package(load: Load) -> None:
    """A plain value above the packages is refused, too."""
    files = {f"gate/params/{name}/data.yaml": None for name in ("stage1", "stage2", "common")}
    assert "could override rules" in refused(load, {**files, "data.yaml": "gate: 5"}).what


def test_a_bundle_without_modules(load: Load) -> None:
    """Only data is no policy."""
    error = refused(load, {STAGE1: None, "gate/stage2/stage2.rego": None})
    assert error.what == "the policy bundle has no Rego module"


@pytest.mark.parametrize("name", ["gate/stage1/more.rego", "gate/params/stage9", ".manifest"])
def test_links_are_refused(make_bundle: Callable[..., Path], name: str) -> None:
    """A linked module, data directory or manifest is not followed and not passed over in silence."""
    root = make_bundle()
    shutil.copytree(root, root.parent / "elsewhere")
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to(root.parent / "elsewhere" / name)
    error = refused(load_bundle, root)
    assert "symbolic link" in error.what
    assert error.path == name


def test_strange_names(make_bundle: Callable[..., Path]) -> None:
    """A module whose name no path of ours may have is refused as a policy's mistake."""
    root = make_bundle({"gate/a\\b.rego": "package gate.x"})
    error = refused(load_bundle, root)
    assert error.path == str(root)
    assert "a\\\\b.rego" in error.what
    (root / "gate/a\\b.rego").rename(root / os.fsdecode(b"gate/\xff.rego"))
    assert refused(load_bundle, root).what == "the file's name is not UTF-8"


def test_opa_accepts_the_small_bundle(make_bundle: Callable[..., Path], opa: str) -> None:
    """The bundle of these tests is one that stock OPA loads and evaluates to the same violation."""
    root = make_bundle()
    document = {"facts": {"coverage": {"line_ppm": 1}}}
    done = subprocess.run(
        [opa, "eval", "-b", str(root), "-I", "data.gate.stage1.deny_amount[_].code"],
        input=json.dumps(document).encode(), capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["result"][0]["expressions"][0]["value"] == "stage1.amount"
