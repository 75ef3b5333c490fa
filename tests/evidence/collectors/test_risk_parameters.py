"""Risk parameters are found where they are written, with their exact values; changes are those of meaning."""

from __future__ import annotations

import subprocess
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.collectors import NARROWING
from gate.evidence.collectors.risk_parameters import (
    NAMES,
    RiskParametersCollector,
    RiskParametersOptions,
    compare,
)
from gate.evidence.collectors.risk_parameters.model import Definition, exact, plain
from gate.evidence.collectors.risk_parameters.python_files import definitions as definitions_in
from gate.evidence.collectors.shared.python_source import parse_text
from gate.evidence.errors import ConfigError, EvidenceError

EXAMPLES = Path(__file__).parents[3] / "examples"
CONFIG = "algo_trade/core/config.py"


def found(watch: Any, files: dict[str, Any], **options: Any) -> list[tuple[Any, ...]]:
    facts = watch("risk_parameters", files, **options).facts
    return [(one["name"], one["line"], one["value"], one["form"]) for one in facts["parameters"]]


def commit(root: Path, message: str) -> str:
    identity = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com"]
    for arguments in (["init", "-q"], ["add", "-A", "."], ["commit", "-q", "-m", message]):
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize("example", ["algo-trade", "ready"])
def test_the_examples_state_each_parameter_once(watch: Any, example: str) -> None:
    root = EXAMPLES / example
    files = {str(path.relative_to(root)): path.read_bytes() for path in root.glob("algo_trade/**/*.py")}
    facts = watch("risk_parameters", files).facts
    assert (facts["found"], facts["absent"], facts["conflicting"]) == (sorted(NAMES), [], [])
    assert facts["total"] == len(NAMES)
    assert {one["path"] for one in facts["parameters"]} == {CONFIG}
    values = {one["name"]: one["value"] for one in facts["parameters"]}
    source: dict[str, Any] = {}
    exec((root / CONFIG).read_text().partition("@dataclass")[0], source)  # noqa: S102 - our own example
    assert {name: Decimal(value) for name, value in values.items()} == {
        name: Decimal(str(source[name])) for name in NAMES
    }
    lines = (root / CONFIG).read_text().splitlines()
    assert all(lines[one["line"] - 1].startswith(one["name"]) for one in facts["parameters"])


def test_nothing_there_is_absent_and_the_comparison_missing(watch: Any) -> None:
    evidence = watch("risk_parameters", {})
    assert evidence.facts["absent"] == sorted(NAMES)
    assert evidence.facts["total"] == 0
    assert {missing.fact for missing in evidence.missing} == {"baseline", "changed", "changes"}


