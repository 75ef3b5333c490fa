"""Risk parameters are found where they are written, with their exact values; changes are those of meaning."""

from __future__ import annotations

import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import ConfigError
from gate.evidence.collecting.interface import ProblemKind
from gate.evidence.collecting.registry import BUILTIN
from gate.evidence.collectors.risk_parameters import NAMES, compare
from gate.evidence.collectors.risk_parameters.model import Definition, exact

EXAMPLES = Path(__file__).parents[3] / "examples"
CONFIG = "algo_trade/core/config.py"


def found(watch: Any, files: dict[str, Any], **options: Any) -> list[tuple[Any, ...]]:
    facts = watch("risk_parameters", files, **options).facts
    return [
        (one["name"], one["line"], one["value"], "unknown" if one["value"] is None else "literal")
        for one in facts["parameters"]
    ]


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
    assert {missing.fact for missing in evidence.problems} == {"baseline", "changed", "changes"}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("BOX_LIM = 0.250", "0.25"),
        ("BOX_LIM: float = -1_000.5e-1", "-100.05"),
        ("BOX_LIM = 0x10", "16"),
        ("BOX_LIM = other = 3", "3"),
        ("from decimal import Decimal\nBOX_LIM = Decimal('0.1')", "0.1"),
        ("from decimal import Decimal as D\nBOX_LIM = -D('0.1')", "-0.1"),
        ("import decimal\nBOX_LIM = decimal.Decimal('0.1')", "0.1"),
        ("BOX_LIM = +0.25", "0.25"),
        ("A, BOX_LIM = 1, 0.25", "0.25"),
        ("class Limits:\n    BOX_LIM: float = field(default=0.25)", "0.25"),
        ("class Limits(BaseModel):\n    BOX_LIM: float = Field(0.25, gt=0)", "0.25"),
        ("class Limits:\n    BOX_LIM: float = 2", "2"),
        ("class A:\n    class B:\n        BOX_LIM = -2.0", "-2"),
        ("ＢOX_LIM = 3", "3"),
        ('"""Ｂ א"""; BOX_LIM = 0.5', "0.5"),
    ],
)
def test_a_number_in_a_plain_assignment_is_known(watch: Any, source: str, value: str) -> None:
    assert [one[2:] for one in found(watch, {CONFIG: source + "\n"})] == [(value, "literal")]


