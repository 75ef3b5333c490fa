"""``gate.yaml``: defaults, and one clear error for everything that is wrong in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.engine.config import DEFAULT_SOURCES, GateConfig, load_config
from gate.evidence.errors import ConfigError
from gate.evidence.limits import DEFAULT

Make = Callable[..., Path]


def refused(root: Path) -> ConfigError:
    """The error about a workspace's settings; it names gate.yaml and a remedy."""
    with pytest.raises(ConfigError) as caught:
        load_config(root)
    assert caught.value.path == "gate.yaml"
    assert caught.value.remedy
    assert len(caught.value.diagnostics().splitlines()) == 3
    return caught.value


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "version: 1\n"])
def test_defaults(make_workspace: Make, text: str | None) -> None:
    """No file, an empty file and a minimal file give the defaults."""
    config = load_config(make_workspace({} if text is None else {"gate.yaml": text}))
    assert config == GateConfig()
    assert config.sources == list(DEFAULT_SOURCES)
    assert (config.engine, config.ledger.location, config.allowed_signers) == (
        "embedded",
        "ledger",
        "trust/allowed_signers",
    )


def test_every_setting(make_workspace: Make) -> None:
    """Each setting is read; times without quotes and ``no`` stay text."""
    text = """
version: 1
name: my-system_2.0
effective_time: 2025-11-07T12:00:00Z
subject: {sources: [src, "**/*.py", .], exclude: [src/gen]}
evidence:
  coverage: {data: no}
  paper: {}
roles: {cto: [cto@example.com], risk_officer: ["a", "b"]}
allowed_signers: keys
policy: {bundle: policies, version: "1.0", digest: "%s"}
ledger: {location: /var/ledger, origin: gate.local/x}
engine: embedded
stages: {stage5: {depends_on: [stage3]}, stage6: {depends_on: []}}
""" % ("a" * 64)
    config = load_config(make_workspace({"gate.yaml": text}))
    assert (config.name, config.effective_time) == ("my-system_2.0", "2025-11-07T12:00:00Z")
    assert config.sources == ["src", "**/*.py", "."]
    assert config.subject.exclude == ["src/gen"]
    assert config.evidence == {"coverage": {"data": "no"}, "paper": {}}
    assert config.roles == {"cto": ["cto@example.com"], "risk_officer": ["a", "b"]}
    assert (config.policy.bundle, config.policy.version, config.policy.digest) == (
        "policies",
        "1.0",
        "a" * 64,
    )
    assert (config.ledger.location, config.ledger.origin) == ("/var/ledger", "gate.local/x")
    assert config.stages["stage5"].depends_on == ["stage3"]
    assert config.stages["stage6"].depends_on == []


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("version: 2", "Input should be 1", "version"),
        ("version: '1'", "Input should be 1", "version"),
        ("verison: 1", "Extra inputs are not permitted", "verison"),
        ("- a", "Input should be a valid dictionary", "top level"),
        ("7", "Input should be a valid dictionary", "top level"),
        ("name: ''", "String should match pattern", "name"),
        ("name: a/b", "String should match pattern", "name"),
        ("name: 7", "Input should be a valid string", "name"),
        ("subject: {source: [x]}", "Extra inputs are not permitted", "subject.source"),
        ("subject: {sources: src}", "Input should be a valid list", "subject.sources"),
        ("subject: {sources: ['']}", "String should have at least 1 character", "subject.sources.0"),
        ("subject: {sources: [a, 7]}", "Input should be a valid string", "subject.sources.1"),
        ("evidence: {covrage: {}}", "there is no collector 'covrage'", "evidence.covrage"),
        ("evidence: {coverage: 7}", "Input should be a valid dictionary", "evidence.coverage"),
        ("roles: {cto: a}", "Input should be a valid list", "roles.cto"),
        ("policy: {digest: abc}", "String should match pattern", "policy.digest"),
        ("policy: {version: 1.0}", "Input should be a valid string", "policy.version"),
        ("ledger: {origin: 'Has Spaces'}", "String should match pattern", "ledger.origin"),
        ("engine: opa9", "Input should be 'embedded'", "engine"),
        ("stages: {stage5: [stage3]}", "Input should be a valid dictionary", "stages.stage5"),
        ("stages: {stage5: {}}", "Field required", "stages.stage5.depends_on"),
        ("effective_time: yesterday", "'yesterday' is not an RFC 3339 time", "effective_time"),
        ("effective_time: 2025-11-07", "'2025-11-07' is not an RFC 3339 time", "effective_time"),
        ("effective_time: 2025-02-30T00:00:00Z", "is not a real time", "effective_time"),
        ("a: [", "malformed YAML", "line 2, column 1"),
        ("name: a\nname: b", "has the key 'name' twice", "line 2, column 1"),
        ("name: *x", "anchors and aliases", "line 1, column 7"),
        ("name: !!str x", "the YAML tag", "line 1, column 7"),
        ("name: a\n---\nname: b", "more than one document", "line 2, column 1"),
    ],
)
def test_wrong_settings(make_workspace: Make, text: str, what: str, place: str) -> None:
    """Each mistake is named with its key, or line and column."""
    error = refused(make_workspace({"gate.yaml": text}))
    assert what in error.what
    assert error.place == place


def test_several_mistakes_are_counted(make_workspace: Make) -> None:
    """The first is shown, the others are counted."""
    assert "(and 2 more)" in refused(make_workspace({"gate.yaml": "a: 1\nb: 2\nname: 7"})).what


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../b", "a//b"])
@pytest.mark.parametrize("field", ["sources", "exclude"])
def test_paths_stay_inside(make_workspace: Make, field: str, path: str) -> None:
    """Sources and excludes outside of the workspace are refused when the file is read."""
    error = refused(make_workspace({"gate.yaml": f"subject: {{{field}: ['{path}']}}"}))
    assert f"{path!r} is not a path inside the workspace" in error.what


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("name: a".encode("utf-16"), "UTF-16"),
        (b"name: caf\xe9", "not UTF-8"),
        (b"name: a\0", "NUL"),
        ("name: Ã©".encode(), "mojibake"),
        (b"#" * (DEFAULT.text_bytes + 1), "is larger than"),
    ],
)
def test_broken_files(make_workspace: Make, data: bytes, what: str) -> None:
    """A file in the wrong encoding or far too large is a configuration error."""
    assert what in refused(make_workspace({"gate.yaml": data})).what


@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_not_a_regular_file(make_workspace: Make, kind: str) -> None:
    """A link, pipe or directory called gate.yaml is refused, not passed over."""
    root = make_workspace({"other": "version: 1"})
    target = root / "gate.yaml"
    if kind == "link":
        target.symlink_to("other")
    elif kind == "pipe":
        os.mkfifo(target)
    else:
        target.mkdir()
    assert refused(root).what == "is not a regular file"


def test_no_workspace(tmp_path: Path) -> None:
    """A workspace that is not there is said to be no directory."""
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "missing")
    assert caught.value.what == "the workspace is not a directory"
    assert caught.value.path == str(tmp_path / "missing")
