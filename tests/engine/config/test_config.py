"""``gate.yaml``: defaults, and one clear error for everything that is wrong in it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.collectors import make_collector
from gate.engine.commands.docs import find_page
from gate.engine.config.errors import FORMS, page
from gate.engine.config.settings import GateConfig, load_config
from gate.engine.decision.document import Trust
from gate.engine.trust import Authority
from gate.evidence.base.contracts import CONTRACTS
from gate.evidence.base.errors import ConfigError
from gate.evidence.base.limits import DEFAULT
from gate.evidence.collecting.registry import BUILTIN

Make = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[3]


def authority(config: GateConfig) -> Authority:
    """These settings, with an operator who permits everything."""
    trust = Trust("0" * 64, None, {"evidence": "operator"}, ())
    return Authority(config, trust, execute=frozenset({"commands", "plugins", "stage_tests"}))


def refused(root: Path) -> ConfigError:
    """The error about a workspace's settings; it names gate.yaml and a remedy."""
    with pytest.raises(ConfigError) as caught:
        load_config(root)
    assert caught.value.path == "gate.yaml"
    assert caught.value.remedy
    first, *_, last = caught.value.diagnostics().splitlines()
    assert "gate.yaml" in caught.value.diagnostics() and last.startswith("  to do: "), first
    return caught.value


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "version: 1\n"])
def test_defaults(make_workspace: Make, text: str | None) -> None:
    """No file, an empty file and a minimal file give the defaults."""
    config = load_config(make_workspace({} if text is None else {"gate.yaml": text}))
    assert config == GateConfig()
    assert config.subject.sources is None
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
ledger: {location: var/ledger, origin: gate.local/x}
engine: embedded
stages: {stage5: {depends_on: [stage3]}, stage6: {depends_on: []}}
""" % ("a" * 64)
    config = load_config(make_workspace({"gate.yaml": text}))
    assert (config.name, config.effective_time) == ("my-system_2.0", "2025-11-07T12:00:00Z")
    assert config.subject.sources == ["src", "**/*.py", "."]
    assert config.subject.exclude == ["src/gen"]
    assert config.evidence == {"coverage": {"data": "no"}, "paper": {}}
    assert config.roles == {"cto": ["cto@example.com"], "risk_officer": ["a", "b"]}
    assert (config.policy.bundle, config.policy.version, config.policy.digest) == (
        "policies",
        "1.0",
        "a" * 64,
    )
    assert (config.ledger.location, config.ledger.origin) == ("var/ledger", "gate.local/x")
    assert config.stages["stage5"].depends_on == ["stage3"]
    assert config.stages["stage6"].depends_on == []


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("version: 2", "must be 1", "version"),
        ("version: '1'", "must be 1", "version"),
        ("verison: 1", "there is no setting 'verison' here", "verison"),
        ("- a", "must be a mapping", "top level"),
        ("7", "must be a mapping", "top level"),
        ("name: ''", "is not written as it must be", "name"),
        ("name: a/b", "is not written as it must be", "name"),
        ("name: 7", "must be a string", "name"),
        ("subject: {source: [x]}", "there is no setting 'source' here", "subject.source"),
        ("subject: {sources: src}", "must be a list", "subject.sources"),
        ("subject: {sources: ['']}", "must not be empty", "subject.sources.0"),
        (f"subject: {{exclude: [{'a, ' * 201}]}}", "more than 200 entries", "subject.exclude"),
        ("subject: {sources: [a, 7]}", "must be a string", "subject.sources.1"),
        ("evidence: {covrage: {}}", "there is no collector 'covrage'", "evidence.covrage"),
        ("evidence: {coverage: 7}", "must be a mapping", "evidence.coverage"),
        ("roles: {cto: a}", "must be a list", "roles.cto"),
        ("policy: {digest: abc}", "is not written as it must be", "policy.digest"),
        ("policy: {version: 1.0}", "must be a string; quote numbers", "policy.version"),
        ("ledger: {origin: 'Has Spaces'}", "is not written as it must be", "ledger.origin"),
        ("engine: opa9", "there is no policy engine 'opa9'", "engine"),
        ("stages: {stage5: [stage3]}", "must be a mapping", "stages.stage5"),
        ("stages: {stage5: {}}", "is missing and has no default", "stages.stage5.depends_on"),
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


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("verison: 1", "did you mean 'version'? see `gate docs configuration`"),
        ("subject: {source: [x]}", "did you mean 'sources'? see `gate docs configuration`"),
        ("subject: {xyz: 1}", "the settings here are exclude, sources; see `gate docs configuration`"),
        ("stages: {stage5: {depend_on: []}}", "did you mean 'depends_on'? see `gate docs configuration`"),
        ("limits: {file_byte: 7}", "did you mean 'file_bytes'? see `gate docs limits`"),
        (
            "freshness: {tests: 7 days}",
            "write it like 12h or 7d: a number, then s, m, h or d; see `gate docs ",
        ),
        (
            "policy: {digest: abc}",
            "write a SHA-256 digest: 64 hexadecimal digits in lower case; see `gate docs ",
        ),
        ("evidence: {covrage: {}}", "did you mean 'coverage'? known: account, "),
        ("freshness: {test: 7d}", "did you mean 'tests'? known: account, "),
    ],
)
def test_what_to_do_about_a_wrong_setting(make_workspace: Make, text: str, remedy: str) -> None:
    """The nearest name, how to write it, and the page where it is described."""
    assert str(refused(make_workspace({"gate.yaml": text})).remedy).startswith(remedy)


@pytest.mark.parametrize(
    ("collector", "options", "what", "remedy"),
    [
        (
            "coverage",
            {"soruces": []},
            "there is no setting 'soruces' here",
            "did you mean 'sources'? see ",
        ),
        (
            "values",
            {"read": {"a": {"fil": "x"}}},
            "there is no setting 'fil'",
            "did you mean 'file'? see ",
        ),
        ("values", {"read": {"A": {"file": "x"}}}, "this name is not written", "write lower-case"),
        ("artifacts", {"matrix": [{"idd": "x"}]}, "'idd' here", "did you mean 'id'? see "),
        (
            "commands",
            {"run": {"a": {"command": ["a"], "secs": 1}}},
            "'secs' here",
            "did you mean 'seconds'?",
        ),
    ],
)
def test_a_wrong_option_of_a_collector(
    collector: str, options: dict[str, Any], what: str, remedy: str
) -> None:
    """Options are looked up in the collector's own class, also inside of lists and mappings."""
    with pytest.raises(ConfigError) as caught:
        make_collector(authority(GateConfig(evidence={collector: options})), collector)
    assert what in caught.value.what
    assert str(caught.value.remedy).startswith(remedy)
    assert str(caught.value.remedy).endswith(f"see `gate docs collectors/{collector}`")


def test_every_pattern_of_a_setting_is_explained(make_workspace: Make) -> None:
    """No user has to read a regular expression."""
    schema = (CONTRACTS / "gate_config.schema.json").read_text()
    for pattern in set(re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', schema)):
        assert json.loads(f'"{pattern}"') in FORMS, pattern


def test_pages_named_in_errors_exist() -> None:
    """Every collector of gate itself has a page."""
    for name in BUILTIN:
        assert find_page(page(["evidence", name]).removeprefix("`gate docs ").strip("`")).is_file()


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


def test_options_of_collectors_that_are_not_asked_for_are_checked(make_workspace: Make) -> None:
    """A wrong option is an error of the settings, whatever is judged."""
    root = make_workspace({"gate.yaml": "evidence: {account: {bogus: 1}}"})
    with pytest.raises(ConfigError) as caught:
        load_config(root)
    assert caught.value.place == "evidence.account.bogus"
