"""One thing changed in ``examples/ready``: the rule that has to name it does, and no other than may."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.engine.decision.document import Verdict

HERE = Path(__file__).resolve().parent


@functools.cache
def rows(folder: str) -> list[Any]:
    """The rows of a folder's tables; one that is not right yet says why.

    ``make test`` tries rows about a rule and a file that none before was about, and ``make soak`` the others.
    """
    seen: set[str] = set()
    found = []
    for path in sorted((HERE / folder).glob("*.yaml")):
        for row in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader):
            marks = [pytest.mark.xfail(reason=row["xfail"])] if "xfail" in row else []
            about = {row["file"], row.get("rule", row["file"])}
            marks += [pytest.mark.soak] if about & seen else []
            seen |= about
            found.append(pytest.param(row, id=f"{path.stem}: {row['what']}", marks=marks))
    return found


@pytest.mark.parametrize("row", rows("defects"))
def test_a_defect_is_named_by_the_right_rule(
    lab: Any, row: dict[str, Any], fired: Callable[..., Any]
) -> None:
    """The rule says so, the go-live decision is no PASS, and nothing unrelated fires."""
    codes, decision = fired(row)
    assert decision.verdict is not Verdict.PASS
    if "weakening" in row:
        assert row["weakening"] in {weakening.code for weakening in decision.weakenings}
    else:
        assert row["rule"] in codes, codes
    assert codes <= {row.get("rule"), *lab.allowed(row)}


@pytest.mark.soak
@pytest.mark.parametrize("row", rows("harmless"))
def test_a_harmless_variation_changes_nothing(row: dict[str, Any], fired: Callable[..., Any]) -> None:
    """All rules hold, apart from those that compare the bytes with signatures."""
    codes, _ = fired(row)
    assert codes == set()


def test_the_example_passes_unchanged_and_the_tables_are_large(lab: Any) -> None:
    """What each row is compared with; 1000 defects and 350 variations, each once."""
    assert lab.usual.verdict is Verdict.PASS
    assert {item.stage for item in lab.usual.checks} == {f"stage{number}" for number in range(1, 9)}
    for folder, least in (("defects", 1000), ("harmless", 350)):
        names = [param.id for param in rows(folder)]
        assert len(set(names)) == len(names) >= least


def test_every_rule_names_some_defect(lab: Any) -> None:
    """No shipped rule is without a row, apart from what needs git, a signature or an approved version."""
    # an approved version of the contracts is tested with its collector, and trust in tests/test_operator.py
    elsewhere = {"stage8.tree_clean", "stage8.evidence_committed", "stage1.contracts_compatible"}
    elsewhere |= {"stage1.trust_unaltered", "stage8.trust_anchored"}
    elsewhere |= {"stage1.attestations_required"}  # of keys that an operator names, with their collector
    codes = {check.code for check in lab.usual.checks if not check.code.endswith(".not_rejected")}
    missing = codes - {param.values[0].get("rule") for param in rows("defects")}
    assert missing == elsewhere