@pytest.mark.parametrize(
    ("source", "value", "form"),
    [
        ("BOX_LIM = 0.250", "0.25", "literal"),
        ("BOX_LIM: float = -1_000.5e-1", "-100.05", "literal"),
        ("BOX_LIM = Decimal('0.1')", "0.1", "literal"),
        ("BOX_LIM = -decimal.Decimal('.5')", "-0.5", "literal"),
        ("BOX_LIM = 0x10", "16", "literal"),
        ("BOX_LIM = 0.1 + 0.2", "0.3", "computed"),
        ("BOX_LIM = 5 / 100", "0.05", "computed"),
        ("BOX_LIM = Fraction(1) / 8", "0.125", "computed"),
        ("BOX_LIM = 1 / 3", None, "unknown"),
        ("BOX_LIM = 1 / 0", None, "unknown"),
        ("BOX_LIM = 1e400", None, "unknown"),
        ("BOX_LIM = 5j", None, "unknown"),
        ("BOX_LIM = True", None, "unknown"),
        ("BOX_LIM = int(0.5)", None, "unknown"),
        ("BOX_LIM = float(os.environ['BOX'])", None, "unknown"),
        ("BOX_LIM = " + "9" * 100, None, "unknown"),
        ("class Limits:\n    BOX_LIM = 2", "2", "literal"),
        ("A, (B, BOX_LIM) = 1, (2, 3)", "3", "literal"),
        ("A, *BOX_LIM = 1, 2", None, "unknown"),
        ("BOX_LIM += 1", None, "unknown"),
        ("config.BOX_LIM = 4", "4", "literal"),
        ("config['BOX_LIM'] = 4", "4", "literal"),
        ("setattr(config, 'BOX_LIM', 4)", "4", "literal"),
        ("limits = {'BOX_LIM': 5}", "5", "literal"),
        ("limits = dict(BOX_LIM=6)", "6", "literal"),
        ("def f(x, BOX_LIM=7): ...", "7", "literal"),
        ("def f(*, BOX_LIM=-8): ...", "-8", "literal"),
        ("if (BOX_LIM := 9): ...", "9", "literal"),
        ("def f():\n    global BOX_LIM\n    BOX_LIM = 10", "10", "literal"),
        ("from x import LIMIT as BOX_LIM", None, "unknown"),
        ("def BOX_LIM(): return 1", None, "unknown"),
        ("for BOX_LIM in (1, 2): ...", None, "unknown"),
        ("ＢOX_LIM = 3", "3", "literal"),
        ("limits = {'BOX\\x5fLIM': 5}", "5", "literal"),
        ('"""Ｂ א"""; BOX_LIM = 0.5', "0.5", "literal"),
        ("BOX_LIM = int(29)", "29", "literal"),
        ("BOX_LIM = int(0.29 * 100)", None, "unknown"),
        ("BOX_LIM = int(1e23)", None, "unknown"),
        ("BOX_LIM = loose.float(5)", None, "unknown"),
        ("from decimal import Decimal\nBOX_LIM = Decimal('0.1')", "0.1", "literal"),
        ("TYPES = {'float': float}\nBOX_LIM = float(5)", "5", "literal"),
        ("from loose import scale as float\nBOX_LIM = float(5)", None, "unknown"),
        ("from loose import Decimal\nBOX_LIM = Decimal('5')", None, "unknown"),
        ("with nullcontext(-50) as BOX_LIM: ...", None, "unknown"),
        ("with f() as (a, [*BOX_LIM]): ...", None, "unknown"),
        ("match -50:\n    case BOX_LIM: ...", None, "unknown"),
        ("match -50:\n    case [int() as BOX_LIM]: ...", None, "unknown"),
        ("match x:\n    case [*BOX_LIM]: ...", None, "unknown"),
        ("match x:\n    case {'a': 1, **BOX_LIM}: ...", None, "unknown"),
        ("try: ...\nexcept E as BOX_LIM: ...", None, "unknown"),
        ("import BOX_LIM", None, "unknown"),
        ("from loose import BOX_LIM", None, "unknown"),
        ("from . import BOX_LIM", None, "unknown"),
        ("object.__setattr__(c, 'BOX_LIM', 4)", "4", "literal"),
        ("d.__setitem__('BOX_LIM', 4)", "4", "literal"),
        ("operator.setitem(d, 'BOX_LIM', f())", None, "unknown"),
        ("d.setdefault('BOX_LIM', 4)", "4", "literal"),
        ("mp.setattr('config.BOX_LIM', 4)", "4", "literal"),
        ("setattr(*[c, 'BOX_LIM', 4])", None, "unknown"),
        ("d.update([('BOX_LIM', 4)])", "4", "literal"),
        ("d.update((('BOX_LIM', 4), ('x', 5)))", "4", "literal"),
        ("d = dict(zip(['BOX_LIM', 'x'], [4, 5]))", None, "unknown"),
        ("d = dict.fromkeys(['BOX_LIM'], 4)", None, "unknown"),
        ("exec('BOX_LIM = 4')", None, "unknown"),
        ("class A(B, BOX_LIM=4): ...", "4", "literal"),
        ("d['BOX\\137LIM'] = 4", "4", "literal"),
        ("d['\\102OX_LIM'] = 4", "4", "literal"),
        ("d['BOX_' 'LIM'] = 4", "4", "literal"),
        ("d['BOX_'  # not a 'name'\n  'LIM'] = 4", "4", "literal"),
        ('d["BOX_" """LIM"""] = 4', "4", "literal"),
        ("d['BOX_\\\nLIM'] = 4", "4", "literal"),
        ("d['BOX_' + 'LIM'] = 4", "4", "literal"),
        ("d[f\"BOX_{'LIM'}\"] = 4", "4", "literal"),
        ("d = {'BOX_' 'LIM': 4}", "4", "literal"),
    ],
)
def test_values_in_python(watch: Any, source: str, value: str | None, form: str) -> None:
    assert [(one[2], one[3]) for one in found(watch, {CONFIG: source + "\n"})] == [(value, form)]


