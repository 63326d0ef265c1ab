"""Targets there and back: medians stay, means are smeared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness_airquality.models.choices import Plan
from harness_airquality.models.transforms import Smearing, forward, inverse, smearing
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.errors import DataError

TRANSFORMS: list[Any] = ["none", "log1p", "sqrt"]
floats = st.floats(0, 1e4, allow_nan=False)


@pytest.mark.parametrize("transform", TRANSFORMS)
@given(targets=arrays(np.float64, st.integers(1, 20), elements=floats))
def test_there_and_back_gives_the_targets(transform: Any, targets: np.ndarray) -> None:
    np.testing.assert_allclose(inverse(forward(targets, transform, "m"), transform), targets, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("transform", ["log1p", "sqrt"])
@given(
    values=arrays(np.float64, 4, elements=st.floats(3, 6)),
    residuals=arrays(np.float64, st.integers(1, 30), elements=st.floats(-2, 2)),
)
def test_smearing_is_the_mean_of_the_retransformed_residuals(
    transform: Any, values: np.ndarray, residuals: np.ndarray
) -> None:
    same = np.full(len(residuals), 4.0)
    expected = inverse(values[:, None] + residuals, transform).mean(axis=1)
    np.testing.assert_allclose(smearing(same, residuals, None, transform).mean(values), expected, rtol=1e-9)


@pytest.mark.parametrize("transform", ["log1p", "sqrt"])
@given(pairs=arrays(np.float64, (7, 2), elements=st.floats(2, 6)), weighted=st.booleans())
def test_the_mean_prediction_of_the_rows_is_their_mean_target(
    transform: Any, pairs: np.ndarray, weighted: bool
) -> None:
    values, targets = pairs.T
    weights = np.arange(1.0, 8.0) if weighted else None
    found = smearing(values, targets - values, weights, transform).mean(values)
    expected = np.average(inverse(targets, transform), weights=weights)
    np.testing.assert_allclose(np.average(found, weights=weights), expected, rtol=1e-9)


@pytest.mark.parametrize("spread", [0.2, 0.7])
def test_a_log_normal_variable_gets_its_mean(spread: float) -> None:
    residuals = np.random.default_rng(0).normal(0, spread, 400_000)
    predicted = np.random.default_rng(1).normal(3, 1, 400_000)
    mean = smearing(predicted, residuals, None, "log1p").mean(np.array([3.0]))[0] + 1
    assert mean == pytest.approx(np.exp(3 + spread**2 / 2), rel=0.01)


def test_weights_count_as_repetitions() -> None:
    values, residuals, weights = np.array([2.0, 3.0]), np.array([0.5, -0.2]), np.array([3, 1])
    weighted = smearing(values, residuals, weights.astype(np.float64), "sqrt")
    repeated = smearing(values.repeat(weights), residuals.repeat(weights), None, "sqrt")
    assert (weighted.first, weighted.second) == pytest.approx((repeated.first, repeated.second))


def test_residuals_of_zero_change_nothing() -> None:
    values = np.array([0.0, 1.0, 4.0])
    assert smearing(values, np.zeros(3), None, "log1p") == Smearing("log1p", 1.0)
    for transform in ("log1p", "sqrt"):
        unchanged = smearing(values, np.zeros(3), None, transform).mean(values)  # type: ignore[arg-type]
        np.testing.assert_allclose(unchanged, inverse(values, transform))  # type: ignore[arg-type]


def test_predictions_of_zero_have_no_slope() -> None:
    assert smearing(np.zeros(2), np.array([1.0, 2.0]), None, "sqrt") == Smearing("sqrt", 0.0, 2.5)


@pytest.mark.parametrize(("transform", "limit"), [("log1p", "above -1"), ("sqrt", "at least 0")])
def test_targets_outside_the_domain_are_counted(transform: Any, limit: str) -> None:
    with pytest.raises(DataError, match=rf"transform = '{transform}' needs targets .*{limit}, but 2 of 3 .*lowest -3"):
        forward(np.array([-3.0, -1.5, 2.0]), transform, "airquality.ridge")


def test_only_means_are_corrected() -> None:
    assert Plan("m", "log1p").corrects
    assert not Plan("m", "log1p", median=True).corrects
    assert not Plan("m", "none").corrects
    assert not Plan("m", "log1p", bias_correction=False).corrects


def test_an_interval_leaves_equal_tails() -> None:
    assert Plan("m", interval=0.9).quantiles == pytest.approx((0.05, 0.95))
    assert Plan("m").quantiles == ()
