"""Blends of runs: what may be blended, who a blend is, and what its line on the board says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.blending import Member, blend, blend_run, learn, note_of
from harness.builtin.blends import fit
from harness.competition import Blend
from harness.data import Predictions, TaskType
from harness.derived import stacked
from harness.nested import Learned
from harness.planning import Hardware
from harness.prepare import Setting, prepare
from harness.run import Options, run_all
from harness.store import Workspace

SPEC = Blend("both", ("near", "sharp"), "linear")


@pytest.fixture
def toy(competitions, workspace):
    return prepare(Setting(competitions / "toy", workspace / "cache"))


@pytest.fixture
def members(toy, workspace):
    options = Options(Workspace(workspace), Hardware("cpu", 1))
    strategies = [toy.competition.strategy(name) for name in SPEC.of]
    outcomes = [o for o in run_all(toy, strategies, [0], options) if not o.plan.strategy.baseline]
    return [Member(outcome.plan.strategy.name, outcome.plan.run, outcome.result) for outcome in outcomes]


@pytest.fixture
def told(toy, monkeypatch):
    found = []
    monkeypatch.setattr(toy.plugins, "tell", lambda event, **facts: found.append((event, facts.get("message", ""))))
    return found


def changed(member, **parts):
    return replace(member, result=replace(member.result, oof=replace(member.result.oof, **parts)))


@pytest.mark.parametrize("part", ["ids", "folds"])
def test_members_of_other_rows_or_folds_are_refused_in_one_line(part, toy, members, told, workspace):
    near, sharp = members
    oof = sharp.result.oof
    said = Predictions(oof.predictions.ids[::-1], oof.predictions.values, oof.predictions.columns)
    other = changed(sharp, predictions=said) if part == "ids" else changed(sharp, folds=oof.folds + 1)
    done = blend(toy, SPEC, [near, other], Workspace(workspace))
    assert done.result is None
    assert done.failure == "sharp and near do not have the same out-of-fold rows in the same folds"
    assert told == [("harness_warned", f"both is not blended: {done.failure}")]
    assert not done.run.directory.exists()


def test_a_failure_is_the_users_to_mend_if_those_of_all_failed_members_are(toy, members, told, workspace):
    near, sharp = members
    for mistake in (True, False):
        done = blend(toy, SPEC, [near, replace(sharp, result=None, mistake=mistake)], Workspace(workspace))
        assert (done.failure, done.mistake) == ("its member sharp failed", mistake)


def test_who_a_blend_is_depends_on_its_members_and_its_method(members, workspace):
    home = Workspace(workspace)
    run = blend_run(SPEC, members, home)
    assert (run.seed, run.label, run.strategy) == (0, "both", "both")
    assert run.run_id == blend_run(SPEC, members, home, ["near.depth=2"]).run_id
    assert run.run_id != blend_run(replace(SPEC, method="mean"), members, home).run_id
    other = replace(members[1], run=replace(members[1].run, run_id="sharp-s0-other"))
    assert run.run_id != blend_run(SPEC, [members[0], other], home).run_id


def test_each_fold_gets_weights_that_did_not_see_it(toy, members):
    oof = [member.result.oof for member in members]
    learned = learn(toy, "log_linear", oof)
    first, values = oof[0], stacked([scored.predictions for scored in oof])
    for fold, weights in learned.of_fold.items():
        others = first.folds != fold
        expected = fit("log_linear", values[:, others], first.targets[others], None, TaskType.MULTICLASS)
        np.testing.assert_allclose(weights, expected)
    flipped = [replace(one, targets=np.where(one.folds == 0, 0, one.targets)) for one in oof]
    again = learn(toy, "log_linear", flipped)
    np.testing.assert_allclose(again.of_fold[0], learned.of_fold[0])
    assert not np.allclose(again.of_fold[1], learned.of_fold[1])


def test_the_note_tells_weights_and_their_range():
    of_fold = {0: np.array([0.7, 0.3]), 1: np.array([0.5, 0.5])}
    learned = Learned(
        np.array([0.62, 0.38]), of_fold, np.empty((0, 2)), "linear", {0: "linear", 1: "linear"}, np.empty((0, 2))
    )
    assert note_of(SPEC, learned) == (
        "weights: near 0.62 (0.50 to 0.70 over folds), sharp 0.38 (0.30 to 0.50 over folds)"
    )
    pooled = replace(learned, method="log_linear")
    assert note_of(replace(SPEC, method="log_linear"), pooled).endswith(", sum 1.00")
    ranks = replace(learned, method="rank_mean", methods={0: "rank_mean", 1: "mean", 2: "rank_mean"})
    assert note_of(replace(SPEC, method="rank_mean"), ranks) == "rank mean of near, sharp"
    assert note_of(replace(SPEC, method="best"), ranks) == (
        "method rank_mean (chosen for each fold on the others: rank_mean 2 times, mean once); rank mean of near, sharp"
    )


def test_only_points_are_stacked_where_not_all_have_an_interval():
    ids = np.array(["a", "b"], dtype=object)
    point = Predictions(ids, np.array([[1.0], [2.0]]), ("point",))
    band = Predictions(ids, np.array([[3.0, 2.0, 4.0], [5.0, 4.0, 6.0]]), ("point", "lower", "upper"))
    assert stacked([point, band]).tolist() == [[[1.0], [2.0]], [[3.0], [5.0]]]
    assert stacked([band, band]).shape == (2, 2, 3)