@pytest.mark.parametrize(
    "source",
    [
        # no number, or one that is computed
        "BOX_LIM = 0.1 + 0.2", "BOX_LIM = 1e400", "BOX_LIM = 5j", "BOX_LIM = True", "BOX_LIM = '0.1'",
        "BOX_LIM = float('0.1')", "BOX_LIM = " + "9" * 200, "BOX_LIM = 1 if x else 2", "BOX_LIM = [1]",
        "BOX_LIM = Decimal('0.1')", "from loose import Decimal\nBOX_LIM = Decimal('5')",
        "from decimal import Decimal\nDecimal = f\nBOX_LIM = Decimal('5')",
        # from elsewhere, or under another name
        "BOX_LIM = os.environ['BOX_LIM']", "BOX_LIM = os.getenv('BOX_LIM', 1)", "BOX_LIM = OTHER",
        "from x import LIMIT as BOX_LIM", "import BOX_LIM", "from loose import BOX_LIM",
        "from . import BOX_LIM",
        "class S(BaseSettings):\n    BOX_LIM: float = 0.25", "class S(M):\n    BOX_LIM = Field(1, alias='X')",
        "class S:\n    BOX_LIM: float = field(default_factory=load)",
        # not a plain assignment of a module or a class
        "if x:\n    BOX_LIM = 1", "try:\n    BOX_LIM = 1\nfinally: ...", "def f():\n    BOX_LIM = 1",
        "def f():\n    global BOX_LIM\n    BOX_LIM = 10", "A, (B, BOX_LIM) = 1, (2, 3)", "A, *BOX_LIM = 1, 2",
        "BOX_LIM += 1", "del BOX_LIM", "config.BOX_LIM = 4", "config['BOX_LIM'] = 4", "del config.BOX_LIM",
        "if (BOX_LIM := 9): ...", "f({'BOX_LIM': 5})", "limits = dict(BOX_LIM=6)",
        "class A(B, BOX_LIM=4): ...",
        "def f(x, BOX_LIM=7): ...", "def f(*, BOX_LIM=-8): ...", "def BOX_LIM(): return 1",
        "class BOX_LIM: ...",
        "for BOX_LIM in (1, 2): ...", "with f() as (a, [*BOX_LIM]): ...", "x = [1 for BOX_LIM in y]",
        "try: ...\nexcept E as BOX_LIM: ...", "match x:\n    case [int() as BOX_LIM]: ...",
        "match x:\n    case [*BOX_LIM]: ...", "match x:\n    case {'a': 1, **BOX_LIM}: ...",
        # a key of a dictionary
        "LIMITS = {'risk': {'BOX_LIM': 5}}", "LIMITS = {'BOX\\x5fLIM': 5}",
        "LIMITS = {'BOX_LIM': 5, 'BOX\\137LIM_NOT': 6}",
        # by calls that are given the name
        "setattr(config, 'BOX_LIM', 4)", "object.__setattr__(c, 'BOX_LIM', 4)", "d.setdefault('BOX_LIM', 4)",
        "mp.setattr('config.BOX_LIM', 4)", "setattr(*[c, 'BOX_LIM', 4])", "d.update([('BOX_LIM', 4)])",
        "d = dict(zip(['BOX_LIM', 'x'], [4, 5]))", "d = dict.fromkeys(['BOX_LIM'], 4)", "exec('BOX_LIM = 4')",
        "delattr(config, 'BOX_LIM')", "d['\\102OX_LIM'] = 4",
    ],
)  # fmt: skip
def test_every_other_place_cannot_be_told(watch: Any, source: str) -> None:
    facts = watch("risk_parameters", {CONFIG: source + "\n"}).facts
    assert (facts["unknown_total"], facts["total"], facts["found"]) == (1, 1, ["BOX_LIM"])
    (one,) = facts["unknown"]
    assert (one["name"], one["path"]) == ("BOX_LIM", CONFIG)
    assert "BOX" in source.splitlines()[one["line"] - 1] or "OX_LIM" in source
    assert one["text"]


@pytest.mark.parametrize(
    "source",
    [
        "f(BOX_LIM=config.BOX_LIM)", "self.BOX_LIM = BOX_LIM", "BOX_LIM = config.BOX_LIM", "BOX_LIM: float",
        "class A:\n    BOX_LIM: float", "d = {'BOX_LIM': BOX_LIM}", "def f(BOX_LIM): ...", "# BOX_LIM = 1",
        "print('BOX_LIM', BOX_LIM)", "found.append('BOX_LIM')", "BOX_LIMIT = 1",
    ],
)  # fmt: skip
def test_what_gives_no_value_in_python(watch: Any, source: str) -> None:
    assert found(watch, {CONFIG: source + "\n"}) == []


@pytest.mark.parametrize(
    "source",
    [
        "import loose\nif pnl < loose.BOX_LIM: ...", "import a.b as loose\nBOX_LIM = loose.BOX_LIM",
        "from . import loose\nBOX_LIM = loose.BOX_LIM", "from loose import LIMITS\nx = LIMITS.BOX_LIM",
        "from loose import *\nif x > BOX_LIM: ...", "from loose import BOX_LIM as KP",
        "if x > float(os.getenv('BOX_LIM', '1')): ...", "x = os.environ['BOX_LIM']",
        "x = os.environ.get('BOX_LIM')", "x = config.get('BOX_LIM', 0.5)",
        "x = getattr(config, 'BOX_LIM', 9)",
    ],
)  # fmt: skip
def test_what_comes_from_where_nobody_looks_cannot_be_told(watch: Any, source: str) -> None:
    """Also where another file has a plain number under the name, which may never be used."""
    files = {"algo_trade/a.py": "BOX_LIM = 1\n", "algo_trade/b.py": source + "\n"}
    evidence = watch("risk_parameters", files)
    (one,) = evidence.facts["unknown"]
    assert (one["name"], one["path"], one["line"]) == ("BOX_LIM", "algo_trade/b.py", source.count("\n") + 1)
    (problem,) = (one for one in evidence.problems if one.kind is ProblemKind.UNKNOWN)
    assert (problem.path, problem.place) == (one["path"], f"line {one['line']}")


