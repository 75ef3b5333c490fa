"""What needs an extra says which one, where that is not installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from gate.engine.store import open_store
from gate.evidence.base.errors import EnvironmentProblem

_URL = "postgresql://owner@127.0.0.1:1/compliance"
_SERVICE = "version: 1\nlogs: [{name: desk, ledger: ledger}]\n"


@pytest.mark.parametrize(
    ("extra", "missing", "command"),
    [
        (
            "dask",
            ["dask", "distributed"],
            "policy impact shipped --base shipped --cluster dask://127.0.0.1:1",
        ),
        ("oci", ["oras", "oras.provider"], "policy pull 127.0.0.1:1/policies:1 -o pulled.tar.gz"),
        ("opa", ["opa_client"], "evaluate stage1 --no-record --engine opa=http://127.0.0.1:1"),
        ("parquet", ["pyarrow", "pyarrow.parquet"], "ledger export columns.parquet --format parquet"),
        ("pdf", ["weasyprint"], "evaluate stage1 --no-record -o pdf=report.pdf"),
        ("postgres", ["psycopg"], f"ledger prepare {_URL} --writer ci"),
        ("serve", ["uvicorn"], "serve {root}/service.yaml"),
    ],
)
def test_a_missing_extra_is_named(
    gate: Any,
    copy_example: Any,
    monkeypatch: pytest.MonkeyPatch,
    extra: str,
    missing: list[str],
    command: str,
) -> None:
    """One error with the command that installs it, exit code 2."""
    root: Path = copy_example("ready")
    (root / "service.yaml").write_text(_SERVICE)
    block(monkeypatch, *missing)
    where = ("-w", root) if command.split()[0] in ("evaluate", "ledger export") else ()
    done = gate(*command.format(root=root).split(), *where)
    assert (done.code, f"compliance-gate[{extra}]" in done.err) == (2, True), done
    assert done.err.count("\n") <= 4


def test_object_storage_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same of a store of evidence."""
    block(monkeypatch, "obstore", "obstore.store")
    with pytest.raises(EnvironmentProblem) as caught:
        open_store("s3://bucket/prefix")
    assert caught.value.remedy == 'pip install "compliance-gate[s3]"'


def block(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    """Make importing these fail, also for modules of gate that have done it already."""
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    users = ("gate.engine.serve.", "gate.engine.policy.engines.opa.")
    for name in [one for one in sys.modules if one.startswith(users)]:
        monkeypatch.delitem(sys.modules, name)
