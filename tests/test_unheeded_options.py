"""An option that would have no effect beside the others is refused: nobody takes it for heeded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Gate = Callable[..., Any]
Make = Callable[..., Any]

CASES = {
    "evaluate stage1 --no-record --record-to https://x.example/api/logs/a": "--no-record records nothing",
    "evaluate stage1 --watch --record-to https://x.example/api/logs/a": "--watch records nothing",
    "evaluate stage1 --no-record --token-file t": "--token-file has no effect",
    "evaluate stage1 --token-file t": "add --record-to URL",
    "evaluate stage1 --client-certificate c.pem": "it is for --record-to",
    "evaluate stage1 --watch --accept-conditional": "--watch ends without a verdict",
    "evaluate stage1 --quiet -o json": "write FORMAT=PATH",
    "evaluate stage1 --show-successes -o json": "it is for the formats table, explain",
    "evaluate stage1 --language he": "add -o html, or leave out --language",
    "report --language he": "it is for the formats markdown, go-live, pdf, html",
    "report --show-successes -o sarif": "--show-successes has no effect",
    "report --trust-ref x trend": "write gate report trend --trust-ref",
    "report compare a.json b.json --operator o.yaml": "both decisions are files",
    "explain stage1 --rule checklist_total -o json": "--rule has no effect",
    "explain 0 --effective-time now": "a recorded decision is not judged again",
    "explain 0 --policy shipped": "--policy has no effect",
    "explain 0 --engine opa": "leave out --engine",
    "replay 0 --jobs 2": "one decision is no work to split",
    "replay 0 --cluster dask://x:1": "--cluster has no effect",
    "ledger show 0 --last 5": "one entry is printed",
    "ledger export -o json": "the entries are what is printed",
    "policy test shipped --watch -o json": "--watch shows the table",
    "policy whatif stage1 --set coverage.line_ppm=1 --jobs 2": "only a sweep is split among processes",
    "policy whatif stage1 --set coverage.line_ppm=1 --decision 0 --no-cache": "its own time and facts",
    "policy whatif stage1 --set coverage.line_ppm=1 --decision 0 --effective-time now": "its own time",
    "ibkr simulate --seconds 0 --workspace .": "it is for the provenance of --log",
    "ibkr conformance --case account --force -- true": "a single case writes nothing",
    "ibkr kill-switches --by x --switch KILL_PNL --limit MAX_DD_KILL_SWITCH=1 -- true": "--switch leaves out",
}


@pytest.mark.parametrize("line", CASES)
def test_an_option_without_an_effect_is_a_usage_error(gate: Gate, make_workspace: Make, line: str) -> None:
    """Exit code 2, with the option, the reason and the remedy, before anything is read or run."""
    done = gate(*line.split(), cwd=make_workspace({}))
    assert done.code == 2 and done.err.startswith("usage error: "), done.err
    assert CASES[line] in done.err and done.err.count("to do: ") == 1, done.err


def test_what_the_environment_sets_is_no_mistake(gate: Gate, make_workspace: Make) -> None:
    """Variables are set once for many commands; a flag that overrules one is meant."""
    environment = {"GATE_RECORD_TO": "https://x.example/api/logs/a", "GATE_LANGUAGE": "he"}
    done = gate("evaluate", "stage99", "--no-record", "-w", make_workspace({}), env=environment)
    assert done.code == 2 and "there is no stage 'stage99'" in done.err