@pytest.mark.parametrize(
    "source",
    [
        "from algo_trade import a\nx = a.BOX_LIM", "from . import a\nBOX_LIM = a.BOX_LIM",
        "import algo_trade.a\nx = algo_trade.a.BOX_LIM", "from .a import *\nx = BOX_LIM",
        "from .a import BOX_LIM as KP", "from algo_trade.a import LIMITS\nx = LIMITS.BOX_LIM",
        "x = self.BOX_LIM", "x = config.get('BOX_LIM')", "x = config['BOX_LIM']",
    ],
)  # fmt: skip
def test_what_comes_from_a_file_that_is_read_is_known(watch: Any, source: str) -> None:
    files = {"algo_trade/a.py": "BOX_LIM = 1\n", "algo_trade/b.py": source + "\n"}
    facts = watch("risk_parameters", files).facts
    assert (facts["unknown"], facts["total"]) == ([], 1)


def test_what_is_bound_twice_in_one_place_cannot_be_told(watch: Any) -> None:
    source = "BOX_LIM = 1\nBOX_LIM = config.BOX_LIM\nclass A:\n    BOX_LIM = 2\n"
    facts = watch("risk_parameters", {CONFIG: source}).facts
    assert [(one["line"], one["value"]) for one in facts["parameters"]] == [(1, None), (2, None), (4, "2")]
    assert facts["conflicting"] == ["BOX_LIM"]
    assert facts["unknown"][1] == {"name": "BOX_LIM", "path": CONFIG, "line": 2, "text": "config.BOX_LIM"}


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
            '{"x": "BOX_LIM", "BOX_LIM":\n 0.5, "y": [{"BOX_LIM"\n : {"NET_LIM": -1}}]}',
            [
                ("BOX_LIM", 1, None, "unknown"),
                ("BOX_LIM", 2, None, "unknown"),
                ("NET_LIM", 3, None, "unknown"),
            ],
        ),
        ("config/b.json", '{"BOX\\u005fLIM": 1}', [("BOX_LIM", 1, None, "unknown")]),
        (
            "config/a.toml",
            '# BOX_LIM = 3\nx = "BOX_LIM = 7"\n[risk]\nBOX_LIM = 0.50 # was\nmore = { "NET_LIM" = -1_0 }\n',
            [
                ("BOX_LIM", 2, None, "unknown"),
                ("BOX_LIM", 4, None, "unknown"),
                ("NET_LIM", 5, None, "unknown"),
            ],
        ),
        (
            "config/b.yaml",
            "BOX_LIM: 010\nx: {NET_LIM: 0o10}\ny: [{NET_LIM: true}]\n",
            [
                ("BOX_LIM", 1, None, "unknown"),
                ("NET_LIM", 2, None, "unknown"),
                ("NET_LIM", 3, None, "unknown"),
            ],
        ),
        (
            "config/b.toml",
            "[BOX_LIM]\nNET_LIM = 1\n[a]\nNET_LIM = 2\n",
            [
                ("BOX_LIM", 1, None, "unknown"),
                ("NET_LIM", 2, None, "unknown"),
                ("NET_LIM", 4, None, "unknown"),
            ],
        ),
        ("config/a.txt", "BOX_LIM = 5", []),
        ("elsewhere/a.yaml", "BOX_LIM: 5", [("BOX_LIM", 1, "5", "literal")]),
        ("contracts/a.json", '{"BOX_LIM": 5}', []),
        ("tests/a.yaml", "BOX_LIM: 5", []),
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
        ("config/a.json", b'{"BOX_LIM": 1 \xff}', "not UTF-8"),
    ],
)
def test_malformed_files_that_mention_a_parameter_are_rejected_alone(
    watch: Any, name: str, content: str | bytes, said: str
) -> None:
    evidence = watch("risk_parameters", {name: content, "algo_trade/good.py": "NET_LIM = 2\n"})
    (problem,) = (one for one in evidence.problems if one.kind is ProblemKind.REJECTED)
    assert (problem.path, problem.fact) == (name, "") and said in problem.reason
    assert evidence.facts["found"] == ["NET_LIM"]
    (scope,) = evidence.scopes
    assert (scope.looked_at, scope.understood) == (2, 1)


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


