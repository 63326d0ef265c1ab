"""The end of tuning: a choice made again for each fold, paired differences, a table that reads back as it was."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest

from harness.competition import Resources, Strategy, Use
from harness.competition_file import parse_competition, read_competition
from harness.planning import Hardware
from harness.prepare import Setting, oof_rows, prepare
from harness.run import Options, run_all
from harness.store import Workspace
from harness.strategy_toml import toml_of
from harness.trials import below_median, fold_score, worse
from harness.tuned import paired, selected_score, tuned_name


@pytest.fixture
def toy(competitions, workspace):
    return prepare(Setting(competitions / "toy", workspace / "cache"))


@pytest.fixture
def runs(toy, workspace):
    options = Options(Workspace(workspace), Hardware("cpu", 1))
    strategies = [toy.competition.strategy(name) for name in ("near", "sharp")]
    return [o for o in run_all(toy, strategies, [0], options) if not o.plan.strategy.baseline]


def test_a_folds_score_is_the_one_that_the_run_has(toy, runs):
    from harness.store import read_stored

    for run in runs:
        stored = read_stored(run.plan.run.directory).result["fold_scores"]["log_loss"]
        np.testing.assert_allclose([fold_score(task, toy) for task in run.plan.tasks], stored)


def test_each_fold_comes_from_the_run_that_is_best_on_the_others(toy, runs):
    near, sharp = (run.result for run in runs)
    # near is better in each fold, so it is chosen everywhere
    assert selected_score(toy, [sharp, near]) == near.scores["log_loss"].oof
    rows, folds = oof_rows(toy)
    assert len(rows) == len(near.oof.targets)

    def swapped(fold):
        values = near.oof.predictions.values.copy()
        values[folds == fold] = sharp.oof.predictions.values[folds == fold]
        return replace(near, oof=replace(near.oof, predictions=replace(near.oof.predictions, values=values)))

    # a run that is bad in fold 0 alone looks best to fold 0, which then pays for it
    other = replace(sharp, oof=sharp.oof)
    assert selected_score(toy, [swapped(0), other]) > near.scores["log_loss"].oof


def test_differences_are_paired_by_fold_and_turned_so_that_more_is_better(toy, runs):
    from harness.store import read_stored

    near, sharp = (run.result for run in runs)
    pair = paired(toy, sharp, near)
    one, other = (np.array(read_stored(r.run.directory).result["fold_scores"]["log_loss"]) for r in (sharp, near))
    assert pair.gain == pytest.approx((one - other).mean())
    assert pair.stderr == pytest.approx((one - other).std(ddof=1) / np.sqrt(3))
    assert (pair.default, pair.best) == (sharp.scores["log_loss"].oof, near.scores["log_loss"].oof)
    backwards = paired(toy, near, sharp)
    assert backwards.gain == pytest.approx(-pair.gain)


def test_a_strategy_written_as_toml_reads_back_as_it_was(toy):
    strategy = Strategy(
        "odd.name-1",
        Use("local.means", {"sharpness": 0.1 + 0.2, "fail": 'a "quoted" one', "tiny": 1e-05, "on": True}),
        features=Use("weather.lags", {"lags": [1, 2], "rest": {"a b": 1}}),
        rebalancer=Use("imbalance.smote"),
        adjusters=(Use("temperature"), Use("threshold", {"by": "macro_f1"})),
        description="one\ntwo",
        refit=True,
        resources=Resources(cpus=2.0),
    )
    for one in (strategy, Strategy("bare", Use("local.means"))):
        table = tomllib.loads((toy.competition.home / "competition.toml").read_text() + "\n" + toml_of(one))
        found = parse_competition(table, toy.competition.home).strategy(one.name)
        assert found == one


def test_a_name_that_is_taken_gets_a_number(competitions):
    competition = read_competition(competitions / "toy")
    assert tuned_name(competition, "near") == "near-tuned"
    path = competitions / "toy/competition.toml"
    path.write_text(path.read_text() + "\n[strategies.near-tuned]\n")
    assert tuned_name(read_competition(competitions / "toy"), "near") == "near-tuned-2"


def test_a_trial_is_given_up_only_for_what_chance_does_not_explain():
    best = [0.50, 0.60, 0.40, 0.55]
    assert worse([0.53, 0.63], best, "min")  # the same deficit in both folds
    assert not worse([0.53], best, "min")
    assert not worse([0.60, 0.59], best, "min")
    assert not worse([0.47, 0.57], best, "min")
    assert worse([0.47, 0.57], best, "max")
    assert worse([0.53, 0.64, 0.42], best, "min")
    assert not worse(best, best, "min")
    others = [[0.5, 0.5, 0.5]] * 4
    assert not below_median([0.9, 0.9], others, "min")
    assert below_median([0.9, 0.9], [*others, [0.6, 0.6, 0.6]], "min")
    assert not below_median([0.9, 0.9], [*others, [0.6, 0.6, 0.6]], "max")
    assert not below_median([0.9], [*others, [0.6, 0.6, 0.6]], "min")
