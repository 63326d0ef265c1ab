"""Adjusters in a chain: a fold's predictions are never adjusted by a fit that saw them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.adjusting import Link, Raw, adjust, apply_chain, chain_of, columns_after, default_decisions, restore_chain
from harness.competition import Strategy, Use
from harness.data import TaskType
from harness.errors import ConfigError, PluginError
from harness.offers import CLASSIFICATION, Adjuster
from harness.params import NoParams
from harness.prepare import Setting, prepare


@pytest.fixture
def toy(competitions, workspace):
    return prepare(Setting(competitions / "toy", workspace / "cache"))


class Spy:
    """Marks the first column of its values with `mark`, and tells what it was given."""

    def __init__(self, seen, mark=0.0, decisions=None):
        self.seen, self.mark, self.decisions, self.notes = seen, mark, decisions, []

    def fit(self, oof):
        self.seen.append(("fit", self.mark, oof))
        self.learned = float(oof.targets.sum())
        self.notes = [f"learned {self.learned:g}"]

    def apply(self, values, reference, meta=None):
        self.seen.append(("apply", self.mark, values, reference))
        return shifted(values, self.mark)

    def decide(self, values):
        return None if self.decisions is None else np.tile(self.decisions, (len(values), 1))

    def state(self):
        return {"learned": self.learned, "mark": self.mark}

    def restore(self, state):
        self.learned, self.mark = state["learned"], state["mark"]


def shifted(values, mark):
    """Move probability from the second to the first column: rows still sum to 1."""
    return values + np.array([mark, -mark, 0.0])


def link(build) -> Link:
    return Link(Adjuster("local.spy", "spy", CLASSIFICATION, NoParams, lambda params, info: build()), NoParams())


def raw(n=12, folds=3, **changes) -> Raw:
    rng = np.random.default_rng(0)
    values = rng.dirichlet(np.full(3, 50.0), n)
    parts = {
        "oof": values,
        "folds": np.arange(n) % folds,
        "targets": np.arange(n) % 3,
        "weights": np.arange(n) + 1.0,
        "meta": pd.DataFrame({"row": np.arange(n)}),
        "valid": rng.dirichlet(np.full(3, 50.0), 4),
        "test": rng.dirichlet(np.full(3, 50.0), 5),
        "test_of_fold": {fold: rng.dirichlet(np.full(3, 50.0), 5) for fold in range(folds)},
        "natural_shares": np.array([0.2, 0.3, 0.5]),
        "trained_shares": np.full(3, 1 / 3),
    }
    return Raw(**{**parts, **changes})


def test_each_fold_is_adjusted_by_a_fit_on_the_other_folds_only(toy):
    seen, given = [], raw()
    adjusted = adjust([link(lambda: Spy(seen, 0.01))], toy, given, seed=7)
    fits = [event[2] for event in seen if event[0] == "fit"]
    assert len(fits) == 4  # three folds, then all rows for the test set
    for fold, fit in enumerate(fits[:3]):
        others = np.flatnonzero(given.folds != fold)
        assert fit.meta["row"].tolist() == others.tolist()
        assert list(fit.meta.index) == list(range(len(others)))
        assert np.array_equal(fit.values, given.oof[others])
        assert np.array_equal(fit.targets, given.targets[others])
        assert np.array_equal(fit.weights, given.weights[others])
        assert (fit.seed, list(fit.natural_shares)) == (7, [0.2, 0.3, 0.5])
    assert fits[3].meta["row"].tolist() == list(range(12))
    assert adjusted.oof == pytest.approx(shifted(given.oof, 0.01))
    assert adjusted.test == pytest.approx(shifted(given.test, 0.01))
    assert adjusted.valid == pytest.approx(shifted(given.valid, 0.01))


def test_a_folds_reference_is_what_its_own_model_predicts_for_the_test_set(toy):
    seen, given = [], raw()
    adjust([link(lambda: Spy(seen, 0.01))], toy, given, seed=0)
    applied = [event for event in seen if event[0] == "apply" and len(event[2]) == 4 and event[3] is not None]
    for fold in range(3):
        rows = given.oof[given.folds == fold]
        (reference,) = [event[3] for event in applied if np.array_equal(event[2], rows)]
        assert reference is given.test_of_fold[fold]
    whole = [event for event in applied if np.array_equal(event[2], given.valid)]
    assert whole[0][3] is given.test


def test_later_adjusters_of_a_chain_learn_from_what_earlier_ones_return(toy):
    seen, given = [], raw()
    chain = [link(lambda: Spy(seen, 0.01)), link(lambda: Spy(seen, 0.02))]
    adjusted = adjust(chain, toy, given, seed=0)
    first, second = [event for event in seen if event[0] == "fit"][:2]
    assert (first[1], second[1]) == (0.01, 0.02)
    assert second[2].values == pytest.approx(shifted(first[2].values, 0.01))
    assert adjusted.oof == pytest.approx(shifted(given.oof, 0.03))
    # the second one's reference has gone through the first
    later = [event for event in seen if event[:2] == ("apply", 0.02)]
    references = [event[3] for event in later]
    assert any(np.allclose(reference, shifted(given.test, 0.01)) for reference in references)
    assert not any(np.allclose(reference, given.test) for reference in references if len(reference) == 5)
    assert adjusted.notes == ("learned 12", "learned 12")


def test_a_single_fold_is_cut_into_parts_and_none_is_adjusted_by_itself(toy):
    seen, given = [], raw(n=11, folds=1)
    adjusted = adjust([link(lambda: Spy(seen, 0.01))], toy, given, seed=0)
    fits = [set(event[2].meta["row"]) for event in seen if event[0] == "fit"]
    assert len(fits) == 6
    left_out = [set(range(11)) - rows for rows in fits[:5]]
    assert set.union(*left_out) == set(range(11))
    assert sum(map(len, left_out)) == 11
    assert fits[5] == set(range(11))
    assert adjusted.oof == pytest.approx(shifted(given.oof, 0.01))


def test_without_adjusters_values_stay_and_decisions_are_the_defaults(toy):
    given = raw(valid=None, test=None)
    adjusted = adjust([], toy, given, seed=0)
    assert np.array_equal(adjusted.oof, given.oof)
    assert np.array_equal(adjusted.oof_decisions, np.eye(3)[given.oof.argmax(axis=1)])
    assert (adjusted.valid, adjusted.test, adjusted.test_decisions) == (None, None, None)
    assert adjusted.columns == ("ash", "beech", "cedar")
    assert adjusted.states == ()


def test_default_decisions_by_hand():
    values = np.array([[0.5, 0.5], [0.4, 0.6], [0.2, 0.1]])
    assert default_decisions(values, TaskType.BINARY).tolist() == [[1, 0], [0, 1], [1, 0]]
    assert default_decisions(values, TaskType.MULTILABEL).tolist() == [[1, 1], [0, 1], [0, 0]]
    assert default_decisions(values, TaskType.REGRESSION) is None


def test_the_last_adjuster_that_decides_does(toy):
    given = raw()
    first, last = [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]
    both = adjust([link(lambda: Spy([], 0, first)), link(lambda: Spy([], 0, last))], toy, given, seed=0)
    assert both.oof_decisions.tolist() == [last] * 12
    assert both.test_decisions.tolist() == [last] * 5
    only = adjust([link(lambda: Spy([], 0, first)), link(lambda: Spy([], 0, None))], toy, given, seed=0)
    assert only.oof_decisions.tolist() == [first] * 12


def test_a_chain_restored_from_its_states_adjusts_alike(toy):
    links = [
        Link(toy.plugins.offers(Adjuster)["temperature"], NoParams()),
        Link(toy.plugins.offers(Adjuster)["isotonic"], NoParams()),
    ]
    given = raw(n=60)
    adjusted = adjust(links, toy, given, seed=0)
    chain = restore_chain(links, toy, json.loads(json.dumps(adjusted.states)))
    values, decisions = apply_chain(chain, given.test, None, TaskType.MULTICLASS)
    assert np.array_equal(values, adjusted.test)
    assert np.array_equal(decisions, adjusted.test_decisions)


def test_an_adjuster_that_returns_what_is_no_probability_is_refused(toy):
    with pytest.raises(PluginError, match=r"adjusters of fold 0 predicted probabilities outside \[0, 1\]"):
        adjust([link(lambda: Spy([], 2.0))], toy, raw(), seed=0)


def test_columns_are_those_of_the_last_adjustment_that_adds_some():
    class Interval(Spy):
        columns = ("point", "lower", "upper")

    assert columns_after([Spy([]), Interval([]), Spy([])], ("point",)) == ("point", "lower", "upper")


def test_a_chain_is_refused_where_an_adjuster_is_unknown_unfit_or_forbidden(toy):
    def strategy(*uses):
        return Strategy("s", Use("local.means"), adjusters=tuple(Use(name) for name in uses))

    (found,) = chain_of(strategy("temperature"), toy)
    assert found.offer.name == "temperature"
    with pytest.raises(PluginError, match="did you mean 'temperature'"):
        chain_of(strategy("temperatur"), toy)
    toy.plugins.offers(Adjuster)["peeks"] = Adjuster("peeks", "", CLASSIFICATION, NoParams, Spy, sees_test=True)
    toy.plugins.offers(Adjuster)["unfit"] = Adjuster("unfit", "", frozenset(), NoParams, Spy)
    with pytest.raises(ConfigError, match="'unfit' does not fit task 'multiclass'"):
        chain_of(strategy("unfit"), toy)
    assert chain_of(strategy("peeks"), toy)
    rules = replace(toy.competition.rules, test_inputs=False)
    strict = replace(toy, competition=replace(toy.competition, rules=rules))
    with pytest.raises(ConfigError, match="learns from test inputs, which the rules forbid"):
        chain_of(strategy("peeks"), strict)
