"""Every offer keeps what the harness relies on, and learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from harness.data import Dataset
from harness.testing import check_model, check_plugin, check_rebalancer, failures

from harness_digits.cnn import CNN, CnnParams
from harness_digits.few import FEW_LABELS, FewLabelsParams, rebalance
from harness_digits.logistic import LOGISTIC, LogisticParams

QUICK = {"epochs": 2, "pretrain_epochs": 1}


@pytest.fixture(scope="session")
def few(digits: Dataset) -> Dataset:
    """Return 250 training and 50 test rows."""
    return replace(digits, train=digits.train.take(np.arange(250)), test=digits.test.take(np.arange(50)))


def test_the_conformance_kit_finds_nothing() -> None:
    findings = check_plugin("digits")
    assert failures(findings) == []
    assert {found.offer for found in findings} == {
        "digits",
        "digits.csv",
        "digits.logistic",
        "digits.cnn",
        "digits.few_labels",
    }


@pytest.mark.parametrize(
    ("recipe", "params"),
    [
        (LOGISTIC, LogisticParams(max_iter=1000)),
        (CNN, CnnParams(**QUICK)),
        (CNN, CnnParams(pretext="autoencoder", **QUICK)),
        (CNN, CnnParams(pretext="denoising", code=8, **QUICK)),
        (CNN, CnnParams(pretext="variational", **QUICK)),
    ],
    ids=lambda value: getattr(value, "pretext", getattr(value, "name", "")),
)
def test_a_model_keeps_the_contract_on_pictures(few: Dataset, recipe, params) -> None:
    findings = list(check_model(recipe, params, dataset=few))
    assert failures(findings) == []
    assert not any(found.skipped for found in findings)


def test_few_labels_keeps_a_share_of_each_class(digits: Dataset) -> None:
    assert failures(list(check_rebalancer(FEW_LABELS, dataset=digits))) == []
    kept = rebalance(FewLabelsParams(keep=0.1), digits.train, digits.info, seed=1)
    before, after = np.bincount(digits.train.targets), np.bincount(kept.targets)
    assert after.tolist() == [round(0.1 * count) for count in before.tolist()]
    other = rebalance(FewLabelsParams(keep=0.1), digits.train, digits.info, seed=2)
    assert set(kept.ids) != set(other.ids)
