"""Risk models and limits refuse inputs that make no sense."""

from __future__ import annotations

import pytest

import fixtures as signed
from algo_trade.core.config import RiskLimits
from algo_trade.core.optimization.weights import optimise
from algo_trade.core.risk.covariance import ewma_covariance, is_positive_semidefinite, shrink

pytestmark = pytest.mark.unit


def test_bad_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        ewma_covariance([], 10)
    with pytest.raises(ValueError, match="differ in length"):
        ewma_covariance([[0.1], [0.1, 0.2]], 10)
    with pytest.raises(ValueError, match="outside"):
        shrink([[1.0]], 1.5)
    with pytest.raises(ValueError, match="positive"):
        RiskLimits(box=0)
    with pytest.raises(ValueError, match="differ in size"):
        optimise([0.1, 0.2], [[1.0]])
    with pytest.raises(ValueError, match="risk aversion"):
        optimise([0.1], [[1.0]], risk_aversion=0)


def test_an_indefinite_matrix_is_recognised() -> None:
    assert not is_positive_semidefinite([[1.0, 2.0], [2.0, 1.0]])
    assert not is_positive_semidefinite([[0.0, 1.0], [1.0, 1.0]])
    assert is_positive_semidefinite([[1.0, 1.0], [1.0, 1.0]])


def test_a_changed_fixture_is_recognised() -> None:
    data = signed.load("daily_closes")
    before = signed.signature(data)
    data["closes"]["SPY"][0] += 0.01
    assert signed.signature(data) != before
    assert signed.canonical({"b": [1.0, True, None], "a": "א"}) == '{"a":"א","b":[1,true,null]}'
