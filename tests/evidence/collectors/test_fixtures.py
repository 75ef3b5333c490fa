"""Seeds are read as stated; a fixture's digest is recomputed over the canonical JSON of its data."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import ConfigError

SEEDS = "global: 42\nproperty: 100\nmetamorphic: 200\nchaos: 300\nintegration: 400\n"
EXAMPLE = Path(__file__).parents[3] / "examples" / "algo-trade" / "fixtures"


def fixture(data: Any, **changes: Any) -> dict[str, Any]:
    metadata = {
        "signature": hashlib.sha256(rfc8785.dumps(data)).hexdigest(),
        "version": "1.0.0",
        "created_at": "2025-11-07T12:00:00Z",
        "algorithm": "sha256",
    }
    return {"data": data, "metadata": metadata | changes}


def test_the_example_fixtures_hold(watch: Any) -> None:
    files = {f"fixtures/{path.name}": path.read_bytes() for path in EXAMPLE.iterdir() if path.is_file()}
    facts = watch("fixtures", files).facts
    assert facts["seeds"] == {
        "global": 42,
        "property": 100,
        "metamorphic": 200,
        "chaos": 300,
        "integration": 400,
    }
    assert facts["signed_files"] >= 2
    assert facts["invalid_files"] == 0


def test_nothing_there_is_missing_not_zero(watch: Any) -> None:
    evidence = watch("fixtures", {})
    assert set(evidence.facts["seeds"].values()) == {None}
    assert evidence.facts["files"] == []
    assert {missing.fact for missing in evidence.problems} == {"seeds", "reproducibility"}
    assert "evidence.fixtures.seeds" in evidence.problems[0].remedy


def test_a_seed_that_is_not_stated_is_named(watch: Any) -> None:
    evidence = watch("fixtures", {"fixtures/seeds.yaml": "global: 42\n"})
    assert evidence.facts["seeds"]["global"] == 42
    reasons = {missing.fact: missing.reason for missing in evidence.problems}
    assert reasons["seeds.chaos"] == "fixtures/seeds.yaml states no seed 'chaos'"
    assert "seeds" not in reasons


GROUPED = """global_seed: 42
seeds:
  property: 100
  "a.b": 7
