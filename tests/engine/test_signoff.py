"""The bytes a person signs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gate.engine.people.signoff import binding_of, prepare_signoff, review
from gate.engine.service import Judged, binding
from gate.engine.terminal.lines import Screen
from gate.evidence.base.contracts import violations
from gate.evidence.base.errors import UsageError

AT = "2025-11-07T12:00:00Z"


@pytest.fixture(scope="module")
def judged(judged_examples: Callable[[str, str], Judged]) -> Judged:
    """The ready example's second stage."""
    return judged_examples("ready", "stage2")


def prepare(judged: Judged, **changes: Any) -> bytes:
    """A sign-off with some fields changed."""
    fields: dict[str, Any] = {
        "role": sorted(judged.context.config.roles)[0], "name": "אבי כהן", "verdict": "approve",
        "signed_at": AT, "comment": None, "conditions": [], **changes,
    }  # fmt: skip
    bound = binding_of(judged.context, judged.recorded, "stage2")
    return prepare_signoff(judged.context, bound, **fields)


def refused(judged: Judged, **changes: Any) -> UsageError:
    """The usage error about a sign-off."""
    with pytest.raises(UsageError) as caught:
        prepare(judged, **changes)
    assert caught.value.remedy
    return caught.value


def test_a_signoff_binds_stage_subject_evidence_and_policy(judged: Judged) -> None:
    """The document names exactly what was judged, keeps its contract, and is readable text."""
    data = prepare(judged)
    document = json.loads(data)
    assert violations("files", "signoff", document) == []
    assert document["subject"] == judged.decision.subject.digest
    assert document["evidence"] == judged.decision.stages["stage2"].evidence_digest
    policy = judged.decision.policy
    assert document["policy"] == {"version": policy.version, "digest": policy.digest}
    assert (document["stage"], document["verdict"], document["signed_at"]) == ("stage2", "approve", AT)
    assert "אבי כהן".encode() in data
    assert data.endswith(b"}\n")
    assert "comment" not in document
    assert "conditions" not in document
    assert prepare(judged) == data


def test_what_people_signed_changes_nothing_about_what_they_sign(judged: Judged) -> None:
    """The binding is the same with and without the sign-offs that are there."""
    alone = binding(judged.context, "stage2", judged.recorded.setup.time)
    bound = binding_of(judged.context, judged.recorded, "stage2")
    assert binding_of(judged.context, alone, "stage2") == bound


def test_conditions_and_comments(judged: Judged) -> None:
    """A conditional sign-off states text, owner and day of each condition."""
    document = json.loads(
        prepare(
            judged,
            verdict="conditional",
            comment="see minutes",
            conditions=["Fix X|dev|2025-12-01", "Y|ops|2026-01-31|stage2.architecture_approved"],
        )
    )
    assert document["comment"] == "see minutes"
    assert document["conditions"][0] == {
        "id": f"stage2-{document['role']}-1",
        "text": "Fix X",
        "owner": "dev",
        "due": "2025-12-01",
        "closed_by": "signoff",
    }
    assert document["conditions"][1]["closed_by"] == "stage2.architecture_approved"
    assert len(document["conditions"]) == 2


def test_unknown_roles(judged: Judged) -> None:
    """A role gate.yaml does not know is refused, naming the known ones."""
    error = refused(judged, role="janitor")
    assert error.what == "there is no role 'janitor' in the settings"
    assert error.remedy is not None
    assert all(role in error.remedy for role in judged.context.config.roles)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"conditions": ["a|b"]}, "--condition 'a|b' is not TEXT|OWNER|DUE"),
        ({"conditions": ["a|b|c|d|e"]}, "is not TEXT|OWNER|DUE"),
        ({"conditions": ["a|b|2025-12-01|stage1.test_coverag"]}, "there is no rule 'stage1.test_coverag'"),
        ({"verdict": "conditional"}, "the verdict 'conditional' needs conditions"),
        ({"verdict": "maybe"}, "the signoff would not be valid"),
        ({"name": ""}, "the signoff would not be valid"),
        ({"conditions": ["a|b|tomorrow"], "verdict": "conditional"}, "is due on no day of the calendar"),
        ({"conditions": ["|b|2025-12-01"], "verdict": "conditional"}, "the signoff would not be valid"),
    ],
)
def test_invalid_signoffs_are_not_prepared(judged: Judged, changes: dict[str, Any], what: str) -> None:
    """What would break the contract later is refused now."""
    assert what in refused(judged, **changes).what


def test_a_name_that_is_no_text(judged: Judged) -> None:
    """Bytes of another encoding on the command line are a usage error, not a crash."""
    assert "not UTF-8" in refused(judged, name="\udcff").what


def test_what_is_signed_is_shown_as_on_the_first_screen(judged: Judged) -> None:
    """What is bound in full, then the table's remarks, what changed, and the command that shows the rest."""
    bound = binding_of(judged.context, judged.recorded, "stage2")
    page = Screen(arguments=" -w there")
    shown = [*review(judged.context, judged.decision, bound, judged.recorded, "cto", page)]
    assert shown[0].startswith(
        f"stage2 of {judged.decision.workspace}: {judged.decision.verdict.value} as of "
    )
    assert f"  sources   {judged.decision.subject.files} files, {bound.subject}" in shown
    assert any(line.startswith("weakened: ") for line in shown)
    assert "since the last approval:" in shown
    assert (shown[-1] == "all of it: gate explain stage2 -w there") == bool(judged.decision.violations)
