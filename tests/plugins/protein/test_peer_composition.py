"""Gradient boosting on composition, and the numbers it reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from harness_protein.peers.composition import CompositionParams, build, recipe
from harness_protein.peers.descriptors import CHARGE, HYDROPATHY, SCALES, describe, names
from harness_protein.residues import ALPHABET

from harness.data import Dataset
from harness.errors import DataError, StoreError
from harness.offers import BuildContext
from harness.testing import check_model, failures
from tests.plugins.protein.peer_families import Log, families, log_loss, odd_rows, prior_loss

SMALL = CompositionParams(pairs=0, lags=2, iterations=8, rate=0.2)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return families()


def described(sequence: str, pairs: int = 1, lags: int = 3) -> dict[str, float]:
    return dict(zip(names(range(1, pairs + 1), lags), describe([sequence], range(1, pairs + 1), lags)[0], strict=True))


def test_the_kit_passes(data):
    findings = list(check_model(recipe(), SMALL, data, hostile=True))
    assert failures(findings) == []
    assert not any(found.skipped for found in findings)


def test_composition_is_learned(data):
    rng = np.random.default_rng(0)
    letters = np.array(list(ALPHABET))

    def drawn(examples):
        truth = examples.meta["truth"].to_numpy()
        shares = [np.where(np.arange(20) % 3 == code, 3.0, 1.0) for code in range(3)]
        made = ["".join(rng.choice(letters, 60, p=shares[code] / shares[code].sum())) for code in truth]
        return examples.with_inputs(np.array(made, object))

    train, test = drawn(data.train), drawn(data.test)
    model = build(replace(SMALL, iterations=40), data.info, BuildContext())
    model.fit(train, None, Log())
    assert log_loss(model.predict(test).values, test.meta["truth"].to_numpy()) < 0.6 * prior_loss(data)


def test_shares_and_pairs_by_hand():
    found = described("AACX", pairs=2)
    assert found["log length"] == pytest.approx(np.log(4))
    assert (found["share A"], found["share C"], found["share X"]) == (0.5, 0.25, 0.25)
    assert found["pair AA at 1"] == found["pair AC at 1"] == pytest.approx(1 / 3)
    assert found["pair AC at 2"] == 0.5
    assert sum(value for name, value in found.items() if name.endswith("at 2")) == 0.5


def test_scales_are_those_of_their_papers():
    assert all(set(scale) == set(ALPHABET) for scale in SCALES)
    # the extremes of Kyte and Doolittle's table
    assert max(HYDROPATHY, key=HYDROPATHY.__getitem__) == "I"
    assert min(HYDROPATHY, key=HYDROPATHY.__getitem__) == "R"
    values = np.array([CHARGE[letter] for letter in ALPHABET])
    found = described("KDK", lags=1)
    charged = (np.array([1.0, -1.0, 1.0]) - values.mean()) / values.std()
    assert found["charge mean"] == pytest.approx(charged.mean(), rel=1e-5)
    assert found["charge lag 1"] == pytest.approx(charged[0] * charged[1], rel=1e-5)


def test_places_and_steps_by_hand():
    found = described("CAAD")
    assert found["mean place of C"] == pytest.approx(1 / 8)
    assert found["mean place of RK"] == 0.5
    assert found["step AGV-AGV"] == found["step AGV-C"] == found["step AGV-DE"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("sequence", ["A", "X", "XX", "ACDEFGHIKLMNPQRSTVWY" * 100])
def test_any_sequence_has_finite_numbers(sequence):
    assert np.isfinite(describe([sequence], (1, 2), 10)).all()


def test_each_number_has_a_name():
    assert describe(["ACD", "X"], (1, 3), 4).shape == (2, len(names((1, 3), 4)))
    assert len(set(names((1, 3), 4))) == len(names((1, 3), 4))


def test_organisms_are_read_where_they_are_known(data):
    codes = {"mouse": 0, "yeast": 1, "human": 2}
    named = data.train.meta["organism"].map(codes).to_numpy()
    train = replace(data.train, targets=named)
    model = build(SMALL, data.info, BuildContext())
    model.fit(train, None, Log())
    truth = data.test.meta["organism"].map(codes).to_numpy()
    assert (model.predict(data.test).values.argmax(axis=1) == truth).mean() > 0.95
    assert model.predict(replace(data.test, meta=None)).values.shape == (len(data.test), 3)


def test_a_holdout_stops_the_training(data):
    params = replace(SMALL, holdout=True, iterations=60, rate=0.5)
    assert recipe().inner(params)
    model, log = build(params, data.info, BuildContext()), Log()
    noise = replace(data.train, targets=np.random.default_rng(0).permutation(data.train.targets))
    cut = len(noise) * 3 // 4
    model.fit(noise.take(np.arange(cut)), noise.take(np.arange(cut, len(noise))), log)
    losses = [metrics["valid_loss"] for _, metrics in log.epochs]
    assert model.best_iteration == int(np.argmin(losses)) + 1
    assert len(losses) < 60


def test_a_stored_model_predicts_the_same_of_odd_sequences(data, tmp_path):
    model = build(SMALL, data.info, BuildContext())
    model.fit(data.train, None, Log())
    model.save(tmp_path)
    again = build(SMALL, data.info, BuildContext())
    again.load(tmp_path)
    rows = odd_rows(data)
    np.testing.assert_array_equal(model.predict(rows).values, again.predict(rows).values)
    with pytest.raises(StoreError, match="other classes"):
        build(SMALL, replace(data.info, classes=("x", "y", "z")), BuildContext()).load(tmp_path)


def test_a_class_that_training_lacks_has_a_small_probability(data):
    train = data.train.take(np.flatnonzero(data.train.targets != 1))
    model = build(SMALL, data.info, BuildContext())
    model.fit(train, None, Log())
    np.testing.assert_allclose(model.predict(data.test).values[:, 1], 1 / (len(train) + 3), rtol=0.01)


def test_one_class_is_refused(data):
    with pytest.raises(DataError, match="one class"):
        build(SMALL, data.info, BuildContext()).fit(
            data.train.take(np.flatnonzero(data.train.targets == 0)), None, Log()
        )
