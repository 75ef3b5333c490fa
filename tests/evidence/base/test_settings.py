"""Settings: the fast way gives what pydantic gives, or gives up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gate.engine.config.settings import SCHEMA, GateConfig, load_config, read_settings
from gate.evidence.base.contracts import load_schema, violations
from gate.evidence.base.errors import ConfigError
from gate.evidence.base.settings import Uncertain, build, validate
from gate.evidence.collecting.registry import BUILTIN, load
from gate.evidence.collectors.artifacts import ArtifactsOptions
from gate.evidence.collectors.coverage import CoverageOptions
from gate.evidence.collectors.documents.checklist import ChecklistOptions
from gate.evidence.collectors.documents.interface_map import InterfaceMapOptions

Make = Callable[..., Path]

_TEXT = st.sampled_from(["a", "connect", "stage6", "cto", "id", "pattern", "kind"])
_LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2_000_000),
    st.sampled_from(["", "a", "(", "src", "embedded", "ledger", "markdown", "f" * 64, "x" * 1001, "A b"]),
)
_VALUE = st.recursive(
    _LEAF, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2)
)


def keyed(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of a schema's properties (right and wrong values alike), and one unknown."""
    names = [*schema["properties"], "misspelled"]
    values: dict[str, st.SearchStrategy[Any]] = {}
    for name in names:
        of = schema["properties"].get(name, {})
        choices = [_VALUE]
        if "default" in of:
            choices.append(st.just(of["default"]))
        if of.get("type") == "array" or "array" in str(of.get("anyOf", "")):
            choices.append(st.lists(st.sampled_from(["a", "**/*.json", ""]), max_size=2))
        values[name] = st.one_of(choices)
    return st.lists(st.sampled_from(names), max_size=3, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: values[name] for name in chosen})
    )


def outcome(kind: Any, value: Any) -> Any:
    """What pydantic makes of it, None when it refuses."""
    try:
        return validate(kind, value)
    except ValidationError:
        return None


def check(kind: Any, value: Any, document: Any) -> None:
    """Reading gives what pydantic gives; the fast way never gives anything else."""
    expected = outcome(kind, value)
    if not violations("", SCHEMA, document):
        with suppress(Uncertain):
            assert build(kind, value) == expected


@given(keyed(load_schema("", SCHEMA)))
def test_the_fast_way_agrees_with_pydantic_on_whole_files(value: dict[str, Any]) -> None:
    """Whatever the generated schema lets through, pydantic accepts, with an equal result."""
    value.pop("evidence", None)
    check(GateConfig, value, value)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(BUILTIN))
@given(data=st.data())
def test_the_fast_way_agrees_with_pydantic_on_options(name: str, data: st.DataObject) -> None:
    """The same for every collector's options."""
    schema = load_schema("", SCHEMA)["properties"]["evidence"]["properties"][name]
    value = data.draw(keyed(schema))
    check(load(name).Options, value, {"evidence": {name: value}})


@pytest.mark.parametrize(
    ("kind", "value", "place"),
    [
        (CoverageOptions, {"json": "c.json", "sources": ["a", "b"]}, "coverage"),
        (ArtifactsOptions, {"matrix": [{"id": "a", "pattern": "b", "kind": "json"}]}, "artifacts"),
    ],
)
def test_valid_options_need_no_pydantic(kind: Any, value: Any, place: str) -> None:
    """Aliases, tuples and nested rows are built directly."""
    assert not violations("", SCHEMA, {"evidence": {place: value}})
    assert build(kind, value) == validate(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (InterfaceMapOptions, {"sections": {"a": ["x"]}}),  # a regular expression, unknown to JSON Schema
        (ArtifactsOptions, {"partial_from_ppm": 900_000}),  # the class's own check
        (ArtifactsOptions, {"matrix": [{"id": "a"}]}),  # fields are absent
        (CoverageOptions, {"misspelled": 1}),
        (CoverageOptions, {"data": 1}),
    ],
)
def test_the_fast_way_gives_up_where_it_cannot_know(kind: Any, value: Any) -> None:
    """Then the full check decides."""
    with pytest.raises(Uncertain):
        build(kind, value)


def test_a_decimal_is_no_integer() -> None:
    """JSON Schema takes 2.0 for an integer; gate.yaml does not."""
    with pytest.raises(ConfigError) as caught:
        read_settings(ChecklistOptions, {"heading_level": Decimal("2.0")}, ("evidence", "checklist"))
    assert caught.value.place == "evidence.checklist.heading_level"
    assert "integer" in caught.value.what


def test_a_valid_file_imports_no_pydantic(make_workspace: Make) -> None:
    """The slow way stays for what is wrong, or what no schema can say."""
    root = make_workspace({"gate.yaml": "version: 1\nroles: {cto: [a@example.com]}\n", "contracts/a": ""})
    assert load_config(root).roles == {"cto": ["a@example.com"]}
    code = (
        "import sys; from pathlib import Path; from gate.engine.config.settings import load_config; "
        f"load_config(Path({str(root)!r})); sys.exit('pydantic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