@pytest.mark.parametrize(
    "source",
    [
        "f(BOX_LIM=config.BOX_LIM)",
        "BOX_LIM: float",
        "# BOX_LIM = 1",
        "print('BOX_LIM', BOX_LIM)",
        "BOX_LIMIT = 1",
    ],
)
def test_what_defines_nothing_in_python(watch: Any, source: str) -> None:
    assert found(watch, {CONFIG: source + "\n"}) == []


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "config/a.yaml",
            "# BOX_LIM: 3\nrisk:\n  BOX_LIM: 0.250\n  more:\n  - BOX_LIM: '1e-2'\n"
            "  - {NET_LIM: no, BOX_LIM: [1]}\n",
            [
                ("BOX_LIM", 3, "0.25", "literal"),
                ("BOX_LIM", 5, "0.01", "literal"),
                ("BOX_LIM", 6, None, "unknown"),
                ("NET_LIM", 6, None, "unknown"),
            ],
        ),
        (
            "config/a.json",
            '{"x": "BOX_LIM", "BOX_LIM":\n 0.5, "y": [{"BOX\\u005fLIM"\n : {"NET_LIM": -1}}]}',
            [
                ("BOX_LIM", 1, "0.5", "literal"),
                ("BOX_LIM", 2, None, "unknown"),
                ("NET_LIM", 3, "-1", "literal"),
            ],
        ),
        (
            "config/a.toml",
            'text = "BOX_LIM = 7"\n[risk]\nBOX_LIM = 0.50 # was 0.4\nmore = { "NET_LIM" = -1_0 }\n',
            [("BOX_LIM", 3, "0.5", "literal"), ("NET_LIM", 4, "-10", "literal")],
        ),
        ("config/a.txt", "BOX_LIM = 5", []),
        ("elsewhere/a.yaml", "BOX_LIM: 5", []),
    ],
)
def test_values_in_data_files(watch: Any, name: str, content: str, expected: list[Any]) -> None:
    assert found(watch, {name: content}) == expected


