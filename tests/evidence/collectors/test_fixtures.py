"""Seeds are read as stated; a fixture's digest is recomputed over the canonical JSON of its data."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.evidence.errors import EvidenceError

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
    assert evidence.facts["seeds_file"] is None
    assert set(evidence.facts["seeds"].values()) == {None}
    assert evidence.facts["files"] == []
    assert {missing.fact for missing in evidence.missing} >= {"seeds_file", "seeds.global"}


def test_a_seed_that_is_not_stated_is_named(watch: Any) -> None:
    evidence = watch("fixtures", {"fixtures/seeds.yaml": "global: 42\n"})
    assert evidence.facts["seeds"]["global"] == 42
    reasons = {missing.fact: missing.reason for missing in evidence.missing}
    assert reasons["seeds.chaos"] == "fixtures/seeds.yaml states no seed 'chaos'"
    assert "seeds_file" not in reasons


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
        ("fixtures/seeds.yaml", "global: many\n", "contract 'seeds'"),
        ("fixtures/seeds.yaml", "global: 1\nglobal: 2\n", "twice"),
        ("fixtures/seeds.yaml", b"global: \xff\n", "not UTF-8"),
        ("fixtures/seeds.yaml", "", "contract 'seeds'"),
        ("fixtures/a.json", '{"data": 1}', "contract 'fixture'"),
        ("fixtures/a.json", '{"data": NaN}', "not a JSON number"),
        ("fixtures/a.json", "[" * 100 + "]" * 100, "nests deeper"),
        ("fixtures/a.json", "", "malformed JSON"),
    ],
)
def test_malformed_files_are_refused(watch: Any, path: str, content: str | bytes, said: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        watch("fixtures", {path: content})
    assert said in caught.value.what
    assert caught.value.path == path
    assert caught.value.remedy


numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.decimals(-100, 100, places=4).map(float)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcא", max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values)
def test_whatever_the_data_and_however_formatted_its_own_digest_holds(watch: Any, data: Any) -> None:
    content = json.dumps(fixture(data), ensure_ascii=True, indent=3)
    facts = watch("fixtures", {"fixtures/a.json": content}).facts
    assert facts["files"][0]["problem"] is None
