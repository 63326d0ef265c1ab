"""The constant model and the strategies the harness adds by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from harness.builtin.baselines import baselines_for, harness_models
from harness.builtin.metrics import harness_metrics
from harness.competition import Competition, DataSpec, Use
from harness.data import DatasetInfo, Examples, TaskType
from harness.errors import ConfigError, DataError, StoreError
from harness.offers import BuildContext
from harness.params import parse_params

RECIPE = next(iter(harness_models()))
METRICS = {metric.name: metric for metric in harness_metrics()}
MULTICLASS = DatasetInfo("d", TaskType.MULTICLASS, ("a", "b", "c"))
MULTILABEL = DatasetInfo("d", TaskType.MULTILABEL, ("a", "b", "c"))
REGRESSION = DatasetInfo("d", TaskType.REGRESSION)


class Log:
    def __init__(self):
        self.notes = []

    def epoch(self, step, **metrics):
        raise AssertionError("a constant has no epochs")

    def note(self, text):
        self.notes.append(text)


def examples(targets, weights=None):
    targets = np.asarray(targets)
    ids = np.array([f"r{i}" for i in range(len(targets))], dtype=object)
    return Examples(ids, np.zeros((len(targets), 1)), targets, weights=None if weights is None else np.array(weights))


def build(info, **given):
    return RECIPE.build(parse_params(RECIPE.params, given, "strategy"), info, BuildContext())


def fitted(info, train, **given):
    model = build(info, **given)
    model.fit(train, None, Log())
    return model


@pytest.mark.parametrize(
    ("info", "given", "targets", "weights", "expected"),
    [
        (MULTICLASS, {}, [0, 0, 1, 0], None, [0.75, 0.25, 0]),
        (MULTICLASS, {"predict": "prior"}, [0, 0, 1], [1.0, 1.0, 6.0], [0.25, 0.75, 0]),
        (MULTICLASS, {"predict": "majority"}, [0, 2, 2], None, [0, 0, 1]),
        (MULTICLASS, {"predict": "majority"}, [0, 2, 2], [3.0, 1.0, 1.0], [1, 0, 0]),
        (MULTICLASS, {"predict": "majority"}, [2, 1], None, [0, 1, 0]),
        (MULTICLASS, {"predict": "shares", "shares": {"c": 0.5, "a": 0.2, "b": 0.3}}, [0], None, [0.2, 0.3, 0.5]),
        (MULTICLASS, {"shares": {"c": 1, "a": 0, "b": 0}}, [0], None, [0, 0, 1]),
        (MULTILABEL, {}, [[1, 1, 0], [1, 0, 0]], None, [1, 0.5, 0]),
        (MULTILABEL, {}, [[1, 1, 0], [1, 0, 0]], [3.0, 1.0], [1, 0.75, 0]),
        (MULTILABEL, {"predict": "majority"}, [[1, 1, 0], [1, 0, 0], [1, 1, 0]], None, [1, 1, 0]),
        (MULTILABEL, {"shares": {"a": 0.9, "b": 0.9, "c": 0.9}}, [[0, 0, 0]], None, [0.9, 0.9, 0.9]),
        (REGRESSION, {}, [1.0, 2.0, 6.0], None, [3.0]),
        (REGRESSION, {"predict": "mean"}, [1.0, 2.0], [1.0, 3.0], [1.75]),
        (REGRESSION, {"predict": "median"}, [1.0, 2.0, 4.0, 9.0], None, [3.0]),
        (REGRESSION, {"predict": "median"}, [1.0, 2.0, 9.0], [1.0, 1.0, 3.0], [9.0]),
    ],
)
def test_hand_worked(info, given, targets, weights, expected):
    model = fitted(info, examples(targets, weights), **given)
    new = examples(np.zeros(2))
    predicted = model.predict(new)
    assert predicted.columns == info.outputs
    assert predicted.ids is new.ids
    np.testing.assert_allclose(predicted.values, [expected, expected], rtol=0, atol=1e-15)


def test_prior_and_median_as_scikit_learn():
    rng = np.random.default_rng(1)
    X, labels, numbers, weights = np.zeros((90, 1)), rng.integers(0, 3, 90), rng.normal(size=90), rng.random(90)
    prior = DummyClassifier(strategy="prior").fit(X, labels, weights).predict_proba(X[:1])
    np.testing.assert_allclose(fitted(MULTICLASS, examples(labels, weights)).values, prior[0])
    mean = DummyRegressor(strategy="mean").fit(X, numbers, weights).predict(X[:1])
    np.testing.assert_allclose(fitted(REGRESSION, examples(numbers, weights)).values, mean)


def test_each_constant_is_the_best_of_its_loss():
    rng = np.random.default_rng(2)
    numbers, labels = rng.exponential(size=101), rng.integers(0, 3, 101)

    def scores(name, info, train, given, others):
        own = fitted(info, train, **given).predict(train).values
        best = METRICS[name].score(train.targets, own, None, None)
        return best, [METRICS[name].score(train.targets, own * 0 + other, None, None) for other in others]

    grid = np.linspace(0, 3, 50)[:, None]
    for name, given in (("mae", {"predict": "median"}), ("rmse", {"predict": "mean"})):
        best, rest = scores(name, REGRESSION, examples(numbers), given, grid)
        assert best <= min(rest), name
    for name in ("log_loss", "brier"):
        best, rest = scores(name, MULTICLASS, examples(labels), {}, rng.dirichlet(np.ones(3), 50))
        assert best <= min(rest), name


def test_saved_and_loaded_it_predicts_the_same_bytes(tmp_path: Path):
    train = examples([0, 1, 1, 2, 2, 2, 2])
    model = fitted(MULTICLASS, train)
    model.save(tmp_path)
    again = build(MULTICLASS)
    again.load(tmp_path)
    assert again.predict(train).values.tobytes() == model.predict(train).values.tobytes()
    with pytest.raises(StoreError, match="predicts a, b, c, expected x, y; train it again"):
        build(DatasetInfo("d", TaskType.BINARY, ("x", "y"))).load(tmp_path)


def test_it_says_what_it_predicts():
    log = Log()
    build(MULTICLASS).fit(examples([0, 0, 1, 0]), None, log)
    assert log.notes == ["predicts a 0.75, b 0.25, c 0 for every row"]


@pytest.mark.parametrize(
    ("info", "given", "told"),
    [
        (MULTICLASS, {"predict": "mean"}, "predict = 'mean' does not fit task 'multiclass': 'prior', 'majority'"),
        (REGRESSION, {"predict": "prior"}, "predict = 'prior' does not fit task 'regression': 'mean' or 'median' do"),
        (MULTICLASS, {"predict": "priors"}, "predict = 'priors'"),
        (MULTICLASS, {"predict": "shares"}, "do not fit together"),
        (MULTICLASS, {"predict": "prior", "shares": {"a": 1.0}}, "do not fit together"),
        (MULTICLASS, {"shares": {"a": 0.5, "bb": 0.5}}, "no class 'bb'"),
        (MULTICLASS, {"shares": {"a": 0.5, "b": 0.5}}, "shares: missing c"),
        (MULTICLASS, {"shares": {"a": 0.5, "b": 0.5, "c": 0.5}}, "expected shares that sum to 1"),
        (MULTILABEL, {"shares": {"a": 0.5, "b": 0.5, "c": 1.5}}, "expected rates between 0 and 1"),
    ],
)
def test_what_does_not_fit_is_refused(info, given, told):
    with pytest.raises(ConfigError, match=told) as caught:
        build(info, **given)
    assert "\n" not in str(caught.value)


def test_rows_that_weigh_nothing_are_refused():
    with pytest.raises(DataError, match="no training row with a target and a weight"):
        fitted(MULTICLASS, examples([0, 1], [0.0, 0.0]))


def competition(task):
    return Competition("c", Path(), "C", task, ("log_loss",), DataSpec("s"), Use("random"), ())


@pytest.mark.parametrize("info", [MULTICLASS, MULTILABEL, REGRESSION])
@pytest.mark.parametrize("shares", [None, {"a": 0.2, "b": 0.3, "c": 0.5}])
def test_baselines_can_be_built(info, shares):
    for strategy in baselines_for(competition(info.task_type), shares):
        assert strategy.baseline
        assert strategy.description
        assert strategy.model.name == RECIPE.name
        build(info, **strategy.model.params)


def test_baselines_of_a_task():
    shares = {"a": 0.2, "b": 0.3, "c": 0.5}
    names = {
        (task.value, bool(given)): [strategy.name for strategy in baselines_for(competition(task), given)]
        for task in TaskType
        for given in (None, shares)
    }
    for task in ("binary", "multiclass", "multilabel"):
        assert names[task, False] == ["baseline-prior"]
        assert names[task, True] == ["baseline-prior", "baseline-target-prior"]
    assert names["regression", False] == names["regression", True] == ["baseline-mean", "baseline-median"]


def test_the_target_prior_is_predicted_exactly():
    shares = {"b": 0.3, "c": 0.5, "a": 0.2}
    target = baselines_for(competition(TaskType.MULTICLASS), shares)[1]
    assert fitted(MULTICLASS, examples([0, 1, 1]), **target.model.params).values == [0.2, 0.3, 0.5]


def test_shares_are_part_of_an_identity():
    from harness.params import as_json

    params = parse_params(RECIPE.params, {"shares": {"a": 1.0}}, "strategy")
    assert as_json(params) == {"predict": "auto", "shares": {"a": 1.0}}
    assert as_json(replace(params, shares=None)) == {"predict": "auto", "shares": None}