def test_definitions_that_differ_conflict(watch: Any) -> None:
    files = {CONFIG: "BOX_LIM = 0.25\nNET_LIM = 1\n", "config/a.yaml": "BOX_LIM: 0.3\nNET_LIM: 1.00\n"}
    facts = watch("risk_parameters", files).facts
    assert facts["conflicting"] == ["BOX_LIM"]
    assert facts["found"] == ["BOX_LIM", "NET_LIM"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (CONFIG, "BOX_LIM = (\n", "is not valid Python"),
        (CONFIG, b"BOX_LIM = 1 # \xff\n", "not UTF-8"),
        (CONFIG, "BOX_LIM = " + "(" * 5000, "cannot be read"),
        ("config/a.yaml", "BOX_LIM: &a 1\n", "anchors"),
        ("config/a.yaml", "BOX_LIM: 1\nBOX_LIM: 2\n", "twice"),
        ("config/a.json", '{"BOX_LIM": 1, "BOX_LIM": 2}', "twice"),
        ("config/a.json", '{"BOX_LIM": NaN}', "not a JSON number"),
        ("config/a.toml", "BOX_LIM = \n", "TOML"),
    ],
)
def test_malformed_files_that_mention_a_parameter_are_refused(
    watch: Any, name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(EvidenceError, match=said) as caught:
        watch("risk_parameters", {name: content})
    assert caught.value.path == name


def test_other_malformed_files_are_none_of_its_business(watch: Any) -> None:
    files = {"algo_trade/a.py": "(\n", "config/a.json": "{", "config/b.yaml": b"\xff"}
    assert found(watch, files) == []


def test_changes_since_a_commit(watch: Any, tmp_path: Path) -> None:
    before = "KILL_PNL = -0.05\nBOX_LIM = 0.25\nNET_LIM = 0.6\nVOL_TARGET = f()\n"
    watch("risk_parameters", {CONFIG: before, "config/risk.yaml": "GROSS_LIM: 1.5\n"})
    first = commit(tmp_path, "approved")
    after = "# moved\nKILL_PNL = -0.07\nBOX_LIM = 0.250\nPSR_KILL_SWITCH = 0.2\nVOL_TARGET = g()\n"
    (tmp_path / "config" / "risk.yaml").unlink()
    files = {CONFIG: after, "config/limits.yaml": "more: {GROSS_LIM: 1.50}\n"}
    facts = watch("risk_parameters", files, approved=first[:12]).facts
    assert facts["baseline"] == {"kind": "commit", "name": first}
    assert facts["changed"] == 4
    assert [
        (one["name"], one["line"], one["change"], one["before"], one["after"]) for one in facts["changes"]
    ] == [
        ("KILL_PNL", 2, "changed", "-0.05", "-0.07"),
        ("NET_LIM", 3, "removed", "0.6", None),
        ("PSR_KILL_SWITCH", 4, "added", None, "0.2"),
        ("VOL_TARGET", 5, "changed", "f()", "g()"),
    ]
    again = commit(tmp_path, "approved again")
    assert watch("risk_parameters", {}, approved=again).facts["changes"] == []


def test_changes_against_a_copy(watch: Any) -> None:
    files = {"approved/config/risk.yaml": "BOX_LIM: 0.25\n", "config/risk.yaml": "BOX_LIM: 0.3\n"}
    facts = watch("risk_parameters", files, approved_copy="approved/", paths=["**/*.yaml"]).facts
    assert facts["baseline"] == {"kind": "directory", "name": "approved"}
    assert facts["total"] == 1
    assert [(one["before"], one["after"]) for one in facts["changes"]] == [("0.25", "0.3")]


def test_an_approved_version_that_is_not_there_is_an_error(watch: Any, tmp_path: Path) -> None:
    files = {CONFIG: "BOX_LIM = 1\n"}
    with pytest.raises(EvidenceError, match="no revision 'v1'"):
        watch("risk_parameters", files, approved="v1")
    with pytest.raises(EvidenceError, match="no directory with approved files"):
        watch("risk_parameters", files, approved_copy="approved")
    with pytest.raises(EvidenceError, match="no directory with approved files"):
        watch("risk_parameters", files, approved_copy=CONFIG)
    with pytest.raises(ConfigError, match="both"):
        watch("risk_parameters", files, approved="v1", approved_copy="approved")
    with pytest.raises(ConfigError, match="not a path inside"):
        watch("risk_parameters", files, approved_copy="../approved")
    with pytest.raises(ConfigError, match="not the name of a branch"):
        watch("risk_parameters", files, approved="--all")
    (tmp_path / "linked").symlink_to("algo_trade")
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("risk_parameters", files, approved_copy="linked")


def test_a_broken_approved_file_is_named_with_its_commit(watch: Any, tmp_path: Path) -> None:
    watch("risk_parameters", {"config/a.json": '{"x": 1}'})
    (tmp_path / "config" / "a.json").write_text('{"BOX_LIM": 1')
    first = commit(tmp_path, "approved")
    with pytest.raises(EvidenceError, match="malformed JSON") as caught:
        watch("risk_parameters", {"config/a.json": "{}"}, approved=first)
    assert caught.value.path == f"config/a.json (commit {first[:12]})"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=12))
def test_every_decimal_keeps_its_value(number: Decimal) -> None:
    for text in (str(number), f"{number:f}", f"{number:e}"):
        value = exact(text)
        assert value == Fraction(number)
        written = plain(Fraction(number))
        assert written is not None and Decimal(written) == number
        assert not written.endswith(".") and "e" not in written.lower()