def test_an_approved_version_that_is_not_there_is_rejected(watch: Any, tmp_path: Path) -> None:
    files = {CONFIG: "BOX_LIM = 1\n"}

    def rejected(**options: Any) -> str:
        evidence = watch("risk_parameters", files, **options)
        assert evidence.facts["changes"] is None and evidence.facts["found"] == ["BOX_LIM"]
        return next(one.reason for one in evidence.problems if one.kind is ProblemKind.REJECTED)

    assert "no revision 'v1'" in rejected(approved="v1")
    assert "no directory with approved files" in rejected(approved_copy="approved")
    assert "no directory with approved files" in rejected(approved_copy=CONFIG)
    with pytest.raises(ConfigError, match="both"):
        watch("risk_parameters", files, approved="v1", approved_copy="approved")
    with pytest.raises(ConfigError, match="not a path inside"):
        watch("risk_parameters", files, approved_copy="../approved")
    with pytest.raises(ConfigError, match="not the name of a branch"):
        watch("risk_parameters", files, approved="--all")
    (tmp_path / "linked").symlink_to("algo_trade")
    assert "symbolic link" in rejected(approved_copy="linked")


def test_a_broken_approved_file_is_named_with_its_commit(watch: Any, tmp_path: Path) -> None:
    watch("risk_parameters", {"config/a.yaml": "x: 1\n"})
    (tmp_path / "config" / "a.yaml").write_text("BOX_LIM: {")
    first = commit(tmp_path, "approved")
    (problem,) = watch("risk_parameters", {"config/a.yaml": "x: 1\n"}, approved=first).problems
    assert "malformed YAML" in problem.reason
    assert (problem.path, problem.fact) == (f"config/a.yaml (commit {first[:12]})", "changes")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=12))
def test_every_decimal_keeps_its_value(number: Decimal) -> None:
    for text in (str(number), f"{number:f}", f"{number:e}"):
        written = exact(text)
        assert written is not None and Decimal(written) == number
        assert not written.endswith(".") and "e" not in written.lower()


definitions = st.lists(
    st.builds(
        lambda name, path, line, value: Definition(name, path, line, value, value),
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


@pytest.mark.soak
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
        assert {"approved", "approved_copy", "paths"} <= BUILTIN[collector].narrowing


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


def test_a_source_is_read_in_the_encoding_that_it_declares(watch: Any) -> None:
    """In UTF-7 what looks like a comment is another line."""
    hidden = b"# coding: utf-7\nx = 1\n#+AAo-+AEIATwBY-_LIM = 4\n"
    assert found(watch, {CONFIG: hidden}) == [("BOX_LIM", 4, "4", "literal")]
    latin = "# -*- coding: latin-1 -*-\nBOX_LIM = 2  # Zürich\n".encode("latin-1")
    assert found(watch, {CONFIG: latin}) == [("BOX_LIM", 2, "2", "literal")]


def test_a_source_that_says_it_is_utf8_is_read_like_any_other(watch: Any) -> None:
    """What cannot hold a name is not parsed: a syntax error in there is told by the collector ``source``."""
    evidence = watch("risk_parameters", {CONFIG: "# -*- coding: utf-8 -*-\nprint 'old'\n"})
    assert [problem.reason for problem in evidence.problems if problem.kind is ProblemKind.REJECTED] == []
    hidden = b"#" + b" " * 300 + b"\n# coding: utf-7\n#+AAo-+AEIATwBY-_LIM = 4\n"
    assert found(watch, {CONFIG: hidden}) == [("BOX_LIM", 4, "4", "literal")]