lists: [{runs: 300}]
profile: "ci"
nested: {chaos: {seed: 300}}
ns: 1762500000123456789
text: "400"
none:
"""


@pytest.mark.parametrize(
    ("name", "key", "seed"),
    [
        ("global", "global_seed", 42),
        ("property", "seeds.property", 100),
        ("property", "/seeds/property", 100),
        ("chaos", "nested.chaos.seed", 300),
        ("chaos", "/lists/0/runs", 300),
        ("integration", "/seeds/a.b", 7),
        ("integration", "ns", "1762500000123456789"),
    ],
)
def test_a_seed_is_read_from_where_the_settings_say(watch: Any, name: str, key: str, seed: object) -> None:
    evidence = watch("fixtures", {"fixtures/seeds.yaml": GROUPED}, seed_keys={name: key})
    assert evidence.facts["seeds"][name] == seed


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        *((key, "rejected") for key in ("profile", "text", "seeds", "none")),
        *((key, "missing") for key in ("seeds.none", "profile.x", "/lists/-")),
    ],
)
def test_a_seed_that_is_no_integer_is_a_problem_of_that_seed(watch: Any, key: str, kind: str) -> None:
    evidence = watch("fixtures", {"fixtures/seeds.yaml": GROUPED}, seed_keys={"global": key})
    (problem,) = (one for one in evidence.problems if one.fact == "seeds.global")
    assert (problem.kind, evidence.facts["seeds"]["global"]) == (kind, None)
    assert "evidence.fixtures.seed_keys" in problem.remedy


def test_the_remedy_proposes_the_key_that_looks_like_the_seed(watch: Any) -> None:
    evidence = watch("fixtures", {"fixtures/seeds.yaml": GROUPED})
    remedies = {problem.fact: problem.remedy for problem in evidence.problems}
    assert remedies["seeds.global"].endswith("such as global_seed")
    assert remedies["seeds.property"].endswith("such as seeds.property")
    assert remedies["seeds.chaos"].endswith("such as nested.chaos.seed")
    assert remedies["seeds.metamorphic"].endswith("where the seed stands")


@pytest.mark.parametrize(("name", "content"), [("s.json", '{"global": 5}'), ("s.toml", "global = 5\n")])
def test_the_seeds_may_stand_in_json_or_toml(watch: Any, name: str, content: str) -> None:
    assert watch("fixtures", {name: content}, seeds=name).facts["seeds"]["global"] == 5


@pytest.mark.parametrize("content", ["- 1\n- 2\n", "", "just words\n", "5\n"])
def test_whatever_shape_the_seeds_have_the_rest_is_read(watch: Any, content: str) -> None:
    files = {"fixtures/seeds.yaml": content, "fixtures/a.json": fixture([1])}
    evidence = watch("fixtures", files)
    assert set(evidence.facts["seeds"].values()) == {None}
    assert evidence.facts["signed_files"] == 1


@pytest.mark.parametrize("algorithm", ["SHA256", "sha-256", "SHA-256"])
def test_the_algorithm_may_be_spelled_in_any_usual_way(watch: Any, algorithm: str) -> None:
    digest = "sha256:" + fixture([1])["metadata"]["signature"]
    files = {
        "fixtures/a.json": fixture([1], algorithm=algorithm),
        "fixtures/b.json": fixture([1], signature=digest),
    }
    assert watch("fixtures", files).facts["signed_files"] == 2


def test_an_edited_fixture_and_an_unknown_algorithm_are_found(watch: Any) -> None:
    edited = fixture({"price": 1.5})
    edited["data"]["price"] = 1.25
    facts = watch(
        "fixtures",
        {
            "fixtures/seeds.yaml": SEEDS,
            "fixtures/a.json": edited,
            "fixtures/deep/b.json": fixture([1], algorithm="md5"),
            "fixtures/deep/c.json": fixture({"מחיר": "שלום"}),
            "fixtures/d.json": json.dumps(fixture([])).replace("[]", "[12345678901234567]"),
        },
    ).facts
    problems = {file["path"]: file["problem"] for file in facts["files"]}
    assert "the digest of `data` is" in problems["fixtures/a.json"]
    assert problems["fixtures/deep/b.json"] == "the digest algorithm is 'md5', only 'sha256' is known"
    assert problems["fixtures/deep/c.json"] is None
    assert "no canonical form" in problems["fixtures/d.json"]
    assert (facts["signed_files"], facts["invalid_files"]) == (1, 3)


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("fixtures/seeds.yaml", "global: [1\n", "malformed YAML"),
        ("fixtures/seeds.yaml", "global: 1\nglobal: 2\n", "twice"),
        ("fixtures/seeds.yaml", b"global: \xff\n", "not UTF-8"),
        ("fixtures/a.json", '{"data": 1}', "contract 'fixture'"),
        ("fixtures/a.json", '{"data": NaN}', "not a JSON number"),
        ("fixtures/a.json", "[" * 100 + "]" * 100, "nests deeper"),
        ("fixtures/a.json", "", "malformed JSON"),
    ],
)
def test_a_malformed_file_is_rejected_and_the_rest_is_read(
    watch: Any, path: str, content: str | bytes, said: str
) -> None:
    files = {"fixtures/seeds.yaml": SEEDS, "fixtures/a.json": fixture([1]), "fixtures/b.json": fixture([2])}
    evidence = watch("fixtures", files | {path: content})
    (problem,) = (one for one in evidence.problems if one.kind == "rejected")
    assert said in problem.reason
    assert (problem.path, problem.fact) == (path, "seeds" if path.endswith("yaml") else "files")
    assert evidence.facts["files"][-1]["valid"]
    if problem.fact == "files":
        assert evidence.facts["seeds"]["chaos"] == 300
        assert said in evidence.facts["files"][0]["problem"]


numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.decimals(-100, 100, places=4).map(float)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcא", max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(values)
def test_whatever_the_data_and_however_formatted_its_own_digest_holds(watch: Any, data: Any) -> None:
    content = json.dumps(fixture([data, 1]), ensure_ascii=True, indent=3)
    facts = watch("fixtures", {"fixtures/a.json": content}).facts
    assert facts["files"][0]["problem"] is None


@pytest.mark.parametrize("data", [None, "", {}, [], {"closes": [], "symbols": [None, ""]}])
def test_a_fixture_of_nothing_is_not_valid(watch: Any, data: Any) -> None:
    facts = watch("fixtures", {"fixtures/a.json": json.dumps(fixture(data))}).facts
    assert facts["files"][0]["problem"] == "`data` holds nothing" and facts["signed_files"] == 0


def pair(watch: Any, first: Any, second: Any, ending: str = "json") -> dict[str, Any]:
    files = {f"run1.{ending}": first, f"run2.{ending}": second}
    named = [{"first": f"run1.{ending}", "second": f"run2.{ending}"}]
    evidence = watch(
        "fixtures", {name: file for name, file in files.items() if file is not None}, reproducibility=named
    )
    (found,) = evidence.facts["reproducibility"]
    return dict(found)


def test_without_result_files_reproducibility_is_missing(watch: Any) -> None:
    evidence = watch("fixtures", {"fixtures/seeds.yaml": SEEDS})
    assert {missing.fact for missing in evidence.problems} == {"reproducibility"}


@pytest.mark.parametrize(
    ("first", "second", "ending", "equal", "content"),
    [
        ('{"a": 1}', '{"a": 1}', "json", True, True),
        ('{"a": 1, "b": [1.50]}', '{ "b":[15e-1],"a": 1.0}\n', "json", False, True),
        ('{"a": 1}', '{"a": true}', "json", False, False),
        ('{"a": [1, 2]}', '{"a": [2, 1]}', "json", False, False),
        ('{"a": null}', "{}", "json", False, False),
        ("0.1", "0.10000000000000001", "json", False, False),
        ("a,b\n1,2\n", 'a,"b"\r\n1,2\r\n', "csv", False, True),
        ("a,b\n1,2\n", "a,b\n1,2.0\n", "csv", False, False),
        ("{}", "{ }", "txt", False, False),
        (b"\x00\xff", b"\x00\xff", "bin", True, True),
        (b"", b"", "csv", True, True),
    ],
)
def test_result_files_of_two_runs_are_compared(
    watch: Any, first: Any, second: Any, ending: str, equal: bool, content: bool
) -> None:
    found = pair(watch, first, second, ending)
    assert (found["equal"], found["equal_content"], found["problem"]) == (equal, content, None)
    data = first if isinstance(first, bytes) else first.encode()
    assert found["first_sha256"] == hashlib.sha256(data).hexdigest()


def test_an_absent_result_file_is_neither_equal_nor_different(watch: Any) -> None:
    found = pair(watch, "{}", None)
    assert (found["equal"], found["equal_content"]) == (None, None)
    assert (found["first_sha256"] is None, found["second_sha256"] is None) == (False, True)
    assert found["problem"] == "run2.json does not exist"


def test_a_file_compared_with_itself_shows_nothing(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="twice"):
        watch("fixtures", {"a.json": "{}"}, reproducibility=[{"first": "a.json", "second": "a.json"}])
    (tmp_path / "c.json").symlink_to("a.json")
    evidence = watch("fixtures", {}, reproducibility=[{"first": "a.json", "second": "c.json"}])
    (found,) = evidence.facts["reproducibility"]
    assert "symbolic link" in found["problem"]
    assert found["equal_content"] is None
    assert [one.path for one in evidence.problems if one.kind == "rejected"] == ["c.json"]
    with pytest.raises(ConfigError, match="not a path inside"):
        watch("fixtures", {}, reproducibility=[{"first": "a.json", "second": "../b.json"}])


@pytest.mark.parametrize(
    ("content", "ending", "said"),
    [
        ("{", "json", "malformed JSON"),
        ('{"a": 1, "a": 1}', "json", "twice"),
        ('"a', "csv", "malformed CSV"),
        (b"\xff", "csv", "not UTF-8"),
    ],
)
def test_malformed_result_files_that_differ_are_rejected(
    watch: Any, content: str | bytes, ending: str, said: str
) -> None:
    found = pair(watch, content, "1", ending)
    assert said in found["problem"]
    assert found["equal_content"] is None


@given(values, values)
def test_json_content_is_equal_exactly_when_its_canonical_form_is(watch: Any, one: Any, other: Any) -> None:
    found = pair(watch, json.dumps(one, indent=1), json.dumps(other))
    assert found["equal_content"] == (rfc8785.dumps(one) == rfc8785.dumps(other))
    assert pair(watch, json.dumps(one, indent=1), json.dumps(one, sort_keys=True))["equal_content"]