definitions = st.lists(
    st.builds(
        lambda name, path, line, value: Definition(name, path, line, value, "literal", value),
        st.sampled_from(["BOX_LIM", "NET_LIM"]),
        st.sampled_from(["a.py", "b.py"]),
        st.integers(1, 5),
        st.sampled_from(["1", "2", "3"]),
    ),
    max_size=6,
)


@given(definitions, definitions)
def test_no_changes_exactly_when_the_same_is_said(before: list[Definition], after: list[Definition]) -> None:
    changes = compare(before, after)
    said = [sorted((one.name, one.meaning) for one in side) for side in (before, after)]
    assert (not changes) == (said[0] == said[1])
    assert all(one["before"] != one["after"] for one in changes)
    added = sum(one["change"] == "added" for one in changes)
    removed = sum(one["change"] == "removed" for one in changes)
    assert added - removed == len(after) - len(before)


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


@pytest.mark.parametrize("collector", ["risk_parameters", "contracts"])
@pytest.mark.parametrize(
    "approved",
    ["HEAD", "head", "@", "Main", "main", "heads/main", "refs/heads/main", "alias", "both", "ORIG_HEAD",
     "origin/HEAD"],
)  # fmt: skip
def test_a_revision_that_moves_with_the_code_is_refused(
    watch: Any, tmp_path: Path, collector: str, approved: str
) -> None:
    watch("risk_parameters", {CONFIG: "BOX_LIM = 1\n"})
    commit(tmp_path, "first")
    git(tmp_path, "checkout", "-q", "-B", "both" if approved == "both" else "main")
    git(tmp_path, "update-ref", "refs/remotes/both", "HEAD")
    git(tmp_path, "update-ref", "ORIG_HEAD", "HEAD")
    git(tmp_path, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    if approved == "Main":
        git(tmp_path, "checkout", "-q", "-B", "Main")
    with pytest.raises(ConfigError, match="moves with the code") as caught:
        watch(collector, {}, approved=approved)
    assert (caught.value.path, caught.value.place) == ("gate.yaml", f"evidence.{collector}.approved")
    assert "tag or the commit" in (caught.value.remedy or "")


@pytest.mark.parametrize("detached", [False, True])
@pytest.mark.parametrize("approved", ["v1", "other", "same", "refs/tags/same"])
def test_tags_and_other_branches_may_be_approved(
    watch: Any, tmp_path: Path, approved: str, detached: bool
) -> None:
    watch("risk_parameters", {CONFIG: "BOX_LIM = 1\n"})
    first = commit(tmp_path, "first")
    git(tmp_path, "checkout", "-q", "-B", "same")
    for name in (("branch", "other"), ("tag", "v1"), ("tag", "same")):
        git(tmp_path, *name)
    if detached:
        git(tmp_path, "checkout", "-q", "--detach")
    watch("risk_parameters", {CONFIG: "BOX_LIM = 2\n"})
    commit(tmp_path, "second")
    facts = watch("risk_parameters", {}, approved=approved).facts
    assert (facts["baseline"]["name"], facts["changed"]) == (first, 1)


@pytest.mark.parametrize(
    ("copy", "paths"),
    [
        ("config", ["config/*.yaml"]),
        ("config/", ["config/**/*.yaml"]),
        ("config/inner", ["config/**/*.yaml"]),
        ("config", ["config/inner/*.yaml"]),
        ("config", ["*/inner/*.yaml", "**/*.yaml"]),
        ("config", ["**/*.yaml"]),
    ],
)
def test_a_copy_that_is_what_is_judged_is_refused(watch: Any, copy: str, paths: list[str]) -> None:
    files = {"config/a.yaml": "BOX_LIM: 1\n", "config/inner/b.yaml": "BOX_LIM: 1\n"}
    with pytest.raises(ConfigError, match="holds files that are judged") as caught:
        watch("risk_parameters", files, approved_copy=copy, paths=paths)
    assert caught.value.place == "evidence.risk_parameters.approved_copy"


def test_a_copy_beside_what_is_judged_is_none_of_it(watch: Any) -> None:
    files = {"config/a.yaml": "BOX_LIM: 1\n", "config/approved/config/a.yaml": "BOX_LIM: 2\n"}
    facts = watch("risk_parameters", files, approved_copy="config/approved", paths=["config/*.yaml"]).facts
    assert facts["changed"] == 1


def test_a_decision_says_who_chose_the_approved_version() -> None:
    for collector in ("risk_parameters", "contracts"):
        assert {"approved", "approved_copy", "paths"} <= NARROWING[collector]


TAIL = "1, " * 50


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.yaml", "BOX_LIM: [0.25, 0.25]", "BOX_LIM: [25, 25]"),
        ("a.yaml", "BOX_LIM: {value: -0.05}", "BOX_LIM: {value: -50}"),
        ("a.yaml", "BOX_LIM: [[[0.25]]]", "BOX_LIM: [[[0.3]]]"),
        ("a.yaml", "BOX_LIM: 10", "BOX_LIM: 010"),
        ("a.yaml", "BOX_LIM: [8]", "BOX_LIM: [0o10]"),
        ("a.yaml", "BOX_LIM: {a: [10]}", "BOX_LIM: {a: [010]}"),
        ("a.yaml", "BOX_LIM: true", "BOX_LIM: 'true'"),
        ("a.yaml", "BOX_LIM: 'a  b'", "BOX_LIM: 'a b'"),
        ("a.yaml", "BOX_LIM: {a: 1}", "BOX_LIM: {b: 1}"),
        ("a.yaml", "BOX_LIM: [[1], 2]", "BOX_LIM: [[1, 2]]"),
        ("a.yaml", "BOX_LIM: [1]", "BOX_LIM: ['1']"),
        ("a.yaml", "x: 90", '? "BOX_\\\n  LIM"\n: 90'),
        ("a.json", '{"BOX_LIM": {"value": -0.05}}', '{"BOX_LIM": {"value": -50}}'),
        ("a.json", f'{{"BOX_LIM": "{TAIL} 1"}}', f'{{"BOX_LIM": "{TAIL} 2"}}'),
        ("a.json", f'{{"BOX_LIM": [{TAIL} 1]}}', f'{{"BOX_LIM": [{TAIL} 2]}}'),
        ("a.toml", "[BOX_LIM]\nvalue = -0.05", "[BOX_LIM]\nvalue = -50"),
        ("a.toml", "BOX_LIM = [1]", "BOX_LIM = [2]"),
        ("a.py", f"BOX_LIM = f({TAIL}-0.05)", f"BOX_LIM = f({TAIL}-50)"),
        ("a.py", f"BOX_LIM = [{TAIL}-0.05]", f"BOX_LIM = [{TAIL}-50]"),
        ("a.py", "BOX_LIM = f('a b')", "BOX_LIM = f('a  b')"),
        ("a.py", "BOX_LIM = 29", "BOX_LIM = int(0.29 * 100)"),
        ("a.py", "def BOX_LIM(): return -0.05", "def BOX_LIM(): return -50"),
        ("a.py", "@limit(1)\ndef BOX_LIM(): ...", "@limit(2)\ndef BOX_LIM(): ..."),
        ("a.py", "class BOX_LIM:\n    value = 1", "class BOX_LIM:\n    value = 2"),
        ("a.py", f"BOX_LIM += f({TAIL}1)", f"BOX_LIM += f({TAIL}2)"),
        ("a.py", f"for BOX_LIM in [{TAIL}1]: ...", f"for BOX_LIM in [{TAIL}2]: ..."),
        ("a.py", "match 1:\n    case BOX_LIM: ...", "match 2:\n    case BOX_LIM: ..."),
        ("a.py", "with f(1) as BOX_LIM: ...", "with f(2) as BOX_LIM: ..."),
        ("a.py", "BOX_LIM = 1", "BOX_LIM = 1\nfrom loose import BOX_LIM"),
        ("a.py", "from strict import BOX_LIM", "from loose import BOX_LIM"),
        ("a.py", "BOX_LIM = 1", "BOX_LIM = 1\nwith f() as BOX_LIM: ..."),
        ("a.py", "x = 1", "globals()['BOX_' 'LIM'] = 1"),
    ],
)
def test_no_change_of_an_unknown_value_goes_unnoticed(watch: Any, name: str, before: str, after: str) -> None:
    files = {f"config/{name}": after + "\n", f"approved/config/{name}": before + "\n"}
    facts = watch("risk_parameters", files, approved_copy="approved").facts
    assert facts["changed"] == 1
    (change,) = facts["changes"]
    assert change["before"] != change["after"]
    assert all(len(text) < 150 for text in (change["before"], change["after"]) if text is not None)
    assert all((one["sha256"] is None) == (one["value"] is not None) for one in facts["parameters"])


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.yaml", "BOX_LIM: {a: 0.10, b: [1]}", "# moved\nBOX_LIM:\n  b:\n  - 1\n  a: 1e-1"),
        ("a.json", '{"BOX_LIM": [10.0, "a"]}', '{"BOX_LIM":[10,"\\u0061"]}'),
        ("a.toml", "BOX_LIM = {a = 1, b = 2}", "[BOX_LIM]\nb = 0x2\na = 1"),
        ("a.py", "BOX_LIM = f(1)", "# moved\nBOX_LIM=f(1)  # a comment"),
    ],
)
def test_an_unknown_value_that_is_only_spelled_otherwise_did_not_change(
    watch: Any, name: str, before: str, after: str
) -> None:
    files = {f"config/{name}": after + "\n", f"approved/config/{name}": before + "\n"}
    assert watch("risk_parameters", files, approved_copy="approved").facts["changes"] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("algo_trade/run.py", "from algo_trade.core.config import BOX_LIM"),
        ("algo_trade/run.py", "from core.config import BOX_LIM"),
        ("algo_trade/run.py", "from .core.config import BOX_LIM"),
        ("algo_trade/core/run.py", "from .config import BOX_LIM as BOX_LIM"),
        ("algo_trade/risk/run.py", "from ..core.config import BOX_LIM"),
        ("algo_trade/risk/run.py", "from .. import BOX_LIM"),
        ("algo_trade/run.py", "from algo_trade import BOX_LIM"),
    ],
)
def test_an_import_from_a_file_that_is_looked_at_passes_on(watch: Any, path: str, source: str) -> None:
    package = "from .core.config import BOX_LIM"
    files = {CONFIG: "BOX_LIM = 1\n", "algo_trade/__init__.py": package, path: source}
    assert found(watch, files) == [("BOX_LIM", 1, "1", "literal")]
    assert len(found(watch, {path: f"{source}\nBOX_LIM = 2\n"})) == 3


