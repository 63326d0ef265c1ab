"""Prior correction for known sampling against the analytic posterior and the published formula."""

from __future__ import annotations

import json

import numpy as np
import pytest
from harness_imbalance.adjusters import adjusters
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from harness.data import DatasetInfo, TaskType
from harness.offers import AdjusterInput, Adjustment


def build(k: int = 2) -> Adjustment:
    offer = {offer.name: offer for offer in adjusters()}["imbalance.sampling_correction"]
    task = TaskType.BINARY if k == 2 else TaskType.MULTICLASS
    return offer.build(offer.params(), DatasetInfo("d", task, tuple("abcd"[:k])))


def fitted(natural: list[float] | None, trained: list[float] | None) -> Adjustment:
    k = len(natural or trained or [0, 0])
    adjustment = build(k)
    shares = [None if part is None else np.array(part) for part in (natural, trained)]
    adjustment.fit(AdjusterInput(np.full((1, k), 1 / k), np.zeros(1, dtype=np.int64), None, None, *shares, 0))
    return adjustment


@given(
    minority=st.floats(0.001, 0.5),
    kept=st.floats(0.01, 1.0, exclude_max=True),
    sampled=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5),
)
def test_undersampling_is_the_published_formula(minority: float, kept: float, sampled: list[float]) -> None:
    left = np.array([kept * (1 - minority), minority])
    adjustment = fitted([1 - minority, minority], list(left / left.sum()))
    p_s = np.array(sampled)
    expected = kept * p_s / ((kept - 1) * p_s + 1)
    got = adjustment.apply(np.column_stack([1 - p_s, p_s]), None)
    np.testing.assert_allclose(got[:, 1], expected, rtol=1e-6, atol=1e-12)


def test_it_returns_the_analytic_posterior_of_three_classes() -> None:
    x = np.linspace(-4, 6, 50)[:, None]
    likelihood = -((x - np.array([0.0, 1.0, 3.0])) ** 2) / 2
    natural, trained = [0.7, 0.25, 0.05], [1 / 3, 1 / 3, 1 / 3]
    got = fitted(natural, trained).apply(softmax(likelihood + np.log(trained), axis=1), None)
    np.testing.assert_allclose(got, softmax(likelihood + np.log(natural), axis=1), rtol=1e-10)


@pytest.mark.parametrize(
    ("natural", "trained", "said"),
    [([0.9, 0.1], [0.9, 0.1], "natural class shares"), (None, None, "not known"), ([0.9, 0.1], None, "not known")],
)
def test_nothing_to_correct_leaves_values_and_says_so(
    natural: list[float] | None, trained: list[float] | None, said: str
) -> None:
    adjustment = fitted(natural, trained)
    values = np.array([[0.3, 0.7]])
    assert adjustment.apply(values, None) is values
    assert said in adjustment.notes[0]


def test_a_class_that_lost_every_row_is_named_and_rows_still_sum_to_one() -> None:
    adjustment = fitted([0.8, 0.15, 0.05], [0.5, 0.5, 0.0])
    assert "no training row was left of c" in adjustment.notes[1]
    got = adjustment.apply(np.array([[0.4, 0.4, 0.2]]), None)
    assert np.isfinite(got).all()
    assert got.sum() == pytest.approx(1)
    assert got[0, 0] / got[0, 1] == pytest.approx(0.8 / 0.15)


def test_certain_predictions_stay_certain() -> None:
    got = fitted([0.9, 0.1], [0.5, 0.5]).apply(np.array([[0.0, 1.0], [1.0, 0.0]]), None)
    np.testing.assert_allclose(got, [[0, 1], [1, 0]], atol=1e-12)


def test_state_survives_json() -> None:
    values = np.array([[0.3, 0.7], [0.9, 0.1]])
    for adjustment in (fitted([0.9, 0.1], [0.5, 0.5]), fitted(None, None)):
        again = build()
        again.restore(json.loads(json.dumps(adjustment.state())))
        np.testing.assert_array_equal(again.apply(values, None), adjustment.apply(values, None))
        assert again.notes == adjustment.notes
        assert again.decide(values) is None
