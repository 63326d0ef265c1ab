"""Who a run is: the same command is the same run, and anything its result depends on makes another one."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from harness.competition import Use
from harness.files import write_json
from harness.planning import (
    Hardware,
    _short,
    board_key,
    differences,
    plan_run,
    run_record,
    strategy_from_record,
    workspace_path,
)
from harness.plugins import Loaded
from harness.prepare import Setting, prepare
from harness.store import RUN, Workspace

CPU = Hardware("cpu", 1)


@pytest.fixture
def toy(competitions, workspace):
    return prepare(Setting(competitions / "toy", workspace / "cache"))


@pytest.fixture
def plan(toy, workspace):
    def make(prepared=toy, strategy=None, seed=0, hardware=CPU, facts=None):
        strategy = toy.competition.strategy("calibrated") if strategy is None else strategy
        return plan_run(prepared, strategy, seed, hardware, Workspace(workspace), facts or {})

    return make


def test_planning_twice_gives_the_same_run_and_writes_nothing(plan, workspace):
    one, other = plan(), plan(facts={"host": "another", "time": "later"})
    assert one.run.run_id == other.run.run_id
    assert one.tasks == other.tasks
    assert one.run.run_id.startswith("calibrated-s0-")
    assert one.run.directory == workspace / "runs" / "toy" / one.run.run_id
    assert list(workspace.iterdir()) == []


def test_there_is_a_task_for_each_fold_and_one_for_a_refit(plan, toy):
    one = plan()
    assert [task.fold for task in one.tasks] == [0, 1, 2]
    assert one.refit is None
    again = plan(strategy=replace(toy.competition.strategy("calibrated"), refit=True))
    assert again.refit.fold == -1
    assert again.tasks == tuple(replace(task, strategy=again.strategy) for task in one.tasks)
    assert again.refit.directory.name == "refit"


def relabelled(toy):
    loaded = [replace(one, version="other") if one.name == "local" else one for one in toy.plugins.loaded]
    plugins = type(toy.plugins)()
    plugins.__dict__.update(toy.plugins.__dict__)
    plugins.loaded = loaded
    return replace(toy, plugins=plugins)


CHANGES = {
    "model": lambda toy, s: {"strategy": replace(s, model=Use("constant"))},
    "parameter": lambda toy, s: {"strategy": replace(s, model=Use("local.means", {"sharpness": 4.5}))},
    "seed": lambda toy, s: {"seed": 1},
    "threads": lambda toy, s: {"hardware": Hardware("cpu", 2)},
    "device": lambda toy, s: {"hardware": Hardware("cuda", 1)},
    "data": lambda toy, s: {"prepared": replace(toy, dataset=replace(toy.dataset, digest="other"))},
    "split": lambda toy, s: {"prepared": replace(toy, split={**toy.split, "folds": 4})},
    "plugin's version": lambda toy, s: {"prepared": relabelled(toy)},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_predictions_depend_on_makes_another_run_with_other_tasks(plan, toy, change):
    one, other = plan(), plan(**change(toy, toy.competition.strategy("calibrated")))
    assert one.run.run_id != other.run.run_id
    assert {task.directory for task in one.tasks}.isdisjoint(task.directory for task in other.tasks)


EVALUATIONS = {
    "adjuster": lambda toy, s: {"strategy": replace(s, adjusters=())},
    "metrics": lambda toy, s: {"prepared": replace(toy, metrics=toy.metrics[:1])},
    "target prior": lambda toy, s: {"prepared": replace(toy, target_prior={"ash": 0.5, "beech": 0.25, "cedar": 0.25})},
}


@pytest.mark.parametrize("change", EVALUATIONS.values(), ids=EVALUATIONS)
def test_what_only_scores_depend_on_makes_another_run_that_shares_the_tasks(plan, toy, change):
    one, other = plan(), plan(**change(toy, toy.competition.strategy("calibrated")))
    assert one.run.run_id != other.run.run_id
    assert [task.directory for task in one.tasks] == [task.directory for task in other.tasks]


def test_a_parameter_set_to_its_default_is_the_same_run_and_descriptions_do_not_matter(plan, toy):
    near = toy.competition.strategy("near")
    explicit = replace(near, model=Use("local.means", {"sharpness": 1.0}), description="other words")
    assert plan(strategy=near).run.run_id == plan(strategy=explicit).run.run_id


def test_strategies_that_train_the_same_model_share_its_tasks(plan, toy):
    sharp, calibrated = (plan(strategy=toy.competition.strategy(name)) for name in ("sharp", "calibrated"))
    assert sharp.run.run_id != calibrated.run.run_id
    assert [task.directory for task in sharp.tasks] == [task.directory for task in calibrated.tasks]


def test_versions_of_the_plugins_in_use_are_part_of_the_identity(plan):
    versions = plan().run.identity["versions"]
    assert set(versions) == {"harness", "local"}


def test_boards_compare_runs_of_the_same_data_split_and_evaluation_only(toy):
    key = board_key(toy)
    assert board_key(replace(toy)) == key
    assert board_key(replace(toy, dataset=replace(toy.dataset, digest="other"))) != key
    assert board_key(replace(toy, split={**toy.split, "folds": 4})) != key
    assert board_key(replace(toy, target_prior={"ash": 1.0, "beech": 0.0, "cedar": 0.0})) != key


def test_a_new_run_tells_how_it_differs_from_the_latest_one(plan, toy, workspace):
    strategy = toy.competition.strategy("near")

    def with_sharpness(value):
        return plan(strategy=replace(strategy, model=Use("local.means", {"sharpness": value})))

    place = Workspace(workspace)
    assert differences(with_sharpness(1.0), place) == []
    for age, value in ((200, 2.0), (100, 3.0)):
        earlier = with_sharpness(value)
        path = earlier.run.directory / RUN
        write_json(path, run_record(earlier.run, earlier.strategy))
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    assert differences(with_sharpness(1.0), place) == ["model.sharpness: 3.0 -> 1.0"]
    assert differences(with_sharpness(2.0), place) == []  # it is known already
    assert differences(plan(strategy=strategy, seed=5), place) == []

    fast = with_sharpness(4.0)
    fast = replace(fast, run=replace(fast.run, fast=True))
    assert differences(fast, place) == []  # of a subsample, to whole ones
    write_json(fast.run.directory / RUN, run_record(fast.run, fast.strategy))
    assert differences(with_sharpness(1.0), place) == ["model.sharpness: 3.0 -> 1.0"]


def test_digests_are_told_by_their_beginnings():
    assert _short({"data.digest": f"{'0a' * 32}-fast"}, "data.digest") == "0a0a0a0a0a0a-fast"
    assert _short({"model.depth": 3}, "model.depth") == "3"
    assert _short({}, "model.depth") == "-"


def test_a_strategy_is_read_back_from_its_record(plan, toy):
    strategy = replace(
        toy.competition.strategy("calibrated"),
        features=Use("local.none", {"a": 1}),
        refit=True,
        overrides={"model.sharpness": 4.0},
    )
    plain = plan()
    record = json.loads(json.dumps(run_record(plain.run, strategy)))
    assert strategy_from_record(record) == strategy


def test_paths_in_records_are_relative_to_the_workspace(tmp_path):
    place = Workspace(tmp_path / "w")
    assert workspace_path(place.task("toy", "abc", "0"), place) == "runs/toy/tasks/abc/0"


def test_a_plugin_listed_without_offers_in_use_is_not_part_of_the_identity(plan, toy):
    before = plan().run.run_id
    toy.plugins.loaded.append(Loaded("stranger", "stranger", "1"))
    assert plan().run.run_id == before