@pytest.mark.parametrize(
    "source",
    ["from ..config import BOX_LIM", "from .....core.config import BOX_LIM", "from onfig import BOX_LIM"],
)
def test_an_import_from_elsewhere_is_a_value_that_is_not_known(watch: Any, source: str) -> None:
    facts = watch("risk_parameters", {CONFIG: "BOX_LIM = 1\n", "algo_trade/core/a.py": source}).facts
    assert facts["conflicting"] == ["BOX_LIM"]


def test_a_source_that_python_reads_in_another_encoding_is_refused(watch: Any) -> None:
    hidden = b"# coding: utf-7\nx = 1\n#+AAo-+AEIATwBY-_LIM = 4\n"
    with pytest.raises(EvidenceError, match="encoding"):
        watch("risk_parameters", {CONFIG: hidden})


@given(st.text(alphabet="BOX_LIM '\"\\\n#+(){}[]=:1fd", max_size=60))
def test_a_file_that_is_not_parsed_has_no_definition(source: str) -> None:
    collector = RiskParametersCollector(RiskParametersOptions(names=("BOX_LIM",)))
    parsed = parse_text(source)
    if parsed.tree is not None and not collector._mentioned(source.encode(), "a.py"):
        assert definitions_in(parsed, source, "a.py", frozenset({"BOX_LIM"}), "a.py") == []
