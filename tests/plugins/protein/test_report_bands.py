"""Scores by identity to the nearest training sequence."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from harness_protein.report.bands import band_table, per_row, report

from harness.data import Dataset, Examples
from tests.plugins.protein.conftest import mutated, random_sequence

DISTANT, NEAR = 0, 3


@pytest.fixture
def two_kinds(info):
    """Forty rows whose only relative is in the other fold at 80%, and twenty that have none."""
    rng = np.random.default_rng(0)
    ancestors = [random_sequence(rng, 200) for _ in range(40)]
    relatives = [mutated(rng, one, 0.8) for one in ancestors[:20]]
    texts = np.array(ancestors + relatives, dtype=object)
    ids = np.array([f"s{i}" for i in range(60)], dtype=object)
    examples = Examples(ids, texts, (np.arange(60) % 3).astype(np.int64))
    folds = np.r_[np.zeros(20), np.arange(20) % 2, np.ones(20)].astype(np.int64)
    return Dataset(info, examples), folds


def values_for(targets, near) -> np.ndarray:
    """Sure and right where a relative is known, else evenly unsure."""
    values = np.full((len(targets), 3), 1 / 3)
    values[near] = 0.05 + 0.85 * np.eye(3)[targets[near]]
    return values


def test_bands_hold_the_rows_that_belong_to_them(two_kinds, run_result):
    dataset, folds = two_kinds
    near = np.r_[np.arange(20), np.arange(40, 60)]
    result = run_result(dataset.train, values_for(dataset.train.targets, near), folds)
    table = band_table(dataset, result.oof)
    assert table["rows"].tolist()[DISTANT] == 20
    assert table["rows"].sum() == 60
    assert table.loc[DISTANT, "log_loss"] == pytest.approx(np.log(3))
    assert table.loc[DISTANT, "log_loss_se"] == pytest.approx(0, abs=1e-12)
    assert table.loc[NEAR, "accuracy"] == 1
    assert table.loc[NEAR, "log_loss"] == pytest.approx(-np.log(0.9))


def test_rows_are_joined_by_id(two_kinds, run_result):
    dataset, folds = two_kinds
    order = np.random.default_rng(0).permutation(60)
    values = np.random.default_rng(1).dirichlet(np.ones(3), 60)
    one = run_result(dataset.train, values, folds)
    other = run_result(dataset.train.take(order), values[order], folds[order])
    pd.testing.assert_frame_equal(band_table(dataset, one.oof), band_table(dataset, other.oof))


def test_log_loss_is_that_of_scikit_learn(two_kinds, run_result):
    from sklearn.metrics import accuracy_score, log_loss

    dataset, folds = two_kinds
    values = np.random.default_rng(1).dirichlet(np.ones(3), 60)
    right, loss = per_row(run_result(dataset.train, values, folds).oof)
    assert loss.mean() == pytest.approx(log_loss(dataset.train.targets, values))
    assert right.mean() == accuracy_score(dataset.train.targets, values.argmax(axis=1))


def test_a_table_and_a_figure_are_written(two_kinds, run_result, competition, tmp_path):
    dataset, folds = two_kinds
    result = run_result(dataset.train, values_for(dataset.train.targets, np.arange(40)), folds)
    made = {one.name: one for one in report(competition, dataset, result)}
    assert list(made) == ["identity_bands.csv", "identity_bands.png"]
    for name, artifact in made.items():
        artifact.write(tmp_path / name)
    assert len(pd.read_csv(tmp_path / "identity_bands.csv")) == 5
    assert (tmp_path / "identity_bands.png").read_bytes()[:4] == b"\x89PNG"


def test_other_data_and_imports_have_none(two_kinds, run_result, competition):
    dataset, folds = two_kinds
    values = values_for(dataset.train.targets, np.arange(40))
    strange = SimpleNamespace(data=SimpleNamespace(source="imbalance.table"))
    assert list(report(strange, dataset, run_result(dataset.train, values, folds))) == []
    assert list(report(competition, dataset, run_result(dataset.train, values, np.full(60, -1)))) == []
